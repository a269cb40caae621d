#include "tests/unit/gate/gate_world.hpp"

namespace sluis::test {
namespace {

using provenance::EntryKind;

class GateTest : public GateWorld {};

TEST_F(GateTest, APermittedPullIsRecordedReleasedAndEnded) {
  auto response = ask(claim());
  ASSERT_TRUE(response.stream) << response.body;
  const auto decided = entries_of(EntryKind::decision);
  ASSERT_EQ(decided.size(), 1U);
  EXPECT_TRUE(decided[0].shared.decision().permit());
  EXPECT_EQ(decided[0].shared.transaction(), "urn:uuid:t1");
  EXPECT_EQ(decided[0].shared.purpose(), kCrowd);
  EXPECT_EQ(decided[0].internal.activity(), "urn:duinmeer:activity:1");
  const v1::KnownThen& known = decided[0].internal.known();  // for who tells later what it rested on
  EXPECT_EQ(known.class_of_recipient(), "municipality");
  EXPECT_FALSE(known.has_uses()) << "these terms count nothing";
  EXPECT_EQ(known.declarations(), "");
  EXPECT_EQ(known.vocabulary_hash().size(), 32U);
  EXPECT_FALSE(known.evidence().empty());
  EXPECT_EQ(decided[0].internal.claim_kid(), "k1");
  Sink sink;
  response.stream(sink);
  EXPECT_EQ(sink.body, "time,total\n10:00,12\n11:00,7\n");
  EXPECT_TRUE(sink.finished);
  EXPECT_EQ(sink.headers["sluis-transaction"], "urn:uuid:t1");
  EXPECT_EQ(sink.trailers["sluis-rows"], "2");
  EXPECT_EQ(sink.trailers["sluis-sha256"], to_hex(crypto::sha256(sink.body)));
  const auto ended = entries_of(EntryKind::stream_end);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].shared.end(), "complete");
  EXPECT_EQ(ended[0].shared.rows(), 2U);
  EXPECT_EQ(ended[0].shared.digest(), std::string(view(crypto::sha256(sink.body))));
  EXPECT_EQ(keys_under("rel/"), 0U);
}

TEST_F(GateTest, MarketingIsRefusedAndTheNeededPurposeIsNamed) {
  const auto response = ask(claim(kMarketing));
  expect_refused(response, "purpose");
  const auto reason = gate::parse_reason(response.body);
  EXPECT_NE(reason->parameters.at("needed").find("CrowdManagement"), std::string::npos);
  EXPECT_EQ(reason->parameters.at("asked"), kMarketing);
  EXPECT_TRUE(reason->parameters.contains("rule"));
  EXPECT_TRUE(reason->parameters.contains("constraint"));
}

TEST_F(GateTest, APurposeThatNobodyKnowsIsRefused) {
  const auto response = ask(claim("https://example.org/other"));
  EXPECT_EQ(response.status, 403U);
  EXPECT_FALSE(entries_of(EntryKind::decision).back().shared.decision().permit());
  record_ = put_agreement("urn:duinmeer", R"("permission":[{"action":"use"}])");
  record_.agreement_hash = crypto::sha256("another");
  store_agreement(record_);
  expect_refused(ask(claim("https://example.org/other")), "purpose.unknown");
}

