#include "connector/base/time.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace sluis {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Error bad_time(std::string_view text) {
  return Error(ErrorCode::invalid_argument, "`" + std::string(text) + "` is not a date and time with a zone")
      .mended_by("write it like `2026-11-26T09:00:00Z`");
}

/// Takes `count` digits off the front.
bool take_digits(std::string_view& rest, std::size_t count, int& value) {
  if (rest.size() < count) return false;
  value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (rest[i] < '0' || rest[i] > '9') return false;
    value = value * 10 + (rest[i] - '0');
  }
  rest.remove_prefix(count);
  return true;
}

bool take(std::string_view& rest, char c) {
  if (rest.empty() || rest.front() != c) return false;
  rest.remove_prefix(1);
  return true;
}

}  // namespace

Timestamp SystemClock::now() const {
  return std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
}

std::string format_time(Timestamp time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                 clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (const auto fraction = clock.subseconds().count(); fraction != 0) text += fmt::format(".{:06}", fraction);
  return text + "Z";
}

Result<Timestamp> parse_time(std::string_view text) {
  std::string_view rest = text;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!take_digits(rest, 4, year) || !take(rest, '-') || !take_digits(rest, 2, month) || !take(rest, '-') ||
      !take_digits(rest, 2, day) || !take(rest, 'T') || !take_digits(rest, 2, hour) || !take(rest, ':') ||
      !take_digits(rest, 2, minute)) {
    return bad_time(text);
  }
  std::int64_t fraction = 0;
  if (take(rest, ':')) {
    if (!take_digits(rest, 2, second)) return bad_time(text);
    if (take(rest, '.')) {
      std::size_t digits = 0;
      while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
        if (digits < 6) fraction = fraction * 10 + (rest.front() - '0');
        ++digits;
        rest.remove_prefix(1);
      }
      if (digits == 0 || digits > 12) return bad_time(text);
      for (; digits < 6; ++digits) fraction *= 10;
    }
  }
  minutes offset{0};
  if (!take(rest, 'Z')) {
    const bool minus = !rest.empty() && rest.front() == '-';
    int zone_hour = 0, zone_minute = 0;
    if ((!take(rest, '-') && !take(rest, '+')) || !take_digits(rest, 2, zone_hour) || !take(rest, ':') ||
        !take_digits(rest, 2, zone_minute) || zone_hour > 14 || zone_minute > 59) {
      return bad_time(text);
    }
    offset = hours(zone_hour) + minutes(zone_minute);
    if (minus) offset = -offset;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  const bool midnight = hour == 24 && minute == 0 && second == 0 && fraction == 0;
  if (!rest.empty() || !date.ok() || (hour > 23 && !midnight) || minute > 59 || second > 59) return bad_time(text);
  return Timestamp(std::chrono::sys_days(date)) + hours(hour) + minutes(minute) + seconds(second) +
         microseconds(fraction) - offset;
}

namespace {

Error finer_than_microseconds(std::string_view text) {
  return Error(ErrorCode::invalid_argument, "`" + std::string(text.substr(0, 200)) + "` is finer than a microsecond")
      .mended_by("write at most 6 digits after the point of the seconds");
}

/// `.5` of a second, without zeros at its end; nothing of none.
std::string fraction_of(Duration part) {
  if (part.count() == 0) return "";
  std::string digits = std::to_string(1'000'000 + part.count()).substr(1);
  digits.erase(digits.find_last_not_of('0') + 1);
  return "." + digits;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const Error bad = Error(ErrorCode::invalid_argument, "`" + std::string(text) + "` is not a duration")
                        .mended_by("write days, hours, minutes and seconds, like `P7D`, `PT36H` or `PT1.5S`");
  std::string_view rest = text;
  if (!take(rest, 'P') || rest.empty()) return bad;
  Duration total{0};
  bool in_time = false;
  std::string_view order = "DHMS";  // each unit at most once, in this order
  while (!rest.empty()) {
    if (take(rest, 'T')) {
      if (in_time || rest.empty()) return bad;
      in_time = true;
      continue;
    }
    std::int64_t count = 0;
    std::size_t digits = 0;
    for (; !rest.empty() && rest.front() >= '0' && rest.front() <= '9'; rest.remove_prefix(1)) {
      count = count * 10 + (rest.front() - '0');
      if (++digits > 7) return bad;
    }
    if (digits == 0 || rest.empty()) return bad;
    std::int64_t fraction = 0;  // microseconds
    const bool has_fraction = take(rest, '.');
    if (has_fraction) {
      digits = 0;
      for (; !rest.empty() && rest.front() >= '0' && rest.front() <= '9'; rest.remove_prefix(1)) {
        if (++digits <= 6) fraction = fraction * 10 + (rest.front() - '0');
        else if (rest.front() != '0') return finer_than_microseconds(text);
      }
      if (digits == 0 || !rest.starts_with('S')) return bad;
      for (; digits < 6; ++digits) fraction *= 10;
    }
    if (rest.empty()) return bad;
    const char unit = rest.front();
    rest.remove_prefix(1);
    const std::size_t at = order.find(unit);
    if (at == std::string_view::npos || (unit == 'D') == in_time) return bad;
    order.remove_prefix(at + 1);
    switch (unit) {
      case 'D': total += days(count); break;
      case 'H': total += hours(count); break;
      case 'M': total += minutes(count); break;
      default: total += seconds(count) + microseconds(fraction); break;
    }
  }
  return total;
}

std::string format_duration(Duration duration) {
  const auto whole_days = std::chrono::floor<days>(duration);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<seconds>(duration - whole_days));
  const std::string fraction = fraction_of(duration - std::chrono::floor<seconds>(duration));
  std::string text = "P";
  if (whole_days.count() != 0) text += std::to_string(whole_days.count()) + "D";
  std::string part;
  if (clock.hours().count() != 0) part += std::to_string(clock.hours().count()) + "H";
  if (clock.minutes().count() != 0) part += std::to_string(clock.minutes().count()) + "M";
  if (clock.seconds().count() != 0 || !fraction.empty()) part += std::to_string(clock.seconds().count()) + fraction + "S";
  if (!part.empty()) text += "T" + part;
  return text == "P" ? "PT0S" : text;
}

}  // namespace sluis
