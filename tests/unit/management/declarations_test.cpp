#include "connector/declaration/register.hpp"
#include "connector/provenance/entry.hpp"
#include "sluis/v1/evidence.pb.h"
#include "tests/unit/management/world.hpp"

#include <atomic>
#include <thread>

namespace sluis::management::test {
namespace {

constexpr const char* kFile = R"([[situation]]
id = "urn:situation:crowds"
title = "Crowds"
where = "Around the Market"
declared_by = ["operator", "privacy_officer"]
renewed_by = ["privacy_officer"]
opens = ["urn:f:CrowdManagement"]
closes = ["dpv:Marketing"]
longest = "P2D"
)";

struct Situations : World {
  Situations() {
    const auto words = vocabulary();
    backend.vocabulary = [words] { return words; };
    auto defined = declaration::Definitions::parse(kFile, "situations.toml", *words);
    EXPECT_TRUE(defined) << describe(defined.error());
    backend.situations = std::make_shared<const declaration::Definitions>(std::move(*defined));
    backend.look_anew = [this] { ++looked; };
  }
  static std::shared_ptr<const policy::Vocabulary> vocabulary() {
    auto more = catalog::test::vocabulary()->with("dpv:ResearchAndDevelopment\tResearch\t\tdpv:Purpose\n", "more.tsv");
    EXPECT_TRUE(more);
    return std::make_shared<const policy::Vocabulary>(std::move(*more));
  }
  std::string ask(const std::string& method, const std::string& body, const std::string& token) {
    const auto response = post("/sluis.v1.DeclarationService/" + method, body, token);
    return response.status == 200 ? "done" : response.body;
  }
  std::string declare(const std::string& token = "operator:A. Bakker", const std::string& more = "") {
    return ask("Declare", R"({"id":"urn:situation:crowds","until":"2026-11-26T18:00:00Z","why":"the Market is full")" + more + "}",
               token);
  }
  std::string record(const std::string& basis, const std::string& purpose, const std::string& safeguards,
                     const std::string& token = "privacy_officer:B. Mulder", const std::string& more = "") {
    const std::string toml = "id = 'urn:assessment:1'\\ntitle = 'Study'\\npurposes = ['" + purpose + "']\\nlegal_basis = ['" + basis +
                             "']\\nwhy = 'compatible'\\nuntil = '2027-01-01'\\nsafeguards = [" + safeguards + "]\\n";
    return ask("RecordAssessment", R"({"toml":")" + toml + R"(","file":"study.toml")" + more + "}", token);
  }
  /// Shared parts and persons of the entries about declarations.
  std::vector<std::pair<v1::Shared, v1::Internal>> entries() {
    std::vector<std::pair<v1::Shared, v1::Internal>> out;
    const auto head = log.head();
    for (std::uint64_t i = 0; i < head->frontier.size(); ++i) {
      if (log.leaf(i)->kind != static_cast<std::uint8_t>(provenance::EntryKind::declaration)) continue;
      const auto payload = log.payload(i);
      out.emplace_back();
      EXPECT_TRUE(out.back().first.ParseFromString(payload->shared));
      EXPECT_TRUE(out.back().second.ParseFromString(payload->internal));
      EXPECT_EQ(log.leaf(i)->policy_digest, crypto::sha256(out.back().first.document())) << "the leaf has the digest of what is said";
    }
    return out;
  }
  std::string state() {
    return *answer("/sluis.v1.DeclarationService/Show", R"({"id":"urn:situation:crowds","kind":"situation"})", "dpo")
                .find("declaration")
                ->find("state")
                ->if_string();
  }
  std::atomic<int> looked = 0;
};

bool says(const std::string& body, std::string_view what) { return body.find(what) != std::string::npos; }

TEST(ManagementDeclarations, ASituationIsDeclaredRenewedAndEndedEachInTheLog) {
  Situations world;
  EXPECT_EQ(world.declare(), "done");
  EXPECT_EQ(world.state(), "in force");
  EXPECT_EQ(world.looked, 1) << "what streams is looked at anew";
  const std::string renewal = R"({"id":"urn:situation:crowds","until":"2026-11-27T12:00:00Z","why":"still full"})";
  EXPECT_TRUE(says(world.ask("Renew", renewal, "operator:C. Visser"), "does not renew"));
  EXPECT_TRUE(says(world.ask("Renew", renewal, "privacy_officer:A. Bakker"), "another person in another role"));
  EXPECT_EQ(world.ask("Renew", renewal, "privacy_officer:B. Mulder"), "done");
  EXPECT_EQ(world.ask("End", R"({"id":"urn:situation:crowds","kind":"situation","why":"quiet"})", "operator:A. Bakker"), "done");
  EXPECT_EQ(world.state(), "ended");
  const auto said = world.entries();
  ASSERT_EQ(said.size(), 3U);
  EXPECT_EQ(said[0].first.event() + said[1].first.event() + said[2].first.event(), "declaredrenewedended");
  EXPECT_EQ(said[1].second.person(), "B. Mulder");
  for (const auto& [shared, _] : said) EXPECT_FALSE(says(shared.document(), "Bakker")) << "persons stay in the part that never leaves";
  EXPECT_EQ(declaration::decode(said[1].first.document())->acts.size(), 2U);
}

TEST(ManagementDeclarations, WhatStreamsIsLookedAtAlsoWhereItIsNotKnownWhetherAnActWasRecorded) {
  Situations world;
  EXPECT_EQ(world.declare(), "done");
  world.disk_fails = true;
  EXPECT_TRUE(says(world.ask("End", R"({"id":"urn:situation:crowds","kind":"situation","why":"quiet"})", "operator:A. Bakker"), "not known"));
  EXPECT_EQ(world.looked, 2);
}

TEST(ManagementDeclarations, WhatClosesIsDeclaredAlsoWhileTheClockIsBehind) {
  Situations world;
  EXPECT_EQ(world.declare(), "done");
  EXPECT_EQ(world.ask("End", R"({"id":"urn:situation:crowds","kind":"situation","why":"quiet"})", "operator:A. Bakker"), "done");
  world.clock.advance(-std::chrono::hours(1));
  EXPECT_EQ(world.ask("Declare", R"({"id":"urn:situation:crowds","until":"2026-11-26T18:00:00Z","why":"full again"})",
                      "privacy_officer:B. Mulder"),
            "done");
}

TEST(ManagementDeclarations, OfManyAtOnceOneWins) {
  Situations world;
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { done += world.declare() == "done" ? 1 : 0; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(done, 1);
  EXPECT_EQ(world.entries().size(), 1U);
}

TEST(ManagementDeclarations, ADryRunChangesNothing) {
  Situations world;
  EXPECT_EQ(world.declare("operator:A. Bakker", R"(,"dryRun":true)"), "done");
  EXPECT_EQ(world.record("eu-gdpr:A6-1-e", "dpv:Marketing", "", "privacy_officer:B. Mulder", R"(,"dryRun":true)"), "done");
  EXPECT_TRUE(world.entries().empty());
  EXPECT_EQ(world.looked, 0);
  EXPECT_FALSE(*world.store.get(declaration::kHeadKey));
  EXPECT_EQ(world.declare("steward:D. Smit", R"(,"dryRun":true)").find("done"), std::string::npos) << "and is refused like the act";
}

TEST(ManagementDeclarations, WhoMayNotAndWhatIsNotDefinedIsRefused) {
  Situations world;
  EXPECT_TRUE(says(world.declare("dpo"), "may not call"));
  EXPECT_TRUE(says(world.declare("steward:D. Smit"), "does not declare"));
  EXPECT_TRUE(says(world.declare("council_clerk:D. Smit"), "does not declare"));
  EXPECT_TRUE(says(world.ask("Declare", R"({"id":"urn:situation:crowd","until":"2026-11-26T18:00:00Z","why":"x"})", "operator"),
                   "did you mean `urn:situation:crowds`"));
  EXPECT_TRUE(says(world.ask("Declare", R"({"id":"urn:situation:crowds","why":"x"})", "operator"), "until when"));
  EXPECT_TRUE(says(world.ask("Declare", R"({"id":"urn:situation:crowds","until":"2026-12-26T18:00:00Z","why":"x"})", "operator"), "P2D"));
  EXPECT_TRUE(says(world.ask("Renew", R"({"id":"urn:situation:crowds","until":"2026-11-26T18:00:00Z","why":"x"})", "privacy_officer"),
                   "there is no situation"));
  EXPECT_TRUE(says(world.ask("End", R"({"id":"urn:situation:crowds","why":"x"})", "operator"), "no kind of declaration"));
  EXPECT_TRUE(world.entries().empty());
}

TEST(ManagementDeclarations, AnAssessmentNeverRestsOnConsentAndResearchHasSafeguards) {
  Situations world;
  EXPECT_TRUE(says(world.record("dpv:ExplicitlyExpressedConsent", "dpv:Marketing", ""), "is consent"));
  EXPECT_TRUE(says(world.record("eu-gdpr:A6-1-a", "dpv:Marketing", ""), "is consent"));
  EXPECT_TRUE(says(world.record("gdpr:6-1-a", "dpv:Marketing", ""), "did you mean `eu-gdpr:A6-1-a`?"));
  EXPECT_TRUE(says(world.record("urn:instemming", "dpv:Marketing", ""), "no legal basis"));
  EXPECT_TRUE(says(world.record("eu-gdpr:A6-1-e", "dpv:ResearchAndDevelopment", "'none'"), "is no safeguard"));
  EXPECT_TRUE(says(world.record("eu-gdpr:A6-1-e", "dpv:ResearchAndDevelopment", ""), "only with safeguards"));
  EXPECT_TRUE(says(world.record("eu-gdpr:A6-1-e", "dpv:ResearchAndDevelopment", "'per hour'"), "only with safeguards"));
  EXPECT_TRUE(says(world.record("eu-gdpr:A6-1-e", "dpv:ResearchAndDevelopment", "'sluis:deleteAfter'", "steward"), "may not call"));
  EXPECT_EQ(world.record("eu-gdpr:A6-1-e", "dpv:ResearchAndDevelopment", "'sluis:deleteAfter'"), "done");
  EXPECT_TRUE(says(world.record("eu-gdpr:A6-1-e", "dpv:ResearchAndDevelopment", "'sluis:deleteAfter'"), "is in force"));
  EXPECT_TRUE(says(world.ask("End", R"({"id":"urn:assessment:1","kind":"assessment","why":"doubted"})", "operator"), "does not end"));
  EXPECT_EQ(world.ask("End", R"({"id":"urn:assessment:1","kind":"assessment","why":"doubted"})", "privacy_officer"), "done");
  ASSERT_EQ(world.entries().size(), 2U);
  EXPECT_EQ(world.entries()[0].first.event(), "recorded");
}

TEST(ManagementDeclarations, AreListedByKindPageByPageAndDefinitionsBesideThem) {
  Situations world;
  world.declare();
  world.record("eu-gdpr:A6-1-e", "dpv:Marketing", "");
  const auto listed = [&](const std::string& body) {
    const auto answer = world.answer("/sluis.v1.DeclarationService/List", body, "auditor");
    const auto* rows = answer.find("declarations");
    std::string ids;
    for (const auto& row : rows == nullptr ? json::Array() : *rows->if_array()) ids += *row.find("id")->if_string() + " ";
    return ids + (answer.find("nextPageToken") != nullptr ? "more" : "");
  };
  EXPECT_EQ(listed("{}"), "urn:assessment:1 urn:situation:crowds ");
  EXPECT_EQ(listed(R"({"kind":"situation"})"), "urn:situation:crowds ");
  EXPECT_EQ(listed(R"({"pageSize":1})"), "urn:assessment:1 more");
  world.clock.advance(std::chrono::hours(24));
  EXPECT_EQ(listed(R"({"inForce":true})"), "urn:assessment:1 ");
  EXPECT_EQ(world.state(), "over");
  const auto definitions = world.answer("/sluis.v1.DeclarationService/Definitions", "{}", "panel_member");
  EXPECT_EQ(*(*definitions.find("definitions")->if_array())[0].find("longest")->if_string(), "P2D");
}

TEST(ManagementDeclarations, TermsMayNameOnlySituationsThatAreDefinedHere) {
  const auto check = [](const std::string& rule) {
    const auto policy =
        policy::parse_policy(*json::parse(R"({"@id":"o","@type":"Offer",)" + rule + "}"), {.in_catalogue = true, .pointer = ""});
    EXPECT_TRUE(policy) << describe(policy.error());
    const auto checked = catalog::check_declarations(*policy, std::vector<std::string>{"urn:situation:crowds", "urn:situation:flood"});
    return checked ? "good" : describe(checked.error());
  };
  const auto on = [](const std::string& kind, const std::string& op, const std::string& id) {
    return "\"" + kind + R"(":[{"action":"use","constraint":[{"leftOperand":"sluis:situation","operator":")" + op +
           R"(","rightOperand":")" + id + R"("}]}])";
  };
  EXPECT_EQ(check(on("permission", "isAnyOf", "urn:situation:crowds")), "good");
  EXPECT_EQ(check(on("permission", "eq", "urn:situation:crowds")), "good");
  const auto unknown = check(on("permission", "isAnyOf", "urn:situation:crowd"));
  EXPECT_TRUE(says(unknown, "did you mean `urn:situation:crowds`?") && says(unknown, "/permission/0/constraint/0")) << unknown;
  EXPECT_TRUE(says(check(on("prohibition", "eq", "urn:situation:crowds")), "isAnyOf")) << "false where one more is in force";
  EXPECT_TRUE(says(check(on("permission", "neq", "urn:situation:crowds")), "isNoneOf"));
  EXPECT_EQ(check(on("prohibition", "isAnyOf", "urn:situation:crowds")), "good");
  const auto either = [](const std::string& logic) {
    return R"("prohibition":[{"action":"use","constraint":[{")" + logic +
           R"(":[{"leftOperand":"sluis:situation","operator":"isAnyOf","rightOperand":"urn:situation:crowds"},)"
           R"({"leftOperand":"sluis:situation","operator":"isAnyOf","rightOperand":"urn:situation:flood"}]}]}])";
  };
  EXPECT_TRUE(says(check(either("xone")), "xone")) << "no longer exactly one where one more is in force";
  EXPECT_EQ(check(either("or")), "good");
}

}  // namespace
}  // namespace sluis::management::test