TEST_F(GateTest, StrangersLearnNothing) {
  auto no_certificate = request(claim());
  no_certificate.tls = {};
  auto foreign = request(claim());
  foreign.tls = presented_by("urn:parkwijs");
  auto unknown = request(claim());
  unknown.headers["authorization"] = "Bearer other";
  auto missing = request(claim());
  missing.headers.erase("authorization");
  auto elsewhere = request(claim());
  elsewhere.rest = "urn:other";
  const std::size_t before = entries().size();
  std::set<std::string> bodies;
  for (const auto& each : {no_certificate, foreign, unknown, missing, elsewhere}) {
    const auto response = ask(each);
    EXPECT_EQ(response.status, 404U);
    bodies.insert(response.body);
  }
  EXPECT_EQ(bodies.size(), 1U);
  EXPECT_EQ(entries().size(), before);
  refusals_.flush();
  Commit last;
  last.changes.push_back({"x", "1"});
  last.commit_class = CommitClass::bulk;
  ASSERT_TRUE(sequencer_.commit_and_wait(std::move(last)));
  const auto counted = entries_of(EntryKind::refused_count);
  EXPECT_EQ(counted.size(), 4U) << "who has no certificate is counted by whoever authenticates";
  for (const auto& entry : counted) {
    EXPECT_EQ(entry.shared.count(), 1U);
    EXPECT_EQ(entry.shared.counterparty(), "");
  }
}

TEST_F(GateTest, RefusalsBeyondAPartysQuotaAreCountedAndNotRecordedOneByOne) {
  int recorded = 0, counted = 0;
  for (int i = 0; i < 300; ++i) {
    const auto response = ask(claim("https://w3id.org/dpv#Marketing"));
    recorded += response.status == 403 ? 1 : 0;
    counted += response.status == 429 ? 1 : 0;
    if (response.status == 429) {
      EXPECT_EQ(code(response), "quota");
      EXPECT_EQ(response.headers.count("retry-after"), 1U);
      EXPECT_FALSE(response.stream);
    }
  }
  EXPECT_EQ(recorded, 240);
  EXPECT_EQ(counted, 60);
  EXPECT_EQ(entries_of(EntryKind::decision).size(), 240U);
  EXPECT_TRUE(ask(claim()).stream) << "what its agreement permits, it still gets";
  refusals_.flush();
  Commit last;
  last.changes.push_back({"x", "1"});
  last.commit_class = CommitClass::bulk;
  ASSERT_TRUE(sequencer_.commit_and_wait(std::move(last)));
  const auto counts = entries_of(EntryKind::refused_count);
  ASSERT_EQ(counts.size(), 1U);
  EXPECT_EQ(counts[0].shared.count(), 60U);
  EXPECT_EQ(counts[0].shared.counterparty(), "urn:duinmeer");
  EXPECT_EQ(counts[0].shared.decision().code(), "quota.refusals");
}

TEST_F(GateTest, TheHandleOfASuspendedTransferOpensNothingAndItsPartyIsToldWhy) {
  transfer::TransferProcess process;
  process.role = negotiation::Role::provider;
  process.own_pid = ProcessId("urn:provider:2");
  process.peer_pid = ProcessId("urn:consumer:2");
  process.peer = ParticipantId("urn:duinmeer");
  process.agreement = record_.id;
  process.dataset = record_.dataset;
  process.state = transfer::State::suspended;
  process.created = process.updated = clock_.now();
  Commit commit;
  commit.changes.push_back({transfer::handle_key(crypto::sha256("handle-2")), process.own_pid.str()});
  commit.changes.push_back({transfer::transfer_key(process.own_pid), transfer::encode(process)});
  ASSERT_TRUE(sequencer_.commit_and_wait(std::move(commit)));
  auto stolen = request(claim());
  stolen.headers["authorization"] = "Bearer handle-2";
  auto by_another = stolen;
  by_another.tls = presented_by("urn:parkwijs");
  EXPECT_EQ(ask(by_another).status, 404U) << "another party learns nothing of it";
  auto said = claim();
  said.transfer = process.peer_pid;
  auto own = request(said);
  own.headers["authorization"] = "Bearer handle-2";
  const auto response = ask(own);
  expect_refused(response, "transfer.not_started");
  EXPECT_EQ(gate::parse_reason(response.body)->parameters.at("state"), "suspended");
}

