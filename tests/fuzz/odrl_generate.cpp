#include "tests/fuzz/odrl_generate.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace sluis::test {
namespace {

using json::Array;
using json::Object;
using json::Value;
using naive::Micros;

constexpr Micros kSecond = 1'000'000;
constexpr Micros kDay = 86'400 * kSecond;
constexpr Micros kNoon = 1'795'694'400 * kSecond;  ///< 2026-11-26T12:00:00Z

constexpr const char* kActions[] = {"use",     "read",     "play", "display", "distribute", "reproduce",
                                    "extract", "transfer", "sell", "give",    "modify",     "anonymize"};
constexpr const char* kDutyActions[] = {"attribute", "inform", "compensate", "obtainConsent", "reviewPolicy"};
constexpr const char* kTargets[] = {"urn:t:1", "urn:t:2", "urn:t:3", "urn:c:1", "urn:c:2"};
constexpr const char* kParties[] = {"urn:p:1", "urn:p:2", "urn:p:3", "urn:g:1", "urn:g:2"};
constexpr const char* kTexts[] = {"recipient",         "classOfRecipient", "spatial",    "fileFormat",
                                  "industry",          "language",         "media",      "product",
                                  "systemDevice",      "deliveryChannel",  "event",      "virtualLocation",
                                  "version",           "legalBasis",       "assessment", "situation",
                                  "processingActivity", "evidence",       "impactAssessment"};
constexpr const char* kDecimals[] = {"payAmount", "percentage", "resolution", "absoluteSize", "relativeSize"};
constexpr const char* kUnits[] = {"urn:u:1", "urn:u:2"};
constexpr const char* kOrder[] = {"lt", "lteq", "gt", "gteq"};
constexpr const char* kScalar[] = {"eq", "neq", "lt", "lteq", "gt", "gteq"};
constexpr const char* kSets[] = {"eq", "neq", "isAnyOf", "isAllOf", "isNoneOf"};
constexpr const char* kPurposeOperators[] = {"eq",      "neq",     "isA",     "isPartOf",
                                             "hasPart", "isAnyOf", "isAllOf", "isNoneOf"};
constexpr const char* kPurposes[] = {"Purpose",
                                     "Marketing",
                                     "DirectMarketing",
                                     "Advertising",
                                     "PersonalisedAdvertising",
                                     "TargetedAdvertising",
                                     "Personalisation",
                                     "CommercialResearch",
                                     "ResearchAndDevelopment",
                                     "CommercialPurpose",
                                     "RecruitmentAdvertising",
                                     "PersonnelHiring",
                                     "PublicBenefit"};
constexpr const char* kLengths[] = {"P7D", "P1M",  "P1Y", "P1M1D", "P30D", "PT36H", "P13M", "P1Y2M3DT4H5M6S",
                                    "P0D", "PT1S", "P2M"};
constexpr const char* kPlainLengths[] = {"P7D", "P1D", "PT24H", "PT1H", "PT60M", "PT3600S", "PT0S", "P1DT1S", "PT1.5S",
                                         "PT23H59M59.999999S"};
constexpr const char* kStates[] = {"fulfilled", "fulfilled", "fulfilled", "remedied", "unset", "violated"};
/// Days that months and leap years make interesting.
constexpr const char* kAgreed[] = {"2026-01-31T12:00:00Z", "2028-01-31T12:00:00Z",        "2028-02-29T00:00:00Z",
                                   "2026-11-19T12:00:00Z", "2026-12-31T23:59:59.999999Z", "2027-02-28T06:00:00Z",
                                   "2026-11-26T12:00:00Z"};

bool takes_list(std::string_view op) { return op == "isAnyOf" || op == "isAllOf" || op == "isNoneOf"; }
bool is_profile_operand(std::string_view name) {
  return name == "classOfRecipient" || name == "legalBasis" || name == "assessment" || name == "situation" ||
         name == "processingActivity" || name == "evidence" || name == "impactAssessment";
}

std::string write_day(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", int(date.year()), unsigned(date.month()),
                unsigned(date.day()));
  return text;
}

class Generator {
 public:
  Generator(Dice& dice, GeneratedPolicy& out, const naive::Purposes& purposes, const GeneratorOptions& options)
      : dice_(dice), out_(out), purposes_(purposes), options_(options) {}

