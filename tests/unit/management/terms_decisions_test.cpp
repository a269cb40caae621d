#include "connector/declaration/register.hpp"
#include "tests/unit/management/terms_world.hpp"

#include <set>

/// Decisions on record: explained, reported, and asked again under other terms.
namespace sluis::management::test {
namespace {

/// What a compliance report says of the conditions on that operand.
std::set<std::string> states(const json::Value& answer) {
  const std::string report = text_of(answer, "report");
  std::set<std::string> found;
  for (const char* state : {"report:Satisfied", "report:Unsatisfied", "report:Unknown", "report:Active", "report:Inactive"}) {
    if (report.find("\"" + std::string(state) + "\"") != std::string::npos) found.insert(state);
  }
  return found;
}

TEST(TermsDecisions, AReportIsOfTheDecisionThatWasMade) {
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

TEST(TermsDecisions, OfADatasetMadeFromOthersTheSourceWhoseConditionFailedIsNamed) {
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

TEST(TermsDecisions, AReplayAsksProposalsAgainAndWhatOnlyLackedAnActivity) {
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

TEST(TermsDecisions, ADecisionIsExplainedToThoseWhoMaySeeIt) {
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

TEST(TermsDecisions, AReplayShowsWhatWouldBeNewlyReleasedAndRefused) {
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

TEST(TermsDecisions, AReplayKnowsWhichSituationsWereInForceThen) {
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

TEST(TermsDecisions, AReplayCountsTheUsesThatTheGateCounts) {
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

TEST(TermsDecisions, ANewVocabularyShowsWhatItChangesForRunningAgreements) {
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

}  // namespace
}  // namespace sluis::management::test
