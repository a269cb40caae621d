#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds of reading and transforming data, beside those of connector/base/limits.hpp. Each has a test that passes it.
namespace sluis::policy::limits {

inline constexpr std::size_t kRowBytes = 4U << 20U;           ///< one row of CSV, one line of JSON lines
inline constexpr std::size_t kLineDepth = 8;                  ///< objects and arrays in one another, in a line
inline constexpr std::size_t kLineValues = 10'000;            ///< values in a line
inline constexpr std::size_t kPatternBytes = 64;              ///< how a time is written
inline constexpr std::size_t kZoneBytes = 64U << 10U;         ///< a TZif file
inline constexpr std::size_t kZoneTransitions = 4096;
inline constexpr std::size_t kLookupBytes = 4U << 20U;        ///< a lookup table of places
inline constexpr std::int64_t kGroups = 1'000'000;            ///< what `maxGroups` may say at most
inline constexpr std::size_t kGroupBytes = 256U << 20U;       ///< keys and subjects of an aggregation
inline constexpr std::size_t kSubjectPairs = 4'000'000;       ///< a subject in a group
inline constexpr std::size_t kLotRows = 6'000'000;            ///< rows that differ, where rows are counted by lot
inline constexpr std::size_t kLotBytes = 384U << 20U;         ///< for that, of all that is counted at a time

}  // namespace sluis::policy::limits
