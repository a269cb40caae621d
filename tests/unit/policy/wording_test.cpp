#include "policy/odrl/enforcement.hpp"
#include "policy/odrl/explain.hpp"
#include "policy/odrl/wording.hpp"
#include "tests/unit/policy/support.hpp"

#include <set>

namespace sluis::policy::test {
namespace {

std::multiset<std::string> placeholders(std::string_view text) {
  std::multiset<std::string> found;
  for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
    found.insert(std::string(text.substr(at, text.find('}', at) - at)));
  }
  return found;
}

const Vocabulary& purposes() {
  static const Vocabulary vocabulary = [] {
    auto parsed = Vocabulary::parse("dpv:Purpose\tPurpose\tDoel\t\n"
                                    "urn:f:CrowdManagement\tCrowd management\tDrukte regelen\tdpv:Purpose\n"
                                    "dpv:Marketing\tMarketing\t\tdpv:Purpose\n",
                                    "test.tsv");
    EXPECT_TRUE(parsed) << describe(parsed.error());
    return std::move(*parsed);
  }();
  return vocabulary;
}

std::string told(const std::string& rules, Language language) {
  return to_text(tell(parsed(offer(rules)), Teller{purposes(), language}));
}

/// Everything a policy can say, once.
const std::string kWhole =
    R"("permission":[{"action":"use","constraint":[)" +
    constraint("purpose", "isA", R"("urn:f:CrowdManagement")") + "," +
    constraint("classOfRecipient", "isAnyOf", R"(["municipality","company"])") + "," +
    constraint("dateTime", "lt", R"("2027-01-01T12:30:00Z")") + "," +
    constraint("elapsedTime", "lteq", R"("P1Y2M7D")") +
    R"(,{"or":[)" + constraint("count", "lteq", R"("3")") + "," + constraint("spatial", "eq", R"("urn:nl")") +
    R"(]}],"duty":[{"action":"inform","consequence":[{"action":"compensate"}]}]}],)"
    R"("prohibition":[{"action":"use","constraint":[)" + constraint("purpose", "isAnyOf", R"(["dpv:Marketing"])") +
    R"(]},{"action":"distribute","constraint":[)" + constraint("spatial", "neq", R"("urn:nl")") +
    R"(],"remedy":[{"action":"inform"}]}],)"
    R"("obligation":[{"action":"sluis:deleteAfter","constraint":[)" + constraint("delayPeriod", "eq", R"("P7D")") +
    R"(]},{"action":"sluis:suppressSmallCells","constraint":[)" +
    constraint("sluis:minCellSize", "gteq", R"("10")") + "]}]";

TEST(Wording, BothLanguagesHaveEverySentenceWithTheSameParameters) {
  std::set<std::string_view> codes;
  for (const Sentence& row : sentences()) {
    EXPECT_TRUE(codes.insert(row.code).second) << row.code;
    EXPECT_FALSE(row.text.english.empty()) << row.code;
    EXPECT_FALSE(row.text.dutch.empty()) << row.code;
    EXPECT_NE(row.text.english, row.text.dutch) << row.code;
    EXPECT_EQ(placeholders(row.text.english), placeholders(row.text.dutch)) << row.code;
  }
  for (std::size_t i = 0; i < kReasonCodes; ++i) {
    EXPECT_TRUE(codes.contains(to_string(static_cast<ReasonCode>(i)))) << i;
  }
}

TEST(Wording, DutchSentencesAreShort) {
  for (const Sentence& row : sentences()) {
    std::size_t words = 0;
    for (const char c : row.text.dutch) {
      words = c == '.' || c == ':' ? 0 : words + (c == ' ' ? 1 : 0);
      EXPECT_LE(words, 15U) << row.code;
    }
  }
}

TEST(Wording, EveryActionOperandAndOperatorHasWords) {
  for (std::uint8_t i = 0; i < 128; ++i) {
    const auto name = action_from(to_string(static_cast<Action>(i)));
    if (!name) break;  // the deprecated ones stand last
    EXPECT_NE(wording::of(*name), nullptr) << to_string(*name);
  }
  for (std::size_t i = 0; i < kOperands; ++i) {
    const Both words = wording::of(static_cast<Operand>(i));
    EXPECT_FALSE(words.english.empty()) << i;
    EXPECT_FALSE(words.dutch.empty()) << i;
  }
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(Operator::gteq); ++i) {
    EXPECT_FALSE(wording::of(static_cast<Operator>(i)).dutch.empty()) << int{i};
  }
}

