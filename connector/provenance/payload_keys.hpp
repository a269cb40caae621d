#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/random.hpp"
#include "connector/base/time.hpp"

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sluis::provenance {

/// The keys that wrap each payload's own key: one a month, each in a small file of its own (D30), 0600, on the disk before
/// its first use. Erasure gives a month a next key, under which what stays is wrapped again, and drops those before. A key that is gone
/// makes its payloads unreadable for ever; their proofs stay valid. Thread-safe.
class PayloadKeys {
 public:
  PayloadKeys(std::filesystem::path folder, Random& random) : folder_(std::move(folder)), random_(random) {}

  /// To which entry a payload belongs. A record is bound to the commitment; those of programs before to the number.
  struct Owner {
    std::uint64_t number = 0;
    const Hash& commitment;
  };

  /// Encrypts under a fresh key, wrapped by the newest key of the month of `recorded`; the commitment is bound in. Randomness is what the
  /// caller brings.
  Result<std::string> seal(std::string_view payload, const Hash& commitment, Timestamp recorded, Random& random);
  /// not_found: the month's key is gone. corruption: altered, or of another entry.
  Result<std::string> unseal(std::string_view sealed, const Owner& owner);
  /// Rises with each `begin_next`: what was sealed at another was perhaps sealed under a key that is about to go.
  std::uint64_t epoch() const { return epoch_; }

  /// The file of the key that a payload needs, without its folder. corruption.
  static Result<std::string> file_of(std::string_view sealed);
  /// The files that a month's keys (`2026-11`) before the newest have or had.
  Result<std::vector<std::string>> older(const std::string& month);
  /// From now on this month's payloads are sealed under a new key.
  Result<void> begin_next(const std::string& month);
  /// The same payload, its own key wrapped by the newest key of its month. Nothing, where it is so already. Errors as of `unseal`.
  Result<std::optional<std::string>> rewrap(std::string_view sealed, const Owner& owner);
  /// Overwrites a key's file and removes it, here or in a copy of this folder; one that is not there is no error.
  Result<void> drop(const std::string& file);
  static Result<void> drop(const std::filesystem::path& path);

 private:
  /// Which of a month's keys: 1 is the first.
  using Name = std::pair<std::string, std::uint32_t>;
  static std::string file(const Name& name);
  static Result<Name> name_of(std::string_view sealed);
  Result<std::string> key(const Name& name, bool make);
  Result<std::uint32_t> newest(const std::string& month);
  Result<std::vector<std::string>> files_of_month(const std::string& month) const;
  std::filesystem::path folder_;
  Random& random_;
  std::atomic<std::uint64_t> epoch_ = 0;
  std::mutex mutex_;
  std::map<Name, std::string> keys_;
  std::map<std::string, std::uint32_t, std::less<>> newest_;
};

}  // namespace sluis::provenance
