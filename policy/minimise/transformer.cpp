#include "policy/minimise/transformer.hpp"

#include <utility>

namespace sluis::policy {

Transformer::Transformer(ColumnPlan plan, CsvFormat format)
    : plan_(std::move(plan)), format_(std::move(format)), reader_(format_) {}

Result<std::string> Transformer::feed(std::string_view bytes) {
  if (failed_) return Error(ErrorCode::invalid_state, "the file was refused before");
  out_.clear();
  out_.reserve(bytes.size() + 256);
  auto result = reader_.feed(bytes, [this](const CsvRow& row) { return take(row); });
  if (!result) {
    failed_ = true;
    return result.error();
  }
  return std::exchange(out_, {});
}

Result<std::string> Transformer::finish() {
  if (failed_) return Error(ErrorCode::invalid_state, "the file was refused before");
  failed_ = true;  // nothing may follow
  out_.clear();
  SLUIS_CHECK(reader_.finish([this](const CsvRow& row) { return take(row); }));
  if (reader_.rows() == 0) return Error(ErrorCode::invalid_argument, "the file has no header");
  return std::exchange(out_, {});
}

Result<void> Transformer::take(const CsvRow& row) {
  if (row.number == 1) {
    SLUIS_CHECK(plan_.bind(row.fields, format_.null_words));
    write(row.fields, row.quoted);
    return {};
  }
  ++rows_;
  if (plan_.suppresses()) {
    cells_.assign(row.fields.begin(), row.fields.end());
    SLUIS_CHECK(plan_.suppress(cells_, row.number));
    write(cells_, row.quoted);
  } else {
    write(row.fields, row.quoted);
  }
  return {};
}

void Transformer::write(std::span<const std::string_view> fields, bool quoted) {
  bool first = true;
  for (const std::size_t place : plan_.kept()) {
    if (!first) out_ += format_.delimiter;
    first = false;
    if (quoted) write_field(out_, fields[place], format_.delimiter);
    else out_ += fields[place];  // what stood unquoted needs no quotes now
  }
  out_ += reader_.crlf() ? "\r\n" : "\n";
}

}  // namespace sluis::policy