TEST(Wording, APolicyInEnglish) {
  EXPECT_EQ(told(kWhole, Language::english),
            "The receiver may use the data, if this is so:\n"
            "  - The purpose is \"Crowd management\", or a purpose below it.\n"
            "  - The kind of receiver is one of municipality or company.\n"
            "  - It is before 1 January 2027, 12:30 (UTC).\n"
            "  - The time since the agreement is at most 1 year, 2 months and 7 days.\n"
            "  - At least one of these is so:\n"
            "    - The number of uses, this one included is at most 3.\n"
            "    - The area is `urn:nl`.\n"
            "  - This was done first:\n"
            "    - The receiver must inform the other party.\n"
            "      - If this is too late:\n"
            "        - The receiver must pay for the data.\n"
            "The receiver may not use the data, if this is so:\n"
            "  - The purpose is \"Marketing\", or a purpose above or below it.\n"
            "The receiver may not pass the data on, if this is so:\n"
            "  - The area is not `urn:nl`.\n"
            "  - Who does it all the same:\n"
            "    - The receiver must inform the other party.\n"
            "The receiver must delete the data. This belongs to it:\n"
            "  - Within 7 days after the data were sent.\n"
            "Before the data leave, the provider must hide small numbers.\n"
            "  - Numbers below 10 are left out.\n"
            "Nothing else is allowed.\n");
}

TEST(Wording, APolicyInDutch) {
  EXPECT_EQ(told(kWhole, Language::dutch),
            "De ontvanger mag de gegevens gebruiken, als dit klopt:\n"
            "  - Het doel is \"Drukte regelen\", of een doel dat daaronder valt.\n"
            "  - Het soort ontvanger is een van gemeente of bedrijf.\n"
            "  - Het is voor 1 januari 2027, 12.30 uur (UTC).\n"
            "  - De tijd sinds de afspraak is hoogstens 1 jaar, 2 maanden en 7 dagen.\n"
            "  - Minstens een van deze dingen klopt:\n"
            "    - Het aantal keren, met deze keer erbij is hoogstens 3.\n"
            "    - Het gebied is `urn:nl`.\n"
            "  - Dit is eerst gedaan:\n"
            "    - De ontvanger moet de andere partij inlichten.\n"
            "      - Als dit te laat gebeurt:\n"
            "        - De ontvanger moet voor de gegevens betalen.\n"
            "De ontvanger mag de gegevens niet gebruiken, als dit klopt:\n"
            "  - Het doel is \"Marketing\", of een doel dat daarboven of daaronder valt.\n"
            "De ontvanger mag de gegevens niet doorgeven, als dit klopt:\n"
            "  - Het gebied is niet `urn:nl`.\n"
            "  - Wie het toch doet:\n"
            "    - De ontvanger moet de andere partij inlichten.\n"
            "De ontvanger moet de gegevens wissen. Dit hoort erbij:\n"
            "  - Binnen 7 dagen nadat de gegevens zijn gestuurd.\n"
            "De aanbieder moet dit doen voordat de gegevens weggaan: kleine aantallen verbergen.\n"
            "  - Getallen onder 10 zijn niet te zien.\n"
            "Verder mag er niets.\n");
}

/// The lines of one obligation, without its heading's own and the last line.
std::string told_obligation(const std::string& action, const std::string& constraints, Language language) {
  std::string text = told(R"("permission":[{"action":"use"}],"obligation":[{"action":"sluis:)" + action + R"(","constraint":[)" + constraints + "]}]", language);
  text.erase(0, text.find('\n') + 1);
  return text.substr(0, text.rfind('\n', text.size() - 2) + 1);
}

