#include "tests/unit/intake/intake_world.hpp"

namespace sluis::test {
namespace {

TEST_F(IntakeTest, APullIsIntendedAskedPassedOnAndReceived) {
  provider_.on_request = [this] { EXPECT_EQ(entries_of(EntryKind::intent).size(), 1U); };
  pull();
  EXPECT_EQ(sink_.body, "time,total\n10:00,12\n11:00,\"7\n\"\n");
  EXPECT_TRUE(sink_.finished);
  EXPECT_EQ(sink_.trailers, provider_.trailers);
  EXPECT_EQ(sink_.headers["content-type"], "text/csv");
  EXPECT_EQ(provider_.asked.headers["authorization"], "Bearer handle-1");
  const auto intent = entries_of(EntryKind::intent).front();
  EXPECT_EQ(intent.internal.application(), "dashboard");
  EXPECT_EQ(intent.internal.activity(), "urn:activity:1");
  EXPECT_EQ(received().end(), "complete");
  EXPECT_EQ(received().rows(), 2U);
  EXPECT_EQ(received().transaction(), intent.shared.transaction());
  EXPECT_EQ(sink_.headers["sluis-transaction"], intent.shared.transaction());
  EXPECT_EQ(keys_under("int/"), 0U);
}

TEST_F(IntakeTest, WhatTheRegisterSaysOfTheActivityGoesWithItWhereTermsAskForIt) {
  const std::string operand = "https://w3id.org/sluis/odrl/1#";
  put_agreement("urn:waterrijk", crowd_only("," + constraint(operand + "legalBasis", "eq", "\"urn:basis:1\"") + "," +
                                            constraint(operand + "impactAssessment", "eq", "\"on-record\"")));
  pull();
  const std::string token = provider_.asked.headers["sluis-claim"];
  const auto payload = from_base64url(token.substr(token.find('.') + 1, token.rfind('.') - token.find('.') - 1));
  ASSERT_TRUE(payload);
  EXPECT_NE(payload->find(R"("legal_basis":["urn:basis:1"])"), std::string::npos) << *payload;
  EXPECT_NE(payload->find(R"("impact_assessment":"DPIA 2026-14")"), std::string::npos) << *payload;
  EXPECT_EQ(entries_of(EntryKind::intent).back().internal.known().impact_assessment(), "DPIA 2026-14");
}

TEST_F(IntakeTest, APersonWhomTheRequestIsAboutIsMarkedHereAndToldToNobody) {
  const auto response = ask(request_with("sluis-data-subject", "BSN 123456782"));
  ASSERT_TRUE(response.stream);
  response.stream(sink_);
  const std::string mark = provenance::subject_mark(std::string(32, 's'), {"BSN", "123456782"});
  for (const EntryKind kind : {EntryKind::intent, EntryKind::received}) {
    const auto entry = entries_of(kind).back();
    EXPECT_EQ(entry.internal.data_subject(), mark);
    EXPECT_EQ(entry.internal.data_subject_type(), "BSN");
    EXPECT_EQ(entry.shared.SerializeAsString().find(mark), std::string::npos);
  }
  for (const auto& [name, value] : provider_.asked.headers) EXPECT_EQ(value.find("123456782"), std::string::npos) << name;
  for (const char* wrong : {"", "123456782", "123456782 BSN", "BSN 1 2", "BSN "}) {
    auto asked = request();
    asked.headers["sluis-data-subject"] = wrong;
    const auto refused = ask(asked);
    EXPECT_EQ(refused.status, 400U) << wrong;
    EXPECT_EQ(code(refused.body), "data_subject.malformed");
  }
}

TEST_F(IntakeTest, TheClaimSaysWhoWhatAndWhyForJustThisRequest) {
  pull();
  const identity::ClaimExpected expected{ParticipantId("urn:duinmeer"), ParticipantId("urn:waterrijk"),
                                         AgreementId("urn:agreement:1"), ProcessId("urn:consumer:1"), "GET",
                                         "/data?x=1", clock_.now()};
  const auto check = identity::check_claim(provider_.asked.headers["sluis-claim"], expected,
                                           [this](const ParticipantId&, std::string_view) -> Result<crypto::Key> {
                                             return key_;
                                           });
  ASSERT_TRUE(check.ok()) << check.detail;
  EXPECT_EQ(check.claim->purpose, kCrowd);
  EXPECT_EQ(check.claim->activity, "urn:activity:1");
  EXPECT_EQ(check.claim->says, identity::ActivitySays{}) << "these terms do not ask for it";
  EXPECT_FALSE(check.claim->checkpoint.empty());
}

TEST_F(IntakeTest, MarketingIsRefusedByOurOwnNodeAndRecorded) {
  const auto response = ask(request_with("sluis-purpose", "dpv:Marketing"));
  EXPECT_EQ(response.status, 403U);
  const auto reason = gate::parse_reason(response.body);
  ASSERT_TRUE(reason);
  EXPECT_EQ(reason->code, "purpose");
  EXPECT_EQ(reason->parameters.at("asked"), kMarketing);
  EXPECT_NE(reason->parameters.at("needed").find("CrowdManagement"), std::string::npos);
  EXPECT_EQ(provider_.requests, 0);
  ASSERT_EQ(entries_of(EntryKind::decision).size(), 1U);
  EXPECT_EQ(entries_of(EntryKind::decision)[0].shared.decision().code(), "purpose");
  EXPECT_EQ(entries_of(EntryKind::intent).size(), 0U);
}

TEST_F(IntakeTest, PurposeAndActivityAreOneOfEach) {
  const auto expect = [&](const http::Request& asked, unsigned status, const std::string& wanted) {
    const auto response = ask(asked);
    EXPECT_EQ(response.status, status) << wanted;
    EXPECT_EQ(code(response.body), wanted);
  };
  expect(request_with("sluis-purpose", ""), 400, "purpose.missing");
  expect(request_with("sluis-purpose", kCrowd + ", " + kMarketing), 400, "purpose.several");
  expect(request_with("sluis-purpose", "\xff"), 400, "purpose.malformed");
  expect(request_with("sluis-activity", ""), 400, "activity.missing");
  expect(request_with("sluis-activity", "urn:a,urn:b"), 400, "activity.several");
  expect(request_with("sluis-activity", "urn:activity:3"), 403, "activity.not_allowed");
  expect(request_with("sluis-activity", "urn:activity:2"), 403, "activity.not_allowed");
  const auto unknown = ask(request_with("sluis-purpose", "https://example.org/none"));
  EXPECT_EQ(unknown.status, 403U);
  EXPECT_EQ(provider_.requests, 0);
}

TEST_F(IntakeTest, OnlyAnApplicationMayAsk) {
  EXPECT_EQ(ask(request_with("authorization", "")).status, 401U);
  EXPECT_EQ(ask(request_with("authorization", "Bearer dpo")).status, 403U);
  auto unknown = request();
  unknown.rest = "urn:consumer:2";
  EXPECT_EQ(ask(unknown).status, 404U);
  EXPECT_TRUE(entries_of(EntryKind::decision).empty());
}

TEST_F(IntakeTest, ATransferThatIsNotOpenIsRefusedAndRecorded) {
  suspended_ = true;
  const auto response = ask(request());
  EXPECT_EQ(response.status, 409U);
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.decision().code(), "transfer.not_open");
}

TEST_F(IntakeTest, TheProvidersCheckpointStandsInTheRecordOfWhatCameOrWhyItIsNone) {
  const auto signs = crypto::Key::generate(crypto::Key::Kind::ed25519);
  const auto other = crypto::Key::generate(crypto::Key::Kind::ed25519);
  const std::string note = provenance::sign_checkpoint({"waterrijk.example/log", 7, {}}, signs);
  const std::string forged = provenance::sign_checkpoint({"waterrijk.example/log", 7, {}}, other);
  const auto key = provenance::VerifierKey::of("waterrijk.example/log", signs);
  peer_note_ = [key](const ParticipantId& peer, const std::string& text) -> Result<void> {
    EXPECT_EQ(peer.str(), "urn:waterrijk");
    SLUIS_CHECK(provenance::open_checkpoint(text, key));
    return {};
  };
  for (const auto& [sent, kept, why] :
       {std::tuple(to_base64(note), note, ""), std::tuple(std::string(), std::string(), ""), std::tuple(to_base64(forged), std::string(), "not signed"),
        std::tuple(std::string("not base64"), std::string(), "no base64"), std::tuple(to_base64("\xff\xfe"), std::string(), "no text"),
        std::tuple(to_base64(std::string(5000, 'x')), std::string(), "5000 bytes")}) {
    provider_.checkpoint = sent;
    pull();
    EXPECT_EQ(received().event(), "complete") << "the data came all the same";
    EXPECT_EQ(received().peer_checkpoint(), kept) << sent;
    EXPECT_EQ(received().document().empty(), std::string(why).empty()) << received().document();
    EXPECT_NE(received().document().find(why), std::string::npos) << received().document();
  }
}

TEST_F(IntakeTest, NothingIsAskedThatCannotBeRecorded) {
  commits_.refuse = true;
  EXPECT_EQ(ask(request()).status, 503U);
  EXPECT_EQ(provider_.requests, 0);
  EXPECT_EQ(undecided_, (std::vector<std::string>{"urn:waterrijk"}));
}

TEST_F(IntakeTest, AClockThatIsBehindTheLogRefuses) {
  clock_.advance(-std::chrono::minutes(1));
  const auto response = ask(request());
  EXPECT_EQ(response.status, 503U);
  EXPECT_EQ(code(response.body), "clock.behind");
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.decision().code(), "clock.behind");
}

