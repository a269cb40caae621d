#pragma once

#include "connector/base/limits.hpp"
#include "policy/odrl/intervals.hpp"
#include "policy/odrl/program.hpp"
#include "policy/odrl/values.hpp"

#include <algorithm>
#include <bit>

/// How a request is held against a program. Private to it.
namespace sluis::policy {

inline std::int64_t micros(Timestamp time) noexcept { return time.time_since_epoch().count(); }
inline Truth truth(bool value) noexcept { return value ? Truth::yes : Truth::no; }
inline std::uint8_t relation(std::int64_t x, std::int64_t a) noexcept {
  return static_cast<std::uint8_t>(1U << ((x >= a) + (x > a)));
}

/// One request against one program.
class Evaluation {
 public:
  Evaluation(const Program& program, const Facts& facts) noexcept
      : program_(program), facts_(facts), request_(facts.request_), header_(program.header()), nodes_(program.nodes().data()) {
    if (facts.purpose_ >= header_.purposes) [[unlikely]] {  // none that these terms know
      lane_ &= ~std::uint32_t{Program::Lane::purpose};
      known_ &= ~Facts::bit_of(Operand::purpose);
    }
  }

  bool knows_purpose() const noexcept { return (lane_ & Program::Lane::purpose) != 0; }

  /// Of the rules [64 · chunk, …) those that the purpose leaves open, as bits: all, where it is not known.
  std::uint64_t open(std::size_t chunk) const noexcept {
    return knows_purpose() ? program_.open_to(facts_.purpose_, chunk) : ~std::uint64_t{0};
  }
  bool is_open(std::size_t rule) const noexcept { return ((open(rule / 64) >> (rule % 64)) & 1U) != 0; }

  /// The first so many bits, at most 63.
  static std::uint64_t below(std::size_t end) noexcept { return (std::uint64_t{1} << end) - 1; }

  /// Calls `visit` with each open rule of [begin, end) in their order, until it says true; whether it did.
  template <class Visit>
  bool any_open(std::size_t begin, std::size_t end, Visit visit) const noexcept {
    const auto visit_each = [&](std::size_t first, std::uint64_t bits) {
      for (; bits != 0; bits &= bits - 1) {
        if (visit(first + static_cast<std::size_t>(std::countr_zero(bits)))) return true;
      }
      return false;
    };
    if (end < 64) [[likely]] return visit_each(0, open(0) & below(end) & ~below(begin));
    for (std::size_t first = begin / 64 * 64; first < end; first += 64) {
      std::uint64_t bits = open(first / 64);
      if (begin > first) bits &= ~below(begin % 64);
      if (end < first + 64) bits &= below(end % 64);
      if (visit_each(first, bits)) return true;
    }
    return false;
  }

  /// The conditions of an open rule's lane that hold, as bits; one that asks for what is not known may be either. Without a
  /// branch that depends on lane or request.
  std::uint32_t holding(const Program::Lane& lane) const noexcept {
    using Bit = Program::Lane::Bit;
    const auto bit = [](bool holds, Bit which) { return static_cast<std::uint32_t>(holds) * which; };
    std::uint32_t good = Bit::purpose;
    good |= bit(lane.target_id == facts_.target_ || within(lane.target_id, request_.target_in), Bit::target);
    good |= bit(lane.assignee_id == facts_.assignee_ || within(lane.assignee_id, request_.assignee_in), Bit::assignee);
    const std::int64_t kind = given(Operand::class_of_recipient);
    good |= bit((number(lane.kinds[0]) == kind) | (number(lane.kinds[1]) == kind) | (number(lane.kinds[2]) == kind), Bit::kind);
    const std::int64_t recipient = given(Operand::recipient);
    good |= bit((number(lane.recipients[0]) == recipient) | (number(lane.recipients[1]) == recipient), Bit::recipient);
    good |= bit((facts_.now_ >= lane.from) & (facts_.now_ < lane.to), Bit::window);
    good |= bit(given(Operand::elapsed_time) < lane.elapsed_to, Bit::elapsed);
    return good;
  }

