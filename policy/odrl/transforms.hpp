#pragma once

#include "policy/minimise/transform.hpp"
#include "policy/odrl/model.hpp"

#include <span>

/// The obligations that the gate fulfils itself: how their parameters are written and read.
namespace sluis::policy {

/// One parameter of a transform, as a constraint of the obligation.
struct Parameter {
  enum class Form : std::uint8_t { name, group, measure, whole, decimal, step, zone, epoch, yes };
  Operand operand;
  Action action;
  Operator op;      ///< of `eq`: columns and measures may be a list by `isAnyOf` as well
  bool list;
  Form form;
  std::int64_t least;  ///< of whole numbers
  std::int64_t most;
  std::uint8_t fewest;  ///< constraints on it
  std::uint8_t mosts;   ///< 255: any number
};

/// The parameter that an operand of Kind::transform is.
const Parameter& parameter(Operand operand);
/// Whether an operator may stand with it.
bool parameter_takes(const Parameter& parameter, Operator op);
/// Reads one value into `values` or `number`.
Result<void> read_parameter(const std::string& text, const std::string& pointer, Constraint& constraint);
/// The columns that a sum names, `total = in + out`, total first.
Result<std::vector<std::string>> read_sum(const std::string& text, const std::string& pointer);

/// Whether an obligation has the parameters that its action needs, and none too often.
Result<void> check_parameters(const Rule& rule);

/// What the provider's gate does to a release, in the order of the obligations.
std::vector<Transform> transforms(const Policy& policy);

/// Whether data pass it, or somebody promised it with a time: a transform, or deletion after a period.
bool is_safeguard(Action action);
/// Those that the terms have, whoever asks; in their order.
std::vector<Action> safeguards(const Policy& policy);

}  // namespace sluis::policy
