#include "tests/fuzz/odrl_findings.hpp"

#include <algorithm>

namespace sluis::test {
namespace {

using naive::Rule;
using naive::Value;
using policy::FindingKind;

struct Seen {
  const Rule* rule;
  Value value;
};

/// A compact rule is several; a finding may be of one of them. Of rules with duties only their conditions are
/// compared.
bool is_plain(const Rule& rule) {
  return rule.actions.size() <= 1 && rule.targets.size() <= 1 && rule.assignees.size() <= 1 && rule.duties.empty();
}

std::string told(const policy::Finding& finding, const char* why) {
  std::string text(policy::to_string(finding.kind));
  for (const std::string& rule : finding.rules) text += " " + rule;
  return text + ": " + why;
}

std::string fault_of(const policy::Finding& finding, const Seen& first, const Seen* second) {
  const bool holds = first.value == Value::yes;
  if (finding.kind == FindingKind::never && is_plain(*first.rule) && holds) return told(finding, "and it holds");
  if (second == nullptr || !is_plain(*first.rule) || !is_plain(*second->rule)) return "";
  // What the request does not tell may be unknown where everything known would be a yes.
  const bool beyond = holds && second->value == Value::no;
  if (finding.kind == FindingKind::voided && beyond)
    return told(finding, "and the permission holds without the prohibition");
  if (finding.kind == FindingKind::contained && beyond)
    return told(finding, "and the first holds without the second");
  if (finding.kind == FindingKind::duplicate &&
      (beyond || (second->value == Value::yes && first.value == Value::no))) {
    return told(finding, "and one holds without the other");
  }
  return "";
}

}  // namespace

bool findings_are_clear(const json::Value& policy) {
  if (policy.find("target") != nullptr || policy.find("assignee") != nullptr) return false;
  const std::string text = json::serialise(policy);
  return text.find("\"recipient\"") == std::string::npos && text.find("\"classOfRecipient\"") == std::string::npos;
}

std::string findings_fault(const std::vector<policy::Finding>& findings, const naive::Policy& plain,
                           const naive::Request& request) {
  const naive::Answer answer = plain.decide(request);
  std::map<std::string, Seen> seen;
  for (std::size_t i = 0; i < answer.rules.size(); ++i) {
    seen.emplace(answer.rules[i].first, Seen{&plain.rules()[i], answer.rules[i].second});
  }
  for (const policy::Finding& finding : findings) {
    if (finding.rules.empty()) continue;
    const auto first = seen.find(finding.rules.front());
    const auto second = finding.rules.size() > 1 ? seen.find(finding.rules[1]) : seen.end();
    if (first == seen.end()) continue;
    const std::string fault = fault_of(finding, first->second, second == seen.end() ? nullptr : &second->second);
    if (!fault.empty()) return fault;
  }
  const auto mentioned = [&](const std::string& a, const std::string& b) {
    return std::any_of(findings.begin(), findings.end(), [&](const policy::Finding& finding) {
      const auto names = [&](const std::string& one) {
        return std::find(finding.rules.begin(), finding.rules.end(), one) != finding.rules.end();
      };
      if (finding.kind == FindingKind::undecided) return names(a) || names(b);
      // A void permission is in no further conflict.
      if (finding.kind == FindingKind::voided && names(a)) return true;
      return finding.kind == FindingKind::conflict && names(a) && names(b);
    });
  };
  for (const auto& [a, permission] : seen) {
    if (permission.rule->prohibition || permission.value != Value::yes) continue;
    for (const auto& [b, prohibition] : seen) {
      if (!prohibition.rule->prohibition || prohibition.value != Value::yes || mentioned(a, b)) continue;
      return a + " and " + b + " meet, and nothing was found";
    }
  }
  return "";
}

}  // namespace sluis::test
