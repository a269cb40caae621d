#pragma once

#include "policy/minimise/csv.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace sluis::gate {

/// How many lines end in it.
inline std::uint64_t line_ends(std::string_view bytes) {
  std::uint64_t ends = 0;
  while (!bytes.empty()) {
    const std::string_view some = bytes.substr(0, 255 * 64);
    std::uint8_t lanes[64] = {};  // sums that stay below 256, side by side: the compiler takes many bytes at once
    std::size_t at = 0;
    for (; at + 64 <= some.size(); at += 64) {
      for (std::size_t lane = 0; lane < 64; ++lane) lanes[lane] = static_cast<std::uint8_t>(lanes[lane] + (some[at + lane] == '\n'));
    }
    for (; at < some.size(); ++at) ends += some[at] == '\n';
    for (const std::uint8_t lane : lanes) ends += lane;
    bytes.remove_prefix(some.size());
  }
  return ends;
}

/// Counts the ended records of a stream: of CSV (quotes understood) without its header, of JSON lines each line.
class RowCounter {
 public:
  RowCounter() = default;
  explicit RowCounter(const policy::CsvFormat& format)
      : quote_(format.form == policy::Form::csv ? format.quote : '\0'), header_(format.form == policy::Form::csv) {}
  /// Of a part that begins at byte `first`: where quotes stand open is not known there, so each line end counts.
  static RowCounter of_part(std::uint64_t first, bool csv) {
    RowCounter counter;
    counter.quote_ = '\0';
    counter.header_ = csv && first == 0;
    return counter;
  }

  /// Of what goes on behind a row, without a header.
  static RowCounter behind_row(const policy::CsvFormat& format) {
    RowCounter counter(format);
    counter.header_ = false;
    return counter;
  }

  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t quote = quote_ == '\0' ? bytes.size() : std::min(bytes.find(quote_), bytes.size());
      const std::string_view plain = bytes.substr(0, quote);
      const std::size_t last = quoted_ ? std::string_view::npos : plain.rfind('\n');
      if (last != std::string_view::npos) {
        ends_ += line_ends(plain);
        whole_ = taken_ + last + 1;
      }
      const std::size_t now = std::min(bytes.size(), quote + 1);
      if (now > quote) quoted_ = !quoted_;
      taken_ += now;
      bytes.remove_prefix(now);
    }
  }
  std::uint64_t rows() const { return ends_ == 0 || !header_ ? ends_ : ends_ - 1; }
  /// Of all bytes that were taken, those up to the end of the last record, a header included.
  std::uint64_t whole() const { return whole_; }

 private:
  char quote_ = '"';  ///< NUL: none, as none leaves
  bool header_ = true;
  std::uint64_t ends_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t whole_ = 0;
  bool quoted_ = false;
};

/// Leaves out the beginning of a stream: so many rows, and of CSV the header.
class RowSkip {
 public:
  RowSkip(std::uint64_t rows, const policy::CsvFormat& format)
      : quote_(format.form == policy::Form::csv ? format.quote : '\0'), left_(rows + (format.form == policy::Form::csv ? 1 : 0)) {}

  /// What of these bytes stands behind them.
  std::string_view rest_of(std::string_view bytes) {
    std::size_t at = 0;
    for (; at < bytes.size() && left_ != 0; ++at) {
      if (quote_ != '\0' && bytes[at] == quote_) quoted_ = !quoted_;
      else if (bytes[at] == '\n' && !quoted_) --left_;
    }
    return bytes.substr(at);
  }
  bool done() const { return left_ == 0; }

 private:
  char quote_;  ///< NUL: none
  std::uint64_t left_;
  bool quoted_ = false;
};

}  // namespace sluis::gate
