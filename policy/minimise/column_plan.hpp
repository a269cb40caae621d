#pragma once

#include "connector/base/error.hpp"
#include "policy/minimise/aggregate.hpp"
#include "policy/minimise/cell_sums.hpp"
#include "policy/minimise/dataset_columns.hpp"
#include "policy/minimise/row_transforms.hpp"
#include "policy/minimise/transform.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluis::policy {

/// What leaves of each row. A column that is not declared is dropped. Compiled once, bound to a header once; after
/// that one thread at a time.
class ColumnPlan {
 public:
  /// Refused (invalid_argument): columns declared twice, groups or transforms of undeclared columns, a column in two
  /// groups, a suppression with nothing to suppress, nothing kept, counts or sums of a column that is transformed,
  /// two aggregations; and what RowTransforms and Aggregation refuse.
  static Result<ColumnPlan> compile(const DatasetColumns& dataset, std::span<const Transform> transforms,
                                    const Means& means = {});

  /// Finds the declared columns in the header. Refused: a declared column that is not there, a name twice.
  Result<void> bind(std::span<const std::string_view> header, Nulls nulls);

  /// Replaces in one row what must not leave, or takes it into its group. A cell of a suppressed column that is no
  /// whole number and no null word is refused: it could hold anything. Errors name the cell in `place.column`.
  Result<void> rewrite(Row& row, char decimal);

  /// Columns that are declared, in their order.
  const std::vector<std::string>& declared() const { return declared_; }
  /// Places of the kept columns, in the file's order; after `bind`.
  std::span<const std::size_t> kept() const { return kept_; }
  /// Whether there are cells to look at; else rows pass with their kept columns unchanged.
  bool rewrites() const { return !cells_.empty() || !transforms_.empty() || aggregation_; }
  /// Whether nothing may leave before the last row was read.
  bool whole_table() const { return aggregation_.has_value(); }
  Aggregation* aggregation() { return aggregation_ ? &*aggregation_ : nullptr; }

 private:
  struct Cell {
    std::string name;
    std::int64_t threshold = 0;
    std::int64_t round_to = 0;
    std::size_t place = 0;
    std::string text;  ///< the rounded one
  };
  struct Group {
    std::vector<std::size_t> members;  ///< into cells_; the total is the first
    std::int64_t threshold = 0;
  };

  Result<void> add_transforms(const DatasetColumns& dataset, std::span<const Transform> transforms, const Means& means);
  Result<std::size_t> cell(const DatasetColumns& dataset, const std::string& name, std::int64_t threshold);
  Result<void> add_group(const DatasetColumns& dataset, const SumGroup& group, std::int64_t threshold);
  Result<void> add(const DatasetColumns& dataset, const SuppressSmallCells& asked);
  Result<void> read(std::size_t cell, const Row& row);
  void add_up(const Group& group);
  Result<void> suppress(Row& row);

  std::vector<std::string> declared_;
  std::vector<std::string> kept_names_;
  RowTransforms transforms_;
  std::optional<Aggregation> aggregation_;
  std::vector<Cell> cells_;
  std::vector<Group> groups_;
  Nulls nulls_;
  std::vector<std::size_t> kept_;
  std::vector<std::int64_t> values_;  ///< of one row, by cell; reused
  std::vector<Mark> marks_;
};

}  // namespace sluis::policy
