#include "policy/odrl/program.hpp"

#include "connector/base/limits.hpp"
#include "policy/odrl/values.hpp"

#include <algorithm>

namespace sluis::policy {
namespace {

constexpr std::int64_t kSkew = std::chrono::duration_cast<Duration>(limits::kSkew).count();

std::int64_t micros(Timestamp time) noexcept { return time.time_since_epoch().count(); }
Truth truth(bool value) noexcept { return value ? Truth::yes : Truth::no; }
std::uint8_t relation(std::int64_t x, std::int64_t a) noexcept {
  return static_cast<std::uint8_t>(1U << ((x >= a) + (x > a)));
}

}  // namespace

std::string_view to_string(Truth truth) { return truth == Truth::yes ? "yes" : truth == Truth::no ? "no" : "unknown"; }

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
    case ReasonCode::target: return "target";
    case ReasonCode::assignee: return "assignee";
    case ReasonCode::count: return "count";
    case ReasonCode::value: return "value";
    case ReasonCode::duty: return "duty";
    case ReasonCode::alternatives: return "alternatives";
  }
  return "indeterminate";
}

/// One request against one program. The values of operands that have exactly one lie in a table by operand, so that most
/// conditions are one comparison without a branch.
class Evaluation {
 public:
  Evaluation(const Program& program, const Request& request) noexcept
      : program_(program), request_(request), header_(program.header()), nodes_(program.nodes().data()) {
    const Vocabulary& vocabulary = *program.context_->vocabulary;
    if (request.purpose && *request.purpose < vocabulary.size()) {
      put(Operand::purpose, *request.purpose);
      related_[0] = &vocabulary.ancestors(*request.purpose);
      related_[1] = &vocabulary.descendants(*request.purpose);
      related_[2] = &vocabulary.related(*request.purpose);
      related_[3] = &vocabulary.itself(*request.purpose);
    }
    if (request.recipient != Interned::absent) put(Operand::recipient, static_cast<std::int64_t>(request.recipient));
    if (request.class_of_recipient != Interned::absent) {
      put(Operand::class_of_recipient, static_cast<std::int64_t>(request.class_of_recipient));
    }
    if (request.now) {
      put(Operand::date_time, micros(*request.now));
      // Agreed in the future: no anchor.
      if (request.agreed && micros(*request.now) - micros(*request.agreed) >= -kSkew) {
        put(Operand::elapsed_time, micros(*request.now) - micros(*request.agreed));
      }
    }
    for (const Attribute& attribute : request.attributes) put(attribute);
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
  Truth conditions(const Program::Rule& rule, std::uint16_t& failing) const noexcept {
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

  Truth target(const Program::Rule& rule) const noexcept { return party(rule.target, request_.target, request_.target_in); }
  Truth assignee(const Program::Rule& rule) const noexcept {
    return party(rule.assignee, request_.assignee, request_.assignee_in);
  }
  /// Whether the rule's own key already makes it false.
  bool falls(const Program::Rule& rule) const noexcept {
    const PurposeSet* set = related_[rule.key_set];
    if (!rule.keyed || set == nullptr) return false;
    const bool among = set->test(rule.key[0]) | set->test(rule.key[1]) | set->test(rule.key[2]) | set->test(rule.key[3]);
    return among == rule.key_negate;
  }

  bool action(const Program::Rule& rule) const noexcept {
    return rule.action == request_.action || included(request_.action, rule.action);
  }

  /// Whom and what the rule is about: action, target, assignee.
  Truth subject(const Program::Rule& rule) const noexcept {
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
        return values_[index(Operand::date_time)] < failing.a ? ReasonCode::time_not_yet : ReasonCode::time_over;
      case Operand::elapsed_time: return ReasonCode::elapsed;
      case Operand::count: return ReasonCode::count;
      default: return ReasonCode::value;
    }
  }

 private:
  static constexpr std::size_t index(Operand operand) noexcept { return static_cast<std::size_t>(operand); }
  bool known(Operand operand) const noexcept { return ((known_ >> index(operand)) & 1U) != 0; }
  bool single(Operand operand) const noexcept { return ((single_ >> index(operand)) & 1U) != 0; }

  void put(Operand operand, std::int64_t value) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << index(operand);
    known_ |= bit;
    single_ |= bit;
    values_[index(operand)] = value;
  }

