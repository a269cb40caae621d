#include "connector/base/limits.hpp"
#include "connector/base/suggest.hpp"
#include "policy/odrl/reader.hpp"
#include "policy/odrl/transforms.hpp"
#include "policy/odrl/values.hpp"

#include <algorithm>
#include <array>

namespace sluis::policy::reading {
namespace {

constexpr std::array<std::string_view, 8> kRuleKeys{"@id",    "@type",    "action",   "target",
                                                    "assigner", "assignee", "constraint", "duty"};
constexpr std::array<std::string_view, 5> kPartKeys{"@id", "@type", "source", "refinement", "rdf:value"};

std::string_view type_of(RuleKind kind) {
  if (kind == RuleKind::permission) return "Permission";
  return kind == RuleKind::prohibition ? "Prohibition" : "Duty";
}

/// The key under which a rule of that kind carries further rules.
std::string_view follower(RuleKind kind) {
  switch (kind) {
    case RuleKind::permission: return "duty";
    case RuleKind::prohibition: return "remedy";
    case RuleKind::obligation:
    case RuleKind::duty: return "consequence";
    case RuleKind::remedy:
    case RuleKind::consequence: break;
  }
  return {};
}

RuleKind follower_kind(RuleKind kind) {
  if (kind == RuleKind::permission) return RuleKind::duty;
  return kind == RuleKind::prohibition ? RuleKind::remedy : RuleKind::consequence;
}

Error too_many(const std::string& pointer) {
  return Error(ErrorCode::limit_exceeded, "a policy has at most " + std::to_string(limits::kRulesPerPolicy) + " rules and " +
                                              std::to_string(limits::kConstraintsPerPolicy) + " constraints")
      .at_pointer(pointer);
}

Error of_one(const std::string& pointer) {
  return refused("a duty has one action, target and assignee", pointer).mended_by("write a duty for each");
}

/// What another rule carries. It has nothing from the policy, and stands for no combinations.
bool is_follower(RuleKind kind) { return kind == RuleKind::duty || kind == RuleKind::remedy || kind == RuleKind::consequence; }

bool is_duty(RuleKind kind) { return kind != RuleKind::permission && kind != RuleKind::prohibition; }

Result<Action> read_action_word(const State& state, const json::Value& value, const std::string& pointer) {
  SLUIS_TRY(const std::string word, read_id(value, pointer));
  const auto known = action_from(word, state.options.suite);
  if (!known) return refused("unknown action " + in_backticks(word), pointer).mended_by(suggest_action(word));
  return *known;
}

Result<ActionPart> read_action(State& state, const json::Value& value, RuleKind kind, const std::string& pointer) {
  const json::Object* object = value.if_object();
  ActionPart part;
  if (object == nullptr || (object->size() == 1 && object->front().first == "@id")) {
    SLUIS_TRY(part.action, read_action_word(state, value, pointer));
    return part;
  }
  constexpr std::array<std::string_view, 3> keys{"@id", "rdf:value", "refinement"};
  SLUIS_CHECK(check_keys(*object, keys, "an action", pointer));
  const json::Value* id = member(*object, "@id");
  const json::Value* held = member(*object, "rdf:value");
  if ((id == nullptr) == (held == nullptr)) return refused("an action needs `@id` or `rdf:value`", pointer);
  SLUIS_TRY(part.action, read_action_word(state, id != nullptr ? *id : *held,
                                          json::pointer_to(pointer, id != nullptr ? "@id" : "rdf:value")));
  if (const json::Value* refinement = member(*object, "refinement")) {
    SLUIS_TRY(part.refinements, read_constraints(state, *refinement, part.action, kind,
                                                 json::pointer_to(pointer, "refinement")));
  }
  return part;
}

/// An asset or a party: an id, or an object that may be a collection with refinements.
Result<Part> read_part(State& state, const json::Value& value, RuleKind kind, const std::string& pointer) {
  const json::Object* object = value.if_object();
  Part part;
  if (object == nullptr || (object->size() == 1 && object->front().first == "@id")) {
    SLUIS_TRY(part.id, read_id(value, pointer));
    return part;
  }
  SLUIS_CHECK(check_keys(*object, std::span(kPartKeys).first(4), "an asset or party", pointer));
  const json::Value* source = member(*object, "source");
  const json::Value* id = source != nullptr ? source : member(*object, "@id");
  if (id == nullptr) return refused("an asset or party needs `@id` or `source`", pointer);
  SLUIS_TRY(part.id, read_id(*id, json::pointer_to(pointer, source != nullptr ? "source" : "@id")));
  const json::Value* type = member(*object, "@type");
  if (type != nullptr) {
    SLUIS_TRY(const std::string text, read_id(*type, json::pointer_to(pointer, "@type")));
    constexpr std::array<std::string_view, 4> known{"Asset", "AssetCollection", "Party", "PartyCollection"};
    if (std::find(known.begin(), known.end(), short_key(text)) == known.end()) {
      return refused("unknown type " + in_backticks(text), json::pointer_to(pointer, "@type"))
          .mended_by(suggestion(short_key(text), known));
    }
  }
  if (const json::Value* refinement = member(*object, "refinement")) {
    SLUIS_TRY(part.refinements, read_constraints(state, *refinement, Action::use, kind,
                                                 json::pointer_to(pointer, "refinement")));
  }
  return part;
}

template <class One, class Read>
Result<std::vector<One>> read_parts(const json::Object& object, std::string_view key, const std::string& pointer,
                                    Read&& read) {
  std::vector<One> parts;
  const json::Value* value = member(object, key);
  if (value == nullptr) return parts;
  SLUIS_TRY(const auto some, read_some(*value, json::pointer_to(pointer, key)));
  for (const auto& [one, at] : some) {
    SLUIS_TRY(One part, read(*one, at));
    parts.push_back(std::move(part));
  }
  return parts;
}

std::size_t count(const Rule& rule, Operand operand) {
  return static_cast<std::size_t>(std::count_if(rule.constraints.begin(), rule.constraints.end(), [&](const auto& c) {
    return c.logic == Logic::atom && c.operand == operand;
  }));
}

Result<void> check_action(const Rule& rule, RuleKind kind, bool several, const std::string& pointer) {
  const std::string at = json::pointer_to(pointer, "action");
  const std::string name(to_string(rule.action));
  const bool own = rule.action == Action::delete_after || is_transform(rule.action);
  if (own && kind != RuleKind::obligation && !(is_duty(kind) && rule.action == Action::delete_after)) {
    return refused("`" + name + "` can only be an obligation of the policy", at);
  }
  if (own && several) return refused("`" + name + "` stands alone in its rule", at).mended_by("write a rule for each");
  if (is_duty(kind) && rule.action == Action::use) {
    return refused("nobody can be obliged to `use`", at)
        .mended_by("known are `deleteAfter`, `suppressSmallCells`, `inform`, `attribute` and others");
  }
  const auto flat = [](const Constraint& one) { return one.logic == Logic::atom; };
  if (own && (!std::all_of(rule.constraints.begin(), rule.constraints.end(), flat) || !rule.refinements.empty())) {
    return refused("the constraints of `" + name + "` are its parameters: they stand one by one", pointer);
  }
  if (rule.action == Action::delete_after && count(rule, Operand::delay_period) != 1) {
    return refused("`deleteAfter` needs exactly one `delayPeriod`", pointer);
  }
  return check_parameters(rule);
}

/// A duty that was described before may be named by its uid alone.
const Rule* known_duty(const State& state, const json::Value& value, RuleKind kind) {
  if (!is_duty(kind)) return nullptr;
  const json::Object* object = value.if_object();
  const json::Value* id = object == nullptr ? &value : object->size() == 1 ? member(*object, "@id") : nullptr;
  const std::string* text = id == nullptr ? nullptr : id->if_string();
  const auto found = text == nullptr ? state.duties.end() : state.duties.find(*text);
  return found == state.duties.end() ? nullptr : &found->second.second;
}

Result<std::vector<Rule>> read_followers(State& state, const json::Object& object, RuleKind kind,
                                         const std::string& pointer) {
  if (follower(kind).empty()) return std::vector<Rule>();
  return read_rules(state, object, follower(kind), follower_kind(kind), Shared{}, pointer);
}

Result<void> check_rule_keys(const json::Object& object, RuleKind kind, const std::string& pointer) {
  std::vector<std::string_view> known(kRuleKeys.begin(), kRuleKeys.end());
  known.pop_back();
  if (const std::string_view more = follower(kind); !more.empty()) known.push_back(more);
  return check_keys(object, known, "a rule", pointer);
}

void add_refinements(Rule& rule, const std::vector<Constraint>& more) {
  rule.refinements.insert(rule.refinements.end(), more.begin(), more.end());
}

std::size_t size_of(const std::vector<Constraint>& list) {
  std::size_t size = list.size();
  for (const Constraint& one : list) size += size_of(one.operands);
  return size;
}

/// How many constraints a rule carries, those of its duties too.
std::size_t size_of(const Rule& rule) {
  std::size_t size = size_of(rule.constraints) + size_of(rule.refinements);
  for (const auto* list : {&rule.duties, &rule.remedies, &rule.consequences}) {
    for (const Rule& one : *list) size += size_of(one);
  }
  return size;
}

/// Before anything is written out: it is memory and time for each combination.
Result<void> check_combinations(State& state, const Rule& rule, const Shared& own, const Shared& shared, const std::string& pointer) {
  std::size_t product = 1;
  for (const std::size_t size : {own.actions.empty() ? shared.actions.size() : own.actions.size(),
                                 own.targets.empty() ? shared.targets.size() : own.targets.size(),
                                 own.assignees.empty() ? shared.assignees.size() : own.assignees.size()}) {
    product *= std::max<std::size_t>(size, 1);
    if (product > limits::kRulesPerPolicy) {
      return Error(ErrorCode::limit_exceeded, "a rule stands for at most " + std::to_string(limits::kRulesPerPolicy) +
                                                  " combinations of action, target and assignee").at_pointer(pointer);
    }
  }
  state.written += product * size_of(rule);
  const auto add = [&](const auto& of_rule, const auto& of_policy) {
    const auto& parts = of_rule.empty() ? of_policy : of_rule;
    for (const auto& part : parts) state.written += product / parts.size() * size_of(part.refinements);
  };
  add(own.actions, shared.actions);
  add(own.targets, shared.targets);
  add(own.assignees, shared.assignees);
  if (state.written <= limits::kWrittenConstraints) return {};
  return Error(ErrorCode::limit_exceeded, "rules with all their combinations of action, target and assignee have more than " +
                                              std::to_string(limits::kWrittenConstraints) + " constraints in one policy")
      .at_pointer(pointer)
      .mended_by("name fewer actions, targets and assignees at once, or fewer constraints");
}

/// One rule for each action, target and assignee. What a rule leaves to the policy stays there if it is one thing.
std::vector<Rule> write_out(const Rule& rule, const Shared& own, const Shared& shared) {
  const auto& actions = own.actions.empty() ? shared.actions : own.actions;
  const auto parts = [](const std::vector<Part>& of_rule, const std::vector<Part>& of_policy) {
    if (!of_rule.empty()) return of_rule;
    return of_policy.size() > 1 || (of_policy.size() == 1 && !of_policy.front().refinements.empty())
               ? of_policy
               : std::vector<Part>();
  };
  std::vector<Part> targets = parts(own.targets, shared.targets);
  std::vector<Part> assignees = parts(own.assignees, shared.assignees);
  if (targets.empty()) targets.emplace_back();
  if (assignees.empty()) assignees.emplace_back();
  std::vector<Rule> rules;
  for (const ActionPart& action : actions) {
    for (const Part& target : targets) {
      for (const Part& assignee : assignees) {
        Rule one = rule;
        one.action = action.action;
        if (!target.id.empty()) one.target = target.id;
        if (!assignee.id.empty()) one.assignee = assignee.id;
        if (!own.assigners.empty()) one.assigner = own.assigners.front().id;
        for (const auto* list : {&action.refinements, &target.refinements, &assignee.refinements}) {
          add_refinements(one, *list);
        }
        rules.push_back(std::move(one));
      }
    }
  }
  if (rules.size() > 1) {
    for (Rule& one : rules) one.id.clear();  // it named them all
  }
  return rules;
}

Result<std::vector<Rule>> read_rule(State& state, const json::Value& value, RuleKind kind, const Shared& shared,
                                    const std::string& pointer) {
  if (const Rule* known = known_duty(state, value, kind)) {
    state.constraints += size_of(*known);
    if (state.constraints > limits::kConstraintsPerPolicy) return too_many(pointer);
    return std::vector<Rule>{*known};
  }
  const json::Object* object = value.if_object();
  if (object == nullptr) return refused("a rule is an object, not " + std::string(value.kind()), pointer);
  if (is_duty(kind) && object->size() == 1 && member(*object, "@id") != nullptr) {
    return refused("no duty of that uid stands before", pointer).mended_by("say what it is where it is named first");
  }
  SLUIS_CHECK(check_rule_keys(*object, kind, pointer));
  SLUIS_CHECK(check_type(*object, type_of(kind), pointer));
  if (state.options.in_catalogue && member(*object, "target") != nullptr) {
    return refused("an offer in a catalogue has no `target`", json::pointer_to(pointer, "target"))
        .mended_by("the dataset that holds the offer is its target");
  }
  Rule rule;
  rule.pointer = pointer;
  SLUIS_TRY(rule.id, read_uid(state, value, pointer));
  SLUIS_TRY(Shared own, read_shared(state, *object, kind, pointer));
  if (own.actions.empty() && shared.actions.empty()) {
    if (!state.options.suite) return refused("a rule needs `action`", pointer);
    own.actions.push_back({Action::any, {}});
  }
  if (const json::Value* constraints = member(*object, "constraint")) {
    const Action action = own.actions.empty() ? shared.actions.front().action : own.actions.front().action;
    SLUIS_TRY(rule.constraints, read_constraints(state, *constraints, action, kind,
                                                 json::pointer_to(pointer, "constraint")));
  }
  SLUIS_TRY(auto followers, read_followers(state, *object, kind, pointer));
  if (kind == RuleKind::permission) rule.duties = std::move(followers);
  else if (kind == RuleKind::prohibition) rule.remedies = std::move(followers);
  else rule.consequences = std::move(followers);
  if (!is_follower(kind)) SLUIS_CHECK(check_combinations(state, rule, own, shared, pointer));
  else if (own.actions.size() > 1 || own.targets.size() > 1 || own.assignees.size() > 1) return of_one(pointer);
  std::vector<Rule> rules = write_out(rule, own, shared);
  for (const Rule& one : rules) SLUIS_CHECK(check_action(one, kind, rules.size() > 1, pointer));
  if (is_duty(kind) && !rule.id.empty()) state.duties.emplace(rule.id, std::pair(&value, rules.front()));
  return rules;
}

}  // namespace

Result<Shared> read_shared(State& state, const json::Object& object, RuleKind kind, const std::string& pointer) {
  Shared shared;
  const auto part = [&](const json::Value& value, const std::string& at) { return read_part(state, value, kind, at); };
  SLUIS_TRY(shared.actions, read_parts<ActionPart>(object, "action", pointer, [&](const auto& value, const auto& at) {
    return read_action(state, value, kind, at);
  }));
  SLUIS_TRY(shared.targets, read_parts<Part>(object, "target", pointer, part));
  SLUIS_TRY(shared.assignees, read_parts<Part>(object, "assignee", pointer, part));
  SLUIS_TRY(shared.assigners, read_parts<Part>(object, "assigner", pointer, part));
  if (shared.assigners.size() > 1) {
    return refused("several assigners", json::pointer_to(pointer, "assigner")).mended_by("write a policy for each");
  }
  return shared;
}

Result<std::vector<Rule>> read_rules(State& state, const json::Object& object, std::string_view key, RuleKind kind,
                                     const Shared& shared, const std::string& pointer) {
  std::vector<Rule> rules;
  const json::Value* value = member(object, key);
  if (value == nullptr) return rules;
  SLUIS_TRY(const auto some, read_some(*value, json::pointer_to(pointer, key)));
  for (const auto& [one, at] : some) {
    SLUIS_TRY(std::vector<Rule> written, read_rule(state, *one, kind, shared, at));
    state.rules += written.size();
    if (state.rules > limits::kRulesPerPolicy) {
      return too_many(at);
    }
    rules.insert(rules.end(), std::make_move_iterator(written.begin()), std::make_move_iterator(written.end()));
  }
  return rules;
}

}  // namespace sluis::policy::reading