TEST_F(GateTest, APurposeThatJudgesPersonsMakesAnyDataPersonal) {
  const std::string selection = "https://example.org/purpose#Selection";
  const std::string judges(policy::kJudgesPersons);
  auto words = vocabulary_->with(judges + "\tJudging persons\t\tdpv:Purpose\n" + selection + "\tSelection\t\t" + judges + "\n", "own.tsv");
  ASSERT_TRUE(words) << describe(words.error());
  vocabulary_ = std::make_shared<const policy::Vocabulary>(std::move(*words));
  record_ = put_agreement("urn:duinmeer", R"("permission":[{"action":"use"}])");
  record_.agreement_hash = crypto::sha256("any purpose");
  store_agreement(record_);
  auto said = claim(kCrowd);
  said.activity.clear();
  EXPECT_TRUE(ask(said).stream) << "these data are not personal";
  auto judging = claim(selection);
  judging.activity.clear();
  expect_refused(ask(judging), "activity.missing");
  EXPECT_TRUE(ask(claim(selection)).stream) << "with a processing activity";
  // By agreement there is nobody who could name one.
  record_ = put_agreement("urn:duinmeer", permit(constraint("purpose", "eq", "\"" + selection + "\"")));
  record_.agreement_hash = crypto::sha256("selection alone");
  store_agreement(record_);
  sends_claims_ = false;
  datasets_.plan.purpose_by_agreement = true;
  expect_refused(ask(request(std::string())), "activity.missing");
}

TEST_F(GateTest, TermsMayAskForTwoSidedEvidence) {
  record_ = put_agreement("urn:duinmeer", crowd_only("," + constraint("https://w3id.org/sluis/odrl/1#evidence", "eq", "\"two-sided\"")));
  EXPECT_TRUE(ask(claim()).stream);
  membership_.evidence = false;
  const auto response = ask(claim());
  EXPECT_EQ(response.status, 403U);
  EXPECT_NE(response.body.find("evidence"), std::string::npos) << response.body;
  record_ = put_agreement("urn:duinmeer", crowd_only());
  record_.agreement_hash = crypto::sha256("another");
  store_agreement(record_);
  EXPECT_TRUE(ask(claim()).stream) << "other terms do not";
}

/// Of what is awaited it knows the names alone.
struct NamesOnly final : gate::RequestReceipts {
  std::string decided(Commit& commit, const v1::Shared& decision, bool permit) override {
    const std::string key = "named/" + decision.transaction();
    permits += permit ? 1 : 0;
    commit.preconditions.push_back({key, std::nullopt});
    commit.changes.push_back({key, "1"});
    return key;
  }
  void released(Commit&, const v1::Shared& end) override { ends.push_back(end.end()); }
  void received(Commit&, const v1::Shared&) override {}
  void recorded(const v1::Shared&) override {}
  std::vector<std::string> ends;
  int permits = 0;
};

TEST_F(GateTest, TermsMayAskForALegalBasisAndForAnImpactAssessment) {
  const std::string base = "https://w3id.org/dpv/legal/eu/gdpr#";
  record_ = put_agreement("urn:duinmeer", crowd_only("," + constraint("https://w3id.org/sluis/odrl/1#legalBasis", "isAnyOf", R"(["eu-gdpr:A6-1-e","eu-gdpr:A6-1-c"])") + "," +
                                                     constraint("https://w3id.org/sluis/odrl/1#impactAssessment", "eq", "\"on-record\"")));
  auto said = claim();
  const auto asked = [&](identity::ActivitySays says) {
    said = claim();
    said.says = std::move(says);
    return ask(said);
  };
  expect_refused(asked({}), "value");
  expect_refused(asked({{base + "A6-1-e"}, {}}), "value");
  expect_refused(asked({{base + "A6-1-e"}, "n.v.t."}), "value");
  expect_refused(asked({{base + "A6-1-a"}, "DPIA 2026-14"}), "value");
  expect_refused(asked({{"eu-gdpr:A6-1-e"}, "DPIA 2026-14"}), "value");  // a name that its own node writes out
  const auto response = asked({{base + "A6-1-a", base + "A6-1-e"}, "DPIA 2026-14"});
  EXPECT_EQ(response.status, 200U) << response.body;
  const auto known = entries_of(provenance::EntryKind::decision).back().internal.known();
  ASSERT_EQ(known.legal_basis_size(), 2);
  EXPECT_EQ(known.legal_basis(1), base + "A6-1-e");
  EXPECT_EQ(known.impact_assessment(), "DPIA 2026-14");
  said.activity.clear();
  said.jti = "another";
  said.transaction = TransactionId("urn:uuid:another");
  expect_refused(ask(said), "indeterminate");  // they are an activity's, and none is named
}

