// The engine against the naive interpreter, on policies and requests over the whole language: the same policies are
// taken, each decision and each rule's value are the same, and no instant before `valid_until` is denied. usage:
// odrl_diff [REQUESTS] [SEED]
#include "tests/fuzz/odrl_findings.hpp"
#include "tests/fuzz/odrl_run.hpp"

#include <algorithm>

using namespace sluis;
using namespace sluis::test;

namespace {

constexpr std::uint64_t kRequestsPerPolicy = 40;

struct Count {
  std::uint64_t policies = 0, void_policies = 0, mutants = 0, mutants_taken = 0, requests = 0, permits = 0,
                instants = 0;
};

const char* word(bool permit) { return permit ? "permit" : "deny"; }

/// A policy as both have it; either may refuse it.
struct Pair {
  Result<policy::Program> engine;
  Result<naive::Policy> plain;
};

Pair read(const Witnesses& witnesses, const json::Value& policy, bool suite) {
  return {compile_policy(policy, suite, witnesses.vocabulary),
          naive::Policy::read(policy, witnesses.purposes, suite)};
}

/// The first difference; empty if there is none.
std::string difference(const Pair& pair, const json::Value& asked, Count* count = nullptr) {
  const auto request = EngineRequest::read(asked, *pair.engine);
  const auto plain_request = naive::read_request(asked);
  if (!request || !plain_request)
    return request.has_value() == plain_request.has_value() ? "" : "one reads the request, one does not";
  if (!request->names_action()) return "";
  const EngineAnswer answer = ask(*pair.engine, *request);
  const naive::Answer plain = pair.plain->decide(*plain_request);
  if (count != nullptr) count->permits += plain.permit;
  for (const auto& [pointer, value] : plain.rules) {
    const auto found = answer.rules.find(pointer);
    if (found == answer.rules.end()) return "the engine has no rule " + pointer;
    if (policy::to_string(found->second) == naive::to_string(value)) continue;
    return "rule " + pointer + ": engine " + std::string(policy::to_string(found->second)) + ", naive " +
           std::string(naive::to_string(value));
  }
  if (answer.rules.size() != plain.rules.size()) return "the engine has more rules";
  if (answer.permit != plain.permit)
    return std::string("engine ") + word(answer.permit) + ", naive " + word(plain.permit);
  return "";
}

/// No instant from now on and before `valid_until` is denied, by either, if only time moves.
std::string unsound(const Pair& pair, const json::Value& asked, const std::vector<naive::Micros>& boundaries,
                    Dice& dice, Count* count) {
  const auto request = EngineRequest::read(asked, *pair.engine);
  auto plain = naive::read_request(asked);
  if (!request || !request->names_action() || !plain || !plain->now) return "";
  const EngineAnswer answer = ask(*pair.engine, *request);
  if (!answer.permit) return "";
  const naive::Micros from = *plain->now;
  const naive::Micros until = answer.valid_until.time_since_epoch().count();
  if (until <= from) return "a permit that is not valid now";
  std::vector<naive::Micros> instants{from, until - 1, from + (until - from) / 2};
  for (const naive::Micros one : boundaries) {
    for (const naive::Micros near : {one - 1, one, one + 1}) instants.push_back(near);
  }
  for (int i = 0; i < 3; ++i)
    instants.push_back(from + dice.between(0, std::min<naive::Micros>(until - from, 400'000'000'000'000) - 1));
  for (const naive::Micros instant : instants) {
    if (instant < from || instant >= until) continue;
    // Beyond the years that a time can be written in.
    if (instant > 250'000'000'000'000'000) continue;
    plain->now = instant;
    EngineRequest later = *request;
    later.set_now(Timestamp(Duration(instant)));
    if (count != nullptr) ++count->instants;
    if (pair.plain->decide(*plain).permit && ask(*pair.engine, later).permit) continue;
    return "valid until " + format_time(answer.valid_until) + ", but denied at " + write_instant(instant);
  }
  return "";
}

int report(const std::string& what, FailingCase failing,
           const std::function<std::string(const FailingCase&)>& why) {
  // The same reason, wherever it stands.
  const auto reason = [&](const FailingCase& one) {
    const std::string text = why(one);
    return text.substr(0, text.find(" (at"));
  };
  const std::string first = why(failing);
  const std::string same = reason(failing);
  const bool refusal = first.find(" (at") != std::string::npos;
  failing = shrunk(std::move(failing), [&](const FailingCase& smaller) {
    return refusal ? reason(smaller) == same : !reason(smaller).empty();
  });
  std::printf("%s: %s\nshrunk: %s\n%s\n", what.c_str(), first.c_str(), why(failing).c_str(),
              to_text(failing).c_str());
  return 1;
}

std::vector<naive::Micros> boundaries_of(const GeneratedPolicy& policy, const json::Value& request) {
  std::vector<naive::Micros> all = policy.instants;
  const json::Value* agreed = request.find("agreed");
  const auto anchor = agreed != nullptr ? naive::read_instant(*agreed->if_string()) : std::nullopt;
  if (!anchor) return all;
  for (const naive::Length& length : policy.lengths) all.push_back(naive::add(*anchor, length));
  all.push_back(*anchor - 2'000'000);
  return all;
}

/// One string of the document becomes another of it, or a member goes, comes twice, or changes its name.
json::Value mutated(json::Value value, Dice& dice) {
  std::vector<json::Value*> places;
  const std::function<void(json::Value&)> collect = [&](json::Value& one) {
    places.push_back(&one);
    if (auto* array = one.if_array()) {
      for (json::Value& element : *array) collect(element);
    } else if (auto* object = one.if_object()) {
      for (auto& [key, member] : *object) collect(member);
    }
  };
  collect(value);
  json::Value& place = *places[dice.below(places.size())];
  const json::Value other = *places[dice.below(places.size())];
  static constexpr const char* kKeys[] = {"constraint", "duty", "refinement", "unit", "target",
                                          "and",        "xone", "conflict",   "uid"};
  static constexpr const char* kTexts[] = {"",    "eq",         "lt",          "isA", "purpose",    "count",
                                           "P1M", "2026-11-26", "2026-11-26Z", "-1",  "delayPeriod"};
  auto* object = place.if_object();
  auto* array = place.if_array();
  switch (dice.below(5)) {
    case 0: place = other; break;
    case 1:
      if (object != nullptr && !object->empty())
        object->erase(object->begin() + static_cast<std::ptrdiff_t>(dice.below(object->size())));
      else
        place = json::Value(dice.one_of(kTexts));
      break;
    case 2:
      if (object != nullptr)
        place.set(dice.one_of(kKeys), other);
      else
        place = json::Value(json::Array{other});
      break;
    case 3:
      if (array != nullptr)
        array->push_back(other);
      else if (object != nullptr && !object->empty())
        object->at(dice.below(object->size())).first = dice.one_of(kKeys);
      else
        place = json::Value(dice.one_of(kTexts));
      break;
    default: place = json::Value(dice.one_of(kTexts));
  }
  return value;
}

json::Value* find_member(json::Value& value, std::string_view key) {
  for (auto& [name, member] : *value.if_object()) {
    if (name == key) return &member;
  }
  return nullptr;
}

/// What the engine takes, the naive interpreter takes, and decides alike. What is refused more may be.
int check_mutant(const Witnesses& witnesses, const GeneratedPolicy& policy, Dice& dice, Count& count) {
  json::Value mutant = mutated(policy.value, dice);
  if (dice.chance(30)) mutant = mutated(std::move(mutant), dice);
  ++count.mutants;
  const Pair pair = read(witnesses, mutant, policy.suite);
  if (!pair.engine) return 0;
  ++count.mutants_taken;
  json::Value request = generate_request(dice, policy);
  if (json::Value* duties = find_member(request, "duties")) {
    // Its consequences may be gone (see generate_request).
    for (auto& [duty, state] : *duties->if_object())
      state = *state.if_string() == "remedied" ? json::Value("unset") : state;
  }
  const auto why = [&](const FailingCase& failing) -> std::string {
    const Pair smaller = read(witnesses, failing.policy, failing.suite);
    if (!smaller.engine) return "";
    if (!smaller.plain) return "the engine takes what the page does not: " + describe(smaller.plain.error());
    return difference(smaller, failing.request);
  };
  const FailingCase failing{mutant, request, policy.suite};
  return why(failing).empty() ? 0 : report("mutant", failing, why);
}

/// Whether a policy may be refused as void: its author asked for that. One that cannot be analysed is refused too.
bool may_be_void(const json::Value& policy) {
  const json::Value* conflict = policy.find("conflict");
  return conflict != nullptr && conflict->if_string() != nullptr && *conflict->if_string() == "invalid";
}

std::vector<policy::Finding> findings_of(const Witnesses& witnesses, const json::Value& policy, bool suite) {
  policy::ParseOptions options;
  options.full = true;
  options.suite = suite;
  const auto read = policy::parse_policy(policy, options);
  return read ? policy::check(*read, *witnesses.vocabulary) : std::vector<policy::Finding>();
}

/// What a request shows of the findings; under `invalid` there are none of a conflict, or the policy would be void.
std::string lie(const Witnesses& witnesses, const FailingCase& failing) {
  const Pair pair = read(witnesses, failing.policy, failing.suite);
  const auto request = naive::read_request(failing.request);
  if (!pair.engine || !pair.plain || !request || !findings_are_clear(failing.policy)) return "";
  return findings_fault(findings_of(witnesses, failing.policy, failing.suite), *pair.plain, *request);
}

int check_policy(const Witnesses& witnesses, const GeneratedPolicy& policy, const Pair& pair, Dice& dice,
                 Count& count, std::uint64_t most) {
  const bool clear = findings_are_clear(policy.value);
  const auto findings = findings_of(witnesses, policy.value, policy.suite);
  for (std::uint64_t i = 0; i < kRequestsPerPolicy && count.requests < most; ++i) {
    ++count.requests;
    const json::Value request = generate_request(dice, policy);
    const FailingCase failing{policy.value, request, policy.suite};
    if (!difference(pair, request, &count).empty()) {
      return report("decision", failing, [&](const FailingCase& smaller) {
        const Pair both = read(witnesses, smaller.policy, smaller.suite);
        return both.engine && both.plain ? difference(both, smaller.request) : "";
      });
    }
    const std::string why = unsound(pair, request, boundaries_of(policy, request), dice, &count);
    if (!why.empty()) {
      return report("valid_until", failing, [&](const FailingCase& smaller) {
        const Pair both = read(witnesses, smaller.policy, smaller.suite);
        Dice again(1);
        return both.engine && both.plain
                   ? unsound(both, smaller.request, boundaries_of(policy, smaller.request), again, nullptr)
                   : "";
      });
    }
    if (!clear || request.find("targetIn") != nullptr || request.find("assigneeIn") != nullptr) continue;
    if (findings_fault(findings, *pair.plain, *naive::read_request(request)).empty()) continue;
    return report("findings", failing, [&](const FailingCase& smaller) { return lie(witnesses, smaller); });
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const Rounds rounds = Rounds::read(argc, argv, 200'000, 10'000'000);
  const Witnesses witnesses = Witnesses::read();
  Dice dice(rounds.seed);
  Count count;
  while (count.requests < rounds.requests) {
    const GeneratedPolicy policy = generate_policy(dice, witnesses.purposes);
    ++count.policies;
    const Pair pair = read(witnesses, policy.value, policy.suite);
    const auto why = [&](const FailingCase& failing) -> std::string {
      const Pair smaller = read(witnesses, failing.policy, failing.suite);
      if (smaller.plain && !smaller.engine && !may_be_void(failing.policy))
        return "engine: " + describe(smaller.engine.error());
      return "";
    };
    if (!pair.plain) {
      std::printf("the generator errs: %s\n%s\n", describe(pair.plain.error()).c_str(),
                  json::serialise(policy.value).c_str());
      return 1;
    }
    if (!pair.engine) {
      if (!may_be_void(policy.value))
        return report("refused", {policy.value, json::Value(json::Object{}), policy.suite}, why);
      ++count.void_policies;
      continue;
    }
    if (const int failed = check_policy(witnesses, policy, pair, dice, count, rounds.requests)) return failed;
    for (int i = 0; i < 4; ++i) {
      if (const int failed = check_mutant(witnesses, policy, dice, count)) return failed;
    }
  }
  std::printf(
      "%llu requests, %llu permits, %llu policies (%llu void), %llu later instants, %llu mutants (%llu taken): no "
      "difference\n",
      number(count.requests), number(count.permits), number(count.policies), number(count.void_policies),
      number(count.instants), number(count.mutants), number(count.mutants_taken));
}
