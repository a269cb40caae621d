#include "support.hpp"

namespace sluis::policy {
namespace {

using test::agreement;
using test::constraint;
using test::offer;
using test::parse;
using test::parsed;
using test::permission;
using test::prohibition;

const std::string kUse = R"("permission":[{"action":"use"}])";

TEST(ParsePolicy, ReadsShortNamesCuriesAndIrisAsOne) {
  const std::string curies =
      R"({"@id":"o","@type":"odrl:Offer","odrl:permission":[{"odrl:action":"odrl:use","constraint":[)"
      R"({"leftOperand":"odrl:purpose","operator":{"@id":"odrl:isA"},"rightOperand":{"@id":"dpv:Marketing"}},)"
      R"({"leftOperand":"sluis:classOfRecipient","operator":"eq","rightOperand":"sluis:company"}]}]})";
  const std::string iris =
      R"({"@id":"o","@type":"Offer","permission":[{"action":"http://www.w3.org/ns/odrl/2/use","constraint":[)"
      R"({"leftOperand":"http://www.w3.org/ns/odrl/2/purpose","operator":"http://www.w3.org/ns/odrl/2/isA",)"
      R"("rightOperand":{"@value":"https://w3id.org/dpv#Marketing",)" R"("@type":"xsd:anyURI"}},)"
      R"({"leftOperand":"https://w3id.org/sluis/odrl/1#classOfRecipient","operator":"eq",)"
      R"("rightOperand":"company"}]}]})";
  EXPECT_FALSE(compare(parsed(curies), parsed(iris)));
  EXPECT_EQ(parsed(curies).permissions.at(0).constraints.at(0).values.at(0), "https://w3id.org/dpv#Marketing");
}

TEST(ParsePolicy, ReadsIsAnyOfAsAnotherConnectorSendsIt) {
  const auto array = parsed(offer(prohibition(constraint(
      "purpose", "isAnyOf", R"(["dpv:Marketing","dpv:Advertising"])"))));
  const auto text = parsed(offer(prohibition(constraint(
      "purpose", "isAnyOf",
      R"("[{\"@value\":\"https://w3id.org/dpv#Marketing\"},{\"@value\":\"https://w3id.org/dpv#Advertising\"}]")"))));
  EXPECT_FALSE(compare(array, text));
  EXPECT_EQ(text.prohibitions.at(0).constraints.at(0).values.size(), 2U);
}

TEST(ParsePolicy, WritesWhatItReads) {
  const auto policy = parsed(offer(
      permission(constraint("purpose", "isAnyOf", R"(["dpv:Marketing","dpv:Advertising"])") + "," +
                 constraint("dateTime", "lt", R"("2026-12-01T00:00Z")") + "," +
                 constraint("elapsedTime", "lteq", R"("P7D")") + "," + constraint("recipient", "eq", R"("urn:x")")) +
      R"(,"obligation":[{"action":"odrl:delete","constraint":[)" + constraint("delayPeriod", "eq", R"("P7D")") +
      R"(]},{"action":"suppressSmallCells","constraint":[)" + constraint("minCellSize", "gteq", R"("10")") + "," +
      constraint("cellGroup", "eq", R"("total=in +out")") + "]}]"));
  const auto again = parse_policy(to_json(policy));
  ASSERT_TRUE(again) << describe(again.error());
  EXPECT_FALSE(compare(policy, *again));
  EXPECT_EQ(policy.obligations.at(1).constraints.at(1).values, (std::vector<std::string>{"total", "in", "out"}));
}

struct Bad {
  std::string text;
  std::string pointer;
  std::string part;
};

TEST(ParsePolicy, RefusesWhatItDoesNotKnowWithPointerAndMend) {
  const std::string c = "/permission/0/constraint/0";
  const std::vector<Bad> cases{
      {offer(kUse + R"(,"conflict":"perm")"), "/conflict", "conflict"},
      {offer(kUse + R"(,"inheritFrom":"x")"), "/inheritFrom", "inheritFrom"},
      {offer(kUse + R"(,"odrl:permission":[])"), "/odrl:permission", "twice"},
      {offer(R"("permisson":[])"), "/permisson", "did you mean `permission`?"},
      {offer(R"("permission":[])"), "/permission", "empty"},
      {offer(R"("obligation":[{"action":"deleteAfter"}])"), "/obligation/0", "delayPeriod"},
      {offer(R"("profile":"urn:other",)" + kUse), "/profile", "unknown profile"},
      {offer(R"("@context":[{"use":"urn:x"}],)" + kUse), "/@context", "names contexts"},
      {offer(R"("timestamp":"2026-01-01T00:00:00Z",)" + kUse), "/timestamp", "no `timestamp`"},
      {offer(R"("permission":[{"action":"use","duty":[]}])"), "/permission/0/duty", "obligation"},
      {offer(R"("permission":[{"action":"use","target":"d"}])"), "/permission/0/target", "policy"},
      {offer(R"("permission":[{"action":"distribute"}])"), "/permission/0/action", "unknown action"},
      {offer(R"("permission":[{"action":"deleteAfter"}])"), "/permission/0/action", "obligation"},
      {offer(R"("permission":[{"action":{"@id":"use","refinement":[]}}])"), "/permission/0/action", "string"},
      {offer(R"("permission":{"action":"use"})"), "/permission", "array"},
      {offer(permission(R"({"or":[]})")), c + "/or", "rule for each"},
      {offer(permission(constraint("purpse", "eq", R"("dpv:Marketing")"))), c + "/leftOperand", "`purpose`"},
      {offer(permission(constraint("purpose", "isNoneOf", R"("x:y")"))), c + "/operator", "unknown operator"},
      {offer(permission(constraint("purpose", "lt", R"("x:y")"))), c + "/operator", "does not fit"},
      {offer(permission(constraint("sluis:purpose", "eq", R"("x:y")"))), c + "/leftOperand", "unknown"},
      {offer(permission(constraint("delayPeriod", "eq", R"("P7D")"))), c + "/leftOperand", "no place"},
      {offer(permission(constraint("dateTime", "lt", "5"))), c + "/rightOperand", "a number"},
      {offer(permission(constraint("dateTime", "lt", R"("2026-01-01T00:00:00")"))), c + "/rightOperand", "2026"},
      {offer(permission(constraint("dateTime", "lt", R"({"@value":"2026-01-01","@type":"xsd:date"})"))),
       c + "/rightOperand/@type", "does not fit"},
      {offer(permission(constraint("elapsedTime", "lteq", R"("P1M")"))), c + "/rightOperand", "duration"},
      {offer(permission(constraint("purpose", "isAnyOf", "[]"))), c + "/rightOperand", "never hold"},
      {offer(permission(constraint("purpose", "isAnyOf", "[1]"))), c + "/rightOperand/0", "a number"},
      {offer(permission(constraint("purpose", "eq", R"("")"))), c + "/rightOperand", "bytes"},
      {offer(permission(R"({"leftOperand":"purpose","operator":"eq"})")), c, "rightOperand"},
      {offer(permission(R"({"leftOperand":"purpose","operator":"eq","rightOperand":"x:y","unit":"u"})")), c + "/unit",
       "unknown key"},
      {R"({"@type":"Offer","permission":[{"action":"use"}]})", "", "@id"},
      {R"({"@id":"o","@type":"Set","permission":[{"action":"use"}]})", "/@type", "unknown type"},
      {R"({"@id":"a","@type":"Agreement","target":"d","assigner":"p","permission":[{"action":"use"}]})", "",
       "assignee"},
  };
  for (const Bad& bad : cases) {
    const auto result = parse(bad.text);
    ASSERT_FALSE(result) << bad.text;
    EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(result.error().place.pointer, bad.pointer) << describe(result.error());
    EXPECT_NE(describe(result.error()).find(bad.part), std::string::npos) << describe(result.error());
  }
}

TEST(ParsePolicy, RefusesATargetOnlyInACatalogue) {
  const std::string text = offer(R"("target":"d1",)" + kUse);
  EXPECT_TRUE(parse(text));
  const auto result = parse(text, {true, "/dataset/0/hasPolicy/0"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().place.pointer, "/dataset/0/hasPolicy/0/target");
}

TEST(ParsePolicy, BoundsRulesAndConstraints) {
  std::string rules, constraints;
  for (int i = 0; i < 65; ++i) rules += (i != 0 ? "," : "") + std::string(R"({"action":"use"})");
  for (int i = 0; i < 257; ++i) constraints += (i != 0 ? "," : "") + constraint("recipient", "eq", R"("u:r")");
  EXPECT_EQ(parse(offer(R"("permission":[)" + rules + "]")).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(parse(offer(permission(constraints))).error().code, ErrorCode::limit_exceeded);
}

TEST(ParsePolicy, ReadsAnAgreementsTimestamp) {
  EXPECT_EQ(parsed(agreement(kUse)).timestamp, test::at("2026-11-01T00:00:00Z"));
}

}  // namespace
}  // namespace sluis::policy
