#pragma once

#include "connector/provenance/log_store.hpp"
#include "connector/storage/commit_port.hpp"

#include <string>
#include <unordered_map>
#include <vector>

namespace sluis::commit {

/// Key of a commit's receipt; absent until that commit is durable, and again after limits::kCommitReceiptKept.
std::string receipt_key(std::string_view commit_id);
/// Orders receipts by age, for pruning: before the id stands the time in microseconds, eight bytes, big-endian.
std::string receipt_age_key(Timestamp recorded, std::string_view commit_id);
std::string encode_receipt(const CommitReceipt& receipt);
Result<CommitReceipt> decode_receipt(std::string_view bytes);

/// Key of an outgoing message; `sequence` orders those of one process.
std::string outbox_key(const OutgoingMessage& message, std::uint64_t sequence);

/// One batch in the making: which commits hold, and what they change together. No thread, no clock, no disk but the
/// reader, so that tests and simulation drive it as the sequencer does.
class Batch {
 public:
  /// `recorded` is the time of all its entries. `sequence` is the last outbox sequence used.
  Batch(const storage::Reader& store, provenance::LogAppender& log, Timestamp recorded, std::uint64_t sequence);

  /// Adds a commit whose preconditions hold against the store and the commits before it in this batch; the receipt
  /// counts once the batch is durable. A failed precondition refuses this commit alone: conflict, with the key as
  /// pointer. After storage_unavailable or corruption the whole batch must be dropped.
  /// `prepared`: its entries, if they were prepared before.
  Result<std::size_t> add(const Commit& commit, std::vector<provenance::PreparedEntry> prepared = {});
  /// Deletes the oldest receipts of before `until`, a bounded number; whether there may be more. storage_unavailable.
  Result<bool> prune(Timestamp until);
  /// All changes, with the log's head and the receipts; nothing may be added afterwards.
  std::vector<storage::Change> finish();
  /// The receipt of the n-th commit that was added; after `finish`.
  const CommitReceipt& receipt(std::size_t index) const { return receipts_[index].receipt; }

  /// Whether no commit was added.
  bool empty() const { return receipts_.empty(); }
  bool has_messages() const { return sequence_ != first_sequence_; }
  std::uint64_t sequence() const { return sequence_; }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Pending {
    std::string id;
    CommitReceipt receipt;
    bool repeated = false;
  };

  Result<std::optional<std::string>> value_of(const std::string& key) const;
  Result<void> check(const Commit& commit) const;
  void change(storage::Change change);

  const storage::Reader& store_;
  provenance::LogAppender& log_;
  Timestamp recorded_;
  std::uint64_t first_sequence_;
  std::uint64_t sequence_;
  std::vector<storage::Change> changes_;
  std::unordered_map<std::string, std::size_t> overlay_;  ///< where in `changes_` a key's newest value is
  std::unordered_map<std::string, std::size_t> by_id_;
  std::vector<Pending> receipts_;
  std::size_t bytes_ = 0;
};

/// What a commit counts against the limits, in bytes.
std::size_t size_of(const Commit& commit);

}  // namespace sluis::commit
