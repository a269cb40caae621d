#pragma once

#include "policy/odrl/model.hpp"

#include <map>
#include <span>

/// The parts of the parser; private to it.
namespace sluis::policy::reading {

enum class RuleKind : std::uint8_t { permission, prohibition, obligation, duty, remedy, consequence };

/// What one reading of a policy keeps.
struct State {
  const ParseOptions& options;
  std::map<std::string, std::pair<const json::Value*, Rule>, std::less<>> duties = {};  ///< by uid, first mention
  std::map<std::string, std::string, std::less<>> contents = {};  ///< of everything with a uid
  std::size_t constraints = 0;  ///< as they stand; of a duty that is named again, once more
  std::size_t written = 0;      ///< with those of each rule once for every combination that it stands for
  std::size_t rules = 0;
};

/// An asset, a party or an action with what narrows it.
struct Part {
  std::string id;
  std::vector<Constraint> refinements;
};
struct ActionPart {
  Action action = Action::use;
  std::vector<Constraint> refinements;
};
/// What may stand at the policy and at each rule.
struct Shared {
  std::vector<ActionPart> actions;
  std::vector<Part> targets;
  std::vector<Part> assignees;
  std::vector<Part> assigners;
};

Error refused(std::string message, const std::string& pointer);
/// A key without ODRL's prefixes; `uid` is `@id`.
std::string_view name_of(std::string_view key);
/// The member of that name, however it is spelt.
const json::Value* member(const json::Object& object, std::string_view name);
/// Refuses keys that are not known, and a key in two spellings.
Result<void> check_keys(const json::Object& object, std::span<const std::string_view> known, const char* what,
                        const std::string& pointer);
/// Refuses an `@type` that is not the one that belongs here.
Result<void> check_type(const json::Object& object, std::string_view type, const std::string& pointer);
/// The `@id`, or nothing; refuses one that named something else before.
Result<std::string> read_uid(State& state, const json::Value& value, const std::string& pointer);
/// The values of a member that holds one or an array of some; with their pointers. Refuses an empty array.
Result<std::vector<std::pair<const json::Value*, std::string>>> read_some(const json::Value& value,
                                                                          const std::string& pointer);

/// `refinement` or `constraint`: all of them must hold.
Result<std::vector<Constraint>> read_constraints(State& state, const json::Value& value, Action action, RuleKind kind,
                                                 const std::string& pointer);
/// What stands at a policy or a rule of action, target, assignee and assigner.
Result<Shared> read_shared(State& state, const json::Object& object, RuleKind kind, const std::string& pointer);
/// The rules of one key, written out; `shared` is the policy's.
Result<std::vector<Rule>> read_rules(State& state, const json::Object& object, std::string_view key, RuleKind kind,
                                     const Shared& shared, const std::string& pointer);

}  // namespace sluis::policy::reading