TEST(Wording, EachTransformIsToldAsItWorks) {
  // What is told here is what tests of policy/minimise hold: transforms_test, aggregate_test, differencing_test.
  const std::string cells = constraint("minCellSize", "gteq", R"("10")") + "," + constraint("cellColumn", "eq", R"("in")") + "," +
                            constraint("cellGroup", "eq", R"("total = in + out")") + "," + constraint("roundTo", "eq", R"("5")");
  EXPECT_EQ(told_obligation("suppressSmallCells", cells, Language::english),
            "Before the data leave, the provider must hide small numbers.\n"
            "  - Numbers below 10 are left out.\n"
            "  - This is done in the columns `in`.\n"
            "  - A left-out number cannot be worked out from `total` = `in` + `out`.\n"
            "  - Numbers are rounded to 5, and small ones add nothing to a sum. Where rows or persons are counted, this is an estimate: three in four are drawn by lot.\n");
  EXPECT_EQ(told_obligation("suppressSmallCells", cells, Language::dutch),
            "De aanbieder moet dit doen voordat de gegevens weggaan: kleine aantallen verbergen.\n"
            "  - Getallen onder 10 zijn niet te zien.\n"
            "  - Dit gebeurt in de kolommen `in`.\n"
            "  - Een weggelaten getal is niet uit te rekenen met `total` = `in` + `out`.\n"
            "  - Getallen zijn afgerond op 5, en kleine tellen niet mee in een som. Zijn rijen of personen geteld, dan is dat een schatting. Het lot wijst er drie van de vier aan.\n");

  const std::string time = constraint("timeColumn", "eq", R"("t")") + "," + constraint("timeStep", "eq", R"("PT15M")") + "," + constraint("timeZone", "eq", R"("Europe/Amsterdam")");
  EXPECT_EQ(told_obligation("generaliseTime", time, Language::english),
            "Before the data leave, the provider must make times less exact.\n"
            "  - This is done in the columns `t`.\n"
            "  - A time becomes the start of its period of 15 minutes.\n"
            "  - This follows the clock of `Europe/Amsterdam`.\n");
  EXPECT_EQ(told_obligation("generaliseTime", time, Language::dutch),
            "De aanbieder moet dit doen voordat de gegevens weggaan: de tijden minder precies maken.\n"
            "  - Dit gebeurt in de kolommen `t`.\n"
            "  - Een tijd wordt het begin van zijn periode van 15 minuten.\n"
            "  - Dit volgt de klok van `Europe/Amsterdam`.\n");

  const std::string codes = constraint("pseudonymColumn", "isAnyOf", R"(["id","card"])") + "," + constraint("pseudonymEpoch", "eq", R"("2026")");
  EXPECT_EQ(told_obligation("pseudonymise", codes, Language::english),
            "Before the data leave, the provider must replace what can identify a person by a code.\n"
            "  - This is done in the columns `id` and `card`.\n"
            "  - Under the name `2026` a value always has the same code.\n");
  EXPECT_EQ(told_obligation("pseudonymise", codes, Language::dutch),
            "De aanbieder moet dit doen voordat de gegevens weggaan: wat naar een persoon wijst door een code vervangen.\n"
            "  - Dit gebeurt in de kolommen `id` en `card`.\n"
            "  - Onder de naam `2026` krijgt een waarde altijd dezelfde code.\n");

  const std::string mask = constraint("maskedColumn", "eq", R"("postcode")") + "," + constraint("keptCharacters", "lteq", R"("4")");
  EXPECT_EQ(told_obligation("maskColumn", mask, Language::english),
            "Before the data leave, the provider must hide what stands in a column.\n"
            "  - This is done in the columns `postcode`.\n"
            "  - At most the first 4 characters can be seen.\n");
  EXPECT_EQ(told_obligation("maskColumn", mask, Language::dutch),
            "De aanbieder moet dit doen voordat de gegevens weggaan: wat in een kolom staat afdekken.\n"
            "  - Dit gebeurt in de kolommen `postcode`.\n"
            "  - Hoogstens de eerste 4 tekens zijn te zien.\n");

  const std::string grid = constraint("placeColumn", "isAnyOf", R"(["x","y"])") + "," + constraint("placeGrid", "gteq", R"("500")");
  EXPECT_EQ(told_obligation("generalisePlace", grid, Language::english),
            "Before the data leave, the provider must make places less exact.\n"
            "  - This is done in the columns `x` and `y`.\n"
            "  - A place becomes a square of at least `500`.\n");
  const std::string list = constraint("placeColumn", "eq", R"("street")") + "," + constraint("placeLookup", "eq", R"("districts")");
  EXPECT_EQ(told_obligation("generalisePlace", list, Language::dutch),
            "De aanbieder moet dit doen voordat de gegevens weggaan: de plaatsen minder precies maken.\n"
            "  - Dit gebeurt in de kolommen `street`.\n"
            "  - Een plaats wordt wat in de lijst `districts` staat.\n");

  const std::string groups = constraint("groupColumn", "eq", R"("street")") + "," + constraint("groupMeasure", "eq", R"x("people = subjects()")x") + "," +
                             constraint("subjectColumn", "eq", R"("card")") + "," + constraint("maxGroups", "lteq", R"("100")") + "," + constraint("groupTotal", "eq", R"("true")");
  EXPECT_EQ(told_obligation("aggregateBy", groups, Language::english),
            "Before the data leave, the provider must take the data together in groups.\n"
            "  - There is a row for each `street`.\n"
            "  - Each row holds `people = subjects()`.\n"
            "  - Each different value of `card` counts once in a group.\n"
            "  - There are at most 100 groups. If there are more, nothing is sent.\n"
            "  - There is a last row, with the total of all groups.\n");
  EXPECT_EQ(told_obligation("aggregateBy", groups, Language::dutch),
            "De aanbieder moet dit doen voordat de gegevens weggaan: de gegevens in groepen optellen.\n"
            "  - Er is een rij voor elke `street`.\n"
            "  - Elke rij bevat `people = subjects()`.\n"
            "  - Elke verschillende waarde van `card` telt één keer mee in een groep.\n"
            "  - Er zijn hoogstens 100 groepen. Zijn het er meer, dan gaat er niets weg.\n"
            "  - Er is een laatste rij, met het totaal van alle groepen.\n");
}

