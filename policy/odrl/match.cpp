#include "policy/odrl/match.hpp"

#include "policy/odrl/named.hpp"
#include "policy/odrl/values.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace sluis::policy {
namespace {

constexpr std::string_view kSomebodyElse = "somebody that no terms name";
/// Rules and conditions that `could_ever_permit` looks at: some milliseconds.
constexpr std::size_t kLookedAtMost = 1'000'000;
constexpr std::size_t kEachTime = 8;  ///< what asking costs beside those

/// A constraint in canonical form: apart from order and spelling. `isAnyOf` of one is `eq`.
std::string key(const Constraint& constraint) {
  if (constraint.logic != Logic::atom) {
    std::vector<std::string> operands;
    for (const Constraint& one : constraint.operands) {
      operands.push_back((one.logic == Logic::atom ? std::string(to_string(one.operand)) + " " : "") + key(one));
    }
    if (constraint.logic != Logic::sequence) std::sort(operands.begin(), operands.end());
    std::string text(to_string(constraint.logic));
    for (const std::string& one : operands) text += " (" + one + ")";
    return text;
  }
  std::string_view op = to_string(constraint.op);
  if (!takes_list(constraint.op)) return std::string(op) + " " + describe_value(constraint);
  Constraint sorted = constraint;
  std::sort(sorted.values.begin(), sorted.values.end());
  sorted.values.erase(std::unique(sorted.values.begin(), sorted.values.end()), sorted.values.end());
  // Of one name at most a request gives one purpose, recipient and class; only there are the two the same.
  const bool single = constraint.operand == Operand::purpose || constraint.operand == Operand::recipient ||
                      constraint.operand == Operand::class_of_recipient || kind(constraint.operand) == Kind::transform;
  if (single && sorted.values.size() == 1 && constraint.op == Operator::is_any_of) op = to_string(Operator::eq);
  return std::string(op) + " " + describe_value(sorted);
}

std::vector<std::string> keys(const Rule& rule, Operand operand) {
  std::vector<std::string> list;
  for (const Constraint& constraint : rule.constraints) {
    if (constraint.logic == Logic::atom && constraint.operand == operand) list.push_back(key(constraint));
  }
  std::sort(list.begin(), list.end());
  return list;
}

std::string describe_rule(const Rule& rule);

/// All of a rule that keys() does not tell.
std::string rest(const Rule& rule) {
  std::vector<std::string> parts;
  for (const Constraint& constraint : rule.constraints) {
    if (constraint.logic != Logic::atom) parts.push_back(key(constraint));
  }
  for (const Constraint& constraint : rule.refinements) {
    parts.push_back("refined " +
                    (constraint.logic == Logic::atom ? std::string(to_string(constraint.operand)) + " " : "") +
                    key(constraint));
  }
  for (const auto& [name, rules] : {std::pair{"duty", &rule.duties}, std::pair{"remedy", &rule.remedies},
                                    std::pair{"consequence", &rule.consequences}}) {
    for (const Rule& one : *rules) parts.push_back(std::string(name) + " [" + describe_rule(one) + "]");
  }
  std::sort(parts.begin(), parts.end());
  std::string text;
  for (const std::string& part : parts) text += " " + part;
  if (rule.target) text += " target " + *rule.target;
  if (rule.assignee) text += " assignee " + *rule.assignee;
  return text;
}

std::string join(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& one : list) text += (text.empty() ? "" : " and ") + one;
  return text.empty() ? "nothing" : text;
}

std::string describe_rule(const Rule& rule) {
  std::vector<std::string> atoms;
  for (const Constraint& constraint : rule.constraints) {
    if (constraint.logic == Logic::atom)
      atoms.push_back(std::string(to_string(constraint.operand)) + " " + key(constraint));
  }
  std::string text(to_string(rule.action));
  for (const std::string& atom : atoms) text += " " + atom;
  return text + rest(rule);
}

/// What a difference in the conditions on an operand is called.
std::string_view code_of(Operand operand) {
  switch (operand) {
    case Operand::purpose: return "purpose";
    case Operand::date_time:
    case Operand::elapsed_time: return "time";
    case Operand::recipient: return "recipient";
    case Operand::class_of_recipient: return "class";
    case Operand::delay_period: return "duty";
    default: return kind(operand) == Kind::transform ? "duty" : "other";
  }
}

/// The order in which differences are told.
constexpr std::array kFirst{Operand::purpose, Operand::date_time, Operand::elapsed_time, Operand::recipient,
                            Operand::class_of_recipient};

