#include "policy/odrl/intervals.hpp"

#include <algorithm>

namespace sluis::policy {

Intervals tidy(Intervals list) {
  std::erase_if(list, [](const Interval& one) { return one[0] >= one[1]; });
  std::sort(list.begin(), list.end());
  Intervals joined;
  for (const Interval& one : list) {
    if (!joined.empty() && one[0] <= joined.back()[1]) joined.back()[1] = std::max(joined.back()[1], one[1]);
    else joined.push_back(one);
  }
  return joined;
}

Intervals complement(const Intervals& list) {
  Intervals rest;
  std::int64_t from = kLeast;
  for (const Interval& one : list) {
    rest.push_back({from, one[0]});
    from = one[1];
  }
  rest.push_back({from, kMost});
  return tidy(std::move(rest));
}

Intervals common(const Intervals& first, const Intervals& second) {
  Intervals both;
  for (const Interval& one : first) {
    for (const Interval& two : second) both.push_back({std::max(one[0], two[0]), std::min(one[1], two[1])});
  }
  return tidy(std::move(both));
}

Intervals admitted(Operator op, std::int64_t from, std::int64_t to) {
  switch (op) {
    case Operator::lt: return tidy({{kLeast, from}});
    case Operator::lteq: return tidy({{kLeast, to}});
    case Operator::gt: return tidy({{to, kMost}});
    case Operator::gteq: return tidy({{from, kMost}});
    case Operator::neq: return complement({{from, to}});
    default: return {{from, to}};
  }
}

Intervals instants(const Constraint& atom) {
  const std::int64_t from = atom.time.time_since_epoch().count();
  return admitted(atom.op, from, atom.until ? atom.until->time_since_epoch().count() : from + 1);
}

bool is_about_time(const Constraint& constraint) {
  if (constraint.logic == Logic::atom) return constraint.operand == Operand::date_time;
  return constraint.logic != Logic::one &&
         std::all_of(constraint.operands.begin(), constraint.operands.end(), is_about_time);
}

Intervals all_windows(const Constraint& constraint) {
  if (constraint.logic == Logic::atom) return instants(constraint);
  const bool any = constraint.logic == Logic::any;
  Intervals windows;
  if (!any) windows.push_back({kLeast, kMost});
  for (const Constraint& one : constraint.operands) {
    const Intervals more = all_windows(one);
    if (any) windows.insert(windows.end(), more.begin(), more.end());
    else windows = common(windows, more);
  }
  return tidy(std::move(windows));
}

}  // namespace sluis::policy
