#include "policy/minimise/limits.hpp"
#include "policy/minimise/zone.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <optional>

namespace sluis::policy {
namespace {

using Segment = ZoneTable::Segment;

constexpr int kLastYear = 2100;
constexpr std::int64_t kBegin = -(std::int64_t{1} << 40);  ///< long before any clock

std::int64_t days_from(int year, unsigned month, unsigned day) {
  using namespace std::chrono;
  return sys_days{std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day)}
      .time_since_epoch()
      .count();
}

int year_of(std::int64_t utc) {
  using namespace std::chrono;
  return static_cast<int>(year_month_day{floor<days>(sys_seconds{seconds(utc)})}.year());
}

/// Reads big-endian numbers; once it went past the end it stays failed.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : left_(bytes) {}
  std::string_view take(std::size_t count) {
    if (left_.size() < count) {
      failed_ = true;
      return {};
    }
    const std::string_view part = left_.substr(0, count);
    left_.remove_prefix(count);
    return part;
  }
  std::int64_t number(std::size_t size) {
    const std::string_view bytes = take(size);
    std::uint64_t value = !bytes.empty() && (static_cast<unsigned char>(bytes[0]) & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
    for (const char c : bytes) value = (value << 8U) | static_cast<unsigned char>(c);
    return static_cast<std::int64_t>(value);
  }
  bool failed() const { return failed_; }
  std::string_view left() const { return left_; }

 private:
  std::string_view left_;
  bool failed_ = false;
};

struct Counts {
  std::size_t ut = 0, standard = 0, leap = 0, times = 0, types = 0, letters = 0;
  std::size_t body(std::size_t time_size) const {
    return times * (time_size + 1) + types * 6 + letters + leap * (time_size + 4) + standard + ut;
  }
};

/// The rule after the last change, as POSIX writes TZ: `CET-1CEST,M3.5.0,M10.5.0/3`.
class PosixRule {
 public:
  static std::optional<PosixRule> parse(std::string_view text) {
    PosixRule rule;
    rule.left_ = text;
    if (!rule.name()) return std::nullopt;
    const auto west = rule.clock(24);
    if (!west) return std::nullopt;
    rule.standard_ = -*west;
    if (rule.left_.empty()) return rule;
    rule.summer_ = rule.standard_ + 3600;
    if (!rule.name()) return std::nullopt;
    if (!rule.left_.empty() && rule.left_.front() != ',') {
      const auto summer_west = rule.clock(24);
      if (!summer_west) return std::nullopt;
      rule.summer_ = -*summer_west;
    }
    for (Day& day : rule.days_) {
      if (!rule.eat(',') || !rule.day(day)) return std::nullopt;
    }
    rule.changes_ = true;
    if (!rule.left_.empty()) return std::nullopt;
    return rule;
  }

  /// Adds what it says after the last segment's beginning.
  void extend(std::vector<Segment>& segments) const {
    if (!changes_) {
      segments.back().offset = segments.size() == 1 ? standard_ : segments.back().offset;
      return;
    }
    std::vector<std::pair<std::int64_t, std::int32_t>> changes;
    const std::int64_t last = segments.back().from;
    for (int year = std::max(1900, year_of(std::max<std::int64_t>(last, 0)) - 1); year < kLastYear; ++year) {
      changes.emplace_back(moment(days_[0], year) - standard_, summer_);
      changes.emplace_back(moment(days_[1], year) - summer_, standard_);
    }
    std::sort(changes.begin(), changes.end());
    for (const auto& [at, offset] : changes) {
      if (at <= last || offset == segments.back().offset) continue;
      segments.back().until = at;
      segments.push_back({at, std::numeric_limits<std::int64_t>::max(), offset});
    }
  }

 private:
  struct Day {
    char kind = 'M';
    int month = 1, week = 1, day = 0;
    std::int32_t time = 7200;
  };

  bool eat(char c) {
    if (left_.empty() || left_.front() != c) return false;
    left_.remove_prefix(1);
    return true;
  }
  bool name() {
    std::size_t size = 0;
    if (eat('<')) {
      size = left_.find('>');
      if (size == std::string_view::npos) return false;
      left_.remove_prefix(size + 1);
      return size >= 3;
    }
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    while (size < left_.size() && letter(left_[size])) ++size;
    left_.remove_prefix(size);
    return size >= 3;
  }
  std::optional<int> digits(int most) {
    int value = 0;
    std::size_t size = 0;
    while (size < left_.size() && size < 4 && left_[size] >= '0' && left_[size] <= '9') {
      value = value * 10 + (left_[size++] - '0');
    }
    left_.remove_prefix(size);
    if (size == 0 || value > most) return std::nullopt;
    return value;
  }
  std::optional<std::int32_t> clock(int most) {
    const bool minus = eat('-');
    if (!minus) eat('+');
    const auto hours = digits(most);
    if (!hours) return std::nullopt;
    std::int32_t seconds = *hours * 3600;
    for (const int unit : {60, 1}) {
      if (!eat(':')) break;
      const auto part = digits(59);
      if (!part) return std::nullopt;
      seconds += *part * unit;
    }
    return minus ? -seconds : seconds;
  }
  bool day(Day& day) {
    std::optional<int> number;
    if (eat('M')) {
      const auto month = digits(12);
      if (!month || *month == 0 || !eat('.')) return false;
      const auto week = digits(5);
      if (!week || *week == 0 || !eat('.')) return false;
      number = digits(6);
      day.month = *month;
      day.week = *week;
    } else {
      day.kind = eat('J') ? 'J' : 'n';
      number = digits(365);
    }
    if (!number) return false;
    day.day = *number;
    if (!eat('/')) return true;
    const auto time = clock(167);
    if (!time) return false;
    day.time = *time;
    return true;
  }

