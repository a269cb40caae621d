#include "policy/odrl/check.hpp"

#include "policy/odrl/alternatives.hpp"
#include "policy/odrl/values.hpp"

#include <algorithm>

namespace sluis::policy {
namespace {

using alternatives::Alternative;
using alternatives::Alternatives;
using alternatives::Space;

/// A rule and the alternatives of its conditions: none if it can never hold, nothing if it could not be analysed.
struct Analysed {
  const Rule* rule;
  std::optional<Alternatives> alternatives;
  std::vector<const Analysed*> voided_by = {};
  bool can_hold() const { return !alternatives || !alternatives->empty(); }
  bool counts() const { return alternatives && !alternatives->empty(); }
};

std::string signature(const Rule& rule);
std::string signature(const std::vector<Rule>& rules) {
  std::vector<std::string> parts;
  for (const Rule& one : rules) parts.push_back(one.id.empty() ? signature(one) : one.id);
  std::sort(parts.begin(), parts.end());
  std::string text;
  for (const std::string& part : parts) text += "[" + part + "]";
  return text;
}

/// What a duty or obligation says, apart from where it stands.
std::string signature(const Rule& rule) {
  std::string text(to_string(rule.action));
  std::vector<std::string> parts;
  for (const auto* list : {&rule.constraints, &rule.refinements}) {
    for (const Constraint& one : *list) parts.push_back(content(one));
  }
  std::sort(parts.begin(), parts.end());
  for (const std::string& part : parts) text += "{" + part + "}";
  return text + " " + rule.target.value_or("") + " " + rule.assignee.value_or("") + signature(rule.consequences);
}

bool may_be_same(const std::optional<std::string>& first, const std::optional<std::string>& second) {
  return !first || !second || *first == *second;
}

/// The policy with its own target and assignee written into the rules that have none.
Policy written_out(Policy policy) {
  for (auto* rules : {&policy.permissions, &policy.prohibitions, &policy.obligations}) {
    for (Rule& rule : *rules) {
      if (!rule.target) rule.target = policy.target;
      if (!rule.assignee) rule.assignee = policy.assignee;
    }
  }
  return policy;
}

bool subjects_meet(const Rule& first, const Rule& second) {
  return (included(first.action, second.action) || included(second.action, first.action)) &&
         may_be_same(first.target, second.target) && may_be_same(first.assignee, second.assignee);
}
bool subject_within(const Rule& inner, const Rule& outer) {
  return included(inner.action, outer.action) && (!outer.target || outer.target == inner.target) &&
         (!outer.assignee || outer.assignee == inner.assignee);
}

class Checker {
 public:
  Checker(const Policy& policy, const Vocabulary& vocabulary)
      : policy_(written_out(policy)), space_(policy_, vocabulary) {
    for (const Rule& rule : policy_.permissions) permissions_.push_back({&rule, space_.of(rule, false)});
    for (const Rule& rule : policy_.prohibitions) prohibitions_.push_back({&rule, space_.of(rule, true)});
  }

  std::vector<Finding> run() {
    for (const auto* list : {&permissions_, &prohibitions_}) {
      for (const Analysed& one : *list) alone(one, *list);
    }
    for (Analysed& permission : permissions_) {
      for (const Analysed& prohibition : prohibitions_) voids(permission, prohibition);
    }
    report_voided();
    for (const Analysed& permission : permissions_) {
      for (const Analysed& prohibition : prohibitions_) conflicts(permission, prohibition);
    }
    beside(permissions_);
    beside(prohibitions_);
    for (std::size_t i = 0; i < policy_.obligations.size(); ++i) {
      for (std::size_t j = i + 1; j < policy_.obligations.size(); ++j) {
        const Rule& first = policy_.obligations[i];
        const Rule& second = policy_.obligations[j];
        if (signature(first) == signature(second))
          add(FindingKind::duplicate, {first.pointer, second.pointer});
      }
    }
    duties();
    const bool open = std::any_of(permissions_.begin(), permissions_.end(), [](const Analysed& one) {
      return !one.alternatives || (!one.alternatives->empty() && one.voided_by.empty());
    });
    if (!open) add(FindingKind::nothing_permitted, {});
    return std::move(findings_);
  }

 private:
  void add(FindingKind kind, std::vector<std::string> rules, std::string example = {}) {
    const bool there = std::any_of(findings_.begin(), findings_.end(), [&](const Finding& one) {
      return one.kind == kind && one.rules == rules;
    });
    if (there) return;
    Finding& made = findings_.emplace_back(Finding{kind, std::move(rules), {}, std::move(example)});
    made.detail = tell(made, Language::english);
  }

  /// Whether that holds for every rule that was written as this one: a compact rule is one to its author.
  template <class Holds>
  static bool for_all_written(const std::string& pointer, const std::vector<Analysed>& list, const Holds& holds) {
    return std::all_of(list.begin(), list.end(), [&](const Analysed& one) {
      return one.rule->pointer != pointer || holds(one);
    });
  }

