#include "conformance/suites.hpp"
#include "conformance/turtle.hpp"
#include "policy/odrl/check.hpp"
#include "tests/support/naive_odrl.hpp"
#include "tests/support/odrl_engine.hpp"

#include <algorithm>
#include <cstdio>

namespace sluis::conformance {
namespace {

constexpr int kLeastTurtleCases = 46;
constexpr int kLeastOwnCases = 280;
constexpr int kLeastStaticCases = 150;

/// What came of a case: a refusal, or a decision with the rules' values.
struct Outcome {
  std::optional<Error> refused;
  bool askable = true;
  bool permit = false;
  std::map<std::string, std::string> rules;
  test::Premises premises;  ///< of the engine only
};

/// Asks the engine or, to hold the cases themselves against it, the naive interpreter.
class Decider {
 public:
  static Result<Decider> make(const Options& options) {
    Decider decider;
    SLUIS_TRY(decider.vocabulary_, test::read_vocabulary(options.source.string()));
    if (options.naive) {
      SLUIS_TRY(decider.purposes_,
                test::naive::Purposes::read(read_file(options.source / "policy/purpose/dpv-purposes.tsv")));
    }
    return decider;
  }

  Outcome decide(const json::Value& policy, const json::Value& request, bool suite) const {
    return purposes_ ? by_naive(policy, request, suite) : by_engine(policy, request, suite);
  }
  const policy::Vocabulary& vocabulary() const { return *vocabulary_; }
  bool is_engine() const { return !purposes_; }

 private:
  Outcome by_engine(const json::Value& policy, const json::Value& asked, bool suite) const {
    Outcome outcome;
    const auto program = test::compile_policy(policy, suite, vocabulary_);
    if (!program) return outcome.refused = program.error(), outcome;
    const auto request = test::EngineRequest::read(asked, *program);
    if (!request) return outcome.refused = request.error(), outcome;
    outcome.askable = request->names_action();
    const test::EngineAnswer answer = test::ask(*program, *request);
    outcome.permit = answer.permit;
    for (const auto& [pointer, value] : answer.rules) outcome.rules[pointer] = policy::to_string(value);
    outcome.premises = test::premises(*program, *request);
    return outcome;
  }

  Outcome by_naive(const json::Value& policy, const json::Value& asked, bool suite) const {
    Outcome outcome;
    const auto read = test::naive::Policy::read(policy, *purposes_, suite);
    if (!read) return outcome.refused = read.error(), outcome;
    const auto request = test::naive::read_request(asked);
    if (!request) return outcome.refused = request.error(), outcome;
    const test::naive::Answer answer = read->decide(*request);
    outcome.permit = answer.permit;
    for (const auto& [pointer, value] : answer.rules) outcome.rules[pointer] = test::naive::to_string(value);
    return outcome;
  }

