#include "tests/unit/gate/gate_world.hpp"

namespace sluis::test {
namespace {

using provenance::EntryKind;

class CountTest : public GateWorld {
 protected:
  void allow(int uses) {
    record_ = put_agreement("urn:duinmeer", crowd_only("," + constraint("count", "lteq", "\"" + std::to_string(uses) + "\"")));
  }
  std::string stored() { return store_.get(gate::uses_key(record_.id))->value_or("nothing"); }
};

TEST_F(CountTest, AUseIsCountedBeforeItIsReleased) {
  allow(2);
  auto first = ask(claim());
  ASSERT_TRUE(first.stream) << first.body;
  EXPECT_EQ(stored(), "1") << "before the first byte";
  auto second = ask(claim());
  ASSERT_TRUE(second.stream);
  const auto third = ask(claim());
  expect_refused(third, "count");
  EXPECT_EQ(gate::parse_reason(third.body)->parameters.at("asked"), "3");
  EXPECT_EQ(stored(), "2") << "a refusal is no use";
  Sink sink;
  first.stream(sink);
  EXPECT_TRUE(sink.finished);
}

TEST_F(CountTest, ManyRaceForTheLastUses) {
  constexpr int kCallers = 64, kUses = 5;
  allow(kUses);
  std::vector<http::Request> requests;
  for (int i = 0; i < kCallers; ++i) requests.push_back(request(claim()));
  std::atomic<int> released = 0, used_up = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kCallers; ++i) {
    threads.emplace_back([&, i] {
      const auto response = ask(requests[static_cast<std::size_t>(i)]);
      if (response.stream) ++released;
      else if (code(response) == "count") ++used_up;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(released, kUses);
  EXPECT_EQ(used_up, kCallers - kUses);
  EXPECT_EQ(stored(), std::to_string(kUses));
}

TEST_F(CountTest, ARunningStreamIsItsOwnUse) {
  allow(1);
  auto response = ask(claim());
  ASSERT_TRUE(response.stream);
  gate_->on_clock_step();
  Sink sink;
  response.stream(sink);
  EXPECT_TRUE(sink.finished) << "cut by its own count";
}

TEST_F(CountTest, ACountThatCannotBeReadDenies) {
  allow(9);
  Commit commit;
  commit.changes.push_back({gate::uses_key(record_.id), "-1"});
  ASSERT_TRUE(sequencer_.commit_and_wait(std::move(commit)));
  expect_refused(ask(claim()), "indeterminate");
}

TEST_F(CountTest, TermsMayNameTheProcessingActivity) {
  const auto only = [&](const char* activity) {
    record_ = put_agreement("urn:duinmeer", crowd_only("," + constraint("sluis:processingActivity", "eq", activity)));
  };
  only(R"("urn:duinmeer:activity:1")");
  EXPECT_TRUE(ask(claim()).stream);
  only(R"("urn:duinmeer:activity:2")");
  // Programs are kept by the agreement's hash, which this world does not change.
  gate::ProgramCache fresh;
  const gate::Question question{record_.id, record_.dataset, record_.peer, record_.peer, "municipality", kCrowd, {},
                                "urn:duinmeer:activity:1"};
  const auto verdict = gate::assess(question, store_, fresh, vocabulary_, {}, clock_.now());
  ASSERT_TRUE(verdict) << describe(verdict.error());
  EXPECT_EQ(verdict->reason.code, "value");
  EXPECT_EQ(verdict->reason.parameters.at("operand"), "processingActivity");
}

TEST_F(CountTest, AnAgreementIsReadOnceForAsLongAsItsBytesAreTheSame) {
  allow(9);
  gate::ProgramCache cache;
  const auto first = gate::read_as_stored(store_, cache, record_.id);
  const auto again = gate::read_as_stored(store_, cache, record_.id);
  ASSERT_TRUE(first && *first && again && *again);
  EXPECT_EQ((*first)->record, (*again)->record) << "the same object";
  negotiation::AgreementRecord ended = record_;
  ended.ended = negotiation::AgreementEnd{record_.peer, clock_.now(), {"enough", {}}};
  Commit commit;
  commit.changes.push_back({negotiation::agreement_key(record_.id), negotiation::encode(ended)});
  ASSERT_TRUE(sequencer_.commit_and_wait(std::move(commit)));
  const auto after = gate::read_as_stored(store_, cache, record_.id);
  ASSERT_TRUE(after && *after);
  EXPECT_FALSE((*after)->record->active()) << "what was kept is never trusted over the store";
  EXPECT_TRUE((*first)->record->active()) << "who holds the old one keeps it";
  commit = {};
  commit.changes.push_back({negotiation::agreement_key(record_.id), "not an agreement"});
  ASSERT_TRUE(sequencer_.commit_and_wait(std::move(commit)));
  EXPECT_FALSE(gate::read_as_stored(store_, cache, record_.id));
}

}  // namespace
}  // namespace sluis::test
