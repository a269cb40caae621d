#include "policy/odrl/program.hpp"
#include "policy/odrl/values.hpp"

#include <algorithm>

/// What a program can say of itself, off the deciding path.
namespace sluis::policy {
namespace {

Timestamp time(std::int64_t micros) { return Timestamp(Duration(micros)); }

std::string_view order(std::uint8_t mask) {
  constexpr std::string_view words[] = {"", "lt", "eq", "lteq", "gt", "neq", "gteq", ""};
  return words[mask & 7U];
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

std::string Program::rule_pointer(std::size_t rule) const {
  return rule < header().rules ? pointer(rule, rules()[rule].first) : std::string();
}

std::string Program::condition_pointer(std::size_t node) const {
  for (std::size_t r = 0; r < header().rules; ++r) {
    if (node < rules()[r].end) return pointer(r, node + 1);
  }
  return {};
}

/// From the rule's own, over those of its nodes before `end`.
std::string Program::pointer(std::size_t rule, std::size_t end) const {
  const Header& head = header();
  const auto* rule_places = reinterpret_cast<const RulePlace*>(rules().data() + head.rules);
  const auto* node_places = reinterpret_cast<const NodePlace*>(rule_places + head.rules);
  const char* at = reinterpret_cast<const char*>(node_places + head.nodes) + rule_places[rule].offset;
  std::string made(at, rule_places[rule].size);
  at += rule_places[rule].size;
  for (std::size_t n = rules()[rule].first; n < end; ++n) {
    made.resize(node_places[n].shared);
    made.append(at, node_places[n].size);
    at += node_places[n].size;
  }
  return made;
}

std::string_view Program::condition_operand(std::size_t node) const {
  const Node& one = nodes()[node];
  switch (one.test) {
    case Test::duty: return "duty";
    case Test::all: return to_string(Logic::all);
    case Test::any: return to_string(Logic::any);
    case Test::one: return to_string(Logic::one);
    default: return to_string(one.operand);
  }
}

std::string Program::condition_needed(std::size_t node) const {
  const Node& one = nodes()[node];
  const auto* words = reinterpret_cast<const std::int64_t*>(hot() + header().words);
  const auto bits = static_cast<std::uint64_t>(one.a);
  const auto first = static_cast<std::size_t>(bits & 0xffffffffU);
  const auto count = static_cast<std::size_t>(bits >> 32U);
  const auto name = [&](std::uint32_t id) {
    return one.operand == Operand::purpose ? vocabulary().term(static_cast<PurposeIndex>(id)).iri
                                           : names().text(static_cast<Interned>(id));
  };
  const auto list = [&] {
    std::string names;
    for (const std::uint32_t id : ids(one)) names += (names.empty() ? "" : ", ") + name(id);
    return names;
  };
  const std::string op(to_string(one.op));
  switch (one.test) {
    case Test::compare:
      if (kind(one.operand) == Kind::instant) return std::string(order(one.mask)) + " " + format_time(time(one.a));
      if (kind(one.operand) == Kind::elapsed || kind(one.operand) == Kind::metered) {
        return op + " " + format_duration(Duration(one.a));
      }
      if (kind(one.operand) == Kind::count) return op + " " + std::to_string(one.a);
      return op + " " + name(static_cast<std::uint32_t>(one.a));
    case Test::related:
    case Test::set:
    case Test::never: return op + " " + list();
    case Test::amount: {
      const std::string unit = names().text(static_cast<Interned>(words[one.a + 1]));
      return op + " " + format_decimal(words[one.a]) + (unit.empty() ? "" : " " + unit);
    }
    case Test::window: {
      constexpr std::size_t kShown = 3;
      std::string text = one.negate != 0 ? "outside" : "within";
      for (std::size_t i = 0; i < std::min(count, kShown); ++i) {
        const std::int64_t* pair = words + first + 2 * i;
        const bool open = pair[0] == std::numeric_limits<std::int64_t>::min();
        const bool endless = pair[1] == std::numeric_limits<std::int64_t>::max();
        text += (i == 0 ? " " : ", ") + (open ? "any time" : format_time(time(pair[0]))) + " to " +
                (endless ? "any time" : format_time(time(pair[1])));
      }
      return count > kShown ? text + ", and " + std::to_string(count - kShown) + " more" : text;
    }
    case Test::calendar: return op + " " + format_period(words[one.a], Duration(words[one.a + 1]));
    case Test::duty: return "fulfilled " + names().text(static_cast<Interned>(one.a));
    case Test::all: return "each condition";
    case Test::any: return "one of the alternatives";
    case Test::one: return "exactly one of the alternatives";
  }
  return {};
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
