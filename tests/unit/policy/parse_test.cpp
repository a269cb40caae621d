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
      {offer(kUse + R"(,"conflict":"permit")"), "/conflict", "known are `perm`"},
      {offer(kUse + R"(,"inheritFrom":"x")"), "/inheritFrom", "cannot be followed"},
      {offer(kUse + R"(,"status":"active")"), "/status", "keeps the state"},
      {offer(kUse + R"(,"odrl:permission":[])"), "/odrl:permission", "twice"},
      {offer(R"("permisson":[])"), "/permisson", "did you mean `permission`?"},
      {offer(R"("permission":[])"), "/permission", "empty"},
      {offer(R"("obligation":[{"action":"deleteAfter"}])"), "/obligation/0", "delayPeriod"},
      {offer(R"("profile":"urn:other",)" + kUse), "/profile", "unknown profile"},
      {offer(R"("@context":[{"use":"urn:x"}],)" + kUse), "/@context", "names contexts"},
      {offer(R"("timestamp":"2026-01-01T00:00:00Z",)" + kUse), "/timestamp", "no `timestamp`"},
      {offer(R"("permission":[{"action":"use","duty":[]}])"), "/permission/0/duty", "empty"},
      {offer(R"("permission":[{"action":"use","remedy":{"action":"inform"}}])"), "/permission/0/remedy", "prohibition"},
      {offer(R"("permission":[{"action":"distrbute"}])"), "/permission/0/action", "did you mean `distribute`"},
      {offer(R"("permission":[{"action":"write"}])"), "/permission/0/action", "deprecated; write `modify`"},
      {offer(R"("permission":[{"action":"lease"}])"), "/permission/0/action", "nothing replaces it"},
      {offer(R"("permission":[{"@type":"Duty","action":"use"}])"), "/permission/0/@type", "write `Permission`"},
      {offer(R"("permission":[{"uid":"r","action":"use"},{"uid":"r","action":"play"}])"), "/permission/1/@id", "two different"},
      {offer(R"("permission":[{"action":"use","duty":[{"action":"suppressSmallCells"}]}])"),
       "/permission/0/duty/0/action", "obligation of the policy"},
      {offer(R"("permission":[{"action":["use","play"],"target":{"source":"c","@type":"Thing"}}])"),
       "/permission/0/target/@type", "unknown type"},
      {offer(R"("permission":[{"action":"deleteAfter"}])"), "/permission/0/action", "obligation"},
      {offer(R"("permission":[{"action":{"@id":"use","refinement":[]}}])"), "/permission/0/action/refinement", "empty"},
      {offer(R"("permission":null)"), "/permission", "an object, not null"},
      {offer(permission(R"({"or":[]})")), c + "/or", "empty"},
      {offer(permission(R"({"or":[)" + constraint("purpose", "eq", R"("x:y")") + "]}")), c + "/or", "two operands"},
      {offer(permission(R"({"xone":[)" + constraint("event", "eq", R"("x:y")") + "," +
                        constraint("event", "eq", R"("x:y")") + "]}")), c + "/xone", "equal"},
      {offer(permission(R"({"or":[{},{}],"and":[{},{}]})")), c, "one of"},
      {offer(permission(R"({"leftOperand":"purpose","operator":"eq","rightOperandReference":"urn:x"})")),
       c + "/rightOperandReference", "nobody fetches it"},
      {offer(permission(constraint("device", "eq", R"("x:y")"))), c + "/leftOperand", "systemDevice"},
      {offer(permission(constraint("timeInterval", "eq", R"("P1D")"))), c + "/leftOperand", "dateTime"},
      {offer(permission(constraint("payAmount", "lteq", R"("5")"))), c, "needs `unit`"},
      {offer(permission(constraint("percentage", "lteq", R"("0.1234567")"))), c + "/rightOperand", "decimal"},
      {offer(permission(constraint("percentage", "lteq", R"("1e3")"))), c + "/rightOperand", "decimal"},
      {offer(permission(constraint("count", "lteq", R"("99999999999999999999")"))), c + "/rightOperand", "whole number"},
      {offer(permission(constraint("dateTime", "lt", R"("2026-01-01T24:00:00Z")"))), c + "/rightOperand", "next day"},
      {offer(permission(constraint("dateTime", "lt", R"("2016-12-31T23:59:60Z")"))), c + "/rightOperand", "2016"},
      {offer(permission(constraint("purpse", "eq", R"("dpv:Marketing")"))), c + "/leftOperand", "`purpose`"},
      {offer(permission(constraint("purpose", "isOneOf", R"("x:y")"))), c + "/operator", "unknown operator"},
      {offer(permission(constraint("recipient", "isA", R"("x:y")"))), c + "/operator", "does not fit"},
      {offer(permission(constraint("purpose", "lt", R"("x:y")"))), c + "/operator", "does not fit"},
      {offer(permission(constraint("sluis:purpose", "eq", R"("x:y")"))), c + "/leftOperand", "unknown"},
      {offer(permission(constraint("delayPeriod", "eq", R"("P7D")"))), c + "/leftOperand", "no place"},
      {offer(permission(constraint("dateTime", "lt", "5"))), c + "/rightOperand", "a number"},
      {offer(permission(constraint("dateTime", "lt", R"("2026-01-01T00:00:00")"))), c + "/rightOperand", "2026"},
      {offer(permission(constraint("dateTime", "lt", R"({"@value":"2026-01-01","@type":"xsd:date"})"))),
       c + "/rightOperand", "no zone"},
      {offer(permission(constraint("elapsedTime", "lteq", R"("P1W")"))), c + "/rightOperand", "duration"},
      {offer(permission(constraint("meteredTime", "lteq", R"("P1M")"))), c + "/rightOperand", "duration"},
      {offer(permission(constraint("purpose", "isAnyOf", "[]"))), c + "/rightOperand", "decides nothing"},
      {offer(permission(constraint("purpose", "isAnyOf", "[1]"))), c + "/rightOperand/0", "a number"},
      {offer(permission(constraint("purpose", "eq", R"("")"))), c + "/rightOperand", "bytes"},
      {offer(permission(R"({"leftOperand":"purpose","operator":"eq"})")), c, "rightOperand"},
      {offer(permission(R"({"leftOperand":"purpose","operator":"eq","rightOperand":"x:y","unit":"u"})")), c + "/unit",
       "no unit"},
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

