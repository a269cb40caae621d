// Laws that hold whatever a policy says, asked of the engine alone. usage: odrl_laws [REQUESTS] [SEED]
//
// 1. Dropping a claim never turns a denial into a permit. A claim is an attribute, the clock, the agreement's time,
// the target,
//    the assignee or a duty's state: without it a condition is unknown, and from unknown no permission comes to
//    hold and no prohibition to rest. It holds with every strategy: with `perm` a permit needs a permission that is
//    yes, and prohibitions count for nothing. It is not said of memberships (those that are not given do not exist,
//    so dropping one can put a prohibition at rest), nor of a value's unit or one of several values (that is
//    another value), nor in suite mode (where only a violated duty stands in the way).
// 2. Adding a prohibition never permits; with `perm` it changes nothing.
// 3. Adding a constraint to a permission never permits.
// 4. The order of rules, constraints, operands, actions, targets and parties is nothing to the decision.
// 5. So is the spelling of keys and terms.
// 6. A compact policy decides as its atomic rules do.
// 7. The stages agree: what a request gets, no earlier stage that knows less calls impossible; and could_permit, as the
//    catalogue and negotiations ask it, at that time or before it, with the party, its class and perhaps the purpose, does
//    not either.
// Laws 2 and 3 leave `conflict: invalid` aside: there a further constraint can cure a policy that was void.
#include "policy/odrl/match.hpp"
#include "tests/fuzz/odrl_run.hpp"

#include <algorithm>
#include <array>

using namespace sluis;
using namespace sluis::test;