  void put(const Attribute& attribute) noexcept {
    const Operand operand = attribute.operand;
    const bool names = kind(operand) == Kind::names;
    if (names && attribute.value == 0) {  // known to be none
      known_ |= std::uint64_t{1} << index(operand);
      return;
    }
    if (kind(operand) == Kind::count) return put(operand, attribute.value + 1);
    if (kind(operand) == Kind::purpose) return;  // stands in its own field
    if (!known(operand)) return put(operand, attribute.value);
    if (names) {
      single_ &= ~(std::uint64_t{1} << index(operand));  // several: a set
    } else {
      known_ &= ~(std::uint64_t{1} << index(operand));  // two numbers for one thing: neither counts
      single_ &= ~(std::uint64_t{1} << index(operand));
    }
  }

  Truth compare(const Program::Node& node) const noexcept {
    if (single(node.operand)) return truth((relation(values_[index(node.operand)], node.a) & node.mask) != 0);
    if (!known(node.operand) || kind(node.operand) != Kind::names) return Truth::unknown;
    // A set of none or of several is not the one name of `eq`.
    return truth(node.op == Operator::neq);
  }

  Truth related(const Program::Node& node) const noexcept {
    if (related_[0] == nullptr) return Truth::unknown;
    const PurposeSet& set = *related_[node.mask];
    if (node.list == 0) return truth(set.test(static_cast<PurposeIndex>(node.a)) != (node.negate != 0));
    for (const std::uint32_t id : ids(node)) {
      if (set.test(static_cast<PurposeIndex>(id))) return truth(node.negate == 0);
    }
    return truth(node.negate != 0);
  }

  std::span<const std::uint32_t> ids(const Program::Node& node) const noexcept {
    const auto packed = static_cast<std::uint64_t>(node.a);
    return {reinterpret_cast<const std::uint32_t*>(program_.hot_.data() + header_.ids) + (packed & 0xffffffffU),
            static_cast<std::size_t>(packed >> 32U)};
  }
  const std::int64_t* words(std::int64_t at) const noexcept {
    return reinterpret_cast<const std::int64_t*>(program_.hot_.data() + header_.words) + at;
  }

  bool holds(Operand operand, std::uint32_t id) const noexcept {
    if (single(operand)) return values_[index(operand)] == id;
    for (const Attribute& attribute : request_.attributes) {
      if (attribute.operand == operand && attribute.value == id) return true;
    }
    return false;
  }

