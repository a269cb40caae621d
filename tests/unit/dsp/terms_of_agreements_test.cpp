#include "connector/negotiation/ending.hpp"
#include "tests/unit/dsp/world.hpp"

/// What becomes of an agreement's terms between two nodes: other ones proposed, newer ones asked for, and their own end.
namespace sluis::test {
namespace {

using negotiation::State;
using negotiation::WaitsFor;
using TransferState = transfer::State;

json::Value terms_for(std::string_view purpose, std::string_view id) {
  return *json::parse(R"({"@type":"Offer","@id":")" + std::string(id) + R"(","permission":[{"action":"use","constraint":[
    {"leftOperand":"purpose","operator":"eq","rightOperand":"https://w3id.org/dpv#)" + std::string(purpose) + R"("}]}]})");
}

class OnTerms : public World {
 protected:
  OnTerms() {
    waterrijk.terms.verdict = {negotiation::Judgement::Kind::wait, {}, {}};
    duinmeer.terms.verdict = {negotiation::Judgement::Kind::wait, {}, {}};
  }
  Timestamp now() const { return waterrijk.clock.time; }
  void later(Duration by) {
    waterrijk.clock.time += by;
    duinmeer.clock.time += by;
  }
  std::string terms_of(Node& node, const AgreementId& id) {
    const auto record = node.negotiations.agreement(id);
    return record ? json::serialise(*record->agreement.find("permission")) : std::string();
  }
};
using TermsOfAgreements = OnTerms;

TEST_F(TermsOfAgreements, AProviderAnswersARequestWithOtherTermsAndTheseAreAgreed) {
  const ProcessId pid = ask();
  settle();
  const ProcessId theirs = at_provider(pid).own_pid;
  const json::Value other = terms_for("AcademicResearch", "urn:offer:other");
  EXPECT_EQ(waterrijk.negotiations.counter(theirs, counts_offer()).error().code, ErrorCode::invalid_argument) << "just what was asked";
  ASSERT_TRUE(waterrijk.negotiations.counter(theirs, other, "Ans"));
  EXPECT_EQ(waterrijk.negotiations.counter(theirs, other).error().code, ErrorCode::invalid_state) << "it is the other's turn";
  settle();
  const auto offered = duinmeer.negotiations.show(pid);
  EXPECT_EQ(offered->state, State::offered);
  EXPECT_EQ(waits_for(*offered), WaitsFor::steward);
  EXPECT_EQ(offered->answered, counts_offer()) << "what it is compared with";
  EXPECT_EQ(offered->offer, other);
  ASSERT_TRUE(duinmeer.negotiations.approve(pid));
  settle();
  const auto ours = duinmeer.negotiations.agreements(AgreementId(), 10);
  ASSERT_EQ(ours->size(), 1U);
  EXPECT_EQ(terms_of(duinmeer, ours->at(0).id), json::serialise(*other.find("permission")));
  EXPECT_EQ(waterrijk.negotiations.agreement(ours->at(0).id)->agreement_hash, ours->at(0).agreement_hash);
}

TEST_F(TermsOfAgreements, AConsumerAnswersAnOfferWithOtherTermsInItsTurn) {
  const ProcessId pid = ask();
  settle();
  const json::Value offer = terms_for("AcademicResearch", "urn:offer:other"), third = terms_for("NonCommercialResearch", "urn:offer:third");
  ASSERT_TRUE(waterrijk.negotiations.counter(at_provider(pid).own_pid, offer));
  settle();
  ASSERT_TRUE(duinmeer.negotiations.counter(pid, third));
  settle();
  const auto asked = at_provider(pid);
  EXPECT_EQ(asked.state, State::requested);
  EXPECT_EQ(waits_for(asked), WaitsFor::steward);
  EXPECT_EQ(asked.answered, offer);
  ASSERT_TRUE(waterrijk.negotiations.approve(asked.own_pid));
  settle();
  const auto theirs = waterrijk.negotiations.agreements(AgreementId(), 10);
  ASSERT_EQ(theirs->size(), 1U);
  EXPECT_EQ(terms_of(waterrijk, theirs->at(0).id), json::serialise(*third.find("permission")));
  EXPECT_EQ(terms_of(duinmeer, theirs->at(0).id), json::serialise(*third.find("permission")));
}

