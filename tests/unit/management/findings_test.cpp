#include "connector/management/findings.hpp"

#include "connector/management/activities.hpp"
#include "connector/management/findings_sentences.hpp"
#include "connector/management/retention_record.hpp"
#include "connector/provenance/entry.hpp"
#include "sluis/v1/evidence.pb.h"
#include "tests/unit/identity/support.hpp"
#include "tests/unit/management/world.hpp"

#include <set>

namespace sluis::management::test {
namespace {

using provenance::EntryKind;
using std::chrono::days;

const std::string kCounts = "urn:waterrijk:dataset:counts";
const std::string kParking = "urn:stroomplein:dataset:parking";
const std::string kCrowds = "https://waterrijk.example/activities/crowds";
const std::string kRoutes = "https://waterrijk.example/activities/routes";
const std::string kCrowdManagement = "urn:f:CrowdManagement";
const std::string kMarketing = "https://w3id.org/dpv#Marketing";

/// Waterrijk, which gives counts to Duinmeer and gets parking data of Stroomplein.
struct Compared : World {
  Compared() {
    identity::MembershipList list = federation.list;
    list.issued = clock.now();
    list.valid_until = clock.now() + days(4000);
    list.refresh_after = list.valid_until - days(1);
    list.parties.resize(1);
    EXPECT_TRUE(members.load(federation.envelope(list, {federation.keeper}), clock.now()));
    with.vocabulary = backend.vocabulary;
  }

  void publish(const std::string& toml) {
    answer("/sluis.v1.DatasetService/Publish", json::serialise(json::object({{"toml", toml}, {"file", "counts.toml"}})));
  }
  void commit(const std::string& key, const std::string& value) {
    Commit one;
    one.changes = {{key, value}};
    EXPECT_TRUE(commits.commit_and_wait(std::move(one)));
  }

  void agree(const std::string& id, negotiation::Role role, const std::vector<std::string>& purposes,
             const std::string& delete_after = "") {
    const bool ours = role == negotiation::Role::provider;
    negotiation::AgreementRecord record;
    record.id = AgreementId(id);
    record.role = role;
    record.peer = ParticipantId(ours ? duinmeer : "did:web:stroomplein");
    record.peer_url = "https://peer.example";
    record.dataset = DatasetId(ours ? kCounts : kParking);
    record.negotiation = ProcessId("urn:n:" + id);
    record.timestamp = clock.now();
    json::Array named;
    for (const auto& purpose : purposes) named.emplace_back(purpose);
    const auto policy = json::parse(R"({"@type":"Agreement","permission":[{"action":"use","constraint":[{"leftOperand":"purpose",)"
                                   R"("operator":"isAnyOf","rightOperand":)" + json::serialise(json::Value(std::move(named))) + "}]}]}");
    EXPECT_TRUE(policy);
    record.agreement = *policy;
    if (!delete_after.empty()) {
      const auto duty = json::parse(R"([{"action":"delete","constraint":[{"leftOperand":"delayPeriod","operator":"lteq","rightOperand":")" +
                                    delete_after + "\"}]}]");
      EXPECT_TRUE(duty);
      record.agreement.set("obligation", *duty);
    }
    record.agreement.set("@id", id);
    record.agreement.set("target", record.dataset.str());
    record.agreement.set("assigner", ours ? "did:web:waterrijk" : record.peer.str());
    record.agreement.set("assignee", ours ? record.peer.str() : "did:web:waterrijk");
    record.agreement.set("timestamp", format_time(record.timestamp));
    commit(negotiation::agreement_key(record.id), negotiation::encode(record));
  }
  void end(const std::string& id) {
    auto record = negotiations.agreement(AgreementId(id));
    ASSERT_TRUE(record);
    record->ended = negotiation::AgreementEnd{record->peer, clock.now(), {}};
    commit(negotiation::agreement_key(record->id), negotiation::encode(*record));
  }

  void enrol(const std::string& activity, std::optional<Timestamp> until = {}, const std::string& parent = "") {
    ActivityVersion version;
    version.id = activity;
    version.parent = parent;
    version.purpose = kCrowdManagement;
    version.from = version.recorded = clock.now();
    version.until = until;
    commit(activity_key(activity), encode(std::span<const ActivityVersion>(&version, 1)));
  }

