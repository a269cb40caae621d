#pragma once

#include "policy/minimise/time_cell.hpp"
#include "policy/minimise/transform.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluis::policy {

enum class ColumnAction : std::uint8_t { keep, drop };

struct ColumnDeclaration {
  std::string name;
  ColumnAction action = ColumnAction::drop;
  bool counts = false;  ///< a count of persons: what `suppressSmallCells` takes when it names no columns
  std::optional<TimeFormat> time = std::nullopt;  ///< how its times are written; `generaliseTime` needs it
};

/// What a dataset says of its columns.
struct DatasetColumns {
  std::vector<ColumnDeclaration> columns;
  std::vector<SumGroup> groups;  ///< sums that hold in the data, whether or not a policy names them
  std::vector<std::vector<std::string>> together;  ///< of each group all columns are kept, or none
  std::vector<std::vector<std::string>> apart;     ///< of each group one column is kept at most

  const ColumnDeclaration* find(const std::string& name) const {
    for (const ColumnDeclaration& column : columns) {
      if (column.name == name) return &column;
    }
    return nullptr;
  }
};

}  // namespace sluis::policy
