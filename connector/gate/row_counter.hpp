#pragma once

#include "policy/minimise/csv.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace sluis::gate {

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

  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t quote = quote_ == '\0' ? bytes.size() : std::min(bytes.find(quote_), bytes.size());
      if (!quoted_) {
        ends_ += static_cast<std::uint64_t>(
            std::count(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(quote), '\n'));
      }
      if (quote == bytes.size()) return;
      quoted_ = !quoted_;
      bytes.remove_prefix(quote + 1);
    }
  }
  std::uint64_t rows() const { return ends_ == 0 || !header_ ? ends_ : ends_ - 1; }

 private:
  char quote_ = '"';  ///< NUL: none, as none leaves
  bool header_ = true;
  std::uint64_t ends_ = 0;
  bool quoted_ = false;
};

}  // namespace sluis::gate
