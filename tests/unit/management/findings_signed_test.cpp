#include "connector/management/findings_signed.hpp"

#include "connector/identity/membership.hpp"
#include "connector/management/findings.hpp"
#include "connector/provenance/entry.hpp"
#include "connector/provenance/export.hpp"
#include "connector/provenance/receipt.hpp"
#include "connector/provenance/verify.hpp"
#include "connector/node/cli/signed_findings.hpp"
#include "sluis/v1/evidence.pb.h"
#include "tests/unit/management/world.hpp"

namespace sluis::management::test {
namespace {

using provenance::EntryKind;
using std::chrono::days;

const std::string kRoutes = "https://waterrijk.example/activities/routes";

/// A node whose application named an activity that its register has not, and a DPO with a key.
struct Overseen : World {
  Overseen() {
    signing_keys.emplace("Fatima", crypto::Key::generate(crypto::Key::Kind::ed25519));
    signing_keys.emplace("Bo", crypto::Key::generate(crypto::Key::Kind::ed25519));
    v1::Shared shared;
    shared.set_time_us(clock.now().time_since_epoch().count());
    v1::Internal internal;
    internal.set_activity(kRoutes);
    internal.set_application("app");
    Commit one;
    one.entries.push_back({static_cast<std::uint8_t>(EntryKind::intent), {}, shared.SerializeAsString(), internal.SerializeAsString()});
    EXPECT_TRUE(commits.commit_and_wait(std::move(one)));
  }

  provenance::VerifierKey key() const { return *provenance::VerifierKey::parse(sequencer.verifier_key()); }

