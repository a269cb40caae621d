#pragma once

#include "policy/minimise/zone.hpp"

#include <array>

namespace sluis::policy {

/// What a label of local time means that the clocks show twice, when they go back.
enum class Doubled : std::uint8_t { earlier, later, refuse };
/// What a row is whose label the clocks never show, when they go forward.
enum class Missing : std::uint8_t { refuse, drop };

/// How the times of a column are written. Declared with the dataset.
struct TimeFormat {
  std::string pattern;  ///< `%d/%m/%Y %H:%M`: `%Y %m %d %H %M %S`, all else literal. Empty: RFC 3339, with its offset
  std::string zone;     ///< IANA name; empty for RFC 3339 only
  Doubled doubled = Doubled::earlier;  ///< as the hour's label, that is where the doubled hour begins
  Missing missing = Missing::refuse;
  friend bool operator==(const TimeFormat&, const TimeFormat&) = default;
};
/// Refused: an unknown `%`, a part twice, no year, month and day, a pattern without zone or a zone without pattern.
Result<void> check_time_format(const TimeFormat& format);

/// A period that times are generalised to.
struct TimeStep {
  enum class Unit : std::uint8_t { minutes, day, week, month, year };
  Unit unit = Unit::day;
  std::int64_t minutes = 0;
};
/// `PT15M`, `PT1H`, `P1D`, `P7D`, `P1M`, `P1Y`; minutes and hours must divide a day. invalid_argument.
Result<TimeStep> time_step_from(std::string_view text);

/// Turns one cell after another into the beginning of its period. One thread at a time.
class TimeCell {
 public:
  enum class Outcome : std::uint8_t { replaced, left_out };

  /// `source` is the format's zone (null for RFC 3339); `target` the transform's.
  TimeCell(TimeFormat format, ZonePtr source, TimeStep step, ZonePtr target);

  /// invalid_argument: not as the pattern says, no day of the calendar, refused by `doubled` or `missing`, or beyond
  /// what the zone's table knows. The cell itself is not shown.
  Result<Outcome> read(std::string_view text);
  /// `2023-10-29T01:00:00+01:00`; valid until the next call.
  std::string_view text() const { return std::string_view(out_.data(), out_.size()); }

 private:
  struct Parts {
    int year = 0;
    unsigned month = 1, day = 1, hour = 0, minute = 0, second = 0;
  };
  Result<std::int64_t> moment(std::string_view text, bool& left_out);
  bool match(std::string_view text, Parts& parts) const;
  Result<void> write(std::int64_t utc);
  std::int64_t floor(std::int64_t local) const;

  TimeFormat format_;
  ZonePtr source_;
  TimeStep step_;
  ZonePtr target_;
  std::string last_;                ///< the text read before: neighbours are often alike
  Outcome last_outcome_ = Outcome::replaced;
  std::int64_t from_ = 1, until_ = 0;  ///< all of which begin the period that is written in out_
  std::array<char, 25> out_{};
};

}  // namespace sluis::policy
