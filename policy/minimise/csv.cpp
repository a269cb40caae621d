#include "policy/minimise/csv.hpp"

#include "connector/base/limits.hpp"

#include <algorithm>
#include <cstring>

namespace sluis::policy {
namespace {

constexpr std::string_view kMark = "\xEF\xBB\xBF";
constexpr std::string_view kDelimiters = ",;\t|:";
constexpr std::size_t kRowBytes = 4U << 20U;

bool all_ascii(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return (word & 0x8080808080808080ULL) == 0;
}

}  // namespace

Result<Encoding> encoding_from(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (lower == "utf-8") return Encoding::utf_8;
  if (lower == "iso-8859-1") return Encoding::iso_8859_1;
  return Error(ErrorCode::invalid_argument, "unknown encoding `" + std::string(name) + "`")
      .mended_by("known are `utf-8`, `iso-8859-1`");
}

Result<void> check_format(const CsvFormat& format) {
  if (kDelimiters.find(format.delimiter) == std::string_view::npos) {
    return Error(ErrorCode::invalid_argument, "unknown delimiter `" + std::string(1, format.delimiter) + "`")
        .mended_by("known are comma, semicolon, tab, bar and colon");
  }
  return {};
}

CsvReader::CsvReader(const CsvFormat& format) : format_(format), mark_done_(format.encoding != Encoding::utf_8) {
  for (const char c : {format_.delimiter, '"', '\r', '\n', '\0'}) special_[static_cast<unsigned char>(c)] = true;
}

Error CsvReader::refused(std::string message) const {
  return Error(ErrorCode::invalid_argument, "row " + std::to_string(row_) + ": " + std::move(message));
}

Result<void> CsvReader::feed(std::string_view bytes, const OnRow& on_row) {
  if (failed_) return Error(ErrorCode::invalid_state, "the file was refused before");
  auto result = take(bytes, on_row);
  failed_ = !result;
  return result;
}

Result<void> CsvReader::take(std::string_view bytes, const OnRow& on_row) {
  SLUIS_CHECK(check_format(format_));
  std::string first;
  if (!mark_done_) {
    mark_ += bytes;
    if (mark_.size() < kMark.size() && kMark.starts_with(mark_)) return {};
    mark_done_ = true;
    first = std::move(mark_);
    bytes = first;
    if (bytes.starts_with(kMark)) bytes.remove_prefix(kMark.size());
  }
  SLUIS_TRY(const std::string_view text, decode(bytes));
  return consume(text, on_row);
}

Result<void> CsvReader::finish(const OnRow& on_row) {
  if (failed_) return Error(ErrorCode::invalid_state, "the file was refused before");
  failed_ = true;  // nothing may follow
  if (!mark_done_ && !mark_.empty()) return refused("the file ends inside a byte order mark");
  if (utf_left_ != 0) return refused("the file ends inside a UTF-8 character");
  if (state_ == State::quoted) return refused("a quote is never closed");
  if (state_ == State::carriage_return) return refused("a lone carriage return");
  if (state_ == State::field_start && ends_.empty()) return {};
  SLUIS_CHECK(end_field());
  return end_row(on_row);
}

Result<std::string_view> CsvReader::decode(std::string_view bytes) {
  if (format_.encoding == Encoding::utf_8) {
    SLUIS_CHECK(check_utf_8(bytes));
    return bytes;
  }
  decoded_.clear();
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      decoded_ += c;
      continue;
    }
    if (byte < 0xA0) {
      return refused("a byte that ISO 8859-1 does not use in text").mended_by("declare the file's real encoding");
    }
    decoded_ += static_cast<char>(0xC0U | (byte >> 6U));
    decoded_ += static_cast<char>(0x80U | (byte & 0x3FU));
  }
  return std::string_view(decoded_);
}

/// RFC 3629, table of section 4; goes on across calls.
Result<void> CsvReader::check_utf_8(std::string_view bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    if (utf_left_ == 0) {
      while (i + 8 <= bytes.size() && all_ascii(bytes.data() + i)) i += 8;
      if (i == bytes.size()) break;
    }
    const auto byte = static_cast<std::uint8_t>(bytes[i++]);
    if (utf_left_ != 0) {
      if (byte < utf_low_ || byte > utf_high_) utf_left_ = 99;
      else --utf_left_;
      utf_low_ = 0x80;
      utf_high_ = 0xBF;
    } else if (byte >= 0x80) {
      if (byte >= 0xC2 && byte <= 0xDF) utf_left_ = 1;
      else if (byte >= 0xE0 && byte <= 0xEF) utf_left_ = 2;
      else if (byte >= 0xF0 && byte <= 0xF4) utf_left_ = 3;
      else utf_left_ = 99;
      if (byte == 0xE0) utf_low_ = 0xA0;
      if (byte == 0xED) utf_high_ = 0x9F;
      if (byte == 0xF0) utf_low_ = 0x90;
      if (byte == 0xF4) utf_high_ = 0x8F;
    }
    if (utf_left_ == 99) return refused("this is not UTF-8").mended_by("declare the file's real encoding");
  }
  return {};
}