  /// Its index.
  std::uint64_t enter(EntryKind kind, v1::Shared shared, const v1::Internal& internal = {}) {
    shared.set_time_us(clock.now().time_since_epoch().count());
    Commit one;
    one.entries.push_back({static_cast<std::uint8_t>(kind), {}, shared.SerializeAsString(), internal.SerializeAsString()});
    const auto done = commits.commit_and_wait(std::move(one));
    EXPECT_TRUE(done);
    return done ? done->first_entry : 0;
  }
  /// What a provider's node records of a request.
  std::uint64_t asked(const std::string& agreement, const std::string& purpose, bool permit = true) {
    v1::Shared shared = under(agreement);
    shared.set_event(permit ? "permitted" : "refused");
    shared.set_purpose(purpose);
    shared.mutable_decision()->set_permit(permit);
    v1::Internal internal;
    internal.set_activity("https://duinmeer.example/activities/crowds");
    return enter(EntryKind::decision, shared, internal);
  }
  /// What a consumer's node records before it asks.
  std::uint64_t intend(const std::string& agreement, const std::string& purpose, const std::string& activity) {
    v1::Shared shared = under(agreement);
    shared.set_event("intended");
    shared.set_purpose(purpose);
    v1::Internal internal;
    internal.set_activity(activity);
    internal.set_application("app");
    return enter(EntryKind::intent, shared, internal);
  }
  std::uint64_t ended(EntryKind kind, const std::string& agreement, const std::string& how, const std::string& under_activity = "") {
    v1::Shared shared = under(agreement);
    shared.set_event(how);
    shared.set_end(how);
    shared.set_bytes(how == "unknown" ? 0 : 100);
    v1::Internal internal;
    internal.set_processed_under(under_activity);
    return enter(kind, shared, internal);
  }
  v1::Shared under(const std::string& agreement) const {
    v1::Shared shared;
    shared.set_agreement(agreement);
    if (const auto record = negotiations.agreement(AgreementId(agreement))) {
      shared.set_counterparty(record->peer.str());
      shared.set_dataset(record->dataset.str());
    }
    return shared;
  }

  v1::AuditFindingsResponse compare(const v1::AuditFindingsRequest& request = {}) {
    auto found = find_misfits(with, request);
    EXPECT_TRUE(found) << describe(found.error());
    return found ? *found : v1::AuditFindingsResponse();
  }
  std::vector<v1::AuditFinding> found(const std::string& code, const v1::AuditFindingsRequest& request = {}) {
    std::vector<v1::AuditFinding> out;
    const auto all = compare(request);
    for (const auto& finding : all.findings()) {
      if (finding.code() == code) out.push_back(finding);
    }
    return out;
  }

  const std::string duinmeer = "did:web:duinmeer.example";
  identity::test::Federation federation;
  identity::Directory members{identity::Trust{{federation.keeper}, 1}};
  Backend with{ParticipantId("did:web:waterrijk"), "Waterrijk", "0.1.0", "waterrijk.example/log", catalog::test::kNow, false, clock, store,
               commits, offered, negotiations, transfers, members, log};
};

std::vector<std::uint64_t> entries(const v1::AuditFinding& finding) { return {finding.entries().begin(), finding.entries().end()}; }

TEST(Findings, WhereAllFitsThereAreNone) {
  Compared w;
  EXPECT_EQ(w.compare().found(), 0U) << "an empty log";
  w.publish(catalog::test::agreement_file());
  w.enrol(kCrowds);
  w.agree("urn:a:1", negotiation::Role::provider, {kCrowdManagement});
  w.agree("urn:a:2", negotiation::Role::consumer, {kCrowdManagement});
  w.clock.advance(days(100));
  w.asked("urn:a:1", kCrowdManagement);
  w.ended(EntryKind::stream_end, "urn:a:1", "complete", kCrowds);
  w.intend("urn:a:2", kCrowdManagement, kCrowds);
  w.ended(EntryKind::received, "urn:a:2", "complete");
  EXPECT_EQ(w.compare().found(), 0U) << w.compare().DebugString();
}

TEST(Findings, AnActivityThatThisRegisterDoesNotHaveIsTold) {
  Compared w;
  w.agree("urn:a:1", negotiation::Role::provider, {kCrowdManagement});
  w.agree("urn:a:2", negotiation::Role::consumer, {kCrowdManagement});
  w.enrol(kCrowds, w.clock.now() + days(1));
  w.asked("urn:a:1", kCrowdManagement);  // another's activity, of which this register knows nothing
  w.intend("urn:a:2", kCrowdManagement, kCrowds);
  const auto first = w.intend("urn:a:2", kCrowdManagement, kRoutes);
  const auto second = w.ended(EntryKind::stream_end, "urn:a:1", "complete", kRoutes);
  w.clock.advance(days(2));
  const auto late = w.intend("urn:a:2", kCrowdManagement, kCrowds);
  const auto found = w.found("activity.unregistered");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].activity(), kCrowds);
  EXPECT_EQ(entries(found[0]), std::vector{late});
  EXPECT_NE(found[0].sentence().find("did not hold"), std::string::npos) << found[0].sentence();
  EXPECT_EQ(found[1].activity(), kRoutes);
  EXPECT_EQ(entries(found[1]), (std::vector{first, second}));
  EXPECT_EQ(found[1].times(), 2U);
  EXPECT_EQ(format_time(Timestamp(std::chrono::seconds(found[1].since().seconds()))), "2026-11-26T09:00:00Z");
}

