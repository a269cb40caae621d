#include "connector/base/limits.hpp"
#include "connector/base/suggest.hpp"
#include "policy/odrl/reader.hpp"
#include "policy/odrl/values.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace sluis::policy {
namespace reading {
namespace {

constexpr std::array<std::string_view, 14> kPolicyKeys{
    "@context", "@id",      "@type",       "target",     "assigner",    "assignee",   "action",
    "timestamp", "profile", "conflict", "inheritFrom", "permission", "prohibition", "obligation"};

/// Known ODRL that has no place here, with what to write instead.
std::string_view instead_of(std::string_view key) {
  if (key == "rightOperandReference") return "write the value itself: nobody fetches it while deciding";
  if (key == "status") return "who decides keeps the state, and believes no other";
  if (key == "duty") return "a `duty` stands in a permission; else write an `obligation` of the policy";
  if (key == "remedy") return "a `remedy` stands in a prohibition";
  if (key == "consequence") return "a `consequence` stands in a duty or an obligation";
  if (key == "refinement") return "a `refinement` stands in an action, a target or an assignee";
  if (key == "isReplacedBy" || key == "dct:isReplacedBy") return "fetch the policy that replaces this one";
  return {};
}

}  // namespace

Error refused(std::string message, const std::string& pointer) {
  return Error(ErrorCode::invalid_argument, std::move(message)).at_pointer(pointer);
}

std::string_view name_of(std::string_view key) {
  const std::string_view name = short_key(key);
  return name == "uid" ? "@id" : name;
}

const json::Value* member(const json::Object& object, std::string_view name) {
  for (const auto& [key, value] : object) {
    if (name_of(key) == name) return &value;
  }
  return nullptr;
}

Result<void> check_keys(const json::Object& object, std::span<const std::string_view> known, const char* what,
                        const std::string& pointer) {
  std::vector<std::string_view> seen;
  for (const auto& [key, value] : object) {
    const std::string_view name = name_of(key);
    const std::string at = json::pointer_to(pointer, key);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const std::string_view hint = instead_of(name);
      return refused("unknown key " + in_backticks(key) + " in " + what, at)
          .mended_by(hint.empty() ? suggestion(name, known) : std::string(hint));
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      return refused("the key " + in_backticks(name) + " is there twice, in two spellings", at);
    }
    seen.push_back(name);
  }
  return {};
}

Result<void> check_type(const json::Object& object, std::string_view type, const std::string& pointer) {
  const json::Value* value = member(object, "@type");
  if (value == nullptr) return {};
  const std::string at = json::pointer_to(pointer, "@type");
  SLUIS_TRY(const std::string text, read_id(*value, at));
  if (short_key(text) == type) return {};
  return refused("unknown type " + in_backticks(text) + " here", at).mended_by("write `" + std::string(type) + "`");
}

Result<std::string> read_uid(State& state, const json::Value& value, const std::string& pointer) {
  const json::Value* id = member(*value.if_object(), "@id");
  if (id == nullptr) return std::string();
  SLUIS_TRY(std::string text, read_id(*id, json::pointer_to(pointer, "@id")));
  SLUIS_TRY(std::string content, json::canonical(value));
  const auto [found, is_new] = state.contents.emplace(text, content);
  if (!is_new && found->second != content) {
    return refused("two different things have the id " + in_backticks(text), json::pointer_to(pointer, "@id"));
  }
  return text;
}

Result<std::vector<std::pair<const json::Value*, std::string>>> read_some(const json::Value& value,
                                                                          const std::string& pointer) {
  std::vector<std::pair<const json::Value*, std::string>> some;
  const json::Array* array = value.if_array();
  if (array == nullptr) {
    some.emplace_back(&value, pointer);
    return some;
  }
  if (array->empty()) return refused("this array is empty", pointer).mended_by("leave it out");
  for (std::size_t i = 0; i < array->size(); ++i) some.emplace_back(&(*array)[i], json::pointer_to(pointer, i));
  return some;
}