TEST_F(TermsOfAgreements, WhatWasAnsweredAndRenewedIsKeptWithTheProcess) {
  negotiation::Negotiation one;
  one.offer = counts_offer();
  one.answered = terms_for("AcademicResearch", "urn:offer:other");
  one.renews = AgreementId("urn:agreement:old");
  one.ends_renewed = true;
  EXPECT_EQ(*negotiation::decode_negotiation(negotiation::encode(one)), one);
}

class Ending : public OnTerms {
 protected:
  Ending() { waterrijk.terms.verdict.kind = duinmeer.terms.verdict.kind = negotiation::Judgement::Kind::agree; }
  ProcessId started(const AgreementId& id) {
    const auto begun = duinmeer.transfers.start(id);
    EXPECT_TRUE(begun);
    settle();
    EXPECT_EQ(duinmeer.transfers.show(begun->own_pid)->state, TransferState::started);
    return begun->own_pid;
  }
};

TEST_F(Ending, AnAgreementEndsByItselfWhereItsTermsDoAndItsTransfersWithIt) {
  waterrijk.over = duinmeer.over = now() + std::chrono::hours(24);
  const AgreementId id = agreed();
  const ProcessId transfer = started(id);
  const auto next = waterrijk.negotiations.end_what_is_over();
  ASSERT_TRUE(next);
  EXPECT_EQ(*next, waterrijk.over) << "not before";
  EXPECT_TRUE(waterrijk.negotiations.agreement(id)->active());
  later(std::chrono::hours(24));
  EXPECT_FALSE(waterrijk.negotiations.agreement(id)->ended);
  EXPECT_EQ(duinmeer.transfers.start(id).error().code, ErrorCode::invalid_state) << "over, though nobody has ended it yet";
  EXPECT_EQ(waterrijk.transfers.list(ProcessId(), 10)->size(), 1U);
  ASSERT_TRUE(waterrijk.negotiations.end_what_is_over());
  const auto ended = waterrijk.negotiations.agreement(id)->ended;
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->reason.code, "over");
  EXPECT_EQ(ended->by, waterrijk.id);
  EXPECT_EQ(waterrijk.events(12), std::vector<std::string>{"over"});
  settle();
  EXPECT_EQ(duinmeer.transfers.show(transfer)->state, TransferState::terminated) << "the other party is told";
  EXPECT_EQ(duinmeer.transfers.show(transfer)->reason->code, "over");
  ASSERT_TRUE(duinmeer.negotiations.end_what_is_over());
  EXPECT_EQ(duinmeer.negotiations.agreement(id)->ended->reason.code, "over") << "each by its own clock";
  ASSERT_TRUE(waterrijk.negotiations.end_what_is_over());
  EXPECT_EQ(waterrijk.events(12).size(), 1U) << "once";
}

TEST_F(Ending, ARequestThatComesLateIsRefusedByTheProvider) {
  waterrijk.over = now() + std::chrono::hours(24);  // as a consumer that reads the terms otherwise may not know
  const AgreementId id = agreed();
  later(std::chrono::hours(25));
  const auto begun = duinmeer.transfers.start(id);
  ASSERT_TRUE(begun);
  settle();
  EXPECT_EQ(duinmeer.transfers.show(begun->own_pid)->state, TransferState::terminated);
  EXPECT_EQ(waterrijk.transfers.list(ProcessId(), 10)->size(), 0U);
}

TEST_F(Ending, OneThatWasEndedBeforeIsNotLookedForAgain) {
  waterrijk.over = now() + std::chrono::hours(24);
  const AgreementId id = agreed();
  ASSERT_TRUE(waterrijk.negotiations.terminate_agreement(id, {"ended", {}}));
  std::size_t left = 0;
  ASSERT_TRUE(waterrijk.store.scan(negotiation::kOverPrefix, negotiation::kOverPrefix, [&](std::string_view, std::string_view) { return ++left > 0; }));
  EXPECT_EQ(left, 0U);
}

