#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace sluis::gate {

/// Counts the ended records of a CSV stream (RFC 4180, quotes understood), without its header.
class RowCounter {
 public:
  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t quote = std::min(bytes.find('"'), bytes.size());
      if (!quoted_) {
        ends_ += static_cast<std::uint64_t>(
            std::count(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(quote), '\n'));
      }
      if (quote == bytes.size()) return;
      quoted_ = !quoted_;
      bytes.remove_prefix(quote + 1);
    }
  }
  std::uint64_t rows() const { return ends_ == 0 ? 0 : ends_ - 1; }

 private:
  std::uint64_t ends_ = 0;
  bool quoted_ = false;
};

}  // namespace sluis::gate
