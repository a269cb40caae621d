#include "policy/minimise/time_cell.hpp"

#include "connector/base/time.hpp"
#include "policy/minimise/limits.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <limits>

namespace sluis::policy {
namespace {

constexpr std::int64_t kDay = 86'400;

Error refused(std::string message) { return Error(ErrorCode::invalid_argument, std::move(message)); }

/// Floor division.
std::int64_t whole(std::int64_t value, std::int64_t unit) { return value / unit - (value % unit < 0 ? 1 : 0); }

void put_two(char* at, std::int64_t value) {
  at[0] = static_cast<char>('0' + value / 10);
  at[1] = static_cast<char>('0' + value % 10);
}

std::chrono::year_month_day date_of(std::int64_t local) {
  return std::chrono::year_month_day{std::chrono::sys_days{std::chrono::days(whole(local, kDay))}};
}

std::int64_t seconds_of(std::chrono::year_month_day date) {
  return std::chrono::sys_days{date}.time_since_epoch().count() * kDay;
}

}  // namespace

Result<void> check_time_format(const TimeFormat& format) {
  if (format.pattern.empty()) {
    if (!format.zone.empty()) {
      return refused("times with an offset of their own need no zone").mended_by("give a `pattern`, or no `zone`");
    }
    return {};
  }
  if (!is_zone_name(format.zone)) return refused("`" + format.zone + "` is not the name of a time zone");
  if (format.pattern.size() > limits::kPatternBytes) {
    return Error(ErrorCode::limit_exceeded,
                 "a pattern has more than " + std::to_string(limits::kPatternBytes) + " bytes");
  }
  std::string seen;
  for (std::size_t i = 0; i < format.pattern.size(); ++i) {
    if (format.pattern[i] != '%') continue;
    const char part = ++i < format.pattern.size() ? format.pattern[i] : '\0';
    if (std::string_view("YmdHMS").find(part) == std::string_view::npos || part == '\0') {
      return refused("a pattern of times has `%` before something unknown").mended_by("known are `%Y %m %d %H %M %S`");
    }
    if (seen.find(part) != std::string::npos) {
      return refused("a pattern of times has `%" + std::string(1, part) + "` twice");
    }
    seen += part;
  }
  for (const char part : {'Y', 'm', 'd'}) {
    if (seen.find(part) == std::string::npos) {
      return refused("a pattern of times has no `%" + std::string(1, part) + "`");
    }
  }
  return {};
}

Result<TimeStep> time_step_from(std::string_view text) {
  if (text == "P1D") return TimeStep{TimeStep::Unit::day, 0};
  if (text == "P7D" || text == "P1W") return TimeStep{TimeStep::Unit::week, 0};
  if (text == "P1M") return TimeStep{TimeStep::Unit::month, 0};
  if (text == "P1Y") return TimeStep{TimeStep::Unit::year, 0};
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data() + std::min<std::size_t>(2, text.size()), end, number);
  if (text.starts_with("PT") && failure == std::errc() && stop + 1 == end && number > 0 && number <= 1440) {
    if (*stop == 'H') number *= 60;
    if ((*stop == 'H' || *stop == 'M') && number < 1440 && 1440 % number == 0) {
      return TimeStep{TimeStep::Unit::minutes, number};
    }
  }
  return refused("`" + std::string(text.substr(0, 32)) + "` is no period that times can be generalised to")
      .mended_by("known are minutes and hours that divide a day (`PT15M`, `PT1H`), `P1D`, `P7D`, `P1M`, `P1Y`");
}

TimeCell::TimeCell(TimeFormat format, ZonePtr source, TimeStep step, ZonePtr target)
    : format_(std::move(format)), source_(std::move(source)), step_(step), target_(std::move(target)) {}

bool TimeCell::match(std::string_view text, Parts& parts) const {
  const std::string_view pattern = format_.pattern;
  std::size_t at = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      if (at == text.size() || text[at++] != pattern[i]) return false;
      continue;
    }
    const char part = pattern[++i];
    const std::size_t size = part == 'Y' ? 4 : 2;
    if (text.size() - at < size) return false;
    unsigned value = 0;
    for (std::size_t end = at + size; at < end; ++at) {
      const unsigned digit = static_cast<unsigned char>(text[at]) - unsigned{'0'};
      if (digit > 9) return false;
      value = value * 10 + digit;
    }
    switch (part) {
      case 'Y': parts.year = static_cast<int>(value); break;
      case 'm': parts.month = value; break;
      case 'd': parts.day = value; break;
      case 'H': parts.hour = value; break;
      case 'M': parts.minute = value; break;
      default: parts.second = value; break;
    }
  }
  return at == text.size() && parts.hour < 24 && parts.minute < 60 && parts.second < 60;
}