TEST(Wording, PeriodsHaveFractionsOfASecond) {
  EXPECT_EQ(tell_period(0, std::chrono::milliseconds(1500), Language::english), "1.5 seconds");
  EXPECT_EQ(tell_period(0, std::chrono::hours(1) + std::chrono::microseconds(1), Language::dutch), "1 uur en 0,000001 seconde");
}

TEST(Wording, WhatAPurposeTakesInIsSaid) {
  const auto one = [](const std::string& op, bool forbids) {
    const auto rules = forbids ? prohibition(constraint("purpose", op, R"("dpv:Marketing")"))
                                   : permission(constraint("purpose", op, R"("dpv:Marketing")"));
    const auto policy = parsed(offer(rules));
    const Rule& rule = forbids ? policy.prohibitions.front() : policy.permissions.front();
    return tell(rule.constraints.front(), forbids, Teller{purposes()});
  };
  EXPECT_EQ(one("eq", false), "The purpose is \"Marketing\".");
  EXPECT_EQ(one("hasPart", false), "The purpose is \"Marketing\", or a purpose above it.");
  EXPECT_EQ(one("neq", false), "The purpose is not \"Marketing\", and nothing above or below it.");
  EXPECT_EQ(one("eq", true), "The purpose is \"Marketing\", or a purpose above or below it.");
  EXPECT_EQ(one("neq", true), "The purpose is not \"Marketing\".");
}

TEST(Wording, PartiesAreNamedWhereTheyAreKnown) {
  const auto policy = parsed(offer(permission(constraint("recipient", "eq", R"("did:web:duinmeer")"))));
  const Teller teller{purposes(), Language::dutch,
                      [](const std::string& id) { return id == "did:web:duinmeer" ? "Duinmeer" : ""; }};
  EXPECT_EQ(tell(policy.permissions.front().constraints.front(), false, teller), "De ontvanger is Duinmeer.");
}