namespace {

Result<Policy::Type> read_type(const json::Object& object, const ParseOptions& options) {
  const json::Value* value = member(object, "@type");
  if (value == nullptr) {
    if (options.full) return Policy::Type::set;
    return refused("a policy needs `@type`", options.pointer).mended_by("write `Offer` or `Agreement`");
  }
  const std::string at = json::pointer_to(options.pointer, "@type");
  SLUIS_TRY(const std::string text, read_id(*value, at));
  if (short_key(text) == "Offer") return Policy::Type::offer;
  if (short_key(text) == "Agreement") return Policy::Type::agreement;
  if (options.full && (short_key(text) == "Set" || short_key(text) == "Policy")) return Policy::Type::set;
  return refused("unknown type of policy " + in_backticks(text), at)
      .mended_by(options.full ? "known are `Set`, `Offer`, `Agreement`" : "known are `Offer`, `Agreement`");
}

Result<void> check_profile(const json::Object& object, const std::string& pointer) {
  const json::Value* value = member(object, "profile");
  if (value == nullptr) return {};
  const std::string at = json::pointer_to(pointer, "profile");
  SLUIS_TRY(const auto names, read_some(*value, at));
  for (const auto& [name, place] : names) {
    SLUIS_TRY(const std::string text, read_id(*name, at));
    if (!is_profile(text)) {
      return refused("unknown profile " + in_backticks(text), at).mended_by("known is `" + std::string(kProfile) + "`");
    }
  }
  return {};
}

Result<void> check_context(const json::Object& object, const std::string& pointer) {
  const json::Value* value = member(object, "@context");
  if (value == nullptr) return {};
  const std::string at = json::pointer_to(pointer, "@context");
  if (value->if_string() != nullptr) return {};
  const json::Array* array = value->if_array();
  if (array == nullptr) return refused("`@context` is an array of strings", at);
  for (const json::Value& one : *array) {
    // A context that is written out could give a known word another meaning.
    if (one.if_string() == nullptr) return refused("`@context` names contexts, it does not hold them", at);
  }
  return {};
}

Result<void> check_parties(const Policy& policy, const ParseOptions& options, const json::Object& object) {
  const std::string& pointer = options.pointer;
  if (options.suite) return {};
  if (policy.type == Policy::Type::agreement) {
    for (const std::string_view name : {"target", "assigner", "assignee"}) {
      if (member(object, name) == nullptr) return refused("an agreement needs `" + std::string(name) + "`", pointer);
    }
    if (options.in_catalogue) return refused("a catalogue holds offers, not agreements", pointer);
    return {};
  }
  if (options.in_catalogue && member(object, "target") != nullptr) {
    return refused("an offer in a catalogue has no `target`", json::pointer_to(pointer, "target"))
        .mended_by("the dataset that holds the offer is its target");
  }
  if (member(object, "timestamp") != nullptr) {
    return refused("an offer has no `timestamp`", json::pointer_to(pointer, "timestamp"));
  }
  return {};
}

Result<Conflict> read_conflict(const json::Object& object, const std::string& pointer) {
  const json::Value* value = member(object, "conflict");
  if (value == nullptr) return Conflict::unwritten;
  const std::string at = json::pointer_to(pointer, "conflict");
  SLUIS_TRY(const std::string text, read_id(*value, at));
  if (short_key(text) == "perm") return Conflict::perm;
  if (short_key(text) == "prohibit") return Conflict::prohibit;
  if (short_key(text) == "invalid") return Conflict::invalid;
  return refused("unknown strategy " + in_backticks(text), at).mended_by("known are `perm`, `prohibit`, `invalid`");
}

std::optional<std::string> single(const std::vector<Part>& parts) {
  if (parts.size() != 1 || !parts.front().refinements.empty()) return std::nullopt;
  return parts.front().id;
}

class PolicyReader {
 public:
  explicit PolicyReader(const ParseOptions& options) : options_(options) {}

  Result<Policy> read(const json::Value& value) {
    SLUIS_TRY(Policy policy, read_one(value, options_));
    if (policy.permissions.empty() && policy.prohibitions.empty()) {
      return refused("a policy needs a permission or a prohibition", options_.pointer);
    }
    if (policy.permissions.size() + policy.prohibitions.size() + policy.obligations.size() > limits::kRulesPerPolicy) {
      return Error(ErrorCode::limit_exceeded, "a policy has at most " + std::to_string(limits::kRulesPerPolicy) +
                                                  " rules, inherited ones counted").at_pointer(options_.pointer);
    }
    return policy;
  }

