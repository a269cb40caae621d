#include "connector/base/limits.hpp"
#include "connector/base/suggest.hpp"
#include "policy/odrl/values.hpp"

#include <algorithm>
#include <array>

namespace sluis::policy {
namespace {

Error refused(std::string message, const std::string& pointer) {
  return Error(ErrorCode::invalid_argument, std::move(message)).at_pointer(pointer);
}

enum class RuleKind : std::uint8_t { permission, prohibition, obligation };

constexpr std::array<std::string_view, 11> kPolicyKeys{"@context",   "@id",         "@type",   "target",
                                                       "assigner",   "assignee",    "timestamp", "profile",
                                                       "permission", "prohibition", "obligation"};
constexpr std::array<std::string_view, 2> kRuleKeys{"action", "constraint"};
constexpr std::array<std::string_view, 3> kConstraintKeys{"leftOperand", "operator", "rightOperand"};

/// The member with that short name, however it is spelt.
const json::Value* member(const json::Object& object, std::string_view name) {
  for (const auto& [key, value] : object) {
    if (short_key(key) == name) return &value;
  }
  return nullptr;
}

/// Known ODRL that this profile does not have, with what to write instead.
std::string_view instead_of(std::string_view key) {
  if (key == "and" || key == "or" || key == "xone" || key == "andSequence") {
    return "constraints of a rule must all hold; write a rule for each alternative";
  }
  if (key == "duty") return "write it as an `obligation` of the policy";
  if (key == "refinement") return "write it as a `constraint` of the rule";
  if (key == "target") return "the target stands at the policy, not at its rules";
  return {};
}

Result<void> check_keys(const json::Object& object, std::span<const std::string_view> known, const char* what,
                        const std::string& pointer) {
  std::vector<std::string_view> seen;
  for (const auto& [key, value] : object) {
    const std::string_view name = short_key(key);
    const std::string at = json::pointer_to(pointer, key);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const std::string_view hint = instead_of(name);
      return refused("unknown key " + in_backticks(key) + " in " + what, at)
          .mended_by(hint.empty() ? suggestion(name, known) : std::string(hint));
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      return refused("the key " + in_backticks(name) + " is there twice, in two spellings", at);
    }
    seen.push_back(name);
  }
  return {};
}

bool operator_fits(Operand operand, Operator op) {
  switch (operand) {
    case Operand::purpose: return op == Operator::eq || op == Operator::is_a || op == Operator::is_any_of;
    case Operand::recipient:
    case Operand::class_of_recipient:
    case Operand::cell_column: return op == Operator::eq || op == Operator::is_any_of;
    case Operand::date_time:
      return op == Operator::lt || op == Operator::lteq || op == Operator::gt || op == Operator::gteq;
    case Operand::elapsed_time: return op == Operator::lt || op == Operator::lteq;
    case Operand::delay_period: return op == Operator::eq || op == Operator::lteq;
    case Operand::min_cell_size: return op == Operator::gteq;
    case Operand::cell_group: return op == Operator::eq;
  }
  return false;
}

std::string_view fitting_operators(Operand operand) {
  switch (operand) {
    case Operand::purpose: return "use `eq`, `isA` or `isAnyOf`";
    case Operand::recipient:
    case Operand::class_of_recipient:
    case Operand::cell_column: return "use `eq` or `isAnyOf`";
    case Operand::date_time: return "use `lt`, `lteq`, `gt` or `gteq`";
    case Operand::elapsed_time: return "use `lt` or `lteq`";
    case Operand::delay_period: return "use `eq` or `lteq`";
    case Operand::min_cell_size: return "use `gteq`";
    case Operand::cell_group: return "use `eq`";
  }
  return {};
}

bool operand_fits(Action action, Operand operand) {
  switch (action) {
    case Action::use: return operand <= Operand::elapsed_time;
    case Action::delete_after: return operand == Operand::delay_period;
    case Action::suppress_small_cells: return operand >= Operand::min_cell_size;
  }
  return false;
}

Result<Constraint> read_constraint(const json::Value& value, Action action, const std::string& pointer) {
  const json::Object* object = value.if_object();
  if (object == nullptr) return refused("a constraint is an object, not " + std::string(value.kind()), pointer);
  SLUIS_CHECK(check_keys(*object, kConstraintKeys, "a constraint", pointer));
  for (const std::string_view key : kConstraintKeys) {
    if (member(*object, key) == nullptr) return refused("a constraint needs " + in_backticks(key), pointer);
  }
  const std::string left_at = json::pointer_to(pointer, "leftOperand");
  SLUIS_TRY(const std::string left, read_id(*member(*object, "leftOperand"), left_at));
  const auto operand = operand_from(left);
  if (!operand) return refused("unknown left operand " + in_backticks(left), left_at).mended_by(suggest_operand(left));
  if (!operand_fits(action, *operand)) {
    return refused("`" + std::string(to_string(*operand)) + "` has no place in a rule on `" +
                       std::string(to_string(action)) + "`", left_at);
  }
  const std::string operator_at = json::pointer_to(pointer, "operator");
  SLUIS_TRY(const std::string word, read_id(*member(*object, "operator"), operator_at));
  const auto op = operator_from(word);
  if (!op) return refused("unknown operator " + in_backticks(word), operator_at).mended_by(suggest_operator(word));
  if (!operator_fits(*operand, *op)) {
    return refused("the operator " + in_backticks(word) + " does not fit `" + std::string(to_string(*operand)) + "`",
                   operator_at)
        .mended_by(std::string(fitting_operators(*operand)));
  }
  Constraint constraint;
  constraint.operand = *operand;
  constraint.op = *op;
  constraint.pointer = pointer;
  const std::string right_at = json::pointer_to(pointer, "rightOperand");
  SLUIS_CHECK(read_right_operand(*member(*object, "rightOperand"), right_at, constraint));
  return constraint;
}

std::size_t count(const Rule& rule, Operand operand) {
  return static_cast<std::size_t>(std::count_if(rule.constraints.begin(), rule.constraints.end(),
                                                [&](const Constraint& c) { return c.operand == operand; }));
}

Result<void> check_action(const Rule& rule, RuleKind kind) {
  const std::string at = json::pointer_to(rule.pointer, "action");
  const bool use = rule.action == Action::use;
  if (kind != RuleKind::obligation && !use) {
    return refused("`" + std::string(to_string(rule.action)) + "` can only be an obligation of the policy", at);
  }
  if (kind == RuleKind::obligation && use) {
    return refused("nobody can be obliged to `use`", at).mended_by("known are `deleteAfter`, `suppressSmallCells`");
  }
  if (rule.action == Action::delete_after && count(rule, Operand::delay_period) != 1) {
    return refused("`deleteAfter` needs exactly one `delayPeriod`", rule.pointer);
  }
  if (rule.action == Action::suppress_small_cells && count(rule, Operand::min_cell_size) != 1) {
    return refused("`suppressSmallCells` needs exactly one `minCellSize`", rule.pointer);
  }
  return {};
}

Result<Rule> read_rule(const json::Value& value, RuleKind kind, const std::string& pointer) {
  const json::Object* object = value.if_object();
  if (object == nullptr) return refused("a rule is an object, not " + std::string(value.kind()), pointer);
  SLUIS_CHECK(check_keys(*object, kRuleKeys, "a rule", pointer));
  const json::Value* action = member(*object, "action");
  if (action == nullptr) return refused("a rule needs `action`", pointer);
  const std::string action_at = json::pointer_to(pointer, "action");
  SLUIS_TRY(const std::string word, read_id(*action, action_at));
  const auto known = action_from(word);
  if (!known) return refused("unknown action " + in_backticks(word), action_at).mended_by(suggest_action(word));
  Rule rule;
  rule.action = *known;
  rule.pointer = pointer;
  if (const json::Value* constraints = member(*object, "constraint")) {
    const std::string at = json::pointer_to(pointer, "constraint");
    const json::Array* array = constraints->if_array();
    if (array == nullptr) return refused("`constraint` is an array, not " + std::string(constraints->kind()), at);
    for (std::size_t i = 0; i < array->size(); ++i) {
      SLUIS_TRY(Constraint one, read_constraint((*array)[i], rule.action, json::pointer_to(at, i)));
      rule.constraints.push_back(std::move(one));
    }
  }
  SLUIS_CHECK(check_action(rule, kind));
  return rule;
}

Result<std::vector<Rule>> read_rules(const json::Object& object, std::string_view key, RuleKind kind,
                                     const std::string& pointer) {
  std::vector<Rule> rules;
  const json::Value* value = member(object, key);
  if (value == nullptr) return rules;
  const std::string at = json::pointer_to(pointer, key);
  const json::Array* array = value->if_array();
  if (array == nullptr) return refused(in_backticks(key) + " is an array, not " + std::string(value->kind()), at);
  if (array->empty()) return refused(in_backticks(key) + " is empty", at).mended_by("leave it out");
  for (std::size_t i = 0; i < array->size(); ++i) {
    SLUIS_TRY(Rule rule, read_rule((*array)[i], kind, json::pointer_to(at, i)));
    rules.push_back(std::move(rule));
  }
  return rules;
}

Result<std::optional<std::string>> read_optional(const json::Object& object, std::string_view key,
                                                 const std::string& pointer) {
  const json::Value* value = member(object, key);
  if (value == nullptr) return std::optional<std::string>();
  SLUIS_TRY(std::string text, read_id(*value, json::pointer_to(pointer, key)));
  return std::optional<std::string>(std::move(text));
}

Result<Policy::Type> read_type(const json::Object& object, const std::string& pointer) {
  const json::Value* value = member(object, "@type");
  if (value == nullptr) return refused("a policy needs `@type`", pointer).mended_by("write `Offer` or `Agreement`");
  const std::string at = json::pointer_to(pointer, "@type");
  SLUIS_TRY(const std::string text, read_id(*value, at));
  if (short_key(text) == "Offer") return Policy::Type::offer;
  if (short_key(text) == "Agreement") return Policy::Type::agreement;
  return refused("unknown type of policy " + in_backticks(text), at).mended_by("known are `Offer`, `Agreement`");
}

Result<void> check_profile(const json::Object& object, const std::string& pointer) {
  const json::Value* value = member(object, "profile");
  if (value == nullptr) return {};
  const std::string at = json::pointer_to(pointer, "profile");
  const json::Array single{*value};
  const json::Array* names = value->if_array() != nullptr ? value->if_array() : &single;
  for (const json::Value& name : *names) {
    SLUIS_TRY(const std::string text, read_id(name, at));
    if (!is_profile(text)) {
      return refused("unknown profile " + in_backticks(text), at).mended_by("known is `" + std::string(kProfile) + "`");
    }
  }
  return {};
}

Result<void> check_context(const json::Object& object, const std::string& pointer) {
  const json::Value* value = member(object, "@context");
  if (value == nullptr) return {};
  const std::string at = json::pointer_to(pointer, "@context");
  if (value->if_string() != nullptr) return {};
  const json::Array* array = value->if_array();
  if (array == nullptr) return refused("`@context` is an array of strings", at);
  for (const json::Value& one : *array) {
    // A context that is written out could give a known word another meaning.
    if (one.if_string() == nullptr) return refused("`@context` names contexts, it does not hold them", at);
  }
  return {};
}

Result<void> check_parties(const Policy& policy, const ParseOptions& options, const json::Object& object) {
  const std::string& pointer = options.pointer;
  if (policy.type == Policy::Type::agreement) {
    for (const auto& [name, value] : {std::pair{"target", &policy.target}, std::pair{"assigner", &policy.assigner},
                                      std::pair{"assignee", &policy.assignee}}) {
      if (!*value) return refused("an agreement needs `" + std::string(name) + "`", pointer);
    }
    if (options.in_catalogue) return refused("a catalogue holds offers, not agreements", pointer);
    return {};
  }
  if (options.in_catalogue && policy.target) {
    return refused("an offer in a catalogue has no `target`", json::pointer_to(pointer, "target"))
        .mended_by("the dataset that holds the offer is its target");
  }
  if (member(object, "timestamp") != nullptr) {
    return refused("an offer has no `timestamp`", json::pointer_to(pointer, "timestamp"));
  }
  return {};
}

Result<void> check_limits(const Policy& policy, const std::string& pointer) {
  std::size_t rules = 0;
  std::size_t constraints = 0;
  for (const auto* list : {&policy.permissions, &policy.prohibitions, &policy.obligations}) {
    rules += list->size();
    for (const Rule& rule : *list) constraints += rule.constraints.size();
  }
  if (rules > limits::kRulesPerPolicy || constraints > limits::kConstraintsPerPolicy) {
    return Error(ErrorCode::limit_exceeded, "a policy has at most " + std::to_string(limits::kRulesPerPolicy) +
                                                " rules and " + std::to_string(limits::kConstraintsPerPolicy) +
                                                " constraints").at_pointer(pointer);
  }
  return {};
}

}  // namespace

