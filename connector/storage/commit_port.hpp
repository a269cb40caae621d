#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/time.hpp"
#include "connector/storage/kv_store.hpp"

#include <functional>

namespace sluis {

/// A key must hold just this value (none: must be absent) when the commit is applied.
struct Precondition {
  std::string key;
  std::optional<std::string> expected;
};

/// A message for a peer, stored with the commit and sent by the outbox at least once.
struct OutgoingMessage {
  std::string peer;     ///< participant id
  std::string process;  ///< messages of one process leave in order
  std::string bytes;    ///< opaque here; the outbox's owner reads them
};

/// What happened, for the provenance log (D9). `shared` is what the counterparty may know, `internal` what it may not.
struct EntryDraft {
  std::uint8_t kind = 0;       ///< provenance::EntryKind
  Hash policy_digest{};        ///< the published offer's hash, or zeros
  std::string shared;          ///< serialised once, kept as bytes
  std::string internal;
};

/// Order under load: revocations first, bulk last (D4).
enum class CommitClass : std::uint8_t { revoke, exchange, bulk };

/// All of it becomes durable, or none. `id` names it for limits::kCommitReceiptKept: until then a second commit with the
/// same id has no effect and gets the first one's receipt. What must happen once for ever has a precondition as well.
struct Commit {
  std::string id;  ///< empty: not asked for later
  CommitClass commit_class = CommitClass::exchange;
  std::vector<Precondition> preconditions;
  std::vector<storage::Change> changes;
  std::vector<OutgoingMessage> messages;
  std::vector<EntryDraft> entries;
};

struct CommitReceipt {
  std::uint64_t first_entry = 0;  ///< number of the first entry over all logs of the node; the others follow
  std::uint64_t entries = 0;
  std::uint64_t log_size = 0;     ///< of a signed checkpoint that holds them
  Timestamp time;                 ///< as recorded; never before an earlier commit's
};

/// The one way by which anything becomes durable (D4). Thread-safe.
/// Errors: conflict (a precondition failed; its key is in `place.pointer`), limit_exceeded (too large, or the queue is
/// full), storage_unavailable (nothing was written), outcome_unknown (ask again with the same id).
class CommitPort {
 public:
  using Completion = std::function<void(Result<CommitReceipt>)>;

  virtual ~CommitPort() = default;
  /// Seals the entries and enqueues; waits for nothing. The completion runs on the commit thread and must not block.
  virtual void submit(Commit commit, Completion done) = 0;
  /// On worker threads only: waits until it is durable, and does the work itself when nobody else is at it.
  virtual Result<CommitReceipt> commit_and_wait(Commit commit) = 0;
};

}  // namespace sluis