  Truth set(const Program::Node& node) const noexcept {
    if (!known(node.operand)) return Truth::unknown;
    const auto list = ids(node);
    const auto held = [&](std::uint32_t id) { return holds(node.operand, id); };
    if (node.op == Operator::is_all_of) return truth(std::all_of(list.begin(), list.end(), held));
    return truth(std::any_of(list.begin(), list.end(), held) != (node.op == Operator::is_none_of));
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
    return {reinterpret_cast<const std::array<std::int64_t, 2>*>(words(static_cast<std::int64_t>(packed & 0xffffffffU))),
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
    for (const auto* at = &parent + 1; at != end && most != Truth::yes; at += at->skip) most = std::max(most, node(*at));
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

  static Truth party(Interned needed, Interned asked, std::span<const Interned> within) noexcept {
    if (needed == Interned::absent || needed == asked) return Truth::yes;
    if (asked == Interned::absent) return Truth::unknown;
    return truth(std::find(within.begin(), within.end(), needed) != within.end());
  }

  const Program& program_;
  const Request& request_;
  const Program::Header& header_;
  const Program::Node* nodes_;
  std::uint64_t known_ = 0;
  std::uint64_t single_ = 0;
  const PurposeSet* related_[4] = {nullptr, nullptr, nullptr, nullptr};
  std::int64_t values_[kOperands];
};

std::span<const Program::Rule> Program::rules() const noexcept {
  return {reinterpret_cast<const Rule*>(hot_.data() + sizeof(Header) / 8), header().rules};
}
std::span<const Program::Node> Program::nodes() const noexcept {
  return {reinterpret_cast<const Node*>(hot_.data() + sizeof(Header) / 8 + header().rules * (sizeof(Rule) / 8)), header().nodes};
}
bool Program::suite() const noexcept { return (header().flags & kSuite) != 0; }

Truth Program::value(std::size_t rule, const Request& request) const noexcept {
  const Evaluation evaluation(*this, request);
  std::uint16_t failing = 0;
  const Rule& one = rules()[rule];
  return std::min(evaluation.subject(one), evaluation.conditions(one, failing));
}

Program::Subject Program::subject(std::size_t rule, const Request& request) const noexcept {
  const Evaluation evaluation(*this, request);
  const Rule& one = rules()[rule];
  return {truth(evaluation.action(one)), evaluation.target(one), evaluation.assignee(one)};
}

Truth Program::value_of_condition(std::size_t node, const Request& request) const noexcept {
  return Evaluation(*this, request).node(nodes()[node]);
}

Timestamp Program::next_change(const Request& request) const noexcept {
  Timestamp next = Timestamp::max();
  if (!request.now) return next;
  const Header& head = header();
  const auto* changes = reinterpret_cast<const std::int64_t*>(hot_.data() + head.changes);
  const std::int64_t now = micros(*request.now);
  const auto* instant = std::upper_bound(changes, changes + head.instants, now);
  if (instant != changes + head.instants) next = Timestamp(Duration(*instant));
  if (!request.agreed) return next;
  for (std::size_t i = 0; i < head.offsets; ++i) {  // months, rest
    const std::int64_t* pair = changes + head.instants + 2 * i;
    const Timestamp at = add_period(*request.agreed, pair[0], Duration(pair[1]));
    if (micros(at) > now) next = std::min(next, at);
  }
  return next;
}

Decision Program::decide(const Request& request) const noexcept {
  const Evaluation evaluation(*this, request);
  const bool permission_wins = (header().flags & kPermissionWins) != 0;
  Decision denied;
  Decision closest;
  int closest_depth = -1;
  bool blocked = false;
  const auto all_rules = rules();
  const auto first_permission = static_cast<std::uint16_t>(header().prohibitions);
  for (std::uint16_t r = 0; r < first_permission; ++r) {
    const Rule& rule = all_rules[r];
    if (evaluation.falls(rule) || !evaluation.action(rule)) continue;
    const Truth subject = std::min(evaluation.target(rule), evaluation.assignee(rule));
    if (subject == Truth::no) continue;
    std::uint16_t failing = Decision::kNone;
    const Truth value = std::min(subject, evaluation.conditions(rule, failing));
    if (value == Truth::no) continue;
    const bool active = value == Truth::yes;
    if (!active && blocked) continue;
    denied.rule = r;
    denied.reason = active ? ReasonCode::prohibited : ReasonCode::indeterminate;
    denied.constraint = active ? (rule.end != rule.first ? rule.first : Decision::kNone) : failing;
    blocked = true;
    if (active) break;
  }
  if (blocked && !permission_wins) return denied;
  for (std::uint16_t r = first_permission; r < all_rules.size(); ++r) {
    const Rule& rule = all_rules[r];
    if (!evaluation.action(rule)) continue;
    if (evaluation.falls(rule)) {
      if (closest_depth >= 1) continue;
      closest_depth = 1;
      closest.rule = r;
      closest.constraint = rule.first;
      closest.reason = ReasonCode::purpose;
      continue;
    }
    const Truth target = evaluation.target(rule);
    const Truth assignee = evaluation.assignee(rule);
    std::uint16_t failing = Decision::kNone;
    const Truth subject = std::min(target, assignee);
    const Truth value = subject == Truth::yes ? evaluation.conditions(rule, failing) : subject;
    if (value == Truth::yes) {
      Decision permitted;
      permitted.valid_until = next_change(request);
      permitted.permit = true;
      permitted.reason = ReasonCode::permitted;
      permitted.reserve = rule.counts != 0;
      permitted.rule = r;
      permitted.constraint = Decision::kNone;
      return permitted;
    }
    // Of the permissions that fail, the one that got furthest is the one to explain.
    const int depth = subject == Truth::yes ? failing - rule.first + 1 : 0;
    if (depth <= closest_depth) continue;
    closest_depth = depth;
    closest.rule = r;
    closest.constraint = failing;
    if (subject == Truth::yes) closest.reason = evaluation.reason(nodes()[failing]);
    else if (subject == Truth::unknown) closest.reason = ReasonCode::indeterminate;
    else closest.reason = target == Truth::no ? ReasonCode::target : ReasonCode::assignee;
  }
  return blocked ? denied : closest;
}

Truth Program::permission_possible(const Request& request) const noexcept {
  const Evaluation evaluation(*this, request);
  const bool permission_wins = (header().flags & kPermissionWins) != 0;
  Truth most = Truth::yes;  // what the prohibitions leave
  Truth best = Truth::no;
  for (const Rule& rule : rules()) {
    std::uint16_t failing = 0;
    const Truth value = std::min(evaluation.subject(rule), evaluation.conditions(rule, failing));
    if (!rule.prohibition) best = std::max(best, value);
    else if (value != Truth::no) most = std::min(most, value == Truth::yes ? Truth::no : Truth::unknown);
  }
  return permission_wins ? best : std::min(most, best);
}

Interned Program::class_of_recipient(std::string_view name) const { return this->name(short_class(name)); }

std::string Program::program_hash_input(const Hash& offer_hash, const Hash& vocabulary_hash) {
  std::string bytes(view(offer_hash));
  put_sized(bytes, kProfile);
  bytes += view(vocabulary_hash);
  return bytes;
}

std::optional<Duration> retention(const Policy& policy) {
  std::optional<Duration> shortest;
  for (const sluis::policy::Rule& rule : policy.obligations) {
    if (rule.action != Action::delete_after) continue;
    for (const Constraint& constraint : rule.constraints) {
      if (!shortest || constraint.duration < *shortest) shortest = constraint.duration;
    }
  }
  return shortest;
}

std::vector<Transform> transforms(const Policy& policy) {
  std::vector<Transform> list;
  for (const sluis::policy::Rule& rule : policy.obligations) {
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
  // A permission that says nothing of the purpose is open to any, also to those outside the vocabulary.
  for (std::size_t r = 0; r < program.rules().size(); ++r) {
    const Program::Rule& rule = program.rules()[r];
    if (rule.prohibition) continue;
    bool bound = false;
    for (std::uint16_t i = rule.first; i < rule.end; i = static_cast<std::uint16_t>(i + program.nodes()[i].skip)) {
      const Program::Node& node = program.nodes()[i];
      const bool logical = node.test >= Program::Test::duty && node.test <= Program::Test::one;
      bound = bound || (!logical && node.operand == Operand::purpose);
    }
    if (!bound) return std::nullopt;
  }
  PurposeSet open;
  for (std::size_t i = 0; i < program.vocabulary().size(); ++i) {
    const auto index = static_cast<PurposeIndex>(i);
    if (purpose_satisfies(program, index)) open.set(index);
  }
  if (open.count() != 1) return std::nullopt;
  return open.first();
}

bool purpose_satisfies(const Program& program, PurposeIndex purpose) {
  if (purpose >= program.vocabulary().size()) return false;
  Request request;
  request.purpose = purpose;
  return program.permission_possible(request) != Truth::no;
}

}  // namespace sluis::policy