TEST_F(GateTest, ATransactionCountsOnceForItsParty) {
  NamesOnly receipts;
  auto with = dependencies();
  with.receipts = &receipts;
  gate_ = std::make_unique<gate::Gate>(ParticipantId("urn:waterrijk"), std::move(with));
  const auto named = [this] {
    auto said = claim();
    said.transaction = TransactionId("urn:uuid:the-same");
    return said;
  };
  Sink sink;
  ask(named()).stream(sink);
  EXPECT_EQ(receipts.permits, 1);
  EXPECT_EQ(receipts.ends, std::vector<std::string>{"complete"});
  expect_refused(ask(named()), "transaction.repeated");
  auto of_marketing = named();
  of_marketing.purpose = kMarketing;
  expect_refused(ask(of_marketing), "transaction.repeated");
  EXPECT_EQ(entries_of(EntryKind::stream_end).size(), 1U);
  EXPECT_EQ(receipts.ends.size(), 1U);
  EXPECT_TRUE(ask(claim()).stream) << "another name";
}

TEST_F(GateTest, AClaimCountsOnce) {
  const auto said = request(claim());
  ASSERT_TRUE(ask(said).stream);
  expect_refused(ask(said), "claim.replayed");
}

TEST_F(GateTest, AClaimIsForThisRequestOnly) {
  auto old = claim();
  old.iat -= std::chrono::seconds(33);
  expect_refused(ask(old), "claim.too_old");
  auto at_the_edge = claim();
  at_the_edge.iat -= std::chrono::seconds(32);
  EXPECT_TRUE(ask(at_the_edge).stream);
  auto early = claim();
  early.iat += std::chrono::seconds(3);
  expect_refused(ask(early), "claim.from_future");
  auto other = claim();
  other.agreement = AgreementId("urn:agreement:2");
  expect_refused(ask(other), "claim.agreement");
  auto path = claim();
  path.path = "/data?all";
  expect_refused(ask(path), "claim.path");
  auto issuer = claim();
  issuer.iss = ParticipantId("urn:parkwijs");
  expect_refused(ask(issuer), "claim.issuer");
  auto audience = claim();
  audience.aud = ParticipantId("urn:stroomplein");
  expect_refused(ask(audience), "claim.audience");
  auto transfer = claim();
  transfer.transfer = ProcessId("urn:consumer:2");
  expect_refused(ask(transfer), "claim.transfer");
  const auto stolen = crypto::Key::generate(crypto::Key::Kind::p256);
  expect_refused(ask(request(identity::make_claim(claim(), "k1", stolen))), "claim.signature");
  expect_refused(ask(request(identity::make_claim(claim(), "k9", stolen))), "claim.unknown_key");
  expect_refused(ask(request(std::string("no.jws"))), "claim.malformed");
  expect_refused(ask(request(std::string())), "claim.missing");
  auto own_pid = claim();
  own_pid.transfer = ProcessId("urn:provider:1");
  EXPECT_TRUE(ask(own_pid).stream);
}

