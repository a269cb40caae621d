#include "tests/support/naive_odrl.hpp"

#include <algorithm>

namespace sluis::test::naive {
namespace {

/// The skew that is allowed between peers (D14).
constexpr Micros kSkew = 2'000'000;

Value truth(bool holds) { return holds ? Value::yes : Value::no; }

/// Compares what is with what is named: `a lt b` and the like.
Value compare(std::int64_t a, Operator op, std::int64_t b) {
  switch (op) {
    case Operator::eq: return truth(a == b);
    case Operator::neq: return truth(a != b);
    case Operator::lt: return truth(a < b);
    case Operator::lteq: return truth(a <= b);
    case Operator::gt: return truth(a > b);
    case Operator::gteq: return truth(a >= b);
    default: return Value::unknown;
  }
}

/// A day is [first, last): before it, within it, or from its end on.
Value compare(Micros now, Operator op, const When& when) {
  if (!when.day) return compare(now, op, when.first);
  switch (op) {
    case Operator::eq: return truth(now >= when.first && now < when.last);
    case Operator::neq: return truth(now < when.first || now >= when.last);
    case Operator::lt: return truth(now < when.first);
    case Operator::lteq: return truth(now < when.last);
    case Operator::gt: return truth(now >= when.last);
    case Operator::gteq: return truth(now >= when.first);
    default: return Value::unknown;
  }
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool holds_all(const std::vector<std::string>& whole, const std::vector<std::string>& part) {
  return std::all_of(part.begin(), part.end(), [&](const std::string& one) {
    return std::find(whole.begin(), whole.end(), one) != whole.end();
  });
}

bool meet(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::any_of(a.begin(), a.end(),
                     [&](const std::string& one) { return std::find(b.begin(), b.end(), one) != b.end(); });
}

Value compare_sets(const std::vector<std::string>& a, Operator op, const std::vector<std::string>& b) {
  switch (op) {
    case Operator::eq: return truth(holds_all(a, b) && holds_all(b, a));
    case Operator::neq: return truth(!(holds_all(a, b) && holds_all(b, a)));
    case Operator::isAnyOf: return truth(meet(a, b));
    case Operator::isAllOf: return truth(holds_all(a, b));
    case Operator::isNoneOf: return truth(!meet(a, b));
    default: return Value::unknown;
  }
}

/// Whether what is asked is what is named, or in it.
Value match(const std::string& named, const std::optional<std::string>& asked, const std::vector<std::string>& in) {
  if (!asked) return Value::unknown;  // Choice: collections alone do not say what is asked
  return truth(named == *asked || std::find(in.begin(), in.end(), named) != in.end());
}

}  // namespace

std::string_view to_string(Value value) {
  switch (value) {
    case Value::no: return "no";
    case Value::unknown: return "unknown";
    case Value::yes: return "yes";
  }
  return "";
}

Value Policy::of_purpose(const Constraint& constraint, bool prohibition, const Given& given) const {
  // Choice: no purpose at all in the list is as unknown as several.
  if (given.values.size() != 1) return Value::unknown;
  const auto asked = purposes_->find(given.values.front());
  if (!asked) return Value::unknown;
  const auto named = [&](auto holds) {
    return std::any_of(constraint.purposes.begin(), constraint.purposes.end(),
                       [&](std::size_t one) { return holds(one); });
  };
  const bool exactly = named([&](std::size_t one) { return one == *asked; });
  const bool below = named([&](std::size_t one) { return purposes_->at_or_below(*asked, one); });
  const bool above = named([&](std::size_t one) { return purposes_->at_or_below(one, *asked); });
  switch (constraint.op) {
    case Operator::eq:
    case Operator::isAnyOf: return truth(prohibition ? below || above : exactly);
    case Operator::isA:
    case Operator::isPartOf: return truth(prohibition ? below || above : below);
    case Operator::hasPart: return truth(above);
    case Operator::neq:
    case Operator::isNoneOf: return truth(prohibition ? !exactly : !(below || above));
    case Operator::isAllOf:
      if (constraint.purposes.size() != 1) return Value::no;
      return truth(prohibition ? below || above : exactly);
    default: return Value::unknown;
  }
}

Value Policy::of_comparison(const Constraint& constraint, bool prohibition, const Request& request) const {
  const Kind kind = kOperands[constraint.operand].kind;
  if (kind == Kind::time || kind == Kind::elapsed) {
    if (!request.now || constraint.unit) return Value::unknown;
    if (kind == Kind::time) return compare(*request.now, constraint.op, constraint.when);
    if (!request.agreed || *request.agreed > *request.now + kSkew) return Value::unknown;
    return compare(*request.now, constraint.op, add(*request.agreed, constraint.length));
  }
  const std::optional<Given>& given = request.given[constraint.operand];
  if (!given) return Value::unknown;
  if (given->unit != constraint.unit) return Value::unknown;
  if (kind == Kind::purpose) return of_purpose(constraint, prohibition, *given);
  if (kind == Kind::text) {
    if (kOperands[constraint.operand].name != "language")
      return compare_sets(given->values, constraint.op, constraint.values);
    std::vector<std::string> a = given->values;
    std::vector<std::string> b = constraint.values;
    for (auto* list : {&a, &b}) {
      for (std::string& one : *list) one = lower(one);
    }
    return compare_sets(a, constraint.op, b);
  }
  // Choice: none or several numbers where one is needed.
  if (given->values.size() != 1) return Value::unknown;
  const std::string& text = given->values.front();
  std::optional<std::int64_t> value;
  if (kind == Kind::decimal) value = read_decimal(text);
  if (kind == Kind::count) {
    value = read_whole(text);
    if (value) ++*value;  // plus this use
  }
  if (kind == Kind::metered) {
    const auto length = read_length(text);
    if (length && length->months == 0) value = length->rest;
  }
  if (!value) return Value::unknown;  // Choice: what cannot be read is not known
  return compare(*value, constraint.op, kind == Kind::metered ? constraint.length.rest : constraint.number);
}

Value Policy::of_constraint(const Constraint& constraint, bool prohibition, const Request& request) const {
  if (constraint.logic == Constraint::Logic::none) return of_comparison(constraint, prohibition, request);
  std::vector<Value> values;
  for (const Constraint& part : constraint.parts) values.push_back(of_constraint(part, prohibition, request));
  if (constraint.logic == Constraint::Logic::all) return *std::min_element(values.begin(), values.end());
  if (constraint.logic == Constraint::Logic::any) return *std::max_element(values.begin(), values.end());
  const auto yes = std::count(values.begin(), values.end(), Value::yes);
  const auto unknown = std::count(values.begin(), values.end(), Value::unknown);
  if (yes >= 2) return Value::no;
  if (unknown > 0) return Value::unknown;
  return truth(yes == 1);
}

Value Policy::of_duty(const Duty& duty, const Request& request) const {
  const auto state = request.duties.find(duty.key);
  if (suite_) return truth(state == request.duties.end() || state->second != "violated");
  if (state == request.duties.end()) return Value::unknown;
  if (state->second == "fulfilled") return Value::yes;
  if (state->second == "remedied") {
    if (duty.consequences.empty()) return Value::no;
    Value least = Value::yes;
    for (const Duty& one : duty.consequences) least = std::min(least, of_duty(one, request));
    return least;
  }
  return state->second == "unset" || state->second == "violated" ? Value::no : Value::unknown;
}

Value Policy::of_named(const Named& named, Value match, const Rule& rule, const Request& request) const {
  for (const Constraint& refinement : named.refinements) {
    match = std::min(match, of_constraint(refinement, rule.prohibition, request));
  }
  return match;
}

/// The greatest over the rule's actions, targets and assignees (a compact rule is one rule for each combination;
/// the least of greatest values is the greatest of those least values), and the least of all that must hold.
Value Policy::of_rule(const Rule& rule, const Request& request) const {
  Value value = Value::yes;
  Value best = rule.actions.empty() ? Value::yes : Value::no;
  for (const Named& action : rule.actions) {
    const Value one = request.action ? truth(included(*request.action, action.name, suite_)) : Value::unknown;
    best = std::max(best, of_named(action, one, rule, request));
  }
  value = std::min(value, best);
  best = rule.targets.empty() ? Value::yes : Value::no;
  for (const Named& target : rule.targets) {
    best = std::max(best, of_named(target, match(target.name, request.target, request.target_in), rule, request));
  }
  value = std::min(value, best);
  best = rule.assignees.empty() ? Value::yes : Value::no;
  for (const Named& assignee : rule.assignees) {
    best = std::max(best,
                    of_named(assignee, match(assignee.name, request.assignee, request.assignee_in), rule, request));
  }
  value = std::min(value, best);
  for (const Constraint& constraint : rule.constraints)
    value = std::min(value, of_constraint(constraint, rule.prohibition, request));
  for (const Duty& duty : rule.duties) value = std::min(value, of_duty(duty, request));
  return value;
}

Answer Policy::decide(const Request& request) const {
  Answer answer;
  bool permitted = false;
  bool prohibited = false;
  for (const Rule& rule : rules_) {
    const Value value = of_rule(rule, request);
    answer.rules.emplace_back(rule.pointer, value);
    if (rule.prohibition)
      prohibited = prohibited || value != Value::no;
    else
      permitted = permitted || value == Value::yes;
  }
  answer.permit = permitted && (permissions_win_ || !prohibited);
  return answer;
}

}  // namespace sluis::test::naive