TEST_F(IntakeTest, AnIncompleteStreamIsCut) {
  provider_.complete = false;
  pull();
  EXPECT_TRUE(sink_.is_cut);
  EXPECT_FALSE(sink_.finished);
  EXPECT_EQ(received().end(), "cut");
  EXPECT_EQ(received().decision().code(), "provider.incomplete");
}

TEST_F(IntakeTest, WhatIsNotWhatTheProviderSaysIsCut) {
  provider_.trailers["sluis-rows"] = "3";
  pull();
  EXPECT_TRUE(sink_.is_cut);
  EXPECT_EQ(received().decision().code(), "provider.mismatch");
  provider_.serve(provider_.parts, 2);
  provider_.trailers["sluis-sha256"] = to_hex(crypto::sha256("other"));
  Sink other;
  ask(request()).stream(other);
  EXPECT_TRUE(other.is_cut);
  provider_.trailers.clear();
  Sink without;
  ask(request()).stream(without);
  EXPECT_TRUE(without.is_cut);
  EXPECT_EQ(entries_of(EntryKind::received).size(), 3U);
}

TEST_F(IntakeTest, WithoutItsRecordTheLastChunkIsNotPassedOn) {
  auto response = ask(request());
  commits_.refuse = true;
  response.stream(sink_);
  EXPECT_FALSE(sink_.finished);
  EXPECT_TRUE(sink_.is_cut);
}

