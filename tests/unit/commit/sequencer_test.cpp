#include "connector/commit/sequencer.hpp"

#include "connector/base/limits.hpp"
#include "connector/provenance/log_store.hpp"
#include "connector/storage/memory_store.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <thread>

namespace sluis::commit {
namespace {

/// The memory outlives "reopening", as a disk does.
class Disk final : public storage::KvStore {
 public:
  explicit Disk(storage::MemoryStore& memory) : memory_(memory) {}
  Result<std::optional<std::string>> get(std::string_view key) const override { return memory_.get(key); }
  Result<void> scan(std::string_view prefix, std::string_view from,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return memory_.scan(prefix, from, visit);
  }
  Result<void> write(const std::vector<storage::Change>& changes, bool sync) override { return memory_.write(changes, sync); }
  std::unique_ptr<storage::Reader> snapshot() const override { return memory_.snapshot(); }
  Result<void> purge() const override { return memory_.purge(); }

 private:
  storage::MemoryStore& memory_;
};

class SequencerTest : public ::testing::Test {
 protected:
  void SetUp() override { start(); }
  void start(std::function<void()> on_recovered = {}) {
    sequencer_.reset();
    sequencer_ = std::make_unique<Sequencer>(store_, keys_, clock_, random_,
                                             Sequencer::Options{"waterrijk.example/log", key_, folder_.path() / "slots"});
    sequencer_->on_recovered(std::move(on_recovered));
    opened_ = sequencer_->open();
  }
  static Commit put(std::string key, std::string value, std::optional<std::string> before = std::nullopt) {
    Commit commit;
    commit.preconditions.push_back({key, before});
    commit.changes.push_back({key, value});
    commit.entries.push_back({20, {}, "shared " + value, "internal"});
    return commit;
  }
  provenance::LogReader log() { return {store_, keys_}; }

