#include "connector/node/leaving.hpp"

#include "tests/unit/dsp/world.hpp"

/// Whose membership ends: agreements, transfers and negotiations with it end, and nothing brings them back.
namespace sluis::node {
namespace {

using negotiation::State;

std::shared_ptr<identity::MembershipList> list_of(const std::vector<std::string>& participants) {
  auto list = std::make_shared<identity::MembershipList>();
  for (const std::string& one : participants) {
    identity::Party party;
    party.participant = ParticipantId(one);
    list->parties.push_back(std::move(party));
  }
  return list;
}

class LeavingTest : public test::World {
 protected:
  const std::string us = "did:web:waterrijk.example", them = "did:web:duinmeer.example";
  std::shared_ptr<const identity::MembershipList> list = list_of({us, them});
  Leaving leaving{ParticipantId(us), {waterrijk.store, waterrijk.commits, waterrijk.negotiations, [this] { return list; }}};

  /// Another list comes into force.
  void take(std::shared_ptr<const identity::MembershipList> next) {
    Commit commit;
    ASSERT_TRUE(leaving.note(commit, list.get(), *next));
    ASSERT_TRUE(waterrijk.commits.commit_and_wait(std::move(commit)));
    list = std::move(next);
  }
  void until_done() {
    for (int i = 0; i < 20; ++i) {
      const auto all = leaving.go_on();
      ASSERT_TRUE(all);
      if (*all) return;
    }
    FAIL() << "it does not come to an end";
  }
};

TEST_F(LeavingTest, WhatWasAgreedEndsOnRecordAndAComebackBringsNothingBack) {
  until_done();
  const AgreementId id = agreed();
  ASSERT_TRUE(duinmeer.transfers.start(id));
  settle();
  const ProcessId transfer = waterrijk.transfers.list(ProcessId(), 1)->at(0).own_pid;
  waterrijk.terms.verdict = {negotiation::Judgement::Kind::wait, {}, {}};
  const auto waiting = duinmeer.negotiations.request(waterrijk.id, DatasetId("counts"), test::counts_offer(), waterrijk.url);
  settle();
  const ProcessId negotiation = at_provider(waiting->own_pid).own_pid;
  take(list_of({us}));
  take(list_of({us, them}));  // before anybody acted on it
  until_done();
  const auto ended = waterrijk.negotiations.agreement(id)->ended;
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->reason.code, "membership");
  EXPECT_EQ(waterrijk.transfers.show(transfer)->state, transfer::State::terminated);
  EXPECT_EQ(waterrijk.negotiations.show(negotiation)->state, State::terminated);
  EXPECT_EQ(waterrijk.negotiations.show(negotiation)->reason->code, "membership");
  waterrijk.terms.verdict = {negotiation::Judgement::Kind::agree, {}, {}};
  const auto again = duinmeer.negotiations.request(waterrijk.id, DatasetId("counts"), test::counts_offer(), waterrijk.url);
  settle();
  until_done();
  EXPECT_EQ(duinmeer.negotiations.show(again->own_pid)->state, State::finalized) << "it may agree anew";
  EXPECT_EQ(waterrijk.events(12).size(), 1U);
}

/// Else one that is finalized meanwhile would leave an agreement that nobody looks for any more.
TEST_F(LeavingTest, NegotiationsEndBeforeAgreementsAreLookedFor) {
  until_done();
  const AgreementId id = agreed();
  waterrijk.terms.verdict = {negotiation::Judgement::Kind::wait, {}, {}};
  const auto waiting = duinmeer.negotiations.request(waterrijk.id, DatasetId("counts"), test::counts_offer(), waterrijk.url);
  settle();
  const ProcessId negotiation = at_provider(waiting->own_pid).own_pid;
  take(list_of({us}));
  ASSERT_TRUE(leaving.go_on());
  EXPECT_EQ(waterrijk.negotiations.show(negotiation)->state, State::terminated);
  EXPECT_TRUE(waterrijk.negotiations.agreement(id)->active());
  until_done();
  EXPECT_FALSE(waterrijk.negotiations.agreement(id)->active());
}

TEST_F(LeavingTest, AListThatExpiredTakesNobodyOff) {
  const AgreementId id = agreed();
  list = nullptr;
  until_done();
  EXPECT_TRUE(waterrijk.negotiations.agreement(id)->active());
}

TEST_F(LeavingTest, WhoLeftBeforeThatWasNotedIsFoundOnceThereIsAList) {
  const AgreementId id = agreed();
  list = nullptr;
  until_done();
  list = list_of({us});
  until_done();
  EXPECT_FALSE(waterrijk.negotiations.agreement(id)->active());
}

TEST_F(LeavingTest, AnotherCertificateOrEndpointIsNoLeaving) {
  until_done();
  const AgreementId id = agreed();
  auto next = list_of({us, them, "did:web:stroomplein.example"});
  next->parties[1].endpoints.push_back({"https://elsewhere.example", {}});
  take(std::move(next));
  until_done();
  EXPECT_TRUE(waterrijk.negotiations.agreement(id)->active());
}

TEST_F(LeavingTest, WhereThisNodeItselfLeavesAllEnds) {
  until_done();
  const AgreementId id = agreed();
  take(list_of({them}));
  until_done();
  EXPECT_FALSE(waterrijk.negotiations.agreement(id)->active());
}

TEST_F(LeavingTest, AStopInTheMiddleForgetsNobody) {
  until_done();
  for (int i = 0; i < 120; ++i) {
    ask();
    settle();
  }
  take(list_of({us}));
  const auto first = leaving.go_on();
  ASSERT_TRUE(first);
  EXPECT_FALSE(*first) << "a page";
  Leaving after{ParticipantId(us), {waterrijk.store, waterrijk.commits, waterrijk.negotiations, [this] { return list; }}};
  for (int i = 0; i < 20; ++i) {
    const auto all = after.go_on();
    ASSERT_TRUE(all);
    if (*all) break;
  }
  EXPECT_EQ(waterrijk.events(12).size(), 120U);
}

}  // namespace
}  // namespace sluis::node
