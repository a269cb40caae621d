#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/random.hpp"
#include "connector/base/time.hpp"
#include "connector/storage/commit_port.hpp"

/// What one entry of the log is (D9): the public leaf, and the payload that only those concerned may read.
namespace sluis::provenance {

/// Never renumbered; a number once used keeps its meaning.
enum class EntryKind : std::uint8_t {
  node_started = 1,
  node_stopped = 2,
  published = 3,
  retracted = 4,
  membership = 5,
  purposes = 6,         ///< a version of the purposes that terms may name; its digest is the vocabulary's hash
  negotiation = 10,
  agreement = 11,
  agreement_ended = 12,
  transfer = 13,
  decision = 20,       ///< one data request: permitted or refused
  intent = 21,         ///< a consumer's node is about to ask
  stream_end = 22,     ///< how a release ended
  cut = 23,
  received = 24,       ///< what a consumer's node got
  open_hour = 25,      ///< D28
  open_total = 26,
  refused_count = 27,  ///< D23: one counter per reason and minute
  retention_confirmed = 30,
  activity = 31,
  receipt = 32,  ///< a counterparty's receipt was taken
  declaration = 33,  ///< a situation or an assessment: declared, renewed, ended; its digest is that of what is said
  log_ended = 34,    ///< the last of its log: which one follows
  log_begun = 35,    ///< the first of a log that follows another: which one, how far, and why
  reconciled = 36,   ///< this log was compared with a counterparty's
  backup = 37,       ///< a copy of the node was made
  erasure = 38,      ///< what entries say was asked to be erased, or is
  looked = 39,       ///< somebody had this log looked through: who, for what, and how much was told
  findings_signed = 40,  ///< what a data protection officer found, signed with her own key; its digest is that of what she signed
  package = 41,          ///< what checks a period was given out, to whom; its digest is that of its manifest
  pruned = 42,           ///< entries of an older log were asked to be removed, or are: which log, how many, on which ground
  receipt_missing = 43,  ///< what a counterparty's log should say of a data request did not come in time, or is not so
};
/// The stable name, as commands print it; empty for a number that has none.
std::string_view kind_name(std::uint8_t kind);

inline constexpr std::uint8_t kLeafVersion = 1;
inline constexpr std::size_t kLeafBytes = 70;

/// version(1) ‖ kind(1) ‖ hours since 1970(4) ‖ policy digest(32) ‖ commitment(32).
struct Leaf {
  std::uint8_t kind = 0;
  std::uint32_t hours = 0;
  Hash policy_digest{};
  Hash commitment{};

  std::string bytes() const;
  static Result<Leaf> parse(std::string_view bytes);
};

/// The two parts, with the fresh keys that hide them in the commitment.
struct Payload {
  std::string shared;
  std::string internal;
  std::string k;   ///< 32 bytes
  std::string k2;  ///< 32 bytes

  /// HMAC-SHA256(k2, internal): what a counterparty gets in place of `internal`.
  Hash inner() const;
  std::string bytes() const;
  static Result<Payload> parse(std::string_view bytes);
};

/// HMAC-SHA256(k, the leaf's first 38 bytes ‖ SHA-256(shared) ‖ inner).
Hash commitment(const Leaf& leaf, std::string_view shared, std::string_view k, const Hash& inner);

struct Entry {
  Leaf leaf;
  Payload payload;
};
/// What an entry takes of randomness: k and k2, its payload's own key and the nonces of two seals.
inline constexpr std::size_t kRandomBytesPerEntry = 64 + 32 + 12 + 12;

/// As the leaf has it.
inline std::uint32_t hours_of(Timestamp recorded) {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::hours>(recorded.time_since_epoch()).count());
}

/// With fresh keys.
Entry make_entry(const EntryDraft& draft, Timestamp recorded, Random& random);

}  // namespace sluis::provenance
