#include "connector/management/propose.hpp"

#include "policy/odrl/program.hpp"

namespace sluis::management {

Result<Proposal> propose(const json::Value& offer, policy::PurposeIndex purpose,
                         const std::shared_ptr<const policy::Vocabulary>& vocabulary) {
  SLUIS_TRY(auto parsed, policy::parse_policy(offer, {true, "/offer"}));
  SLUIS_TRY(const auto program, policy::compile(parsed, vocabulary));
  if (policy::purpose_satisfies(program, purpose)) return Proposal{offer, false};
  for (auto& rule : parsed.permissions) {
    bool kept = false;
    const auto repeated = [&](policy::Constraint& constraint) {
      if (constraint.logic != policy::Logic::atom || constraint.operand != policy::Operand::purpose) return false;
      if (kept) return true;
      constraint.op = policy::Operator::eq;
      constraint.values = {vocabulary->term(purpose).iri};
      kept = true;
      return false;
    };
    std::vector<policy::Constraint> constraints;
    for (auto& constraint : rule.constraints) {
      if (!repeated(constraint)) constraints.push_back(std::move(constraint));
    }
    rule.constraints = std::move(constraints);
  }
  return Proposal{policy::to_json(parsed), true};
}

}  // namespace sluis::management
