#include "connector/declaration/register.hpp"
#include "connector/gate/reason.hpp"
#include "connector/management/activities.hpp"
#include "connector/management/known_names.hpp"
#include "connector/negotiation/agreement.hpp"
#include "connector/provenance/entry.hpp"
#include "connector/storage/hold.hpp"
#include "sluis/v1/evidence.pb.h"
#include "tests/unit/identity/support.hpp"
#include "tests/unit/management/world.hpp"

#include <set>

namespace sluis::management::test {
namespace {

const std::string kTerms = "/sluis.v1.TermsService/";
const std::string kDataset = "urn:waterrijk:dataset:counts";

std::string as_json(const std::string& text) { return json::serialise(json::Value(text)); }

std::string offer_for(const std::string& purpose, const std::string& more = "") {
  return R"({"@id":"urn:w:offer:)" + to_hex(crypto::sha256(purpose + more)).substr(0, 8) +
         R"(","@type":"Offer","permission":[{"action":"use","constraint":[)"
         R"({"leftOperand":"purpose","operator":"isA","rightOperand":")" + purpose + "\"}" + more + "]}]}";
}

/// A world with a published dataset, an agreement about it, and requests on record.
struct TermsWorld : World {
  TermsWorld() {
    backend.read_beside = [this](const std::string&) -> Result<std::string> { return offer; };
    answer("/sluis.v1.DatasetService/Publish", "{\"toml\":" + as_json(file()) + ",\"file\":\"counts.toml\"}");
    negotiation::AgreementRecord record;
    record.id = AgreementId("urn:a:1");
    record.role = negotiation::Role::provider;
    record.peer = ParticipantId("did:web:duinmeer");
    record.dataset = DatasetId(kDataset);
    record.peer_url = "https://duinmeer.example";
    record.negotiation = ProcessId("urn:n:1");
    record.timestamp = clock.now();
    const auto published = offered.show(record.dataset);
    EXPECT_TRUE(published);
    record.offer_hash = published->dataset.offer_hash;
    record.vocabulary_hash = crypto::sha256(catalog::test::vocabulary()->canonical_text());
    record.agreement = published->dataset.offer;
    for (const auto& [key, value] : {std::pair{"@id", "urn:a:1"}, {"@type", "Agreement"},
                                     {"target", "urn:waterrijk:dataset:counts"}, {"assigner", "did:web:waterrijk"},
                                     {"assignee", "did:web:duinmeer"}, {"timestamp", "2026-11-26T09:00:00Z"}}) {
      record.agreement.set(key, value);
    }
    Commit commit;
    commit.changes = {{negotiation::agreement_key(record.id), negotiation::encode(record)}};
    EXPECT_TRUE(commits.commit_and_wait(std::move(commit)));
  }

  static std::string file() {
    std::string text = catalog::test::agreement_file();
    return "offer = \"offer.json\"\n" + text.substr(0, text.find("[terms]")) +
           "[terms]\n[terms.decided_by]\nbody = \"Council of Waterrijk\"\nkind = \"elected\"\n"
           "reference = \"2026-114\"\n";
  }

  void record(const std::string& transaction, const std::string& purpose, bool permit, const std::string& code,
              const std::string& application = "", const v1::KnownThen* known = nullptr, const std::string& rests_on = "",
              const std::string& failed = "/permission/0/constraint/0") {
    v1::Shared shared;
    shared.set_time_us(clock.now().time_since_epoch().count());
    shared.set_event(permit ? "permitted" : "refused");
    shared.set_counterparty("did:web:duinmeer");
    shared.set_dataset(kDataset);
    shared.set_agreement("urn:a:1");
    shared.set_transaction(transaction);
    shared.set_purpose(purpose);
    auto* decision = shared.mutable_decision();
    decision->set_permit(permit);
    decision->set_code(code);
    (*decision->mutable_parameters())["rule"] = "/permission/0";
    if (!permit) (*decision->mutable_parameters())["constraint"] = failed;
    v1::Internal internal;
    internal.set_application(application);
    if (known != nullptr) *internal.mutable_known() = *known;
    if (!rests_on.empty()) shared.add_rests_on()->set_id(rests_on);
    Commit commit;
    commit.entries.push_back({static_cast<std::uint8_t>(provenance::EntryKind::decision), {},
                              shared.SerializeAsString(), internal.SerializeAsString()});
    EXPECT_TRUE(commits.commit_and_wait(std::move(commit)));
  }

