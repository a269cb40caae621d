#include "policy/odrl/program.hpp"

#include "connector/base/limits.hpp"

#include <algorithm>

namespace sluis::policy {
namespace {

std::int64_t micros(Timestamp time) noexcept { return time.time_since_epoch().count(); }

Truth truth(bool value) noexcept { return value ? Truth::yes : Truth::no; }

}  // namespace

std::string_view to_string(ReasonCode code) {
  switch (code) {
    case ReasonCode::permitted: return "permitted";
    case ReasonCode::purpose: return "purpose";
    case ReasonCode::recipient: return "recipient";
    case ReasonCode::class_of_recipient: return "class";
    case ReasonCode::time_not_yet: return "time.not_yet";
    case ReasonCode::time_over: return "time.over";
    case ReasonCode::elapsed: return "elapsed";
    case ReasonCode::no_permission: return "no_permission";
    case ReasonCode::prohibited: return "prohibited";
    case ReasonCode::indeterminate: return "indeterminate";
  }
  return "indeterminate";
}

bool Program::contains(const FlatConstraint& constraint, Interned id) const noexcept {
  const auto wanted = static_cast<std::uint32_t>(id);
  const auto first = ids_.begin() + constraint.first;
  return std::binary_search(first, first + constraint.count, wanted);
}

Truth Program::evaluate(const FlatConstraint& constraint, const Request& request) const noexcept {
  switch (constraint.operand) {
    case Operand::purpose:
      if (!request.purpose || *request.purpose >= vocabulary_->size()) return Truth::unknown;
      return truth(sets_[constraint.first].test(*request.purpose));
    case Operand::recipient:
      if (request.recipient == Interned::absent) return Truth::unknown;
      return truth(contains(constraint, request.recipient));
    case Operand::class_of_recipient:
      if (request.class_of_recipient == Interned::absent) return Truth::unknown;
      return truth(contains(constraint, request.class_of_recipient));
    case Operand::date_time: {
      if (!request.now) return Truth::unknown;
      const std::int64_t now = micros(*request.now);
      return truth(now >= constraint.from && now < constraint.to);
    }
    case Operand::elapsed_time: {
      if (!request.now || !request.agreed) return Truth::unknown;
      const std::int64_t elapsed = micros(*request.now) - micros(*request.agreed);
      if (elapsed < -Duration(limits::kSkew).count()) return Truth::unknown;  // agreed in the future: no anchor
      return truth(elapsed >= constraint.from && elapsed < constraint.to);
    }
    case Operand::delay_period:
    case Operand::min_cell_size:
    case Operand::cell_column:
    case Operand::cell_group: break;
  }
  return Truth::unknown;
}

/// Kleene's "and". `failing`: the first constraint that is false, else the first that is unknown.
Truth Program::evaluate(const FlatRule& rule, const Request& request, std::uint16_t& failing) const noexcept {
  Truth all = Truth::yes;
  failing = Decision::kNone;
  for (std::uint16_t i = 0; i < rule.count; ++i) {
    const auto index = static_cast<std::uint16_t>(rule.first + i);
    const Truth one = evaluate(constraints_[index], request);
    if (one < all) {
      all = one;
      failing = index;
      if (all == Truth::no) break;
    }
  }
  return all;
}

ReasonCode Program::reason_for(const FlatConstraint& constraint, const Request& request) const noexcept {
  if (evaluate(constraint, request) == Truth::unknown) return ReasonCode::indeterminate;
  switch (constraint.operand) {
    case Operand::purpose: return ReasonCode::purpose;
    case Operand::recipient: return ReasonCode::recipient;
    case Operand::class_of_recipient: return ReasonCode::class_of_recipient;
    case Operand::date_time:
      return micros(*request.now) < constraint.from ? ReasonCode::time_not_yet : ReasonCode::time_over;
    case Operand::elapsed_time: return ReasonCode::elapsed;
    case Operand::delay_period:
    case Operand::min_cell_size:
    case Operand::cell_column:
    case Operand::cell_group: break;
  }
  return ReasonCode::indeterminate;
}

Timestamp Program::next_change(const Request& request) const noexcept {
  Timestamp next = Timestamp::max();
  if (!request.now) return next;
  const std::int64_t now = micros(*request.now);
  const auto instant = std::upper_bound(instants_.begin(), instants_.end(), now);
  if (instant != instants_.end()) next = Timestamp(Duration(*instant));
  if (!request.agreed) return next;
  const std::int64_t agreed = micros(*request.agreed);
  const auto offset = std::upper_bound(offsets_.begin(), offsets_.end(), now - agreed);
  if (offset != offsets_.end()) next = std::min(next, Timestamp(Duration(agreed + *offset)));
  return next;
}

Decision Program::decide(const Request& request) const noexcept {
  Decision denied;
  denied.valid_until = next_change(request);
  if (request.action != Action::use) return denied;
  Decision closest = denied;
  std::uint16_t closest_truth_depth = 0;
  bool doubtful = false;
  for (std::uint16_t r = 0; r < rules_.size(); ++r) {  // prohibitions stand first
    const FlatRule& rule = rules_[r];
    std::uint16_t failing = Decision::kNone;
    const Truth value = evaluate(rule, request, failing);
    if (rule.prohibition) {
      if (value == Truth::no) continue;
      const bool active = value == Truth::yes;
      if (!active && doubtful) continue;
      denied.rule = r;
      denied.reason = active ? ReasonCode::prohibited : ReasonCode::indeterminate;
      denied.constraint = active ? (rule.count != 0 ? rule.first : Decision::kNone) : failing;
      if (active) return denied;
      doubtful = true;
      continue;
    }
    if (doubtful) return denied;
    if (value == Truth::yes) {
      denied.permit = true;
      denied.reason = ReasonCode::permitted;
      denied.rule = r;
      denied.constraint = Decision::kNone;
      return denied;
    }
    // Of the permissions that fail, the one that got furthest is the one to explain.
    const auto depth = static_cast<std::uint16_t>(failing - rule.first + 1);
    if (depth > closest_truth_depth) {
      closest_truth_depth = depth;
      closest.rule = r;
      closest.constraint = failing;
      closest.reason = reason_for(constraints_[failing], request);
    }
  }
  return doubtful ? denied : closest;
}

Truth Program::permission_possible(const Request& request) const noexcept {
  if (request.action != Action::use) return Truth::no;
  Truth most = Truth::yes;  // what the prohibitions leave
  Truth best = Truth::no;
  for (const FlatRule& rule : rules_) {
    std::uint16_t failing = 0;
    const Truth value = evaluate(rule, request, failing);
    if (rule.prohibition) {
      if (value == Truth::yes) return Truth::no;
      if (value == Truth::unknown) most = Truth::unknown;
    } else {
      best = std::max(best, value);
    }
  }
  return std::min(most, best);
}

Interned Program::recipient(std::string_view id) const {
  if (id.empty()) return Interned::absent;
  const auto found = recipients_.find(id);
  return found == recipients_.end() ? Interned::other : static_cast<Interned>(found->second);
}

Interned Program::class_of_recipient(std::string_view name) const {
  if (name.empty()) return Interned::absent;
  const auto found = classes_.find(short_class(name));
  return found == classes_.end() ? Interned::other : static_cast<Interned>(found->second);
}

std::string Program::program_hash_input(const Hash& offer_hash, const Hash& vocabulary_hash) {
  std::string bytes(view(offer_hash));
  put_sized(bytes, kProfile);
  bytes += view(vocabulary_hash);
  return bytes;
}

std::optional<Duration> retention(const Program& program) {
  std::optional<Duration> shortest;
  for (const Rule& rule : program.policy().obligations) {
    if (rule.action != Action::delete_after) continue;
    for (const Constraint& constraint : rule.constraints) {
      if (!shortest || constraint.duration < *shortest) shortest = constraint.duration;
    }
  }
  return shortest;
}

std::vector<Transform> transforms(const Program& program) {
  std::vector<Transform> list;
  for (const Rule& rule : program.policy().obligations) {
    if (rule.action != Action::suppress_small_cells) continue;
    Transform transform;
    for (const Constraint& constraint : rule.constraints) {
      const auto& values = constraint.values;
      if (constraint.operand == Operand::min_cell_size) transform.threshold = constraint.number;
      if (constraint.operand == Operand::cell_column) {
        transform.columns.insert(transform.columns.end(), values.begin(), values.end());
      }
      if (constraint.operand == Operand::cell_group) {
        transform.groups.push_back({values.at(0), {values.begin() + 1, values.end()}});
      }
    }
    list.push_back(std::move(transform));
  }
  return list;
}

std::optional<PurposeIndex> single_purpose(const Program& program) {
  PurposeSet open;
  for (std::size_t i = 0; i < program.vocabulary().size(); ++i) {
    const auto index = static_cast<PurposeIndex>(i);
    if (purpose_satisfies(program, index)) open.set(index);
  }
  const bool bound = std::all_of(program.rules().begin(), program.rules().end(), [&](const auto& rule) {
    const auto of_rule = program.constraints().subspan(rule.first, rule.count);
    return rule.prohibition ||
           std::any_of(of_rule.begin(), of_rule.end(), [](const auto& c) { return c.operand == Operand::purpose; });
  });
  if (!bound || open.count() != 1) return std::nullopt;
  return open.first();
}

bool purpose_satisfies(const Program& program, PurposeIndex purpose) {
  if (purpose >= program.vocabulary().size()) return false;
  Request request;
  request.purpose = purpose;
  return program.permission_possible(request) != Truth::no;
}

}  // namespace sluis::policy
