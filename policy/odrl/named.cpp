#include "policy/odrl/named.hpp"

#include <algorithm>

namespace sluis::policy {
namespace {

void add(const Constraint& constraint, Operand operand, bool prohibition, bool in_one, std::vector<Named>& out) {
  in_one = in_one || constraint.logic == Logic::one;
  for (const Constraint& one : constraint.operands) add(one, operand, prohibition, in_one, out);
  if (constraint.logic != Logic::atom || constraint.operand != operand) return;
  for (const std::string& value : constraint.values) out.push_back({value, constraint.pointer, constraint.op, prohibition, in_one});
}

}  // namespace

std::vector<Named> named(const Policy& policy, Operand operand) {
  std::vector<Named> out;
  for (const auto* rules : {&policy.permissions, &policy.prohibitions}) {
    for (const Rule& rule : *rules) {
      if (!included(Action::use, rule.action)) continue;
      for (const auto* list : {&rule.constraints, &rule.refinements}) {
        for (const Constraint& one : *list) add(one, operand, rules == &policy.prohibitions, false, out);
      }
    }
  }
  return out;
}

bool excludes(const Named& named) {
  return named.prohibition || named.in_one || named.op == Operator::neq || named.op == Operator::is_none_of;
}

const Named* opens_on_more(const std::vector<Named>& named) {
  const auto found = std::find_if(named.begin(), named.end(), [](const Named& one) {
    return one.in_one || one.op == (one.prohibition ? Operator::eq : Operator::neq);
  });
  return found == named.end() ? nullptr : &*found;
}

}  // namespace sluis::policy
