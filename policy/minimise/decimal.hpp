#pragma once

#include "connector/base/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluis::policy {

/// A decimal number without rounding: `value` / 10^`places`.
struct Decimal {
  std::int64_t value = 0;
  int places = 0;
};

/// Digits with an optional minus and at most 9 places after `sign`; no exponent, no separators of thousands, 18 digits
/// at most.
std::optional<Decimal> decimal_from(std::string_view text, char sign);
/// With exactly its places.
std::string to_string(const Decimal& number, char sign);
/// The same number with more places; nothing where it does not fit.
std::optional<Decimal> with_places(const Decimal& number, int places);
/// Nothing where it does not fit.
std::optional<Decimal> sum(const Decimal& a, const Decimal& b);
/// The largest multiple of `unit` (above 0) that is not larger, with the unit's places.
std::optional<Decimal> floor_to(const Decimal& number, const Decimal& unit);

}  // namespace sluis::policy