Result<void> CsvReader::append(std::string_view text) {
  if (row_text_.size() - field_start_ + text.size() > limits::kCsvFieldBytes) {
    return Error(ErrorCode::limit_exceeded, "row " + std::to_string(row_) + ": a field has more than " +
                                                std::to_string(limits::kCsvFieldBytes) + " bytes");
  }
  if (row_text_.size() + text.size() > kRowBytes) {
    return Error(ErrorCode::limit_exceeded, "row " + std::to_string(row_) + ": more than " +
                                                std::to_string(kRowBytes) + " bytes");
  }
  row_text_ += text;
  return {};
}

Result<void> CsvReader::end_field() {
  if (ends_.size() == limits::kCsvColumns) {
    return Error(ErrorCode::limit_exceeded, "row " + std::to_string(row_) + ": more than " +
                                                std::to_string(limits::kCsvColumns) + " columns");
  }
  ends_.push_back(row_text_.size());
  field_start_ = row_text_.size();
  state_ = State::field_start;
  return {};
}

Result<void> CsvReader::end_row(const OnRow& on_row) {
  if (row_ == 1) columns_ = ends_.size();
  if (ends_.size() != columns_) {
    return refused(std::to_string(ends_.size()) + " fields where the header has " + std::to_string(columns_));
  }
  fields_.clear();
  std::size_t start = 0;
  for (const std::size_t end : ends_) {
    fields_.push_back(std::string_view(row_text_).substr(start, end - start));
    start = end;
  }
  SLUIS_CHECK(on_row(CsvRow{row_, fields_, row_quoted_}));
  row_text_.clear();
  ends_.clear();
  field_start_ = 0;
  row_quoted_ = false;
  ++row_;
  return {};
}

/// What may stand after a field.
Result<void> CsvReader::after_field(char c, const OnRow& on_row) {
  if (c == format_.delimiter) return end_field();
  if (c == '\n') {
    if (row_ == 1) crlf_ = state_ == State::carriage_return;
    SLUIS_CHECK(end_field());
    return end_row(on_row);
  }
  if (c == '\r') {
    state_ = State::carriage_return;
    return {};
  }
  if (c == '\0') return refused("a NUL byte");
  if (state_ == State::quote_in_quoted) return refused("text after a closing quote");
  return refused("a quote inside a plain field").mended_by("quote the whole field and double the quote");
}

Result<void> CsvReader::consume(std::string_view text, const OnRow& on_row) {
  std::size_t i = 0;
  while (i < text.size()) {
    switch (state_) {
      case State::field_start:
        state_ = State::plain;
        if (text[i] == '"') {
          state_ = State::quoted;
          row_quoted_ = true;
          ++i;
        }
        break;
      case State::plain: {
        std::size_t end = i;
        while (end < text.size() && !special_[static_cast<unsigned char>(text[end])]) ++end;
        if (end != i) SLUIS_CHECK(append(text.substr(i, end - i)));
        i = end;
        if (i < text.size()) SLUIS_CHECK(after_field(text[i++], on_row));
        break;
      }
      case State::quoted: {
        const std::size_t end = std::min(text.find('"', i), text.size());
        const std::string_view run = text.substr(i, end - i);
        if (run.find('\0') != std::string_view::npos) return refused("a NUL byte");
        SLUIS_CHECK(append(run));
        i = end;
        if (i < text.size()) {
          state_ = State::quote_in_quoted;
          ++i;
        }
        break;
      }
      case State::quote_in_quoted:
        if (text[i] == '"') {
          SLUIS_CHECK(append("\""));
          state_ = State::quoted;
        } else {
          SLUIS_CHECK(after_field(text[i], on_row));
        }
        ++i;
        break;
      case State::carriage_return:
        if (text[i] != '\n') return refused("a lone carriage return");
        SLUIS_CHECK(after_field(text[i++], on_row));
        break;
    }
  }
  return {};
}

void write_field(std::string& out, std::string_view field, char delimiter) {
  const char special[] = {delimiter, '"', '\r', '\n'};
  if (field.find_first_of(std::string_view(special, sizeof special)) == std::string_view::npos) {
    out += field;
    return;
  }
  out += '"';
  for (const char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

}  // namespace sluis::policy