TEST_F(IntakeTest, TheProvidersRefusalIsPassedOnWithItsReason) {
  provider_.status = 403;
  provider_.parts = {gate::reason_json(gate::make_reason("dataset.suspended", {{"why", "under review"}}))};
  pull();
  EXPECT_EQ(sink_.status, 403U);
  EXPECT_EQ(code(sink_.body), "dataset.suspended");
  EXPECT_EQ(received().event(), "refused");
  EXPECT_EQ(received().decision().parameters().at("why"), "under review");
  EXPECT_FALSE(*store_.get("ret/urn:agreement:1"));
}

TEST_F(IntakeTest, ARefusalThatCannotBeReadOrNoAnswerIsSaidSo) {
  provider_.status = 404;
  provider_.parts = {"<html>"};
  pull();
  EXPECT_EQ(sink_.status, 502U);
  EXPECT_EQ(code(sink_.body), "provider.refused");
  provider_.unreachable = true;
  Sink other;
  ask(request()).stream(other);
  EXPECT_EQ(other.status, 502U);
  EXPECT_EQ(code(other.body), "provider.unavailable");
  EXPECT_EQ(received().event(), "failed");
}

TEST_F(IntakeTest, TheDutyToDeleteCountsFromTheEndAndKeepsItsEarliestDate) {
  pull();
  EXPECT_EQ(*retention().find("due")->if_string(), "2026-12-03T09:00:00Z");
  EXPECT_TRUE(retention().find("confirmed")->is_null());
  clock_.advance(std::chrono::days(1));
  pull();
  EXPECT_EQ(*retention().find("due")->if_string(), "2026-12-03T09:00:00Z");
  EXPECT_EQ(*retention().find("last_end")->if_string(), "2026-11-27T09:00:00Z");
  auto confirmed = retention();
  confirmed.set("confirmed", "2026-11-27T10:00:00Z");
  Commit commit;
  commit.changes.push_back({"ret/urn:agreement:1", json::serialise(confirmed)});
  ASSERT_TRUE(sequencer_.commit_and_wait(std::move(commit)));
  pull();
  EXPECT_EQ(*retention().find("due")->if_string(), "2026-12-04T09:00:00Z");
  EXPECT_TRUE(retention().find("confirmed")->is_null());
}

