#include "policy/minimise/csv.hpp"

#include "connector/base/limits.hpp"
#include "policy/minimise/limits.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sluis::policy {
namespace {

constexpr std::string_view kMark = "\xEF\xBB\xBF";
constexpr std::string_view kDelimiters = ",;\t|:";
constexpr std::size_t kNone = std::string::npos;
constexpr std::size_t kBatch = 64;  ///< blocks scanned at a time
constexpr std::size_t kFields = 64; ///< of a row, to begin with: each stream has such a list

/// Bit `i` says whether an odd number of bits is set up to and including `i`.
std::uint64_t odd_up_to(std::uint64_t bits) {
  for (unsigned shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

bool is_set(std::uint64_t bits, std::size_t at) { return ((bits >> at) & 1U) != 0; }

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
  const auto refused = [](std::string message) { return Error(ErrorCode::invalid_argument, std::move(message)); };
  if (kDelimiters.find(format.delimiter) == kNone) {
    return refused("unknown delimiter `" + std::string(1, format.delimiter) + "`")
        .mended_by("known are comma, semicolon, tab, bar and colon");
  }
  if (format.quote != '"' && format.quote != '\'' && format.quote != '\0') {
    return refused("unknown quote `" + std::string(1, format.quote) + "`").mended_by("known are `\"`, `'` and none");
  }
  if (format.decimal != '.' && format.decimal != ',') {
    return refused("unknown decimal sign `" + std::string(1, format.decimal) + "`").mended_by("known are `.` and `,`");
  }
  if (format.form == Form::csv && format.quote == '\0' && format.decimal == format.delimiter) {
    return refused("the decimal sign is the delimiter, and nothing is quoted");
  }
  if (format.form == Form::json_lines && (format.encoding != Encoding::utf_8 || format.decimal != '.')) {
    return refused("JSON lines are in UTF-8, with decimal points");
  }
  return {};
}

CsvReader::CsvReader(const CsvFormat& format, ScanKind kind)
    : format_(format), block_scan_(block_scan(kind)), mark_done_(format.encoding != Encoding::utf_8),
      raw_(kFields), masks_(kBatch) {}

/// Where `at` is in the file: found out only now, as it is needed once.
Error CsvReader::refused(std::size_t at, std::string message, ErrorCode code) const {
  at = std::min(at, buffer_.size());
  Place place;
  place.file = format_.file;
  place.line = static_cast<std::uint32_t>(
      line_ +
      static_cast<std::uint64_t>(std::count(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at), '\n')));
  const std::size_t before = at == 0 ? kNone : buffer_.rfind('\n', at - 1);
  const std::size_t start = before == kNone ? 0 : before + 1;
  const auto characters = std::count_if(buffer_.begin() + static_cast<std::ptrdiff_t>(start),
                                        buffer_.begin() + static_cast<std::ptrdiff_t>(at),
                                        [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; });
  place.column = static_cast<std::uint32_t>(characters + 1);
  return Error(code, "row " + std::to_string(row_) + ": " + std::move(message)).at(std::move(place));
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
  compact();
  const Result<void> appended = append(bytes);
  scan();
  SLUIS_CHECK(walk(on_row));
  if (bad_.at != kNone) return refused(bad_.at, bad_.message).mended_by(bad_.mend);
  SLUIS_CHECK(appended);
  return check_tail();
}

Result<void> CsvReader::finish(const OnRow& on_row) {
  if (failed_) return Error(ErrorCode::invalid_state, "the file was refused before");
  failed_ = true;  // nothing may follow
  if (!mark_done_ && !mark_.empty()) return refused(0, "the file ends inside a byte order mark");
  if (utf_left_ != 0) return refused(buffer_.size(), "the file ends inside a UTF-8 character");
  if (in_quotes_) return refused(buffer_.size(), "a quote is never closed");
  if (after_return_) return refused(buffer_.size(), "a lone carriage return");
  if (begin_ == buffer_.size()) return {};
  ends_.push_back(static_cast<std::uint32_t>(buffer_.size()));
  buffer_ += '\n';
  return walk(on_row);
}

/// Only the row that is not complete stays.
void CsvReader::compact() {
  if (begin_ == 0) return;
  if (embedded_) {
    line_ += static_cast<std::uint64_t>(
        std::count(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), '\n'));
  } else {
    line_ = row_;
  }
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  for (std::uint32_t& end : ends_) end -= static_cast<std::uint32_t>(begin_);
  begin_ = 0;
}