  test::TempFolder folder_;
  test::ManualClock clock_;
  test::SeededRandom random_;
  storage::MemoryStore memory_;
  test::FailingStore::Faults faults_;
  storage::ReopeningStore store_{[this]() -> Result<std::unique_ptr<storage::KvStore>> {
    return std::unique_ptr<storage::KvStore>(std::make_unique<test::FailingStore>(std::make_shared<Disk>(memory_), faults_));
  }};
  provenance::PayloadKeys keys_{folder_.path() / "keys", random_};
  crypto::Key key_ = crypto::Key::generate(crypto::Key::Kind::ed25519);
  std::unique_ptr<Sequencer> sequencer_;
  Result<void> opened_ = {};
};

TEST_F(SequencerTest, StateEntryAndCheckpointAreThereWhenItAnswers) {
  const auto receipt = sequencer_->commit_and_wait(put("a", "1"));
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->log_size, 1U);
  EXPECT_EQ(*store_.get("a"), "1");
  EXPECT_EQ(log().payload(0)->shared, "shared 1");
  const auto key = provenance::VerifierKey::parse(sequencer_->verifier_key());
  EXPECT_EQ(provenance::open_checkpoint(*provenance::read_newest_slot(folder_.path() / "slots").value(), *key)->size, 1U);
}

TEST_F(SequencerTest, OfTwoRacingCommitsInOneBatchTheFirstWins) {
  storage::MemoryStore empty;
  provenance::LogAppender appender(keys_, random_);
  ASSERT_TRUE(appender.recover(empty));
  Batch batch(empty, appender, clock_.now(), 0);
  EXPECT_TRUE(batch.add(put("a", "1")));
  const auto second = batch.add(put("a", "2"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_EQ(second.error().place.pointer, "a");
  EXPECT_EQ(appender.size(), 1U);
}

TEST_F(SequencerTest, OfManyRacingCommitsAcrossBatchesOneWins) {
  std::atomic<int> won = 0;
  std::atomic<int> lost = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] {
      const auto done = sequencer_->commit_and_wait(put("a", std::to_string(i)));
      if (done) {
        ++won;
      } else if (done.error().code == ErrorCode::conflict) {
        ++lost;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 15);
  EXPECT_EQ(log().head()->frontier.size(), 1U);
}

TEST_F(SequencerTest, ManyCallersAllGetTheirOwnEntries) {
  std::vector<std::thread> threads;
  std::vector<std::uint64_t> index(8 * 50);
  for (std::size_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 50; ++i) {
        const std::string name = std::to_string(t * 50 + i);
        index[t * 50 + i] = sequencer_->commit_and_wait(put("k" + name, name))->first_entry;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < index.size(); ++i) {
    EXPECT_EQ(log().payload(index[i])->shared, "shared " + std::to_string(i));
  }
  const auto root = log().root(400);
  EXPECT_EQ(*root, log().head()->frontier.root());
}

TEST_F(SequencerTest, ACommitRepeatedByIdHasNoSecondEffect) {
  Commit commit = put("a", "1");
  commit.id = "once";
  const auto first = sequencer_->commit_and_wait(commit);
  const auto again = sequencer_->commit_and_wait(commit);
  ASSERT_TRUE(first && again);
  EXPECT_EQ(again->first_entry, first->first_entry);
  EXPECT_EQ(log().head()->frontier.size(), 1U);
}

TEST_F(SequencerTest, AFailedSyncIsOutcomeUnknownAndTheIdTells) {
  for (const bool lost : {true, false}) {
    faults_.lose_it = lost;
    faults_.writes_before_failure = 0;
    Commit commit = put(lost ? "x" : "y", "1");
    commit.id = lost ? "one" : "two";
    const auto unknown = sequencer_->commit_and_wait(commit);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, ErrorCode::outcome_unknown);
    faults_.writes_before_failure = -1;
    const auto settled = sequencer_->commit_and_wait(commit);
    ASSERT_TRUE(settled) << describe(settled.error());
    EXPECT_EQ(*store_.get(lost ? "x" : "y"), "1");
  }
  EXPECT_EQ(log().head()->frontier.size(), 2U);
  EXPECT_EQ(*log().root(2), log().head()->frontier.root());
}

TEST_F(SequencerTest, WhoeverWantsIsToldThatTheStoreWasOpenedAnew) {
  int told = 0;
  start([&] { ++told; });
  EXPECT_EQ(told, 0);
  faults_.lose_it = false;
  faults_.writes_before_failure = 0;
  ASSERT_FALSE(sequencer_->commit_and_wait(put("x", "1")));  // and it was written
  faults_.writes_before_failure = -1;
  ASSERT_TRUE(sequencer_->commit_and_wait(put("y", "1")));
  EXPECT_EQ(told, 1);
  EXPECT_EQ(*store_.get("x"), "1");
}

TEST_F(SequencerTest, WithCommitsQueuedBehindAFailedSyncEachIsAnsweredAndNoneIsLost) {
  ASSERT_TRUE(sequencer_->commit_and_wait(put("first", "1")));
  faults_.writes_before_failure = 3;
  std::atomic<int> acknowledged = 0;
  std::atomic<int> unknown = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 32; ++i) {
    threads.emplace_back([&, i] {
      const auto done = sequencer_->commit_and_wait(put("k" + std::to_string(i), "v"));
      if (done) {
        ++acknowledged;
        EXPECT_EQ(*store_.get("k" + std::to_string(i)), "v");
      } else {
        ++unknown;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(acknowledged + unknown, 32);
  EXPECT_EQ(*log().root(log().head()->frontier.size()), log().head()->frontier.root());
}

TEST_F(SequencerTest, AFullDiskRefusesAndNothingIsLost) {
  ASSERT_TRUE(sequencer_->commit_and_wait(put("a", "1")));
  faults_.disk_full = true;
  EXPECT_FALSE(sequencer_->commit_and_wait(put("b", "1")));
  EXPECT_FALSE(sequencer_->commit_and_wait(put("c", "1")));
  EXPECT_EQ(*store_.get("a"), "1");
  faults_.disk_full = false;
  EXPECT_TRUE(sequencer_->commit_and_wait(put("d", "1")));
  EXPECT_EQ(*store_.get("b"), std::nullopt);
}

TEST_F(SequencerTest, ALogShorterThanItsKeptCheckpointIsQuarantinedAndNeverSigns) {
  ASSERT_TRUE(sequencer_->commit_and_wait(put("a", "1")));
  const auto head = *memory_.get("log/head");
  ASSERT_TRUE(sequencer_->commit_and_wait(put("b", "1")));
  sequencer_.reset();
  ASSERT_TRUE(memory_.write({{"log/head", head}}, true));  // the second batch is gone, without a word
  start();
  ASSERT_TRUE(opened_);
  EXPECT_NE(sequencer_->quarantine(), "");
  const auto refused = sequencer_->commit_and_wait(put("c", "1"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::storage_unavailable);
  EXPECT_EQ(log().payload(0)->shared, "shared 1");
}

TEST_F(SequencerTest, AnotherRootAtTheKeptSizeIsQuarantined) {
  ASSERT_TRUE(sequencer_->commit_and_wait(put("a", "1")));
  sequencer_.reset();
  {
    // As somebody would who rewrites an entry and signs again: same origin and size, another root.
    const auto slots = *provenance::CheckpointSlots::open(folder_.path() / "slots");
    ASSERT_TRUE(slots->write(provenance::sign_checkpoint({"waterrijk.example/log", 1, crypto::sha256("another")}, key_)));
  }
  start();
  ASSERT_TRUE(opened_);
  EXPECT_NE(sequencer_->quarantine().find("another root"), std::string::npos) << sequencer_->quarantine();
  EXPECT_FALSE(sequencer_->commit_and_wait(put("b", "1")));
}

TEST_F(SequencerTest, AnotherLogsCheckpointIsQuarantined) {
  ASSERT_TRUE(sequencer_->commit_and_wait(put("a", "1")));
  sequencer_.reset();
  {
    const auto slots = *provenance::CheckpointSlots::open(folder_.path() / "slots");
    const auto other = crypto::Key::generate(crypto::Key::Kind::ed25519);
    ASSERT_TRUE(slots->write(provenance::sign_checkpoint({"waterrijk.example/log", 1, crypto::sha256("x")}, other)));
  }
  start();
  EXPECT_NE(sequencer_->quarantine().find("not of this log"), std::string::npos) << sequencer_->quarantine();
}

TEST_F(SequencerTest, AStoreWhoseKeptCheckpointsAreGoneIsQuarantined) {
  ASSERT_TRUE(sequencer_->commit_and_wait(put("a", "1")));
  ASSERT_TRUE(sequencer_->commit_and_wait(put("b", "1")));
  sequencer_.reset();
  std::filesystem::remove_all(folder_.path() / "slots");
  start();
  ASSERT_TRUE(opened_);
  EXPECT_NE(sequencer_->quarantine().find("gone"), std::string::npos);
  EXPECT_FALSE(sequencer_->commit_and_wait(put("c", "1")));
}

TEST_F(SequencerTest, AStoreAheadOfItsSlotIsNormal) {
  ASSERT_TRUE(sequencer_->commit_and_wait(put("a", "1")));
  std::filesystem::copy(folder_.path() / "slots", folder_.path() / "old");
  ASSERT_TRUE(sequencer_->commit_and_wait(put("b", "1")));
  sequencer_.reset();
  std::filesystem::remove_all(folder_.path() / "slots");
  std::filesystem::rename(folder_.path() / "old", folder_.path() / "slots");
  start();
  EXPECT_EQ(sequencer_->quarantine(), "");
  EXPECT_TRUE(sequencer_->commit_and_wait(put("c", "1")));
}

TEST_F(SequencerTest, AClockSetBackRefusesExchangesButNotRevocations) {
  ASSERT_TRUE(sequencer_->commit_and_wait(put("a", "1")));
  const Timestamp before = clock_.now();
  clock_.advance(-std::chrono::seconds(6));
  EXPECT_EQ(sequencer_->decision_time(), before);
  EXPECT_TRUE(sequencer_->clock_behind());
  const auto refused = sequencer_->commit_and_wait(put("b", "1"));
  ASSERT_FALSE(refused);
  // A peer is told "not now" (503): for `invalid_state` it would get 400, and take its own resend for delivered.
  EXPECT_EQ(refused.error().code, ErrorCode::storage_unavailable);
  Commit revoke = put("c", "1");
  revoke.commit_class = CommitClass::revoke;
  const auto done = sequencer_->commit_and_wait(revoke);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->time, before);
  clock_.advance(std::chrono::seconds(1));  // five seconds behind is tolerated
  EXPECT_TRUE(sequencer_->commit_and_wait(put("b", "1")));
}

TEST_F(SequencerTest, ATooLargeCommitIsRefusedAlone) {
  Commit large = put("a", "1");
  large.changes.push_back({"big", std::string(2U << 20U, 'x')});
  EXPECT_EQ(sequencer_->commit_and_wait(large).error().code, ErrorCode::limit_exceeded);
  EXPECT_TRUE(sequencer_->commit_and_wait(put("a", "1")));
}

TEST_F(SequencerTest, MessagesAreStoredInOrderWithTheirCommit) {
  int told = 0;
  sequencer_->on_messages([&] { ++told; });
  Commit commit = put("a", "1");
  commit.messages = {{"did:web:duinmeer.example", "p1", "one"}, {"did:web:duinmeer.example", "p1", "two"}};
  ASSERT_TRUE(sequencer_->commit_and_wait(commit));
  std::vector<std::string> found;
  ASSERT_TRUE(store_.scan("outbox/did:web:duinmeer.example/p1/", "", [&](auto, std::string_view value) {
    found.emplace_back(value);
    return true;
  }));
  EXPECT_EQ(found, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(told, 1);
}

/// Throws when told, as a library beneath might.
class ThrowingClock final : public Clock {
 public:
  Timestamp now() const override {
    if (throws) throw std::runtime_error("no time");
    return *parse_time("2026-11-26T09:00:00Z");
  }
  std::atomic<bool> throws = false;
};

TEST_F(SequencerTest, WhatIsThrownWhileABatchIsMadeLeavesNothingStuck) {
  sequencer_.reset();
  ThrowingClock clock;
  Sequencer sequencer(store_, keys_, clock, random_, {"waterrijk.example/log", key_, folder_.path() / "slots"});
  ASSERT_TRUE(sequencer.open());
  ASSERT_TRUE(sequencer.commit_and_wait(put("a", "1")));
  clock.throws = true;
  const auto alone = sequencer.commit_and_wait(put("b", "1"));
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().code, ErrorCode::outcome_unknown);
  std::promise<Result<CommitReceipt>> submitted;
  sequencer.submit(put("c", "1"), [&](Result<CommitReceipt> done) { submitted.set_value(std::move(done)); });
  EXPECT_FALSE(submitted.get_future().get());
  clock.throws = false;
  EXPECT_TRUE(sequencer.commit_and_wait(put("d", "1")));
  EXPECT_EQ(*log().root(2), log().head()->frontier.root());
}

TEST_F(SequencerTest, AStoreFromABackupSignsNothing) {
  ASSERT_TRUE(sequencer_->commit_and_wait(put("a", "1")));
  sequencer_->stop();
  ASSERT_TRUE(store_.write({{std::string(kRestoredMark), "2026-11-26"}}, true));
  Sequencer again(store_, keys_, clock_, random_, {"waterrijk.example/log", key_, folder_.path() / "slots"});
  ASSERT_TRUE(again.open());
  EXPECT_NE(again.quarantine().find("restored from a backup of 2026-11-26"), std::string::npos) << again.quarantine();
  EXPECT_FALSE(again.commit_and_wait(put("b", "1")));
}

/// Its checkpoints are of its own tree, after a failed write too; and a store from before it is no longer the newest.
TEST_F(SequencerTest, ALogThatFollowsIsSignedUnderItsOwnNameAndIsMissedWhenItIsGone) {
  ASSERT_TRUE(sequencer_->commit_and_wait(put("a", "1")));
  ASSERT_TRUE(sequencer_->commit_and_wait(put("b", "1")));
  sequencer_->stop();
  std::vector<storage::Change> copy;
  ASSERT_TRUE(store_.scan("", "", [&](std::string_view name, std::string_view value) {
    copy.push_back({std::string(name), std::string(value)});
    return true;
  }));
  const provenance::Shard old{0, "waterrijk.example/log", 0, sequencer_->verifier_key(), sequencer_->checkpoint()};
  const std::string origin = "waterrijk.example/log/2";
  auto changes = provenance::follow(old, {1, origin, 2, "", ""}, clock_.now());
  changes.push_back({std::string(kKeptMark), std::nullopt});
  ASSERT_TRUE(store_.write(changes, true));
  {
    Sequencer wrong(store_, keys_, clock_, random_, {"waterrijk.example/log", key_, folder_.path() / "slots"});
    EXPECT_EQ(wrong.open().error().code, ErrorCode::invalid_state) << "under the name of the log that ended";
  }
  {
    Sequencer next(store_, keys_, clock_, random_, {origin, key_, folder_.path() / "slots"});
    ASSERT_TRUE(next.open());
    const auto receipt = next.commit_and_wait(put("c", "1"));
    ASSERT_TRUE(receipt) << describe(receipt.error());
    EXPECT_EQ(receipt->first_entry, 2U);
    EXPECT_EQ(receipt->log_size, 1U);
    const auto key = provenance::VerifierKey::parse(next.verifier_key());
    EXPECT_EQ(provenance::open_checkpoint(next.checkpoint(), *key)->size, 1U);
  }
  {
    Sequencer next(store_, keys_, clock_, random_, {origin, key_, folder_.path() / "slots"});
    ASSERT_TRUE(next.open());
    EXPECT_EQ(next.quarantine(), "") << "its slot is held against its own tree";
    EXPECT_EQ(next.commit_and_wait(put("d", "1"))->first_entry, 3U);
  }
  storage::ReopeningStore older([&]() -> Result<std::unique_ptr<storage::KvStore>> {
    auto put_back = std::make_unique<storage::MemoryStore>();
    SLUIS_CHECK(put_back->write(copy, true));
    return Result<std::unique_ptr<storage::KvStore>>(std::move(put_back));
  });
  Sequencer before(older, keys_, clock_, random_, {"waterrijk.example/log", key_, folder_.path() / "slots"});
  ASSERT_TRUE(before.open());
  EXPECT_NE(before.quarantine().find("another log followed"), std::string::npos) << before.quarantine();
}

TEST_F(SequencerTest, ACompletionThatThrowsHarmsNoOther) {
  std::promise<Result<CommitReceipt>> second;
  sequencer_->submit(put("a", "1"), [](const Result<CommitReceipt>&) { throw std::runtime_error("no"); });
  sequencer_->submit(put("b", "1"), [&](Result<CommitReceipt> done) { second.set_value(std::move(done)); });
  EXPECT_TRUE(second.get_future().get());
}

TEST_F(SequencerTest, AReceiptByIdIsKeptForItsTimeAndThenGoes) {
  Commit commit = put("a", "1");
  commit.id = "once";
  const auto first = sequencer_->commit_and_wait(commit);
  ASSERT_TRUE(first);
  clock_.advance(limits::kCommitReceiptKept);
  const auto again = sequencer_->commit_and_wait(commit);  // at the very end of its time
  ASSERT_TRUE(again);
  EXPECT_EQ(again->first_entry, first->first_entry);
  clock_.advance(std::chrono::minutes(2));
  ASSERT_TRUE(sequencer_->commit_and_wait(put("b", "1")));
  EXPECT_EQ(*store_.get(receipt_key("once")), std::nullopt);
  std::size_t left = 0;
  ASSERT_TRUE(store_.scan("commit", "", [&](auto, auto) { return ++left != 0; }));
  EXPECT_EQ(left, 0U);
  const auto late = sequencer_->commit_and_wait(commit);
  ASSERT_FALSE(late);  // its precondition still stands guard
  EXPECT_EQ(late.error().code, ErrorCode::conflict);
}

TEST_F(SequencerTest, AfterStopItRefuses) {
  sequencer_->stop();
  EXPECT_EQ(sequencer_->commit_and_wait(put("a", "1")).error().code, ErrorCode::storage_unavailable);
}

}  // namespace
}  // namespace sluis::commit
