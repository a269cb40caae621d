#pragma once

#include "connector/base/time.hpp"
#include "connector/provenance/entry.hpp"
#include "connector/provenance/note.hpp"
#include "connector/provenance/payload_keys.hpp"
#include "connector/provenance/tiles.hpp"
#include "connector/storage/kv_store.hpp"

/// How the log lies in the store (D22): `log/head`, `log/e/<index>` leaves, `log/p/<index>` sealed payloads,
/// `log/t/<level><index>` full tiles. Indexes are 8 bytes, big-endian. Partial tiles are derived.
namespace sluis::provenance {

/// What `log/head` holds.
struct LogHead {
  Frontier frontier;
  Timestamp recorded;  ///< of the newest commit

  std::string bytes() const;
  static Result<LogHead> parse(std::string_view bytes);
};

/// Reads a log at the state of its reader. Thread-safe as far as the reader is.
class LogReader {
 public:
  LogReader(const storage::Reader& store, PayloadKeys& keys) : store_(store), keys_(keys) {}

  Result<LogHead> head() const;
  /// not_found beyond the log's end.
  Result<Leaf> leaf(std::uint64_t index) const;
  Result<std::string> leaf_bytes(std::uint64_t index) const;
  /// The leaf's payload, checked against its commitment. not_found: its key is gone.
  Result<Payload> payload(std::uint64_t index) const;
  Result<std::vector<Hash>> tile(unsigned level, std::uint64_t index, std::uint64_t width) const;
  NodeSource nodes(std::uint64_t size) const;
  Result<Hash> root(std::uint64_t size) const { return root_of(size, nodes(size)); }

 private:
  Result<std::vector<Hash>> partial_tile(unsigned level, std::uint64_t first, std::uint64_t width) const;

  const storage::Reader& store_;
  PayloadKeys& keys_;
};

/// Grows the log: turns drafts into store changes. Not thread-safe; the sequencer owns it.
class LogAppender {
 public:
  LogAppender(PayloadKeys& keys, Random& random) : keys_(keys), random_(random) {}

  /// Reads the head and the right edge. corruption where they do not fit.
  Result<void> recover(const storage::Reader& store);
  std::uint64_t size() const { return head_.frontier.size(); }
  Timestamp recorded() const { return head_.recorded; }
  Hash root() const { return head_.frontier.root(); }

  /// Adds one entry; its changes are appended. An error leaves the log in memory as it was.
  Result<void> append(const EntryDraft& draft, Timestamp recorded, std::vector<storage::Change>& changes);
  /// The head's new value; once for each batch.
  void seal(Timestamp recorded, std::vector<storage::Change>& changes);

 private:
  PayloadKeys& keys_;
  Random& random_;
  LogHead head_;
  std::vector<std::vector<Hash>> edge_;  ///< of each level, the hashes of its partial tile
};

}  // namespace sluis::provenance
