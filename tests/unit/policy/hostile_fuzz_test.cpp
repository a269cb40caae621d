#include "support.hpp"

namespace sluis::policy {
namespace {

/// Input that somebody may send to break the reader or to slip something past it: each is refused, at the place it
/// stands.
struct Hostile {
  const char* name;
  std::string text;     ///< of a policy
  std::string pointer;  ///< where the error points
};
std::ostream& operator<<(std::ostream& out, const Hostile& hostile) { return out << hostile.name; }

std::string set(const std::string& members) { return R"({"@id":"urn:p","@type":"Set",)" + members + "}"; }
std::string one(const std::string& constraint) {
  return set(R"("permission":[{"action":"use","constraint":[)" + constraint + "]}]");
}
std::string atom(const std::string& left, const std::string& op, const std::string& right) {
  return test::constraint(left, op, right);
}
const std::string kAt = "/permission/0/constraint/0";

std::string repeated(const std::string& text, std::size_t count, const std::string& between = ",") {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : between) + text;
  return out;
}

/// `event eq 0`, `event eq 1` …: all different.
std::string different(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i)
    out += (i == 0 ? "" : ",") + atom("event", "eq", "\"e" + std::to_string(i) + "\"");
  return out;
}

std::string nested(const std::string& logic, std::size_t depth) {
  std::string out = atom("event", "eq", "\"x\"");
  for (std::size_t i = 0; i < depth; ++i) {
    out = "{\"" + logic + "\":[" + atom("event", "eq", "\"" + std::to_string(i) + "\"") + "," + out + "]}";
  }
  return out;
}

Result<Program> taken(const std::string& text) {
  json::Bounds bounds;
  bounds.bytes = 64U << 20U;
  bounds.depth = 4096;
  bounds.values = 4'000'000;
  SLUIS_TRY(const json::Value value, json::parse(text, bounds));
  ParseOptions options;
  options.full = true;
  SLUIS_TRY(const Policy policy, parse_policy(value, options));
  return compile(policy, test::dpv());
}

class HostilePolicy : public testing::TestWithParam<Hostile> {};

TEST_P(HostilePolicy, IsRefusedWhereItStands) {
  const auto result = taken(GetParam().text);
  ASSERT_FALSE(result) << GetParam().text.substr(0, 300);
  EXPECT_EQ(result.error().place.pointer, GetParam().pointer) << describe(result.error());
  EXPECT_GE(result.error().message.size(), 10U);
  EXPECT_LE(result.error().message.size() + result.error().mend.size(), 1000U);
}