  void policy() {
    out_.suite = dice_.chance(10);
    Object policy;
    const bool agreement = dice_.chance(30);
    policy.emplace_back(dice_.chance(50) ? "@id" : "uid", "urn:policy:1");
    policy.emplace_back("@type", agreement ? "Agreement" : dice_.chance(50) ? "Offer" : "Set");
    if (dice_.chance(20)) policy.emplace_back("profile", "https://w3id.org/sluis/odrl/1#");
    if (agreement || dice_.chance(15)) policy.emplace_back("target", name(kTargets, out_.targets));
    if (agreement || dice_.chance(15)) policy.emplace_back("assigner", "urn:p:9");
    if (agreement || dice_.chance(15)) policy.emplace_back("assignee", name(kParties, out_.assignees));
    shared_action_ = dice_.chance(10);
    if (shared_action_) policy.emplace_back("action", action_name());
    if (dice_.chance(45)) {
      const std::size_t kind = dice_.below(options_.strategies ? 10 : 9);
      policy.emplace_back("conflict", kind < 5 ? "perm" : kind < 9 ? "prohibit" : "invalid");
    }
    rules(policy, "permission", dice_.chance(93) ? 1 + dice_.below(3) : 0);
    const bool none = policy.back().first != "permission";
    rules(policy, "prohibition", none ? 1 : dice_.chance(50) ? dice_.below(3) : 0);
    if (dice_.chance(15)) policy.emplace_back("obligation", Array{duty("/obligation/0", true)});
    out_.value = Value(std::move(policy));
  }

  Value constraint(int depth) {
    const std::size_t kind = dice_.below(100);
    if (depth < 3 && kind < (depth == 0 ? 22U : 12U)) return logical(depth);
    Object constraint = atom();
    if (dice_.chance(3)) constraint.emplace_back("uid", "urn:constraint:" + std::to_string(++out_.uids));
    if (dice_.chance(3)) constraint.emplace_back("@type", "Constraint");
    return Value(std::move(constraint));
  }

  Value rule(const std::string& kind, const std::string& pointer) {
    Object rule;
    if (dice_.chance(10)) rule.emplace_back("uid", "urn:rule:" + std::to_string(++out_.uids));
    if (dice_.chance(10)) rule.emplace_back("@type", kind == "permission" ? "Permission" : "Prohibition");
    if (!(shared_action_ && dice_.chance(60)) && !(out_.suite && dice_.chance(15)))
      rule.emplace_back("action", action());
    if (dice_.chance(45)) rule.emplace_back("target", several(kTargets, out_.targets, "AssetCollection"));
    if (dice_.chance(45)) rule.emplace_back("assignee", several(kParties, out_.assignees, "PartyCollection"));
    if (dice_.chance(10)) rule.emplace_back("assigner", "urn:p:9");
    const std::size_t count = dice_.chance(25) ? 0 : 1 + dice_.below(2) + (dice_.chance(20) ? 1 : 0);
    if (count == 1 && dice_.chance(30)) {
      rule.emplace_back("constraint", constraint(0));
    } else if (count > 0) {
      rule.emplace_back("constraint", constraints(count));
    }
    if (kind == "permission" && dice_.chance(20)) {
      Array duties;
      for (std::size_t i = 0, n = 1 + dice_.below(2); i < n; ++i)
        duties.push_back(duty(pointer + "/duty/" + std::to_string(i), false));
      rule.emplace_back("duty", std::move(duties));
    }
    if (kind == "prohibition" && dice_.chance(8))
      rule.emplace_back("remedy", Array{json::object({{"action", "compensate"}})});
    return Value(std::move(rule));
  }

 private:
  void rules(Object& policy, const std::string& kind, std::size_t count) {
    if (count == 0) return;
    Array rules;
    for (std::size_t i = 0; i < count; ++i) rules.push_back(rule(kind, "/" + kind + "/" + std::to_string(i)));
    policy.emplace_back(kind, std::move(rules));
  }

  Array constraints(std::size_t count) {
    Array list;
    while (list.size() < count) list.push_back(constraint(0));
    return list;
  }

  template <class Pool>
  std::string name(const Pool& pool, std::vector<std::string>& named) {
    named.emplace_back(dice_.one_of(pool));
    return named.back();
  }