  std::string offer = offer_for("urn:f:CrowdManagement");
};

std::string text_of(const json::Value& answer, std::string_view member) {
  const auto* found = answer.find(member);
  return found == nullptr || found->if_string() == nullptr ? "" : *found->if_string();
}
std::vector<std::string> told(const json::Value& answer) {
  std::vector<std::string> out;
  const auto* list = answer.find("told");
  if (list == nullptr) return out;
  for (const auto& one : *list->if_array()) out.push_back(*one.if_string());
  return out;
}

TEST(Terms, CheckSaysWhoKeepsEachPartAndWhatIsRefused) {
  World world;
  const std::string offer = offer_for("urn:f:CrowdManagement",
                                      R"(,{"leftOperand":"spatial","operator":"eq","rightOperand":"urn:nl"})");
  const auto answer =
      world.answer(kTerms + "Check", "{\"text\":" + as_json(offer) + R"(,"file":"offer.json","lang":"nl"})");
  ASSERT_NE(answer.find("refused"), nullptr);
  EXPECT_TRUE(*answer.find("refused")->if_bool());
  const auto& parts = *answer.find("parts")->if_array();
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(text_of(parts[0], "keeper"), "enforced");
  EXPECT_EQ(text_of(parts[1], "keeper"), "enforced");
  EXPECT_EQ(text_of(parts[2], "keeper"), "refused");
  EXPECT_EQ(text_of(parts[2], "part"), "Het gebied is `urn:nl`.");
  EXPECT_EQ(text_of(parts[2], "why"), "Deze node kan `spatial` niet weten. De regel zou dus nooit gelden.");
  const auto good = world.answer(kTerms + "Check", "{\"text\":" + as_json(catalog::test::agreement_file()) +
                                                       R"(,"file":"counts.toml"})");
  EXPECT_EQ(good.find("refused"), nullptr);
  EXPECT_EQ(text_of(good.find("parts")->if_array()->back(), "part"),
            "Every request names a registered processing activity.");
  EXPECT_EQ(world.post(kTerms + "Check", R"({"text":"{}","lang":"de"})").status, 400U);
}

TEST(Terms, ExplainTellsARuleInBothLanguagesAndWhoDecided) {
  TermsWorld world;
  for (const auto& [lang, first] : {std::pair{"en", "The receiver may use the data, if this is so:"},
                                    {"nl", "De ontvanger mag de gegevens gebruiken, als dit klopt:"}}) {
    const auto answer = world.answer(kTerms + "Explain", "{\"dataset\":" + as_json(kDataset) + ",\"lang\":\"" + lang +
                                                             "\"}", "panel_member");
    EXPECT_EQ(text_of(answer.find("lines")->if_array()->front(), "text"), first);
    EXPECT_EQ(text_of(*answer.find("decidedBy"), "body"), "Council of Waterrijk");
    EXPECT_EQ(text_of(*answer.find("decidedBy"), "kind"), "elected");
  }
}

TEST(Terms, TestTakesAFileAndSaysThatItIsASimulation) {
  TermsWorld world;
  const auto answer =
      world.answer(kTerms + "Test", "{\"text\":" + as_json(world.offer) +
                                        R"(,"file":"offer.json","purpose":"dpv:Marketing","lang":"en"})");
  EXPECT_TRUE(*answer.find("simulation")->if_bool());
  const auto lines = told(answer);
  ASSERT_GE(lines.size(), 5U);
  EXPECT_EQ(lines[0], "This is a simulation: nothing was asked, released or recorded.");
  EXPECT_EQ(lines[1], "On 26 November 2026, 9:00 (UTC), somebody asked for these data, for the purpose \"Marketing\".");
  EXPECT_EQ(lines[2], "It was refused.");
  EXPECT_EQ(lines[4], "Needed was: The purpose is \"Crowd management\", or a purpose below it.");
  EXPECT_NE(text_of(answer, "report").find("report:PermissionReport"), std::string::npos);
  EXPECT_EQ(world.log.head()->frontier.size(), 1U);  // the publication alone
}

TEST(Terms, ATestAsksWhatTheGateAsks) {
  World world;
  const auto code = [&](const std::string& text, const std::string& file, const std::string& more) {
    const auto answer = world.answer(kTerms + "Test", "{\"text\":" + as_json(text) + ",\"file\":\"" + file + "\"" + more + "}");
    return text_of(*answer.find("decision"), "code");
  };
  const std::string dataset = catalog::test::agreement_file(), crowd = R"(,"classOfRecipient":"company","purpose":"urn:f:CrowdManagement")";
  EXPECT_EQ(code(dataset, "counts.toml", crowd), "activity.missing");
  EXPECT_EQ(code(dataset, "counts.toml", crowd + R"(,"activity":"no URI")"), "activity.malformed");
  EXPECT_EQ(code(dataset, "counts.toml", crowd + R"(,"activity":"urn:a:1")"), "permitted");
  EXPECT_EQ(code(dataset, "counts.toml", crowd + R"(,"activity":"urn:a:1","at":"2027-11-02T00:00:00Z")"), "dataset.suspended");
  const std::string counted = offer_for("urn:f:CrowdManagement", R"(,{"leftOperand":"count","operator":"lteq","rightOperand":"3"})");
  EXPECT_EQ(code(counted, "offer.json", crowd), "permitted") << "the first use, where none is given";
  EXPECT_EQ(code(counted, "offer.json", crowd + R"(,"uses":"2")"), "permitted");
  EXPECT_EQ(code(counted, "offer.json", crowd + R"(,"uses":"3")"), "count");
  const std::string bound = offer_for("urn:f:CrowdManagement", R"(,{"leftOperand":"sluis:processingActivity","operator":"eq","rightOperand":"urn:a:1"})");
  EXPECT_EQ(code(bound, "offer.json", crowd + R"(,"activity":"urn:a:1")"), "permitted");
  EXPECT_EQ(code(bound, "offer.json", crowd + R"(,"activity":"urn:a:2")"), "value");
  EXPECT_EQ(code(R"({"@id":"urn:o:1","@type":"Offer","permission":[{"action":"use"}]})", "offer.json", ""), "claim.missing") << "nothing without a purpose";
}

TEST(Terms, WhatCanNeverPermitAnythingIsToldAndNotPublished) {
  World world;
  const std::string void_offer = R"({"@id":"urn:o:1","@type":"Offer","permission":[{"action":"use","constraint":[{"leftOperand":"purpose","operator":"isA","rightOperand":"dpv:PublicBenefit"}]}],)"
                                 R"("prohibition":[{"action":"use","constraint":[{"leftOperand":"purpose","operator":"isA","rightOperand":"dpv:PublicBenefit"}]}]})";
  const auto check = [&](const std::string& text, const std::string& lang) {
    return world.answer(kTerms + "Check", "{\"text\":" + as_json(text) + R"(,"file":"offer.json","lang":")" + lang + "\"}");
  };
  const auto answer = check(void_offer, "nl");
  ASSERT_NE(answer.find("refused"), nullptr);
  const auto& findings = *answer.find("findings")->if_array();
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(text_of(findings[0], "kind"), "void");
  EXPECT_EQ(json::serialise(*findings[0].find("rules")), R"(["/permission/0","/prohibition/0"])");
  EXPECT_EQ(text_of(findings[0], "sentence"), "`/prohibition/0` verbiedt alles wat `/permission/0` toestaat.");
  EXPECT_EQ(text_of(findings[1], "kind"), "nothing_permitted");
  EXPECT_EQ(*answer.find("notes")->if_array()->front().if_string(),
            "void (/permission/0, /prohibition/0): `/prohibition/0` verbiedt alles wat `/permission/0` toestaat.");
  // Two prohibitions that leave nothing only together, and parties that cannot be the same.
  const auto forbids = [](const std::string& purpose) {
    return R"({"action":"use","constraint":[{"leftOperand":"purpose","operator":"isA","rightOperand":")" + purpose + R"("}]})";
  };
  const std::string together = R"({"@id":"urn:o:2","@type":"Offer","permission":[{"action":"use","constraint":[{"leftOperand":"purpose","operator":"isAnyOf","rightOperand":["urn:f:CrowdManagement","dpv:Marketing"]}]}],)"
                               R"("prohibition":[)" + forbids("urn:f:CrowdManagement") + "," + forbids("dpv:Marketing") + "]}";
  const std::string strangers = R"({"@id":"urn:o:3","@type":"Offer","permission":[{"action":"use","assignee":"urn:a","constraint":[{"leftOperand":"recipient","operator":"eq","rightOperand":"urn:b"}]}]})";
  const std::string fits = R"({"@id":"urn:o:4","@type":"Offer","permission":[{"action":"use","assignee":"urn:a","constraint":[{"leftOperand":"recipient","operator":"eq","rightOperand":"urn:a"}]}]})";
  EXPECT_NE(check(together, "en").find("refused"), nullptr);
  EXPECT_NE(check(strangers, "en").find("refused"), nullptr);
  EXPECT_EQ(check(fits, "en").find("refused"), nullptr);
  // None of them is published.
  world.backend.read_beside = [&](const std::string&) -> Result<std::string> { return void_offer; };
  const auto before = world.log.head()->frontier.size();
  const auto refused = world.post("/sluis.v1.DatasetService/Publish", "{\"toml\":" + as_json(TermsWorld::file()) + ",\"file\":\"counts.toml\"}");
  EXPECT_EQ(refused.status, 400U);
  EXPECT_NE(refused.body.find("nothing can ever be permitted by these terms: void (/permission/0, /prohibition/0)"), std::string::npos) << refused.body;
  EXPECT_EQ(world.log.head()->frontier.size(), before);
}

TEST(Terms, ErrorsInAnOfferSayWhereAndWhatToDo) {
  World world;
  const auto error = [&](const std::string& text) {
    const auto body = world.post(kTerms + "Check", "{\"text\":" + as_json(text) + R"(,"file":"offer.json"})").body;
    std::string padded = *json::parse(body)->find("details")->if_array()->front().find("value")->if_string();
    while (padded.size() % 4 != 0) padded += '=';
    v1::ErrorDetail out;
    EXPECT_TRUE(out.ParseFromString(*from_base64(padded))) << body;
    EXPECT_EQ(out.file(), "offer.json");
    EXPECT_FALSE(out.mend().empty()) << body;
    return out;
  };
  const std::string offer = offer_for("urn:f:CrowdManagement");
  const auto context = error("{\n\"@context\":[\"https://w3id.org/dspace/2025/1/context.jsonld\"]," + offer.substr(1));
  EXPECT_EQ(context.pointer(), "/@context");
  EXPECT_EQ(context.line(), 2U);
  std::string parties;
  for (int i = 0; i < 400; ++i) parties += (i == 0 ? "\"urn:" : ",\"urn:") + std::string(200, 'x') + std::to_string(i) + "\"";
  const auto large = error(offer_for("urn:f:CrowdManagement", R"(,{"leftOperand":"recipient","operator":"isAnyOf","rightOperand":[)" + parties + "]}"));
  EXPECT_NE(large.message().find("65536"), std::string::npos) << large.message();
}

/// What a compliance report says of the conditions on that operand.
std::set<std::string> states(const json::Value& answer) {
  const std::string report = text_of(answer, "report");
  std::set<std::string> found;
  for (const char* state : {"report:Satisfied", "report:Unsatisfied", "report:Unknown", "report:Active", "report:Inactive"}) {
    if (report.find("\"" + std::string(state) + "\"") != std::string::npos) found.insert(state);
  }
  return found;
}

TEST(Terms, AReportIsOfTheDecisionThatWasMade) {
  TermsWorld world;
  const std::string crowd = "urn:f:CrowdManagement";
  const auto offer = *json::parse(offer_for(crowd, R"(,{"leftOperand":"sluis:situation","operator":"isAnyOf","rightOperand":"urn:situation:crowds"})"
      R"(,{"leftOperand":"count","operator":"lteq","rightOperand":"3"},{"leftOperand":"sluis:classOfRecipient","operator":"eq","rightOperand":"municipality"})"));
  const std::string key = negotiation::agreement_key(AgreementId("urn:a:1"));
  auto record = *negotiation::decode_agreement(**world.store.get(key));
  record.agreement.set("permission", *offer.find("permission"));
  Commit commit;
  commit.changes = {{key, negotiation::encode(record)}};
  ASSERT_TRUE(world.commits.commit_and_wait(std::move(commit)));
  v1::KnownThen known;
  known.set_class_of_recipient("municipality");
  known.set_uses(2);
  known.set_declarations("known");
  known.set_evidence("one-sided");
  const Hash purposes = crypto::sha256(catalog::test::vocabulary()->canonical_text());
  known.set_vocabulary_hash(std::string(view(purposes)));
  world.record("urn:t:1", crowd, true, "permitted", "", &known, "urn:situation:crowds");
  world.record("urn:t:2", crowd, true, "permitted");
  const auto explain = [&](const std::string& transaction) {
    return world.answer(kTerms + "ExplainDecision", R"({"decision":")" + transaction + R"(","lang":"nl"})", "dpo");
  };
  const auto whole = explain("urn:t:1");
  EXPECT_TRUE(states(whole).contains("report:Active")) << text_of(whole, "report");
  EXPECT_FALSE(states(whole).contains("report:Unsatisfied")) << text_of(whole, "report");
  EXPECT_EQ(whole.find("notes"), nullptr);
  // Of before that was recorded: nothing is taken from today, and that is said.
  const auto old = explain("urn:t:2");
  EXPECT_FALSE(states(old).contains("report:Active")) << text_of(old, "report");
  ASSERT_NE(old.find("notes"), nullptr);
  const auto& notes = *old.find("notes")->if_array();
  ASSERT_EQ(notes.size(), 3U);
  EXPECT_EQ(*notes[0].if_string(), "Tot welke groep de partij toen hoorde, staat hier niet.");
  // With purposes that are in force no more, it is decided with those of the agreement, or that is said.
  const auto other = std::make_shared<const policy::Vocabulary>(*policy::Vocabulary::parse(
      "dpv:Purpose\tPurpose\t\t\nurn:f:CrowdManagement\tCrowd\t\tdpv:Purpose\n", "test.tsv"));
  world.backend.vocabulary = [other] { return other; };
  EXPECT_FALSE(states(explain("urn:t:1")).contains("report:Active"));
  EXPECT_EQ(explain("urn:t:1").find("notes")->if_array()->size(), 1U);
  world.backend.vocabulary_by_hash = [&](const Hash& hash) -> Result<std::shared_ptr<const policy::Vocabulary>> {
    if (hash == purposes) return catalog::test::vocabulary();
    return Error(ErrorCode::not_found, "");
  };
  EXPECT_TRUE(states(explain("urn:t:1")).contains("report:Active"));
}

TEST(Terms, OfADatasetMadeFromOthersTheSourceWhoseConditionFailedIsNamed) {
  TermsWorld world;
  using catalog::test::with;
  const std::string both = "urn:waterrijk:dataset:both";
  std::string text = with(with(catalog::test::agreement_file(), kDataset, both), "[personal]", "made_from = [\"" + kDataset + "\"]\n[personal]");
  text += "[terms.decided_by]\nbody = \"A supplier\"\nkind = \"supplier\"\n";
  world.answer("/sluis.v1.DatasetService/Publish", "{\"toml\":" + as_json(text) + ",\"file\":\"both.toml\"}");
  const auto published = world.offered.show(DatasetId(both));
  ASSERT_TRUE(published);
  const std::string key = negotiation::agreement_key(AgreementId("urn:a:1"));
  auto record = *negotiation::decode_agreement(**world.store.get(key));
  record.dataset = DatasetId(both);
  record.offer_hash = published->dataset.offer_hash;
  for (const char* member : {"permission", "prohibition", "obligation"}) {
    if (const auto* rules = published->dataset.offer.find(member)) record.agreement.set(member, *rules);
    else record.agreement.erase(member);
  }
  Commit commit;
  commit.changes = {{key, negotiation::encode(record)}};
  ASSERT_TRUE(world.commits.commit_and_wait(std::move(commit)));
  const auto terms = policy::parse_policy(record.agreement);
  ASSERT_TRUE(terms);
  const auto by = [&](const std::string& transaction, const policy::Constraint& failed) {
    world.record(transaction, "https://w3id.org/dpv#Marketing", false, "purpose", "", nullptr, "", failed.pointer);
    const auto answer = world.answer(kTerms + "ExplainDecision", R"({"decision":")" + transaction + R"(","lang":"nl"})", "dpo");
    return told(answer).back();
  };
  int seen = 0;
  for (const auto& one : terms->permissions.front().constraints) {
    const bool own = one.operand == policy::Operand::class_of_recipient;  // the source asks for none
    if (!own && one.operand != policy::Operand::purpose) continue;
    ++seen;
    EXPECT_EQ(by("urn:t:made:" + std::to_string(seen), one),
              own ? "A supplier (leverancier) besloot over deze regel."
                  : "Dit komt uit de voorwaarden van \"Tellingen\". Council of Waterrijk (gekozen) besloot daarover: 2026-114.");
  }
  EXPECT_GE(seen, 2);
}

TEST(Terms, AReplayAsksProposalsAgainAndWhatOnlyLackedAnActivity) {
  TermsWorld world;
  const std::string crowd = "urn:f:CrowdManagement";
  world.record("urn:t:1", crowd, false, "activity.missing");
  v1::KnownThen known;
  known.set_class_of_recipient("company");
  world.record("urn:t:2", crowd, true, "permitted", "", &known);
  for (int i = 0; i < 2; ++i) {  // two companies ask for marketing
    negotiation::Negotiation asked;
    asked.role = negotiation::Role::provider;
    asked.own_pid = ProcessId("urn:n:asked:" + std::to_string(i));
    asked.peer_pid = ProcessId("urn:n:theirs:" + std::to_string(i));
    asked.peer = ParticipantId("did:web:company:" + std::to_string(i));
    asked.dataset = DatasetId(kDataset);
    asked.offer = *json::parse(offer_for("dpv:Marketing"));
    asked.state = negotiation::State::terminated;
    asked.reason = negotiation::Reason{"purpose", {"not for that"}};
    asked.reason_is_ours = true;
    asked.created = asked.updated = world.clock.now();
    v1::Shared shared;
    shared.set_time_us(world.clock.now().time_since_epoch().count());
    shared.set_event("terminated");
    shared.set_counterparty(asked.peer.str());
    shared.set_dataset(kDataset);
    shared.set_negotiation(asked.own_pid.str());
    shared.mutable_decision()->set_code("purpose");
    Commit commit;
    commit.changes = {{negotiation::negotiation_key(asked.own_pid), negotiation::encode(asked)}};
    commit.entries.push_back({static_cast<std::uint8_t>(provenance::EntryKind::negotiation), {}, shared.SerializeAsString(), ""});
    ASSERT_TRUE(world.commits.commit_and_wait(std::move(commit)));
  }
  const auto replay = [&](const std::string& purpose, const std::string& more = "") {
    return world.answer(kTerms + "Replay", "{\"text\":" + as_json(offer_for(purpose, more)) + R"(,"file":"offer.json","lang":"nl","dataset":)" + as_json(kDataset) + "}");
  };
  const auto marketing = replay("dpv:Marketing");
  EXPECT_EQ(text_of(marketing, "askedAgain"), "4");
  EXPECT_EQ(text_of(marketing, "newlyReleased"), "2") << json::serialise(marketing);
  EXPECT_EQ(text_of(marketing.find("released")->if_array()->front(), "negotiation"), "urn:n:asked:0");
  EXPECT_EQ(text_of(marketing, "newlyRefused"), "1");
  const auto same = replay(crowd);  // the terms ask for no activity any more
  EXPECT_EQ(text_of(same, "newlyReleased"), "1");
  EXPECT_EQ(text_of(same.find("released")->if_array()->front(), "before"), "activity.missing");
  EXPECT_EQ(text_of(same, "stillRefused"), "2");
  EXPECT_EQ(text_of(same, "unaffected"), "");
  // The class is that of the time, where the record has it.
  const auto companies = replay(crowd, R"(,{"leftOperand":"sluis:classOfRecipient","operator":"eq","rightOperand":"company"})");
  EXPECT_EQ(text_of(companies, "stillReleased"), "1");
  EXPECT_EQ(*companies.find("notes")->if_array()->front().if_string(),
            "Van 3 vragen staat hier niet tot welke groep de partij toen hoorde. De groep van nu is gebruikt.");
}

TEST(Terms, ADecisionIsExplainedToThoseWhoMaySeeIt) {
  TermsWorld world;
  world.record("urn:t:1", "https://w3id.org/dpv#Marketing", false, "purpose", "shop");
  const auto answer = world.answer(kTerms + "ExplainDecision", R"({"decision":"urn:t:1","lang":"nl"})", "dpo");
  const std::vector<std::string> expected = {
      "Op 26 november 2026, 9.00 uur (UTC) vroeg did:web:duinmeer om \"Tellingen\". Het doel was \"Marketing\".",
      "Dit mocht niet.",
      "Deze regel gaf de doorslag: De ontvanger mag de gegevens gebruiken, als dit klopt: "
      "Het doel is \"Crowd management\", of een doel dat daaronder valt.",
      "Dit was nodig: Het doel is \"Crowd management\", of een doel dat daaronder valt.",
      "Council of Waterrijk (gekozen) besloot over deze regel: 2026-114."};
  EXPECT_EQ(told(answer), expected);
  EXPECT_EQ(text_of(answer, "code"), "purpose");
  const std::string report = text_of(answer, "report");
  EXPECT_NE(report.find("report:Unsatisfied"), std::string::npos) << report;
  EXPECT_NE(report.find("report:Inactive"), std::string::npos) << report;
  // By its index too; and to no application but the one that asked.
  EXPECT_EQ(told(world.answer(kTerms + "ExplainDecision", R"({"decision":"1","lang":"nl"})", "auditor")), expected);
  EXPECT_EQ(world.post(kTerms + "ExplainDecision", R"({"decision":"urn:t:1"})", "application").status, 404U);
  world.record("urn:t:2", "https://w3id.org/dpv#Marketing", false, "purpose", "A. Bakker");
  EXPECT_EQ(world.post(kTerms + "ExplainDecision", R"({"decision":"urn:t:2"})", "application").status, 200U);
  EXPECT_EQ(world.post(kTerms + "ExplainDecision", R"({"decision":"urn:t:2"})", "panel_member").status, 403U);
  EXPECT_EQ(world.post(kTerms + "ExplainDecision", R"({"decision":"urn:t:9"})", "dpo").status, 404U);
}

TEST(Terms, AReplayShowsWhatWouldBeNewlyReleasedAndRefused) {
  TermsWorld world;
  world.record("urn:t:1", "https://w3id.org/dpv#Marketing", false, "purpose");
  world.record("urn:t:2", "urn:f:CrowdManagement", true, "permitted");
  world.record("urn:t:3", "https://w3id.org/dpv#Marketing", false, "claim.replayed");
  const auto before = world.log.head()->frontier.size();
  const std::string proposed = offer_for("dpv:Marketing");
  const auto ask = [&](const std::string& more) {
    return world.answer(kTerms + "Replay", "{\"text\":" + as_json(proposed) + R"(,"file":"offer.json","dataset":)" +
                                               as_json(kDataset) + more + "}");
  };
  const auto answer = ask("");
  EXPECT_TRUE(*answer.find("simulation")->if_bool());
  EXPECT_EQ(text_of(answer, "askedAgain"), "3");
  EXPECT_EQ(text_of(answer, "newlyReleased"), "1");
  EXPECT_EQ(text_of(answer, "newlyRefused"), "1");
  EXPECT_EQ(text_of(answer, "unaffected"), "1");
  EXPECT_EQ(text_of(answer.find("released")->if_array()->front(), "transaction"), "urn:t:1");
  EXPECT_EQ(text_of(answer.find("refused")->if_array()->front(), "transaction"), "urn:t:2");
  EXPECT_EQ(text_of(answer.find("refused")->if_array()->front(), "after"), "purpose");
  EXPECT_EQ(world.log.head()->frontier.size(), before);  // nothing is recorded, and nothing released
  EXPECT_EQ(text_of(ask(R"(,"until":"2026-11-26T08:00:00Z")"), "askedAgain"), "");
  // The terms that are in force change nothing.
  const auto same = world.answer(kTerms + "Replay", "{\"text\":" + as_json(world.offer) +
                                                        R"(,"file":"offer.json","dataset":)" + as_json(kDataset) + "}");
  EXPECT_EQ(text_of(same, "newlyReleased") + text_of(same, "newlyRefused"), "");
  EXPECT_EQ(text_of(same, "stillReleased"), "1");
  EXPECT_EQ(text_of(same, "stillRefused"), "1");
}

TEST(Terms, AReplayKnowsWhichSituationsWereInForceThen) {
  TermsWorld world;
  const std::string crowd = "urn:f:CrowdManagement";
  world.record("urn:t:before", crowd, true, "permitted");
  world.clock.advance(std::chrono::hours(1));
  declaration::Declaration one;
  one.id = "urn:situation:crowds";
  one.opens = {crowd};
  const Timestamp now = world.clock.now();
  one.acts.push_back({declaration::What::declared, {}, now, now + std::chrono::hours(4), "full"});
  one.acts.push_back({declaration::What::ended, {}, now + std::chrono::hours(2), now + std::chrono::hours(2), "quiet"});
  Commit commit;
  ASSERT_TRUE(declaration::put(commit, *declaration::read_open(world.store), nullptr, one, now));
  ASSERT_TRUE(world.commits.commit_and_wait(std::move(commit)));
  world.record("urn:t:during", crowd, true, "permitted");
  world.clock.advance(std::chrono::hours(2));
  world.record("urn:t:after", crowd, true, "permitted");
  const std::string proposed =
      offer_for(crowd, R"(,{"leftOperand":"sluis:situation","operator":"isAnyOf","rightOperand":"urn:situation:crowds"})");
  const auto answer = world.answer(kTerms + "Replay", "{\"text\":" + as_json(proposed) + R"(,"file":"offer.json","dataset":)" +
                                                          as_json(kDataset) + "}");
  EXPECT_EQ(text_of(answer, "stillReleased"), "1");
  EXPECT_EQ(text_of(answer, "newlyRefused"), "2");
  for (const auto& row : *answer.find("refused")->if_array()) EXPECT_EQ(text_of(row, "after"), "value") << "known not to be there";
  // A simulation of one request knows it as well.
  const auto test = [&](Timestamp at) {
    const auto tested = world.answer(kTerms + "Test", "{\"text\":" + as_json(proposed) + R"(,"file":"offer.json","purpose":")" + crowd +
                                                          R"(","at":")" + format_time(at) + "\"}");
    return text_of(*tested.find("decision"), "code");
  };
  EXPECT_EQ(test(now - std::chrono::minutes(1)), "value");
  EXPECT_EQ(test(now + std::chrono::minutes(1)), "permitted");
  EXPECT_EQ(test(now + std::chrono::hours(2)), "value");
}

