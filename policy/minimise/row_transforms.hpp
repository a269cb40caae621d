#pragma once

#include "policy/minimise/cells.hpp"
#include "policy/minimise/decimal.hpp"
#include "policy/minimise/means.hpp"
#include "policy/minimise/time_cell.hpp"
#include "policy/minimise/transform.hpp"

#include <optional>
#include <variant>

namespace sluis::policy {

/// What is done to single cells: pseudonymise, mask, generalise. Compiled, bound to places once, then applied to one
/// row after another. One thread at a time.
class RowTransforms {
 public:
  /// How a column's times are written, where that is declared.
  using Times = std::unordered_map<std::string, TimeFormat>;

  /// Refused (invalid_argument): a column twice, a time column without declared format, a zone, lookup or step that is
  /// not known, a grid that is no decimal above 0, an epoch that is no name, means that are missing.
  Result<void> add(const Transform& transform, const Times& times, const Means& means);
  bool empty() const { return cells_.empty(); }
  /// The columns that are worked on.
  std::vector<std::string> columns() const;
  bool has(std::string_view column) const;

  void bind(const std::function<std::size_t(const std::string&)>& place_of) {
    for (Cell& cell : cells_) cell.place = place_of(cell.column);
  }
  /// Refused with `place.column` (the cell's number, from 1): a cell that cannot be read. It is not shown.
  Result<void> apply(Row& row, const Nulls& nulls, char decimal);

 private:
  struct Pseudonymised {
    std::shared_ptr<Pseudonymiser> keyed;
  };
  struct Masked {
    std::uint32_t keep = 0;
  };
  struct Gridded {
    Decimal grid;
  };
  struct LookedUp {
    std::shared_ptr<const PlaceTable> table;
  };
  struct Cell {
    std::string column;
    std::variant<Pseudonymised, Masked, Gridded, LookedUp, TimeCell> work;
    std::size_t place = 0;
    std::string text;  ///< what it became
  };

  Result<void> add_cells(const std::vector<std::string>& columns,
                         const std::function<Result<Cell>(const std::string&)>& make);
  Result<void> add_time(const GeneraliseTime& asked, const Times& times, const Means& means);
  Result<void> add_place(const GeneralisePlace& asked, const Means& means);
  Result<void> add_pseudonyms(const Pseudonymise& asked, const Means& means);
  Result<void> apply(Cell& cell, Row& row, char decimal);

  std::vector<Cell> cells_;
};

}  // namespace sluis::policy
