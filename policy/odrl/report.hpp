#pragma once

#include "policy/odrl/program.hpp"

#include <string>
#include <vector>

namespace sluis::policy {

/// One thing that a rule depends on. `type` is a class of the compliance report vocabulary
/// (https://w3id.org/force/compliance-report#): `ActionReport`, `TargetReport`, `PartyReport`, `ConstraintReport`,
/// `DutyReport`.
struct PremiseReport {
  std::string_view type;
  std::string pointer;  ///< of a condition or duty
  std::string needed;
  Truth satisfied = Truth::unknown;
};

struct RuleReport {
  bool prohibition = false;
  std::string pointer;
  Truth value = Truth::unknown;
  /// A permission counts when its value is yes; a prohibition unless it is no.
  bool active = false;
  std::vector<PremiseReport> premises;
};

/// The values of all rules and of what they depend on; off the deciding path. Atomic rules, prohibitions first.
std::vector<RuleReport> report(const Program& program, const Request& request);

/// The report in the terms of that vocabulary, as JSON-LD.
json::Value to_json(const std::vector<RuleReport>& reports, std::string_view policy);

}  // namespace sluis::policy