  void alone(const Analysed& one, const std::vector<Analysed>& list) {
    const std::string& pointer = one.rule->pointer;
    if (!one.alternatives) {
      add(FindingKind::undecided, {pointer});
    } else if (for_all_written(pointer, list, [](const Analysed& other) { return !other.can_hold(); })) {
      add(FindingKind::never, {pointer});
    }
  }

  bool within(const Alternatives& inner, const Alternatives& outer) const {
    return std::all_of(inner.begin(), inner.end(), [&](const Alternative& one) {
      return std::any_of(outer.begin(), outer.end(), [&](const Alternative& two) { return space_.within(one, two); });
    });
  }

  void voids(Analysed& permission, const Analysed& prohibition) {
    if (!permission.counts() || !prohibition.counts() || policy_.conflict == Conflict::perm) return;
    if (!subject_within(*permission.rule, *prohibition.rule)) return;
    if (within(*permission.alternatives, *prohibition.alternatives)) permission.voided_by.push_back(&prohibition);
  }

  void report_voided() {
    for (const Analysed& permission : permissions_) {
      const std::string& pointer = permission.rule->pointer;
      for (const Analysed* by : permission.voided_by) {
        const auto gone = [](const Analysed& one) { return !one.voided_by.empty() || !one.can_hold(); };
        if (!for_all_written(pointer, permissions_, gone)) continue;
        add(FindingKind::voided, {pointer, by->rule->pointer});
      }
    }
  }

  void conflicts(const Analysed& permission, const Analysed& prohibition) {
    if (!permission.counts() || !prohibition.counts() || !subjects_meet(*permission.rule, *prohibition.rule)) return;
    const std::vector<std::string> rules{permission.rule->pointer, prohibition.rule->pointer};
    const bool told = std::any_of(findings_.begin(), findings_.end(), [&](const Finding& one) {
      return one.kind == FindingKind::voided && one.rules.front() == rules.front();
    });
    if (told) return;
    for (const Alternative& one : *permission.alternatives) {
      for (const Alternative& two : *prohibition.alternatives) {
        if (!space_.meet(one, two)) continue;
        add(FindingKind::conflict, rules, space_.example(one, two));
        return;
      }
    }
  }

  /// Rules of one kind that say the same, or of which one says more.
  void beside(const std::vector<Analysed>& list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      for (std::size_t j = 0; j < list.size(); ++j) {
        if (i == j || !list[i].counts() || !list[j].counts()) continue;
        const Rule& inner = *list[i].rule;
        const Rule& outer = *list[j].rule;
        if (inner.pointer == outer.pointer || signature(inner.duties) != signature(outer.duties)) continue;
        if (!subject_within(inner, outer) || !within(*list[i].alternatives, *list[j].alternatives)) continue;
        const bool same = subject_within(outer, inner) && within(*list[j].alternatives, *list[i].alternatives);
        if (same && i < j) add(FindingKind::duplicate, {inner.pointer, outer.pointer});
        if (!same) add(FindingKind::contained, {inner.pointer, outer.pointer});
      }
    }
  }

  void duties() {
    for (const Rule& prohibition : policy_.prohibitions) {
      if (!prohibition.constraints.empty() || !prohibition.refinements.empty()) continue;
      const auto against = [&](const std::vector<Rule>& rules) {
        for (const Rule& duty : rules) {
          if (!included(duty.action, prohibition.action) || !may_be_same(duty.target, prohibition.target)) continue;
          add(FindingKind::duty_prohibited, {duty.pointer, prohibition.pointer});
        }
      };
      for (const Rule& permission : policy_.permissions) against(permission.duties);
      against(policy_.obligations);
    }
  }

  const Policy policy_;
  Space space_;
  std::vector<Analysed> permissions_;
  std::vector<Analysed> prohibitions_;
  std::vector<Finding> findings_;
};

}  // namespace

std::string_view to_string(FindingKind kind) {
  switch (kind) {
    case FindingKind::never: return "never";
    case FindingKind::voided: return "void";
    case FindingKind::conflict: return "conflict";
    case FindingKind::duplicate: return "duplicate";
    case FindingKind::contained: return "contained";
    case FindingKind::duty_prohibited: return "duty_prohibited";
    case FindingKind::nothing_permitted: return "nothing_permitted";
    case FindingKind::undecided: return "undecided";
  }
  return "undecided";
}

std::string tell(const Finding& finding, Language language) {
  const bool exemplified = finding.kind == FindingKind::conflict && !finding.example.empty();
  const std::string code = "finding." + std::string(to_string(finding.kind)) + (exemplified ? "_example" : "");
  std::map<std::string, std::string> parameters{{"example", finding.example}};
  if (!finding.rules.empty()) parameters["rule"] = finding.rules.front();
  if (finding.rules.size() > 1) parameters["other"] = finding.rules[1];
  return fill(sentence(code, language), parameters, language);
}

std::vector<Finding> check(const Policy& policy, const Vocabulary& vocabulary) {
  return Checker(policy, vocabulary).run();
}

}  // namespace sluis::policy