/// What was gathered under that activity, on that basis, from an hour ago on.
void gathered_on(World& world, const std::string& activity, const std::string& basis, std::optional<Timestamp> until = std::nullopt) {
  ActivityVersion one;
  one.id = activity;
  one.purpose = "urn:f:CrowdManagement";
  one.from = world.clock.now() - std::chrono::hours(1);
  one.until = until;
  one.legal_basis = {basis};
  Commit commit;
  commit.changes = {{activity_key(activity), encode(std::vector{one})}};
  ASSERT_TRUE(world.commits.commit_and_wait(std::move(commit)));
}

void record_assessment(World& world, const std::string& id, const std::string& basis) {
  declaration::Declaration one;
  one.kind = declaration::Kind::assessment;
  one.id = id;
  one.opens = {"urn:f:CrowdManagement"};
  one.legal_basis = {basis};
  const Timestamp now = world.clock.now();
  one.acts.push_back({declaration::What::recorded, {}, now, now + std::chrono::hours(4), "compatible"});
  Commit commit;
  ASSERT_TRUE(declaration::put(commit, *declaration::read_open(world.store), nullptr, one, now));
  ASSERT_TRUE(world.commits.commit_and_wait(std::move(commit)));
}

std::string on_assessment(const std::string& id) {
  return offer_for("urn:f:CrowdManagement", R"(,{"leftOperand":"sluis:assessment","operator":"isAnyOf","rightOperand":")" + id + "\"}");
}

