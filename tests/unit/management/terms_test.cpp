#include "connector/gate/reason.hpp"
#include "tests/unit/identity/support.hpp"
#include "tests/unit/management/terms_world.hpp"

#include <set>

/// What terms say, and what a request would be told.
namespace sluis::management::test {
namespace {

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
  publish(with(catalog::test::agreement_file(), kDataset, "urn:waterrijk:dataset:assessed") + "impact_assessment_for = [\"urn:f:CrowdManagement\"]\n");
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
  EXPECT_EQ(cells.at("assessed Crowd management company"), "needs DPIA");
  EXPECT_EQ(cells.at("assessed Marketing company"), "never");
  EXPECT_EQ(cells.size(), 4U * 2U * 2U);
  // As a request is told.
  const auto test = [&](const std::string& more) {
    return text_of(*world.answer(kTerms + "Test", R"({"dataset":"urn:waterrijk:dataset:assessed","classOfRecipient":"company","purpose":"urn:f:CrowdManagement")" + more + "}")
                        .find("decision"), "code");
  };
  EXPECT_EQ(test(R"(,"activity":"urn:a:1")"), "value");
  EXPECT_EQ(test(R"(,"activity":"urn:a:1","impactAssessment":"DPIA 2026-14")"), "permitted");
  const auto none = world.post(kTerms + "Test", R"({"dataset":"urn:waterrijk:dataset:assessed","purpose":"urn:f:CrowdManagement","impactAssessment":"x"})", "steward");
  EXPECT_NE(none.body.find("/activity"), std::string::npos) << none.body;
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
