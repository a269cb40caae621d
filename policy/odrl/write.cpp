#include "policy/odrl/values.hpp"

namespace sluis::policy {
namespace {

json::Value right_operand(const Constraint& constraint) {
  if (constraint.op != Operator::is_any_of) return json::Value(describe_value(constraint));
  json::Array values;
  for (const std::string& value : constraint.values) values.emplace_back(value);
  return json::Value(std::move(values));
}

json::Value rules_json(const std::vector<Rule>& rules) {
  json::Array array;
  for (const Rule& rule : rules) {
    json::Value one = json::object({{"action", json::Value(iri(rule.action))}});
    json::Array constraints;
    for (const Constraint& constraint : rule.constraints) {
      constraints.push_back(json::object({{"leftOperand", json::Value(iri(constraint.operand))},
                                          {"operator", json::Value(to_string(constraint.op))},
                                          {"rightOperand", right_operand(constraint)}}));
    }
    if (!constraints.empty()) one.set("constraint", json::Value(std::move(constraints)));
    array.push_back(std::move(one));
  }
  return json::Value(std::move(array));
}

}  // namespace

json::Value to_json(const Policy& policy) {
  json::Value value = json::object({{"@id", json::Value(policy.id)},
                                    {"@type", policy.type == Policy::Type::offer ? "Offer" : "Agreement"},
                                    {"profile", json::Value(kProfile)}});
  if (policy.target) value.set("target", json::Value(*policy.target));
  if (policy.assigner) value.set("assigner", json::Value(*policy.assigner));
  if (policy.assignee) value.set("assignee", json::Value(*policy.assignee));
  if (policy.timestamp) value.set("timestamp", json::Value(format_time(*policy.timestamp)));
  if (!policy.permissions.empty()) value.set("permission", rules_json(policy.permissions));
  if (!policy.prohibitions.empty()) value.set("prohibition", rules_json(policy.prohibitions));
  if (!policy.obligations.empty()) value.set("obligation", rules_json(policy.obligations));
  return value;
}

}  // namespace sluis::policy
