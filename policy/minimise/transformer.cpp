#include "policy/minimise/transformer.hpp"

#include <algorithm>
#include <utility>

namespace sluis::policy {
namespace {

std::variant<CsvReader, JsonLinesReader> reader_of(const ColumnPlan& plan, const CsvFormat& format, ScanKind kind) {
  if (format.form == Form::json_lines) return JsonLinesReader(plan.declared(), format.file);
  return CsvReader(format, kind);
}

}  // namespace

Transformer::Transformer(ColumnPlan plan, CsvFormat format, ScanKind kind)
    : plan_(std::move(plan)), format_(std::move(format)), reader_(reader_of(plan_, format_, kind)) {}

Result<void> Transformer::read(std::string_view bytes) {
  if (auto* csv = std::get_if<CsvReader>(&reader_)) {
    return csv->feed(bytes, [this](const CsvRow& row) { return take_csv(row); });
  }
  return std::get<JsonLinesReader>(reader_).feed(bytes, [this](Row& row) { return take_json(row); });
}

Result<void> Transformer::read_rest() {
  auto* csv = std::get_if<CsvReader>(&reader_);
  if (csv == nullptr) return std::get<JsonLinesReader>(reader_).finish([this](Row& row) { return take_json(row); });
  SLUIS_CHECK(csv->finish([this](const CsvRow& row) { return take_csv(row); }));
  if (csv->rows() == 0) return Error(ErrorCode::invalid_argument, "the file has no header");
  return {};
}

Result<std::string> Transformer::feed(std::string_view bytes) {
  if (failed_) return Error(ErrorCode::invalid_state, "the file was refused before");
  out_.clear();
  if (!whole_table()) out_.reserve(bytes.size() + 256);
  auto result = read(bytes);
  if (!result) {
    failed_ = true;
    return result.error();
  }
  auto out = encoded();
  failed_ = !out;
  return out;
}

Result<std::string> Transformer::finish() {
  if (failed_) return Error(ErrorCode::invalid_state, "the file was refused before");
  failed_ = true;  // nothing may follow
  out_.clear();
  SLUIS_CHECK(read_rest());
  if (whole_table()) SLUIS_CHECK(write_groups());
  return encoded();
}

/// The bytes as they leave: with a byte order mark before the first, and in the source's encoding, where it is so.
Result<std::string> Transformer::encoded() {
  if (format_.mark && !marked_ && !out_.empty()) {
    marked_ = true;
    if (format_.encoding == Encoding::utf_8 || !format_.same_encoding) out_.insert(0, "\xEF\xBB\xBF");
  }
  if (!format_.same_encoding || format_.encoding == Encoding::utf_8) return std::exchange(out_, {});
  std::string bytes;
  bytes.reserve(out_.size());
  SLUIS_CHECK(append_iso_8859_1(bytes, out_));
  return bytes;
}

Result<void> Transformer::take_csv(const CsvRow& row) {
  if (row.number == 1) {
    SLUIS_CHECK(plan_.bind(row.fields, Nulls(format_.null_words, true)));
    kinds_.assign(row.fields.size(), CellKind::text);
    if (whole_table()) return {};
    return write(row.fields, row);
  }
  if (!plan_.rewrites()) {
    ++rows_;
    return write(row.fields, row);
  }
  cells_.assign(row.fields.begin(), row.fields.end());
  std::fill(kinds_.begin(), kinds_.end(), CellKind::text);
  Row made{row.number, cells_, kinds_};
  SLUIS_CHECK(plan_.rewrite(made, format_.decimal));
  if (whole_table() || !made.leaves) return {};
  ++rows_;
  return write(cells_, row);
}

Result<void> Transformer::take_json(Row& row) {
  if (row.number == 1) {
    const std::vector<std::string_view> header(plan_.declared().begin(), plan_.declared().end());
    SLUIS_CHECK(plan_.bind(header, Nulls(format_.null_words, false)));
    names_.clear();
    for (const std::size_t place : plan_.kept()) names_.push_back(plan_.declared()[place]);
  }
  if (plan_.rewrites()) SLUIS_CHECK(plan_.rewrite(row, format_.decimal));
  if (whole_table() || !row.leaves) return {};
  ++rows_;
  out_cells_.clear();
  out_kinds_.clear();
  for (const std::size_t place : plan_.kept()) {
    out_cells_.push_back(row.cells[place]);
    out_kinds_.push_back(row.kinds[place]);
  }
  write_json_line(out_, names_, out_cells_, out_kinds_);
  return {};
}

Result<void> Transformer::write(std::span<const std::string_view> fields, const CsvRow& row) {
  bool first = true;
  for (const std::size_t place : plan_.kept()) {
    if (!first) out_ += format_.delimiter;
    first = false;
    const std::string_view field = fields[place];
    // What stood unquoted and as it is needs no quotes now.
    if (field.data() == row.raw[place].data()) out_ += field;
    else SLUIS_CHECK(write_one(field));
  }
  out_ += std::get<CsvReader>(reader_).crlf() ? "\r\n" : "\n";
  return {};
}

Result<void> Transformer::write_one(std::string_view field) {
  const char ends[] = {format_.delimiter, '\n', '\r'};
  if (format_.quote == '\0' && field.find_first_of(std::string_view(ends, sizeof ends)) != std::string_view::npos) {
    return Error(ErrorCode::invalid_argument, "a cell has a delimiter in it, and nothing is quoted");
  }
  write_field(out_, field, format_.delimiter, format_.quote);
  return {};
}

Result<void> Transformer::write_fields(std::span<const std::string_view> fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i != 0) out_ += format_.delimiter;
    SLUIS_CHECK(write_one(fields[i]));
  }
  out_ += std::get<CsvReader>(reader_).crlf() ? "\r\n" : "\n";
  return {};
}

Result<void> Transformer::write_groups() {
  Aggregation& aggregation = *plan_.aggregation();
  const std::vector<std::string>& names = aggregation.names();
  const bool csv = format_.form == Form::csv;
  if (csv) SLUIS_CHECK(write_fields(std::vector<std::string_view>(names.begin(), names.end())));
  return aggregation.finish(
      format_.decimal, [&](std::span<const std::string_view> cells, std::span<const CellKind> kinds) -> Result<void> {
        ++rows_;
        if (csv) return write_fields(cells);
        write_json_line(out_, names, cells, kinds);
        return {};
      });
}

}  // namespace sluis::policy
