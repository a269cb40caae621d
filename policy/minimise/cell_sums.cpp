#include "policy/minimise/cell_sums.hpp"

#include <algorithm>
#include <charconv>

namespace sluis::policy {

/// The unknown cells of a sum are those hidden and those empty in the source. A lone hidden cell is the difference of
/// the others; a lone empty one too, which must not reveal a small count that was never published; and several unknown
/// parts together must not be small.
bool close_sum(std::span<const std::size_t> members, std::span<const std::int64_t> values, std::span<Mark> marks,
               std::int64_t threshold) {
  bool changed = false;
  for (;;) {
    std::size_t hidden = 0;
    std::size_t empty = 0;
    std::int64_t parts = 0;  // the shown ones
    for (const std::size_t index : members) {
      hidden += marks[index] == Mark::hidden ? 1U : 0U;
      empty += marks[index] == Mark::empty ? 1U : 0U;
      if (index != members.front() && marks[index] == Mark::shown) parts += values[index];
    }
    const std::size_t total = members.front();
    const Mark of_total = marks[total];
    const std::int64_t unknown_sum = of_total == Mark::shown ? values[total] - parts : parts;
    bool open = false;
    if (hidden + empty == 1) open = hidden == 1 || unknown_sum < threshold;
    else if (hidden + empty > 1 && of_total == Mark::shown) open = unknown_sum < threshold;
    if (!open) return changed;
    const std::size_t* smallest = nullptr;
    for (auto at = members.rbegin(); at != members.rend(); ++at) {  // the total last: it loses ties
      if (marks[*at] != Mark::shown) continue;
      if (smallest == nullptr || values[*at] < values[*smallest]) smallest = &*at;
    }
    if (smallest == nullptr) return changed;
    marks[*smallest] = Mark::hidden;
    changed = true;
  }
}

bool read_count(std::string_view text, std::int64_t& value) {
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || text.empty() || text.size() > 15) return false;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return true;
}

std::int64_t stable(std::int64_t value, std::int64_t threshold, std::int64_t unit) {
  if (unit < 2) return value;
  if (value < threshold) return 0;
  return std::max(threshold, (value + unit / 2) / unit * unit);
}

std::int64_t estimated(std::int64_t drawn, std::int64_t threshold, std::int64_t unit) {
  if (drawn < threshold) return 0;
  return stable((4 * drawn + 1) / 3, threshold, unit);
}

}  // namespace sluis::policy