TEST(Findings, WhatIsNotUsedIsToldOnlyAfterNinetyDaysOfLog) {
  Compared w;
  w.enrol(kCrowds);
  w.enrol(kRoutes);
  w.enrol("urn:parent");
  w.enrol("urn:child", {}, "urn:parent");
  w.agree("urn:a:2", negotiation::Role::consumer, {"dpv:PublicBenefit", "dpv:Marketing"});
  w.intend("urn:a:2", kCrowdManagement, kCrowds);
  w.intend("urn:a:2", kCrowdManagement, "urn:child");
  w.clock.advance(days(89));
  EXPECT_EQ(w.compare().found(), 0U) << w.compare().DebugString();
  w.clock.advance(days(2));
  const auto activities = w.found("activity.unused");
  ASSERT_EQ(activities.size(), 1U) << "what a used one is a part of is used";
  EXPECT_EQ(activities[0].activity(), kRoutes);
  EXPECT_EQ(activities[0].times(), 0U);
  const auto purposes = w.found("purpose.unused");
  ASSERT_EQ(purposes.size(), 1U) << "who asked for a narrower purpose used the wider one";
  EXPECT_EQ(purposes[0].purpose(), kMarketing);
  EXPECT_EQ(purposes[0].agreement(), "urn:a:2");
  v1::AuditFindingsRequest lately;
  lately.mutable_from()->set_seconds(std::chrono::floor<std::chrono::seconds>(w.clock.now() - days(30)).time_since_epoch().count());
  EXPECT_EQ(w.compare(lately).found(), 0U) << "a month is too short for that";
}

TEST(Findings, AnAgreementThatIsSilentIsToldWhileItRuns) {
  Compared w;
  w.agree("urn:a:2", negotiation::Role::consumer, {kCrowdManagement});
  const auto last = w.intend("urn:a:2", kCrowdManagement, "");
  w.clock.advance(days(179));
  EXPECT_TRUE(w.found("agreement.silent").empty());
  w.clock.advance(days(1));
  const auto found = w.found("agreement.silent");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(entries(found[0]), std::vector{last});
  EXPECT_EQ(found[0].party(), "did:web:stroomplein");
  w.end("urn:a:2");
  EXPECT_TRUE(w.found("agreement.silent").empty());
}

TEST(Findings, UseThatTheNewestTermsDoNotAllowIsTold) {
  Compared w;
  w.publish(catalog::test::agreement_file());
  w.agree("urn:a:1", negotiation::Role::provider, {kCrowdManagement, "dpv:Marketing"});
  const auto wider = w.asked("urn:a:1", kMarketing);
  const auto before = w.asked("urn:a:1", kCrowdManagement);
  auto found = w.found("dataset.wider");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(entries(found[0]), std::vector{wider});
  EXPECT_EQ(found[0].purpose(), kMarketing);
  EXPECT_NE(found[0].sentence().find("do not allow that purpose"), std::string::npos) << found[0].sentence();
  w.clock.advance(days(1));
  w.publish(catalog::test::with(catalog::test::agreement_file(), R"(["municipality", "company"])", R"(["company"])"));
  EXPECT_TRUE(w.found("dataset.wider").empty()) << "what was permitted before the newest terms is not held against them";
  w.asked("urn:a:1", kCrowdManagement, false);
  const auto after = w.asked("urn:a:1", kCrowdManagement);
  found = w.found("dataset.wider");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(entries(found[0]), std::vector{after});
  EXPECT_NE(after, before);
  EXPECT_NE(found[0].sentence().find("Duinmeer"), std::string::npos) << found[0].sentence();
  EXPECT_NE(found[0].sentence().find("not for such a party"), std::string::npos) << found[0].sentence();
  w.end("urn:a:1");
  EXPECT_TRUE(w.found("dataset.wider").empty());
}

