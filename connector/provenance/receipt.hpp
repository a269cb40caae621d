#pragma once

#include "connector/provenance/log_store.hpp"

#include <string>

namespace sluis::provenance {

/// What a party holds of an entry of somebody else's log (D20): the leaf, what it may know of it, and the proof that the
/// log has it. It needs no signature of its own: the checkpoint in the proof is signed.
struct Receipt {
  Leaf leaf;
  std::string shared;
  std::string k;      ///< 32 bytes
  Hash inner{};       ///< stands for what only the log's owner may know
  std::uint64_t index = 0;
  std::vector<Hash> path;
  std::string checkpoint;  ///< signed note

  /// JSON with base64 members; the proof is text in the form of C2SP tlog-proof v1.
  std::string to_json() const;
  static Result<Receipt> from_json(std::string_view text);
  /// C2SP tlog-proof v1.
  std::string proof_text() const;
};

struct ParsedProof {
  std::uint64_t index = 0;
  std::vector<Hash> path;
  std::string checkpoint;
};
Result<ParsedProof> parse_proof_text(std::string_view text);

/// Of an entry by its number. `note` is of the newest log, and `key` its key. Of an entry in a log before it, the last checkpoint of that
/// one counts. not_found: there is no such entry, or that log ended without a checkpoint that covers it; storage_unavailable: `note` does
/// not cover it yet.
Result<Receipt> make_receipt(const LogReader& log, std::uint64_t number, const std::string& note, const VerifierKey& key);
/// The same where `note` was opened before: of many entries.
Result<Receipt> make_receipt(const LogReader& log, std::uint64_t number, const std::string& note, const Checkpoint& checkpoint);

/// That the shared part is committed to by the leaf, and the leaf is in the log of `key`. Gives the checkpoint.
/// permission_denied: not so.
Result<Checkpoint> verify_receipt(const Receipt& receipt, const VerifierKey& key);
/// The same in a checkpoint that was opened before.
Result<void> check_receipt(const Receipt& receipt, const Checkpoint& checkpoint);

}  // namespace sluis::provenance