  /// What she saw, judged.
  identity::Statement seen() {
    const auto checkpoint = provenance::open_checkpoint(sequencer.checkpoint(), key());
    EXPECT_TRUE(checkpoint);
    identity::Statement statement;
    statement.node = backend.self;
    statement.origin = checkpoint->origin;
    statement.size = checkpoint->size;
    statement.root = checkpoint->root;
    statement.from = statement.until = statement.made = clock.now();
    identity::JudgedFinding finding;
    finding.code = "activity.unregistered";
    finding.activity = kRoutes;
    finding.entries = {0};
    finding.judgement = identity::Judgement::to_mend;
    finding.why = "Register it";
    finding.by = identity::parse_day("2026-11-30").value();
    statement.findings = {finding};
    return statement;
  }
  std::string signed_by(const std::string& person, const identity::Statement& statement) {
    const auto token = identity::sign_statement(statement, signing_keys.at(person));
    EXPECT_TRUE(token);
    return token ? *token : std::string();
  }
  http::Response send(const std::string& token, const std::string& who = "dpo:Fatima", bool dry_run = false) {
    return post("/sluis.v1.AuditService/Sign", json::serialise(json::object({{"statement", token}, {"dryRun", dry_run}})), who);
  }
  std::uint64_t size() { return *log.entries(); }
};

TEST(SignedFindings, AreAnEntryThatIsProvenToHer) {
  Overseen w;
  const std::string token = w.signed_by("Fatima", w.seen());
  EXPECT_EQ(w.send(token, "dpo:Fatima", true).status, 200U);
  EXPECT_EQ(w.size(), 1U) << "a dry run records nothing";
  const auto sent = w.send(token);
  ASSERT_EQ(sent.status, 200U) << sent.body;
  const auto answer = json::parse(sent.body);
  const auto receipt = provenance::Receipt::from_json(*answer->find("receipt")->if_string());
  ASSERT_TRUE(receipt) << describe(receipt.error());
  ASSERT_TRUE(provenance::verify_receipt(*receipt, w.key()));
  EXPECT_EQ(receipt->leaf.kind, static_cast<std::uint8_t>(EntryKind::findings_signed));
  EXPECT_EQ(receipt->leaf.policy_digest, crypto::sha256(token));
  v1::Shared shared;
  ASSERT_TRUE(shared.ParseFromString(receipt->shared));
  EXPECT_EQ(shared.document(), token) << "the proof is of the signed bytes themselves";
  EXPECT_EQ(w.send(token).body, sent.body) << "sent again after a broken connection it is the same entry";
  EXPECT_EQ(w.size(), 2U);
}

TEST(SignedFindings, OnlyADpoWithThisKeyMaySign) {
  Overseen w;
  const std::string token = w.signed_by("Fatima", w.seen());
  for (const char* who : {"steward:Fatima", "privacy_officer:Fatima", "auditor:Fatima", "operator:Fatima", "dpo"}) {
    EXPECT_EQ(w.send(token, who).status, 403U) << who;
  }
  EXPECT_NE(w.send(token, "dpo").body.find("no key stands with `A. Bakker`"), std::string::npos);
  const auto other = w.send(token, "dpo:Bo");
  EXPECT_EQ(other.status, 403U);
  EXPECT_NE(other.body.find("signed with another key"), std::string::npos) << other.body;
  std::string wrong = token;
  wrong[token.rfind('.') + 9] = wrong[token.rfind('.') + 9] == 'A' ? 'B' : 'A';
  EXPECT_NE(w.send(wrong).body.find("signature is wrong"), std::string::npos);
  EXPECT_EQ(w.send("a.b.c").status, 400U);
  EXPECT_EQ(w.size(), 1U);
}

TEST(SignedFindings, RestOnThisLogAsItIs) {
  Overseen w;
  const auto refused = [&](auto change, unsigned status) {
    identity::Statement statement = w.seen();
    change(statement);
    const auto response = w.send(w.signed_by("Fatima", statement));
    EXPECT_EQ(response.status, status) << response.body;
    return response.body;
  };
  EXPECT_NE(refused([](auto& one) { one.root[0] ^= 1U; }, 409).find("another root"), std::string::npos);
  EXPECT_NE(refused([](auto& one) { one.size = 9; }, 409).find("which has 1"), std::string::npos);
  EXPECT_NE(refused([](auto& one) { one.origin = "duinmeer.example/log"; }, 409).find("`waterrijk.example/log` from entry 0 on"), std::string::npos);
  EXPECT_NE(refused([](auto& one) { one.first = 4; }, 409).find("from entry 4 on"), std::string::npos);
  EXPECT_NE(refused([](auto& one) { one.node = ParticipantId("did:web:duinmeer.example"); }, 400).find("is about node"), std::string::npos);
  EXPECT_EQ(w.size(), 1U);
}

TEST(SignedFindings, StandWithWhatIsFoundUntilItIsMended) {
  Overseen w;
  const auto found = [&] {
    const auto all = find_misfits(w.backend, {});
    EXPECT_TRUE(all);
    EXPECT_EQ(all->findings_size(), 1);
    return all->findings(0);
  };
  EXPECT_FALSE(found().has_judged());
  ASSERT_EQ(w.send(w.signed_by("Fatima", w.seen())).status, 200U);
  EXPECT_EQ(found().judged().judgement(), "to mend");
  EXPECT_EQ(found().judged().by(), "2026-11-30");
  EXPECT_EQ(found().judged().person(), "Fatima");
  EXPECT_EQ(found().judged().entry(), 1U);
  EXPECT_FALSE(found().judged().overdue());
  w.clock.advance(days(5));
  EXPECT_TRUE(found().judged().overdue()) << "2026-12-01: that day is over";
  identity::Statement later = w.seen();
  later.findings[0].judgement = identity::Judgement::accepted;
  later.findings[0].by.reset();
  ASSERT_EQ(w.send(w.signed_by("Bo", later), "dpo:Bo").status, 200U);
  EXPECT_EQ(found().judged().judgement(), "accepted") << "the newest counts";
  EXPECT_EQ(found().judged().person(), "Bo");
  EXPECT_FALSE(found().judged().overdue());
  v1::AuditFindingsRequest then;
  then.mutable_until()->set_seconds(std::chrono::duration_cast<std::chrono::seconds>((w.clock.now() - days(1)).time_since_epoch()).count());
  EXPECT_EQ(find_misfits(w.backend, then)->findings(0).judged().person(), "Fatima") << "as it was then";
}

TEST(SignedFindings, AreHeldAgainstHerKeyInAnExportedLog) {
  Overseen w;
  ASSERT_EQ(w.send(w.signed_by("Fatima", w.seen())).status, 200U);
  ASSERT_EQ(w.send(w.signed_by("Bo", w.seen()), "dpo:Bo").status, 200U);
  // What a node could write by itself: under her key's name, and on a log that never was.
  const auto write = [&](const std::string& token) {
    v1::Shared shared;
    shared.set_document(token);
    Commit one;
    one.entries.push_back({static_cast<std::uint8_t>(EntryKind::findings_signed), crypto::sha256(token), shared.SerializeAsString(), ""});
    EXPECT_TRUE(w.commits.commit_and_wait(std::move(one)));
  };
  const auto verify = [&](const std::string& name, std::vector<crypto::Key> keys) {
    const auto folder = w.folder.path() / name;
    EXPECT_TRUE(provenance::export_log(w.log, w.sequencer.checkpoint(), w.key(), folder, true));
    auto findings = std::make_unique<cli::SignedFindings>(std::move(keys));
    auto report = provenance::verify_export(folder, w.key(), w.sequencer.checkpoint(), std::nullopt, findings->checks());
    return std::pair(std::move(report), std::move(findings));
  };
  const auto& fatima = w.signing_keys.at("Fatima");
  {
    const auto [report, findings] = verify("good", {fatima});
    EXPECT_EQ(report.exit_code(), 0);
    EXPECT_EQ(findings->statements, 2U);
    EXPECT_EQ(findings->held, 1U);
    EXPECT_TRUE(findings->missed()) << "one is Bo's";
    EXPECT_FALSE(verify("both", {fatima, w.signing_keys.at("Bo")}).second->missed());
    EXPECT_FALSE(verify("none", {}).second->missed()) << "nothing was asked";
  }
  {  // Held back: the leaf says that there was one.
    const auto payload = w.memory.get(provenance::payload_key(1));
    ASSERT_TRUE(payload && *payload);
    ASSERT_TRUE(w.memory.write({{provenance::payload_key(1), std::nullopt}}, true));
    const auto [report, findings] = verify("held back", {fatima, w.signing_keys.at("Bo")});
    EXPECT_EQ(findings->absent, 1U);
    EXPECT_TRUE(findings->missed());
    EXPECT_NE(findings->told({}).find("1 signed statements are NOT there"), std::string::npos);
    ASSERT_TRUE(w.memory.write({{provenance::payload_key(1), **payload}}, true));
    EXPECT_TRUE(provenance::export_log(w.log, w.sequencer.checkpoint(), w.key(), w.folder.path() / "bare", false));
    cli::SignedFindings bare({fatima});
    EXPECT_EQ(provenance::verify_export(w.folder.path() / "bare", w.key(), w.sequencer.checkpoint(), std::nullopt, bare.checks()).exit_code(), 0);
    EXPECT_TRUE(bare.missed()) << "without what entries say there is nothing to hold against her key";
  }
  write(identity::make_jws({"EdDSA", "sluis-findings+jws", crypto::Key::Kind::ed25519}, identity::key_id(fatima), *json::canonical(identity::to_json(w.seen())),
                           w.signing_keys.at("Bo")));
  {
    const auto [report, findings] = verify("forged", {fatima});
    ASSERT_EQ(report.damage.size(), 1U);
    EXPECT_EQ(report.damage[0].file, "payloads/000");
    EXPECT_EQ(report.damage[0].first, 3U);
    EXPECT_NE(report.damage[0].what.find("signature is wrong"), std::string::npos) << report.damage[0].what;
    EXPECT_EQ(report.exit_code(), 1);
  }
  identity::Statement other = w.seen();
  other.root[0] ^= 1U;
  write(w.signed_by("Fatima", other));
  const auto [report, findings] = verify("rewritten", {});
  ASSERT_EQ(report.damage.size(), 1U) << "without her key the signature cannot be told, the root can";
  EXPECT_EQ(report.damage[0].first, 4U);
  EXPECT_NE(report.damage[0].what.find("another root"), std::string::npos);
}

}  // namespace
}  // namespace sluis::management::test
