#include "support.hpp"

namespace sluis::policy {
namespace {

using test::agreement;
using test::at;
using test::constraint;
using test::offer;
using test::parsed;
using test::permission;
using test::program;
using test::purpose;
using test::read;

std::string terms(const std::string& of_purpose, const std::string& until = "2026-12-01T00:00:00Z",
                  const std::string& kept = "P7D") {
  return permission(of_purpose + "," + constraint("dateTime", "lt", "\"" + until + "\"") + "," +
                    constraint("classOfRecipient", "isAnyOf", R"(["municipality","company"])")) +
         R"(,"obligation":[{"action":"deleteAfter","constraint":[)" +
         constraint("delayPeriod", "eq", "\"" + kept + "\"") + "]}]";
}
const std::string kResearch = constraint("purpose", "isA", R"("dpv:ResearchAndDevelopment")");
const std::string kMarketing = constraint("purpose", "eq", R"("dpv:Marketing")");

std::string difference(const std::string& a, const std::string& b) {
  const auto reason = compare(parsed(offer(a)), parsed(offer(b)));
  return reason ? reason->code : "";
}

TEST(Match, TellsTheFirstDifference) {
  EXPECT_EQ(difference(terms(kResearch), terms(kResearch)), "");
  EXPECT_EQ(difference(terms(kResearch), terms(kMarketing)), "purpose");
  EXPECT_EQ(difference(terms(kResearch), terms(kResearch, "2027-12-01T00:00:00Z")), "time");
  EXPECT_EQ(difference(terms(kResearch), terms(kResearch, "2026-12-01T00:00:00Z", "P8D")), "duty");
  EXPECT_EQ(difference(terms(kResearch), permission(kResearch)), "time");
  const auto to = [](const char* id) { return permission(constraint("recipient", "eq", id)); };
  EXPECT_EQ(difference(to(R"("u:a")"), to(R"("u:b")")), "recipient");
  const std::string company = permission(constraint("classOfRecipient", "eq", R"("company")"));
  EXPECT_EQ(difference(company, R"("permission":[{"action":"use"}])"), "class");
  EXPECT_EQ(difference(company, company + "," + test::prohibition(kMarketing)), "other");
  EXPECT_EQ(difference(company + "," + test::prohibition(kMarketing), company), "other") << "a prohibition dropped";
}

TEST(Match, SpellingAndOrderMakeNoDifference) {
  EXPECT_EQ(difference(permission(kResearch + "," + constraint("dateTime", "lt", R"("2026-12-01T00:00Z")")),
                       permission(constraint("odrl:dateTime", "lt", R"("2026-12-01T01:00:00+01:00")") + "," +
                                  constraint("purpose", "isA", R"("https://w3id.org/dpv#ResearchAndDevelopment")"))),
            "");
}



std::string differs_at(const std::string& a, const std::string& b) {
  return first_difference(parsed(offer(a)), parsed(offer(b)), "/offer").value_or("nowhere");
}

TEST(Match, TheSameHoweverItIsWritten) {
  const std::string research = constraint("purpose", "isA", R"("https://w3id.org/dpv#ResearchAndDevelopment")");
  EXPECT_EQ(differs_at(permission(kResearch), permission(research)), "nowhere");
  EXPECT_EQ(differs_at(R"("permission":[{"action":"use"}])", R"("odrl:permission":{"action":{"@id":"odrl:use"}})"), "nowhere");
  const std::string list = constraint("purpose", "isAnyOf", R"(["dpv:Marketing","dpv:ResearchAndDevelopment"])");
  const std::string as_text = constraint("purpose", "isAnyOf", R"("[{\"@value\":\"dpv:Marketing\"},{\"@value\":\"dpv:ResearchAndDevelopment\"}]")");
  EXPECT_EQ(differs_at(permission(list), permission(as_text)), "nowhere");
}

TEST(Match, WhateverSaysSomethingElseDiffersAtItsPlace) {
  const std::string one = permission(kResearch);
  EXPECT_EQ(differs_at(one, permission(kMarketing)), "/permission/0");
  EXPECT_EQ(differs_at(one, R"("permission":[{"action":"use"}])"), "/permission/0");
  EXPECT_EQ(differs_at(one, one + "," + test::prohibition(kMarketing)), "/prohibition/0");
  EXPECT_EQ(differs_at(one + "," + test::prohibition(kMarketing), one), "/offer/prohibition") << "one that is missing";
  EXPECT_EQ(differs_at(one, one + R"(,"conflict":"perm")"), "/offer/conflict");
  EXPECT_EQ(differs_at(terms(kResearch), terms(kResearch, "2026-12-01T00:00:00Z", "P8D")), "/obligation/0");
  EXPECT_EQ(differs_at(permission(kResearch + "," + kMarketing), permission(kMarketing + "," + kResearch)), "/permission/0") << "order counts";
}

TEST(Match, CouldPermitLeavesOpenWhatIsNotKnown) {
  const auto compiled = program(offer(terms(kResearch)));
  EXPECT_TRUE(could_permit(compiled, "municipality", "urn:duinmeer"));
  EXPECT_TRUE(could_permit(compiled, "", ""));
  EXPECT_FALSE(could_permit(compiled, "citizen", "urn:x"));
  EXPECT_FALSE(could_permit(compiled, "company", "urn:x", purpose("dpv:Marketing")));
  EXPECT_TRUE(could_permit(compiled, "company", "urn:x", purpose("dpv:AcademicResearch"), at("2026-11-01T00:00:00Z")));
  EXPECT_FALSE(could_permit(compiled, "company", "urn:x", {}, at("2026-12-01T00:00:00Z"))) << "over for good";
  const auto later = program(offer(permission(constraint("dateTime", "gteq", R"("2030-01-01T00:00:00Z")"))));
  EXPECT_TRUE(could_permit(later, "company", "urn:x", {}, at("2026-12-01T00:00:00Z"))) << "opens later";
}

TEST(Match, WhatTakesTooLongToAskIsNotKnown) {
  const auto ever = [](std::size_t parties, std::size_t times, const std::string& more = "") {
    std::string rules;
    for (std::size_t i = 0; i < times; ++i) {
      rules += std::string(rules.empty() ? "" : ",") + R"({"action":"use","constraint":[)" +
               constraint("dateTime", "gteq", "\"20" + std::to_string(30 + i) + "-01-01T00:00:00Z\"") + "," + constraint("recipient", "isAnyOf", R"(["urn:n"])") + "]}";
    }
    std::string names;
    for (std::size_t i = 0; i < parties; ++i) names += (i == 0 ? "\"urn:p:" : ",\"urn:p:") + std::to_string(i) + "\"";
    // Nobody is one of them and yet is `urn:n`.
    const std::string text = offer(R"("permission":[)" + rules + more + R"(],"prohibition":[{"action":"use","constraint":[)" +
                                   constraint("recipient", "isNoneOf", "[" + names + "]") + "]}]");
    return could_ever_permit(parsed(text), program(text), at("2026-11-01T00:00:00Z"));
  };
  EXPECT_EQ(ever(3, 2), false);
  EXPECT_EQ(ever(500, 40), std::nullopt) << "neither yes nor no";
  EXPECT_EQ(ever(500, 40, R"(,{"action":"use"})"), true);
}

TEST(Match, WhatIsOverIsOverForWhomeverAndWhatever) {
  const Timestamp agreed = at("2026-01-01T00:00:00Z");
  const auto until = [](const std::string& time) { return permission(constraint("dateTime", "lt", "\"" + time + "\"")); };
  EXPECT_EQ(over_from(program(offer(until("2026-06-01T00:00:00Z"))), agreed), at("2026-06-01T00:00:00Z"));
  EXPECT_EQ(over_from(program(offer(permission(constraint("elapsedTime", "lt", R"("P7D")")))), agreed), at("2026-01-08T00:00:00Z"));
  EXPECT_FALSE(over_from(program(offer(permission(kMarketing))), agreed)) << "for ever";
  EXPECT_FALSE(over_from(program(offer(permission(constraint("dateTime", "gteq", R"("2030-01-01T00:00:00Z")")))), agreed)) << "opens later";
  const std::string two = R"("permission":[{"action":"use","constraint":[)" + constraint("dateTime", "lt", R"("2026-06-01T00:00:00Z")") +
                          R"(]},{"action":"use","constraint":[)" + constraint("dateTime", "gteq", R"("2027-01-01T00:00:00Z")") + "," +
                          constraint("dateTime", "lt", R"("2027-02-01T00:00:00Z")") + "]}]";
  EXPECT_EQ(over_from(program(offer(two)), agreed), at("2027-02-01T00:00:00Z")) << "a pause is no end";
  EXPECT_FALSE(over_from(program(offer(until("2025-01-01T00:00:00Z"))), agreed)) << "what never could has no end either";
}

TEST(Match, RetentionTransformsAndSinglePurpose) {
  const std::string text = offer(
      permission(kMarketing) + R"(,"obligation":[{"action":"deleteAfter","constraint":[)" +
      constraint("delayPeriod", "lteq", R"("P9D")") + R"(]},{"action":"delete","constraint":[)" +
      constraint("delayPeriod", "eq", R"("P7D")") + R"(]},{"action":"suppressSmallCells","constraint":[)" +
      constraint("minCellSize", "gteq", R"({"@value":"10","@type":"xsd:integer"})") + "," +
      constraint("cellColumn", "isAnyOf", R"(["a","b"])") + "," +
      constraint("cellGroup", "eq", R"("total = in + out")") + "]}]");
  const Policy policy = parsed(text);
  const auto compiled = program(text);
  EXPECT_EQ(retention(policy), std::chrono::hours(24 * 7));
  const Transform wanted = SuppressSmallCells{10, {"a", "b"}, {{"total", {"in", "out"}}}, 0};
  ASSERT_EQ(transforms(policy).size(), 1U);
  EXPECT_EQ(transforms(policy).front(), wanted);
  EXPECT_EQ(single_purpose(compiled), purpose("dpv:Marketing"));
  EXPECT_FALSE(single_purpose(program(offer(permission(kResearch)))));
  EXPECT_FALSE(single_purpose(program(offer(R"("permission":[{"action":"use"}])"))));
  EXPECT_FALSE(retention(parsed(offer(permission(kResearch)))));
  EXPECT_TRUE(purpose_satisfies(program(offer(permission(kResearch))), purpose("dpv:AcademicResearch")));
  EXPECT_FALSE(purpose_satisfies(program(offer(permission(kResearch))), purpose("dpv:Purpose")));
}

}  // namespace
}  // namespace sluis::policy