TEST_F(GateTest, ACheckpointInTheClaimIsOneOfThatPartysLogOrTheRequestIsRefused) {
  auto with = dependencies();
  std::string asked;
  with.peer_note = [&](const ParticipantId& peer, const std::string& note) -> Result<void> {
    asked = peer.str();
    if (note == "good") return {};
    return Error(ErrorCode::permission_denied, "not signed by that key");
  };
  gate_ = std::make_unique<gate::Gate>(ParticipantId("urn:waterrijk"), std::move(with));
  const auto with_note = [this](const std::string& note) {
    auto said = claim();
    said.checkpoint = note;
    return said;
  };
  ASSERT_TRUE(ask(with_note("good")).stream);
  EXPECT_EQ(asked, "urn:duinmeer");
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.peer_checkpoint(), "good");
  expect_refused(ask(with_note("forged")), "checkpoint.false");
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.peer_checkpoint(), "");
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.decision().parameters().at("why"), "not signed by that key");
  expect_refused(ask(with_note(std::string(4097, 'x'))), "checkpoint.too_large");
  ASSERT_TRUE(ask(with_note("")).stream) << "a party without a log has none";
}

TEST_F(GateTest, WithoutClaimsOnlyWhereTermsSaySoAndOnePurposeIsLeft) {
  sends_claims_ = false;
  expect_refused(ask(request(std::string())), "claim.missing");
  datasets_.plan.purpose_by_agreement = true;
  ASSERT_TRUE(ask(request(std::string())).stream);
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.declared(), "by agreement");
  sends_claims_ = true;
  expect_refused(ask(request(std::string())), "claim.missing");
}

TEST_F(GateTest, WhatEndedIsRefusedWithItsReason) {
  datasets_.plan.suspended = "under review";
  expect_refused(ask(claim()), "dataset.suspended");
  datasets_.plan.suspended.clear();
  datasets_.plan.assessed_until = clock_.now();
  expect_refused(ask(claim()), "dataset.assessment_over");
  datasets_.plan.assessed_until.reset();
  membership_.until = clock_.now();
  expect_refused(ask(claim()), "membership");
  membership_.until = clock_.now() + std::chrono::hours(1);
  datasets_.plan.needs_activity = true;
  auto no_activity = claim();
  no_activity.activity.clear();
  expect_refused(ask(no_activity), "activity.missing");
  auto no_uri = claim();
  no_uri.activity = "crowds";
  expect_refused(ask(no_uri), "activity.malformed");
  datasets_.gone = true;
  expect_refused(ask(claim()), "dataset.gone");
  datasets_.gone = false;
  record_.ended = negotiation::AgreementEnd{ParticipantId("urn:waterrijk"), clock_.now(), {"ended", {"enough"}}};
  store_agreement(record_);
  expect_refused(ask(claim()), "agreement.ended");
}

TEST_F(GateTest, AClockThatIsBehindTheLogRefuses) {
  clock_.advance(-std::chrono::minutes(1));
  const auto response = ask(claim());
  EXPECT_EQ(response.status, 503U);
  EXPECT_EQ(code(response), "clock.behind");
}

TEST_F(GateTest, EachRecordedAnswerComesWithACheckpointThatCoversIt) {
  auto with = dependencies();
  with.checkpoint = [this] { return sequencer_.checkpoint(); };
  gate_ = std::make_unique<gate::Gate>(ParticipantId("urn:waterrijk"), std::move(with));
  for (const bool permitted : {true, false}) {
    auto response = ask(permitted ? claim() : claim(kMarketing));
    Sink sink;
    if (permitted) response.stream(sink);
    const auto& headers = permitted ? sink.headers : response.headers;
    const auto note = from_base64(headers.at("sluis-checkpoint"));
    ASSERT_TRUE(note);
    const auto checkpoint = provenance::open_checkpoint(*note, *provenance::VerifierKey::parse(sequencer_.verifier_key()));
    ASSERT_TRUE(checkpoint) << *note;
    const auto all = entries();
    std::uint64_t decided = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].kind == static_cast<std::uint8_t>(EntryKind::decision)) decided = i;
    }
    EXPECT_GT(checkpoint->size, decided);
  }
}

