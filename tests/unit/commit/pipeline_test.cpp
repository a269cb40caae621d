#include "connector/commit/pipeline.hpp"

#include "connector/commit/batch.hpp"
#include "connector/provenance/log_store.hpp"
#include "connector/storage/memory_store.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>

namespace sluis::commit {
namespace {

/// Drives the machine with real batches over a store and a slot that fail when the dice say so, in an order that the dice
/// choose. After every step it checks what must always hold.
class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : dice_(seed), random_(seed) { (void)log_.recover(store_); }

  void run(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      const std::uint64_t pick = dice_() % 4;
      if (pick == 0) submit();
      if (pick == 1 && !queue_.empty() && pipeline_.may_begin()) begin();
      if (pick == 2 && begun_) end_write();
      if (pick == 3 && keeping_) end_keep();
      check();
    }
    faults_ = false;
    while (!::testing::Test::HasFailure() && (!queue_.empty() || !pipeline_.idle())) {
      if (keeping_) end_keep();
      if (begun_) end_write();
      if (!queue_.empty() && pipeline_.may_begin()) begin();
      check();
    }
    EXPECT_EQ(answered_.size(), next_) << "every commit is answered, and once";
  }
  std::size_t durable() const { return durable_; }
  std::size_t unknown() const { return unknown_; }
  std::size_t refused() const { return refused_; }

 private:
  struct Asked {
    std::uint64_t id = 0;
    Commit commit;
  };
  struct InFlight {
    std::vector<Asked> taken;
    std::vector<storage::Change> changes;
    std::uint64_t size = 0;
    bool lost_write = false;
  };

  bool happens(unsigned one_in) { return faults_ && dice_() % one_in == 0; }

  /// Takes one of a few keys from "absent" to a value of its own: of those that race for a key, one may win.
  void submit() {
    Asked asked{next_++, {}};
    const std::string key = "k/" + std::to_string(asked.id / 3);
    asked.commit.preconditions.push_back({key, std::nullopt});
    asked.commit.changes.push_back({key, std::to_string(asked.id)});
    asked.commit.entries.push_back({20, {}, "shared " + std::to_string(asked.id), ""});
    queue_.push_back(std::move(asked));
  }

  void begin() {
    if (pipeline_.must_recover()) {
      EXPECT_TRUE(pipeline_.idle()) << "a store is not opened anew under a step that still runs";
      ASSERT_TRUE(log_.recover(store_));
      EXPECT_LE(kept_size_, log_.size()) << "the slot is ahead of the store";
      kept_size_ = log_.size();
      if (happens(4)) {  // recovery fails: nothing is written, the next batch tries again
        begun_ = pipeline_.begin();
        InFlight flight;
        flight.taken.push_back(std::move(queue_.front()));
        queue_.pop_front();
        flights_.emplace(*begun_, std::move(flight));
        begun_.reset();
        perform(pipeline_.abandoned());
        EXPECT_TRUE(pipeline_.must_recover());
        return;
      }
    }
    const bool recovers = pipeline_.must_recover();
    begun_ = pipeline_.begin();
    if (recovers) pipeline_.recovered();
    Batch batch(store_, log_, clock_.now(), 0);
    InFlight flight;
    for (std::uint64_t most = 1 + dice_() % 5; most > 0 && !queue_.empty(); --most) {
      Asked asked = std::move(queue_.front());
      queue_.pop_front();
      if (batch.add(asked.commit)) {
        flight.taken.push_back(std::move(asked));
      } else {
        EXPECT_TRUE(answered_.insert(asked.id).second);
        ++refused_;
      }
    }
    const bool nothing = batch.empty();
    if (!nothing) flight.changes = batch.finish();
    flight.size = log_.size();
    flights_.emplace(*begun_, std::move(flight));
    if (!nothing) return;
    begun_.reset();
    perform(pipeline_.abandoned());
  }

  void end_write() {
    InFlight& flight = flights_.at(*begun_);
    const bool fails = happens(9);
    if (!fails || dice_() % 2 == 0) (void)store_.write(flight.changes, true);
    begun_.reset();
    perform(fails ? pipeline_.write_failed() : pipeline_.written());
  }

  void end_keep() {
    const std::uint64_t batch = *std::exchange(keeping_, std::nullopt);
    if (happens(9)) return perform(pipeline_.keep_failed());
    kept_size_ = flights_.at(batch).size;
    perform(pipeline_.kept());
  }