/// The moment, in seconds since 1970 UTC.
Result<std::int64_t> TimeCell::moment(std::string_view text, bool& left_out) {
  if (format_.pattern.empty()) {
    const auto time = parse_time(text);
    if (!time) return refused("is no time with an offset");
    return std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count();
  }
  Parts parts;
  if (!match(text, parts)) return refused("is no time as its pattern says");
  const std::chrono::year_month_day date{std::chrono::year(parts.year), std::chrono::month(parts.month),
                                         std::chrono::day(parts.day)};
  if (!date.ok()) return refused("is no day of the calendar");
  const std::int64_t local = seconds_of(date) + parts.hour * 3600 + parts.minute * 60 + parts.second;
  const ZoneTable::Moments moments = source_->at_local(local);
  if (moments.count == 1) return moments.first;
  if (moments.count == 2) {
    if (format_.doubled == Doubled::refuse) {
      return refused("is a time that comes twice on the clocks of `" + format_.zone + "`");
    }
    return format_.doubled == Doubled::earlier ? moments.first : moments.second;
  }
  if (source_->at(local) == nullptr) return refused("is beyond what is known of the zone `" + format_.zone + "`");
  if (format_.missing == Missing::refuse) return refused("is a time that the clocks of `" + format_.zone + "` skip");
  left_out = true;
  return std::int64_t{0};
}

Result<TimeCell::Outcome> TimeCell::read(std::string_view text) {
  if (text == last_ && !last_.empty()) return last_outcome_;
  bool left_out = false;
  SLUIS_TRY(const std::int64_t utc, moment(text, left_out));
  last_.clear();
  if (!left_out && (utc < from_ || utc >= until_)) SLUIS_CHECK(write(utc));
  last_ = text;
  last_outcome_ = left_out ? Outcome::left_out : Outcome::replaced;
  return last_outcome_;
}

std::int64_t TimeCell::floor(std::int64_t local) const {
  const std::int64_t day = whole(local, kDay) * kDay;
  switch (step_.unit) {
    case TimeStep::Unit::minutes: return day + whole(local - day, step_.minutes * 60) * step_.minutes * 60;
    case TimeStep::Unit::day: return day;
    case TimeStep::Unit::week: return day - ((whole(day, kDay) + 3) % 7 + 7) % 7 * kDay;  // 1970-01-01 was a Thursday
    case TimeStep::Unit::month: return seconds_of(date_of(local).year() / date_of(local).month() / 1);
    case TimeStep::Unit::year: return seconds_of(date_of(local).year() / 1 / 1);
  }
  return day;
}

/// The beginning of the period of a moment. Where the clocks skip it, the period begins when they go on; where they
/// show it twice, a period of hours is the one that the moment is in, and a longer one begins the first time.
Result<void> TimeCell::write(std::int64_t utc) {
  const auto unknown = [&] { return refused("is beyond what is known of the zone `" + target_->name() + "`"); };
  const ZoneTable::Segment* now = target_->at(utc);
  if (now == nullptr) return unknown();
  const std::int64_t floored = floor(utc + now->offset);
  const ZoneTable::Moments moments = target_->at_local(floored);
  std::int64_t begin = moments.first;
  if (moments.count == 0) begin = target_->after_skipped(floored);
  if (moments.count == 2 && step_.unit == TimeStep::Unit::minutes && moments.second <= utc) begin = moments.second;
  const ZoneTable::Segment* segment = target_->at(begin);
  if (segment == nullptr || segment->offset % 60 != 0) return unknown();
  const std::int64_t local = begin + segment->offset;
  const auto date = date_of(local);
  const int year = static_cast<int>(date.year());
  if (year < 0 || year > 9999) return unknown();
  char* const out = out_.data();
  put_two(out, year / 100);
  put_two(out + 2, year % 100);
  out[4] = out[7] = '-';
  put_two(out + 5, static_cast<unsigned>(date.month()));
  put_two(out + 8, static_cast<unsigned>(date.day()));
  const std::int64_t second = local - whole(local, kDay) * kDay;
  out[10] = 'T';
  put_two(out + 11, second / 3600);
  out[13] = out[16] = ':';
  put_two(out + 14, second / 60 % 60);
  put_two(out + 17, second % 60);
  out[19] = segment->offset < 0 ? '-' : '+';
  const std::int64_t offset = std::abs(segment->offset);
  put_two(out + 20, offset / 3600);
  out[22] = ':';
  put_two(out + 23, offset / 60 % 60);
  // Another moment gets the same text where its clock time is in the same period and no change lies between.
  from_ = utc;
  until_ = utc + 1;
  if (step_.unit == TimeStep::Unit::minutes && begin <= utc && segment == now) {
    from_ = begin;
    until_ = std::min(now->until, begin + step_.minutes * 60);
  }
  return {};
}

}  // namespace sluis::policy