TEST_F(GateTest, AHeadIsNoPullAndRecordsNothing) {
  auto head = request(claim());
  head.method = "HEAD";
  head.headers["range"] = "bytes=0-3";
  const auto response = ask(head);
  EXPECT_EQ(response.status, 405U);
  EXPECT_EQ(response.headers.at("allow"), "GET");
  EXPECT_FALSE(response.stream);
  EXPECT_TRUE(entries_of(EntryKind::decision).empty());
  head.tls = presented_by("urn:parkwijs");
  EXPECT_EQ(ask(head).status, 404U) << "another party learns nothing of it";
}

TEST_F(GateTest, NothingIsReleasedThatCannotBeRecorded) {
  commits_.refuse = true;
  const auto response = ask(claim());
  EXPECT_EQ(response.status, 503U);
  EXPECT_FALSE(response.stream);
  EXPECT_EQ(ask(claim(kMarketing)).status, 503U);
  commits_.refuse = false;
  refusals_.flush();
  Commit last;
  last.changes.push_back({"x", "1"});
  last.commit_class = CommitClass::bulk;
  ASSERT_TRUE(sequencer_.commit_and_wait(std::move(last)));
  const auto told = entries_of(EntryKind::refused_count);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].shared.count(), 2U);
  EXPECT_EQ(told[0].shared.counterparty(), "urn:duinmeer");
  EXPECT_EQ(told[0].shared.decision().code(), gate::kUndecidedData);
}

TEST_F(GateTest, NoAnswerBeforeTheRecordIsDurable) {
  commits_.hold = true;
  std::atomic<bool> answered = false;
  http::Response response;
  std::thread worker([&] {
    response = ask(claim());
    answered = true;
  });
  commits_.wait_for_caller();
  EXPECT_FALSE(answered);
  EXPECT_TRUE(entries_of(EntryKind::decision).empty());
  commits_.release();
  worker.join();
  EXPECT_TRUE(response.stream);
  EXPECT_EQ(entries_of(EntryKind::decision).size(), 1U);
}

TEST_F(GateTest, AnAgreementThatEndsBetweenDecisionAndRecordIsNotReleased) {
  commits_.before_commit = [this] {
    record_.ended = negotiation::AgreementEnd{ParticipantId("urn:waterrijk"), clock_.now(), {"ended", {"enough"}}};
    store_agreement(record_);
  };
  expect_refused(ask(claim()), "agreement.ended");
  EXPECT_EQ(entries_of(EntryKind::decision).size(), 1U);
}

TEST_F(GateTest, AReleaseWithoutAnEndIsUnknownAfterARestart) {
  {
    auto response = ask(claim());
    ASSERT_TRUE(response.stream);
    commits_.refuse = true;  // the node dies: its end cannot be written
  }
  commits_.refuse = false;
  EXPECT_EQ(keys_under("rel/"), 1U);
  ASSERT_TRUE(gate_->recover());
  EXPECT_EQ(keys_under("rel/"), 0U);
  EXPECT_EQ(entries_of(EntryKind::stream_end).back().shared.end(), "unknown");
}

TEST_F(GateTest, UsedClaimsAreForgottenAfterTenMinutes) {
  ASSERT_TRUE(ask(claim()).stream);
  EXPECT_EQ(keys_under("jti/"), 1U);
  clock_.advance(std::chrono::minutes(11));
  ASSERT_TRUE(gate_->recover());
  Commit last;
  last.commit_class = CommitClass::bulk;
  last.changes.push_back({"x", "1"});
  ASSERT_TRUE(sequencer_.commit_and_wait(std::move(last)));
  EXPECT_EQ(keys_under("jti/"), 0U);
  EXPECT_EQ(keys_under("jti-due/"), 0U);
}

TEST_F(GateTest, ASourceThatIsNotThereIsAnOperatorsMatter) {
  datasets_.plan.file = "../slots";
  const auto response = ask(claim());
  EXPECT_EQ(response.status, 503U);
  EXPECT_EQ(code(response), "source.unavailable");
}

}  // namespace
}  // namespace sluis::test
