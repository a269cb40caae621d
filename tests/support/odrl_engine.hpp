#pragma once

#include "policy/odrl/report.hpp"

#include <map>
#include <optional>

/// The engine behind the JSON form of cases (SEMANTICS.md, "A case"): what suites, the differential fuzz and the
/// laws ask.
namespace sluis::test {

/// A request in the engine's terms. Holds what the engine's request points into.
class EngineRequest {
 public:
  /// The `request` of a case, for programs that share the program's names.
  static Result<EngineRequest> read(const json::Value& request, const policy::Program& program);
  /// Valid until this moves or goes.
  policy::Request view() const;
  /// The engine's request always names an action it knows; a case that does not cannot be put to it.
  bool names_action() const { return known_action_; }
  void set_now(Timestamp now) { request_.now = now; }

 private:
  policy::Request request_;
  bool known_action_ = true;
  std::vector<policy::Interned> target_in_;
  std::vector<policy::Interned> assignee_in_;
  std::vector<policy::Attribute> attributes_;
  std::vector<policy::Duty> duties_;
};

struct EngineAnswer {
  bool permit = false;
  Timestamp valid_until = Timestamp::max();
  std::map<std::string, policy::Truth>
      rules;  ///< by pointer, before atomising: the greatest of a rule's combinations
};

/// Parsed and compiled; what the engine refuses is refused here.
Result<policy::Program> compile_policy(const json::Value& value, bool suite,
                                       const std::shared_ptr<const policy::Vocabulary>& purposes);
EngineAnswer ask(const policy::Program& program, const EngineRequest& request);
/// Of each rule, what its action, target, party (`ActionReport` and so on) and conditions (by pointer) make of the
/// request.
using Premises = std::map<std::string, std::map<std::string, policy::Truth>>;
Premises premises(const policy::Program& program, const EngineRequest& request);

/// The pinned purposes, from the repository's file.
Result<std::shared_ptr<const policy::Vocabulary>> read_vocabulary(const std::string& source_dir);

}  // namespace sluis::test
