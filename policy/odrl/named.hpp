#pragma once

#include "policy/odrl/model.hpp"

namespace sluis::policy {

/// A value that a condition of a policy names.
struct Named {
  std::string value;
  std::string pointer;  ///< of the condition
  Operator op = Operator::eq;
  bool prohibition = false;
};

/// What the conditions that a decision about `use` looks at name by an operand whose values are names, in the policy's order.
std::vector<Named> named(const Policy& policy, Operand operand);

/// The first condition on this operand that would open more when several of its names hold at once: `eq` in a prohibition, `neq` in a
/// permission compare whole sets (SEMANTICS.md). Null: there is none.
const Named* opens_on_more(const std::vector<Named>& named);

}  // namespace sluis::policy