TEST(Findings, DeletionsThatAreDueOrWereLateAreTold) {
  Compared w;
  w.agree("urn:a:2", negotiation::Role::consumer, {kCrowdManagement});
  const auto got = w.ended(EntryKind::received, "urn:a:2", "complete");
  RetentionRecord record{AgreementId("urn:a:2"), DatasetId(kParking), ParticipantId("did:web:stroomplein"), w.clock.now(),
                         w.clock.now() + days(7), {}};
  w.commit(retention_key(record.agreement), encode(record));
  EXPECT_TRUE(w.found("retention.overdue").empty());
  w.clock.advance(days(8));
  const auto overdue = w.found("retention.overdue");
  ASSERT_EQ(overdue.size(), 1U);
  EXPECT_EQ(entries(overdue[0]), std::vector{got});
  w.answer("/sluis.v1.RetentionService/Confirm", R"({"agreement":"urn:a:2"})");
  EXPECT_TRUE(w.found("retention.overdue").empty());
  const auto late = w.found("retention.late");
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(late[0].agreement(), "urn:a:2");
  EXPECT_EQ(late[0].entries_size(), 1);
}

TEST(Findings, AReceiptOfADeletionIsMissedAWeekAfterItWasDue) {
  Compared w;
  w.agree("urn:a:1", negotiation::Role::provider, {kCrowdManagement}, "P7D");
  const auto released = w.ended(EntryKind::stream_end, "urn:a:1", "complete");
  w.clock.advance(days(13));
  EXPECT_TRUE(w.found("receipt.missing").empty());
  w.clock.advance(days(2));
  const auto found = w.found("receipt.missing");
  ASSERT_EQ(found.size(), 1U) << w.compare().DebugString();
  EXPECT_EQ(entries(found[0]), std::vector{released});
  v1::Shared receipt = w.under("urn:a:1");
  receipt.set_event("retention-confirmed");
  receipt.set_counterparty("did:web:parkwijs");
  w.enter(EntryKind::receipt, receipt);
  EXPECT_EQ(w.found("receipt.missing").size(), 1U) << "another's receipt proves nothing";
  receipt.set_counterparty(w.duinmeer);
  w.enter(EntryKind::receipt, receipt);
  EXPECT_TRUE(w.found("receipt.missing").empty());
}

TEST(Findings, AnAssessmentIsToldThirtyDaysBeforeItEnds) {
  Compared w;
  w.publish(catalog::test::agreement_file());  // assessed until 2027-11-01
  w.clock.set(*parse_time("2027-10-01T00:00:00Z"));
  EXPECT_TRUE(w.found("assessment.ends").empty());
  w.clock.set(*parse_time("2027-10-02T00:00:00Z"));
  ASSERT_EQ(w.found("assessment.ends").size(), 1U);
  EXPECT_EQ(entries(w.found("assessment.ends")[0]), std::vector<std::uint64_t>{0});
  w.clock.set(*parse_time("2027-11-01T00:00:00Z"));
  EXPECT_TRUE(w.found("assessment.ends").empty());
  const auto over = w.found("assessment.over");
  ASSERT_EQ(over.size(), 1U);
  EXPECT_EQ(over[0].dataset(), kCounts);
  v1::AuditFindingsRequest earlier;
  earlier.mutable_until()->set_seconds(parse_time("2027-09-01T00:00:00Z")->time_since_epoch().count() / 1'000'000);
  EXPECT_TRUE(w.found("assessment.over", earlier).empty()) << "as it was then";
}

TEST(Findings, APartyThatIsMostlyRefusedIsTold) {
  Compared w;
  w.agree("urn:a:1", negotiation::Role::provider, {kCrowdManagement});
  for (int i = 0; i < 19; ++i) w.asked("urn:a:1", kMarketing, false);
  EXPECT_TRUE(w.found("refusals.many").empty());
  w.asked("urn:a:1", kMarketing, false);
  for (int i = 0; i < 19; ++i) w.asked("urn:a:1", kCrowdManagement);
  auto found = w.found("refusals.many");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].times(), 20U);
  EXPECT_EQ(found[0].entries_size(), 20);
  w.asked("urn:a:1", kCrowdManagement);
  EXPECT_TRUE(w.found("refusals.many").empty());
  v1::Shared counted;
  counted.set_event("refused");
  counted.set_count(7);
  w.enter(EntryKind::refused_count, counted);  // of nobody in particular
  EXPECT_TRUE(w.found("refusals.many").empty());
  counted.set_counterparty(w.duinmeer);
  w.enter(EntryKind::refused_count, counted);
  found = w.found("refusals.many");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].times(), 27U);
  EXPECT_EQ(found[0].entries_size(), 20) << "the first twenty";
  EXPECT_NE(found[0].sentence().find("7 refusals were only counted"), std::string::npos) << found[0].sentence();
}