TEST_F(Ending, AgreementsOfBeforeAreFoundAPageAtATimeAndOnce) {
  for (int i = 0; i < 130; ++i) {
    ask();
    settle();
  }
  EXPECT_TRUE(waterrijk.negotiations.agreement(waterrijk.negotiations.agreements(AgreementId(), 1)->at(0).id)->active());
  waterrijk.over = now() - std::chrono::hours(1);  // now it is known when they are
  int rounds = 0;
  for (;; ++rounds) {
    const auto next = waterrijk.negotiations.end_what_is_over();
    ASSERT_TRUE(next);
    if (!*next) break;
    EXPECT_EQ(**next, now()) << "there are more";
  }
  EXPECT_GE(rounds, 1);
  EXPECT_EQ(waterrijk.events(12).size(), 130U);
  waterrijk.over = now() + std::chrono::hours(1);
  EXPECT_EQ(*waterrijk.negotiations.end_what_is_over(), std::nullopt);
}

TEST_F(Ending, LargeAgreementsOfBeforeFitIntoTheCommitsThatFindThem) {
  for (int i = 0; i < 20; ++i) {
    negotiation::AgreementRecord record;
    record.id = AgreementId("urn:large:" + std::to_string(i));
    record.peer = duinmeer.id;
    record.dataset = DatasetId("counts");
    record.agreement = json::object({{"@id", record.id.str()}, {"text", std::string(60'000, 'x')}});
    record.timestamp = now();
    ASSERT_TRUE(waterrijk.store.write({{negotiation::agreement_key(record.id), negotiation::encode(record)}}, true));
  }
  waterrijk.over = now() - std::chrono::hours(1);
  int rounds = 0;
  for (;; ++rounds) {
    const auto next = waterrijk.negotiations.end_what_is_over();
    ASSERT_TRUE(next) << describe(next.error());
    if (!*next) break;
  }
  EXPECT_GE(rounds, 3) << "at most 1 MiB in a commit";
  EXPECT_EQ(waterrijk.events(12).size(), 20U);
}

TEST_F(Ending, AnEndThatIsNearIsNotWaitedForInVain) {
  waterrijk.over = now() + std::chrono::seconds(30);
  const int before = waterrijk.woken;
  ask();
  settle();
  EXPECT_GT(waterrijk.woken, before) << "who looks at what is due has to know of it";
}

TEST_F(Ending, TheRenewedOneEndsWithTheCommitThatMakesTheNewOneOrStays) {
  for (const bool end_old : {false, true}) {
    Node w("waterrijk"), d("duinmeer");
    for (Node* node : {&w, &d}) node->net.nodes = {{"https://waterrijk.example", &w}, {"https://duinmeer.example", &d}};
    const auto both = [&] {
      for (int i = 0; i < 10; ++i) {
        d.drain();
        w.drain();
      }
    };
    ASSERT_TRUE(d.negotiations.request(w.id, DatasetId("counts"), counts_offer(), w.url));
    both();
    const AgreementId old = d.negotiations.agreements(AgreementId(), 10)->at(0).id;
    const auto transfer = d.transfers.start(old);
    both();
    ASSERT_TRUE(d.negotiations.request(w.id, DatasetId("counts"), terms_for("AcademicResearch", "urn:offer:newer"), w.url, negotiation::Renewal{old, end_old}));
    both();
    ASSERT_EQ(d.negotiations.agreements(AgreementId(), 10)->size(), 2U);
    EXPECT_EQ(d.negotiations.agreement(old)->active(), !end_old);
    EXPECT_EQ(d.transfers.show(transfer->own_pid)->state, end_old ? TransferState::terminated : TransferState::started);
    const auto ended = d.negotiations.agreement(old)->ended;
    EXPECT_EQ(ended ? ended->reason.code : "", end_old ? "renewed" : "");
    EXPECT_EQ(d.events(12).size(), end_old ? 1U : 0U);
  }
}

}  // namespace
}  // namespace sluis::test