TEST(Wording, APointerFindsItsConditionAndRule) {
  const auto policy = parsed(offer(kWhole));
  const Found found = find(policy, "/permission/0/constraint/4/or/1");
  ASSERT_NE(found.constraint, nullptr);
  EXPECT_EQ(found.constraint->operand, Operand::spatial);
  ASSERT_NE(found.rule, nullptr);
  EXPECT_EQ(found.rule->pointer, "/permission/0");
  EXPECT_EQ(find(policy, "/prohibition/1").kind, RuleClass::prohibition);
  EXPECT_NE(find(policy, "/permission/0/duty/0").duty, nullptr);
  EXPECT_EQ(find(policy, "/permission/9").rule, nullptr);
}

/// pointer -> keeper and what.
std::map<std::string, std::string> kept(const std::string& rules, const Supplied& supplied = Supplied::by_this_node()) {
  std::map<std::string, std::string> out;
  for (const PolicyPart& part : enforcement(parsed(offer(rules)), supplied)) {
    out[part.pointer] = std::string(to_string(part.keeper)) + (part.what.empty() ? "" : " " + part.what);
  }
  return out;
}

TEST(Enforcement, EachPartIsEnforcedPromisedOrRefused) {
  EXPECT_EQ(kept(kWhole), (std::map<std::string, std::string>{
                              {"/permission/0", "enforced"},
                              {"/permission/0/constraint/0", "enforced"},
                              {"/permission/0/constraint/1", "enforced"},
                              {"/permission/0/constraint/2", "enforced"},
                              {"/permission/0/constraint/3", "enforced"},
                              {"/permission/0/constraint/4/or/0", "enforced"},
                              {"/permission/0/constraint/4/or/1", "refused spatial"},
                              {"/permission/0/duty/0", "refused inform"},
                              {"/prohibition/0", "enforced"},
                              {"/prohibition/0/constraint/0", "enforced"},
                              {"/prohibition/1", "promised"},
                              {"/prohibition/1/remedy/0", "promised"},
                              {"/obligation/0", "promised"},
                              {"/obligation/1", "enforced suppressSmallCells"},
                          }));
}

TEST(Enforcement, WhatANodeSuppliesIsEnforced) {
  Supplied more = Supplied::by_this_node();
  more.operands.insert(Operand::spatial);
  more.duties = true;
  for (const auto& [pointer, keeper] : kept(kWhole, more)) EXPECT_FALSE(keeper.starts_with("refused")) << pointer;
  more.transforms.clear();
  EXPECT_EQ(kept(kWhole, more).at("/obligation/1"), "refused suppressSmallCells");
}

TEST(Enforcement, ThisNodeDoesEveryTransformOfTheProfile) {
  const Supplied supplied = Supplied::by_this_node();
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(Action::mask_column); ++i) {
    const auto action = static_cast<Action>(i);
    EXPECT_EQ(is_transform(action), supplied.transforms.contains(action)) << to_string(action);
  }
}

TEST(Enforcement, WhatIsRefusedDoesNeverHold) {
  // The classification and the engine agree: what no request tells is unknown, and unknown denies.
  const std::string rules = permission(constraint("spatial", "neq", R"("urn:nl")"));
  EXPECT_EQ(kept(rules).at("/permission/0/constraint/0"), "refused spatial");
  Request request;
  request.now = at("2026-11-26T12:00:00Z");
  request.agreed = request.now;
  EXPECT_FALSE(program(offer(rules)).decide(request).permit);
}

TEST(Enforcement, TheSentenceNamesWhatIsMissing) {
  const PolicyPart part{"/permission/0/constraint/0", Keeper::refused, "part.unknowable", "spatial"};
  EXPECT_EQ(tell(part, Language::english), "This node cannot know `spatial`, so the rule would never hold.");
  EXPECT_EQ(tell(part, Language::dutch), "Deze node kan `spatial` niet weten. De regel zou dus nooit gelden.");
}

}  // namespace
}  // namespace sluis::policy::test
