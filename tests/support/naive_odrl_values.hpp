#pragma once

#include "connector/base/error.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Values of the naive interpreter: its own times, durations, decimals and purposes. Shares nothing with policy/.
namespace sluis::test::naive {

using Micros = std::int64_t;  ///< since 1970, or a length

/// An instant (`first == last`), or a day [first, last).
struct When {
  Micros first = 0;
  Micros last = 0;
  bool day = false;
};

/// xsd:dateTime or xsd:date with an explicit zone; nothing for all else.
std::optional<When> read_when(std::string_view text);
/// xsd:dateTime alone.
std::optional<Micros> read_instant(std::string_view text);

/// An xsd:duration: months are kept apart, as their length depends on a calendar.
struct Length {
  std::int64_t months = 0;
  Micros rest = 0;
};
std::optional<Length> read_length(std::string_view text);
/// Months first, in the UTC calendar, where the 31st becomes the month's last day; then the rest.
Micros add(Micros instant, const Length& length);

/// A decimal in millionths: at most 12 digits before the point and 6 behind it.
std::optional<std::int64_t> read_decimal(std::string_view text);
/// Digits only, at most 12.
std::optional<std::int64_t> read_whole(std::string_view text);

/// The hierarchy of purposes, from its file of tab-separated lines: IRI, two labels, parents.
class Purposes {
 public:
  static Result<Purposes> read(std::string_view text);
  /// By full IRI or `dpv:Name`.
  std::optional<std::size_t> find(std::string_view name) const;
  bool at_or_below(std::size_t narrow, std::size_t broad) const { return below_[narrow][broad]; }
  bool related(std::size_t a, std::size_t b) const { return below_[a][b] || below_[b][a]; }
  std::size_t size() const { return names_.size(); }
  const std::string& name(std::size_t index) const { return names_[index]; }

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::vector<std::vector<bool>> below_;  ///< [narrow][broad], a purpose is below itself
};

}  // namespace sluis::test::naive
