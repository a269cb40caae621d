#pragma once

#include "connector/base/error.hpp"
#include "policy/minimise/scan.hpp"

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

/// One object a line (JSON lines) is the other form that the gate reads and writes.
enum class Form : std::uint8_t { csv, json_lines };

/// How a file is written; declared, never guessed. What leaves is written in the same way, in UTF-8 unless
/// `same_encoding`.
struct CsvFormat {
  char delimiter = ',';
  Encoding encoding = Encoding::utf_8;
  std::vector<std::string> null_words;  ///< beside the empty field; compared exactly
  char quote = '"';                     ///< 0: nothing is quoted, a quote is text
  char decimal = '.';                   ///< or a comma
  bool mark = false;                    ///< a byte order mark goes before what leaves; in a source it may always stand
  bool same_encoding = false;
  Form form = Form::csv;
  std::string file = {};                ///< for messages; may be empty
};

/// Refused: a delimiter other than comma, semicolon, tab, bar or colon; a quote other than `"`, `'` or none; a decimal
/// sign other than point or comma, or one that is the delimiter where nothing is quoted; JSON lines that are not UTF-8.
Result<void> check_format(const CsvFormat& format);

/// One row; views are valid until the callback returns.
struct CsvRow {
  std::uint64_t number;                      ///< 1 is the header
  std::span<const std::string_view> fields;  ///< UTF-8, unquoted
  std::span<const std::string_view> raw;     ///< the same as they stand in the file, with their quotes
  bool quoted;                               ///< some field was quoted
};

/// A streaming reader of RFC 4180, with the dialect's delimiter and quote. Line ends are LF or CR LF; a byte order mark
/// is removed. Refused, with the row's number, line and column (of characters): ragged rows, a quote inside a plain
/// field, text after a closing quote, a lone CR, NUL, a wrong encoding (C1 controls in ISO 8859-1 are one), fields and
/// rows beyond the limits. After an error it stays failed. Looks at 64 bytes at a time; whichever instructions do it,
/// the result is the same. One thread at a time.
class CsvReader {
 public:
  /// An error of the callback that names a field (`place.column`, from 1) and no line gets its line and column here.
  using OnRow = std::function<Result<void>(const CsvRow&)>;

  explicit CsvReader(const CsvFormat& format, ScanKind kind = best_scan());

  Result<void> feed(std::string_view bytes, const OnRow& on_row);
  /// Reads a last row without line end; an open quote is an error.
  Result<void> finish(const OnRow& on_row);
  std::uint64_t rows() const { return row_ - 1; }
  /// Whether the first line ended in CR LF.
  bool crlf() const { return crlf_; }

 private:
  struct Bad {
    std::size_t at = std::string::npos;  ///< in buffer_
    const char* message = "";
    const char* mend = "";
  };

  Result<void> take(std::string_view bytes, const OnRow& on_row);
  Result<void> append(std::string_view bytes);
  void compact();
  void scan();
  void scan_block(std::size_t at, std::size_t size, BlockMasks block);
  void bad(std::size_t at, const char* message, const char* mend = "");
  Result<void> walk(const OnRow& on_row);
  Result<void> emit(std::size_t end, std::size_t fields, const OnRow& on_row);
  Result<void> check_sizes(std::span<const std::string_view> fields) const;
  Result<void> check_tail() const;
  std::size_t length_of(std::string_view raw) const;
  std::string_view unquoted(std::string_view raw);
  std::size_t check_utf_8(std::string_view bytes);
  Error refused(std::size_t at, std::string message, ErrorCode code = ErrorCode::invalid_argument) const;

  CsvFormat format_;
  BlockScan block_scan_;
  std::string mark_;                      ///< up to three first bytes
  bool mark_done_ = false;
  std::string buffer_;                    ///< decoded; from the row that is not complete
  std::size_t begin_ = 0;                 ///< where that row begins
  std::size_t scanned_ = 0;
  std::vector<std::uint32_t> ends_;       ///< delimiters and line ends outside quotes, from begin_ on
  std::vector<std::string_view> raw_;     ///< reused
  std::vector<std::string_view> fields_;  ///< reused
  std::string unquoted_;                  ///< reused
  std::vector<BlockMasks> masks_;
  Bad bad_;
  std::uint64_t row_ = 1;
  std::uint64_t line_ = 1;                ///< of buffer_'s first byte
  std::size_t columns_ = 0;
  bool embedded_ = false;                 ///< a line end stood inside quotes
  bool quotes_seen_ = false;
  bool crlf_ = false;
  bool failed_ = false;
  bool in_quotes_ = false;                ///< after the last byte scanned, and so on
  bool after_separator_ = true;
  bool after_closing_ = false;
  bool after_return_ = false;
  std::uint32_t utf_left_ = 0;            ///< continuation bytes still due
  std::uint8_t utf_low_ = 0x80;           ///< bounds of the next one
  std::uint8_t utf_high_ = 0xBF;
};

/// Appends a field, quoted if it needs to be.
void write_field(std::string& out, std::string_view field, char delimiter, char quote = '"');
/// Appends UTF-8 as ISO 8859-1. invalid_argument: a character that it does not have.
Result<void> append_iso_8859_1(std::string& out, std::string_view utf_8);

}  // namespace sluis::policy
