#include "policy/minimise/decimal.hpp"

#include <algorithm>

namespace sluis::policy {

std::optional<Decimal> decimal_from(std::string_view text, char sign) {
  const bool minus = text.starts_with('-');
  if (minus) text.remove_prefix(1);
  Decimal number;
  int digits = 0;
  bool after = false;
  for (const char c : text) {
    if (c == sign && !after && digits > 0) {
      after = true;
      continue;
    }
    if (c < '0' || c > '9' || digits == 18) return std::nullopt;
    number.value = number.value * 10 + (c - '0');
    ++digits;
    if (after && ++number.places > 9) return std::nullopt;
  }
  if (digits == 0 || (after && number.places == 0)) return std::nullopt;
  if (minus) number.value = -number.value;
  return number;
}

std::string to_string(const Decimal& number, char sign) {
  std::string digits = std::to_string(number.value < 0 ? -number.value : number.value);
  const auto places = static_cast<std::size_t>(number.places);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  if (places > 0) digits.insert(digits.size() - places, 1, sign);
  return number.value < 0 ? "-" + digits : digits;
}

std::optional<Decimal> with_places(const Decimal& number, int places) {
  Decimal more = number;
  for (; more.places < places; ++more.places) {
    if (__builtin_mul_overflow(more.value, std::int64_t{10}, &more.value)) return std::nullopt;
  }
  return more;
}

std::optional<Decimal> sum(const Decimal& a, const Decimal& b) {
  const int places = std::max(a.places, b.places);
  const auto left = with_places(a, places);
  const auto right = with_places(b, places);
  Decimal total{0, places};
  if (!left || !right || __builtin_add_overflow(left->value, right->value, &total.value)) return std::nullopt;
  return total;
}

std::optional<Decimal> floor_to(const Decimal& number, const Decimal& unit) {
  const int places = std::max(number.places, unit.places);
  const auto value = with_places(number, places);
  const auto step = with_places(unit, places);
  if (!value || !step || step->value <= 0) return std::nullopt;
  const std::int64_t times = value->value / step->value - (value->value % step->value < 0 ? 1 : 0);
  return Decimal{times * unit.value, unit.places};
}

}  // namespace sluis::policy