TEST(Terms, ATestCountsAnAssessmentOnlyWhereTheGateDoes) {
  TermsWorld world;
  record_assessment(world, "urn:assessment:1", "eu-gdpr:A6-1-e");
  const std::string dataset = catalog::test::with(TermsWorld::file(), "[personal]", "processed_under = \"urn:a:counts\"\n[personal]");
  world.offer = on_assessment("urn:assessment:1");
  const auto ask = [&](const std::string& method, const std::string& more = "") {
    return world.answer(kTerms + method, "{\"text\":" + as_json(dataset) + R"(,"file":"counts.toml")" + more + "}");
  };
  const auto tested = [&] { return ask("Test", R"(,"purpose":"urn:f:CrowdManagement")"); };
  const auto code = [&] { return text_of(*tested().find("decision"), "code"); };
  EXPECT_EQ(code(), "declarations.unknown") << "the activity is not in the register";
  gathered_on(world, "urn:a:counts", "eu-gdpr:A6-1-e");
  EXPECT_EQ(code(), "permitted");
  EXPECT_EQ(ask("Check").find("refused"), nullptr);
  gathered_on(world, "urn:a:counts", "eu-gdpr:A6-1-a");
  EXPECT_EQ(code(), "declarations.unknown");
  const auto checked = ask("Check");
  ASSERT_NE(checked.find("refused"), nullptr) << "as publication refuses it";
  EXPECT_NE(json::serialise(checked).find("consent"), std::string::npos) << json::serialise(checked);
  const Timestamp end = world.clock.now() + std::chrono::hours(1);
  gathered_on(world, "urn:a:counts", "eu-gdpr:A6-1-e", end);
  EXPECT_EQ(text_of(tested(), "validUntil"), "2026-11-26T10:00:00Z") << "then it is looked at anew";
  // A replay looks at the same, for the dataset that is published.
  world.answer(kTerms + "Publish", "{\"text\":" + as_json(dataset) + R"(,"file":"counts.toml"})");
  world.record("urn:t:1", "urn:f:CrowdManagement", true, "permitted");
  const auto replayed = [&](const std::string& member) {
    return text_of(world.answer(kTerms + "Replay", "{\"text\":" + as_json(world.offer) + R"(,"file":"offer.json","dataset":)" + as_json(kDataset) + "}"), member);
  };
  EXPECT_EQ(replayed("stillReleased"), "1");
  Commit commit;
  commit.changes = {storage::hold(declaration::record_key(declaration::Kind::assessment, "urn:assessment:1", 1), world.clock.now())};
  ASSERT_TRUE(world.commits.commit_and_wait(std::move(commit)));
  EXPECT_EQ(code(), "declarations.unknown") << "a recovery holds it";
  EXPECT_EQ(replayed("newlyRefused"), "1");
  record_assessment(world, "urn:assessment:old", "the visitors said yes");
  world.offer = on_assessment("urn:assessment:old");
  EXPECT_EQ(code(), "value") << "of before bases were checked: on none that can bear";
}

