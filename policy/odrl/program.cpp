#include "policy/odrl/evaluation.hpp"

#include <cstring>

namespace sluis::policy {

std::span<const Program::Rule> Program::rules() const noexcept {
  return {reinterpret_cast<const Rule*>(image_->cold.data()), header().rules};
}
std::span<const Program::Node> Program::nodes() const noexcept {
  return {reinterpret_cast<const Node*>(hot() + header().begin), header().nodes};
}
const Program::Lane& Program::lane(std::size_t rule) const noexcept {
  const Header& head = header();
  const auto* lines = reinterpret_cast<const Lane*>(header_);
  if ((head.flags & kFarLanes) == 0) [[likely]] return lines[head.lanes[rule]];
  const std::size_t at = head.lanes[0] | (std::size_t{head.lanes[1]} << 16U);
  return lines[reinterpret_cast<const std::uint32_t*>(hot() + at)[rule]];
}
const Vocabulary& Program::vocabulary() const noexcept { return *header().vocabulary; }
const Names& Program::names() const noexcept { return *image_->context->names; }
std::size_t Program::bytes() const noexcept {
  return (image_->hot.size() + image_->cold.size()) * sizeof(std::uint64_t) + sizeof(Image) + sizeof(*this);
}
std::span<const std::uint32_t> Program::ids(const Node& node) const noexcept {
  if (node.list != kFar) return {reinterpret_cast<const std::uint32_t*>(&node.a), node.list};
  const auto packed = static_cast<std::uint64_t>(node.a);
  return {reinterpret_cast<const std::uint32_t*>(hot() + header().ids) + (packed & 0xffffffffU),
          static_cast<std::size_t>(packed >> 32U)};
}
/// Read as a whole word: behind the table there are always lanes, or one more.
std::uint64_t Program::open_to(PurposeIndex purpose, std::size_t chunk) const noexcept {
  static_assert(std::endian::native == std::endian::little);
  const Header& head = header();
  std::uint64_t bits = 0;
  std::memcpy(&bits, reinterpret_cast<const char*>(&head + 1) + std::size_t{purpose} * head.width + 8 * chunk, sizeof bits);
  return bits;
}
bool Program::counts() const noexcept {
  const auto all = rules();
  return std::any_of(all.begin(), all.end(), [](const Rule& rule) { return rule.counts; });
}
bool Program::suite() const noexcept { return (header().flags & kSuite) != 0; }

Truth Program::value(std::size_t rule, const Request& request) const noexcept {
  const Facts facts(request);
  const Evaluation evaluation(*this, facts);
  std::uint16_t failing = 0;
  const Lane& one = lane(rule);
  return std::min(evaluation.subject(one), evaluation.conditions(one, one.first, failing));
}

Program::Subject Program::subject(std::size_t rule, const Request& request) const noexcept {
  const Facts facts(request);
  const Evaluation evaluation(*this, facts);
  const Lane& one = lane(rule);
  return {truth(evaluation.action(one)), evaluation.target(one), evaluation.assignee(one)};
}

Truth Program::value_of_condition(std::size_t node, const Request& request) const noexcept {
  return Evaluation(*this, Facts(request)).node(nodes()[node]);
}

Timestamp Program::next_change(const Facts& facts) const noexcept {
  if ((facts.lane_ & Lane::window) == 0) return Timestamp::max();
  const Header& head = header();
  const auto* changes = reinterpret_cast<const std::int64_t*>(hot() + head.changes);
  // Of the usual size without a branch, which would be guessed wrong as often as right.
  const auto first_after = [](const std::int64_t* list, std::size_t size, std::int64_t time) {
    static_assert(kFewChanges == 16);
    if (size != kFewChanges) [[unlikely]] return *std::upper_bound(list, list + size - 1, time);
    std::size_t past = 0;
    for (const std::size_t step : {8U, 4U, 2U, 1U}) past += step * static_cast<std::size_t>(list[past + step - 1] <= time);
    return list[past];
  };
  std::int64_t next = first_after(changes, head.instants, facts.now_);
  if (facts.agreed_) {
    const std::int64_t elapsed = facts.values_[static_cast<std::size_t>(Operand::elapsed_time)];
    const std::int64_t* offsets = changes + head.instants;
    const std::int64_t offset = first_after(offsets, head.offsets, elapsed);
    next = std::min(next, offset == kMost ? kMost : facts.now_ - elapsed + offset);
    for (std::size_t i = 0; i < head.periods; ++i) {  // months, rest
      const std::int64_t* pair = offsets + head.offsets + 2 * i;
      const std::int64_t at = micros(add_period(*facts.request_.agreed, pair[0], Duration(pair[1])));
      if (at > facts.now_) next = std::min(next, at);
    }
  }
  return Timestamp(Duration(next));
}

/// What is needed soon and is known already comes together, not one after another.
Decision Program::decide(const Facts& facts) const noexcept {
  expect(facts);
  __builtin_prefetch(hot() + header().changes);
  __builtin_prefetch(hot() + header().changes + header().instants);
  return decide_now(facts);
}

Decision Program::decide_now(const Facts& facts) const noexcept {
  const Header& head = header();
  const Evaluation evaluation(*this, facts);
  const bool blocked = evaluation.any_open(0, head.prohibitions, [&](std::size_t r) {
    return evaluation.value(lane(r)) != Truth::no;
  });
  Decision permitted;
  if ((!blocked || (head.flags & kPermissionWins) != 0) &&
      evaluation.any_open(head.prohibitions, head.rules, [&](std::size_t r) {
        permitted.rule = static_cast<std::uint16_t>(r);
        return evaluation.value(lane(r)) == Truth::yes;
      })) {
    permitted.permit = true;
    permitted.reason = ReasonCode::permitted;
    permitted.reserve = (lane(permitted.rule).bits & Lane::counts) != 0;
    permitted.valid_until = next_change(facts);
    return permitted;
  }
  return explain_denial(evaluation);
}

/// Asks the memory for the header, and for the purpose's entry of a table with a byte each.
void Program::expect(const Facts& facts) const noexcept {
  __builtin_prefetch(header_);
  __builtin_prefetch(reinterpret_cast<const char*>(header_ + 1) + facts.purpose_);
}

/// And, once those are there, for the first rules that the purpose leaves open, and for what may end a permit.
void Program::expect_rules(const Facts& facts) const noexcept {
  constexpr int kRules = 3;
  const Header& head = header();
  if (facts.purpose_ >= head.purposes || head.rules == 0) return;
  __builtin_prefetch(hot() + head.changes);
  __builtin_prefetch(hot() + head.changes + head.instants);
  std::uint64_t open = open_to(facts.purpose_, 0);
  if (head.rules < 64) open &= (std::uint64_t{1} << head.rules) - 1;
  for (int i = 0; i < kRules && open != 0; ++i, open &= open - 1) {
    const Lane* one = &lane(static_cast<std::size_t>(std::countr_zero(open)));
    __builtin_prefetch(one);
    __builtin_prefetch(one + 1);
    __builtin_prefetch(one + 2);
  }
}

void decide(std::span<const Question> questions, std::span<Decision> decisions) noexcept {
  constexpr std::size_t kNear = 8, kFar = 16;
  const std::size_t count = questions.size();
  for (std::size_t i = 0; i < std::min(kFar, count); ++i) questions[i].program->expect(*questions[i].facts);
  for (std::size_t i = 0; i < std::min(kNear, count); ++i) questions[i].program->expect_rules(*questions[i].facts);
  for (std::size_t i = 0; i < count; ++i) {
    if (i + kFar < count) questions[i + kFar].program->expect(*questions[i + kFar].facts);
    if (i + kNear < count) questions[i + kNear].program->expect_rules(*questions[i + kNear].facts);
    decisions[i] = questions[i].program->decide_now(*questions[i].facts);
  }
}

/// Names the rule that denies: a prohibition that is true, else one that is not known; or of the permissions the first
/// that gets furthest.
Decision Program::explain_denial(const Evaluation& evaluation) const noexcept {
  Decision denied;
  const Header& head = header();
  evaluation.any_open(0, head.prohibitions, [&](std::size_t r) {
    const Lane& rule = lane(r);
    const Truth value = evaluation.value(rule);
    if (value == Truth::no || (value == Truth::unknown && denied.rule != Decision::kNone)) return false;
    const bool active = value == Truth::yes;
    denied.rule = static_cast<std::uint16_t>(r);
    denied.reason = active ? ReasonCode::prohibited : ReasonCode::indeterminate;
    if (active) denied.constraint = rule.end != rule.first ? rule.first : Decision::kNone;
    else evaluation.conditions(rule, rule.first, denied.constraint);
    return active;
  });
  if (denied.rule != Decision::kNone) return denied;
  int closest = 0;
  const auto closer = [&](std::size_t r, bool open, int furthest) {
    const int reach = evaluation.reach(lane(r), open);
    if (reach > closest) {
      closest = reach;
      denied.rule = static_cast<std::uint16_t>(r);
    }
    return closest == furthest;
  };
  if (!evaluation.any_open(head.prohibitions, head.rules, [&](std::size_t r) { return closer(r, true, 3); })) {
    // None gets further than its subject and, where it is open, its purpose: the first of all that gets furthest.
    closest = 0;
    denied.rule = Decision::kNone;
    for (std::size_t r = head.prohibitions; r < head.rules && !closer(r, evaluation.is_open(r), 2); ++r) {}
  }
  if (closest == 0) return denied;
  const Lane& rule = lane(denied.rule);
  const Truth target = evaluation.target(rule);
  const Truth subject = std::min(target, evaluation.assignee(rule));
  if (subject == Truth::no) {
    denied.reason = target == Truth::no ? ReasonCode::target : ReasonCode::assignee;
  } else if (subject == Truth::unknown) {
    denied.reason = ReasonCode::indeterminate;
  } else {
    // A rule that the purpose leaves open is not closed by its conditions on the purpose.
    const bool open = closest == 3;
    if (!open && rule.purposes == 1 && evaluation.knows_purpose()) {
      denied.constraint = rule.first;
      denied.reason = ReasonCode::purpose;
      return denied;
    }
    const auto begin = static_cast<std::uint16_t>(rule.first + (open ? rule.purposes : 0));
    const Truth value = evaluation.conditions(rule, begin, denied.constraint);
    denied.reason = value == Truth::unknown ? ReasonCode::indeterminate : evaluation.reason(nodes()[denied.constraint]);
  }
  return denied;
}

Truth Program::permission_possible(const Request& request) const noexcept {
  const Facts facts(request);
  const Evaluation evaluation(*this, facts);
  const bool permission_wins = (header().flags & kPermissionWins) != 0;
  Truth most = Truth::yes;  // what the prohibitions leave
  Truth best = Truth::no;
  for (std::size_t r = 0; r < header().rules; ++r) {
    const Lane& rule = lane(r);
    std::uint16_t failing = 0;
    const Truth value = std::min(evaluation.subject(rule), evaluation.conditions(rule, rule.first, failing));
    if (r >= header().prohibitions) best = std::max(best, value);
    else if (value != Truth::no) most = std::min(most, value == Truth::yes ? Truth::no : Truth::unknown);
  }
  return permission_wins ? best : std::min(most, best);
}

}  // namespace sluis::policy