  /// The value of an open rule: its lane and atoms without a branch, then what is left.
  Truth value(const Program::Lane& lane) const noexcept {
    if (!facts_.plain_) [[unlikely]] return std::min(subject(lane), all(nodes_ + lane.first, nodes_ + lane.end));
    const std::uint32_t needed = lane.bits & Program::Lane::kConditions;
    std::uint64_t no = (needed & lane_ & ~holding(lane)) | static_cast<std::uint32_t>(!action(lane));
    std::uint64_t unknown = needed & ~lane_;
    const auto* atom = reinterpret_cast<const Program::Atom*>(&lane + 1);
    for (const auto* end = atom + lane.atoms; atom != end; atom += Program::kAtomsAtOnce) {
      for (std::size_t i = 0; i < Program::kAtomsAtOnce; ++i) take(atom[i], no, unknown);
    }
    const auto value = static_cast<Truth>(static_cast<unsigned>(no == 0) << static_cast<unsigned>(unknown == 0));
    if (lane.others == 0) return value;
    const auto* node = reinterpret_cast<const Program::Node*>(atom);
    return std::min(value, all(node, node + lane.others));
  }

  void take(const Program::Atom& atom, std::uint64_t& no, std::uint64_t& unknown) const noexcept {
    const std::int64_t asked = given(atom.operand);
    const bool among = (number(atom.names[0]) == asked) | (number(atom.names[1]) == asked) | (number(atom.names[2]) == asked);
    const bool open = (facts_.now_ >= atom.from) & (facts_.now_ < atom.to);
    const bool told = single(atom.operand);
    no |= static_cast<unsigned>(told & (among == atom.negate) & !open);
    unknown |= static_cast<unsigned>(!told & !open);
  }

  /// How far a permission gets, to find the one to explain: 0 another action, 1 another subject, 2 another purpose, 3.
  int reach(const Program::Lane& lane, bool open) const noexcept {
    using Bit = Program::Lane::Bit;
    if (!action(lane)) return 0;
    const std::uint32_t missing = lane.bits & ~(holding(lane) & lane_);
    if ((missing & (Bit::target | Bit::assignee)) != 0) return 1;
    return !open || (missing & Bit::purpose) != 0 ? 2 : 3;
  }

  Truth node(const Program::Node& node) const noexcept {
    switch (node.test) {
      case Program::Test::compare: return compare(node);
      case Program::Test::related: return related(node);
      case Program::Test::set: return set(node);
      case Program::Test::amount: return amount(node);
      case Program::Test::window: return window(node);
      case Program::Test::calendar: return calendar(node);
      case Program::Test::duty: return duty(node);
      case Program::Test::all: return all(&node + 1, &node + node.skip);
      case Program::Test::any: return any(node);
      case Program::Test::one: return one(node);
      case Program::Test::never: return known(node.operand) ? Truth::no : Truth::unknown;
    }
    return Truth::unknown;
  }

  /// Kleene's "and" over the rule's nodes from `begin` on. `failing`: the first that is false, else the first unknown one.
  Truth conditions(const Program::Lane& rule, std::uint16_t begin, std::uint16_t& failing) const noexcept {
    Truth least = Truth::yes;
    failing = Decision::kNone;
    for (std::uint16_t i = begin; i < rule.end; i = static_cast<std::uint16_t>(i + nodes_[i].skip)) {
      const Truth one = nodes_[i].test == Program::Test::compare ? compare(nodes_[i]) : node(nodes_[i]);
      if (one < least) {
        least = one;
        failing = i;
        if (least == Truth::no) break;
      }
    }
    return least;
  }

  Truth target(const Program::Lane& rule) const noexcept {
    return party(rule.target_id, facts_.target_, request_.target_in);
  }
  Truth assignee(const Program::Lane& rule) const noexcept {
    return party(rule.assignee_id, facts_.assignee_, request_.assignee_in);
  }
  bool action(const Program::Lane& rule) const noexcept { return facts_.actions_.test(rule.action); }