Reason difference(std::string_view code, const std::string& rule, std::string needed, std::string asked) {
  Reason reason;
  reason.code = code;
  reason.parameters = {{"rule", rule}, {"needed", std::move(needed)}, {"asked", std::move(asked)}};
  reason.sentence = fill(english("match." + reason.code), reason.parameters);
  return reason;
}

std::optional<Reason> compare_operand(const Rule& published, const Rule& proposed, Operand operand) {
  const auto needed = keys(published, operand);
  const auto asked = keys(proposed, operand);
  if (needed == asked) return std::nullopt;
  return difference(code_of(operand), published.pointer, join(needed), join(asked));
}

std::optional<Reason> compare_rule(const Rule& published, const Rule& proposed) {
  for (const Operand operand : kFirst) {
    if (auto reason = compare_operand(published, proposed, operand)) return reason;
  }
  for (std::size_t i = 0; i < kOperands; ++i) {
    if (auto reason = compare_operand(published, proposed, static_cast<Operand>(i))) return reason;
  }
  if (published.action != proposed.action) {
    return difference("duty", published.pointer, describe_rule(published), describe_rule(proposed));
  }
  if (rest(published) != rest(proposed)) {
    return difference("other", published.pointer, describe_rule(published), describe_rule(proposed));
  }
  return std::nullopt;
}

std::string conflict_word(Conflict conflict) {
  switch (conflict) {
    case Conflict::perm: return "perm";
    case Conflict::prohibit: return "prohibit";
    case Conflict::invalid: return "invalid";
    case Conflict::unwritten: break;
  }
  return "nothing";
}

/// Pairs each proposed rule with a published one of its own.
std::optional<Reason> compare_rules(const std::vector<Rule>& published, const std::vector<Rule>& proposed,
                                    std::string_view code) {
  std::vector<bool> used(published.size(), false);
  for (const Rule& rule : proposed) {
    std::optional<Reason> nearest;
    bool found = false;
    for (std::size_t i = 0; i < published.size() && !found; ++i) {
      if (used[i]) continue;
      auto reason = compare_rule(published[i], rule);
      if (!reason) {
        used[i] = true;
        found = true;
      } else if (!nearest) {
        nearest = std::move(reason);
      }
    }
    if (found) continue;
    if (nearest && code != "duty") return nearest;
    return difference(code, rule.pointer, "nothing", describe_rule(rule));
  }
  const auto left = std::find(used.begin(), used.end(), false);
  if (left == used.end()) return std::nullopt;
  const Rule& rule = published[static_cast<std::size_t>(left - used.begin())];
  return difference(code, rule.pointer, describe_rule(rule), "nothing");
}

void forget_place(Constraint& constraint) {
  constraint.pointer.clear();
  for (Constraint& one : constraint.operands) forget_place(one);
}

/// As it reads wherever it stands.
Rule without_place(Rule rule) {
  rule.pointer.clear();
  for (auto* list : {&rule.constraints, &rule.refinements}) {
    for (Constraint& one : *list) forget_place(one);
  }
  for (auto* list : {&rule.duties, &rule.remedies, &rule.consequences}) {
    for (Rule& one : *list) one = without_place(std::move(one));
  }
  return rule;
}

/// `at`: where rules of this kind stand in the one that is asked for.
std::optional<std::string> first_difference(const std::vector<Rule>& published, const std::vector<Rule>& asked, const std::string& at) {
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (i >= published.size() || without_place(published[i]) != without_place(asked[i])) return asked[i].pointer;
  }
  return asked.size() == published.size() ? std::nullopt : std::optional(at);
}

/// Asks a program, and stops where that takes too much.
class Asking {
 public:
  /// `at_most`: rules and conditions that are looked at in all; none: as many as it takes.
  Asking(const Program& program, std::optional<std::size_t> at_most)
      : program_(program), each_(kEachTime + program.rules().size() + program.nodes().size()), left_(at_most) {}

  /// Whether the request could be permitted at its time or a later one; none: that takes too much. A window that has not opened yet could
  /// still be used: it is asked at every instant from then at which something changes.
  std::optional<bool> at_some_time(Request at) {
    for (;;) {
      if (left_ && *left_ < each_) return std::nullopt;
      if (left_) *left_ -= each_;
      if (program_.permission_possible(at) != Truth::no) return true;
      const Timestamp next = program_.next_change(at);
      if (next == Timestamp::max()) return false;
      at.now = next;
    }
  }

 private:
  const Program& program_;
  const std::size_t each_;
  std::optional<std::size_t> left_;
};

}  // namespace

