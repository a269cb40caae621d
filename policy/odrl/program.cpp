#include "policy/odrl/program.hpp"

#include "connector/base/limits.hpp"
#include "policy/odrl/values.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sluis::policy {
namespace {

constexpr std::int64_t kSkew = std::chrono::duration_cast<Duration>(limits::kSkew).count();

std::int64_t micros(Timestamp time) noexcept { return time.time_since_epoch().count(); }
Truth truth(bool value) noexcept { return value ? Truth::yes : Truth::no; }
std::uint8_t relation(std::int64_t x, std::int64_t a) noexcept {
  return static_cast<std::uint8_t>(1U << ((x >= a) + (x > a)));
}

}  // namespace

/// One request against one program.
class Evaluation {
 public:
  Evaluation(const Program& program, const Request& request) noexcept
      : program_(program), request_(request), header_(program.header()), nodes_(program.nodes().data()) {
    using Bit = Program::Lane::Bit;
    if (request.purpose && *request.purpose < header_.purposes) lane_ |= Bit::purpose;
    lane_ |= static_cast<std::uint32_t>(request.target != Interned::absent) * Bit::target;
    lane_ |= static_cast<std::uint32_t>(request.assignee != Interned::absent) * Bit::assignee;
    lane_ |= static_cast<std::uint32_t>(request.recipient != Interned::absent) * Bit::recipient;
    lane_ |= static_cast<std::uint32_t>(request.class_of_recipient != Interned::absent) * Bit::kind;
    if (request.now) {
      now_ = micros(*request.now);
      lane_ |= Bit::window;
      // Agreed in the future: no anchor.
      if (request.agreed && now_ - micros(*request.agreed) >= -kSkew) {
        elapsed_ = now_ - micros(*request.agreed);
        lane_ |= Bit::elapsed;
      }
    }
    actions_ = &included_in(request.action);
    give(Operand::purpose, (lane_ & Bit::purpose) != 0, request.purpose.value_or(0));
    give(Operand::recipient, (lane_ & Bit::recipient) != 0, static_cast<std::int64_t>(request.recipient));
    give(Operand::class_of_recipient, (lane_ & Bit::kind) != 0, static_cast<std::int64_t>(request.class_of_recipient));
    give(Operand::date_time, (lane_ & Bit::window) != 0, now_);
    give(Operand::elapsed_time, (lane_ & Bit::elapsed) != 0, elapsed_);
    // What stands in the request itself is not taken from its attributes.
    const std::uint64_t own = known_ | bit_of(Operand::purpose) | bit_of(Operand::date_time) | bit_of(Operand::elapsed_time);
    for (const Attribute& attribute : request.attributes) {
      sets_ |= attribute.operand == Operand::recipient || attribute.operand == Operand::class_of_recipient;
      if ((own & bit_of(attribute.operand)) == 0) take(attribute);
    }
  }

  /// Of the rules [64 · chunk, …) those that the purpose leaves open, as bits: all, where it is not known.
  std::uint64_t open(std::size_t chunk) const noexcept {
    return (lane_ & Program::Lane::purpose) != 0 ? program_.open_to(*request_.purpose, chunk) : ~std::uint64_t{0};
  }
  bool is_open(std::size_t rule) const noexcept { return ((open(rule / 64) >> (rule % 64)) & 1U) != 0; }

  /// Calls `visit` with each open rule of [begin, end) in their order, until it says true; whether it did.
  template <class Visit>
  bool any_open(std::size_t begin, std::size_t end, Visit visit) const noexcept {
    for (std::size_t chunk = begin / 64; chunk * 64 < end; ++chunk) {
      std::uint64_t bits = open(chunk);
      if (begin > chunk * 64) bits &= ~std::uint64_t{0} << (begin % 64);
      if (end < chunk * 64 + 64) bits &= (std::uint64_t{1} << (end % 64)) - 1;
      for (; bits != 0; bits &= bits - 1) {
        if (visit(chunk * 64 + static_cast<std::size_t>(std::countr_zero(bits)))) return true;
      }
    }
    return false;
  }