  std::string action_name() {
    std::string chosen = dice_.chance(35) ? "use" : dice_.one_of(kActions);
    if (out_.suite && dice_.chance(10)) chosen = "write";
    out_.actions.push_back(chosen);
    return chosen;
  }

  Value action() {
    if (dice_.chance(80)) return Value(action_name());
    if (dice_.chance(50)) {
      Object object{{dice_.chance(50) ? "@id" : "rdf:value", action_name()}};
      if (dice_.chance(70))
        object.emplace_back("refinement", dice_.chance(50) ? Value(constraints(1)) : constraint(1));
      return Value(std::move(object));
    }
    const std::string first = action_name();
    std::string second = action_name();
    while (second == first) second = action_name();
    return Value(Array{first, second});
  }

  template <class Pool>
  Value named(const Pool& pool, std::vector<std::string>& names, const char* type) {
    if (dice_.chance(75)) return Value(name(pool, names));
    Object object{{dice_.chance(50) ? "@id" : "source", name(pool, names)}};
    if (dice_.chance(70)) object.emplace_back("@type", type);
    if (dice_.chance(60)) object.emplace_back("refinement", constraints(1 + dice_.below(2)));
    return Value(std::move(object));
  }

  template <class Pool>
  Value several(const Pool& pool, std::vector<std::string>& names, const char* type) {
    if (dice_.chance(75)) return named(pool, names, type);
    Array list{named(pool, names, type)};
    const std::string first = names.back();
    const std::string second = name(pool, names);
    if (second != first) list.emplace_back(second);
    return Value(std::move(list));
  }

  Value duty(const std::string& pointer, bool obligation) {
    Object duty;
    std::string key = pointer;
    const bool mention = !obligation && !options_.named_duties && !known_duties_.empty() && dice_.chance(15);
    if (mention) {
      const std::string uid = dice_.one_of(known_duties_);
      return dice_.chance(50) ? Value(uid) : json::object({{"uid", uid}});
    }
    if (options_.named_duties || dice_.chance(50)) {
      key = "urn:duty:" + std::to_string(++out_.uids);
      duty.emplace_back("uid", key);
      if (!obligation) known_duties_.push_back(key);
    }
    if (!obligation) out_.duties.push_back(key);
    if (obligation && dice_.chance(50)) {
      duty.emplace_back("action", "deleteAfter");
      duty.emplace_back(
          "constraint",
          Array{json::object({{"leftOperand", "delayPeriod"}, {"operator", "lteq"}, {"rightOperand", "P7D"}})});
      return Value(std::move(duty));
    }
    duty.emplace_back("action", dice_.one_of(kDutyActions));
    if (dice_.chance(20)) duty.emplace_back("constraint", Array{Value(atom())});
    if (!obligation && dice_.chance(40)) {
      Array list;
      for (std::size_t i = 0, n = 1 + dice_.below(2); i < n; ++i) {
        Object consequence;
        std::string name = pointer + "/consequence/" + std::to_string(i);
        if (options_.named_duties || dice_.chance(50)) {
          name = "urn:duty:" + std::to_string(++out_.uids);
          consequence.emplace_back("uid", name);
        }
        out_.duties.push_back(name);
        consequence.emplace_back("action", dice_.one_of(kDutyActions));
        list.emplace_back(std::move(consequence));
      }
      duty.emplace_back("consequence", std::move(list));
    }
    return Value(std::move(duty));
  }

  Value logical(int depth) {
    static constexpr const char* kLogics[] = {"and", "or", "xone", "andSequence"};
    const std::string logic = dice_.one_of(kLogics);
    Array operands;
    std::vector<std::string> seen;
    while (operands.size() < 2 + (dice_.chance(25) ? 1U : 0U) + (dice_.chance(5) ? 4U : 0U)) {
      Value one = constraint(depth + 1);
      // Two operands of one `xone` may not be equal: here they differ in operand or operator.
      const Value* left = one.find("leftOperand");
      const std::string key =
          left == nullptr ? json::serialise(one) : *left->if_string() + *one.find("operator")->if_string();
      if (logic == "xone" && std::find(seen.begin(), seen.end(), key) != seen.end()) continue;
      seen.push_back(key);
      operands.push_back(std::move(one));
    }
    Object object;
    if (dice_.chance(5)) object.emplace_back("@type", "LogicalConstraint");
    object.emplace_back(logic, std::move(operands));
    return Value(std::move(object));
  }

