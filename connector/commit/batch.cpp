#include "connector/commit/batch.hpp"

#include "connector/base/limits.hpp"

#include <fmt/format.h>

namespace sluis::commit {
namespace {

constexpr std::string_view kAgePrefix = "commit-at/";
constexpr std::size_t kPrunedAtOnce = 1024;

}  // namespace

std::string receipt_key(std::string_view commit_id) { return "commit/" + std::string(commit_id); }

std::string receipt_age_key(Timestamp recorded, std::string_view commit_id) {
  std::string key(kAgePrefix);
  put_u64(key, static_cast<std::uint64_t>(recorded.time_since_epoch().count()));
  key += commit_id;
  return key;
}

std::string encode_receipt(const CommitReceipt& receipt) {
  std::string out;
  put_u64(out, receipt.first_entry);
  put_u64(out, receipt.entries);
  put_u64(out, receipt.log_size);
  put_u64(out, static_cast<std::uint64_t>(receipt.time.time_since_epoch().count()));
  return out;
}

Result<CommitReceipt> decode_receipt(std::string_view bytes) {
  if (bytes.size() != 32) return Error(ErrorCode::corruption, "a commit's receipt has the wrong length");
  return CommitReceipt{get_u64(bytes), get_u64(bytes, 8), get_u64(bytes, 16),
                       Timestamp(Duration(static_cast<std::int64_t>(get_u64(bytes, 24))))};
}

std::string outbox_key(const OutgoingMessage& message, std::uint64_t sequence) {
  return fmt::format("outbox/{}/{}/{:016x}", message.peer, message.process, sequence);
}

std::size_t size_of(const Commit& commit) {
  std::size_t size = commit.id.size();
  for (const auto& change : commit.changes) size += change.key.size() + (change.value ? change.value->size() : 0);
  for (const auto& message : commit.messages) size += message.peer.size() + message.process.size() + message.bytes.size();
  for (const auto& entry : commit.entries) size += entry.shared.size() + entry.internal.size() + 256;
  return size;
}

Batch::Batch(const storage::Reader& store, provenance::LogAppender& log, Timestamp recorded, std::uint64_t sequence)
    : store_(store), log_(log), recorded_(recorded), first_sequence_(sequence), sequence_(sequence) {}

Result<std::optional<std::string>> Batch::value_of(const std::string& key) const {
  if (const auto found = overlay_.find(key); found != overlay_.end()) {
    return changes_[found->second].value;
  }
  return store_.get(key);
}

Result<void> Batch::check(const Commit& commit) const {
  if (size_of(commit) > limits::kCommitBytes) {
    return Error(ErrorCode::limit_exceeded, "a commit of more than " + std::to_string(limits::kCommitBytes) + " bytes");
  }
  for (const EntryDraft& entry : commit.entries) {
    if (entry.shared.size() + entry.internal.size() > limits::kEntryPayloadBytes) {
      return Error(ErrorCode::limit_exceeded, "the payload of an entry is too large");
    }
  }
  for (const Precondition& condition : commit.preconditions) {
    SLUIS_TRY(const std::optional<std::string> value, value_of(condition.key));
    if (value != condition.expected) {
      return Error(ErrorCode::conflict, "the state changed in between").at_pointer(condition.key);
    }
  }
  return {};
}

void Batch::change(storage::Change change) {
  overlay_[change.key] = changes_.size();
  changes_.push_back(std::move(change));
}

Result<std::size_t> Batch::add(const Commit& commit, std::vector<provenance::PreparedEntry> prepared) {
  if (!commit.id.empty()) {
    if (const auto found = by_id_.find(commit.id); found != by_id_.end()) return found->second;
    SLUIS_TRY(const std::optional<std::string> known, store_.get(receipt_key(commit.id)));
    if (known) {
      SLUIS_TRY(const CommitReceipt receipt, decode_receipt(*known));
      receipts_.push_back({commit.id, receipt, true});
      return receipts_.size() - 1;
    }
  }
  SLUIS_CHECK(check(commit));
  CommitReceipt receipt{log_.next(), commit.entries.size(), 0, recorded_};
  for (std::size_t i = 0; i < commit.entries.size(); ++i) {
    SLUIS_CHECK(i < prepared.size() ? log_.append(commit.entries[i], std::move(prepared[i]), recorded_, changes_)
                                    : log_.append(commit.entries[i], recorded_, changes_));
  }
  for (const storage::Change& wanted : commit.changes) change(wanted);
  for (const OutgoingMessage& message : commit.messages) change({outbox_key(message, ++sequence_), message.bytes});
  bytes_ += size_of(commit);
  receipts_.push_back({commit.id, receipt, false});
  if (!commit.id.empty()) by_id_[commit.id] = receipts_.size() - 1;
  return receipts_.size() - 1;
}

Result<bool> Batch::prune(Timestamp until) {
  const std::string end = receipt_age_key(until, {});
  std::vector<std::string> old;
  SLUIS_CHECK(store_.scan(kAgePrefix, {}, [&](std::string_view key, std::string_view) {
    if (key >= end) return false;
    old.emplace_back(key);
    return old.size() < kPrunedAtOnce;
  }));
  for (const std::string& key : old) {
    const std::string id = key.substr(kAgePrefix.size() + 8);
    if (by_id_.contains(id)) continue;
    changes_.push_back({receipt_key(id), std::nullopt});
    changes_.push_back({key, std::nullopt});
  }
  return old.size() == kPrunedAtOnce;
}

std::vector<storage::Change> Batch::finish() {
  log_.seal(recorded_, changes_);
  for (Pending& pending : receipts_) {
    if (pending.repeated) continue;
    pending.receipt.log_size = log_.size();
    if (pending.id.empty()) continue;
    changes_.push_back({receipt_key(pending.id), encode_receipt(pending.receipt)});
    changes_.push_back({receipt_age_key(recorded_, pending.id), std::string()});
  }
  if (has_messages()) {
    std::string value;
    put_u64(value, sequence_);
    changes_.push_back({"meta/outbox-sequence", std::move(value)});
  }
  return std::move(changes_);
}

}  // namespace sluis::commit