Result<void> CsvReader::append(std::string_view bytes) {
  if (format_.encoding == Encoding::utf_8) {
    // Room for what is left of a row as well: else the buffer would double with the second block.
    if (buffer_.capacity() < bytes.size()) buffer_.reserve(bytes.size() + bytes.size() / 8);
    buffer_ += bytes;
    return {};
  }
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      buffer_ += c;
    } else if (byte < 0xA0) {
      bad(buffer_.size(), "a byte that ISO 8859-1 does not use in text", "declare the file's real encoding");
      return {};
    } else {
      buffer_ += static_cast<char>(0xC0U | (byte >> 6U));
      buffer_ += static_cast<char>(0x80U | (byte & 0x3FU));
    }
  }
  return {};
}

void CsvReader::bad(std::size_t at, const char* message, const char* mend) {
  if (at < bad_.at) bad_ = {at, message, mend};
}

void CsvReader::scan() {
  while (scanned_ + 64 <= buffer_.size() && bad_.at >= scanned_ + 64) {
    const std::size_t blocks = std::min(kBatch, (buffer_.size() - scanned_) / 64);
    block_scan_(buffer_.data() + scanned_, format_.delimiter, format_.quote, std::span(masks_).first(blocks));
    for (std::size_t i = 0; i < blocks && bad_.at >= scanned_ + 64; ++i, scanned_ += 64) {
      scan_block(scanned_, 64, masks_[i]);
    }
  }
  const std::size_t left = std::min(buffer_.size(), bad_.at) - std::min(scanned_, bad_.at);
  if (left == 0 || left >= 64) return;
  char padded[64] = {};
  std::memcpy(padded, buffer_.data() + scanned_, left);
  BlockMasks block;
  block_scan_(padded, format_.delimiter, format_.quote, std::span(&block, 1));
  block.nul &= (std::uint64_t{1} << left) - 1;
  scan_block(scanned_, left, block);
  scanned_ += left;
}

/// What follows from the masks of `size` bytes, at `at`: which bytes end a field, and the first one that may not stand.
void CsvReader::scan_block(std::size_t at, std::size_t size, BlockMasks block) {
  const std::size_t last = size - 1;
  if (format_.quote == '\0') block.quote = 0;
  std::uint64_t inside = 0;  // from an opening quote up to, not including, the closing one
  std::uint64_t ends = block.delimiter | block.line_feed;
  if (block.quote != 0 || in_quotes_) {
    quotes_seen_ = true;
    inside = odd_up_to(block.quote) ^ (in_quotes_ ? ~std::uint64_t{0} : 0);
    if ((block.line_feed & inside) != 0) embedded_ = true;
    ends &= ~inside;
  }
  const std::uint64_t returns = block.carriage_return & ~inside;
  if ((block.quote | block.nul | block.high | returns) != 0 || after_closing_ || after_return_ || utf_left_ != 0) {
    const std::uint64_t opening = block.quote & inside;
    const std::uint64_t closing = block.quote & ~inside;
    const std::uint64_t real = last == 63 ? ~std::uint64_t{0} : (std::uint64_t{1} << size) - 1;
    const auto first = [&](std::uint64_t bits, const char* message, const char* mend = "") {
      if ((bits & real) != 0) bad(at + static_cast<std::size_t>(std::countr_zero(bits & real)), message, mend);
    };
    first(block.nul, "a NUL byte");
    first(opening & ~(((ends | closing) << 1U) | (after_separator_ || after_closing_ ? 1U : 0U)),
          "a quote inside a plain field", "quote the whole field and double the quote");
    first(((closing << 1U) | (after_closing_ ? 1U : 0U)) & ~(ends | returns | opening), "text after a closing quote");
    first(((returns << 1U) | (after_return_ ? 1U : 0U)) & ~block.line_feed, "a lone carriage return");
    if (format_.encoding == Encoding::utf_8 && (block.high != 0 || utf_left_ != 0)) {
      const std::size_t wrong = check_utf_8(std::string_view(buffer_).substr(at, size));
      if (wrong != kNone) bad(at + wrong, "this is not UTF-8", "declare the file's real encoding");
    }
    after_closing_ = is_set(closing, last);
    after_return_ = is_set(returns, last);
  }
  in_quotes_ = is_set(inside, last);
  after_separator_ = is_set(ends, last);
  if (bad_.at < at + 64) ends &= bad_.at <= at ? 0 : (std::uint64_t{1} << (bad_.at - at)) - 1;
  while (ends != 0) {
    ends_.push_back(static_cast<std::uint32_t>(at + static_cast<std::size_t>(std::countr_zero(ends))));
    ends &= ends - 1;
  }
}

