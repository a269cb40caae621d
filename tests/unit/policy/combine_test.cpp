#include "policy/odrl/combine.hpp"
#include "support.hpp"

namespace sluis::policy {
namespace {

using test::at;
using test::constraint;
using test::offer;
using test::parsed;
using test::permission;
using test::prohibition;
using test::purpose;

Result<Policy> together(const std::string& first, const std::string& second) {
  const std::vector<SourceTerms> sources{{"counts", parsed(offer(first))}, {"parking", parsed(offer(second))}};
  return combine(sources, *test::dpv());
}

bool permits(const Policy& policy, std::string_view name, std::string_view kind, std::string_view now) {
  const auto program = compile(policy, test::dpv());
  EXPECT_TRUE(program) << describe(program.error());
  Request request;
  request.purpose = purpose(name);
  request.class_of_recipient = program->class_of_recipient(kind);
  request.now = at(now);
  return program->decide(request).permit;
}

const std::string kNow = "2026-11-26T12:00:00Z";
const std::string kResearch = constraint("purpose", "isA", R"("dpv:ResearchAndDevelopment")");

TEST(Combine, PermissionsMeetAndProhibitionsJoin) {
  const auto both = together(
      permission(kResearch + "," + constraint("dateTime", "lt", R"("2027-01-01T00:00:00Z")")),
      permission(constraint("classOfRecipient", "isAnyOf", R"(["municipality","company"])")) + "," +
          prohibition(constraint("purpose", "eq", R"("dpv:CommercialResearch")")));
  ASSERT_TRUE(both) << describe(both.error());
  EXPECT_TRUE(permits(*both, "dpv:AcademicResearch", "company", kNow));
  EXPECT_FALSE(permits(*both, "dpv:AcademicResearch", "citizen", kNow)) << "the second's class";
  EXPECT_FALSE(permits(*both, "dpv:AcademicResearch", "company", "2027-01-01T00:00:00Z")) << "the first's time";
  EXPECT_FALSE(permits(*both, "dpv:CommercialResearch", "company", kNow)) << "the second's prohibition";
  EXPECT_FALSE(permits(*both, "dpv:Marketing", "company", kNow)) << "the first's purpose";
}

TEST(Combine, WhatOneSourceDeniesTheCombinationDenies) {
  const std::string first = permission(kResearch);
  const std::string second = R"("permission":[{"action":"use","constraint":[)" + kResearch + "," +
                             constraint("classOfRecipient", "eq", R"("company")") + R"(]},{"action":"use","constraint":[)" +
                             constraint("purpose", "eq", R"("dpv:Marketing")") + "]}]";
  const auto both = together(first, second);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->permissions.size(), 1U) << "research and marketing exclude each other";
  for (const char* name : {"dpv:AcademicResearch", "dpv:Marketing", "dpv:Purpose"}) {
    for (const char* kind : {"company", "municipality"}) {
      const bool each = permits(parsed(offer(first)), name, kind, kNow) && permits(parsed(offer(second)), name, kind, kNow);
      EXPECT_EQ(permits(*both, name, kind, kNow), each) << name << kind;
    }
  }
}

TEST(Combine, RefusesAnEmptyIntersectionAndNamesTheRules) {
  const auto purposes = together(permission(constraint("purpose", "eq", R"("dpv:Marketing")")), permission(kResearch));
  ASSERT_FALSE(purposes);
  EXPECT_NE(purposes.error().message.find("`counts/permission/0` and `parking/permission/0`"), std::string::npos)
      << purposes.error().message;
  const auto forbidden = together(permission(kResearch), permission(kResearch) + "," + prohibition(kResearch));
  ASSERT_FALSE(forbidden);
  EXPECT_NE(forbidden.error().message.find("parking/prohibition/0"), std::string::npos) << forbidden.error().message;
}

TEST(Combine, KeepsDutiesAndTheShortestPeriod) {
  const auto kept = [](const char* period) {
    return R"(,"obligation":[{"action":"deleteAfter","constraint":[)" +
           constraint("delayPeriod", "eq", "\"" + std::string(period) + "\"") + "]}]";
  };
  const auto both = together(permission(kResearch) + kept("P30D"), permission(kResearch) + kept("P7D"));
  ASSERT_TRUE(both);
  EXPECT_EQ(retention(*both), std::chrono::hours(24 * 7));
}

TEST(Combine, IsBounded) {
  std::string many = R"("permission":[)";
  for (int i = 0; i < 20; ++i) {
    many += (i == 0 ? "" : ",") + std::string(R"({"action":"use","constraint":[)") +
            constraint("dateTime", "lt", "\"20" + std::to_string(30 + i) + "-01-01T00:00:00Z\"") + "]}";
  }
  const auto both = together(many + "]", many + "]");
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().code, ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace sluis::policy
