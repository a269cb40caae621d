#pragma once

#include "policy/odrl/model.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

/// Sets of whole numbers as half-open intervals: what a comparison admits. Private to the compiler and check().
namespace sluis::policy {

inline constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

/// [from, to); kMost as an end is "for ever".
using Interval = std::array<std::int64_t, 2>;
using Intervals = std::vector<Interval>;

/// Sorted and apart; empty ones are left out.
Intervals tidy(Intervals list);
/// All of these take and give tidy ones.
Intervals complement(const Intervals& list);
Intervals common(const Intervals& first, const Intervals& second);

/// What an operator admits, where `eq` admits [from, to).
Intervals admitted(Operator op, std::int64_t from, std::int64_t to);
/// The instants, in microseconds, at which a dateTime constraint holds; a day is an interval.
Intervals instants(const Constraint& atom);

/// Whether everything in it is about dateTime, and joined by `and`, `andSequence` and `or`.
bool is_about_time(const Constraint& constraint);
/// Of such a one: the instants at which it holds.
Intervals all_windows(const Constraint& constraint);

}  // namespace sluis::policy