TEST(Terms, WhatIsMadeFromDataThatWereGatheredOnConsentIsOpenedByNoAssessmentEither) {
  World world;
  using catalog::test::with;
  const std::string made = "urn:waterrijk:dataset:made";
  const std::string source = with(catalog::test::agreement_file(), "[personal]", "processed_under = \"urn:a:asked\"\n[personal]");
  world.answer("/sluis.v1.DatasetService/Publish", "{\"toml\":" + as_json(source) + ",\"file\":\"counts.toml\"}");
  const std::string text = with(with(catalog::test::agreement_file(), kDataset, made), "[personal]",
                                "made_from = [\"" + kDataset + "\"]\nprocessed_under = \"urn:a:task\"\n[personal]");
  world.answer("/sluis.v1.DatasetService/Publish", "{\"toml\":" + as_json(text) + ",\"file\":\"made.toml\"}");
  const auto published = world.offered.show(DatasetId(made));
  ASSERT_TRUE(published);
  const Timestamp now = world.clock.now();
  gathered_on(world, "urn:a:task", "eu-gdpr:A6-1-e");
  gathered_on(world, "urn:a:asked", "eu-gdpr:A6-1-a");
  const auto consent = check_gathered(published->dataset, world.store, now);
  ASSERT_FALSE(consent);
  EXPECT_NE(consent.error().message.find("`" + kDataset + "`, which they are made from"), std::string::npos) << consent.error().message;
  gathered_on(world, "urn:a:asked", "eu-gdpr:A6-1-e", now + std::chrono::hours(1));
  std::vector<Precondition> as_read;
  Timestamp until = Timestamp::max();
  EXPECT_TRUE(check_gathered(published->dataset, world.store, now, &as_read, &until));
  ASSERT_EQ(as_read.size(), 2U);
  EXPECT_EQ(as_read[1].key, activity_key("urn:a:asked"));
  EXPECT_EQ(until, now + std::chrono::hours(1));
}

