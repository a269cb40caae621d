#pragma once

#include "connector/base/error.hpp"
#include "connector/json/json.hpp"
#include "policy/minimise/cells.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sluis::policy {

/// A streaming reader of JSON lines: one object a line, of which the declared keys are the row; all else is dropped.
/// Refused, with file, line and column: what is no JSON object, an object or list under a declared key (what is in it
/// is not declared), an empty line, a key twice, lines and nesting beyond the limits. After an error it stays failed.
/// One thread at a time.
class JsonLinesReader {
 public:
  /// An error of the callback that names a cell (`place.column`, from 1) and no line gets its line and column here.
  using OnRow = std::function<Result<void>(Row&)>;

  JsonLinesReader(std::vector<std::string> columns, std::string file);

  Result<void> feed(std::string_view bytes, const OnRow& on_row);
  Result<void> finish(const OnRow& on_row);
  std::uint64_t rows() const { return line_ - 1; }

 private:
  Result<void> take(std::string_view bytes, const OnRow& on_row);
  Result<void> line(std::string_view text, const OnRow& on_row);
  Error at(Error error, std::uint32_t column) const;

  std::vector<std::string> columns_;
  std::string file_;
  std::string partial_;
  std::vector<std::string_view> cells_;
  std::vector<CellKind> kinds_;
  std::uint64_t line_ = 1;
  bool failed_ = false;
};

/// Appends one object and a line end. Absent cells are left out.
void write_json_line(std::string& out, std::span<const std::string> names, std::span<const std::string_view> cells,
                     std::span<const CellKind> kinds);

}  // namespace sluis::policy