  void perform(const Pipeline::Actions& actions) {
    for (const auto& [batch, durable] : actions.complete) {
      const InFlight flight = std::move(flights_.extract(batch).mapped());
      for (const Asked& asked : flight.taken) {
        EXPECT_TRUE(answered_.insert(asked.id).second) << "answered twice";
        if (!durable) {
          ++unknown_;
          continue;
        }
        ++durable_;
        EXPECT_LE(flight.size, kept_size_) << "acknowledged before its checkpoint was kept";
        EXPECT_EQ(*store_.get(asked.commit.changes[0].key), asked.commit.changes[0].value) << "acknowledged and gone";
      }
      if (durable) {
        EXPECT_GT(batch, last_durable_) << "acknowledged out of order";
        last_durable_ = batch;
      }
    }
    if (actions.keep) {
      EXPECT_FALSE(keeping_) << "two checkpoints at once";
      EXPECT_TRUE(flights_.contains(*actions.keep));
      keeping_ = actions.keep;
    }
  }

  void check() {
    const auto head = provenance::LogReader(store_, keys_).head();
    ASSERT_TRUE(head);
    EXPECT_LE(kept_size_, head->frontier.size()) << "the slot is ahead of the store";
  }

  std::mt19937_64 dice_;
  test::TempFolder folder_;
  test::ManualClock clock_;
  test::SeededRandom random_;
  storage::MemoryStore store_;
  provenance::PayloadKeys keys_{folder_.path() / "keys", random_};
  provenance::LogAppender log_{keys_, random_};
  Pipeline pipeline_;
  bool faults_ = true;
  std::deque<Asked> queue_;
  std::map<std::uint64_t, InFlight> flights_;
  std::optional<std::uint64_t> begun_;
  std::optional<std::uint64_t> keeping_;
  std::uint64_t kept_size_ = 0;
  std::uint64_t last_durable_ = 0;
  std::uint64_t next_ = 0;
  std::set<std::uint64_t> answered_;
  std::size_t durable_ = 0;
  std::size_t unknown_ = 0;
  std::size_t refused_ = 0;
};

TEST(Pipeline, HoldsItsPromisesInAnyOrderOfEventsWithFailuresAtEveryStep) {
  std::size_t durable = 0;
  std::size_t unknown = 0;
  std::size_t refused = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation simulation(seed);
    simulation.run(400);
    if (::testing::Test::HasFailure()) return;
    durable += simulation.durable();
    unknown += simulation.unknown();
    refused += simulation.refused();
  }
  EXPECT_GT(durable, 1000U);  // each outcome was met
  EXPECT_GT(unknown, 1000U);
  EXPECT_GT(refused, 1000U);
}

TEST(Pipeline, TheNextBatchIsWrittenWhileACheckpointIsKept) {
  Pipeline pipeline;
  const auto first = pipeline.begin();
  EXPECT_FALSE(pipeline.may_begin());
  EXPECT_EQ(pipeline.written().keep, first);
  ASSERT_TRUE(pipeline.may_begin());
  const auto second = pipeline.begin();
  EXPECT_FALSE(pipeline.written().keep);  // one checkpoint at a time
  const auto actions = pipeline.kept();
  ASSERT_EQ(actions.complete.size(), 1U);
  EXPECT_EQ(actions.complete[0].batch, first);
  EXPECT_EQ(actions.keep, second);
}

TEST(Pipeline, AFailedCheckpointFailsEveryBatchBehindIt) {
  Pipeline pipeline;
  (void)pipeline.begin();
  (void)pipeline.written();
  (void)pipeline.begin();
  (void)pipeline.written();
  const auto third = pipeline.begin();
  const auto failed = pipeline.keep_failed();
  ASSERT_EQ(failed.complete.size(), 2U);
  EXPECT_FALSE(failed.complete[0].durable || failed.complete[1].durable);
  EXPECT_FALSE(pipeline.may_begin());  // the third is being written
  const auto late = pipeline.written();
  ASSERT_EQ(late.complete.size(), 1U);
  EXPECT_EQ(late.complete[0].batch, third);
  EXPECT_FALSE(late.complete[0].durable);
  EXPECT_FALSE(late.keep);
  EXPECT_TRUE(pipeline.may_begin() && pipeline.must_recover());
}

TEST(Pipeline, AFailedWriteLeavesTheBatchesBeforeItAlone) {
  Pipeline pipeline;
  const auto first = pipeline.begin();
  (void)pipeline.written();
  (void)pipeline.begin();
  const auto failed = pipeline.write_failed();
  ASSERT_EQ(failed.complete.size(), 1U);
  EXPECT_FALSE(failed.complete[0].durable);
  EXPECT_FALSE(pipeline.may_begin());  // the first's checkpoint is being kept
  const auto kept = pipeline.kept();
  ASSERT_EQ(kept.complete.size(), 1U);
  EXPECT_EQ(kept.complete[0].batch, first);
  EXPECT_TRUE(kept.complete[0].durable);
  EXPECT_TRUE(pipeline.may_begin() && pipeline.must_recover());
}

}  // namespace
}  // namespace sluis::commit