TEST(Terms, WithoutAPurposeATestAsksAsTheGateWhetherTheAgreementNamesIt) {
  World world;
  const std::string dataset = catalog::test::with(catalog::test::agreement_file(), "processing_activity = true", "processing_activity = false");
  const auto code = [&](const std::string& text) {
    const auto answer = world.answer(kTerms + "Test", "{\"text\":" + as_json(text) + R"(,"file":"counts.toml","classOfRecipient":"company"})");
    return text_of(*answer.find("decision"), "code");
  };
  EXPECT_EQ(code(dataset), "claim.missing");
  EXPECT_EQ(code(dataset + "single_purpose_without_claim = true\n"), "permitted");
}

TEST(Terms, AReplayCountsTheUsesThatTheGateCounts) {
  TermsWorld world;
  const std::string crowd = "urn:f:CrowdManagement", marketing = "https://w3id.org/dpv#Marketing";
  world.record("urn:t:1", crowd, true, "permitted");
  world.record("urn:t:2", marketing, true, "permitted");
  world.record("urn:t:3", marketing, true, "permitted");
  // Only uses for marketing count.
  const auto permission = [](const std::string& purpose, const std::string& more) {
    return R"({"action":"use","constraint":[{"leftOperand":"purpose","operator":"isA","rightOperand":")" + purpose + "\"}" + more + "]}";
  };
  const std::string proposed = R"({"@id":"urn:w:offer:counted","@type":"Offer","permission":[)" + permission(crowd, "") + "," +
                               permission("dpv:Marketing", R"(,{"leftOperand":"count","operator":"lteq","rightOperand":"1"})") + "]}";
  const auto answer = world.answer(kTerms + "Replay", "{\"text\":" + as_json(proposed) + R"(,"file":"offer.json","dataset":)" + as_json(kDataset) + "}");
  EXPECT_EQ(text_of(answer, "stillReleased"), "2") << json::serialise(answer);
  EXPECT_EQ(text_of(answer, "newlyRefused"), "1");
}

