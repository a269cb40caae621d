#include "connector/provenance/log_store.hpp"

#include "connector/base/limits.hpp"

#include <algorithm>

namespace sluis::provenance {
namespace {

std::string indexed(std::string_view prefix, std::uint64_t index) {
  std::string key(prefix);
  put_u64(key, index);
  return key;
}
std::string leaf_key(std::uint64_t number) { return indexed("log/e/", number); }
std::string tile_key(const Shard& shard, unsigned level, std::uint64_t index) {
  return indexed(shard_prefix(shard.number) + "t/" + static_cast<char>(level), index);
}

/// A single hash of a level above the leaves, for tiles that are not full yet: it stands for 256 of the level below, or more.
std::string node_key(const Shard& shard, unsigned level, std::uint64_t index) {
  return indexed(shard_prefix(shard.number) + "n/" + static_cast<char>(level), index);
}

std::string join(const std::vector<Hash>& hashes) {
  std::string out;
  out.reserve(hashes.size() * 32);
  for (const Hash& hash : hashes) out += view(hash);
  return out;
}

Result<std::vector<Hash>> split(std::string_view bytes, std::uint64_t width) {
  if (bytes.size() < width * 32) return Error(ErrorCode::corruption, "a tile is cut short");
  std::vector<Hash> hashes(width);
  for (std::uint64_t i = 0; i < width; ++i) {
    SLUIS_TRY(hashes[i], to_hash(bytes.substr(i * 32, 32)));
  }
  return hashes;
}

Error missing(const std::string& what) { return Error(ErrorCode::corruption, what + " is missing in the store"); }

}  // namespace

std::string entry_key(std::uint64_t number) { return leaf_key(number); }
std::string payload_key(std::uint64_t number) { return indexed("log/p/", number); }

std::string LogHead::bytes() const {
  std::string out;
  put_u64(out, frontier.size());
  put_u64(out, static_cast<std::uint64_t>(recorded.time_since_epoch().count()));
  return out + join(frontier.subtrees());
}

Result<LogHead> LogHead::parse(std::string_view bytes) {
  if (bytes.size() < 16 || bytes.size() % 32 != 16) return Error(ErrorCode::corruption, "the log's head has a wrong length");
  LogHead head;
  head.recorded = Timestamp(Duration(static_cast<std::int64_t>(get_u64(bytes, 8))));
  SLUIS_TRY(std::vector<Hash> subtrees, split(bytes.substr(16), (bytes.size() - 16) / 32));
  SLUIS_TRY(head.frontier, Frontier::restore(get_u64(bytes), std::move(subtrees)));
  return head;
}

LogReader::LogReader(const storage::Reader& store, PayloadKeys& keys, std::vector<Shard> shards) : LogReader(store, keys) {
  if (shards.empty()) return;
  shards_ = std::move(shards);
  at_ = shards_.size() - 1;
}

Result<LogHead> LogReader::head() const {
  SLUIS_TRY(const std::optional<std::string> bytes, store_.get(kLogHead));
  if (!bytes) return LogHead{};
  return LogHead::parse(*bytes);
}

Result<std::uint64_t> LogReader::size() const {
  if (at_ + 1 != shards_.size()) return shards_[at_ + 1].first - shards_[at_].first;
  SLUIS_TRY(const LogHead newest, head());
  return newest.frontier.size();
}

Result<std::uint64_t> LogReader::entries() const {
  SLUIS_TRY(const LogHead newest, head());
  return shards_.back().first + newest.frontier.size();
}

const Shard& LogReader::shard_of(std::uint64_t number) const {
  const auto behind = std::upper_bound(shards_.begin(), shards_.end(), number,
                                       [](std::uint64_t wanted, const Shard& shard) { return wanted < shard.first; });
  return behind == shards_.begin() ? shards_.front() : *std::prev(behind);
}

LogReader LogReader::at(const Shard& shard) const {
  LogReader other(*this);
  other.at_ = shard.number;
  return other;
}

Result<std::string> LogReader::leaf_bytes(std::uint64_t number) const {
  SLUIS_TRY(std::optional<std::string> bytes, store_.get(leaf_key(number)));
  if (!bytes) {
    SLUIS_TRY(const std::vector<Pruned> all, pruned());
    for (const Pruned& one : all) {
      if (number < one.first || number >= one.end) continue;
      return Error(ErrorCode::not_found, "entry " + std::to_string(number) + " was pruned on " + format_time(one.at).substr(0, 10) + ", with log `" + one.origin + "`");
    }
    return Error(ErrorCode::not_found, "there is no entry " + std::to_string(number));
  }
  return std::move(*bytes);
}

Result<std::uint64_t> LogReader::first_kept() const {
  SLUIS_TRY(const std::vector<Pruned> all, pruned());
  return all.empty() ? std::uint64_t{0} : all.back().end;
}

Result<std::optional<Pruned>> LogReader::pruned_here() const {
  SLUIS_TRY(std::vector<Pruned> all, pruned());
  for (Pruned& one : all) {
    if (one.log == shard().number) return std::optional(std::move(one));
  }
  return std::optional<Pruned>();
}

Result<Leaf> LogReader::leaf(std::uint64_t number) const {
  SLUIS_TRY(const std::string bytes, leaf_bytes(number));
  return Leaf::parse(bytes);
}

Result<Payload> LogReader::payload(std::uint64_t number) const {
  SLUIS_TRY(const Leaf own, leaf(number));
  SLUIS_TRY(const std::optional<std::string> sealed, store_.get(payload_key(number)));
  if (!sealed) return Error(ErrorCode::not_found, "the payload of entry " + std::to_string(number) + " is erased");
  auto opened = keys_.unseal(*sealed, {number, own.commitment});
  if (!opened && opened.error().code == ErrorCode::not_found) {  // perhaps it was wrapped again just now, and its old key went
    SLUIS_TRY(const std::optional<std::string> again, store_.get(payload_key(number)));
    if (again && *again != *sealed) opened = keys_.unseal(*again, {number, own.commitment});
  }
  SLUIS_TRY(const std::string bytes, std::move(opened));
  SLUIS_TRY(Payload payload, Payload::parse(bytes));
  if (commitment(own, payload.shared, payload.k, payload.inner()) != own.commitment) {
    return Error(ErrorCode::corruption, "the payload of entry " + std::to_string(number) + " does not fit its leaf");
  }
  return payload;
}

Result<std::vector<Hash>> LogReader::tile(unsigned level, std::uint64_t index, std::uint64_t width) const {
  SLUIS_TRY(const std::optional<std::string> full, store_.get(tile_key(shard(), level, index)));
  if (full) return split(*full, width);
  auto derived = partial_tile(level, index * kTileWidth, width);
  if (derived || at_ + 1 == shards_.size()) return derived;
  SLUIS_TRY(const std::optional<std::string> since, store_.get(tile_key(shard(), level, index)));  // the log was pruned just now
  return since ? split(*since, width) : std::move(derived);
}

/// Read in one go. A hash that is not kept, as in logs of older programs, is made from the tile below.
Result<std::vector<Hash>> LogReader::partial_tile(unsigned level, std::uint64_t first, std::uint64_t width) const {
  const auto key = [&](std::uint64_t i) { return level == 0 ? leaf_key(shard().first + i) : node_key(shard(), level, i); };
  std::vector<Hash> hashes;
  hashes.reserve(width);
  Result<void> read = {};
  SLUIS_CHECK(store_.scan(key(first).substr(0, key(first).size() - 8), key(first), [&](std::string_view at, std::string_view value) {
    if (hashes.size() == width || at != key(first + hashes.size())) return false;
    auto hash = level == 0 ? Result<Hash>(leaf_hash(value)) : to_hash(value);
    if (!hash) read = hash.error();
    else hashes.push_back(*hash);
    return hash.has_value() && hashes.size() < width;
  }));
  SLUIS_CHECK(std::move(read));
  while (hashes.size() < width) {
    const std::uint64_t i = first + hashes.size();
    if (level == 0) return missing("entry " + std::to_string(i));
    SLUIS_TRY(const std::vector<Hash> below, tile(level - 1, i, kTileWidth));
    hashes.push_back(perfect_root(below));
  }
  return hashes;
}

NodeSource LogReader::nodes(std::uint64_t size) const {
  return nodes_from_tiles(
      [this](unsigned level, std::uint64_t index, std::uint64_t width) { return tile(level, index, width); }, size);
}

Result<std::vector<storage::Change>> LogReader::edge() const {
  SLUIS_TRY(const std::uint64_t held, size());
  std::vector<storage::Change> changes;
  for (unsigned level = 0; held >> (level * kTileHeight) != 0; ++level) {
    const std::uint64_t at = (held >> (level * kTileHeight)) / kTileWidth;
    const std::uint64_t width = tile_width(level, at, held);
    if (width == 0) continue;
    SLUIS_TRY(const std::vector<Hash> hashes, tile(level, at, width));
    changes.push_back({tile_key(shard(), level, at), join(hashes)});
  }
  return changes;
}

Result<void> LogAppender::recover(const storage::Reader& store) {
  SLUIS_TRY(std::vector<Shard> shards, read_shards(store));
  const LogReader reader(store, keys_, std::move(shards));
  shards_ = reader.shards();
  SLUIS_TRY(head_, reader.head());
  edge_.clear();
  for (unsigned level = 0; head_.frontier.size() >> (level * kTileHeight) != 0; ++level) {
    const std::uint64_t index = (head_.frontier.size() >> (level * kTileHeight)) / kTileWidth;
    SLUIS_TRY(std::vector<Hash> hashes, reader.tile(level, index, tile_width(level, index, head_.frontier.size())));
    edge_.push_back(std::move(hashes));
  }
  SLUIS_TRY(const Hash root, reader.root(head_.frontier.size()));
  if (root != head_.frontier.root()) return missing("the right edge of the log");
  return {};
}

Result<PreparedEntry> prepare(const EntryDraft& draft, Timestamp recorded, PayloadKeys& keys, Random& random) {
  if (draft.shared.size() + draft.internal.size() > limits::kEntryPayloadBytes) {
    return Error(ErrorCode::limit_exceeded, "the payload of an entry is too large");
  }
  PreparedEntry out;
  out.epoch = keys.epoch();  // before the key is taken: one that follows meanwhile is noticed
  const Entry entry = make_entry(draft, recorded, random);
  SLUIS_TRY(out.sealed, keys.seal(entry.payload.bytes(), entry.leaf.commitment, recorded, random));
  out.leaf = entry.leaf.bytes();
  out.hash = leaf_hash(out.leaf);
  out.hours = entry.leaf.hours;
  return out;
}

Result<void> LogAppender::append(const EntryDraft& draft, Timestamp recorded, std::vector<storage::Change>& changes) {
  SLUIS_TRY(PreparedEntry prepared, prepare(draft, recorded, keys_, random_));
  add(std::move(prepared), changes);
  return {};
}

Result<void> LogAppender::append(const EntryDraft& draft, PreparedEntry prepared, Timestamp recorded, std::vector<storage::Change>& changes) {
  if (prepared.hours != hours_of(recorded) || prepared.epoch != keys_.epoch()) return append(draft, recorded, changes);
  add(std::move(prepared), changes);
  return {};
}

void LogAppender::add(PreparedEntry prepared, std::vector<storage::Change>& changes) {
  const std::uint64_t index = size();
  const std::uint64_t number = next();
  head_.frontier.append(prepared.hash, [&](unsigned height, const Hash& hash) {
    if (height % kTileHeight != 0) return;
    const unsigned level = height / kTileHeight;
    if (edge_.size() <= level) edge_.resize(level + 1);
    edge_[level].push_back(hash);
    if (level != 0) changes.push_back({node_key(shard(), level, index >> height), std::string(view(hash))});
    if (edge_[level].size() == kTileWidth) {
      changes.push_back({tile_key(shard(), level, index >> (height + kTileHeight)), join(edge_[level])});
      edge_[level].clear();
    }
  });
  changes.push_back({leaf_key(number), std::move(prepared.leaf)});
  changes.push_back({payload_key(number), std::move(prepared.sealed)});
}

void LogAppender::seal(Timestamp recorded, std::vector<storage::Change>& changes) {
  head_.recorded = recorded;
  changes.push_back({std::string(kLogHead), head_.bytes()});
}

}  // namespace sluis::provenance
