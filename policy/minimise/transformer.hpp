#pragma once

#include "policy/minimise/column_plan.hpp"
#include "policy/minimise/csv.hpp"

namespace sluis::policy {

/// Streams a file through a column plan. Output is UTF-8 with the input's delimiter and line ends; the header holds
/// the columns that are kept, in the file's order. Any error ends it: what came before is whole rows, and nothing may
/// follow. One thread at a time.
class Transformer {
 public:
  Transformer(ColumnPlan plan, CsvFormat format);

  /// The rows that these bytes complete, as they may leave.
  Result<std::string> feed(std::string_view bytes);
  /// The last row, where it has no line end. Refused: a file without header.
  Result<std::string> finish();
  /// Rows that left, without the header.
  std::uint64_t rows() const { return rows_; }

 private:
  Result<void> take(const CsvRow& row);
  void write(std::span<const std::string_view> fields, bool quoted);

  ColumnPlan plan_;
  CsvFormat format_;
  CsvReader reader_;
  std::string out_;
  std::vector<std::string_view> cells_;
  std::uint64_t rows_ = 0;
  bool failed_ = false;
};

}  // namespace sluis::policy