/// RFC 3629, table of section 4; goes on across calls. Where the first wrong byte is.
std::size_t CsvReader::check_utf_8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    if (utf_left_ != 0) {
      if (byte < utf_low_ || byte > utf_high_) return i;
      --utf_left_;
      utf_low_ = 0x80;
      utf_high_ = 0xBF;
    } else if (byte >= 0x80) {
      if (byte >= 0xC2 && byte <= 0xDF) utf_left_ = 1;
      else if (byte >= 0xE0 && byte <= 0xEF) utf_left_ = 2;
      else if (byte >= 0xF0 && byte <= 0xF4) utf_left_ = 3;
      else return i;
      if (byte == 0xE0) utf_low_ = 0xA0;
      if (byte == 0xED) utf_high_ = 0x9F;
      if (byte == 0xF0) utf_low_ = 0x90;
      if (byte == 0xF4) utf_high_ = 0x8F;
    }
  }
  return kNone;
}

/// Hands out the rows that are complete.
Result<void> CsvReader::walk(const OnRow& on_row) {
  const char* const base = buffer_.data();
  std::size_t start = begin_;
  std::size_t fields = 0;
  std::size_t done = 0;  // of ends_, in complete rows
  for (std::size_t i = 0; i < ends_.size(); ++i) {
    const std::size_t at = ends_[i];
    std::size_t end = at;
    const bool last = base[at] == '\n';
    const bool crlf = last && end > start && base[end - 1] == '\r';
    if (crlf) --end;
    if (fields == raw_.size() && fields < sluis::limits::kCsvColumns) raw_.resize(std::min(2 * fields, sluis::limits::kCsvColumns));
    if (fields < raw_.size()) raw_[fields] = std::string_view(base + start, end - start);
    ++fields;
    start = at + 1;
    if (!last) continue;
    if (row_ == 1) crlf_ = crlf;
    SLUIS_CHECK(emit(at, fields, on_row));
    fields = 0;
    done = i + 1;
    begin_ = start;
  }
  ends_.erase(ends_.begin(), ends_.begin() + static_cast<std::ptrdiff_t>(done));
  return {};
}

Result<void> CsvReader::emit(std::size_t end, std::size_t fields, const OnRow& on_row) {
  if (row_ == 1) {
    if (fields > sluis::limits::kCsvColumns) {
      return refused(begin_, "more than " + std::to_string(sluis::limits::kCsvColumns) + " columns",
                     ErrorCode::limit_exceeded);
    }
    columns_ = fields;
  }
  if (fields != columns_) {
    return refused(begin_, std::to_string(fields) + " fields where the header has " + std::to_string(columns_));
  }
  const std::span<const std::string_view> raw = std::span(raw_).first(fields);
  if (end - begin_ > sluis::limits::kCsvFieldBytes) SLUIS_CHECK(check_sizes(raw));
  bool quoted = false;
  if (quotes_seen_) {
    for (const std::string_view field : raw) quoted = quoted || (!field.empty() && field.front() == format_.quote);
  }
  std::span<const std::string_view> shown = raw;
  if (quoted) {
    unquoted_.clear();
    unquoted_.reserve(end - begin_);  // so that views into it stay
    fields_.clear();
    for (const std::string_view field : raw) fields_.push_back(unquoted(field));
    shown = fields_;
  }
  auto result = on_row(CsvRow{row_, shown, raw, quoted});
  if (!result) {
    Error error = result.error();
    if (error.place.line == 0 && error.place.column != 0 && error.place.column <= fields) {
      const std::size_t at = static_cast<std::size_t>(raw[error.place.column - 1].data() - buffer_.data());
      error.place = refused(at, "").place;
    }
    return error;
  }
  ++row_;
  return {};
}

