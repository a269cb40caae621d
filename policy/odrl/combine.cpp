#include "policy/odrl/combine.hpp"

#include "connector/base/limits.hpp"
#include "policy/odrl/check.hpp"
#include "policy/odrl/values.hpp"

#include <algorithm>

namespace sluis::policy {
namespace {

/// Two sources' duties at the same place are two duties.
void place_duties(const std::string& name, std::vector<Rule>& duties) {
  for (Rule& duty : duties) {
    duty.pointer = name + duty.pointer;
    place_duties(name, duty.consequences);
  }
}

/// A rule as it stands at its source: the source's assignee is the rule's, its target is another dataset.
Rule taken_from(const SourceTerms& source, Rule rule) {
  rule.pointer = source.name + rule.pointer;
  for (auto* duties : {&rule.duties, &rule.remedies, &rule.consequences}) place_duties(source.name, *duties);
  rule.target.reset();
  rule.assigner.reset();
  if (!rule.assignee) rule.assignee = source.policy.assignee;
  return rule;
}

/// Both at once; nothing if the action or the assignee already exclude each other.
std::optional<Rule> meet(const Rule& first, const Rule& second) {
  Rule both = first;
  if (included(second.action, first.action)) both.action = second.action;
  else if (!included(first.action, second.action)) return std::nullopt;
  if (first.assignee && second.assignee && *first.assignee != *second.assignee) return std::nullopt;
  if (!both.assignee) both.assignee = second.assignee;
  both.pointer += " and " + second.pointer;
  both.id.clear();
  const auto append = [](auto& list, const auto& more) { list.insert(list.end(), more.begin(), more.end()); };
  append(both.constraints, second.constraints);
  append(both.refinements, second.refinements);
  append(both.duties, second.duties);
  return both;
}

bool can_hold(const Rule& permission, const Vocabulary& vocabulary) {
  Policy alone;
  alone.permissions.push_back(permission);
  const auto findings = check(alone, vocabulary);
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& one) { return one.kind == FindingKind::never; });
}

Error too_many() {
  return Error(ErrorCode::limit_exceeded,
               "the sources' rules together are more than " + std::to_string(limits::kRulesPerPolicy));
}

}  // namespace

Result<Policy> combine(std::span<const SourceTerms> sources, const Vocabulary& vocabulary) {
  if (sources.empty()) return Error(ErrorCode::invalid_argument, "a combination has sources");
  Policy made;
  made.type = Policy::Type::set;
  made.conflict = Conflict::prohibit;
  std::string excluded;
  for (std::size_t s = 0; s < sources.size(); ++s) {
    const SourceTerms& source = sources[s];
    std::vector<Rule> next;
    for (const Rule& rule : source.policy.permissions) {
      const Rule own = taken_from(source, rule);
      if (s == 0) {
        next.push_back(own);
        continue;
      }
      for (const Rule& sofar : made.permissions) {
        auto both = meet(sofar, own);
        if (both && can_hold(*both, vocabulary)) next.push_back(std::move(*both));
        else
          excluded +=
              (excluded.empty() ? "" : "; ") + in_backticks(sofar.pointer) + " and " + in_backticks(own.pointer);
        if (next.size() > limits::kRulesPerPolicy) return too_many();
        if (excluded.size() > limits::kReasonBytes) excluded.resize(limits::kReasonBytes);
      }
    }
    made.permissions = std::move(next);
    if (made.permissions.empty()) {
      return Error(ErrorCode::invalid_argument,
                   excluded.empty() ? in_backticks(source.name) + " permits nothing"
                                    : "nothing is left that all sources permit; these exclude each other: " + excluded)
          .mended_by("leave a source out, or agree other terms with its publisher");
    }
    for (const Rule& rule : source.policy.prohibitions) made.prohibitions.push_back(taken_from(source, rule));
    for (const Rule& rule : source.policy.obligations) made.obligations.push_back(taken_from(source, rule));
  }
  if (made.permissions.size() + made.prohibitions.size() + made.obligations.size() > limits::kRulesPerPolicy) {
    return too_many();
  }
  const auto findings = check(made, vocabulary);
  for (const Finding& finding : findings) {
    if (finding.kind != FindingKind::nothing_permitted) continue;
    std::string why;
    for (const Finding& one : findings) {
      if (one.kind == FindingKind::voided) why += (why.empty() ? "" : "; ") + one.detail;
    }
    return Error(ErrorCode::invalid_argument, "nothing is left that all sources permit: " + why)
        .mended_by("leave a source out, or agree other terms with its publisher");
  }
  return made;
}

}  // namespace sluis::policy
