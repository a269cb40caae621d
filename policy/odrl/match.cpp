#include "policy/odrl/match.hpp"

#include "policy/odrl/values.hpp"

#include <algorithm>
#include <array>

namespace sluis::policy {
namespace {

/// A constraint in canonical form. `isAnyOf` is a set; of one it is `eq`.
std::string key(const Constraint& constraint) {
  std::string_view op = to_string(constraint.op);
  if (constraint.op != Operator::is_any_of) return std::string(op) + " " + describe_value(constraint);
  Constraint sorted = constraint;
  std::sort(sorted.values.begin(), sorted.values.end());
  sorted.values.erase(std::unique(sorted.values.begin(), sorted.values.end()), sorted.values.end());
  if (sorted.values.size() == 1) op = to_string(Operator::eq);
  return std::string(op) + " " + describe_value(sorted);
}

std::vector<std::string> keys(const Rule& rule, Operand operand) {
  std::vector<std::string> list;
  for (const Constraint& constraint : rule.constraints) {
    if (constraint.operand == operand) list.push_back(key(constraint));
  }
  std::sort(list.begin(), list.end());
  return list;
}

std::string join(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& one : list) text += (text.empty() ? "" : " and ") + one;
  return text.empty() ? "nothing" : text;
}

std::string describe_rule(const Rule& rule) {
  std::string text(to_string(rule.action));
  for (const Constraint& constraint : rule.constraints) {
    text += " " + std::string(to_string(constraint.operand)) + " " + key(constraint);
  }
  return text;
}

struct Check {
  Operand operand;
  std::string_view code;
};
constexpr std::array kChecks{
    Check{Operand::purpose, "purpose"},        Check{Operand::date_time, "time"},
    Check{Operand::elapsed_time, "time"},      Check{Operand::recipient, "recipient"},
    Check{Operand::class_of_recipient, "class"}, Check{Operand::delay_period, "duty"},
    Check{Operand::min_cell_size, "duty"},     Check{Operand::cell_column, "duty"},
    Check{Operand::cell_group, "duty"},
};

Reason difference(std::string_view code, const std::string& rule, std::string needed, std::string asked) {
  Reason reason;
  reason.code = code;
  reason.parameters = {{"rule", rule}, {"needed", std::move(needed)}, {"asked", std::move(asked)}};
  reason.sentence = fill(english("match." + reason.code), reason.parameters);
  return reason;
}

/// Whether the proposed rule names exactly one purpose, and it satisfies what was published.
bool narrows(const Rule& published, const Rule& proposed, const Vocabulary& vocabulary) {
  const std::vector<std::string> wanted = keys(proposed, Operand::purpose);
  if (wanted.size() != 1 || !wanted.front().starts_with("eq ")) return false;
  const auto purpose = vocabulary.lookup(std::string_view(wanted.front()).substr(3));
  if (!purpose) return false;
  bool bound = false;
  for (const Constraint& constraint : published.constraints) {
    if (constraint.operand != Operand::purpose) continue;
    const auto open = purpose_set(constraint, false, vocabulary);
    if (!open || !open->test(*purpose)) return false;
    bound = true;
  }
  return bound;
}

std::optional<Reason> compare_rule(const Rule& published, const Rule& proposed, const Vocabulary* narrowing) {
  for (const Check& check : kChecks) {
    const auto needed = keys(published, check.operand);
    const auto asked = keys(proposed, check.operand);
    if (needed == asked) continue;
    if (check.operand == Operand::purpose && narrowing != nullptr && narrows(published, proposed, *narrowing)) continue;
    return difference(check.code, published.pointer, join(needed), join(asked));
  }
  if (published.action != proposed.action) {
    return difference("duty", published.pointer, describe_rule(published), describe_rule(proposed));
  }
  return std::nullopt;
}

/// Pairs each proposed rule with a published one of its own. `fewer`: published ones may be left over.
std::optional<Reason> compare_rules(const std::vector<Rule>& published, const std::vector<Rule>& proposed,
                                    std::string_view code, const Vocabulary* narrowing, bool fewer) {
  std::vector<bool> used(published.size(), false);
  for (const Rule& rule : proposed) {
    std::optional<Reason> nearest;
    bool found = false;
    for (std::size_t i = 0; i < published.size() && !found; ++i) {
      if (used[i]) continue;
      auto reason = compare_rule(published[i], rule, narrowing);
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
  if (fewer) return std::nullopt;
  const auto left = std::find(used.begin(), used.end(), false);
  if (left == used.end()) return std::nullopt;
  const Rule& rule = published[static_cast<std::size_t>(left - used.begin())];
  return difference(code, rule.pointer, describe_rule(rule), "nothing");
}

json::Value narrowed_rule(json::Value rule, const Rule& parsed, const std::string& purpose) {
  for (json::Member& member : *rule.if_object()) {
    if (short_key(member.first) != "constraint") continue;
    json::Array kept;
    bool replaced = false;
    for (std::size_t i = 0; i < parsed.constraints.size(); ++i) {
      if (parsed.constraints[i].operand != Operand::purpose) {
        kept.push_back((*member.second.if_array())[i]);
      } else if (!replaced) {
        kept.push_back(json::object({{"leftOperand", json::Value(iri(Operand::purpose))},
                                     {"operator", json::Value(to_string(Operator::eq))},
                                     {"rightOperand", json::Value(purpose)}}));
        replaced = true;
      }
    }
    member.second = json::Value(std::move(kept));
  }
  return rule;
}

bool open_to(const Rule& rule, PurposeIndex purpose, const Vocabulary& vocabulary) {
  return std::all_of(rule.constraints.begin(), rule.constraints.end(), [&](const Constraint& constraint) {
    if (constraint.operand != Operand::purpose) return true;
    const auto open = purpose_set(constraint, false, vocabulary);
    return open && open->test(purpose);
  });
}

}  // namespace

bool could_permit(const Program& program, std::string_view class_of_recipient, std::string_view recipient,
                  std::optional<PurposeIndex> purpose, std::optional<Timestamp> now) {
  Request request;
  request.class_of_recipient = program.class_of_recipient(class_of_recipient);
  request.recipient = program.recipient(recipient);
  request.purpose = purpose;
  if (!now) return program.permission_possible(request) != Truth::no;
  // A window that has not opened yet could still be used: ask at every instant from now at which something changes.
  Request at = request;
  at.now = now;
  for (;;) {
    if (program.permission_possible(at) != Truth::no) return true;
    const Timestamp next = program.decide(at).valid_until;
    if (next == Timestamp::max()) return false;
    at.now = next;
  }
}

std::optional<Reason> compare(const Policy& published, const Policy& proposed, const Vocabulary* narrowing) {
  const bool fewer = narrowing != nullptr && !proposed.permissions.empty();
  if (auto reason = compare_rules(published.permissions, proposed.permissions, "other", narrowing, fewer)) {
    return reason;
  }
  if (auto reason = compare_rules(published.prohibitions, proposed.prohibitions, "other", nullptr, false)) {
    return reason;
  }
  return compare_rules(published.obligations, proposed.obligations, "duty", nullptr, false);
}

Result<json::Value> with_purpose(const json::Value& offer, std::string_view purpose, const Vocabulary& vocabulary) {
  SLUIS_TRY(const Policy policy, parse_policy(offer));
  const auto index = vocabulary.lookup(purpose);
  if (!index) {
    return Error(ErrorCode::invalid_argument, "unknown purpose " + in_backticks(purpose))
        .mended_by(vocabulary.suggest(purpose));
  }
  const std::string& iri_of_purpose = vocabulary.term(*index).iri;
  json::Value narrowed = offer;
  for (json::Member& member : *narrowed.if_object()) {
    if (short_key(member.first) != "permission") continue;
    json::Array kept;
    for (std::size_t i = 0; i < policy.permissions.size(); ++i) {
      if (!open_to(policy.permissions[i], *index, vocabulary)) continue;
      kept.push_back(narrowed_rule((*member.second.if_array())[i], policy.permissions[i], iri_of_purpose));
    }
    if (!kept.empty()) {
      member.second = json::Value(std::move(kept));
      return narrowed;
    }
  }
  return Error(ErrorCode::invalid_argument, "the offer is not open to " + in_backticks(iri_of_purpose));
}

Result<void> agreement_policy_equals_offer(const json::Value& agreement, const json::Value& offer) {
  SLUIS_TRY(const Policy agreed, parse_policy(agreement));
  SLUIS_TRY(const Policy offered, parse_policy(offer));
  if (agreed.type != Policy::Type::agreement || offered.type != Policy::Type::offer) {
    return Error(ErrorCode::invalid_argument, "an agreement is compared with an offer");
  }
  if (const auto reason = compare(offered, agreed)) {
    return Error(ErrorCode::invalid_argument, "the agreement is not what was offered: " + reason->sentence)
        .at_pointer(reason->parameters.at("rule"));
  }
  return {};
}

}  // namespace sluis::policy