  /// The conditions of an open rule's lane that hold, as bits; one that asks for what is not known may be either. Without a
  /// branch that depends on lane or request.
  std::uint32_t holding(const Program::Lane& lane) const noexcept {
    using Bit = Program::Lane::Bit;
    const auto bit = [](bool holds, Bit which) { return static_cast<std::uint32_t>(holds) * which; };
    std::uint32_t good = Bit::purpose;
    good |= bit(lane.target_id == request_.target || within(lane.target_id, request_.target_in), Bit::target);
    good |= bit(lane.assignee_id == request_.assignee || within(lane.assignee_id, request_.assignee_in), Bit::assignee);
    const Interned kind = request_.class_of_recipient;
    good |= bit((lane.kinds[0] == kind) | (lane.kinds[1] == kind) | (lane.kinds[2] == kind), Bit::kind);
    const Interned recipient = request_.recipient;
    good |= bit((lane.recipients[0] == recipient) | (lane.recipients[1] == recipient), Bit::recipient);
    good |= bit((now_ >= lane.from) & (now_ < lane.to), Bit::window);
    good |= bit(elapsed_ < lane.elapsed_to, Bit::elapsed);
    return good;
  }

  /// What the lane makes of an open rule.
  Truth lane(const Program::Lane& lane) const noexcept {
    if (sets_) return by_conditions(lane);
    const std::uint32_t needed = lane.bits & Program::Lane::kConditions;
    const bool no = ((needed & lane_ & ~holding(lane)) != 0) | !actions_->test(lane.action);
    return no ? Truth::no : (needed & ~lane_) != 0 ? Truth::unknown : Truth::yes;
  }

  /// How far a permission gets, to find the one to explain: 0 another action, 1 another subject, 2 another purpose, 3.
  int reach(const Program::Lane& lane, bool open) const noexcept {
    // Of sets of names a lane knows nothing: they count as met.
    using Bit = Program::Lane::Bit;
    if (!actions_->test(lane.action)) return 0;
    const std::uint32_t missing = lane.bits & ~(holding(lane) & lane_);
    if ((missing & (Bit::target | Bit::assignee)) != 0) return 1;
    return !open || (missing & Bit::purpose) != 0 ? 2 : 3;
  }