TEST_F(IntakeTest, ACutReleaseHasToBeDeletedToo) {
  provider_.complete = false;
  pull();
  EXPECT_EQ(*retention().find("due")->if_string(), "2026-12-03T09:00:00Z");
}

TEST_F(IntakeTest, AnAgreementThatEndsCutsOurSideToo) {
  provider_.on_request = [this] {
    streams_.cut_agreement(AgreementId("urn:agreement:1"), gate::make_reason("agreement.ended"));
  };
  pull();
  EXPECT_TRUE(sink_.is_cut);
  EXPECT_EQ(received().end(), "cut");
  EXPECT_EQ(received().decision().code(), "agreement.ended");
}

TEST_F(IntakeTest, AnEndBehindTheLastByteLeavesTheApplicationsConnectionAlone) {
  sink_.on_finish = [this] { streams_.cut_agreement(AgreementId("urn:agreement:1"), gate::make_reason("agreement.ended")); };
  pull();
  EXPECT_TRUE(sink_.finished);
  EXPECT_FALSE(sink_.is_cut) << "it would be reset before what the application asks next";
  EXPECT_EQ(received().end(), "complete");
}

TEST_F(IntakeTest, AnActivityThatEndsCutsOurSide) {
  until_ = clock_.now() + std::chrono::minutes(1);
  provider_.on_request = [this] { clock_.advance(std::chrono::minutes(1)); };
  pull();
  EXPECT_TRUE(sink_.is_cut);
  EXPECT_EQ(received().end(), "cut");
  EXPECT_EQ(received().decision().code(), "activity.not_allowed");
}

TEST_F(IntakeTest, AnActivityThatChangesMeanwhileIsLookedAtAnew) {
  as_read_ = {"act/urn:activity:1", std::nullopt};
  commits_.before_commit = [this] {
    Commit other;
    other.changes.push_back({"act/urn:activity:1", "[]"});
    ASSERT_TRUE(sequencer_.commit_and_wait(std::move(other)));
    until_ = clock_.now();
  };
  const auto response = ask(request());
  EXPECT_FALSE(response.stream);
  EXPECT_EQ(code(response.body), "activity.not_allowed");
  EXPECT_TRUE(entries_of(EntryKind::intent).empty());
  EXPECT_EQ(provider_.requests, 0);
}

TEST_F(IntakeTest, AnIntentWithoutAnEndIsUnknownAfterARestart) {
  {
    auto response = ask(request());
    ASSERT_TRUE(response.stream);
    commits_.refuse = true;  // the node dies here
  }
  commits_.refuse = false;
  EXPECT_EQ(keys_under("int/"), 1U);
  ASSERT_TRUE(intake_->recover());
  EXPECT_EQ(keys_under("int/"), 0U);
  EXPECT_EQ(received().end(), "unknown");
  EXPECT_EQ(*retention().find("due")->if_string(), "2026-12-03T09:00:00Z");
  ASSERT_TRUE(intake_->recover());
  EXPECT_EQ(entries_of(EntryKind::received).size(), 1U);
}

const std::string kSituation = "https://waterrijk.example/situations/crowds";

gate::KnownDeclarations in_force_until(Timestamp from, Timestamp until) {
  declaration::Declaration one;
  one.id = kSituation;
  one.opens = {kCrowd};
  one.acts.push_back({declaration::What::declared, {}, from, until, "full"});
  return {{{std::move(one), 7}}, {}};
}

TEST_F(IntakeTest, TermsThatDependOnASituationAreDecidedOnTheProvidersProofAtEachRequest) {
  put_agreement("urn:waterrijk", crowd_only("," + constraint("https://w3id.org/sluis/odrl/1#situation", "isAnyOf", "\"" + kSituation + "\"")));
  EXPECT_EQ(code(ask(request()).body), "declarations.unknown");
  EXPECT_EQ(provider_.requests, 0) << "denied at its own node";
  proven_.emplace();
  EXPECT_EQ(code(ask(request()).body), "value");
  proven_ = in_force_until(clock_.now(), clock_.now() + std::chrono::hours(1));
  pull();
  EXPECT_TRUE(sink_.finished);
  const auto intents = entries_of(EntryKind::intent);
  ASSERT_EQ(intents.size(), 1U);
  ASSERT_EQ(intents[0].shared.rests_on_size(), 1);
  EXPECT_EQ(intents[0].shared.rests_on(0).id(), kSituation);
  EXPECT_EQ(intents[0].shared.rests_on(0).entry(), 7U);
  EXPECT_EQ(asked_about_declarations_, 3) << "nothing is kept for the next request";
}