std::string obliged(const std::string& action, const std::string& parameters) {
  return offer(kUse + R"(,"obligation":[{"action":")" + action + R"(","constraint":[)" + parameters + "]}]");
}

TEST(ParsePolicy, ReadsEveryTransformWithItsParameters) {
  const auto only = [](const std::string& text) {
    const Policy policy = parsed(text);
    const auto again = parse_policy(to_json(policy));
    EXPECT_TRUE(again && !compare(policy, *again)) << text;
    const auto list = transforms(policy);
    EXPECT_EQ(list.size(), 1U);
    return list.empty() ? Transform() : list.front();
  };
  EXPECT_EQ(only(obliged("generaliseTime", constraint("timeColumn", "eq", R"("time")") + "," +
                                               constraint("timeStep", "eq", R"("PT1H")") + "," +
                                               constraint("timeZone", "eq", R"("Europe/Amsterdam")"))),
            Transform(GeneraliseTime{{"time"}, "PT1H", "Europe/Amsterdam"}));
  EXPECT_EQ(only(obliged("pseudonymise", constraint("pseudonymColumn", "isAnyOf", R"(["a","b"])") + "," +
                                             constraint("pseudonymEpoch", "eq", R"("2026-Q4")"))),
            Transform(Pseudonymise{{"a", "b"}, "2026-Q4"}));
  EXPECT_EQ(only(obliged("maskColumn", constraint("maskedColumn", "eq", R"("plate")") + "," +
                                           constraint("keptCharacters", "lteq", R"("2")"))),
            Transform(MaskColumn{{"plate"}, 2}));
  EXPECT_EQ(only(obliged("generalisePlace", constraint("placeColumn", "isAnyOf", R"(["lat","lon"])") + "," +
                                                constraint("placeGrid", "gteq", R"("0.01")"))),
            Transform(GeneralisePlace{{"lat", "lon"}, "0.01", ""}));
  EXPECT_EQ(only(obliged("aggregateBy", constraint("groupColumn", "eq", R"("street")") + "," +
                                            constraint("groupMeasure", "isAnyOf", R"x(["all = sum(total)","subjects()"])x") +
                                            "," + constraint("subjectColumn", "eq", R"("device")") + "," +
                                            constraint("maxGroups", "lteq", R"("100")") + "," +
                                            constraint("groupTotal", "eq", R"("true")"))),
            Transform(AggregateBy{{"street"},
                                  {{"all", Measure::Of::sum, "total"}, {"subjects", Measure::Of::subjects, ""}},
                                  "device", 100, true}));
}

