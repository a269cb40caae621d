#include "policy/odrl/check.hpp"
#include "policy/odrl/explain.hpp"
#include "policy/odrl/match.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/support/odrl_engine.hpp"

#include <cstdlib>

/// Policies: read, compiled, decided.
namespace sluis::fuzz {
namespace {

const std::shared_ptr<const policy::Vocabulary>& purposes() {
  static const std::shared_ptr<const policy::Vocabulary> vocabulary = std::make_shared<const policy::Vocabulary>(
      policy::Vocabulary::parse("dpv:Purpose\tPurpose\tDoel\t\ndpv:Marketing\tMarketing\t\tdpv:Purpose\ndpv:Advertising\tAdvertising\t\tdpv:Marketing\n"
                                "dpv:PublicBenefit\tPublic benefit\t\tdpv:Purpose\n", "fuzz.tsv").value());
  return vocabulary;
}

/// Each of another kind: purposes and a duty, logic, times, numbers, prohibitions that beat and lose, all transforms, combinations, followers.
const std::vector<std::string> kPolicies{
    R"({"@id":"o","@type":"Offer","permission":[{"action":"use","constraint":[{"leftOperand":"purpose","operator":"isAnyOf","rightOperand":["dpv:Marketing","dpv:Advertising"]},{"leftOperand":"dateTime","operator":"lt","rightOperand":"2027-01-01T00:00:00Z"}]}],"obligation":[{"action":"https://w3id.org/sluis/odrl/1#deleteAfter","constraint":[{"leftOperand":"delayPeriod","operator":"eq","rightOperand":"P7D"}]}]})",
    R"({"@id":"p","@type":"Set","permission":[{"action":"use","constraint":[{"xone":[{"leftOperand":"classOfRecipient","operator":"eq","rightOperand":"municipality"},{"or":[{"leftOperand":"spatial","operator":"neq","rightOperand":"urn:nl"},{"and":[{"leftOperand":"count","operator":"lteq","rightOperand":"3"},{"leftOperand":"elapsedTime","operator":"lt","rightOperand":"P1Y2M7DT1.5S"}]}]}]}]}]})",
    R"({"@id":"p","@type":"Set","permission":[{"action":"use","constraint":[{"leftOperand":"dateTime","operator":"eq","rightOperand":"2026-11-26Z"},{"leftOperand":"dateTime","operator":"gteq","rightOperand":{"@value":"2026-11-26T00:00:00+01:00","@type":"xsd:dateTime"}},{"leftOperand":"meteredTime","operator":"lteq","rightOperand":"PT36H"},{"leftOperand":"payAmount","operator":"eq","rightOperand":"12.50","unit":"urn:eur"}]}]})",
    R"({"@id":"p","@type":"Set","conflict":"perm","permission":[{"action":"use","constraint":[{"leftOperand":"purpose","operator":"isA","rightOperand":"dpv:Purpose"}]}],"prohibition":[{"action":"use","constraint":[{"leftOperand":"purpose","operator":"hasPart","rightOperand":"dpv:Marketing"}]}]})",
    R"({"@id":"p","@type":"Set","conflict":"invalid","permission":[{"action":"read","target":"urn:a"}],"prohibition":[{"action":"use","target":"urn:b","remedy":[{"action":"inform"}]}]})",
    R"({"@id":"p","@type":"Set","permission":[{"action":["use","read"],"target":["urn:a",{"@type":"AssetCollection","source":"urn:c","refinement":[{"leftOperand":"fileFormat","operator":"isNoneOf","rightOperand":["a","b","c"]}]}],"assignee":["urn:x","urn:y"],"duty":[{"uid":"urn:d","action":"inform","consequence":[{"action":"compensate"}]}]},{"action":"use","duty":["urn:d"]}]})",
    R"x({"@id":"o","@type":"Offer","permission":[{"action":"use"}],"obligation":[{"action":"suppressSmallCells","constraint":[{"leftOperand":"minCellSize","operator":"gteq","rightOperand":"10"},{"leftOperand":"roundTo","operator":"eq","rightOperand":"5"}]},{"action":"aggregateBy","constraint":[{"leftOperand":"groupColumn","operator":"isAnyOf","rightOperand":["street","hour"]},{"leftOperand":"groupMeasure","operator":"eq","rightOperand":"n = sum(count)"},{"leftOperand":"maxGroups","operator":"lteq","rightOperand":"100"}]}]})x",
};

/// As many members of `kPolicies`, each asked by a party that meets some of it.
const std::vector<std::string> kRequests{
    R"({"action":"use","target":"urn:a","assignee":"urn:x","now":"2026-11-26T12:00:00Z","agreed":"2026-11-25T12:00:00Z","attributes":{"purpose":"dpv:Marketing"}})",
    R"({"action":"use","now":"2026-11-26T12:00:00Z","agreed":"2026-11-26T12:00:00Z","attributes":{"classOfRecipient":"municipality","spatial":["urn:nl","urn:be"],"count":"2"}})",
    R"({"action":"use","now":"2026-11-26T12:00:00.000001Z","attributes":{"meteredTime":"PT23H59M59.999999S","payAmount":{"value":"12.5","unit":"urn:eur"}}})",
    R"({"action":"use","now":"2026-11-26T12:00:00Z","attributes":{"purpose":"dpv:Advertising"}})",
    R"({"action":"read","target":"urn:a","targetIn":["urn:c"],"now":"2026-11-26T12:00:00Z"})",
    R"({"action":"read","target":"urn:a","targetIn":["urn:c"],"assignee":"urn:y","assigneeIn":["urn:x"],"now":"2026-11-26T12:00:00Z","attributes":{"fileFormat":[]},"duties":{"urn:d":"fulfilled"}})",
    R"({"action":"use","now":"2026-11-26T12:00:00Z"})",
};

Result<policy::Policy> read(const json::Value& value, bool suite = false) {
  policy::ParseOptions options;
  options.full = true;
  options.suite = suite;
  return policy::parse_policy(value, options);
}

bool compiles(const std::string& text) {
  const auto value = json::parse(text);
  if (!value) return false;
  const auto policy = read(*value);
  if (!policy) return false;
  const auto program = policy::compile(*policy, purposes());
  if (!program) return false;
  policy::check(*policy, *purposes());
  (void)policy::could_permit(*program, "municipality", "urn:x", policy::PurposeIndex{1}, *parse_time("2026-11-26T12:00:00Z"), true);
  if (!policy::compile(*policy, purposes())) std::abort();
  return true;
}

/// A case of `policy/odrl/SEMANTICS.md`, without what it expects.
bool decided(const std::string& text) {
  const auto value = json::parse(text);
  const json::Value* written = value ? value->find("policy") : nullptr;
  const json::Value* asked = value ? value->find("request") : nullptr;
  if (written == nullptr || asked == nullptr || asked->if_object() == nullptr) return false;
  const json::Value* mode = value->find("mode");
  const auto policy = read(*written, mode != nullptr && mode->if_string() != nullptr && *mode->if_string() == "suite");
  if (!policy) return false;
  const auto program = policy::compile(*policy, purposes());
  if (!program) return false;
  const auto held = test::EngineRequest::read(*asked, *program);
  if (!held) return false;
  const policy::Request request = held->view();
  const policy::Decision decision = program->decide(request);
  if (decision.permit && request.now && decision.valid_until <= *request.now) std::abort();  // it holds now, at least
  if (program->decide(request).permit != decision.permit) std::abort();
  bool permission = false;
  for (const policy::RuleReport& rule : policy::report(*program, request)) {
    permission = permission || (!rule.prohibition && rule.value == policy::Truth::yes);
    const bool forbids = rule.prohibition && rule.value == policy::Truth::yes && policy->conflict != policy::Conflict::perm;
    if (decision.permit && forbids) std::abort();
  }
  if (decision.permit && !policy->suite && !permission) std::abort();
  if (!decision.permit && policy::explain(decision, request, *program).code.empty()) std::abort();  // each denial has its reason
  return true;
}

}  // namespace

std::vector<Target> policy_targets() {
  std::vector<std::string> cases;
  for (std::size_t i = 0; i < kPolicies.size(); ++i) {
    for (const std::string& request : {kRequests[i], kRequests[0]}) cases.push_back(R"({"mode":"strict","policy":)" + kPolicies[i] + R"(,"request":)" + request + "}");
  }
  cases.push_back(R"({"mode":"suite","policy":)" + kPolicies[4] + R"(,"request":)" + kRequests[4] + "}");
  return {
      {"policy", kPolicies, [](const std::string& text) {  // as DSP has them, and as ODRL does
         const auto value = json::parse(text);
         if (!value) return false;
         const bool read_whole = bool(read(*value));
         if (policy::parse_policy(*value) && !read_whole) std::abort();
         return read_whole;
       }},
      {"compiler", kPolicies, compiles},
      {"decision", cases, decided},
  };
}

}  // namespace sluis::fuzz
