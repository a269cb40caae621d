#include "tests/unit/gate/gate_world.hpp"

/// Decision 32: a push is decided, recorded and released as a pull is.
namespace sluis::test {
namespace {

using provenance::EntryKind;

class PushTest : public GateWorld {
 protected:
  void SetUp() override {
    GateWorld::SetUp();
    datasets_.plan.push = true;
  }
  /// Of the transfer's request, for all its tries.
  identity::Claim standing(const std::string& purpose = kCrowd) {
    identity::Claim out = claim(purpose);
    out.method = "POST";
    out.path = "/inbox?a=1";
    return out;
  }
  gate::PushRequest wanted(const identity::Claim& said) { return wanted(identity::make_claim(said, "k1", key_)); }
  gate::PushRequest wanted(const std::string& token) {
    return {gate::Party{ParticipantId("urn:duinmeer"), "municipality", sends_claims_, {}, {}},
            {ProcessId("urn:provider:1"), ProcessId("urn:consumer:1"), ParticipantId("urn:duinmeer"), record_.id, record_.dataset},
            token,
            clock_.now(),
            "/inbox?a=1",
            "https://duinmeer.example/inbox",
            [this] { return due_; },
            [this](Timestamp) { return allowed_; }};
  }
  Result<bool> due_ = true;
  bool allowed_ = true;
};

TEST_F(PushTest, IsRecordedBeforeItsFirstByteAndEndsLikeAPull) {
  const auto response = gate_->push(wanted(standing()));
  ASSERT_TRUE(response.stream) << response.body;
  const auto decided = entries_of(EntryKind::decision);
  ASSERT_EQ(decided.size(), 1U);
  EXPECT_TRUE(decided[0].shared.decision().permit());
  EXPECT_EQ(decided[0].shared.declared(), "per transfer");
  EXPECT_EQ(decided[0].shared.purpose(), kCrowd);
  EXPECT_EQ(decided[0].internal.activity(), "urn:duinmeer:activity:1");
  EXPECT_EQ(decided[0].internal.detail(), "pushed to https://duinmeer.example/inbox");
  Sink sink;
  response.stream(sink);
  EXPECT_EQ(sink.body, "time,total\n10:00,12\n11:00,7\n") << "through the column plan";
  EXPECT_EQ(sink.trailers["sluis-sha256"], to_hex(crypto::sha256(sink.body)));
  EXPECT_EQ(entries_of(EntryKind::stream_end).back().shared.end(), "complete");
  EXPECT_EQ(entries_of(EntryKind::stream_end).back().internal.detail(), "pushed to https://duinmeer.example/inbox");
}

TEST_F(PushTest, IsWrittenDownInTheStepsThatTheReceiverIsTold) {
  gate::PushRequest asked = wanted(standing());
  asked.decided = begin_step({}, random_);
  asked.released = another_step(asked.decided, random_);
  const auto response = gate_->push(asked);
  ASSERT_TRUE(response.stream) << response.body;
  Sink sink;
  response.stream(sink);
  const auto decided = entries_of(EntryKind::decision).back(), ended = entries_of(EntryKind::stream_end).back();
  EXPECT_EQ(decided.internal.trace_id(), asked.released.trace_id);
  EXPECT_EQ(decided.internal.span_id(), asked.decided.span_id);
  EXPECT_EQ(ended.internal.trace_id(), asked.released.trace_id);
  EXPECT_EQ(ended.internal.span_id(), asked.released.span_id);
}

TEST_F(PushTest, WhatMayNotBeKnownNowIsNoDecision) {
  due_ = Error(ErrorCode::storage_unavailable, "the disk is away");
  const auto response = gate_->push(wanted(standing()));
  EXPECT_FALSE(response.stream);
  EXPECT_EQ(response.status, 503U);
  EXPECT_TRUE(entries_of(EntryKind::decision).empty());
}

TEST_F(PushTest, ItIsCutWhenItMayNotGoThereAnyMoreOrIsNotOfferedAnyMore) {
  for (const std::string what : {"push.origin", "push.not_offered"}) {
    allowed_ = datasets_.plan.push = true;
    const auto response = gate_->push(wanted(standing()));
    ASSERT_TRUE(response.stream) << response.body;
    (what == "push.origin" ? allowed_ : datasets_.plan.push) = false;
    gate_->on_clock_step();  // looks at all anew
    Sink sink;
    response.stream(sink);
    EXPECT_EQ(sink.body, "");
    EXPECT_EQ(entries_of(EntryKind::cut).back().shared.decision().code(), what);
    expect_refused(gate_->push(wanted(standing())), what);
  }
}

TEST_F(PushTest, TheReceiversCertificateIsRecordedAndOnceItIsRevokedNothingGoesThere) {
  auto shown = std::make_shared<http::PeerCertificate>();
  shown->sha256 = "ab";
  gate::PushRequest request = wanted(standing());
  request.party.shown = shown;
  request.party.certificate = shown->sha256;
  const auto response = gate_->push(request);
  ASSERT_TRUE(response.stream) << response.body;
  EXPECT_EQ(entries_of(EntryKind::decision).back().internal.certificate(), "ab");
  membership_.revoke("ab");
  gate_->on_clock_step();
  Sink sink;
  response.stream(sink);
  EXPECT_EQ(sink.body, "");
  EXPECT_EQ(entries_of(EntryKind::cut).back().shared.decision().code(), "membership");
  expect_refused(gate_->push(request), "membership");
}

TEST_F(PushTest, EachTryIsADecisionOfItsOwnUnderTheSameClaim) {
  const gate::PushRequest same = wanted(standing());
  ASSERT_TRUE(gate_->push(same).stream);
  ASSERT_TRUE(gate_->push(same).stream);
  const auto decided = entries_of(EntryKind::decision);
  ASSERT_EQ(decided.size(), 2U);
  EXPECT_NE(decided[0].shared.transaction(), decided[1].shared.transaction());
  EXPECT_EQ(entries_of(EntryKind::stream_end).size(), 2U) << "none was sent, and both have their end";
}

TEST_F(PushTest, APurposeThatIsNotGrantedIsRefusedOnRecord) {
  expect_refused(gate_->push(wanted(standing(kMarketing))), "purpose");
}

TEST_F(PushTest, OnlyADatasetThatSaysSoIsSent) {
  datasets_.plan.push = false;
  expect_refused(gate_->push(wanted(standing())), "push.not_offered");
  datasets_.plan.push = true;
  datasets_.plan.follow = "counts-now.jsonl";
  expect_refused(gate_->push(wanted(standing())), "push.not_offered");
}

TEST_F(PushTest, AClaimIsOfThisTransferAndAddressAndOfADayAtMost) {
  auto pull = claim();  // of a pull
  expect_refused(gate_->push(wanted(pull)), "claim.method");
  auto elsewhere = standing();
  elsewhere.path = "/other";
  expect_refused(gate_->push(wanted(elsewhere)), "claim.path");
  auto another = standing();
  another.transfer = ProcessId("urn:consumer:2");
  expect_refused(gate_->push(wanted(another)), "claim.transfer");
  expect_refused(gate_->push(wanted(std::string())), "claim.missing");
  auto waited = standing();  // in the outbox of the consumer
  waited.iat -= std::chrono::hours(23);
  EXPECT_TRUE(gate_->push(wanted(waited)).stream);
  auto request = wanted(waited);
  request.requested -= std::chrono::days(29);
  waited.iat -= std::chrono::days(29);
  request.claim = identity::make_claim(waited, "k1", key_);
  EXPECT_TRUE(gate_->push(request).stream) << "a month is tried at most";
  request.requested -= std::chrono::days(2);
  waited.iat -= std::chrono::days(2);
  request.claim = identity::make_claim(waited, "k1", key_);
  expect_refused(gate_->push(request), "claim.too_old");
  waited = standing();
  waited.iat -= std::chrono::hours(25);
  expect_refused(gate_->push(wanted(waited)), "claim.too_old");
  auto early = standing();
  early.iat += std::chrono::hours(1);
  expect_refused(gate_->push(wanted(early)), "claim.from_future");
}

TEST_F(PushTest, APartyWithoutClaimsGetsWhatTheTermsLeaveToTheAgreement) {
  sends_claims_ = false;
  expect_refused(gate_->push(wanted(std::string())), "claim.missing");
  datasets_.plan.purpose_by_agreement = true;
  ASSERT_TRUE(gate_->push(wanted(std::string())).stream);
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.declared(), "by agreement");
}

TEST_F(PushTest, WhatEndedMeanwhileIsRefusedAndWhatEndsThenIsCut) {
  due_ = false;
  expect_refused(gate_->push(wanted(standing())), "transfer.not_started");
  due_ = true;
  const auto response = gate_->push(wanted(standing()));
  ASSERT_TRUE(response.stream);
  gate_->on_revoked(record_.id, gate::make_reason("node.stopping"));
  Sink sink;
  response.stream(sink);
  EXPECT_EQ(sink.body, "");
  EXPECT_FALSE(sink.finished);
  EXPECT_EQ(entries_of(EntryKind::cut).size(), 1U);
}

}  // namespace
}  // namespace sluis::test