namespace {

constexpr std::uint64_t kRequestsPerPolicy = 40;

json::Value* member(json::Value& value, std::string_view key) {
  if (value.if_object() == nullptr) return nullptr;
  for (auto& [name, one] : *value.if_object()) {
    if (name == key) return &one;
  }
  return nullptr;
}

std::optional<bool> permits(const policy::Program& program, const json::Value& request) {
  const auto read = EngineRequest::read(request, program);
  if (!read || !read->names_action()) return std::nullopt;
  return program.decide(read->view()).permit;
}

/// What a catalogue or a negotiation would say of a request of which not all is known yet.
bool could_be(const policy::Program& program, const json::Value& request) {
  const auto read = EngineRequest::read(request, program);
  return read && program.permission_possible(read->view()) != policy::Truth::no;
}

const std::string* attribute(const json::Value& request, const char* key) {
  const json::Value* all = request.find("attributes");
  const json::Value* one = all != nullptr ? all->find(key) : nullptr;
  return one != nullptr ? one->if_string() : nullptr;
}

/// The request as a node would ask it: one party, which is the receiver too, of no collection; the action is `use`.
json::Value of_a_node(json::Value request) {
  request.set("action", "use");
  request.erase("assigneeIn");
  json::Value* all = member(request, "attributes");
  if (all == nullptr) return request;
  all->erase("recipient");
  if (const json::Value* party = request.find("assignee")) all->set("recipient", *party);
  if (const json::Value* group = all->find("classOfRecipient"); group != nullptr && group->if_string() == nullptr) all->erase("classOfRecipient");
  const std::string* evidence = attribute(request, "evidence");
  if (evidence == nullptr || (*evidence != policy::kTwoSided && *evidence != policy::kOneSided)) member(request, "attributes")->erase("evidence");
  return request;
}

/// What the catalogue and a negotiation ask of such a request, now or earlier, knowing less of it as it comes.
bool was_offered(const policy::Program& program, const json::Value& request, Dice& dice) {
  const auto read = EngineRequest::read(request, program);
  if (!read) return true;
  const auto view = read->view();
  const auto text = [&](const std::string* known) { return known != nullptr && !dice.chance(20) ? *known : std::string(); };
  const json::Value* party = request.find("assignee");
  std::optional<Timestamp> when = view.now;
  if (when) *when -= std::chrono::seconds(dice.chance(30) ? 0 : dice.between(0, dice.chance(50) ? 86'400 : 400 * 86'400));
  if (dice.chance(10)) when.reset();
  const std::string* evidence = attribute(request, "evidence");
  std::optional<bool> two_sided;
  if (evidence != nullptr && !dice.chance(20)) two_sided = *evidence == policy::kTwoSided;
  return policy::could_permit(program, text(attribute(request, "classOfRecipient")), text(party != nullptr ? party->if_string() : nullptr),
                              dice.chance(50) ? view.purpose : std::nullopt, when, two_sided);
}

std::string strategy(const json::Value& policy) {
  const json::Value* conflict = policy.find("conflict");
  return conflict != nullptr ? *conflict->if_string() : "";
}

/// The request without one of its claims.
json::Value without_claim(json::Value request, Dice& dice) {
  std::vector<std::pair<std::string, std::string>> claims;
  for (const char* key : {"now", "agreed", "target", "assignee"}) {
    if (request.find(key) != nullptr) claims.emplace_back("", key);
  }
  for (const char* group : {"attributes", "duties"}) {
    const json::Value* all = request.find(group);
    if (all == nullptr) continue;
    for (const auto& [key, value] : *all->if_object()) claims.emplace_back(group, key);
  }
  if (claims.empty()) return request;
  const auto& [group, key] = claims[dice.below(claims.size())];
  if (group.empty())
    request.erase(key);
  else
    member(request, group)->erase(key);
  return request;
}

json::Value with_prohibition(json::Value policy, const json::Value& prohibition) {
  json::Value* list = member(policy, "prohibition");
  if (list == nullptr)
    policy.set("prohibition", json::Array{prohibition});
  else
    list->if_array()->push_back(prohibition);
  return policy;
}

json::Value with_constraint(json::Value policy, const json::Value& constraint, Dice& dice) {
  json::Array& permissions = *member(policy, "permission")->if_array();
  json::Value& rule = permissions[dice.below(permissions.size())];
  json::Value* list = member(rule, "constraint");
  if (list == nullptr) {
    rule.set("constraint", json::Array{constraint});
  } else if (list->if_array() != nullptr) {
    list->if_array()->push_back(constraint);
  } else {
    json::Array both{*list, constraint};
    *list = json::Value(std::move(both));
  }
  return policy;
}

/// All lists in another order.
void shuffle(json::Value& value, Dice& dice) {
  if (auto* array = value.if_array()) {
    for (std::size_t i = array->size(); i > 1; --i) std::swap((*array)[i - 1], (*array)[dice.below(i)]);
    for (json::Value& one : *array) shuffle(one, dice);
  } else if (auto* object = value.if_object()) {
    for (std::size_t i = object->size(); i > 1; --i) std::swap((*object)[i - 1], (*object)[dice.below(i)]);
    for (auto& [key, one] : *object) shuffle(one, dice);
  }
}

json::Array as_list(const json::Value* value) {
  if (value == nullptr) return {};
  return value->if_array() != nullptr ? *value->if_array() : json::Array{*value};
}

/// Every rule for each combination of its actions, targets and assignees, which it has from the policy where it has
/// none.
json::Value atomised(json::Value policy) {
  static constexpr std::array kShared{"action", "target", "assignee"};
  for (const char* kind : {"permission", "prohibition"}) {
    const json::Value* rules = policy.find(kind);
    if (rules == nullptr) continue;
    json::Array open = as_list(rules);
    for (const char* key : kShared) {
      json::Array next;
      for (const json::Value& rule : open) {
        const json::Array own = as_list(rule.find(key) != nullptr ? rule.find(key) : policy.find(key));
        for (const json::Value& one : own) {
          json::Value atom = rule;
          atom.set(key, one);
          atom.erase("uid");
          next.push_back(std::move(atom));
        }
        if (own.empty()) next.push_back(rule);
      }
      open = std::move(next);
    }
    policy.set(kind, std::move(open));
  }
  // An agreement keeps its names, which now stand at every rule too.
  if (*policy.find("@type")->if_string() != "Agreement") {
    policy.erase("target");
    policy.erase("assignee");
  }
  policy.erase("action");
  return policy;
}

struct Round {
  const Witnesses& witnesses;
  GeneratedPolicy policy;
  policy::Program program;
  json::Value shuffled, spelt, atoms, prohibited, constrained;
  std::optional<policy::Program> shuffled_program, spelt_program, atoms_program, prohibited_program,
      constrained_program;
};

int broken(const char* law, const Round& round, const json::Value& request, const json::Value& other_policy,
           const json::Value& other_request) {
  std::printf("broken: %s\n%s\n%s\n", law, to_text({round.policy.value, request, round.policy.suite}).c_str(),
              to_text({other_policy, other_request, round.policy.suite}).c_str());
  return 1;
}

int check(const Round& round, Dice& dice, std::uint64_t& permitted, std::uint64_t& offered) {
  const json::Value request = generate_request(dice, round.policy);
  const auto permit = permits(round.program, request);
  if (!permit) return 0;
  permitted += *permit;
  const json::Value poorer = without_claim(request, dice);
  if (!round.policy.suite && !*permit && permits(round.program, poorer).value_or(false)) {
    return broken("dropping a claim permits", round, request, round.policy.value, poorer);
  }
  if (!round.policy.suite && *permit && !could_be(round.program, poorer)) {
    return broken("an earlier stage calls it impossible", round, request, round.policy.value, poorer);
  }
  if (const json::Value asked = of_a_node(request); !round.policy.suite && permits(round.program, asked).value_or(false)) {
    ++offered;
    if (!was_offered(round.program, asked, dice)) return broken("could_permit calls it impossible", round, asked, round.policy.value, asked);
  }
  const std::string conflict = strategy(round.policy.value);
  if (round.prohibited_program) {
    const auto other = permits(*round.prohibited_program, request);
    const bool perm = conflict == "perm";
    if (other && (perm ? *other != *permit : *other && !*permit)) {
      return broken("adding a prohibition", round, request, round.prohibited, request);
    }
  }
  if (round.constrained_program && !*permit && permits(*round.constrained_program, request).value_or(false)) {
    return broken("adding a constraint permits", round, request, round.constrained, request);
  }
  for (const auto& [law, policy, program] :
       {std::tuple{"order", &round.shuffled, &round.shuffled_program},
        std::tuple{"spelling", &round.spelt, &round.spelt_program},
        std::tuple{"compact is atomised", &round.atoms, &round.atoms_program}}) {
    if (!*program) continue;
    if (permits(**program, request) != permit) return broken(law, round, request, *policy, request);
  }
  return 0;
}

/// The policy in its other forms; what must compile and does not is told.
std::optional<int> prepare(Round& round, Dice& dice) {
  const auto compiled = [&](const json::Value& value) {
    return compile_policy(value, round.policy.suite, round.witnesses.vocabulary);
  };
  const bool invalid = strategy(round.policy.value) == "invalid";
  const json::Value empty{json::Object{}};
  round.shuffled = round.policy.value;
  shuffle(round.shuffled, dice);
  round.spelt = respelt(round.policy.value, dice);
  round.atoms = atomised(round.policy.value);
  for (const auto& [law, value, program] :
       {std::tuple{"order", &round.shuffled, &round.shuffled_program},
        std::tuple{"spelling", &round.spelt, &round.spelt_program},
        std::tuple{"compact is atomised", &round.atoms, &round.atoms_program}}) {
    auto result = compiled(*value);
    if (!result) {
      std::printf("%s\n", describe(result.error()).c_str());
      return broken(law, round, empty, *value, empty);
    }
    *program = std::move(*result);
  }
  if (invalid) return std::nullopt;
  // Of what is added the requests know as well.
  round.prohibited =
      with_prohibition(round.policy.value, generate_prohibition(dice, round.policy, round.witnesses.purposes));
  if (auto result = compiled(round.prohibited))
    round.prohibited_program = std::move(*result);
  else
    return broken("adding a prohibition", round, empty, round.prohibited, empty);
  if (round.policy.value.find("permission") == nullptr) return std::nullopt;
  round.constrained =
      with_constraint(round.policy.value, generate_constraint(dice, round.policy, round.witnesses.purposes), dice);
  if (auto result = compiled(round.constrained))
    round.constrained_program = std::move(*result);
  else
    return broken("adding a constraint", round, empty, round.constrained, empty);
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  const Rounds rounds = Rounds::read(argc, argv, 200'000, 10'000'000);
  const Witnesses witnesses = Witnesses::read();
  Dice dice(rounds.seed);
  GeneratorOptions options;
  options.named_duties = true;
  std::uint64_t requests = 0, policies = 0, permitted = 0, offered = 0;
  while (requests < rounds.requests) {
    GeneratedPolicy policy = generate_policy(dice, witnesses.purposes, options);
    auto program = compile_policy(policy.value, policy.suite, witnesses.vocabulary);
    if (!program) {
      if (strategy(policy.value) == "invalid") continue;
      std::printf("refused: %s\n%s\n", describe(program.error()).c_str(), json::serialise(policy.value).c_str());
      return 1;
    }
    ++policies;
    Round round{witnesses, std::move(policy), std::move(*program), {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
    if (const auto failed = prepare(round, dice)) return *failed;
    for (std::uint64_t i = 0; i < kRequestsPerPolicy && requests < rounds.requests; ++i, ++requests) {
      if (const int failed = check(round, dice, permitted, offered)) return failed;
    }
  }
  if (requests >= 10'000 && offered * 1000 < requests) {
    std::printf("of %llu requests only %llu were permits to ask could_permit about\n", number(requests), number(offered));
    return 1;
  }
  std::printf("%llu requests, %llu permits, %llu asked of could_permit, %llu policies: all laws hold\n", number(requests), number(permitted),
              number(offered), number(policies));
}
