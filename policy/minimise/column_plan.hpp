#pragma once

#include "connector/base/error.hpp"
#include "policy/minimise/transform.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluis::policy {

enum class ColumnAction : std::uint8_t { keep, drop };

struct ColumnDeclaration {
  std::string name;
  ColumnAction action = ColumnAction::drop;
  bool counts = false;  ///< a count of persons: what `suppressSmallCells` takes when it names no columns
};

/// What a dataset says of its columns.
struct DatasetColumns {
  std::vector<ColumnDeclaration> columns;
  std::vector<SumGroup> groups;  ///< sums that hold in the data, whether or not a policy names them
};

/// What leaves of each row. A column that is not declared is dropped. Compiled once, bound to a header once; after
/// that one thread at a time.
class ColumnPlan {
 public:
  /// Refused (invalid_argument): columns declared twice, groups or transforms of undeclared columns, a column in two
  /// groups, a suppression with nothing to suppress, nothing kept.
  static Result<ColumnPlan> compile(const DatasetColumns& dataset, std::span<const Transform> transforms);

  /// Finds the declared columns in the header. Refused: a declared column that is not there, a name twice.
  Result<void> bind(std::span<const std::string_view> header, std::vector<std::string> null_words);

  /// Replaces in one row what must not leave. A cell of a suppressed column that is no whole number and no null word
  /// is refused: it could hold anything. `row` is for the message.
  Result<void> suppress(std::span<std::string_view> cells, std::uint64_t row);

  /// Places of the kept columns, in the file's order; after `bind`.
  std::span<const std::size_t> kept() const { return kept_; }
  /// Whether there are cells to look at; else rows pass with their kept columns unchanged.
  bool suppresses() const { return !cells_.empty(); }

 private:
  struct Cell {
    std::string name;
    std::int64_t threshold = 0;
    std::size_t place = 0;
  };
  struct Group {
    std::vector<std::size_t> members;  ///< into cells_; the total is the first
    std::int64_t threshold = 0;
  };
  enum class Mark : std::uint8_t { shown, empty, hidden };

  Result<std::size_t> cell(const DatasetColumns& dataset, const std::string& name, std::int64_t threshold);
  Result<void> add_group(const DatasetColumns& dataset, const SumGroup& group, std::int64_t threshold);
  Result<void> add(const DatasetColumns& dataset, const Transform& transform);
  Result<void> read(std::size_t cell, std::string_view text, std::uint64_t row);
  void close_group(const Group& group);
  bool is_null(std::string_view text) const;

  std::vector<std::string> declared_;
  std::vector<std::string> kept_names_;
  std::vector<Cell> cells_;
  std::vector<Group> groups_;
  std::vector<std::string> null_words_;
  std::vector<std::size_t> kept_;
  std::vector<std::int64_t> values_;  ///< of one row, by cell; reused
  std::vector<Mark> marks_;
};

}  // namespace sluis::policy
