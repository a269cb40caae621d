#include "policy/minimise/json_lines.hpp"

#include "policy/minimise/limits.hpp"

#include <algorithm>

namespace sluis::policy {
namespace {

constexpr std::string_view kMark = "\xEF\xBB\xBF";

Error refused(std::string message, ErrorCode code = ErrorCode::invalid_argument) {
  return Error(code, std::move(message));
}

/// What stands in a member, without copying it. Nothing for an object or list.
bool read_cell(const json::Value& value, std::string_view& text, CellKind& kind) {
  text = {};
  if (value.is_null()) kind = CellKind::null;
  else if (const std::string* string = value.if_string()) kind = CellKind::text, text = *string;
  else if (const json::Number* number = value.if_number()) kind = CellKind::number, text = number->text;
  else if (const bool* boolean = value.if_bool()) kind = CellKind::boolean, text = *boolean ? "true" : "false";
  else return false;
  return true;
}

}  // namespace

JsonLinesReader::JsonLinesReader(std::vector<std::string> columns, std::string file)
    : columns_(std::move(columns)), file_(std::move(file)), cells_(columns_.size()), kinds_(columns_.size()) {}

Error JsonLinesReader::at(Error error, std::uint32_t column) const {
  Place place;
  place.file = file_;
  place.line = static_cast<std::uint32_t>(line_);
  place.column = column;
  error.place = std::move(place);
  return error;
}

Result<void> JsonLinesReader::feed(std::string_view bytes, const OnRow& on_row) {
  if (failed_) return Error(ErrorCode::invalid_state, "the file was refused before");
  auto result = take(bytes, on_row);
  failed_ = !result;
  return result;
}

Result<void> JsonLinesReader::take(std::string_view bytes, const OnRow& on_row) {
  std::size_t end = bytes.find('\n');
  while (end != std::string_view::npos) {
    if (partial_.size() + end > limits::kRowBytes) break;
    if (partial_.empty()) {
      SLUIS_CHECK(line(bytes.substr(0, end), on_row));
    } else {
      partial_ += bytes.substr(0, end);
      const std::string whole = std::move(partial_);
      partial_.clear();
      SLUIS_CHECK(line(whole, on_row));
    }
    bytes.remove_prefix(end + 1);
    end = bytes.find('\n');
  }
  if (partial_.size() + std::min(end, bytes.size()) > limits::kRowBytes) {
    return at(refused("row " + std::to_string(line_) + ": more than " + std::to_string(limits::kRowBytes) + " bytes",
                      ErrorCode::limit_exceeded), 1);
  }
  partial_ += bytes;
  return {};
}

Result<void> JsonLinesReader::finish(const OnRow& on_row) {
  if (failed_) return Error(ErrorCode::invalid_state, "the file was refused before");
  failed_ = true;  // nothing may follow
  if (partial_.empty()) return {};
  const std::string whole = std::move(partial_);
  return line(whole, on_row);
}

Result<void> JsonLinesReader::line(std::string_view text, const OnRow& on_row) {
  const std::string row = "row " + std::to_string(line_) + ": ";
  if (line_ == 1 && text.starts_with(kMark)) text.remove_prefix(kMark.size());
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.empty()) return at(refused(row + "an empty line"), 1);
  json::Bounds bounds;
  bounds.bytes = limits::kRowBytes;
  bounds.depth = limits::kLineDepth;
  bounds.values = limits::kLineValues;
  const auto value = json::parse(text, bounds);
  if (!value) {
    Error error = value.error();
    error.message = row + error.message;
    return at(error, std::max<std::uint32_t>(1, error.place.column));
  }
  if (value->if_object() == nullptr) {
    return at(refused(row + std::string(value->kind()) + " where an object is due"), 1);
  }
  const auto column_of = [&](const std::string& name) { return json::locate(text, json::pointer_to("", name)).column; };
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const json::Value* member = value->find(columns_[i]);
    cells_[i] = {};
    kinds_[i] = CellKind::absent;
    if (member == nullptr || read_cell(*member, cells_[i], kinds_[i])) continue;
    return at(refused(row + "`" + columns_[i] + "` is " + std::string(member->kind()))
                  .mended_by("only plain values can be declared"),
              column_of(columns_[i]));
  }
  Row made{line_, cells_, kinds_};
  auto result = on_row(made);
  if (!result) {
    const Error& error = result.error();
    if (error.place.line != 0 || error.place.column == 0 || error.place.column > columns_.size()) return error;
    return at(error, column_of(columns_[error.place.column - 1]));
  }
  ++line_;
  return {};
}

void write_json_line(std::string& out, std::span<const std::string> names, std::span<const std::string_view> cells,
                     std::span<const CellKind> kinds) {
  out += '{';
  bool first = true;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (kinds[i] == CellKind::absent) continue;
    if (!first) out += ',';
    first = false;
    out += json::serialise(json::Value(names[i]));
    out += ':';
    switch (kinds[i]) {
      case CellKind::text: out += json::serialise(json::Value(cells[i])); break;
      case CellKind::null: out += "null"; break;
      default: out += cells[i];
    }
  }
  out += "}\n";
}

}  // namespace sluis::policy