std::string_view CsvReader::unquoted(std::string_view raw) {
  if (raw.empty() || raw.front() != format_.quote) return raw;
  raw = raw.substr(1, raw.size() - 2);
  std::size_t quote = raw.find(format_.quote);
  if (quote == kNone) return raw;
  const std::size_t start = unquoted_.size();
  while (quote != kNone) {
    unquoted_ += raw.substr(0, quote + 1);
    raw.remove_prefix(quote + 2);
    quote = raw.find(format_.quote);
  }
  unquoted_ += raw;
  return std::string_view(unquoted_).substr(start);
}

/// Of a field as it will be read, also where its end is still to come.
std::size_t CsvReader::length_of(std::string_view raw) const {
  if (format_.quote == '\0' || raw.empty() || raw.front() != format_.quote) return raw.size();
  const auto quotes = static_cast<std::size_t>(std::count(raw.begin(), raw.end(), format_.quote));
  return raw.size() - quotes + (quotes - 1) / 2;
}

Result<void> CsvReader::check_sizes(std::span<const std::string_view> fields) const {
  for (const std::string_view field : fields) {
    if (length_of(field) <= sluis::limits::kCsvFieldBytes) continue;
    return refused(static_cast<std::size_t>(field.data() - buffer_.data()),
                   "a field has more than " + std::to_string(sluis::limits::kCsvFieldBytes) + " bytes",
                   ErrorCode::limit_exceeded);
  }
  const std::size_t bytes =
      static_cast<std::size_t>(fields.back().data() - fields.front().data()) + fields.back().size();
  if (bytes <= limits::kRowBytes) return {};
  return refused(begin_, "more than " + std::to_string(limits::kRowBytes) + " bytes", ErrorCode::limit_exceeded);
}

/// The row whose end is still to come must not grow without bound.
Result<void> CsvReader::check_tail() const {
  if (buffer_.size() - begin_ <= sluis::limits::kCsvFieldBytes) return {};
  if (row_ == 1 && ends_.size() > sluis::limits::kCsvColumns) {
    return refused(begin_, "more than " + std::to_string(sluis::limits::kCsvColumns) + " columns",
                   ErrorCode::limit_exceeded);
  }
  const std::size_t start = ends_.empty() ? begin_ : ends_.back() + std::size_t{1};
  const std::string_view rest = std::string_view(buffer_).substr(start);
  const std::string_view whole(buffer_.data() + begin_, 0);
  const std::string_view fields[] = {whole, rest};
  return check_sizes(fields);
}

void write_field(std::string& out, std::string_view field, char delimiter, char quote) {
  const bool plain = std::none_of(field.begin(), field.end(), [&](char c) {
    return c == delimiter || c == '\n' || c == '\r' || (c == quote && quote != '\0');
  });
  if (plain || quote == '\0') {
    out += field;
    return;
  }
  out += quote;
  for (const char c : field) {
    if (c == quote) out += quote;
    out += c;
  }
  out += quote;
}

Result<void> append_iso_8859_1(std::string& out, std::string_view utf_8) {
  for (std::size_t i = 0; i < utf_8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf_8[i]);
    if (byte < 0x80) {
      out += utf_8[i];
    } else if ((byte == 0xC2 || byte == 0xC3) && i + 1 < utf_8.size()) {
      out += static_cast<char>(((byte & 3U) << 6U) | (static_cast<unsigned char>(utf_8[++i]) & 0x3FU));
    } else {
      return Error(ErrorCode::invalid_argument, "a character that ISO 8859-1 does not have");
    }
  }
  return {};
}

}  // namespace sluis::policy