TEST_F(IntakeTest, APullOnASituationIsCutWhenItEndsWithoutAskingAgain) {
  put_agreement("urn:waterrijk", crowd_only("," + constraint("https://w3id.org/sluis/odrl/1#situation", "isAnyOf", "\"" + kSituation + "\"")));
  proven_ = in_force_until(clock_.now(), clock_.now() + std::chrono::hours(1));
  provider_.on_request = [this] {
    clock_.advance(std::chrono::hours(1));
    streams_.reevaluate_all();
  };
  pull();
  EXPECT_TRUE(sink_.is_cut);
  EXPECT_EQ(received().decision().code(), "value");
  EXPECT_EQ(asked_about_declarations_, 1);
}

/// A part of "time,total\n10:00,12\n11:00,7\n" from byte 11 on.
class IntakePartTest : public IntakeTest {
 protected:
  void SetUp() override {
    IntakeTest::SetUp();
    provider_.status = 206;
    provider_.head = {{"etag", "\"v1\""}, {"content-range", "bytes 11-27/28"}, {"repr-digest", "sha-256=:AA==:"}, {"set-cookie", "a"}};
    provider_.serve({"10:00,12\n1", "1:00,7\n"}, 2);
  }
  void pull_rest(const std::string& range = "bytes=11-") {
    auto asked = request();
    asked.headers["range"] = range;
    asked.headers["if-match"] = "\"v1\"";
    auto response = ask(asked);
    ASSERT_TRUE(response.stream) << response.body;
    response.stream(sink_);
  }
};

TEST_F(IntakePartTest, APartIsAskedForOnTheSameVersionAndRecorded) {
  pull_rest();
  EXPECT_EQ(provider_.asked.headers["range"], "bytes=11-");
  EXPECT_EQ(provider_.asked.headers["if-match"], "\"v1\"");
  EXPECT_EQ(sink_.status, 206U);
  EXPECT_EQ(sink_.body, "10:00,12\n11:00,7\n");
  EXPECT_TRUE(sink_.finished);
  EXPECT_EQ(sink_.headers["content-range"], "bytes 11-27/28");
  EXPECT_EQ(sink_.headers["repr-digest"], "sha-256=:AA==:");
  EXPECT_FALSE(sink_.headers.contains("set-cookie"));
  EXPECT_EQ(entries_of(EntryKind::intent).back().internal.source(), "range bytes=11-; if-match \"v1\"");
  EXPECT_EQ(entries_of(EntryKind::received).back().internal.source(), "etag \"v1\"; bytes 11-27/28");
  EXPECT_EQ(received().rows(), 2U);
  EXPECT_EQ(received().bytes(), 17U);
}

TEST_F(IntakePartTest, AnotherPartThanTheOneAskedForIsNotTaken) {
  for (const std::string range : {"bytes=12-", "bytes=11-20", "bytes=-3"}) {
    sink_.finished = false;
    pull_rest(range);
    EXPECT_EQ(sink_.status, 502U) << range;
    EXPECT_EQ(received().event(), "failed") << range;
    EXPECT_EQ(received().decision().code(), "provider.mismatch") << range;
  }
  auto response = ask(request());
  Sink sink;
  response.stream(sink);
  EXPECT_EQ(sink.status, 502U) << "where none was asked for";
}

TEST_F(IntakePartTest, APartThatIsShorterThanAnnouncedIsCut) {
  provider_.serve({"10:00,12\n"}, 1);
  pull_rest();
  EXPECT_TRUE(sink_.is_cut);
  EXPECT_EQ(received().decision().code(), "provider.mismatch");
}

TEST_F(IntakePartTest, AnotherVersionIsToldAsTheProviderTellsIt) {
  provider_.status = 412;
  provider_.parts = {gate::reason_json(gate::make_reason("source.other_version"))};
  pull_rest();
  EXPECT_EQ(sink_.status, 412U);
  EXPECT_EQ(code(sink_.body), "source.other_version");
  EXPECT_EQ(received().event(), "refused");
}

