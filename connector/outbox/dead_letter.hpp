#pragma once

#include "connector/outbox/outcome.hpp"
#include "connector/storage/commit_port.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Messages that will not be delivered unless a person has them tried again. Stored as JSON at `outbox-dead/<16 hex digits>`, by the
/// sequence that they had in the outbox: the oldest first.
namespace sluis::outbox {

inline constexpr std::string_view kDeadPrefix = "outbox-dead/";

struct DeadLetter {
  std::string key;      ///< where it lay in the outbox, and will lie again
  std::string peer;
  std::string process;
  std::uint64_t sequence = 0;
  std::string service;  ///< empty where the message cannot be read; so is `kind`
  std::string kind;
  Reason reason;
  std::optional<Timestamp> queued;
  std::optional<Timestamp> first_try;  ///< since the node's last start before it died; none: it was not tried since
  Timestamp died;                      ///< with its last try, where there was one
  std::string bytes;                   ///< the message as it lay there
  std::string stored;                  ///< the letter as it lies in the store, where that is not what `encode` gives; else empty
  friend bool operator==(const DeadLetter&, const DeadLetter&) = default;
};

std::string encode(const DeadLetter& letter);
/// corruption: not what `encode` wrote.
Result<DeadLetter> decode_dead_letter(std::string_view bytes);
/// Its name for people: the sequence in decimals.
std::string id_of(const DeadLetter& letter);

/// Adds to the commit that the message leaves the outbox for the dead letters, if it is still there as it was.
void bury(Commit& commit, const DeadLetter& letter);
/// Adds to the commit that it lies in the outbox again, at its old place: before what follows it in its process. Its time to wait begins
/// anew, and it may have been sent. Precondition: `key` is known.
void revive(Commit& commit, const DeadLetter& letter, Timestamp now);
/// Adds to the commit that it is gone for good.
void discard(Commit& commit, const DeadLetter& letter);

/// invalid_argument: no id; not_found. Of one that cannot be read its sequence is known, and why: it can be discarded.
Result<DeadLetter> find_dead(const storage::Reader& store, std::string_view id);
/// That message of that process, by the id in its Envelope; none: it is no dead letter.
Result<std::optional<DeadLetter>> find_dead_of(const storage::Reader& store, std::string_view process, std::string_view message);
/// From that sequence (exclusive; 0: from the first), at most `count`. Those that cannot be read as `find_dead` has them.
Result<std::vector<DeadLetter>> list_dead(const storage::Reader& store, std::uint64_t after, std::size_t count);
/// How many there are, counted up to `most`.
Result<std::size_t> count_dead(const storage::Reader& store, std::size_t most);

}  // namespace sluis::outbox
