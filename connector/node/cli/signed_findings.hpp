#pragma once

#include "connector/identity/statement.hpp"
#include "connector/node/cli/session.hpp"
#include "connector/provenance/verify.hpp"

#include <string>
#include <vector>

/// Signed findings on the side of who checks them: no node, no network.
namespace sluis::cli {

/// Public keys of data protection officers, PEM. invalid_argument: not such a file, or no Ed25519 key.
Result<std::vector<crypto::Key>> read_dpo_keys(const std::vector<std::string>& files);

/// What the entries of an exported log hold of signed findings. A statement that is not in order, that rests on another log, or whose
/// signature is wrong under the given key that it names, is what is wrong with its entry.
class SignedFindings {
 public:
  explicit SignedFindings(std::vector<crypto::Key> keys) : keys_(std::move(keys)) {}

  std::optional<std::string> check(const provenance::CheckedEntry& entry);
  /// As the last argument of `verify_export`; this outlives it.
  provenance::EntryCheck checks() {
    return [this](const provenance::CheckedEntry& entry) { return check(entry); };
  }
  std::uint64_t statements = 0;  ///< that are in order, under a given key or another
  std::uint64_t held = 0;        ///< signed with a key that was given
  std::uint64_t absent = 0;      ///< entries of statements that are not there, although such are never erased
  std::uint64_t entries = 0;     ///< of which there could have been a statement

  /// Keys were given, and some statements are signed with others, or are not there: they are not proven as asked.
  bool missed() const { return !keys_.empty() && (held != statements || absent != 0 || entries == 0); }
  /// A line; empty: there are none, and no keys.
  std::string told(const Options& options) const;
  json::Value to_json() const;

 private:
  std::vector<crypto::Key> keys_;
};

/// What a statement says, in lines for people.
std::string told(const identity::Statement& statement, const Options& options);

}  // namespace sluis::cli