  /// They stand right behind it, where the memory is near.
  Truth rest(const Program::Lane& lane) const noexcept {
    const auto* begin = reinterpret_cast<const Program::Node*>(&lane + 1);
    return all(begin, begin + (lane.end - lane.rest));
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

  /// Kleene's "and" over nodes beside one another. `failing`: the first that is false, else the first unknown one.
  Truth conditions(const Program::Lane& rule, std::uint16_t& failing) const noexcept {
    Truth least = Truth::yes;
    failing = Decision::kNone;
    for (std::uint16_t i = rule.first; i < rule.end; i = static_cast<std::uint16_t>(i + nodes_[i].skip)) {
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
    return party(rule.target_id, request_.target, request_.target_in);
  }
  Truth assignee(const Program::Lane& rule) const noexcept {
    return party(rule.assignee_id, request_.assignee, request_.assignee_in);
  }
  bool action(const Program::Lane& rule) const noexcept { return actions_->test(rule.action); }

  /// Whom and what the rule is about: action, target, assignee.
  Truth subject(const Program::Lane& rule) const noexcept {
    if (!action(rule)) return Truth::no;
    return std::min(target(rule), assignee(rule));
  }

  ReasonCode reason(const Program::Node& failing) const noexcept {
    if (node(failing) == Truth::unknown) return ReasonCode::indeterminate;
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
        return now_ < failing.a ? ReasonCode::time_not_yet : ReasonCode::time_over;
      case Operand::elapsed_time: return ReasonCode::elapsed;
      case Operand::count: return ReasonCode::count;
      default: return ReasonCode::value;
    }
  }

 private:
  /// What the request gives for an operand: nothing, one value, or a set of none or several names.
  static constexpr std::uint64_t bit_of(Operand operand) noexcept { return std::uint64_t{1} << static_cast<unsigned>(operand); }
  static_assert(kOperands <= 64);
  bool known(Operand operand) const noexcept { return (known_ & bit_of(operand)) != 0; }
  bool single(Operand operand) const noexcept { return (single_ & bit_of(operand)) != 0; }
  std::int64_t given(Operand operand) const noexcept { return values_[static_cast<std::size_t>(operand)]; }

  void give(Operand operand, bool is, std::int64_t value) noexcept {
    known_ |= is ? bit_of(operand) : 0;
    single_ |= is ? bit_of(operand) : 0;
    values_[static_cast<std::size_t>(operand)] = value;
  }

  void take(const Attribute& attribute) noexcept {
    const Operand operand = attribute.operand;
    const bool names = kind(operand) == Kind::names;
    const std::uint64_t bit = bit_of(operand);
    if ((seen_ & bit) == 0) {
      seen_ |= bit;
      known_ |= bit;
      if (!names || attribute.value != 0) single_ |= bit;
      values_[static_cast<std::size_t>(operand)] = attribute.value + (operand == Operand::count ? 1 : 0);
      return;
    }
    if (names && single(operand) && attribute.value == given(operand)) return;  // said twice: a set has it once
    single_ &= ~bit;
    if (!names) known_ &= ~bit;  // two numbers for one thing: neither counts
  }

  Truth compare(const Program::Node& node) const noexcept {
    if (single(node.operand)) return truth((relation(given(node.operand), node.a) & node.mask) != 0);
    if (!known(node.operand)) return Truth::unknown;
    // A set of none or of several is not the one name of `eq`.
    return truth(node.op == Operator::neq);
  }

  Truth related(const Program::Node& node) const noexcept {
    if (!known(Operand::purpose)) return Truth::unknown;
    const Vocabulary& vocabulary = program_.vocabulary();
    const PurposeIndex asked = *request_.purpose;
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

  /// The lane's conditions one by one: where a recipient or class is a set.
  Truth by_conditions(const Program::Lane& lane) const noexcept {
    return std::min(subject(lane), all(nodes_ + lane.first, nodes_ + lane.rest));
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
  const Request& request_;
  const Program::Header& header_;
  const Program::Node* nodes_;
  bool sets_ = false;       ///< recipient or class stand among the attributes, as sets
  std::uint64_t known_ = 0, single_ = 0, seen_ = 0;  ///< operands, as bits
  std::int64_t values_[kOperands];                   ///< of those that have a bit
  std::uint32_t lane_ = 0;  ///< what a lane may ask that is known
  std::int64_t now_ = 0;
  std::int64_t elapsed_ = 0;
  const IncludedIn* actions_;
};

std::span<const Program::Rule> Program::rules() const noexcept {
  return {reinterpret_cast<const Rule*>(header().image->cold.data()), header().rules};
}
std::span<const Program::Node> Program::nodes() const noexcept {
  return {reinterpret_cast<const Node*>(hot() + header().begin), header().nodes};
}
const Program::Lane& Program::lane(std::size_t rule) const noexcept {
  const Header& head = header();
  std::size_t line = head.lanes[rule % Header::kNear];
  if ((head.flags & kFarLanes) != 0) [[unlikely]] {
    const std::size_t at = head.lanes[0] | (std::size_t{head.lanes[1]} << 16U);
    line = reinterpret_cast<const std::uint32_t*>(hot() + at)[rule];
  }
  return *(reinterpret_cast<const Lane*>(header_.get()) + line);
}
const Vocabulary& Program::vocabulary() const noexcept { return *header().image->context->vocabulary; }
const Names& Program::names() const noexcept { return *header().image->context->names; }
std::size_t Program::bytes() const noexcept {
  const Image& image = *header().image;
  return (image.hot.size() + image.cold.size()) * sizeof(std::uint64_t) + sizeof(Image) + sizeof(*this);
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
  const Evaluation evaluation(*this, request);
  std::uint16_t failing = 0;
  const Lane& one = lane(rule);
  return std::min(evaluation.subject(one), evaluation.conditions(one, failing));
}

Program::Subject Program::subject(std::size_t rule, const Request& request) const noexcept {
  const Evaluation evaluation(*this, request);
  const Lane& one = lane(rule);
  return {truth(evaluation.action(one)), evaluation.target(one), evaluation.assignee(one)};
}

Truth Program::value_of_condition(std::size_t node, const Request& request) const noexcept {
  return Evaluation(*this, request).node(nodes()[node]);
}

Timestamp Program::next_change(const Request& request) const noexcept {
  Timestamp next = Timestamp::max();
  if (!request.now) return next;
  const Header& head = header();
  const auto* changes = reinterpret_cast<const std::int64_t*>(hot() + head.changes);
  const std::int64_t now = micros(*request.now);
  std::size_t past = 0;  // counted: a search would guess wrong as often as right
  for (std::size_t i = 0; i < head.instants; ++i) past += changes[i] <= now ? 1 : 0;
  if (past != head.instants) next = Timestamp(Duration(changes[past]));
  if (!request.agreed) return next;
  for (std::size_t i = 0; i < head.offsets; ++i) {  // months, rest
    const std::int64_t* pair = changes + head.instants + 2 * i;
    const Timestamp at = pair[0] == 0 ? *request.agreed + Duration(pair[1])
                                      : add_period(*request.agreed, pair[0], Duration(pair[1]));
    if (micros(at) > now) next = std::min(next, at);
  }
  return next;
}

Decision Program::decide(const Request& request) const noexcept {
  // What is needed soon and is known already comes together, not one after another: the purpose's entry of a table with a byte
  // each, and what may end a permit.
  const Header& head = header();
  __builtin_prefetch(reinterpret_cast<const char*>(&head + 1) + request.purpose.value_or(0));
  __builtin_prefetch(hot() + head.changes);
  __builtin_prefetch(hot() + head.changes + 8);
  const Evaluation evaluation(*this, request);
  const bool blocked = evaluation.any_open(0, head.prohibitions, [&](std::size_t r) {
    const Lane& rule = lane(r);
    return evaluation.lane(rule) != Truth::no && evaluation.rest(rule) != Truth::no;
  });
  Decision permitted;
  if ((!blocked || (head.flags & kPermissionWins) != 0) &&
      evaluation.any_open(head.prohibitions, head.rules, [&](std::size_t r) {
        permitted.rule = static_cast<std::uint16_t>(r);
        const Lane& rule = lane(r);
        __builtin_prefetch(&rule + 1);
        return evaluation.lane(rule) == Truth::yes && evaluation.rest(rule) == Truth::yes;
      })) {
    permitted.permit = true;
    permitted.reason = ReasonCode::permitted;
    permitted.reserve = (lane(permitted.rule).bits & Lane::counts) != 0;
    permitted.valid_until = next_change(request);
    return permitted;
  }
  return explain_denial(evaluation);
}

/// Names the rule that denies: a prohibition that is true, else one that is not known; or of the permissions the first
/// that gets furthest.
Decision Program::explain_denial(const Evaluation& evaluation) const noexcept {
  Decision denied;
  const Header& head = header();
  evaluation.any_open(0, head.prohibitions, [&](std::size_t r) {
    const Lane& rule = lane(r);
    if (evaluation.lane(rule) == Truth::no) return false;
    std::uint16_t failing = Decision::kNone;
    const Truth value = std::min(evaluation.subject(rule), evaluation.conditions(rule, failing));
    if (value == Truth::no || (value == Truth::unknown && denied.rule != Decision::kNone)) return false;
    const bool active = value == Truth::yes;
    denied.rule = static_cast<std::uint16_t>(r);
    denied.reason = active ? ReasonCode::prohibited : ReasonCode::indeterminate;
    denied.constraint = active ? (rule.end != rule.first ? rule.first : Decision::kNone) : failing;
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
    evaluation.conditions(rule, denied.constraint);
    denied.reason = evaluation.reason(nodes()[denied.constraint]);
  }
  return denied;
}

Truth Program::permission_possible(const Request& request) const noexcept {
  const Evaluation evaluation(*this, request);
  const bool permission_wins = (header().flags & kPermissionWins) != 0;
  Truth most = Truth::yes;  // what the prohibitions leave
  Truth best = Truth::no;
  for (std::size_t r = 0; r < header().rules; ++r) {
    const Lane& rule = lane(r);
    std::uint16_t failing = 0;
    const Truth value = std::min(evaluation.subject(rule), evaluation.conditions(rule, failing));
    if (r >= header().prohibitions) best = std::max(best, value);
    else if (value != Truth::no) most = std::min(most, value == Truth::yes ? Truth::no : Truth::unknown);
  }
  return permission_wins ? best : std::min(most, best);
}

}  // namespace sluis::policy
