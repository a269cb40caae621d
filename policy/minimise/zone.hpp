#pragma once

#include "connector/base/error.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluis::policy {

/// The clocks of a place, as a table: seconds since 1970 UTC and their offset. Handed in by whoever may read files.
class ZoneTable {
 public:
  /// `offset` (seconds east of UTC) holds from `from` until the next one begins, the last one until `until`.
  struct Segment {
    std::int64_t from = 0;
    std::int64_t until = 0;
    std::int32_t offset = 0;
  };
  /// The moments at which the clocks show a time: none (an hour that is skipped), one, or two (an hour that comes
  /// twice), the earlier first.
  struct Moments {
    int count = 0;
    std::int64_t first = 0;
    std::int64_t second = 0;
  };

  /// Segments in order, without gaps between them, at least one. invalid_argument.
  static Result<ZoneTable> make(std::string name, std::vector<Segment> segments);
  /// Without any change of offset.
  static ZoneTable utc();

  const std::string& name() const { return name_; }
  /// Null where the table does not reach.
  const Segment* at(std::int64_t utc) const;
  Moments at_local(std::int64_t local) const;
  /// The first moment after a time that the clocks skip.
  std::int64_t after_skipped(std::int64_t local) const;

 private:
  std::string name_;
  std::vector<Segment> segments_;
};

using ZonePtr = std::shared_ptr<const ZoneTable>;
/// not_found: no such zone.
using ZoneSource = std::function<Result<ZonePtr>(const std::string& name)>;

/// Whether a name can be one of the IANA database: letters, digits, `+-_/`, no `..`, at most 64 bytes.
bool is_zone_name(std::string_view name);

/// Reads a TZif file (RFC 9636, versions 1 to 4), with the rule at its end until the year 2100. corruption: anything
/// that the format does not allow, and more than the limits.
Result<ZoneTable> parse_tzif(std::string_view bytes, std::string name);

}  // namespace sluis::policy