 private:
  Result<Policy> read_one(const json::Value& value, const ParseOptions& options) {
    const std::string& pointer = options.pointer;
    const json::Object* object = value.if_object();
    if (object == nullptr) return refused("a policy is an object, not " + std::string(value.kind()), pointer);
    SLUIS_CHECK(check_keys(*object, kPolicyKeys, "a policy", pointer));
    SLUIS_CHECK(check_context(*object, pointer));
    SLUIS_CHECK(check_profile(*object, pointer));
    Policy policy;
    policy.suite = options.suite;
    SLUIS_TRY(policy.type, read_type(*object, options));
    if (const json::Value* id = member(*object, "@id")) {
      SLUIS_TRY(policy.id, read_id(*id, json::pointer_to(pointer, "@id")));
    } else if (!options.full) {
      return refused("a policy needs `@id`", pointer);
    }
    SLUIS_CHECK(check_parties(policy, options, *object));
    SLUIS_TRY(policy.conflict, read_conflict(*object, pointer));
    if (const json::Value* timestamp = member(*object, "timestamp")) {
      SLUIS_TRY(const std::string text, read_id(*timestamp, json::pointer_to(pointer, "timestamp")));
      auto time = parse_time(text);
      if (!time) return Error(time.error()).at_pointer(json::pointer_to(pointer, "timestamp"));
      policy.timestamp = *time;
    }
    SLUIS_CHECK(inherit(*object, policy, options));
    SLUIS_CHECK(read_rules_of(*object, policy, options));
    return policy;
  }

  Result<void> read_rules_of(const json::Object& object, Policy& policy, const ParseOptions& options) {
    State state{options};
    SLUIS_TRY(const Shared shared, read_shared(state, object, RuleKind::permission, options.pointer));
    policy.target = single(shared.targets);
    policy.assigner = single(shared.assigners);
    policy.assignee = single(shared.assignees);
    for (const auto& [key, kind, rules] :
         {std::tuple{"permission", RuleKind::permission, &policy.permissions},
          std::tuple{"prohibition", RuleKind::prohibition, &policy.prohibitions},
          std::tuple{"obligation", RuleKind::obligation, &policy.obligations}}) {
      SLUIS_TRY(std::vector<Rule> read, read_rules(state, object, key, kind, shared, options.pointer));
      rules->insert(rules->end(), std::make_move_iterator(read.begin()), std::make_move_iterator(read.end()));
    }
    return {};
  }

  /// ODRL 2.2, section 2.8: the rules of the parents come first, as if written here.
  Result<void> inherit(const json::Object& object, Policy& policy, const ParseOptions& options) {
    const json::Value* value = member(object, "inheritFrom");
    if (value == nullptr) return {};
    const std::string at = json::pointer_to(options.pointer, "inheritFrom");
    if (!options_.parent) return refused("`inheritFrom` cannot be followed here", at).mended_by("write its rules out");
    SLUIS_TRY(const auto some, read_some(*value, at));
    for (const auto& [name, place] : some) {
      SLUIS_TRY(const std::string id, read_id(*name, place));
      if (id == policy.id || !ancestors_.insert(id).second) {
        return refused("the policy inherits from itself through " + in_backticks(id), place);
      }
      if (ancestors_.size() > limits::kInheritance || ++parents_ > limits::kRulesPerPolicy) {
        return Error(ErrorCode::limit_exceeded, "policies inherit at most " + std::to_string(limits::kInheritance) +
                                                    " deep").at_pointer(place);
      }
      auto found = options_.parent(id);
      if (!found) return Error(found.error()).at_pointer(place);
      ParseOptions of_parent = options;
      of_parent.full = true;
      of_parent.pointer = place;
      SLUIS_TRY(Policy parent, read_one(*found, of_parent));
      ancestors_.erase(id);
      take_over(std::move(parent), policy);
    }
    return {};
  }

  static void take_over(Policy parent, Policy& policy) {
    if (parent.conflict != Conflict::unwritten) {
      const bool same = policy.conflict == Conflict::unwritten || policy.conflict == parent.conflict;
      policy.conflict = same ? parent.conflict : Conflict::invalid;
    }
    for (const auto& [from, to] : {std::pair{&parent.permissions, &policy.permissions},
                                   std::pair{&parent.prohibitions, &policy.prohibitions},
                                   std::pair{&parent.obligations, &policy.obligations}}) {
      for (Rule& rule : *from) {
        if (!rule.target) rule.target = parent.target;
        if (!rule.assignee) rule.assignee = parent.assignee;
        if (!rule.assigner) rule.assigner = parent.assigner;
        to->push_back(std::move(rule));
      }
    }
  }

  const ParseOptions& options_;
  std::set<std::string, std::less<>> ancestors_;
  std::size_t parents_ = 0;
};

}  // namespace
}  // namespace reading

Result<Policy> parse_policy(const json::Value& value, const ParseOptions& options) {
  ParseOptions effective = options;
  effective.full = options.full || options.suite;
  return reading::PolicyReader(effective).read(value);
}

}  // namespace sluis::policy
