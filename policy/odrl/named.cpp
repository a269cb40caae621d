#include "policy/odrl/named.hpp"

#include <algorithm>

namespace sluis::policy {
namespace {

void add(const Constraint& constraint, Operand operand, bool prohibition, std::vector<Named>& out) {
  for (const Constraint& one : constraint.operands) add(one, operand, prohibition, out);
  if (constraint.logic != Logic::atom || constraint.operand != operand) return;
  for (const std::string& value : constraint.values) out.push_back({value, constraint.pointer, constraint.op, prohibition});
}

}  // namespace

std::vector<Named> named(const Policy& policy, Operand operand) {
  std::vector<Named> out;
  for (const auto* rules : {&policy.permissions, &policy.prohibitions}) {
    for (const Rule& rule : *rules) {
      if (!included(Action::use, rule.action)) continue;
      for (const auto* list : {&rule.constraints, &rule.refinements}) {
        for (const Constraint& one : *list) add(one, operand, rules == &policy.prohibitions, out);
      }
    }
  }
  return out;
}

const Named* opens_on_more(const std::vector<Named>& named) {
  const auto found = std::find_if(named.begin(), named.end(), [](const Named& one) {
    return one.op == (one.prohibition ? Operator::eq : Operator::neq);
  });
  return found == named.end() ? nullptr : &*found;
}

}  // namespace sluis::policy