  /// Whom and what the rule is about: action, target, assignee.
  Truth subject(const Program::Lane& rule) const noexcept {
    if (!action(rule)) return Truth::no;
    return std::min(target(rule), assignee(rule));
  }

  /// Of a node that is false.
  ReasonCode reason(const Program::Node& failing) const noexcept {
    switch (failing.test) {
      case Program::Test::any:
      case Program::Test::one: return ReasonCode::alternatives;
      case Program::Test::duty: return ReasonCode::duty;
      case Program::Test::window: return too_early(failing) ? ReasonCode::time_not_yet : ReasonCode::time_over;
      case Program::Test::all:
        for (const Program::Node* at = &failing + 1; at != &failing + failing.skip; at += at->skip) {
          if (node(*at) == Truth::no) return reason(*at);
        }
        return ReasonCode::value;
      default: break;
    }
    switch (failing.operand) {
      case Operand::purpose: return ReasonCode::purpose;
      case Operand::recipient: return ReasonCode::recipient;
      case Operand::class_of_recipient: return ReasonCode::class_of_recipient;
      case Operand::date_time:
        return facts_.now_ < failing.a ? ReasonCode::time_not_yet : ReasonCode::time_over;
      case Operand::elapsed_time: return ReasonCode::elapsed;
      case Operand::count: return ReasonCode::count;
      default: return ReasonCode::value;
    }
  }

 private:
  static std::int64_t number(Interned name) noexcept { return static_cast<std::int64_t>(name); }
  bool known(Operand operand) const noexcept { return (known_ & Facts::bit_of(operand)) != 0; }
  bool single(Operand operand) const noexcept { return (facts_.single_ & Facts::bit_of(operand)) != 0; }
  std::int64_t given(Operand operand) const noexcept { return facts_.values_[static_cast<std::size_t>(operand)]; }

  Truth compare(const Program::Node& node) const noexcept {
    if (single(node.operand)) return truth((relation(given(node.operand), node.a) & node.mask) != 0);
    if (!known(node.operand)) return Truth::unknown;
    // A set of none or of several is not the one name of `eq`.
    return truth(node.op == Operator::neq);
  }

  Truth related(const Program::Node& node) const noexcept {
    if (!known(Operand::purpose)) return Truth::unknown;
    const Vocabulary& vocabulary = program_.vocabulary();
    const PurposeIndex asked = facts_.purpose_;
    const PurposeSet& set = node.mask == 0   ? vocabulary.ancestors(asked)
                            : node.mask == 1 ? vocabulary.descendants(asked)
                            : node.mask == 2 ? vocabulary.related(asked)
                                             : vocabulary.itself(asked);
    bool among = false;
    for (const std::uint32_t id : program_.ids(node)) among |= set.test(static_cast<PurposeIndex>(id));
    return truth(among != (node.negate != 0));
  }

  const std::int64_t* words(std::int64_t at) const noexcept {
    return reinterpret_cast<const std::int64_t*>(program_.hot() + header_.words) + at;
  }

  bool holds(Operand operand, std::uint32_t id) const noexcept {
    for (const Attribute& attribute : request_.attributes) {
      if (attribute.operand == operand && attribute.value == id) return true;
    }
    return false;
  }

  Truth set(const Program::Node& node) const noexcept {
    if (!known(node.operand)) return Truth::unknown;
    const auto list = program_.ids(node);
    if (single(node.operand) && node.op != Operator::is_all_of) {
      bool among = false;
      for (const std::uint32_t id : list) among |= given(node.operand) == id;
      return truth(among != (node.op == Operator::is_none_of));
    }
    const auto has = [&](std::uint32_t id) {
      return single(node.operand) ? given(node.operand) == id : holds(node.operand, id);
    };
    if (node.op == Operator::is_all_of) return truth(std::all_of(list.begin(), list.end(), has));
    return truth(std::any_of(list.begin(), list.end(), has) != (node.op == Operator::is_none_of));
  }

