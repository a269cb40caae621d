#include "policy/odrl/values.hpp"

#include <fmt/format.h>

namespace sluis::policy {
namespace {

using json::Value;

/// A day as `2026-11-26+01:00`: the offset that makes its start a midnight.
std::string day_text(Timestamp start) {
  using std::chrono::days;
  using std::chrono::minutes;
  const auto utc_day = std::chrono::floor<days>(start);
  minutes into = std::chrono::floor<minutes>(start - utc_day);
  const bool next = into > std::chrono::hours(12);  // east of Greenwich the day begins on the eve
  const minutes offset = next ? minutes(std::chrono::hours(24)) - into : -into;
  const std::chrono::year_month_day date(utc_day + days(next ? 1 : 0));
  std::string text = fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  if (offset.count() == 0) return text + "Z";
  const auto size = std::chrono::abs(offset);
  return text + fmt::format("{}{:02}:{:02}", offset.count() < 0 ? '-' : '+', size.count() / 60, size.count() % 60);
}

Value right_operand(const Constraint& constraint) {
  if (constraint.until) {
    return json::object({{"@value", Value(day_text(constraint.time))}, {"@type", "xsd:date"}});
  }
  if (kind(constraint.operand) == Kind::decimal) return Value(format_decimal(constraint.number));
  if (!takes_list(constraint.op)) return Value(describe_value(constraint));
  json::Array values;
  for (const std::string& value : constraint.values) values.emplace_back(value);
  return Value(std::move(values));
}

Value constraint_json(const Constraint& constraint) {
  Value one = json::object({});
  if (!constraint.id.empty()) one.set("@id", Value(constraint.id));
  if (constraint.logic != Logic::atom) {
    json::Array operands;
    for (const Constraint& operand : constraint.operands) operands.push_back(constraint_json(operand));
    one.set(to_string(constraint.logic), Value(std::move(operands)));
    return one;
  }
  one.set("leftOperand", Value(iri(constraint.operand)));
  one.set("operator", Value(to_string(constraint.op)));
  one.set("rightOperand", right_operand(constraint));
  if (!constraint.unit.empty()) one.set("unit", Value(constraint.unit));
  return one;
}

Value rules_json(const std::vector<Rule>& rules);

Value rule_json(const Rule& rule) {
  Value one = json::object({{"action", Value(iri(rule.action))}});
  if (rule.target) one.set("target", Value(*rule.target));
  if (rule.assigner) one.set("assigner", Value(*rule.assigner));
  if (rule.assignee) one.set("assignee", Value(*rule.assignee));
  json::Array constraints;
  // A refinement holds on the same conditions as a constraint does.
  for (const auto* list : {&rule.constraints, &rule.refinements}) {
    for (const Constraint& constraint : *list) constraints.push_back(constraint_json(constraint));
  }
  if (!constraints.empty()) one.set("constraint", Value(std::move(constraints)));
  if (!rule.duties.empty()) one.set("duty", rules_json(rule.duties));
  if (!rule.remedies.empty()) one.set("remedy", rules_json(rule.remedies));
  if (!rule.consequences.empty()) one.set("consequence", rules_json(rule.consequences));
  return one;
}

Value rules_json(const std::vector<Rule>& rules) {
  json::Array array;
  for (const Rule& rule : rules) {
    Value one = rule_json(rule);
    if (!rule.id.empty()) one.set("@id", Value(rule.id));
    array.push_back(std::move(one));
  }
  return Value(std::move(array));
}

std::string_view type_of(Policy::Type type) {
  switch (type) {
    case Policy::Type::offer: return "Offer";
    case Policy::Type::agreement: return "Agreement";
    case Policy::Type::set: break;
  }
  return "Set";
}

std::string_view strategy(Conflict conflict) {
  switch (conflict) {
    case Conflict::perm: return "perm";
    case Conflict::prohibit: return "prohibit";
    case Conflict::invalid: return "invalid";
    case Conflict::unwritten: break;
  }
  return {};
}

}  // namespace

Value to_json(const Policy& policy) {
  Value value =
      json::object({{"@id", Value(policy.id)}, {"@type", Value(type_of(policy.type))}, {"profile", Value(kProfile)}});
  if (policy.target) value.set("target", Value(*policy.target));
  if (policy.assigner) value.set("assigner", Value(*policy.assigner));
  if (policy.assignee) value.set("assignee", Value(*policy.assignee));
  if (policy.timestamp) value.set("timestamp", Value(format_time(*policy.timestamp)));
  if (policy.conflict != Conflict::unwritten) value.set("conflict", Value(strategy(policy.conflict)));
  if (!policy.permissions.empty()) value.set("permission", rules_json(policy.permissions));
  if (!policy.prohibitions.empty()) value.set("prohibition", rules_json(policy.prohibitions));
  if (!policy.obligations.empty()) value.set("obligation", rules_json(policy.obligations));
  return value;
}

}  // namespace sluis::policy