TEST_F(IntakeTest, PathAndQueryGoToTheProviderAndIntoTheClaim) {
  auto asked = request();
  asked.rest = "urn:consumer:1/counts/a b";
  asked.query = "from=1";
  ask(asked).stream(sink_);
  EXPECT_EQ(provider_.asked.url, "https://waterrijk.example:8443/data/urn%3Aprovider%3A1/counts/a%20b?x=1&from=1");
  const identity::ClaimExpected expected{ParticipantId("urn:duinmeer"), ParticipantId("urn:waterrijk"), AgreementId("urn:agreement:1"),
                                         ProcessId("urn:consumer:1"), "GET", "/data/urn%3Aprovider%3A1/counts/a%20b?x=1&from=1", clock_.now()};
  EXPECT_TRUE(identity::check_claim(provider_.asked.headers["sluis-claim"], expected,
                                    [this](const ParticipantId&, std::string_view) -> Result<crypto::Key> { return key_; }).ok());
  EXPECT_EQ(entries_of(EntryKind::intent).back().internal.source(), "path /counts/a b; query from=1");
}

TEST_F(IntakeTest, AnEmptyChoiceIsToldApartFromNoSuchTransfer) {
  provider_.status = 404;
  provider_.parts = {gate::reason_json(gate::make_reason("source.none"))};
  pull();
  EXPECT_EQ(sink_.status, 404U);
  EXPECT_EQ(code(sink_.body), "source.none");
}

TEST_F(IntakeTest, JsonLinesAreCountedAsSuch) {
  provider_.head = {{"content-type", "application/jsonl"}};
  provider_.serve({"{\"a\":\"\\\"\"}\n", "{\"a\":1}\n"}, 2);
  pull();
  EXPECT_TRUE(sink_.finished) << received().decision().code();
  EXPECT_EQ(received().rows(), 2U);
}

/// A provider whose source grows.
class IntakeLiveTest : public IntakeTest {
 protected:
  void serve(const std::string& type, const std::vector<std::string>& parts, const std::string& rows, std::uint64_t count) {
    provider_.head = {{"content-type", type}};
    provider_.parts = parts;
    provider_.trailers = {{"sluis-rows", std::to_string(count)}, {"sluis-sha256", to_hex(crypto::sha256(rows))}};
  }
  void expect_received(const std::string& rows, std::uint64_t count) {
    EXPECT_EQ(received().rows(), count);
    EXPECT_EQ(received().bytes(), rows.size());
    EXPECT_EQ(received().digest(), std::string(view(crypto::sha256(rows))));
  }
};

TEST_F(IntakeLiveTest, LinesArePassedOnAndCountedWithoutWhatIsNoData) {
  serve("application/x-ndjson", {"{\"a\":1}\n{\"a\"", ":2}\n", "\n", "{\"a\":3}\n"}, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n", 3);
  std::vector<std::size_t> sizes;
  sink_.on_write = [&] { sizes.push_back(sink_.size); };
  pull();
  EXPECT_TRUE(sink_.finished) << received().decision().code();
  EXPECT_EQ(sink_.body, "{\"a\":1}\n{\"a\":2}\n\n{\"a\":3}\n");
  EXPECT_EQ(sizes, (std::vector<std::size_t>{8, 16, 17, 25})) << "as they came, each line whole";
  EXPECT_EQ(sink_.headers["content-type"], "application/x-ndjson");
  expect_received("{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n", 3);
  EXPECT_EQ(provider_.asked.headers.count("accept"), 0U);
}

TEST_F(IntakeLiveTest, EventsAreForWhoAcceptsThem) {
  serve("text/event-stream", {": nothing new\n\nid: 1\ndata: {\"a\":1}\n", "\n"}, "{\"a\":1}\n", 1);
  auto asked = request();
  asked.headers["accept"] = "text/event-stream";
  ask(asked).stream(sink_);
  EXPECT_EQ(provider_.asked.headers["accept"], "text/event-stream");
  EXPECT_TRUE(sink_.finished) << received().decision().code();
  expect_received("{\"a\":1}\n", 1);
}

TEST_F(IntakeLiveTest, WhatIsCutInARowIsCountedUpToIt) {
  serve("application/x-ndjson", {"{\"a\":1}\n{\"a\""}, "", 0);
  provider_.complete = false;
  pull();
  EXPECT_TRUE(sink_.is_cut);
  EXPECT_EQ(sink_.body, "{\"a\":1}\n");
  EXPECT_EQ(received().decision().code(), "provider.incomplete");
  expect_received("{\"a\":1}\n", 1);
}

TEST_F(IntakeLiveTest, OtherRowsThanTheProviderSaysAreNoEnd) {
  serve("application/x-ndjson", {"{\"a\":1}\n"}, "{\"a\":2}\n", 1);
  pull();
  EXPECT_TRUE(sink_.is_cut);
  EXPECT_EQ(received().decision().code(), "provider.mismatch");
}

}  // namespace
}  // namespace sluis::test
