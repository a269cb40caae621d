#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What the provider's gate does to a release before it leaves, as a policy asks for it: obligations of the profile
/// `https://w3id.org/sluis/odrl/1#`. All values are JSON strings, or lists of them where the operator is `isAnyOf`.
/// Whatever order they stand in, the gate works in this one: pseudonymise, mask, generalise (row by row), then
/// aggregate, then suppress and round. A column is in one of pseudonymise, mask and generalise at most.
namespace sluis::policy {

/// Columns of which one is published as the sum of the others: `total = in + out`.
struct SumGroup {
  std::string total;
  std::vector<std::string> parts;  ///< two or more
  friend bool operator==(const SumGroup&, const SumGroup&) = default;
};

/// `suppressSmallCells`: a count below `threshold` becomes `x`, and whatever would let it be computed back.
/// Without columns and groups of its own it takes those that the dataset declares. With `round_to`, a count below the
/// threshold counts as nothing in every sum, and any other as the nearest multiple (a half goes up), before anything is
/// added up: so totals, overlapping windows, repeated questions and several agreements tell no two small counts apart.
///   `minCellSize`  gteq           whole number 1..1000000, exactly one
///   `cellColumn`   eq, isAnyOf    column names
///   `cellGroup`    eq             `total = in + out`; any number of times
///   `roundTo`      eq             whole number 2..1000000, at most one
/// After `aggregateBy` the names are those of its measures; where that names a subject column, a group with fewer subjects than
/// `threshold` is suppressed in whole. With `round_to`, rows and subjects are counted by lot (cell_sums.hpp, decision 35).
struct SuppressSmallCells {
  std::int64_t threshold = 10;
  std::vector<std::string> columns;
  std::vector<SumGroup> groups;
  std::int64_t round_to = 0;  ///< 0: not rounded
  friend bool operator==(const SuppressSmallCells&, const SuppressSmallCells&) = default;
};

/// `generaliseTime`: a time becomes the beginning of its period on the clocks of `zone`, written with its offset
/// (`2023-10-29T01:00:00+01:00`). The zone of the source's column is the dataset's to declare.
///   `timeColumn`   eq, isAnyOf    column names, one or more
///   `timeStep`     eq             duration, exactly one: `PT1M`… up to `PT12H` where it divides a day, `P1D`, `P7D`
///                                 (from Monday), `P1M`, `P1Y`
///   `timeZone`     eq             IANA name (`Europe/Amsterdam`, `UTC`), exactly one
struct GeneraliseTime {
  std::vector<std::string> columns;
  std::string step;
  std::string zone;
  friend bool operator==(const GeneraliseTime&, const GeneraliseTime&) = default;
};

/// `pseudonymise`: HMAC-SHA-256 of the cell, 128 bits in base64url, with a key for this recipient, purpose and epoch.
/// Nothing of another purpose or epoch can be joined to it. The epoch is a name that both parties agreed; the same
/// name gives the same pseudonyms for as long as the node keeps its root key. A null stays a null.
///   `pseudonymColumn`  eq, isAnyOf    column names, one or more
///   `pseudonymEpoch`   eq             1..64 of `A-Za-z0-9._-`, exactly one
struct Pseudonymise {
  std::vector<std::string> columns;
  std::string epoch;
  friend bool operator==(const Pseudonymise&, const Pseudonymise&) = default;
};

/// `maskColumn`: all but the first `keep` characters (code points) become one `*`; the length does not show.
///   `maskedColumn`    eq, isAnyOf    column names, one or more
///   `keptCharacters`  lteq           whole number 0..64, at most one; without it 0
struct MaskColumn {
  std::vector<std::string> columns;
  std::uint32_t keep = 0;
  friend bool operator==(const MaskColumn&, const MaskColumn&) = default;
};

/// `generalisePlace`: coordinates become the south-west corner of their cell of a square grid, or names become what a
/// lookup table of the dataset says. A name that the table does not have becomes `x`.
///   `placeColumn`  eq, isAnyOf    column names, one or more
///   `placeGrid`    gteq           decimal above 0 (`0.01`, `500`), in the unit of the columns      } exactly one
///   `placeLookup`  eq             name of a lookup table that the dataset declares                 } of these
struct GeneralisePlace {
  std::vector<std::string> columns;
  std::string grid;    ///< empty: by lookup
  std::string lookup;
  friend bool operator==(const GeneralisePlace&, const GeneralisePlace&) = default;
};

/// A column of an aggregated table. Written `name = sum(column)`, `name = count()` (rows) or `name = subjects()`
/// (distinct subjects); without `name =` the name is the column's, `count` or `subjects`.
struct Measure {
  enum class Of : std::uint8_t { count, subjects, sum };
  std::string name;
  Of of = Of::count;
  std::string column;  ///< of a sum
  friend bool operator==(const Measure&, const Measure&) = default;
};

/// `aggregateBy`: one row for each group of equal values of `columns` (after they were generalised), in the order of
/// their first row. Nothing leaves before the whole source was read; more groups than `max_groups` is a refusal.
///   `groupColumn`    eq, isAnyOf    column names, one or more, kept ones
///   `groupMeasure`   eq, isAnyOf    `name = sum(column)` …, one or more
///   `subjectColumn`  eq             column whose distinct values are the subjects, at most one
///   `maxGroups`      lteq           whole number 1..1000000, exactly one
///   `groupTotal`     eq             `true`: a last row with the total of all groups, its keys `*`; at most one
struct AggregateBy {
  std::vector<std::string> columns;
  std::vector<Measure> measures;
  std::string subject;
  std::int64_t max_groups = 0;
  bool total = false;
  friend bool operator==(const AggregateBy&, const AggregateBy&) = default;
};

using Transform =
    std::variant<SuppressSmallCells, GeneraliseTime, Pseudonymise, MaskColumn, GeneralisePlace, AggregateBy>;

}  // namespace sluis::policy
