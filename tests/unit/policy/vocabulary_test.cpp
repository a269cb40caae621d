#include "support.hpp"

namespace sluis::policy {
namespace {

using test::dpv;
using test::purpose;

TEST(Vocabulary, HoldsThePinnedPurposesOfDpv) {
  EXPECT_EQ(dpv()->size(), 122U);
  const PurposeIndex root = purpose("dpv:Purpose");
  for (std::size_t i = 0; i < dpv()->size(); ++i) EXPECT_TRUE(dpv()->is_a(static_cast<PurposeIndex>(i), root)) << i;
}

TEST(Vocabulary, IsAFollowsEveryParent) {
  EXPECT_TRUE(dpv()->is_a(purpose("dpv:CommercialResearch"), purpose("dpv:CommercialPurpose")));
  EXPECT_TRUE(dpv()->is_a(purpose("dpv:CommercialResearch"), purpose("dpv:ResearchAndDevelopment")));
  EXPECT_TRUE(dpv()->is_a(purpose("dpv:Marketing"), purpose("https://w3id.org/dpv#Marketing")));
  EXPECT_FALSE(dpv()->is_a(purpose("dpv:Marketing"), purpose("dpv:DirectMarketing")));
}

TEST(Vocabulary, TakesAFederationsOwnTermsBelowDpv) {
  const auto own = dpv()->with("# ours\nhttps://parkwijs.example/p#Crowd\tCrowd management\tDrukte\tdpv:PublicBenefit\n"
                               "https://parkwijs.example/p#Fair\tFair\t\thttps://parkwijs.example/p#Crowd\r\n",
                               "own.tsv");
  ASSERT_TRUE(own) << describe(own.error());
  EXPECT_TRUE(own->is_a(*own->lookup("https://parkwijs.example/p#Fair"), *own->lookup("dpv:PublicBenefit")));
  EXPECT_EQ(own->term(*own->lookup("https://parkwijs.example/p#Crowd")).label_nl, "Drukte");
  EXPECT_NE(own->canonical_text(), dpv()->canonical_text());
  EXPECT_TRUE(own->descendants(purpose("dpv:Purpose")).test(*own->lookup("https://parkwijs.example/p#Fair")));
}

TEST(Vocabulary, KnowsWhichPurposesJudgePersons) {
  EXPECT_TRUE(dpv()->judges_persons(purpose("dpv:CustomerSolvencyMonitoring")));
  EXPECT_TRUE(dpv()->judges_persons(purpose("dpv:MaintainFraudDatabase"))) << "below the prevention of fraud";
  EXPECT_TRUE(dpv()->judges_persons(purpose("dpv:RecruitmentApplicantSelection")));
  for (const char* other : {"dpv:Purpose", "dpv:PublicBenefit", "dpv:Marketing", "dpv:ScientificResearch", "dpv:ProvideOfficialStatistics"}) {
    EXPECT_FALSE(dpv()->judges_persons(purpose(other))) << other;
  }
  const auto own = dpv()->with(std::string(kJudgesPersons) + "\tJudging persons\tOordelen over personen\tdpv:Purpose\n"
                               "https://parkwijs.example/p#Towing\tTowing\tWegslepen\tdpv:PublicBenefit " + std::string(kJudgesPersons) + "\n"
                               "https://parkwijs.example/p#Crowd\tCrowds\tDrukte\tdpv:PublicBenefit\n", "own.tsv");
  ASSERT_TRUE(own) << describe(own.error());
  EXPECT_TRUE(own->judges_persons(*own->lookup("https://parkwijs.example/p#Towing")));
  EXPECT_FALSE(own->judges_persons(*own->lookup("https://parkwijs.example/p#Crowd")));
  EXPECT_TRUE(own->judges_persons(purpose("dpv:CustomerSolvencyMonitoring"))) << "a federation adds, and takes nothing away";
}

void refused(std::string_view text, std::uint32_t line, std::string_view part) {
  const auto result = Vocabulary::parse(text, "own.tsv");
  ASSERT_FALSE(result) << text;
  EXPECT_EQ(result.error().place.line, line) << describe(result.error());
  EXPECT_NE(result.error().message.find(part), std::string::npos) << describe(result.error());
}

TEST(Vocabulary, RefusesWithTheLine) {
  refused("u:a\tA\nu:a\tB\n", 2, "there already");
  refused("u:a\tA\n\nu:b\tB\t\tu:c\n", 3, "unknown parent");
  refused("u:r\tR\nu:a\tA\t\tu:b\nu:b\tB\t\tu:a u:r\n", 2, "cycle");
  refused("u:a\tA\t\tu:a\n", 1, "cycle");
  refused("u:a\n", 1, "needs");
  refused("no iri\tA\n", 1, "not an IRI");
}

TEST(Vocabulary, RefusesMoreThan512) {
  std::string text;
  for (int i = 0; i < 512; ++i) text += "u:" + std::to_string(i) + "\tP\n";
  const auto full = Vocabulary::parse(text, "own.tsv");
  ASSERT_TRUE(full);
  EXPECT_TRUE(full->is_a(511, 511));
  EXPECT_EQ(full->with("u:more\tP\n", "more.tsv").error().code, ErrorCode::limit_exceeded);
  refused(text + "u:512\tP\n", 513, "512");
}

TEST(Vocabulary, CanonicalTextDoesNotDependOnOrderOrLabels) {
  const auto a = Vocabulary::parse("u:a\tA\nu:c\tC\nu:b\tB\t\tu:a u:c\n", "a");
  const auto b = Vocabulary::parse("u:b\tBee\tBij\tu:c u:a\nu:c\tC\nu:a\tA\n", "b");
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->canonical_text(), b->canonical_text());
}

}  // namespace
}  // namespace sluis::policy
