#include "connector/base/limits.hpp"
#include "connector/base/suggest.hpp"
#include "policy/odrl/reader.hpp"
#include "policy/odrl/transforms.hpp"
#include "policy/odrl/values.hpp"

#include <algorithm>
#include <array>

namespace sluis::policy {

std::string_view to_string(Logic logic) {
  switch (logic) {
    case Logic::all: return "and";
    case Logic::any: return "or";
    case Logic::one: return "xone";
    case Logic::sequence: return "andSequence";
    case Logic::atom: break;
  }
  return "constraint";
}

namespace reading {
namespace {

constexpr std::array<std::string_view, 7> kAtomKeys{"@id",      "@type",        "leftOperand", "operator",
                                                    "dataType", "rightOperand", "unit"};
constexpr std::array<std::string_view, 3> kNeeded{"leftOperand", "operator", "rightOperand"};
constexpr std::array<std::string_view, 6> kLogicalKeys{"@id", "@type", "and", "or", "xone", "andSequence"};
constexpr std::array kLogics{Logic::all, Logic::any, Logic::one, Logic::sequence};

bool is_order(Operator op) { return op >= Operator::lt; }

bool operator_fits(Operand operand, Operator op) {
  switch (kind(operand)) {
    case Kind::purpose: return !is_order(op);
    case Kind::names: return op == Operator::eq || op == Operator::neq || takes_list(op);
    case Kind::elapsed: return is_order(op);
    case Kind::delay: return op == Operator::eq || op == Operator::lteq;
    case Kind::instant:
    case Kind::metered:
    case Kind::count:
    case Kind::decimal: return op == Operator::eq || op == Operator::neq || is_order(op);
    case Kind::transform: break;
  }
  return parameter_takes(parameter(operand), op);
}

std::string_view fitting_operators(Operand operand) {
  switch (kind(operand)) {
    case Kind::purpose: return "use `eq`, `isA`, `isAnyOf` or another operator of sets";
    case Kind::names: return "use `eq`, `neq`, `isAnyOf`, `isAllOf` or `isNoneOf`";
    case Kind::elapsed: return "use `lt`, `lteq`, `gt` or `gteq`";
    case Kind::delay: return "use `eq` or `lteq`";
    case Kind::instant:
    case Kind::metered:
    case Kind::count:
    case Kind::decimal: return "use `eq`, `neq`, `lt`, `lteq`, `gt` or `gteq`";
    case Kind::transform: break;
  }
  const Parameter& how = parameter(operand);
  if (how.list) return "use `eq` or `isAnyOf`";
  return how.op == Operator::gteq ? "use `gteq`" : how.op == Operator::lteq ? "use `lteq`" : "use `eq`";
}

bool operand_fits(Action action, RuleKind rule, Operand operand) {
  if (is_transform(action)) return kind(operand) == Kind::transform && parameter(operand).action == action;
  if (action == Action::delete_after) return operand == Operand::delay_period;
  if (kind(operand) == Kind::transform) return false;
  return kind(operand) != Kind::delay || (rule != RuleKind::permission && rule != RuleKind::prohibition);
}

Result<void> count_one(State& state, const std::string& pointer) {
  if (++state.constraints > limits::kConstraintsPerPolicy) {
    return Error(ErrorCode::limit_exceeded, "a policy has at most " + std::to_string(limits::kRulesPerPolicy) +
                                                " rules and " + std::to_string(limits::kConstraintsPerPolicy) +
                                                " constraints")
        .at_pointer(pointer)
        .mended_by("put values of one operand into one condition (`isAnyOf`), or offer the rest as another dataset");
  }
  return {};
}

Result<void> read_unit(const json::Object& object, const std::string& pointer, Constraint& constraint) {
  const json::Value* unit = member(object, "unit");
  const std::string at = json::pointer_to(pointer, "unit");
  if (kind(constraint.operand) != Kind::decimal) {
    if (unit == nullptr) return {};
    return refused("`" + std::string(to_string(constraint.operand)) + "` has no unit", at)
        .mended_by("leave `unit` out");
  }
  if (unit == nullptr) {
    if (constraint.operand != Operand::pay_amount) return {};
    return refused("`payAmount` needs `unit`, a currency", pointer);
  }
  SLUIS_TRY(constraint.unit, read_id(*unit, at));
  return {};
}

/// `dataType` says again what the value is; it goes where the reader of values expects it.
json::Value with_type(const json::Value& right, const json::Value* type) {
  if (type == nullptr || right.if_string() == nullptr) return right;
  return json::object({{"@value", right}, {"@type", *type}});
}

Result<Constraint> read_atom(State& state, const json::Object& object, Action action, RuleKind rule,
                             const std::string& pointer) {
  SLUIS_CHECK(check_keys(object, kAtomKeys, "a constraint", pointer));
  SLUIS_CHECK(check_type(object, "Constraint", pointer));
  SLUIS_CHECK(count_one(state, pointer));
  for (const std::string_view key : kNeeded) {
    if (member(object, key) == nullptr) return refused("a constraint needs " + in_backticks(key), pointer);
  }
  const std::string left_at = json::pointer_to(pointer, "leftOperand");
  SLUIS_TRY(const std::string left, read_id(*member(object, "leftOperand"), left_at));
  const auto operand = operand_from(left);
  if (!operand) return refused("unknown left operand " + in_backticks(left), left_at).mended_by(suggest_operand(left));
  if (!operand_fits(action, rule, *operand)) {
    return refused("`" + std::string(to_string(*operand)) + "` has no place in a rule on `" +
                       std::string(to_string(action)) + "`", left_at);
  }
  const std::string operator_at = json::pointer_to(pointer, "operator");
  SLUIS_TRY(const std::string word, read_id(*member(object, "operator"), operator_at));
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
  SLUIS_CHECK(read_unit(object, pointer, constraint));
  const json::Value right = with_type(*member(object, "rightOperand"), member(object, "dataType"));
  SLUIS_CHECK(read_right_operand(right, json::pointer_to(pointer, "rightOperand"), constraint));
  return constraint;
}

Result<Constraint> read_constraint(State& state, const json::Value& value, Action action, RuleKind rule,
                                   std::size_t depth, const std::string& pointer);

/// Equal operands of an `xone` would never be one alone.
bool equal_operands(const std::vector<Constraint>& operands) {
  std::vector<std::string> texts;
  for (const Constraint& one : operands) texts.push_back(content(one));
  std::sort(texts.begin(), texts.end());
  return std::adjacent_find(texts.begin(), texts.end()) != texts.end();
}

Result<Constraint> read_logical(State& state, const json::Object& object, Logic logic, Action action, RuleKind rule,
                                std::size_t depth, const std::string& pointer) {
  SLUIS_CHECK(check_keys(object, kLogicalKeys, "a logical constraint", pointer));
  SLUIS_CHECK(check_type(object, "LogicalConstraint", pointer));
  SLUIS_CHECK(count_one(state, pointer));
  for (const Logic other : kLogics) {
    if (other != logic && member(object, to_string(other)) != nullptr) {
      return refused("a logical constraint has one of `and`, `or`, `xone`, `andSequence`", pointer)
          .mended_by("put one into the other");
    }
  }
  if (depth >= limits::kPolicyDepth) {
    return Error(ErrorCode::limit_exceeded, "constraints are nested more than " +
                                                std::to_string(limits::kPolicyDepth) + " deep").at_pointer(pointer);
  }
  const std::string at = json::pointer_to(pointer, to_string(logic));
  const json::Value* held = member(object, to_string(logic));
  // `{"@list": […]}` keeps the order in JSON-LD.
  const json::Object* list = held->if_object();
  if (list != nullptr && list->size() == 1 && list->front().first == "@list") held = &list->front().second;
  SLUIS_TRY(const auto some, read_some(*held, at));
  if (some.size() < 2) return refused("a logical constraint has two operands or more", at);
  Constraint constraint;
  constraint.logic = logic;
  constraint.pointer = pointer;
  for (const auto& [value, place] : some) {
    SLUIS_TRY(Constraint one, read_constraint(state, *value, action, rule, depth + 1, place));
    constraint.operands.push_back(std::move(one));
  }
  if (logic == Logic::one && equal_operands(constraint.operands)) {
    return refused("two operands of `xone` are equal, so that it would never be one alone", at);
  }
  return constraint;
}

Result<Constraint> read_constraint(State& state, const json::Value& value, Action action, RuleKind rule,
                                   std::size_t depth, const std::string& pointer) {
  const json::Object* object = value.if_object();
  if (object == nullptr) return refused("a constraint is an object, not " + std::string(value.kind()), pointer);
  SLUIS_TRY(std::string id, read_uid(state, value, pointer));
  const auto logic = std::find_if(kLogics.begin(), kLogics.end(),
                                  [&](Logic one) { return member(*object, to_string(one)) != nullptr; });
  if (logic == kLogics.end()) {
    SLUIS_TRY(Constraint atom, read_atom(state, *object, action, rule, pointer));
    atom.id = std::move(id);
    return atom;
  }
  SLUIS_TRY(Constraint logical, read_logical(state, *object, *logic, action, rule, depth, pointer));
  logical.id = std::move(id);
  return logical;
}

}  // namespace

Result<std::vector<Constraint>> read_constraints(State& state, const json::Value& value, Action action, RuleKind kind,
                                                 const std::string& pointer) {
  std::vector<Constraint> constraints;
  SLUIS_TRY(const auto some, read_some(value, pointer));
  for (const auto& [one, at] : some) {
    SLUIS_TRY(Constraint constraint, read_constraint(state, *one, action, kind, 0, at));
    constraints.push_back(std::move(constraint));
  }
  return constraints;
}

}  // namespace reading
}  // namespace sluis::policy
