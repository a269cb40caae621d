#pragma once

#include "connector/base/time.hpp"
#include "connector/provenance/entry.hpp"
#include "connector/provenance/note.hpp"
#include "connector/provenance/payload_keys.hpp"
#include "connector/provenance/pruned.hpp"
#include "connector/provenance/shard.hpp"
#include "connector/provenance/tiles.hpp"
#include "connector/storage/kv_store.hpp"

/// How the log lies in the store (D22): `log/head` of the newest, `log/e/<number>` leaves, `log/p/<number>` sealed payloads,
/// `log/t/<level><index>` full tiles of the first log, below `shard_prefix` those of the others. Numbers and indexes are 8 bytes,
/// big-endian. Partial tiles are derived; of a pruned log, of which `log/pruned/` tells, the last of level 0 lies among the full ones.
namespace sluis::provenance {

inline constexpr std::string_view kLogHead = "log/head";

/// Where the leaf of an entry lies, and where its sealed payload.
std::string entry_key(std::uint64_t number);
std::string payload_key(std::uint64_t number);

/// What `log/head` holds.
struct LogHead {
  Frontier frontier;
  Timestamp recorded;  ///< of the newest commit

  std::string bytes() const;
  static Result<LogHead> parse(std::string_view bytes);
};

/// Reads what a node recorded, at the state of its reader. Entries go by their number over all logs, hashes are those of one log: of the
/// newest, unless it is an `at`. Thread-safe as far as the reader is.
class LogReader {
 public:
  /// A node that never had another log than its first.
  LogReader(const storage::Reader& store, PayloadKeys& keys) : store_(store), keys_(keys) {}
  /// As `read_shards` gave them, and as long as no other follows.
  LogReader(const storage::Reader& store, PayloadKeys& keys, std::vector<Shard> shards);

  /// Of the newest log.
  Result<LogHead> head() const;
  /// How many entries this log holds.
  Result<std::uint64_t> size() const;
  /// How many entries there are over all logs.
  Result<std::uint64_t> entries() const;
  /// The first that was not pruned: of those before it only some may be there, by their number (`Pruned::kept`). Passes over the log begin here.
  Result<std::uint64_t> first_kept() const;
  Result<std::vector<Pruned>> pruned() const { return read_pruned(store_); }
  /// not_found beyond the end, and of what was pruned: the message says so.
  Result<Leaf> leaf(std::uint64_t number) const;
  Result<std::string> leaf_bytes(std::uint64_t number) const;
  /// The leaf's payload, checked against its commitment. not_found: its key is gone.
  Result<Payload> payload(std::uint64_t number) const;

  /// The log whose hashes these are.
  const Shard& shard() const { return shards_[at_]; }
  /// Whether its entries were pruned.
  Result<std::optional<Pruned>> pruned_here() const;
  /// The log that holds this entry.
  const Shard& shard_of(std::uint64_t number) const;
  const std::vector<Shard>& shards() const { return shards_; }
  /// The same, with the hashes of that log.
  LogReader at(const Shard& shard) const;
  Result<std::vector<Hash>> tile(unsigned level, std::uint64_t index, std::uint64_t width) const;
  NodeSource nodes(std::uint64_t size) const;
  /// The partial tiles of this log, which follows no more: in the store they stand for the leaves that they were made from.
  Result<std::vector<storage::Change>> edge() const;
  Result<Hash> root(std::uint64_t size) const { return root_of(size, nodes(size)); }

 private:
  Result<std::vector<Hash>> partial_tile(unsigned level, std::uint64_t first, std::uint64_t width) const;

  const storage::Reader& store_;
  PayloadKeys& keys_;
  std::vector<Shard> shards_{Shard{}};  ///< never empty
  std::size_t at_ = 0;
};

/// An entry before it has its number: all that depends on the hour of recording, and not on what was recorded before.
struct PreparedEntry {
  std::string leaf;
  Hash hash{};  ///< of the leaf, in the tree
  std::string sealed;
  std::uint32_t hours = 0;
  std::uint64_t epoch = 0;  ///< of the payload keys
};
/// Thread-safe as far as `random` is. limit_exceeded; what `PayloadKeys::seal` may say.
Result<PreparedEntry> prepare(const EntryDraft& draft, Timestamp recorded, PayloadKeys& keys, Random& random);

/// Grows the log: turns drafts into store changes. Not thread-safe; the sequencer owns it.
class LogAppender {
 public:
  LogAppender(PayloadKeys& keys, Random& random) : keys_(keys), random_(random) {}

  /// Reads the head and the right edge of the newest log. corruption where they do not fit.
  Result<void> recover(const storage::Reader& store);
  /// Of the newest log.
  std::uint64_t size() const { return head_.frontier.size(); }
  const Shard& shard() const { return shards_.back(); }
  const std::vector<Shard>& shards() const { return shards_; }
  /// Number of the entry that comes next.
  std::uint64_t next() const { return shard().first + size(); }
  Timestamp recorded() const { return head_.recorded; }
  Hash root() const { return head_.frontier.root(); }

  /// Adds one entry; its changes are appended. An error leaves the log in memory as it was.
  Result<void> append(const EntryDraft& draft, Timestamp recorded, std::vector<storage::Change>& changes);
  /// The same with one that was prepared; anew where it was for another hour, or under another key.
  Result<void> append(const EntryDraft& draft, PreparedEntry prepared, Timestamp recorded, std::vector<storage::Change>& changes);
  /// The head's new value; once for each batch.
  void seal(Timestamp recorded, std::vector<storage::Change>& changes);

 private:
  void add(PreparedEntry prepared, std::vector<storage::Change>& changes);

  PayloadKeys& keys_;
  Random& random_;
  std::vector<Shard> shards_{Shard{}};  ///< never empty
  LogHead head_;
  std::vector<std::vector<Hash>> edge_;  ///< of each level, the hashes of its partial tile
};

}  // namespace sluis::provenance
