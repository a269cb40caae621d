#pragma once

#include "connector/provenance/entry.hpp"
#include "sluis/v1/evidence.pb.h"

#include <optional>
#include <string>
#include <vector>

/// Two logs of one exchange, held against each other (D20): each side must have what the other has. Pure.
namespace sluis::node {

/// An entry as both sides may know it.
struct SharedEntry {
  provenance::EntryKind kind{};
  v1::Shared shared;
  std::uint64_t number = 0;  ///< here; or the index in the peer's log
  std::size_t at = 0;        ///< among the peer's, as they came: it may have several logs
};

struct Difference {
  std::string what;   ///< "missing here", "erased here", "missing there", "differs", "not proven", "rewritten"
  std::string about;  ///< "agreement", "end of agreement", "request", "release", "receipt of data", "entry", "log"
  std::string id;     ///< of the agreement or transaction
  std::string told;
  std::optional<std::uint64_t> here;   ///< entry
  std::optional<std::uint64_t> there;  ///< index in the peer's log
  std::optional<std::size_t> there_at = {};  ///< SharedEntry::at
};
struct Comparison {
  std::vector<Difference> differences;
  std::uint64_t under_way = 0;  ///< transactions that have not ended on both sides and are not old
};

/// What must stand in both logs. `ours` and `theirs` reach an hour further than [from, until) on both sides, so that clocks and the way
/// between make no difference; one is reported where the entry that shows it lies within. What began less than a minute before `until` may be
/// under way, and so may what ended less than a quarter of an hour before it. Pure.
Comparison compare(const std::vector<SharedEntry>& ours, const std::vector<SharedEntry>& theirs, Timestamp from, Timestamp until);

/// An entry of this log whose payload was erased: its leaf alone tells of it.
struct ErasedEntry {
  provenance::EntryKind kind{};
  Timestamp hour;  ///< in which it was made
  std::uint64_t number = 0;
};

/// What is missing here because it may be erased: for each such difference one erased entry, of the kind that it needs and of the hour of the peer's
/// entry (the one before and after, as clocks differ), makes it "erased here". `theirs` as in `compare`. Pure.
void explain_erased(Comparison& comparison, const std::vector<SharedEntry>& theirs, std::vector<ErasedEntry> erased);

/// Whether it says that its agreement ended: by its log's owner, or by the other, whose receipt it took.
bool tells_end(const SharedEntry& entry);
/// Whether entries of this kind are compared.
bool is_compared(provenance::EntryKind kind);

}  // namespace sluis::node
