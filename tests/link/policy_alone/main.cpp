// Reads a policy, looks for contradictions, compiles it, decides and explains: with the policy library alone.
// usage: policy_alone PURPOSES
#include "policy/odrl/check.hpp"
#include "policy/odrl/explain.hpp"
#include "policy/odrl/match.hpp"
#include "policy/odrl/report.hpp"

#include <cstdio>
#include <fstream>
#include <iterator>

using namespace sluis;

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::ifstream in(argv[1], std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  auto purposes = policy::Vocabulary::parse(text, argv[1]);
  const auto value =
      json::parse(R"({"@id": "urn:p", "@type": "Offer", "permission": [{"action": "use", "constraint": [)"
                  R"({"leftOperand": "purpose", "operator": "isA", "rightOperand": "dpv:PublicBenefit"}]}]})");
  const auto read = policy::parse_policy(*value);
  if (!purposes || !read) return 1;
  const auto vocabulary = std::make_shared<const policy::Vocabulary>(std::move(*purposes));
  const auto program = policy::compile(*read, vocabulary);
  if (!program || !policy::check(*read, *vocabulary).empty()) return 1;
  policy::Request request;
  request.purpose = vocabulary->lookup("dpv:ImproveTransportMobility");
  const auto permitted = program->decide(request);
  request.purpose = vocabulary->lookup("dpv:Marketing");
  const auto denied = program->decide(request);
  const auto reason = policy::explain(denied, request, *program);
  std::printf("%s; %s\n", permitted.permit ? "permitted" : "denied", reason.sentence.c_str());
  return permitted.permit && !denied.permit && policy::report(*program, request).size() == 1 ? 0 : 1;
}
