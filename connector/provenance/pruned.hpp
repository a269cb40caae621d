#pragma once

#include "connector/base/time.hpp"
#include "connector/storage/kv_store.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// Logs whose entries are gone for good, as they were older than the node keeps them: leaves and payloads. Its tiles, its right edge and its last
/// checkpoint stay, so that all that was proven of it still is. The oldest logs, one after another: what was pruned is one range of numbers.
namespace sluis::provenance {

struct Pruned {
  std::uint32_t log = 0;    ///< Shard::number
  std::string origin;
  std::uint64_t first = 0;  ///< numbers of its entries: [first, end)
  std::uint64_t end = 0;
  Timestamp at{};           ///< when it was confirmed
  std::string commit;       ///< id of the commit that recorded it
  std::optional<std::uint64_t> entry;  ///< that records it, of kind `pruned`; none: not looked up yet
  std::uint64_t next = 0;   ///< entries before are removed; `end`: all are
  std::set<std::uint64_t> kept = {};   ///< that something still rests on: these are there

  bool done() const { return next >= end && entry.has_value(); }
  storage::Change change() const;
};

/// In the order of the logs. corruption.
Result<std::vector<Pruned>> read_pruned(const storage::Reader& store);

/// The first number from this one on of which an entry is there, as far as these say.
std::uint64_t number_there(const std::vector<Pruned>& pruned, std::uint64_t number);

/// So many numbers may stand in such a text: more are refused where they are written, and where they are read.
inline constexpr std::size_t kNumbersAtMost = 4'000'000;
/// `3-7,12`, and back. corruption: it is none, or has more.
std::string number_ranges(const std::set<std::uint64_t>& numbers);
Result<std::set<std::uint64_t>> parse_number_ranges(std::string_view text);

}  // namespace sluis::provenance
