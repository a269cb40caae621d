#pragma once

#include "policy/odrl/model.hpp"

namespace sluis::policy {

/// A value that a condition of a policy names.
struct Named {
  std::string value;
  std::string pointer;  ///< of the condition
  Operator op = Operator::eq;
  bool prohibition = false;
  bool in_one = false;  ///< it stands within an `xone`
};

/// What the conditions that a decision about `use` looks at name by an operand whose values are names, in the policy's order.
std::vector<Named> named(const Policy& policy, Operand operand);

/// Whether the condition holds of those who are not what it names: in a prohibition, with `neq` or `isNoneOf`, within an `xone`.
bool excludes(const Named& named);

/// The first condition on this operand that could open more when one more of its names holds: `eq` in a prohibition and `neq` in a
/// permission compare whole sets, and a second alternative that holds makes `xone` false (SEMANTICS.md). Null: there is none.
const Named* opens_on_more(const std::vector<Named>& named);

}  // namespace sluis::policy