  std::shared_ptr<const policy::Vocabulary> vocabulary_;
  std::optional<test::naive::Purposes> purposes_;
};

const char* word(bool permit) { return permit ? "permit" : "deny"; }

/// Why the outcome is not what the case expects; empty if it is. Where the suite says Inactive, a rule may be
/// unknown.
std::string difference(const Outcome& outcome, const json::Value& expect, bool two_valued) {
  const json::Value* permit = expect.find("permit");
  if (permit == nullptr || permit->if_bool() == nullptr) return "the case expects nothing";
  if (outcome.permit != *permit->if_bool())
    return std::string("expected ") + word(*permit->if_bool()) + ", got " + word(outcome.permit);
  const json::Value* rules = expect.find("rules");
  if (rules == nullptr) return "";
  for (const auto& [pointer, value] : *rules->if_object()) {
    const auto found = outcome.rules.find(pointer);
    if (found == outcome.rules.end()) return "no value for the rule " + pointer;
    const std::string got = two_valued && found->second == "unknown" ? "no" : found->second;
    if (got != *value.if_string())
      return "the rule " + pointer + " is " + found->second + ", expected " + *value.if_string();
  }
  return "";
}

/// The same for what a rule depends on, where the engine tells of it.
std::string premise_difference(const Outcome& outcome, const json::Value& expect) {
  const json::Value* premises = expect.find("premises");
  if (premises == nullptr) return "";
  for (const auto& [rule, states] : *premises->if_object()) {
    const auto told = outcome.premises.find(rule);
    if (told == outcome.premises.end()) continue;
    for (const auto& [key, state] : *states.if_object()) {
      const auto found = told->second.find(key);
      if (found == told->second.end()) return "nothing told of " + rule + " " + key;
      const char* got = found->second == policy::Truth::yes ? "yes" : "no";
      if (*state.if_string() != got) return rule + " " + key + " is " + got + ", expected " + *state.if_string();
    }
  }
  return "";
}

void run_case(const Decider& decider, const json::Value& one, const std::string& name, bool two_valued,
              Tally& tally) {
  const json::Value* policy = one.find("policy");
  const json::Value* request = one.find("request");
  const json::Value* expect = one.find("expect");
  if (policy == nullptr || request == nullptr || expect == nullptr) return tally.fail(name, "no case");
  const Outcome outcome = decider.decide(*policy, *request, text_of(one, "mode") == "suite");
  if (outcome.refused) return tally.fail(name, "refused: " + describe(*outcome.refused));
  if (!outcome.askable) return tally.skip(name, "the engine's request always names an action");
  std::string why = difference(outcome, *expect, two_valued);
  if (why.empty()) why = premise_difference(outcome, *expect);
  if (why.empty()) return tally.pass();
  tally.fail(name, why);
}

/// Where strict mode, which nodes use, differs from the community's suite on purpose: how, and why (SEMANTICS.md, suite mode).
struct StrictDifference {
  std::string_view file;
  std::string_view how;
  std::string_view why;
};
constexpr std::string_view kNoAction = "refused: a rule needs `action`";
constexpr std::string_view kNoActionWhy = "a rule without action would permit whatever anybody thinks of later; ODRL 2.2, section 2.6, demands one";
constexpr std::string_view kDuty = "expected permit, got deny";
constexpr std::string_view kDutyWhy = "nobody told whether the duty was done, and a duty of a permission comes first here; to the suite it stands in the way only when violated";
constexpr StrictDifference kStrictDifferences[] = {
    {"testcase-001-alice", kNoAction, kNoActionWhy}, {"testcase-002-bob", kNoAction, kNoActionWhy}, {"testcase-004-alice", kNoAction, kNoActionWhy},
    {"testcase-005-bob", kNoAction, kNoActionWhy},   {"testcase-059-nonset", kDuty, kDutyWhy},      {"testcase-065-alice", kDuty, kDutyWhy},
};

/// Strict mode differs where it is meant to, as it is meant to, and nowhere else.
void check_strict(const Decider& decider, const std::vector<TurtleCase>& cases, Tally& tally) {
  int differing = 0;
  for (const TurtleCase& one : cases) {
    const Outcome outcome = decider.decide(*one.value.find("policy"), *one.value.find("request"), false);
    const std::string how = outcome.refused ? "refused: " + outcome.refused->message : difference(outcome, *one.value.find("expect"), true);
    const auto known = std::find_if(std::begin(kStrictDifferences), std::end(kStrictDifferences), [&](const auto& listed) { return listed.file == one.file; });
    const bool listed = known != std::end(kStrictDifferences);
    if (how.empty()) {
      if (listed) tally.fail(one.file + ", strict", "no longer differs: take it off the list in conformance/odrl.cpp");
      continue;
    }
    ++differing;
    if (!listed) tally.fail(one.file + ", strict", how + "; it is not on the list of differences on purpose, in conformance/odrl.cpp");
    else if (how != known->how) tally.fail(one.file + ", strict", how + ", where the difference on purpose is: " + std::string(known->how));
    else std::printf("strict differs %s: %s; %s\n", one.file.c_str(), how.c_str(), std::string(known->why).c_str());
  }
  std::printf("strict mode differs in %d of %zu cases of the community's suite\n", differing, cases.size());
}

void run_turtle(const Decider& decider, const std::filesystem::path& folder, int least, Tally& tally) {
  const auto cases = read_turtle_cases(folder);
  if (!cases) return tally.fail(folder.string(), describe(cases.error()));
  for (const TurtleCase& one : *cases) run_case(decider, one.value, one.file, true, tally);
  if (static_cast<int>(cases->size()) < least)
    tally.fail(folder.string(), "fewer than " + std::to_string(least) + " cases");
  if (decider.is_engine()) check_strict(decider, *cases, tally);
}

void run_json(const Decider& decider, const std::filesystem::path& folder, int least, Tally& tally) {
  const auto cases = read_cases(folder, tally);
  for (const json::Value& one : cases)
    run_case(decider, one, text_of(one, "file") + ": " + text_of(one, "title"), false, tally);
  if (static_cast<int>(cases.size()) < least)
    tally.fail(folder.string(), "fewer than " + std::to_string(least) + " cases");
}

/// `never /permission/0`, one a line, sorted.
std::vector<std::string> words_of(const json::Value& findings) {
  std::vector<std::string> words;
  for (const json::Value& finding : *findings.if_array()) {
    std::string text = text_of(finding, "kind");
    if (const json::Value* rules = finding.find("rules"); rules != nullptr && rules->if_array() != nullptr) {
      for (const json::Value& rule : *rules->if_array()) text += " " + *rule.if_string();
    }
    words.push_back(std::move(text));
  }
  std::sort(words.begin(), words.end());
  return words;
}

std::vector<std::string> words_of(const std::vector<policy::Finding>& findings) {
  std::vector<std::string> words;
  for (const policy::Finding& finding : findings) {
    std::string text(policy::to_string(finding.kind));
    for (const std::string& rule : finding.rules) text += " " + rule;
    words.push_back(std::move(text));
  }
  std::sort(words.begin(), words.end());
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "nothing" : text;
}

void run_static_case(const Decider& decider, const json::Value& one, Tally& tally) {
  const std::string name = text_of(one, "file") + ": " + text_of(one, "title");
  const json::Value* findings = one.find("findings");
  if (findings == nullptr || findings->if_array() == nullptr || one.find("policy") == nullptr)
    return tally.fail(name, "no case");
  policy::ParseOptions options;
  options.full = true;
  options.suite = text_of(one, "mode") == "suite";
  const auto read = policy::parse_policy(*one.find("policy"), options);
  if (!read) return tally.fail(name, "refused: " + describe(read.error()));
  const auto expected = words_of(*findings);
  const auto found = words_of(policy::check(*read, decider.vocabulary()));
  if (expected == found) return tally.pass();
  tally.fail(name, "expected " + joined(expected) + "; found " + joined(found));
}

}  // namespace

void run_odrl(const Options& options, Tally& tally) {
  const auto decider = Decider::make(options);
  if (!decider) return tally.fail("odrl", describe(decider.error()));
  if (options.cases) {
    if (is_turtle_suite(*options.cases)) return run_turtle(*decider, *options.cases, 1, tally);
    return run_json(*decider, *options.cases, 1, tally);
  }
  run_json(*decider, options.source / "conformance/cases/odrl", kLeastOwnCases, tally);
  const auto vectors = options.vectors ? std::optional(*options.vectors / "odrl-test-suite") : std::nullopt;
  if (vectors && is_turtle_suite(*vectors)) return run_turtle(*decider, *vectors, kLeastTurtleCases, tally);
  tally.skip("the community's test suite", "no vectors");
}

void run_odrl_static(const Options& options, Tally& tally) {
  const auto decider = Decider::make(options);
  if (!decider) return tally.fail("odrl-static", describe(decider.error()));
  const auto folder = options.cases.value_or(options.source / "conformance/cases/odrl-static");
  const auto cases = read_cases(folder, tally);
  for (const json::Value& one : cases) run_static_case(*decider, one, tally);
  const int least = options.cases ? 1 : kLeastStaticCases;
  if (static_cast<int>(cases.size()) < least)
    tally.fail(folder.string(), "fewer than " + std::to_string(least) + " cases");
}

}  // namespace sluis::conformance