  Truth amount(const Program::Node& node) const noexcept {
    if (!known(node.operand)) return Truth::unknown;
    const std::int64_t* pair = words(node.a);
    for (const Attribute& attribute : request_.attributes) {
      if (attribute.operand != node.operand) continue;
      if (static_cast<std::int64_t>(attribute.unit) != pair[1]) return Truth::unknown;
      return truth((relation(attribute.value, pair[0]) & node.mask) != 0);
    }
    return Truth::unknown;
  }

  std::span<const std::array<std::int64_t, 2>> windows(const Program::Node& node) const noexcept {
    const auto packed = static_cast<std::uint64_t>(node.a);
    return {
        reinterpret_cast<const std::array<std::int64_t, 2>*>(words(static_cast<std::int64_t>(packed & 0xffffffffU))),
        static_cast<std::size_t>(packed >> 32U)};
  }

  Truth window(const Program::Node& node) const noexcept {
    if (!request_.now) return Truth::unknown;
    const auto list = windows(node);
    const std::int64_t now = micros(*request_.now);
    const auto after = std::upper_bound(list.begin(), list.end(), now,
                                        [](std::int64_t at, const auto& pair) { return at < pair[0]; });
    return truth((after != list.begin() && now < (*(after - 1))[1]) != (node.negate != 0));
  }
  bool too_early(const Program::Node& node) const noexcept {
    const auto list = windows(node);
    return node.negate == 0 && !list.empty() && request_.now && micros(*request_.now) < list.back()[0];
  }

  Truth calendar(const Program::Node& node) const noexcept {
    if (!known(Operand::elapsed_time)) return Truth::unknown;
    const std::int64_t* pair = words(node.a);
    const Timestamp end = add_period(*request_.agreed, pair[0], Duration(pair[1]));
    return truth((relation(micros(*request_.now), micros(end)) & node.mask) != 0);
  }

  Truth duty(const Program::Node& node) const noexcept {
    for (const Duty& duty : request_.duties) {
      if (static_cast<std::int64_t>(duty.name) != node.a) continue;
      if (program_.suite()) return truth(duty.state != DutyState::violated);
      if (duty.state == DutyState::fulfilled) return Truth::yes;
      if (duty.state == DutyState::remedied && node.skip > 1) return all(&node + 1, &node + node.skip);
      return Truth::no;
    }
    return program_.suite() ? Truth::yes : Truth::unknown;
  }

  Truth all(const Program::Node* at, const Program::Node* end) const noexcept {
    Truth least = Truth::yes;
    for (; at != end && least != Truth::no; at += at->skip) least = std::min(least, node(*at));
    return least;
  }
  Truth any(const Program::Node& parent) const noexcept {
    Truth most = Truth::no;
    const Program::Node* end = &parent + parent.skip;
    for (const auto* at = &parent + 1; at != end && most != Truth::yes; at += at->skip)
      most = std::max(most, node(*at));
    return most;
  }
  /// No early exit on the first yes: a second one makes it no.
  Truth one(const Program::Node& parent) const noexcept {
    std::size_t yes = 0;
    bool doubtful = false;
    const Program::Node* end = &parent + parent.skip;
    for (const auto* at = &parent + 1; at != end; at += at->skip) {
      const Truth value = node(*at);
      yes += value == Truth::yes ? 1U : 0U;
      doubtful = doubtful || value == Truth::unknown;
    }
    if (yes > 1) return Truth::no;
    if (doubtful) return Truth::unknown;
    return truth(yes == 1);
  }

  static bool within(Interned needed, std::span<const Interned> list) noexcept {
    return !list.empty() && std::find(list.begin(), list.end(), needed) != list.end();
  }

  static Truth party(Interned needed, Interned asked, std::span<const Interned> within) noexcept {
    if (needed == Interned::absent || needed == asked) return Truth::yes;
    if (asked == Interned::absent) return Truth::unknown;
    return truth(Evaluation::within(needed, within));
  }

  const Program& program_;
  const Facts& facts_;
  const Request& request_;
  const Program::Header& header_;
  const Program::Node* nodes_;
  std::uint32_t lane_ = facts_.lane_;   ///< of the facts, those that this program knows
  std::uint64_t known_ = facts_.known_;
};

}  // namespace sluis::policy
