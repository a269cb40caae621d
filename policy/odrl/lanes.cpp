#include "policy/odrl/lanes.hpp"

#include "policy/odrl/intervals.hpp"

#include <algorithm>

namespace sluis::policy {
namespace {

bool names_one_of(const Constraint& one) { return one.op == Operator::eq || one.op == Operator::is_any_of; }

template <std::size_t N>
void meet(const std::vector<const Constraint*>& all, Operand operand, Names& known, std::array<Interned, N>& names, std::uint8_t bit,
          Program::Lane& lane) {
  std::optional<std::vector<Interned>> left;
  for (const Constraint* one : all) {
    if (one->logic != Logic::atom || one->operand != operand || !names_one_of(*one)) continue;
    std::vector<Interned> given;
    for (const std::string& value : one->values) {
      const Interned name = known.add(value);
      if (!left || std::find(left->begin(), left->end(), name) != left->end()) given.push_back(name);
    }
    left = std::move(given);
  }
  if (!left || left->empty() || left->size() > N) return;
  for (std::size_t i = 0; i < N; ++i) names[i] = (*left)[std::min(i, left->size() - 1)];
  lane.bits |= bit;
}

}  // namespace

Program::Lane make_lane(const Program::Rule& rule) {
  Program::Lane lane{};
  lane.from = kLeast;
  lane.to = lane.elapsed_to = kMost;
  lane.target_id = rule.target;
  lane.assignee_id = rule.assignee;
  lane.action = rule.action;
  if (rule.target != Interned::absent) lane.bits |= Program::Lane::target;
  if (rule.assignee != Interned::absent) lane.bits |= Program::Lane::assignee;
  return lane;
}

void meet_names(const std::vector<const Constraint*>& all, Names& names, Program::Lane& lane) {
  meet(all, Operand::class_of_recipient, names, lane.kinds, Program::Lane::kind, lane);
  meet(all, Operand::recipient, names, lane.recipients, Program::Lane::recipient, lane);
}

bool take_into(Program::Lane& lane, const Constraint& one) {
  using Lane = Program::Lane;
  if (one.logic != Logic::atom) return false;
  switch (one.operand) {
    case Operand::class_of_recipient: return names_one_of(one) && (lane.bits & Lane::kind) != 0;
    case Operand::recipient: return names_one_of(one) && (lane.bits & Lane::recipient) != 0;
    case Operand::date_time: {
      if (one.op == Operator::eq || one.op == Operator::neq) return false;
      const Interval window = instants(one).front();
      lane.from = std::max(lane.from, window[0]);
      lane.to = std::min(lane.to, window[1]);
      lane.bits |= Lane::window;
      return true;
    }
    case Operand::elapsed_time:
      if (one.months != 0 || (one.op != Operator::lt && one.op != Operator::lteq)) return false;
      lane.elapsed_to = std::min(lane.elapsed_to, one.duration.count() + (one.op == Operator::lteq ? 1 : 0));
      lane.bits |= Lane::elapsed;
      return true;
    default: return false;
  }
}

std::optional<Program::Atom> as_atom(const Constraint& one, Names& names) {
  Program::Atom atom{};
  const Constraint* name = &one;
  if (one.logic == Logic::any) {
    name = nullptr;
    Intervals windows;
    for (const Constraint& operand : one.operands) {
      if (is_about_time(operand)) {
        const Intervals more = all_windows(operand);
        windows.insert(windows.end(), more.begin(), more.end());
      } else if (name == nullptr) {
        name = &operand;
      } else {
        return {};
      }
    }
    windows = tidy(std::move(windows));
    if (name == nullptr || windows.size() != 1) return {};
    atom.from = windows.front()[0];
    atom.to = windows.front()[1];
  }
  if (name->logic != Logic::atom || kind(name->operand) != Kind::names) return {};
  atom.negate = name->op == Operator::neq || name->op == Operator::is_none_of;
  if (!atom.negate && !names_one_of(*name)) return {};
  std::vector<Interned> ids;
  for (const std::string& value : name->values) {
    const Interned id = names.add(value);
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  if (ids.empty() || ids.size() > atom.names.size()) return {};
  for (std::size_t i = 0; i < atom.names.size(); ++i) atom.names[i] = ids[std::min(i, ids.size() - 1)];
  atom.operand = name->operand;
  return atom;
}

Program::Atom always_true() {
  Program::Atom atom{};
  atom.from = kLeast;
  atom.to = kMost;
  return atom;
}

}  // namespace sluis::policy
