#pragma once

#include "connector/base/error.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace sluis {

/// Wall time in microseconds since 1970, UTC.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;
using Duration = std::chrono::microseconds;

/// Where time comes from. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
};

/// The machine's clock.
class SystemClock final : public Clock {
 public:
  Timestamp now() const override;
};

/// `2026-11-26T01:02:03Z`, with a fraction only where there is one.
std::string format_time(Timestamp time);
/// RFC 3339 / xsd:dateTime with an explicit zone. Seconds may be left out, as in DSP's own example;
/// `24:00:00` is the next midnight. A value without a zone is refused: it is indeterminate by 14 hours.
Result<Timestamp> parse_time(std::string_view text);

/// An xsd:duration of days, hours, minutes and seconds (`P7D`, `PT36H`). Years and months are refused, as
/// their length depends on a calendar.
Result<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration duration);

}  // namespace sluis