bool could_permit(const Program& program, std::string_view class_of_recipient, std::string_view recipient,
                  std::optional<PurposeIndex> purpose, std::optional<Timestamp> now, std::optional<bool> two_sided,
                  std::optional<bool> impact_assessed) {
  Request request;
  request.class_of_recipient = program.class_of_recipient(class_of_recipient);
  request.recipient = program.recipient(recipient);
  request.assignee = request.recipient;
  request.purpose = purpose;
  std::vector<Attribute> attributes;
  if (two_sided) attributes.push_back(Attribute::name(Operand::evidence, program.name(*two_sided ? kTwoSided : kOneSided)));
  if (impact_assessed) attributes.push_back(Attribute::name(Operand::impact_assessment, *impact_assessed ? program.name(kOnRecord) : Interned::absent));
  request.attributes = attributes;
  if (!now) return program.permission_possible(request) != Truth::no;
  request.now = now;
  return *Asking(program, std::nullopt).at_some_time(request);
}

std::optional<bool> could_ever_permit(const Policy& policy, const Program& program, Timestamp now) {
  std::set<std::string> parties{std::string(kSomebodyElse)}, classes{std::string(kSomebodyElse)};
  for (const Named& one : named(policy, Operand::recipient)) parties.insert(one.value);
  for (const Named& one : named(policy, Operand::class_of_recipient)) classes.insert(one.value);
  if (policy.assignee) parties.insert(*policy.assignee);
  for (const auto* rules : {&policy.permissions, &policy.prohibitions}) {
    for (const Rule& rule : *rules) {
      if (rule.assignee) parties.insert(*rule.assignee);
    }
  }
  Asking asking(program, kLookedAtMost);
  // What is denied whoever asks needs no question for each.
  Request anybody;
  anybody.now = now;
  if (const auto any = asking.at_some_time(anybody); !any || !*any) return any;
  for (std::size_t purpose = 0; purpose < program.vocabulary().size(); ++purpose) {
    Request of_purpose = anybody;
    of_purpose.purpose = static_cast<PurposeIndex>(purpose);
    const auto for_purpose = asking.at_some_time(of_purpose);
    if (!for_purpose) return std::nullopt;
    if (!*for_purpose) continue;
    for (const std::string& kind : classes) {
      Request of_class = of_purpose;
      of_class.class_of_recipient = program.class_of_recipient(kind);
      const auto for_class = asking.at_some_time(of_class);
      if (!for_class) return std::nullopt;
      if (!*for_class) continue;
      for (const std::string& party : parties) {
        Request whole = of_class;
        whole.recipient = program.recipient(party);
        whole.assignee = whole.recipient;
        const auto permitted = asking.at_some_time(whole);
        if (!permitted || *permitted) return permitted;
      }
    }
  }
  return false;
}

std::optional<Timestamp> over_from(const Program& program, Timestamp agreed) {
  Request at;
  at.agreed = agreed;
  at.now = agreed;
  bool ever = false;
  std::optional<Timestamp> over;
  for (;;) {
    if (program.permission_possible(at) != Truth::no) {
      ever = true;
      over.reset();
    } else if (!over) {
      over = at.now;
    }
    const Timestamp next = program.next_change(at);
    if (next == Timestamp::max()) return ever ? over : std::nullopt;
    at.now = next;
  }
}

std::optional<Reason> compare(const Policy& published, const Policy& proposed) {
  if (auto reason = compare_rules(published.permissions, proposed.permissions, "other")) return reason;
  if (auto reason = compare_rules(published.prohibitions, proposed.prohibitions, "other")) return reason;
  if (auto reason = compare_rules(published.obligations, proposed.obligations, "duty")) return reason;
  if (published.conflict == proposed.conflict) return std::nullopt;
  return difference("other", "/conflict", conflict_word(published.conflict), conflict_word(proposed.conflict));
}

std::optional<std::string> first_difference(const Policy& published, const Policy& asked, const std::string& place) {
  if (auto at = first_difference(published.permissions, asked.permissions, place + "/permission")) return at;
  if (auto at = first_difference(published.prohibitions, asked.prohibitions, place + "/prohibition")) return at;
  if (auto at = first_difference(published.obligations, asked.obligations, place + "/obligation")) return at;
  if (published.conflict != asked.conflict) return place + "/conflict";
  if (published.id != asked.id) return place + "/@id";
  if (published.type != asked.type || published.suite != asked.suite) return place;
  for (const auto member : {&Policy::target, &Policy::assigner, &Policy::assignee}) {
    if (published.*member != asked.*member) return place;
  }
  return std::nullopt;
}

}  // namespace sluis::policy