Result<Policy> parse_policy(const json::Value& value, const ParseOptions& options) {
  const std::string& pointer = options.pointer;
  const json::Object* object = value.if_object();
  if (object == nullptr) return refused("a policy is an object, not " + std::string(value.kind()), pointer);
  SLUIS_CHECK(check_keys(*object, kPolicyKeys, "a policy", pointer));
  SLUIS_CHECK(check_context(*object, pointer));
  SLUIS_CHECK(check_profile(*object, pointer));
  Policy policy;
  SLUIS_TRY(policy.type, read_type(*object, pointer));
  SLUIS_TRY(const auto id, read_optional(*object, "@id", pointer));
  if (!id) return refused("a policy needs `@id`", pointer);
  policy.id = *id;
  SLUIS_TRY(policy.target, read_optional(*object, "target", pointer));
  SLUIS_TRY(policy.assigner, read_optional(*object, "assigner", pointer));
  SLUIS_TRY(policy.assignee, read_optional(*object, "assignee", pointer));
  SLUIS_CHECK(check_parties(policy, options, *object));
  SLUIS_TRY(const auto timestamp, read_optional(*object, "timestamp", pointer));
  if (timestamp) {
    auto time = parse_time(*timestamp);
    if (!time) return Error(time.error()).at_pointer(json::pointer_to(pointer, "timestamp"));
    policy.timestamp = *time;
  }
  SLUIS_TRY(policy.permissions, read_rules(*object, "permission", RuleKind::permission, pointer));
  SLUIS_TRY(policy.prohibitions, read_rules(*object, "prohibition", RuleKind::prohibition, pointer));
  SLUIS_TRY(policy.obligations, read_rules(*object, "obligation", RuleKind::obligation, pointer));
  if (policy.permissions.empty() && policy.prohibitions.empty()) {
    return refused("a policy needs a permission or a prohibition", pointer);
  }
  SLUIS_CHECK(check_limits(policy, pointer));
  return policy;
}

}  // namespace sluis::policy
