#pragma once

#include "connector/base/error.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluis::policy {

enum class Encoding : std::uint8_t { utf_8, iso_8859_1 };
/// `utf-8` or `iso-8859-1`, in any case; others are refused.
Result<Encoding> encoding_from(std::string_view name);

/// How a file is written; declared, never guessed.
struct CsvFormat {
  char delimiter = ',';
  Encoding encoding = Encoding::utf_8;
  std::vector<std::string> null_words;  ///< beside the empty field; compared exactly
};

/// Refused: a delimiter other than comma, semicolon, tab, bar or colon.
Result<void> check_format(const CsvFormat& format);

/// One row; views are valid until the callback returns.
struct CsvRow {
  std::uint64_t number;                      ///< 1 is the header
  std::span<const std::string_view> fields;  ///< UTF-8, unquoted
  bool quoted;                               ///< some field was quoted
};

/// A streaming reader of RFC 4180. Line ends are LF or CR LF; a byte order mark is removed. Refused, with the row's
/// number: ragged rows, a quote inside a plain field, text after a closing quote, a lone CR, NUL, a wrong encoding
/// (C1 controls in ISO 8859-1 are one), fields and rows beyond the limits. After an error it stays failed.
/// One thread at a time.
class CsvReader {
 public:
  using OnRow = std::function<Result<void>(const CsvRow&)>;

  explicit CsvReader(const CsvFormat& format);

  Result<void> feed(std::string_view bytes, const OnRow& on_row);
  /// Reads a last row without line end; an open quote is an error.
  Result<void> finish(const OnRow& on_row);
  std::uint64_t rows() const { return row_ - 1; }
  /// Whether the first line ended in CR LF.
  bool crlf() const { return crlf_; }

 private:
  enum class State : std::uint8_t { field_start, plain, quoted, quote_in_quoted, carriage_return };

  Result<void> take(std::string_view bytes, const OnRow& on_row);
  Result<std::string_view> decode(std::string_view bytes);
  Result<void> check_utf_8(std::string_view bytes);
  Result<void> after_field(char c, const OnRow& on_row);
  Result<void> consume(std::string_view text, const OnRow& on_row);
  Result<void> append(std::string_view text);
  Result<void> end_field();
  Result<void> end_row(const OnRow& on_row);
  Error refused(std::string message) const;

  CsvFormat format_;
  State state_ = State::field_start;
  std::string row_text_;                  ///< the decoded fields of this row, one after another
  std::vector<std::size_t> ends_;         ///< where each field ends in it
  std::vector<std::string_view> fields_;  ///< reused
  std::string decoded_;                   ///< reused
  std::string mark_;                      ///< up to three first bytes
  bool mark_done_ = false;
  std::array<bool, 256> special_{};       ///< what ends a run of plain text
  std::size_t field_start_ = 0;           ///< in row_text_
  std::uint64_t row_ = 1;
  std::size_t columns_ = 0;
  bool row_quoted_ = false;
  bool crlf_ = false;
  bool failed_ = false;
  std::uint32_t utf_left_ = 0;            ///< continuation bytes still due
  std::uint8_t utf_low_ = 0x80;           ///< bounds of the next one
  std::uint8_t utf_high_ = 0xBF;
};

/// Appends a field, quoted if it needs to be.
void write_field(std::string& out, std::string_view field, char delimiter);

}  // namespace sluis::policy
