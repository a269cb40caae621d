#pragma once

#include "policy/minimise/column_plan.hpp"
#include "policy/minimise/csv.hpp"
#include "policy/minimise/json_lines.hpp"

namespace sluis::policy {

/// Streams a file through a column plan. Output is of the input's form: CSV with the same delimiter, quote and line
/// ends, whose header holds the columns that are kept, in the file's order; or JSON lines with the kept keys in the
/// order declared. It is UTF-8, unless the format says `same_encoding`. Any error ends it: what came before is whole
/// rows, and nothing may follow. One thread at a time.
class Transformer {
 public:
  Transformer(ColumnPlan plan, CsvFormat format, ScanKind kind = best_scan());
  Transformer(Transformer&&) noexcept = default;
  Transformer& operator=(Transformer&&) noexcept = default;

  /// The rows that these bytes complete, as they may leave; nothing for a whole-table transform.
  Result<std::string> feed(std::string_view bytes);
  /// The last row, where it has no line end, or the whole table. Refused: a CSV file without header.
  Result<std::string> finish();
  /// Rows that left, without the header.
  std::uint64_t rows() const { return rows_; }
  /// Whether nothing leaves before `finish`: an error is then one before the first byte.
  bool whole_table() const { return plan_.whole_table(); }

 private:
  Result<void> read(std::string_view bytes);
  Result<void> read_rest();
  Result<void> take_csv(const CsvRow& row);
  Result<void> take_json(Row& row);
  Result<void> write_groups();
  Result<void> write(std::span<const std::string_view> fields, const CsvRow& row);
  Result<void> write_one(std::string_view field);
  Result<void> write_fields(std::span<const std::string_view> fields);
  Result<std::string> encoded();

  ColumnPlan plan_;
  CsvFormat format_;
  std::variant<CsvReader, JsonLinesReader> reader_;
  std::string out_;
  std::vector<std::string> names_;          ///< of the kept keys
  std::vector<std::string_view> cells_;     ///< reused
  std::vector<CellKind> kinds_;             ///< reused
  std::vector<std::string_view> out_cells_; ///< reused
  std::vector<CellKind> out_kinds_;         ///< reused
  std::uint64_t rows_ = 0;
  bool marked_ = false;
  bool failed_ = false;
};

}  // namespace sluis::policy
