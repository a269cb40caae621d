#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluis::policy {

/// What stands in a cell. In CSV all is text; JSON lines say what they mean.
enum class CellKind : std::uint8_t { text, number, boolean, null, absent };

/// One row while it is worked on. Texts are UTF-8, without quotes and escapes; they may point into whoever changed
/// them, until the next row.
struct Row {
  std::uint64_t number = 0;
  std::span<std::string_view> cells;
  std::span<CellKind> kinds;  ///< as many as cells
  bool leaves = true;         ///< false: the row is left out
};

/// The words of a source that mean that nothing was measured, beside the empty field.
class Nulls {
 public:
  Nulls() = default;
  /// In JSON lines an empty string is a text, not a null.
  Nulls(std::vector<std::string> words, bool empty_is_null) : words_(std::move(words)), empty_(empty_is_null) {}
  bool is_null(std::string_view text, CellKind kind) const {
    if (kind == CellKind::null || kind == CellKind::absent) return true;
    if (text.empty()) return empty_ && kind == CellKind::text;
    for (const std::string& word : words_) {
      if (word == text) return true;
    }
    return false;
  }

 private:
  std::vector<std::string> words_;
  bool empty_ = true;
};

}  // namespace sluis::policy