TEST(Findings, EndsThatACrashTookAreToldByDay) {
  Compared w;
  w.agree("urn:a:1", negotiation::Role::provider, {kCrowdManagement});
  w.agree("urn:a:2", negotiation::Role::consumer, {kCrowdManagement});
  const auto first = w.ended(EntryKind::stream_end, "urn:a:1", "unknown");
  const auto second = w.ended(EntryKind::stream_end, "urn:a:1", "unknown");
  w.ended(EntryKind::received, "urn:a:2", "unknown");
  w.clock.advance(days(1));
  w.ended(EntryKind::stream_end, "urn:a:1", "unknown");
  const auto found = w.found("end.unknown");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(entries(found[0]), (std::vector{first, second}));
  EXPECT_NE(found[0].sentence().find("On 26 November 2026 "), std::string::npos) << found[0].sentence();
  EXPECT_NE(found[1].sentence().find("data came in"), std::string::npos) << found[1].sentence();
}

TEST(Findings, EntriesThatAreKeptForTooLongAreTold) {
  Compared node;
  node.agree("agreement-1", negotiation::Role::provider, {kCrowdManagement});
  const std::uint64_t first = node.asked("agreement-1", kCrowdManagement);
  node.clock.advance(days(30));
  node.asked("agreement-1", kCrowdManagement);
  const auto of_log = [&] {
    std::vector<v1::AuditFinding> all;
    const auto found = find_misfits(node.backend, {});
    EXPECT_TRUE(found);
    for (const auto& one : found->findings()) {
      if (one.code() == "log.old") all.push_back(one);
    }
    return all;
  };
  EXPECT_TRUE(of_log().empty()) << "it is not said for how long";
  node.backend.keeps_log = days(30);
  EXPECT_TRUE(of_log().empty());
  node.clock.advance(std::chrono::seconds(1));
  const auto old = of_log();
  ASSERT_EQ(old.size(), 1U);
  EXPECT_EQ(old[0].times(), 1U);
  ASSERT_EQ(old[0].entries_size(), 1);
  EXPECT_EQ(old[0].entries(0), first);
  EXPECT_NE(old[0].sentence().find("the 30 days"), std::string::npos) << old[0].sentence();
}

TEST(Findings, OverConnectInDutchAndWithWhatTheLogCovers) {
  Compared w;
  w.agree("urn:a:2", negotiation::Role::consumer, {kCrowdManagement});
  w.intend("urn:a:2", kCrowdManagement, kRoutes);
  const auto answer = w.answer("/sluis.v1.AuditService/Findings", R"({"lang":"nl"})", "dpo");
  EXPECT_NE(json::serialise(answer).find("staat niet in ons register"), std::string::npos) << json::serialise(answer);
  EXPECT_NE(answer.find("from"), nullptr);
  EXPECT_EQ(w.post("/sluis.v1.AuditService/Findings", R"({"lang":"de"})", "dpo").status, 400U);
  const std::string wrong_way = R"({"from":"2026-02-01T00:00:00Z","until":"2026-01-01T00:00:00Z"})";
  EXPECT_EQ(w.post("/sluis.v1.AuditService/Findings", wrong_way, "dpo").status, 400U);
  EXPECT_EQ(w.post("/sluis.v1.AuditService/Findings", "{}", "operator").status, 403U);
}

TEST(Findings, SayTheSameInBothLanguages) {
  const auto placeholders = [](std::string_view text) {
    std::set<std::string> found;
    for (auto at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
      found.insert(std::string(text.substr(at, text.find('}', at) - at)));
    }
    return found;
  };
  std::set<std::string_view> codes;
  for (const auto& row : finding_sentences()) {
    EXPECT_TRUE(codes.insert(row.code).second) << row.code;
    EXPECT_FALSE(row.text.english.empty()) << row.code;
    EXPECT_EQ(placeholders(row.text.english), placeholders(row.text.dutch)) << row.code;
  }
}

}  // namespace
}  // namespace sluis::management::test
