#include "policy/minimise/zone.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace sluis::policy {

Result<ZoneTable> ZoneTable::make(std::string name, std::vector<Segment> segments) {
  bool ordered = !segments.empty();
  for (std::size_t i = 0; ordered && i < segments.size(); ++i) {
    ordered = segments[i].from < segments[i].until && std::abs(segments[i].offset) <= 26 * 3600 &&
              (i == 0 || segments[i - 1].until == segments[i].from);
  }
  if (!ordered) return Error(ErrorCode::invalid_argument, "the table of zone `" + name + "` is not in order");
  ZoneTable table;
  table.name_ = std::move(name);
  table.segments_ = std::move(segments);
  return table;
}

ZoneTable ZoneTable::utc() {
  ZoneTable table;
  table.name_ = "UTC";
  table.segments_ = {{std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), 0}};
  return table;
}

const ZoneTable::Segment* ZoneTable::at(std::int64_t utc) const {
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), utc,
                                      [](std::int64_t time, const Segment& segment) { return time < segment.from; });
  if (after == segments_.begin()) return nullptr;
  const Segment& segment = *(after - 1);
  return utc < segment.until ? &segment : nullptr;
}

ZoneTable::Moments ZoneTable::at_local(std::int64_t local) const {
  Moments found;
  // Offsets are below 27 hours, so the segments in question are those around that time as if it were UTC.
  auto segment = std::upper_bound(segments_.begin(), segments_.end(), local - 27 * 3600,
                                  [](std::int64_t time, const Segment& one) { return time < one.from; });
  if (segment != segments_.begin()) --segment;
  for (; segment != segments_.end() && segment->from <= local + 27 * 3600; ++segment) {
    const std::int64_t utc = local - segment->offset;
    if (utc < segment->from || utc >= segment->until) continue;
    if (found.count == 0) found.first = utc;
    found.second = utc;
    found.count = std::min(found.count + 1, 2);
  }
  return found;
}

std::int64_t ZoneTable::after_skipped(std::int64_t local) const {
  for (const Segment& segment : segments_) {
    if (segment.from + segment.offset > local) return segment.from;
  }
  return segments_.back().from;
}

bool is_zone_name(std::string_view name) {
  const bool letters = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
           c == '_' || c == '/';
  });
  return letters && !name.empty() && name.size() <= 64 && name.front() != '/' && name.back() != '/' &&
         name.find("//") == std::string_view::npos;
}

}  // namespace sluis::policy
