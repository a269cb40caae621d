#include "tests/support/naive_odrl_values.hpp"

#include <algorithm>
#include <chrono>

namespace sluis::test::naive {
namespace {

constexpr Micros kSecond = 1'000'000;
constexpr Micros kDay = 86'400 * kSecond;

/// Reads a text from left to right; the first thing that does not fit makes `ok` false for good.
struct Reader {
  std::string_view rest;
  bool ok = true;

  bool has(char c) const { return ok && !rest.empty() && rest.front() == c; }
  bool take(char c) {
    if (!has(c)) return false;
    rest.remove_prefix(1);
    return true;
  }
  void need(char c) { ok = take(c) && ok; }
  std::string_view digits() {
    std::size_t n = 0;
    while (n < rest.size() && rest[n] >= '0' && rest[n] <= '9') ++n;
    const std::string_view found = rest.substr(0, n);
    rest.remove_prefix(n);
    return found;
  }
  static std::int64_t number(std::string_view digits) {
    std::int64_t value = 0;
    for (const char c : digits) value = value * 10 + (c - '0');
    return value;
  }
  std::int64_t exactly(std::size_t count, std::int64_t least, std::int64_t most) {
    const std::string_view found = digits();
    if (found.size() != count) return ok = false, 0;
    const std::int64_t value = number(found);
    if (value < least || value > most) ok = false;
    return value;
  }
  /// `.5` as 500000; nothing there is 0.
  Micros fraction() {
    if (!take('.')) return 0;
    std::string found(digits());
    if (found.empty() || found.size() > 6) return ok = false, 0;
    found.resize(6, '0');
    return number(found);
  }
};

/// Start of a day in UTC, as if it were written with `Z`.
Micros read_day(Reader& in) {
  const auto year = in.exactly(4, 1, 9999);
  in.need('-');
  const auto month = in.exactly(2, 1, 12);
  in.need('-');
  const auto day = in.exactly(2, 1, 31);
  if (!in.ok) return 0;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return in.ok = false, 0;
  return std::chrono::sys_days(date).time_since_epoch().count() * kDay;
}

/// What a zone is ahead of UTC. There must be one.
Micros read_zone(Reader& in) {
  if (in.take('Z')) return 0;
  const bool west = in.has('-');
  if (!in.take('-')) in.need('+');
  const auto hours = in.exactly(2, 0, 14);
  in.need(':');
  const auto minutes = in.exactly(2, 0, 59);
  if (hours == 14 && minutes != 0) in.ok = false;
  return (west ? -1 : 1) * (hours * 60 + minutes) * 60 * kSecond;
}

Micros read_time_of_day(Reader& in) {
  const auto hours = in.exactly(2, 0, 23);  // the end of a day is written as the start of the next
  in.need(':');
  const auto minutes = in.exactly(2, 0, 59);
  Micros seconds = 0;
  if (in.take(':')) {  // DSP's own example leaves the seconds out
    seconds = in.exactly(2, 0, 59) * kSecond;
    seconds += in.fraction();
  }
  return (hours * 60 + minutes) * 60 * kSecond + seconds;
}

}  // namespace

std::optional<When> read_when(std::string_view text) {
  Reader in{text};
  const Micros day = read_day(in);
  const bool whole_day = !in.take('T');
  const Micros time = whole_day ? 0 : read_time_of_day(in);
  const Micros zone = read_zone(in);
  if (!in.ok || !in.rest.empty()) return std::nullopt;
  const Micros first = day + time - zone;
  return When{first, whole_day ? first + kDay : first, whole_day};
}

std::optional<Micros> read_instant(std::string_view text) {
  const auto when = read_when(text);
  if (!when || when->day) return std::nullopt;
  return when->first;
}

std::optional<Length> read_length(std::string_view text) {
  Reader in{text};
  in.need('P');
  Length length;
  bool any = false;
  const auto take = [&](std::string_view units, bool in_time) {
    std::size_t at = 0;
    while (in.ok && !in.rest.empty() && in.rest.front() != 'T') {
      const std::string_view digits = in.digits();
      if (digits.empty() || digits.size() > 9) return void(in.ok = false);
      const std::int64_t value = Reader::number(digits);
      const bool has_fraction = in.has('.');
      const Micros fraction = in.fraction();
      if (in.rest.empty()) return void(in.ok = false);
      const std::size_t unit = units.find(in.rest.front(), at);
      if (unit == std::string_view::npos) return void(in.ok = false);
      in.rest.remove_prefix(1);
      at = unit + 1;
      any = true;
      const char name = units[unit];
      if (has_fraction && !(in_time && name == 'S')) return void(in.ok = false);
      if (in_time)
        length.rest += value * (name == 'H' ? 3600 : name == 'M' ? 60 : 1) * kSecond + fraction;
      else if (name == 'D')
        length.rest += value * kDay;
      else
        length.months += value * (name == 'Y' ? 12 : 1);
    }
  };
  take("YMD", false);
  if (in.take('T')) {
    any = false;
    take("HMS", true);
  }
  // A length beyond ten thousand years is a mistake, and would leave the calendar.
  if (!in.ok || !any || !in.rest.empty() || length.months > 120'000 || length.rest > 3'652'500 * kDay)
    return std::nullopt;
  return length;
}

Micros add(Micros instant, const Length& length) {
  using namespace std::chrono;
  const sys_time<microseconds> time{microseconds(instant)};
  const auto day = floor<days>(time);
  year_month_day date(day);
  date += months(length.months);
  if (!date.ok()) date = date.year() / date.month() / last;
  return sys_days(date).time_since_epoch().count() * kDay + (time - day).count() + length.rest;
}

std::optional<std::int64_t> read_decimal(std::string_view text) {
  Reader in{text};
  const bool negative = in.take('-');
  const std::string_view whole = in.digits();
  const std::int64_t fraction = in.fraction();
  if (!in.ok || whole.empty() || whole.size() > 12 || !in.rest.empty()) return std::nullopt;
  return (negative ? -1 : 1) * (Reader::number(whole) * 1'000'000 + fraction);
}

std::optional<std::int64_t> read_whole(std::string_view text) {
  Reader in{text};
  const std::string_view digits = in.digits();
  if (digits.empty() || digits.size() > 12 || !in.rest.empty()) return std::nullopt;
  return Reader::number(digits);
}

Result<Purposes> Purposes::read(std::string_view text) {
  Purposes purposes;
  std::vector<std::string> parents;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t first = line.find('\t');
    const std::size_t last = line.rfind('\t');
    if (first == std::string_view::npos)
      return Error(ErrorCode::invalid_argument, "a line of purposes without tabs");
    purposes.index_.emplace(line.substr(0, first), purposes.names_.size());
    purposes.names_.emplace_back(line.substr(0, first));
    parents.emplace_back(line.substr(last + 1));
  }
  const std::size_t count = purposes.names_.size();
  purposes.below_.assign(count, std::vector<bool>(count, false));
  for (std::size_t i = 0; i < count; ++i) purposes.below_[i][i] = true;
  // As many rounds as there are purposes: each adds what is above the parents, until nothing is new.
  for (bool more = true; more;) {
    more = false;
    for (std::size_t i = 0; i < count; ++i) {
      for (std::string_view rest = parents[i]; !rest.empty();) {
        const std::string_view one = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(rest.size(), one.size() + 1));
        const auto parent = purposes.find(one);
        if (!parent) return Error(ErrorCode::invalid_argument, "unknown parent " + std::string(one));
        for (std::size_t above = 0; above < count; ++above) {
          if (!purposes.below_[*parent][above] || purposes.below_[i][above]) continue;
          purposes.below_[i][above] = true;
          more = true;
        }
      }
    }
  }
  return purposes;
}

std::optional<std::size_t> Purposes::find(std::string_view name) const {
  const auto found = name.starts_with("dpv:") ? index_.find("https://w3id.org/dpv#" + std::string(name.substr(4)))
                                              : index_.find(name);
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

}  // namespace sluis::test::naive