TEST(Terms, ATestAsksAsTheGateWhetherBothLogsProveIt) {
  TermsWorld world;
  const identity::test::Federation federation;
  identity::Directory directory{identity::Trust{{federation.keeper}, 1}};
  ASSERT_TRUE(directory.load(federation.envelope(), world.clock.now(), true));
  Backend backend{world.backend.self, "Waterrijk", "0.1.0", world.backend.log_origin, world.backend.started, false, world.clock, world.store, world.commits,
                  world.offered, world.negotiations, world.transfers, directory, world.log};
  backend.vocabulary = world.backend.vocabulary;
  backend.read_beside = world.backend.read_beside;
  bool both = true;
  backend.two_sided = [&](const ParticipantId&, Timestamp) { return both; };
  Api api{make_methods(backend), [&](std::string_view authorization, const http::TlsPeer&) { return world.authenticate(authorization); }};
  world.routes = connect_routes(api);
  const std::string proposed = offer_for("urn:f:CrowdManagement", R"(,{"leftOperand":"sluis:evidence","operator":"eq","rightOperand":"two-sided"})");
  const auto code = [&] {
    const auto answer = world.answer(kTerms + "Test", "{\"text\":" + as_json(proposed) + R"(,"file":"offer.json","purpose":"urn:f:CrowdManagement","participant":)" +
                                                          as_json(directory.list()->parties.front().participant.str()) + "}");
    return text_of(*answer.find("decision"), "code");
  };
  EXPECT_EQ(code(), "permitted");
  both = false;
  EXPECT_EQ(code(), "value") << "its log contradicts itself, or its node takes no receipts";
  // Publishing terms tells of classes that nobody has, as publishing a dataset does.
  world.offer = offer_for("urn:f:CrowdManagement", R"(,{"leftOperand":"sluis:classOfRecipient","operator":"eq","rightOperand":"municipalty"})");
  const auto published = world.answer(kTerms + "Publish", "{\"text\":" + as_json(TermsWorld::file()) + R"(,"file":"counts.toml","dryRun":true})");
  EXPECT_NE(json::serialise(published).find("did you mean `municipality`?"), std::string::npos) << json::serialise(published);
}

TEST(Terms, ANewVocabularyShowsWhatItChangesForRunningAgreements) {
  TermsWorld world;
  // Marketing moves below crowd management, which the agreement is open to.
  const std::string fresh =
      "dpv:Purpose\tPurpose\t\t\nurn:f:CrowdManagement\tCrowd management\t\tdpv:Purpose\n"
      "dpv:Marketing\tMarketing\t\turn:f:CrowdManagement\n";
  const auto answer = world.answer(kTerms + "Diff", "{\"after\":" + as_json(fresh) + R"(,"afterFile":"new.tsv"})");
  EXPECT_EQ(text_of(answer, "agreements"), "1");
  const auto& changes = *answer.find("changes")->if_array();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(text_of(changes[0], "what"), "allowed");
  EXPECT_EQ(text_of(changes[0], "purpose"), "https://w3id.org/dpv#Marketing");
  // Without the purpose that the agreement names it cannot be read any more.
  const auto gone = world.answer(kTerms + "Diff", "{\"after\":" + as_json("dpv:Purpose\tPurpose\t\t\n") +
                                                      R"(,"afterFile":"new.tsv"})");
  EXPECT_EQ(text_of(gone.find("changes")->if_array()->front(), "what"), "unreadable");
}