  Object atom() {
    const std::size_t kind = dice_.below(100);
    if (kind < 22) return purpose();
    if (kind < 42) return time();
    if (kind < 55) return elapsed();
    if (kind < 65) return number();
    if (kind < 70) return metered();
    return text();
  }

  static Object compared(const std::string& left, const std::string& op, Value right) {
    return Object{{"leftOperand", left}, {"operator", op}, {"rightOperand", std::move(right)}};
  }

  void hint(const std::string& operand, Value value) { out_.hints.push_back({operand, std::move(value)}); }

  /// A list for operators that take one (or one string), else one value.
  template <class Draw>
  Value values(const std::string& operand, const std::string& op, Draw draw) {
    if (!takes_list(op)) {
      const std::string one = draw();
      hint(operand, one);
      return Value(one);
    }
    Array list;
    for (std::size_t i = 0, n = 1 + dice_.below(3); i < n; ++i) {
      const Value one(draw());
      if (std::find(list.begin(), list.end(), one) == list.end()) list.push_back(one);
    }
    hint(operand, dice_.chance(50) ? list.front() : Value(list));
    if (list.size() == 1 && dice_.chance(30)) return list.front();
    return Value(std::move(list));
  }

  Object purpose() {
    const std::string op = dice_.one_of(kPurposeOperators);
    return compared("purpose", op, values("purpose", op, [&] {
                      if (dice_.chance(10)) return purposes_.name(dice_.below(purposes_.size()));
                      return (dice_.chance(90) ? "dpv:" : "https://w3id.org/dpv#") +
                             std::string(dice_.one_of(kPurposes));
                    }));
  }

  Object text() {
    // A handful of operands come up again and again, so that conditions meet.
    const std::string operand = dice_.chance(60) ? kTexts[dice_.below(6)] : dice_.one_of(kTexts);
    const std::string op = dice_.one_of(kSets);
    return compared(operand, op, values(operand, op, [&] {
                      if (operand == "language") {
                        static constexpr const char* kLanguages[] = {"nl", "FY", "EN", "de", "be"};
                        return std::string(dice_.one_of(kLanguages));
                      }
                      return "v" + std::to_string(1 + dice_.below(4));
                    }));
  }

  Object number() {
    if (dice_.chance(40)) {
      const std::int64_t count = dice_.between(0, 5);
      hint("count", std::to_string(std::max<std::int64_t>(0, count - 1)));
      return compared("count", dice_.one_of(kScalar), std::to_string(count));
    }
    const std::string operand = dice_.one_of(kDecimals);
    static constexpr const char* kNumbers[] = {"0",   "5",   "5.00", "5.000001", "4.999999",
                                               "0.1", "0.3", "-2.5", "999999",   "12.5"};
    const std::string value = dice_.one_of(kNumbers);
    Object atom = compared(operand, dice_.one_of(kScalar), value);
    if (operand == "payAmount" || dice_.chance(30)) {
      const std::string unit = dice_.one_of(kUnits);
      atom.emplace_back("unit", unit);
      hint(operand, json::object({{"value", value}, {"unit", unit}}));
    } else {
      hint(operand, value);
    }
    return atom;
  }

  Object metered() {
    const std::string value = dice_.one_of(kPlainLengths);
    hint("meteredTime", value);
    return compared("meteredTime", dice_.one_of(kScalar), value);
  }

  Object elapsed() {
    const std::string value = dice_.one_of(kLengths);
    out_.lengths.push_back(*naive::read_length(value));
    return compared("elapsedTime", dice_.one_of(kOrder), value);
  }

