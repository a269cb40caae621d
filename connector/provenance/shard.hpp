#pragma once

#include "connector/base/time.hpp"
#include "connector/storage/kv_store.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// The logs of one node, which follow one another (D31): each has an origin, a key and checkpoints of its own. What a node recorded is
/// numbered on over all of them, so that an entry keeps its number; its index in its own log is that number less `first`.
namespace sluis::provenance {

struct Shard {
  std::uint32_t number = 0;  ///< 0: the node's first log
  std::string origin;
  std::uint64_t first = 0;   ///< number of its first entry
  std::string key;           ///< its verification key
  std::string seal;          ///< its last checkpoint, a signed note; empty: of the newest, and of one that ended without
};

/// All that are recorded, oldest first; none: there never was another than the first. corruption.
Result<std::vector<Shard>> read_shards(const storage::Reader& store);

/// Ends the newest log and lets another follow, in one batch: `old` as it is now, whole, and `next` without entries. Whoever writes it
/// holds the store alone.
std::vector<storage::Change> follow(const Shard& old, const Shard& next, Timestamp recorded);

/// Where the hashes of a log lie in the store; of the node's first: `log/`.
std::string shard_prefix(std::uint32_t number);
/// Where its checkpoints lie beside the store: of the node's first the folder itself, of the others one below it with the last word of
/// their origin.
std::filesystem::path slots_folder(const std::filesystem::path& checkpoints, const Shard& shard);
/// A folder of checkpoints of a log that is not among these: a later one than the store knows.
std::optional<std::filesystem::path> unknown_slots(const std::filesystem::path& checkpoints, const std::vector<Shard>& shards);
/// How a log is called in public addresses: the last word of its origin; the node's first is `first`.
std::string public_name(const Shard& shard);
/// The last word of an origin; of the node's first log: empty.
std::string last_word(const Shard& shard);

}  // namespace sluis::provenance