TEST(Terms, TwoOffersDifferInTheirSentences) {
  World world;
  const auto answer = world.answer(
      kTerms + "Diff", "{\"before\":" + as_json(offer_for("dpv:Marketing")) + R"(,"beforeFile":"a.json","after":)" +
                           as_json(offer_for("urn:f:CrowdManagement")) + R"(,"afterFile":"b.json"})");
  const auto& changes = *answer.find("changes")->if_array();
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(text_of(changes[0], "what"), "removed");
  EXPECT_NE(text_of(changes[0], "text").find("Marketing"), std::string::npos);
  EXPECT_EQ(text_of(changes[1], "what"), "added");
}

TEST(Terms, TheMatrixSaysForWhomAndWhatForEachDatasetIs) {
  World world;
  const auto publish = [&](const std::string& text) {
    world.answer("/sluis.v1.DatasetService/Publish", "{\"toml\":" + as_json(text) + ",\"file\":\"counts.toml\"}");
  };
  using catalog::test::with;
  publish(catalog::test::agreement_file());
  publish(with(catalog::test::open_file(), kDataset, "urn:waterrijk:dataset:open"));
  publish(with(with(catalog::test::agreement_file(), kDataset, "urn:waterrijk:dataset:personal"), "\"not-personal\"",
               "\"personal\""));
  const auto answer = world.answer(kTerms + "Matrix", R"({"purposes":["dpv:Marketing"]})", "council_clerk");
  std::map<std::string, std::string> cells;
  for (const auto& row : *answer.find("rows")->if_array()) {
    cells[text_of(row, "dataset").substr(22) + " " + text_of(row, "label") + " " + text_of(row, "classOfRecipient")] =
        text_of(row, "access");
  }
  EXPECT_EQ(cells.at("counts Crowd management municipality"), "needs activity");
  EXPECT_EQ(cells.at("counts Marketing company"), "never");
  EXPECT_EQ(cells.at("open Marketing company"), "open");
  EXPECT_EQ(cells.at("personal Crowd management company"), "needs activity");
  EXPECT_EQ(cells.size(), 3U * 2U * 2U);
}

TEST(Terms, TheMatrixSaysWhatTheGateDoes) {
  World world;
  using catalog::test::with;
  const auto judging = std::make_shared<const policy::Vocabulary>(*policy::Vocabulary::parse(
      "dpv:Purpose\tPurpose\t\t\nurn:f:CrowdManagement\tCrowd management\t\tdpv:Purpose\n"
      "dpv:CustomerSolvencyMonitoring\tSolvency\t\tdpv:Purpose\n", "test.tsv"));
  ASSERT_TRUE(judging->judges_persons(*judging->lookup("https://w3id.org/dpv#CustomerSolvencyMonitoring")));
  world.backend.vocabulary = [judging] { return judging; };
  const auto publish = [&](const std::string& text) {
    world.answer("/sluis.v1.DatasetService/Publish", "{\"toml\":" + as_json(text) + ",\"file\":\"counts.toml\"}");
  };
  publish(with(catalog::test::open_file(), kDataset, "urn:waterrijk:dataset:open"));
  publish(with(with(catalog::test::agreement_file(), kDataset, "urn:waterrijk:dataset:later"), "processing_activity = true",
               "processing_activity = false\nfrom = \"2026-12-15\""));
  const auto access = [&](const std::string& dataset, const std::string& purpose) {
    const auto answer = world.answer(kTerms + "Matrix", R"({"dataset":"urn:waterrijk:dataset:)" + dataset + R"(","purposes":["dpv:CustomerSolvencyMonitoring","urn:f:CrowdManagement"]})");
    std::set<std::string> found;
    for (const auto& row : *answer.find("rows")->if_array()) {
      if (text_of(row, "purpose").ends_with(purpose)) found.insert(text_of(row, "access"));
    }
    return found.size() == 1 ? *found.begin() : std::to_string(found.size());
  };
  EXPECT_EQ(access("later", "CrowdManagement"), "conditional") << "they begin in December";
  EXPECT_EQ(access("later", "Monitoring"), "never");
  // What the table says is what a request is told.
  const auto test = [&](const std::string& dataset, const std::string& purpose, const std::string& more) {
    return text_of(*world.answer(kTerms + "Test", R"({"dataset":"urn:waterrijk:dataset:)" + dataset + R"(","purpose":")" + purpose + "\"" + more + "}")
                        .find("decision"), "code");
  };
  EXPECT_EQ(test("open", "dpv:CustomerSolvencyMonitoring", ""), "activity.missing");
  world.clock.advance(std::chrono::days(400));  // the assessments are over
  EXPECT_EQ(access("later", "CrowdManagement"), "not served");
  EXPECT_EQ(test("later", "urn:f:CrowdManagement", R"(,"classOfRecipient":"company")"), "dataset.suspended");
}

TEST(Terms, TheDataPlaneSpeaksBothLanguages) {
  const auto places = [](std::string_view text) {
    std::multiset<std::string> found;
    for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
      found.insert(std::string(text.substr(at, text.find('}', at) - at)));
    }
    return found;
  };
  std::set<std::string_view> codes;
  for (const auto& row : gate::sentences()) {
    EXPECT_TRUE(codes.insert(row.code).second) << row.code;
    EXPECT_FALSE(row.text.dutch.empty()) << row.code;
    EXPECT_NE(row.text.english, row.text.dutch) << row.code;
    EXPECT_EQ(places(row.text.english), places(row.text.dutch)) << row.code;
  }
  EXPECT_EQ(gate::told({"purpose.unknown", {{"asked", "x"}}, ""}, policy::Language::dutch),
            "Geweigerd: deze node kent geen doel `x`.");
}

}  // namespace
}  // namespace sluis::management::test