std::vector<Hostile> sizes() {
  return {
      {"XoneBomb", one(nested("xone", 40)), kAt + repeated("/xone/1", 16, "")},
      {"OrBomb", one(nested("or", 40)), kAt + repeated("/or/1", 16, "")},
      {"DepthOfThousands", one(nested("and", 1000)), kAt + repeated("/and/1", 16, "")},
      {"HundredThousandOperands", one("{\"xone\":[" + different(100'000) + "]}"), kAt + "/xone/1023"},
      {"HundredThousandConstraints", one(different(100'000)), "/permission/0/constraint/1024"},
      {"HundredThousandValues", one(atom("event", "isAnyOf", "[" + repeated("\"v\"", 100'000) + "]")),
       kAt + "/rightOperand"},
      {"ThousandsOfRules", set("\"permission\":[" + repeated(R"({"action":"use"})", 5000) + "]"), "/permission/64"},
      {"CombinationsOfNames",
       set(R"("permission":[{"action":["use","read","play"],"target":[)" + repeated("\"urn:t\"", 30) +
           R"(],"assignee":[)" + repeated("\"urn:a\"", 30) + "]}]"),
       "/permission/0"},
      {"LongName", set("\"permission\":[{\"action\":\"use\",\"target\":\"urn:" + std::string(600, 'x') + "\"}]"),
       "/permission/0/target"},
      {"LongWord", set("\"permission\":[{\"action\":\"" + std::string(100'000, 'a') + "\"}]"),
       "/permission/0/action"},
      {"LongKey", set("\"" + std::string(100'000, 'k') + "\":1,\"permission\":[{\"action\":\"use\"}]"),
       "/" + std::string(100'000, 'k')},
  };
}

std::vector<Hostile> words() {
  return {
      {"LookAlikeAction", set("\"permission\":[{\"action\":\"r\\u0435ad\"}]"), "/permission/0/action"},
      {"LookAlikeIri", set("\"permission\":[{\"action\":\"http://www.w3.org/ns/\\u043edrl/2/use\"}]"),
       "/permission/0/action"},
      {"LookAlikeOperand", one(atom("purp\\u043ese", "eq", R"("dpv:Marketing")")), kAt + "/leftOperand"},
      {"LookAlikeOperator", one(atom("purpose", "\\u0435q", R"("dpv:Marketing")")), kAt + "/operator"},
      {"LookAlikePurpose", one(atom("purpose", "eq", "\"https://w3id.org/dpv#M\\u0430rketing\"")),
       kAt + "/rightOperand"},
      {"LookAlikeKey", set("\"permission\":[{\"action\":\"use\",\"c\\u043enstraint\":[]}]"),
       "/permission/0/c\u043enstraint"},
      {"LookAlikeProfile",
       set(R"("profile":"https://w3id.org/s\u04cfuis/odrl/1#","permission":[{"action":"use"}])"), "/profile"},
      {"WideLetters", set("\"permission\":[{\"action\":\"\\uff55\\uff53\\uff45\"}]"), "/permission/0/action"},
      {"InvisibleLetter", set("\"permission\":[{\"action\":\"use\\u200b\"}]"), "/permission/0/action"},
      {"NulAtTheEnd", set("\"permission\":[{\"action\":\"use\\u0000\"}]"), "/permission/0/action"},
      {"SpaceAround", set(R"("permission":[{"action":" use"}])"), "/permission/0/action"},
      {"Capitals", set(R"("permission":[{"action":"USE"}])"), "/permission/0/action"},
      {"DoublePrefix", set(R"("permission":[{"action":"odrl:odrl:use"}])"), "/permission/0/action"},
      {"ForeignPrefix", one(atom("odrl:classOfRecipient", "eq", R"("a")")), kAt + "/leftOperand"},
      {"DeprecatedAction", set(R"("permission":[{"action":"write"}])"), "/permission/0/action"},
      {"DeprecatedOperand", one(atom("device", "eq", R"("a")")), kAt + "/leftOperand"},
      {"UnmeasurableOperand", one(atom("absolutePosition", "eq", R"("a")")), kAt + "/leftOperand"},
      {"UnknownKey", set(R"("permission":[{"action":"use","constraints":[]}])"), "/permission/0/constraints"},
      {"Reference", one(R"({"leftOperand":"event","operator":"eq","rightOperandReference":"urn:x"})"),
       kAt + "/rightOperandReference"},
      {"Status", one(R"({"leftOperand":"event","operator":"eq","rightOperand":"x","status":"y"})"),
       kAt + "/status"},
      {"ContextWrittenOut",
       R"({"@context":{"use":"urn:other"},"@id":"urn:p","@type":"Set","permission":[{"action":"use"}]})",
       "/@context"},
      {"Ticket", R"({"@id":"urn:p","@type":"Ticket","permission":[{"action":"use"}]})", "/@type"},
      {"Request", R"({"@id":"urn:p","@type":"Request","permission":[{"action":"use"}]})", "/@type"},
      {"Strategy", set(R"("conflict":"allow","permission":[{"action":"use"}])"), "/conflict"},
      {"ParentsWithoutWhere", set(R"("inheritFrom":"urn:parent","permission":[{"action":"use"}])"), "/inheritFrom"},
  };
}

std::vector<Hostile> twice() {
  return {
      {"KeyInTwoSpellings", set(R"("permission":[{"action":"sell"}],"odrl:permission":[{"action":"use"}])"),
       "/odrl:permission"},
      {"IdAndUid", R"({"@id":"urn:p","uid":"urn:q","@type":"Set","permission":[{"action":"use"}]})", "/uid"},
      {"RulesOfOneUid", set(R"("permission":[{"uid":"urn:1","action":"use"},{"uid":"urn:1","action":"read"}])"),
       "/permission/1/@id"},
      {"RuleAndDutyOfOneUid",
       set(R"("permission":[{"uid":"urn:1","action":"use","duty":[{"uid":"urn:1","action":"inform"}]}])"),
       "/permission/0/duty/0/@id"},
      {"DutyNobodyDescribed", set(R"("permission":[{"action":"use","duty":["urn:1"]}])"), "/permission/0/duty/0"},
      {"EqualOperandsOfXone", one(R"({"xone":[)" + repeated(atom("event", "eq", R"("x")"), 2) + "]}"),
       kAt + "/xone"},
      {"TwoLogics", one(R"({"and":[)" + different(2) + R"(],"or":[)" + different(2) + "]}"), kAt},
      {"LogicAndAtom",
       one(R"({"leftOperand":"event","operator":"eq","rightOperand":"x","or":[)" + different(2) + "]}"),
       kAt + "/leftOperand"},
      {"OneOperand", one(R"({"xone":[)" + different(1) + "]}"), kAt + "/xone"},
      {"TwoNamesOfAnAction", set(R"("permission":[{"action":{"@id":"use","rdf:value":"read"}}])"),
       "/permission/0/action"},
  };
}

std::vector<Hostile> values() {
  const auto time = [](const char* text) { return one(atom("dateTime", "lt", std::string("\"") + text + "\"")); };
  const auto length = [](const char* text) {
    return one(atom("elapsedTime", "lt", std::string("\"") + text + "\""));
  };
  const auto amount = [](const char* text) {
    return one(atom("percentage", "lt", std::string("\"") + text + "\""));
  };
  const auto count = [](const char* text) { return one(atom("count", "lt", std::string("\"") + text + "\"")); };
  const std::string right = kAt + "/rightOperand";
  return {
      {"NoZone", time("2026-11-26T12:00:00"), right},
      {"DayWithoutZone", time("2026-11-26"), right},
      {"EndOfDay", time("2026-11-26T24:00:00Z"), right},
      {"LeapSecond", time("2016-12-31T23:59:60Z"), right},
      {"ThirtyFebruary", time("2026-02-30Z"), right},
      {"NoLeapYear", time("2027-02-29T00:00:00Z"), right},
      {"YearOfFiveDigits", time("12026-01-01Z"), right},
      {"NegativeYear", time("-0001-01-01Z"), right},
      {"ZoneOfFifteenHours", time("2026-11-26T00:00:00+15:00"), right},
      {"TimeAlone", time("12:00:00Z"), right},
      {"SpaceForT", time("2026-11-26 12:00:00Z"), right},
      {"EmptyTime", time(""), right},
      {"NoLength", length("P"), right},
      {"NoTimeInLength", length("P1DT"), right},
      {"Weeks", length("P1W"), right},
      {"NegativeLength", length("-P1D"), right},
      {"HugeLength", length("P99999999999999999999D"), right},
      {"HugeYears", length("P999999999Y"), right},
      {"UnitsInDisorder", length("P1D1M"), right},
      {"MonthsOfMeteredTime", one(atom("meteredTime", "lt", R"("P1M")")), right},
      {"HugeNumber", amount("99999999999999999999"), right},
      {"SevenDecimals", amount("1.0000001"), right},
      {"Exponent", amount("1e3"), right},
      {"Comma", amount("1,5"), right},
      {"NotANumber", amount("NaN"), right},
      {"Infinity", amount("INF"), right},
      {"Point", amount("."), right},
      {"ArabicDigits", amount("\\u0661"), right},
      {"HugeCount", count("18446744073709551617"), right},
      {"BrokenCount", count("1.5"), right},
      {"NegativeCount", count("-1"), right},
      {"JsonNumber", one(atom("count", "lt", "3")), right},
      {"HugeJsonNumber", one(atom("count", "lt", "1e400")), right},
      {"AmountWithoutUnit", one(atom("payAmount", "lt", R"("5")")), kAt},
      {"NoValueAtAll", one(R"({"leftOperand":"event","operator":"eq"})"), kAt},
      {"OperatorOfOrderOnPurpose", one(atom("purpose", "lt", R"("dpv:Marketing")")), kAt + "/operator"},
      {"ListOfTimes", one(atom("dateTime", "isAnyOf", R"(["2026-11-26Z"])")), kAt + "/operator"},
      {"ListForOne", one(atom("event", "eq", R"(["a","b"])")), right},
      {"PeriodAfterRelease", one(atom("delayPeriod", "eq", R"("P7D")")), kAt + "/leftOperand"},
      {"UnknownPurpose", one(atom("purpose", "eq", R"("dpv:Marketting")")), kAt + "/rightOperand"},
  };
}

std::vector<Hostile> nothing() {
  return {
      {"NoPolicy", "null", ""},
      {"EmptyPolicy", "{}", ""},
      {"EmptyPermissions", set(R"("permission":[])"), "/permission"},
      {"NullPermissions", set(R"("permission":null)"), "/permission"},
      {"NullRule", set(R"("permission":[null])"), "/permission/0"},
      {"NoAction", set(R"("permission":[{}])"), "/permission/0"},
      {"NullAction", set(R"("permission":[{"action":null}])"), "/permission/0/action"},
      {"EmptyActions", set(R"("permission":[{"action":[]}])"), "/permission/0/action"},
      {"EmptyTargets", set(R"("permission":[{"action":"use","target":[]}])"), "/permission/0/target"},
      {"EmptyTarget", set(R"("permission":[{"action":"use","target":""}])"), "/permission/0/target"},
      {"NullTarget", set(R"("permission":[{"action":"use","target":null}])"), "/permission/0/target"},
      {"NullAssignee", set(R"("permission":[{"action":"use","assignee":null}])"), "/permission/0/assignee"},
      {"EmptyConstraints", set(R"("permission":[{"action":"use","constraint":[]}])"), "/permission/0/constraint"},
      {"NullConstraint", one("null"), kAt},
      {"EmptyConstraint", one("{}"), kAt},
      {"EmptyDuties", set(R"("permission":[{"action":"use","duty":[]}])"), "/permission/0/duty"},
      {"NullDuty", set(R"("permission":[{"action":"use","duty":[null]}])"), "/permission/0/duty/0"},
      {"EmptyList", one(atom("event", "isAnyOf", "[]")), kAt + "/rightOperand"},
      {"NullValue", one(atom("event", "eq", "null")), kAt + "/rightOperand"},
      {"NullInList", one(atom("event", "isAnyOf", R"(["a",null])")), kAt + "/rightOperand/1"},
      {"EmptyXone", one(R"({"xone":[]})"), kAt + "/xone"},
      {"NullXone", one(R"({"xone":null})"), kAt + "/xone"},
      {"EmptyRefinement", set(R"("permission":[{"action":{"@id":"use","refinement":[]}}])"),
       "/permission/0/action/refinement"},
      {"NullStrategy", set(R"("conflict":null,"permission":[{"action":"use"}])"), "/conflict"},
      {"NullProfile", set(R"("profile":null,"permission":[{"action":"use"}])"), "/profile"},
      {"EmptyId", R"({"@id":"","@type":"Set","permission":[{"action":"use"}]})", "/@id"},
  };
}

std::vector<Hostile> places() {
  return {
      {"DutyOfAProhibition", set(R"("prohibition":[{"action":"use","duty":[{"action":"inform"}]}])"),
       "/prohibition/0/duty"},
      {"RemedyOfAPermission", set(R"("permission":[{"action":"use","remedy":[{"action":"inform"}]}])"),
       "/permission/0/remedy"},
      {"ConsequenceOfAPermission", set(R"("permission":[{"action":"use","consequence":[{"action":"inform"}]}])"),
       "/permission/0/consequence"},
      {"ConsequenceOfAConsequence",
       set(R"("permission":[{"action":"use","duty":[{"action":"inform","consequence":[)"
           R"({"action":"compensate","consequence":[{"action":"inform"}]}]}]}])"),
       "/permission/0/duty/0/consequence/0/consequence"},
      {"ConsequenceOfARemedy",
       set(R"("prohibition":[{"action":"use","remedy":[{"action":"inform","consequence":[{"action":"inform"}]}]}])"),
       "/prohibition/0/remedy/0/consequence"},
      {"RuleInARule", set(R"("permission":[{"action":"use","permission":[{"action":"read"}]}])"),
       "/permission/0/permission"},
      {"TypeOfAnotherRule", set(R"("permission":[{"@type":"Prohibition","action":"use"}])"), "/permission/0/@type"},
      {"TimestampOfASet", set(R"("timestamp":"2026-11-26T12:00:00Z","permission":[{"action":"use"}])"),
       "/timestamp"},
      {"TextForARule", set(R"("permission":["use"])"), "/permission/0"},
      {"ListForAPolicy", R"([{"@id":"urn:p"}])", ""},
      {"NumberForAName", set(R"("permission":[{"action":"use","target":7}])"), "/permission/0/target"},
      {"TruthForAName", set(R"("permission":[{"action":true}])"), "/permission/0/action"},
  };
}

const auto kName = [](const testing::TestParamInfo<Hostile>& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(Sizes, HostilePolicy, testing::ValuesIn(sizes()), kName);
INSTANTIATE_TEST_SUITE_P(Words, HostilePolicy, testing::ValuesIn(words()), kName);
INSTANTIATE_TEST_SUITE_P(Twice, HostilePolicy, testing::ValuesIn(twice()), kName);
INSTANTIATE_TEST_SUITE_P(Values, HostilePolicy, testing::ValuesIn(values()), kName);
INSTANTIATE_TEST_SUITE_P(Nothing, HostilePolicy, testing::ValuesIn(nothing()), kName);
INSTANTIATE_TEST_SUITE_P(Places, HostilePolicy, testing::ValuesIn(places()), kName);

TEST(HostileText, AKeyThatStandsTwiceIsRefusedWithLineAndColumn) {
  const auto value = json::parse("{\"@id\": \"urn:p\",\n \"permission\": [],\n \"permission\": []}");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().place.line, 3U);
  EXPECT_NE(value.error().place.column, 0U);
}

TEST(HostileText, DepthIsBoundedBeforeAPolicyIsRead) {
  const auto value = json::parse(repeated("[", 100'000, "") + repeated("]", 100'000, ""));
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, ErrorCode::limit_exceeded) << describe(value.error());
}

/// A parent for every name: `urn:n` inherits from `urn:n+1`, and the last from whom it is told.
Result<Policy> inheriting(int depth, const std::string& last) {
  ParseOptions options;
  options.full = true;
  options.parent = [&](std::string_view id) -> Result<json::Value> {
    const int n = std::stoi(std::string(id.substr(4)));
    const std::string from = n < depth ? "urn:" + std::to_string(n + 1) : last;
    return json::parse(R"({"@id":")" + std::string(id) + R"(","@type":"Set",)" +
                       (from.empty() ? "" : R"("inheritFrom":")" + from + R"(",)") +
                       R"("permission":[{"action":"use"}]})");
  };
  return parse_policy(
      test::read(R"({"@id":"urn:0","@type":"Set","inheritFrom":"urn:1","permission":[{"action":"use"}]})"),
      options);
}

TEST(HostileParents, ACircleAndTooManyAreRefused) {
  EXPECT_TRUE(inheriting(8, "")) << describe(inheriting(8, "").error());
  EXPECT_FALSE(inheriting(9, ""));
  EXPECT_FALSE(inheriting(3, "urn:1"));
  EXPECT_FALSE(inheriting(3, "urn:0"));
}

}  // namespace
}  // namespace sluis::policy
