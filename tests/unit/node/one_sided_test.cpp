#include "connector/node/one_sided.hpp"

#include "connector/node/ports.hpp"
#include "tests/unit/node/request_receipts.hpp"

namespace sluis::test {
namespace {

using std::chrono::hours;

class OneSidedTest : public RequestReceiptsTest {
 protected:
  void no_route(unsigned status = 404) {
    transport_.answer = {status, {}, R"({"code":"not_found"})"};
    EXPECT_EQ(deliver().verdict, Verdict::retry);
  }
  /// By the two answers that it takes.
  void mark(const std::string& transaction) {
    pull(transaction);
    no_route();
    clock_.advance(hours(1));
    no_route();
    ASSERT_TRUE(marked());
  }
  bool marked() { return node::is_one_sided(store_, directory_, ParticipantId(kDuinmeer), clock_.now()); }
  std::size_t findings() { return node::one_sided_findings(store_, directory_, clock_.now()).size(); }
  std::string record() { return store_.get(std::string(node::kOneSidedPrefix) + kDuinmeer)->value_or(""); }
};

TEST_F(OneSidedTest, WhatCannotBeReadIsNotTwoSided) {
  const auto two_sided = [&] { return node::is_two_sided(store_, directory_, ParticipantId(kDuinmeer), clock_.now()); };
  EXPECT_TRUE(two_sided());
  ASSERT_TRUE(store_.write({{std::string(node::kOneSidedPrefix) + kDuinmeer, "damaged"}}, true));
  EXPECT_FALSE(two_sided());
}

TEST_F(OneSidedTest, ANodeThatGoesOnAnsweringSoIsMarkedAndThatIsSaidOnce) {
  pull("t1");
  no_route(404);
  EXPECT_FALSE(marked()) << "that may be for another reason, as a list that is old there";
  EXPECT_EQ(findings(), 0U);
  clock_.advance(std::chrono::minutes(59));
  no_route(405);
  EXPECT_FALSE(marked());
  clock_.advance(std::chrono::minutes(2));
  no_route(405);
  EXPECT_TRUE(marked());
  EXPECT_EQ(missing(), Names{"one-sided "});
  EXPECT_EQ(findings(), 1U);
  pull("none");
  EXPECT_EQ(keys_under("pulled/"), 1U) << "nothing is awaited of it";
  after(hours(24));
  EXPECT_EQ(missing(), Names{"one-sided "}) << "no request is missing";
  EXPECT_EQ(keys_under("pulled/"), 0U);
  EXPECT_EQ(findings(), 0U);
  clear(outbox::kPrefix);
  pull("t2");
  EXPECT_EQ(keys_under("pulled/"), 1U) << "after a day it is asked again";
  no_route();
  EXPECT_TRUE(marked()) << "nothing came between";
  EXPECT_EQ(missing(), Names{"one-sided "}) << "that is no news";
  they_answer(proven_by_them("t2"));
  EXPECT_EQ(deliver().verdict, Verdict::done);
  EXPECT_FALSE(marked());
  pull("later");
  EXPECT_EQ(keys_under("pulled/"), 1U);
  after(hours(25));
  EXPECT_EQ(missing(), (Names{"one-sided ", "missing later"})) << "silence is another matter";
}

TEST_F(OneSidedTest, OneSuchAnswerADayMakesNoMark) {
  for (int day = 0; day < 3; ++day) {
    pull("t" + std::to_string(day));
    no_route();
    clear(outbox::kPrefix);
    clock_.advance(hours(25));
  }
  EXPECT_FALSE(marked());
  EXPECT_EQ(missing(), Names());
}

TEST_F(OneSidedTest, AsProviderItsRequestsAreRecordedAndProvenAllTheSame) {
  mark("t1");
  ASSERT_TRUE(decide("d1", true));
  EXPECT_NE(condition_, "");
  release("d1");
  EXPECT_EQ(state(acknowledge(acknowledgement("d1"))), "proven");
  EXPECT_FALSE(marked()) << "what it sent shows that it has the software";
  pull("t2");
  EXPECT_EQ(keys_under("pulled/"), 2U);
}

TEST_F(OneSidedTest, TermsThatNeedEvidenceOfBothGoByTheMark) {
  node::NodeMembership membership(directory_, store_);
  EXPECT_TRUE(membership.keeps_evidence(ParticipantId(kDuinmeer), clock_.now()));
  mark("t1");
  EXPECT_FALSE(membership.keeps_evidence(ParticipantId(kDuinmeer), clock_.now()));
  EXPECT_TRUE(membership.keeps_evidence(ParticipantId(kDuinmeer), clock_.now() + hours(25)));
}

TEST_F(OneSidedTest, OfARequestThatTheMarkDoesNotCoverNothingIsForgiven) {
  mark("t1");
  after(hours(30));
  clear(outbox::kPrefix);
  ASSERT_TRUE(decide("d1", true));
  pull("t2");
  after(hours(25));
  Names said = missing();
  std::sort(said.begin(), said.end());
  EXPECT_EQ(said, (Names{"missing d1", "missing t2", "one-sided "}));
}

TEST_F(OneSidedTest, WhoAnswersNowSoAndNowSoMakesNothingBeWritten) {
  pull("t1");
  for (int i = 0; i < 40; ++i) {
    no_route();
    they_answer(R"({"state":"early"})");
    EXPECT_EQ(deliver().verdict, Verdict::retry);
    clock_.advance(std::chrono::minutes(5));
  }
  EXPECT_EQ(missing(), Names{"one-sided "});
  EXPECT_TRUE(marked()) << "`early` settles nothing";
  const std::string before = record();
  no_route();
  EXPECT_EQ(record(), before);
}

TEST_F(OneSidedTest, ItIsNewsOnceADayOfTheSameLogs) {
  mark("t1");
  they_answer(proven_by_them("t1"));
  EXPECT_EQ(deliver().verdict, Verdict::done);
  EXPECT_FALSE(marked());
  mark("t2");
  EXPECT_EQ(missing(), Names{"one-sided "}) << "marked again, and not told again";
}

TEST_F(OneSidedTest, APartyWithAnotherLogIsAskedAgainAtOnce) {
  mark("t1");
  federation_.list.version += 1;
  federation_.list.parties[0].log_origins.push_back({strange_.name, strange_.vkey(), {federation_.list.issued, {}}});
  ASSERT_TRUE(directory_.load(federation_.envelope(), clock_.now(), true));
  EXPECT_FALSE(marked());
  mark("t2");
  EXPECT_EQ(missing(), (Names{"one-sided ", "one-sided "})) << "of that log, too";
}

TEST_F(OneSidedTest, ATimeThatIsNotTheRequestsOwnAnyMoreIsOnlyRemoved) {
  ASSERT_TRUE(decide("d1", true));
  const std::string key = std::string(node::kReleased) + condition_;
  ASSERT_TRUE(store_.write({{node::receipt_due_key(clock_.now() + hours(1), key), ""}}, true));
  after(hours(2));
  EXPECT_EQ(missing(), Names());
  EXPECT_EQ(keys_under("receipt-due/"), 1U);
  after(hours(23));
  EXPECT_EQ(missing(), Names{"missing d1"});
}

}  // namespace
}  // namespace sluis::test