  Object time() {
    const Micros instant = kNoon + dice_.between(-3, 3) * kDay +
                           (dice_.chance(50) ? 0 : dice_.between(-2, 2) * 3600 * kSecond) +
                           (dice_.chance(80) ? 0 : dice_.between(0, 999'999));
    std::string text = write_instant(instant);
    if (dice_.chance(35)) {
      static constexpr const char* kZones[] = {"Z", "+01:00", "-05:00", "+14:00", "Z"};
      text = write_day(std::chrono::sys_days(std::chrono::days(instant / kDay))) + dice_.one_of(kZones);
    } else if (dice_.chance(10)) {
      text = write_instant(instant + 3600 * kSecond);
      text.replace(text.size() - 1, 1, "+01:00");
    }
    const auto when = *naive::read_when(text);
    out_.instants.push_back(when.first);
    out_.instants.push_back(when.last);
    Object atom = compared("dateTime", dice_.one_of(kScalar), text);
    if (!when.day && dice_.chance(5))
      atom.back().second = json::object({{"@value", text}, {"@type", "xsd:dateTime"}});
    return atom;
  }

  Dice& dice_;
  GeneratedPolicy& out_;
  const naive::Purposes& purposes_;
  const GeneratorOptions& options_;
  bool shared_action_ = false;
  std::vector<std::string> known_duties_;
};

/// A name that the policy names, or another.
template <class Pool>
std::string asked(Dice& dice, const Pool& pool, const std::vector<std::string>& named) {
  return !named.empty() && dice.chance(65) ? dice.one_of(named) : std::string(dice.one_of(pool));
}

Value attribute(Dice& dice, const GeneratedPolicy& policy, const GeneratedPolicy::Hint& hint) {
  const std::size_t kind = dice.below(100);
  if (hint.operand == "language" && kind < 30) return Value(dice.chance(50) ? "En" : "fy");
  if (kind < 62) return hint.value;
  // Another value that the policy names for the same operand, two at once, none, or one that nobody names.
  const GeneratedPolicy::Hint& other = dice.one_of(policy.hints);
  const bool same = other.operand == hint.operand;
  const bool number = hint.operand == "count" || hint.operand == "meteredTime" ||
                      std::find(std::begin(kDecimals), std::end(kDecimals), hint.operand) != std::end(kDecimals);
  if (kind < 80 && same) return other.value;
  if (hint.operand == "count") return Value(std::to_string(dice.below(7)));
  if (hint.operand == "meteredTime") return Value(dice.one_of(kPlainLengths));
  if (number)
    return dice.chance(50) ? Value("5") : json::object({{"value", "4.999999"}, {"unit", dice.one_of(kUnits)}});
  if (hint.operand == "purpose") {
    if (dice.chance(10)) return Value(Array{"dpv:Marketing", "dpv:Advertising"});
    return dice.chance(10) ? Value("urn:no:purpose") : Value("dpv:" + std::string(dice.one_of(kPurposes)));
  }
  if (kind < 85) return Value(Array{});
  if (kind < 93 && hint.value.if_string() != nullptr)
    return Value(Array{hint.value, "w" + std::to_string(1 + dice.below(3))});
  return Value("v" + std::to_string(1 + dice.below(5)));
}

}  // namespace

std::string write_instant(Micros instant) {
  const Micros day = instant / kDay;
  const Micros rest = instant % kDay;
  char text[64];
  std::snprintf(text, sizeof text, "T%02d:%02d:%02d", int(rest / (3600 * kSecond)), int(rest / (60 * kSecond) % 60),
                int(rest / kSecond % 60));
  std::string out = write_day(std::chrono::sys_days(std::chrono::days(day))) + text;
  if (rest % kSecond != 0) {
    std::snprintf(text, sizeof text, ".%06d", int(rest % kSecond));
    out += text;
  }
  return out + "Z";
}

GeneratedPolicy generate_policy(Dice& dice, const naive::Purposes& purposes, const GeneratorOptions& options) {
  GeneratedPolicy out;
  Generator(dice, out, purposes, options).policy();
  return out;
}

Value generate_constraint(Dice& dice, GeneratedPolicy& policy, const naive::Purposes& purposes) {
  const GeneratorOptions options;
  return Generator(dice, policy, purposes, options).constraint(0);
}

Value generate_prohibition(Dice& dice, GeneratedPolicy& policy, const naive::Purposes& purposes) {
  GeneratorOptions options;
  options.named_duties = true;
  return Generator(dice, policy, purposes, options).rule("prohibition", "");
}

Value generate_request(Dice& dice, const GeneratedPolicy& policy, const GeneratorOptions& options) {
  Object request;
  request.emplace_back("action", asked(dice, kActions, policy.actions));
  if (dice.chance(94)) request.emplace_back("target", asked(dice, kTargets, policy.targets));
  if (dice.chance(94)) request.emplace_back("assignee", asked(dice, kParties, policy.assignees));
  if (options.memberships && dice.chance(50)) {
    request.emplace_back("targetIn", dice.chance(60) ? Array{"urn:c:1"} : Array{"urn:c:2", "urn:c:9"});
  }
  if (options.memberships && dice.chance(50)) {
    request.emplace_back("assigneeIn", dice.chance(60) ? Array{"urn:g:1"} : Array{"urn:g:1", "urn:g:2"});
  }
  Micros now = kNoon + dice.between(-4 * kDay, 4 * kDay);
  if (!policy.instants.empty() && dice.chance(80)) now = dice.one_of(policy.instants) + dice.between(-1, 1);
  const Micros agreed = *naive::read_instant(dice.one_of(kAgreed));
  if (!policy.lengths.empty() && dice.chance(60))
    now = naive::add(agreed, dice.one_of(policy.lengths)) + dice.between(-1, 1);
  // Around the skew that is allowed between peers.
  if (dice.chance(5)) now = agreed + dice.between(-2 * kSecond - 1, 1);
  if (dice.chance(95)) request.emplace_back("now", write_instant(now));
  if (dice.chance(90)) request.emplace_back("agreed", write_instant(agreed));
  Object attributes;
  for (const GeneratedPolicy::Hint& hint : policy.hints) {
    const bool there = std::any_of(attributes.begin(), attributes.end(),
                                   [&](const json::Member& one) { return one.first == hint.operand; });
    if (!there && dice.chance(88)) attributes.emplace_back(hint.operand, attribute(dice, policy, hint));
  }
  if (!attributes.empty()) request.emplace_back("attributes", std::move(attributes));
  Object duties;
  // Of a remedied duty whose consequences nobody tells of the page and the engine say no and unknown
  // (conformance/questions).
  const bool all = dice.chance(60);
  for (const std::string& duty : policy.duties) {
    std::string state = dice.one_of(kStates);
    if (state == "remedied" && !all) state = "unset";
    if (all || dice.chance(80)) duties.emplace_back(duty, state);
  }
  if (!duties.empty()) request.emplace_back("duties", std::move(duties));
  return Value(std::move(request));
}

namespace {

constexpr std::string_view kOdrl = "http://www.w3.org/ns/odrl/2/";
constexpr std::string_view kOurs = "https://w3id.org/sluis/odrl/1#";

std::string spelt(Dice& dice, std::string_view name, bool ours) {
  switch (dice.below(3)) {
    case 0: return std::string(name);
    case 1: return (ours ? "sluis:" : "odrl:") + std::string(name);
    default: return std::string(ours ? kOurs : kOdrl) + std::string(name);
  }
}

/// Members whose values are terms, in any spelling; all others are values.
bool holds_terms(std::string_view key) {
  return key == "action" || key == "leftOperand" || key == "operator" || key == "conflict" || key == "@type" ||
         key == "rdf:value";
}

Value respelt_term(const Value& value, Dice& dice) {
  const std::string& text = *value.if_string();
  if (text.find(':') != std::string::npos) return value;
  return Value(spelt(dice, text, is_profile_operand(text) || text == "deleteAfter"));
}

Value respelt_in(const Value& value, Dice& dice, std::string_view key, bool in_action) {
  if (value.if_string() != nullptr)
    return holds_terms(key) || (in_action && key == "@id") ? respelt_term(value, dice) : value;
  if (const Array* array = value.if_array()) {
    Array out;
    for (const Value& one : *array) out.push_back(respelt_in(one, dice, key, in_action));
    return Value(std::move(out));
  }
  const Object* object = value.if_object();
  if (object == nullptr || value.find("@value") != nullptr) return value;
  Object out;
  for (const auto& [name, member] : *object) {
    const bool fixed = name.starts_with("@") || name == "rdf:value";
    std::string spelling = fixed ? name : spelt(dice, name, false);
    if (name == "uid" && dice.chance(30)) spelling = "@id";
    const bool action = key == "action" && name != "refinement";
    out.emplace_back(std::move(spelling), respelt_in(member, dice, name, action));
  }
  return Value(std::move(out));
}

}  // namespace

Value respelt(const Value& policy, Dice& dice) { return respelt_in(policy, dice, "", false); }

}  // namespace sluis::test