  /// As the clocks show it.
  static std::int64_t moment(const Day& rule, int year) {
    std::int64_t days = 0;
    const bool leap = std::chrono::year(year).is_leap();
    if (rule.kind == 'M') {
      const auto month = static_cast<unsigned>(rule.month);
      const std::int64_t first = days_from(year, month, 1);
      const std::int64_t next = month == 12 ? days_from(year + 1, 1, 1) : days_from(year, month + 1, 1);
      const std::int64_t weekday = ((first + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday
      days = first + (rule.day - weekday + 7) % 7 + 7 * (rule.week - 1);
      if (days >= next) days -= 7;
    } else {
      days = days_from(year, 1, 1) + rule.day;
      if (rule.kind == 'J') days += leap && rule.day >= 60 ? 0 : -1;  // 29 February is never counted
    }
    return days * 86'400 + rule.time;
  }

  std::string_view left_;
  std::int32_t standard_ = 0;
  std::int32_t summer_ = 0;
  bool changes_ = false;
  std::array<Day, 2> days_;
};

std::optional<std::vector<Segment>> read_body(Bytes& bytes, const Counts& counts, std::size_t time_size) {
  std::vector<std::int64_t> times;
  for (std::size_t i = 0; i < counts.times; ++i) times.push_back(bytes.number(time_size));
  const std::string_view kinds = bytes.take(counts.times);
  std::vector<std::int32_t> offsets;
  for (std::size_t i = 0; i < counts.types; ++i) {
    offsets.push_back(static_cast<std::int32_t>(bytes.number(4)));
    bytes.take(2);
  }
  bytes.take(counts.letters + counts.leap * (time_size + 4) + counts.standard + counts.ut);
  if (bytes.failed() || counts.leap != 0) return std::nullopt;  // times that count leap seconds are not ours
  std::vector<Segment> segments{{kBegin, std::numeric_limits<std::int64_t>::max(), offsets.front()}};
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto kind = static_cast<unsigned char>(kinds[i]);
    if (kind >= offsets.size() || (i > 0 && times[i] <= times[i - 1])) return std::nullopt;
    if (times[i] <= kBegin) {
      segments.back().offset = offsets[kind];
      continue;
    }
    segments.back().until = times[i];
    segments.push_back({times[i], std::numeric_limits<std::int64_t>::max(), offsets[kind]});
  }
  return segments;
}

}  // namespace

Result<ZoneTable> parse_tzif(std::string_view file, std::string name) {
  const Error refused(ErrorCode::corruption, "the table of zone `" + name.substr(0, 64) + "` is not a TZif file");
  if (file.size() > limits::kZoneBytes) {
    return Error(ErrorCode::limit_exceeded, "the table of zone `" + name.substr(0, 64) + "` has more than " +
                                                std::to_string(limits::kZoneBytes) + " bytes");
  }
  Bytes bytes(file);
  std::size_t time_size = 4;
  Counts counts;
  for (bool again = true; again;) {
    again = false;
    if (bytes.take(4) != "TZif") return refused;
    const std::string_view version = bytes.take(1);
    bytes.take(15);
    for (std::size_t* count :
         {&counts.ut, &counts.standard, &counts.leap, &counts.times, &counts.types, &counts.letters}) {
      *count = static_cast<std::size_t>(bytes.number(4)) & 0xFFFFFFFFU;
    }
    if (bytes.failed() || counts.types == 0 || counts.types > 256 || counts.times > limits::kZoneTransitions ||
        counts.letters > 4096 || counts.leap > 1024 || counts.standard > 256 || counts.ut > 256) {
      return refused;
    }
    if (time_size == 4 && version >= "2") {
      bytes.take(counts.body(4));
      time_size = 8;
      again = true;
    }
  }
  auto segments = read_body(bytes, counts, time_size);
  if (!segments) return refused;
  if (time_size == 8) {
    std::string_view footer = bytes.left();
    if (footer.size() < 2 || footer.front() != '\n' || footer.back() != '\n') return refused;
    footer = footer.substr(1, footer.size() - 2);
    if (!footer.empty()) {
      const auto rule = PosixRule::parse(footer);
      if (!rule) return refused;
      rule->extend(*segments);
    }
  }
  const std::int64_t end = days_from(kLastYear, 1, 1) * 86'400;
  while (segments->size() > 1 && segments->back().from >= end) segments->pop_back();
  segments->back().until = std::max(end, segments->back().from + 1);
  return ZoneTable::make(std::move(name), std::move(*segments));
}

}  // namespace sluis::policy
