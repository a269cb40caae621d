#pragma once

#include "connector/outbox/keys.hpp"
#include "connector/storage/commit_port.hpp"
#include "connector/storage/memory_store.hpp"

#include <cstdio>
#include <map>
#include <mutex>
#include <utility>

namespace sluis::test {

/// Keeps the contract of CommitPort on a memory store, and the entries in a list.
class FakeCommits final : public CommitPort {
 public:
  explicit FakeCommits(storage::KvStore& store) : store_(store) {}

  void submit(Commit commit, Completion done) override { done(commit_and_wait(std::move(commit))); }

  Result<CommitReceipt> commit_and_wait(Commit commit) override {
    const std::lock_guard lock(mutex_);
    if (refuse) return Error(ErrorCode::storage_unavailable, "refused by the test");
    if (const auto before = done_.find(commit.id); before != done_.end()) return before->second;
    for (const Precondition& precondition : commit.preconditions) {
      const auto value = store_.get(precondition.key);
      if (!value) return value.error();
      if (*value != precondition.expected) {
        return Error(ErrorCode::conflict, "somebody else was first").at_pointer(precondition.key);
      }
    }
    std::vector<storage::Change> changes = std::move(commit.changes);
    for (const OutgoingMessage& message : commit.messages) {
      char digits[17];
      std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(++sequence_));
      changes.push_back({outbox::process_prefix(message.peer, message.process) + digits, message.bytes});
    }
    if (!commit.messages.empty()) {
      std::string last;
      put_u64(last, sequence_);
      changes.push_back({std::string(outbox::kSequenceKey), last});
    }
    if (auto written = store_.write(changes, true); !written) return written.error();
    for (EntryDraft& entry : commit.entries) entries.push_back(std::move(entry));
    CommitReceipt receipt;
    receipt.log_size = entries.size();
    if (!commit.id.empty()) done_.emplace(commit.id, receipt);
    return receipt;
  }

  std::vector<EntryDraft> entries;
  bool refuse = false;

 private:
  storage::KvStore& store_;
  std::mutex mutex_;
  std::uint64_t sequence_ = 0;
  std::map<std::string, CommitReceipt> done_;  ///< by the commit's id
};

class FakeClock final : public Clock {
 public:
  Timestamp now() const override { return time; }
  Timestamp time{std::chrono::seconds(1'800'000'000)};
};

/// Different bytes at every call, the same in every run.
class FakeRandom final : public Random {
 public:
  std::string bytes(std::size_t count) override {
    const std::lock_guard lock(mutex_);
    std::string out;
    while (out.size() < count) {
      state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
      out += static_cast<char>(state_ >> 56U);
    }
    return out;
  }

 private:
  std::mutex mutex_;
  std::uint64_t state_ = 42;
};

}  // namespace sluis::test
