#include "connector/management/known_names.hpp"

#include "connector/declaration/register.hpp"
#include "connector/management/activities.hpp"
#include "tests/unit/identity/support.hpp"
#include "tests/unit/management/world.hpp"

namespace sluis::management::test {
namespace {

const Timestamp kNow = identity::test::kNow;

bool says(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

policy::Policy policy_of(const std::string& rules) {
  auto read = policy::parse_policy(*json::parse(R"({"@id":"o","@type":"Offer",)" + rules + "}"), {.in_catalogue = true, .pointer = ""});
  EXPECT_TRUE(read) << describe(read.error());
  return std::move(*read);
}
std::string on(const std::string& operand, const std::string& op, const std::string& value) {
  return R"({"leftOperand":")" + operand + R"(","operator":")" + op + R"(","rightOperand":")" + value + "\"}";
}
std::string rule(const std::string& kind, const std::string& constraint) {
  return "\"" + kind + R"(":[{"action":"use","constraint":[)" + constraint + "]}]";
}

/// A federation of municipalities, and a node that has recorded one assessment.
struct Names : ::testing::Test {
  void SetUp() override {
    ASSERT_TRUE(directory.load(federation.envelope(), kNow, true));
    declaration::Declaration one;
    one.kind = declaration::Kind::assessment;
    one.id = "urn:assessment:flows";
    one.title = "Flows";
    one.safeguards = safeguards;
    one.acts.push_back({declaration::What::recorded, {identity::Role::privacy_officer, "B"}, kNow, kNow + std::chrono::hours(1), "compatible"});
    Commit commit;
    ASSERT_TRUE(declaration::put(commit, *declaration::read_open(store), nullptr, one, kNow));
    ASSERT_TRUE(store.write(commit.changes, true));
  }
  std::string checked(const std::string& rules) {
    const auto good = check_known_names(policy_of(rules), directory, store);
    return good ? "good" : good.error().place.pointer + ": " + describe(good.error());
  }
  std::vector<std::string> safeguards;  ///< of the assessment
  identity::test::Federation federation;
  identity::Directory directory{identity::Trust{{federation.keeper}, 1}};
  storage::MemoryStore store;
};

TEST_F(Names, AClassThatNoMemberHasIsRefusedWhereItExcludes) {
  const std::string typing_error = "municipalty";
  for (const char* op : {"isNoneOf", "neq"}) {
    const auto refused = checked(rule("permission", on("sluis:classOfRecipient", op, typing_error)));
    EXPECT_TRUE(says(refused, "/permission/0/constraint/0: ") && says(refused, "did you mean `municipality`?")) << refused;
    EXPECT_EQ(checked(rule("permission", on("sluis:classOfRecipient", op, "municipality"))), "good");
  }
  EXPECT_TRUE(says(checked(rule("prohibition", on("sluis:classOfRecipient", "eq", typing_error))), "/prohibition/0/constraint/0: "));
  EXPECT_TRUE(says(checked(rule("permission", R"({"xone":[)" + on("sluis:classOfRecipient", "eq", typing_error) + "," +
                                                  on("sluis:classOfRecipient", "eq", "municipality") + "]}")),
                   "no member has the class"));
  const std::string narrows = rule("permission", on("sluis:classOfRecipient", "isAnyOf", typing_error));
  EXPECT_EQ(checked(narrows), "good") << "it opens nothing";
  const auto notes = unknown_classes(policy_of(narrows), directory);
  ASSERT_EQ(notes.size(), 1U) << "and is told";
  EXPECT_TRUE(says(notes[0], "did you mean `municipality`?")) << notes[0];
}

TEST_F(Names, WithoutAMembershipListNothingCanBeExcludedByClass) {
  identity::Directory none{identity::Trust{{federation.keeper}, 1}};
  const auto refused = check_known_names(policy_of(rule("prohibition", on("sluis:classOfRecipient", "eq", "company"))), none, store);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(says(refused.error().mend, "membership list first"));
  EXPECT_TRUE(unknown_classes(policy_of(rule("permission", on("sluis:classOfRecipient", "eq", "company"))), none).empty());
}

TEST_F(Names, AnAssessmentThatWasNeverRecordedIsRefused) {
  EXPECT_EQ(checked(rule("permission", on("sluis:assessment", "isAnyOf", "urn:assessment:flows"))), "good");
  const auto refused = checked(rule("permission", on("sluis:assessment", "isAnyOf", "urn:assessment:flow")));
  EXPECT_TRUE(says(refused, "/permission/0/constraint/0: ") && says(refused, "did you mean `urn:assessment:flows`?")) << refused;
}

TEST_F(Names, TermsOfThisNodeAreCheckedInOnePlace) {
  catalog::Dataset dataset;
  dataset.assessment.personal = false;
  const auto vocabulary = std::make_shared<const policy::Vocabulary>(*policy::Vocabulary::parse(
      "dpv:Purpose\tPurpose\t\t\ndpv:ResearchAndDevelopment\tResearch\t\tdpv:Purpose\n"
      "dpv:ScientificResearch\tScience\t\tdpv:ResearchAndDevelopment\ndpv:Marketing\tMarketing\t\tdpv:Purpose\n", "test.tsv"));
  const auto all = [&](const std::string& rules) {
    const auto good = check_own_terms(policy_of(rules), dataset, std::vector<std::string>{"urn:situation:flood"}, directory, store, vocabulary, kNow);
    return good ? std::string("good") : good.error().place.pointer + ": " + describe(good.error());
  };
  EXPECT_EQ(all(rule("permission", on("sluis:situation", "isAnyOf", "urn:situation:flood"))), "good");
  EXPECT_TRUE(says(all(rule("permission", on("sluis:situation", "neq", "urn:situation:flood"))), "one more situation"));
  EXPECT_TRUE(says(all(rule("permission", on("sluis:situation", "isAnyOf", "urn:situation:fload"))), "defines no situation"));
  EXPECT_NE(all(rule("permission", on("sluis:classOfRecipient", "eq", "a company"))), "good");
  EXPECT_TRUE(says(all(rule("prohibition", on("sluis:classOfRecipient", "eq", "compagny"))), "no member has the class"));
  const std::string assessed = rule("permission", on("sluis:assessment", "isAnyOf", "urn:assessment:flows"));
  EXPECT_EQ(all(assessed), "good") << "not personal";
  dataset.assessment.personal = true;
  EXPECT_TRUE(says(all(assessed), "/permission/0/constraint/0: ") && says(all(assessed), "`processed_under`")) << all(assessed);
  const std::string science = rule("permission", on("purpose", "isA", "dpv:ResearchAndDevelopment"));
  const std::string safe = science + R"(,"obligation":[{"action":"deleteAfter","constraint":[)" + on("delayPeriod", "eq", "P7D") + "]}]";
  EXPECT_TRUE(says(all(science), "/permission: ") && says(all(science), "without a safeguard")) << all(science);
  EXPECT_TRUE(says(all(rule("permission", on("purpose", "neq", "dpv:Marketing"))), "without a safeguard")) << "whatever the words";
  EXPECT_EQ(all(safe), "good");
  EXPECT_EQ(all(rule("permission", on("purpose", "eq", "dpv:Marketing"))), "good");
  dataset.assessment.personal = false;
  EXPECT_EQ(all(science), "good") << "not personal";
}

TEST_F(Names, AnAssessmentsSafeguardsAreInTheTermsThatNameIt) {
  safeguards = {"per hour", "sluis:deleteAfter"};
  SetUp();
  const std::string assessed = rule("permission", on("sluis:assessment", "isAnyOf", "urn:assessment:flows"));
  EXPECT_TRUE(says(checked(assessed), "/permission/0/constraint/0: ") && says(checked(assessed), "takes `sluis:deleteAfter`")) << checked(assessed);
  EXPECT_EQ(checked(assessed + R"(,"obligation":[{"action":"deleteAfter","constraint":[)" + on("delayPeriod", "eq", "P7D") + "]}]"), "good");
}

TEST_F(Names, DataThatWereGatheredOnConsentAreOpenedByNoAssessment) {
  catalog::Dataset dataset;
  dataset.assessment.personal = false;
  dataset.processed_under = "urn:a:counts";
  const auto register_with = [&](const std::vector<std::string>& bases) {
    ActivityVersion one;
    one.id = "urn:a:counts";
    one.purpose = "https://w3id.org/dpv#Marketing";
    one.from = kNow - std::chrono::hours(1);
    one.legal_basis = bases;
    ASSERT_TRUE(store.write({{activity_key(one.id), encode(std::vector{one})}}, true));
  };
  const auto why = [&] {
    const auto good = check_gathered(dataset, store, kNow);
    return good ? std::string("good") : describe(good.error());
  };
  EXPECT_TRUE(says(why(), "not in the register"));
  register_with({"eu-gdpr:A6-1-e"});
  std::vector<Precondition> as_read;
  EXPECT_TRUE(check_gathered(dataset, store, kNow, &as_read));
  ASSERT_EQ(as_read.size(), 1U);
  EXPECT_EQ(as_read[0].key, activity_key("urn:a:counts")) << "a permit holds only while the register says so";
  register_with({"eu-gdpr:A6-1-e", "eu-gdpr:A6-1-a"});
  EXPECT_TRUE(says(why(), "consent"));
  register_with({"toestemming"});
  EXPECT_TRUE(says(why(), "no legal basis that DPV has")) << "registered before bases were checked";
  register_with({});
  EXPECT_EQ(why(), "good") << "not personal: no basis is needed";
  dataset.assessment.personal = true;
  EXPECT_TRUE(says(why(), "not known"));
  dataset.processed_under.clear();
  EXPECT_TRUE(says(why(), "`processed_under` names no processing activity"));
  dataset.assessment.personal = false;
  EXPECT_EQ(why(), "good");
}

TEST(KnownNames, AreAskedForAtPublication) {
  World world;
  const std::string dataset = "urn:waterrijk:dataset:counts";
  std::string offer = R"({"@id":"urn:w:1","@type":"Offer",)" + rule("permission", on("sluis:assessment", "isAnyOf", "urn:assessment:none")) + "}";
  world.backend.read_beside = [&](const std::string&) -> Result<std::string> { return offer; };
  const auto publish = [&](const std::string& more) {
    std::string text = catalog::test::agreement_file();
    text = "offer = \"offer.json\"\n" + more + text.substr(0, text.find("[terms]")) + "[terms]\nprocessing_activity = true\n";
    return world.post("/sluis.v1.DatasetService/Publish", json::serialise(json::object({{"toml", text}})));
  };
  const auto unknown = publish("");
  EXPECT_EQ(unknown.status, 400U);
  EXPECT_TRUE(says(unknown.body, "was recorded here") && says(unknown.body, "/permission/0/constraint/0")) << unknown.body;
  const std::string toml = "id = 'urn:assessment:none'\\ntitle = 'Study'\\npurposes = ['dpv:Marketing']\\nlegal_basis = ['eu-gdpr:A6-1-e']\\n"
                           "why = 'compatible'\\nuntil = '2027-01-01'\\nsafeguards = []\\n";
  const auto recorded = world.post("/sluis.v1.DeclarationService/RecordAssessment", R"({"toml":")" + toml + R"(","file":"s.toml"})", "privacy_officer:B");
  ASSERT_EQ(recorded.status, 200U) << recorded.body;
  EXPECT_TRUE(says(publish("").body, "processed_under")) << "on which basis the data were gathered is not known";
  const auto activity = [&](const std::string& basis) {
    return world.post("/sluis.v1.ActivityService/Publish",
                      R"({"id":"urn:a:counts","title":"Counts","purpose":"dpv:Marketing","legalBasis":[")" + basis + "\"]}", "privacy_officer:B");
  };
  EXPECT_TRUE(says(activity("eu-gdpr:A6-1-zz").body, "/legalBasis")) << "the register takes what DPV has";
  ASSERT_EQ(activity("eu-gdpr:A6-1-a").status, 200U);
  world.clock.advance(std::chrono::hours(1));
  EXPECT_TRUE(says(publish("processed_under = \"urn:a:counts\"\n").body, "consent"));
  ASSERT_EQ(activity("eu-gdpr:A6-1-e").status, 200U);
  world.clock.advance(std::chrono::hours(1));
  const auto published = publish("processed_under = \"urn:a:counts\"\n");
  EXPECT_EQ(published.status, 200U) << published.body;
  offer = R"({"@id":"urn:w:2","@type":"Offer",)" + rule("permission", on("sluis:classOfRecipient", "isNoneOf", "compnay")) + "}";
  EXPECT_TRUE(says(publish("").body, "no member has the class"));
}

}  // namespace
}  // namespace sluis::management::test