TEST(ParsePolicy, RefusesTransformsThatAreNotWhole) {
  const std::string c = "/obligation/0/constraint/0/rightOperand";
  const std::vector<Bad> cases{
      {obliged("generaliseTime", constraint("timeColumn", "eq", R"("t")") + "," + constraint("timeStep", "eq", R"("PT1H")")),
       "/obligation/0", "exactly one `timeZone`"},
      {obliged("generaliseTime", constraint("timeStep", "eq", R"("PT7H")")), c, "part of a day"},
      {obliged("generaliseTime", constraint("timeZone", "eq", R"("../etc")")), c, "time zone"},
      {obliged("pseudonymise", constraint("pseudonymEpoch", "eq", R"("a b")")), c, "epoch"},
      {obliged("maskColumn", constraint("keptCharacters", "lteq", R"("65")")), c, "0 to 64"},
      {obliged("generalisePlace", constraint("placeGrid", "gteq", R"("0")")), c, "above 0"},
      {obliged("generalisePlace", constraint("placeColumn", "eq", R"("p")")), "/obligation/0", "either"},
      {obliged("aggregateBy", constraint("groupMeasure", "eq", R"x("mean(x)")x")), c, "measure"},
      {obliged("aggregateBy", constraint("minCellSize", "gteq", R"("5")")),
       "/obligation/0/constraint/0/leftOperand", "no place"},
      {obliged("suppressSmallCells", constraint("minCellSize", "gteq", R"("5")") + "," +
                                         constraint("minCellSize", "gteq", R"("6")")), "/obligation/0", "exactly one"},
  };
  for (const Bad& bad : cases) {
    const auto result = parse(bad.text);
    ASSERT_FALSE(result) << bad.text;
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
  for (int i = 0; i < 1025; ++i) constraints += (i != 0 ? "," : "") + constraint("recipient", "eq", R"("u:r")");
  EXPECT_EQ(parse(offer(R"("permission":[)" + rules + "]")).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(parse(offer(permission(constraints))).error().code, ErrorCode::limit_exceeded);
}

TEST(ParsePolicy, CountsTheConstraintsOfEveryCombination) {
  const auto with = [](int rules, int conditions) {
    std::string targets, constraints, all;
    for (int i = 0; i < 16; ++i) targets += (i != 0 ? "," : "") + std::string("\"urn:") + std::to_string(i) + "\"";
    for (int i = 0; i < conditions; ++i) constraints += (i != 0 ? "," : "") + constraint("event", "neq", "\"" + std::to_string(i) + "\"");
    for (int i = 0; i < rules; ++i) {
      all += (i != 0 ? "," : "") + std::string(R"({"action":"use","target":[)") + targets + R"(],"constraint":[)" + constraints + "]}";
    }
    return offer("\"permission\":[" + all + "]");
  };
  EXPECT_TRUE(parse(with(4, 64))) << "4096";
  const auto one_rule = parse(with(1, 257));
  ASSERT_FALSE(one_rule);
  EXPECT_EQ(one_rule.error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(one_rule.error().place.pointer, "/permission/0");
  const auto together = parse(with(4, 65));
  ASSERT_FALSE(together) << "no rule alone is too much";
  EXPECT_EQ(together.error().place.pointer, "/permission/3");
}

TEST(ParsePolicy, ReadsAnAgreementsTimestamp) {
  EXPECT_EQ(parsed(agreement(kUse)).timestamp, test::at("2026-11-01T00:00:00Z"));
}

}  // namespace
}  // namespace sluis::policy
