#pragma once

#include "connector/http/port.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluis::gate {

inline constexpr std::size_t kWantedBytes = 1024;  ///< of each of these
inline constexpr std::string_view kEventsType = "text/event-stream";

/// What a request asks of a source, beside the dataset as such. As it came: not judged yet.
struct Wanted {
  std::string path = {};      ///< below the transfer, decoded, without the first `/`; empty: none
  std::string query = {};
  std::string range = {};     ///< the headers of RFC 9110, sections 13 and 14; empty: none came
  std::string if_match = {};
  std::string if_range = {};
  bool events = false;        ///< `Accept` has `text/event-stream`; only a live stream has that form

  /// Whether it says more than the dataset's own address does.
  bool more() const { return !(path.empty() && query.empty() && range.empty() && if_match.empty()); }
  /// For a record: what was asked, in one line.
  std::string told() const;
};
/// Headers and query of a request. What is longer than it can be is taken for something that nothing fits.
Wanted wanted_of(const http::Request& request, std::string path);

/// Bytes that are asked for: from the first on, or the last so many.
struct ByteRange {
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> last;  ///< without `first`: how many
};
/// `bytes=a-b`, `bytes=a-` or `bytes=-n`. Nothing for all else, several ranges too: such a header is ignored (RFC 9110, 14.2).
std::optional<ByteRange> one_range(std::string_view header);

/// `rows=n-`: all rows but the first n, without the header (another unit of ranges, RFC 9110, 14.1). Nothing for all else.
std::optional<std::uint64_t> row_mark(std::string_view header);

/// Bytes, or rows, `first` to `last`, both included and counted from 0, of `size`.
struct Part {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t size = 0;
  bool of_rows = false;
  std::uint64_t length() const { return last - first + 1; }
  /// As `Content-Range` has it.
  std::string told() const;
};
/// Nothing: no byte of it is there.
std::optional<Part> part_of(const ByteRange& range, std::uint64_t size);
/// `bytes a-b/n` or `rows a-b/n`, as `Part::told` writes it. Nothing for all else.
std::optional<Part> read_content_range(std::string_view header);

/// Whether a list of entity tags, or `*`, has this one; compared strongly. An empty tag is that of nothing.
bool has_tag(std::string_view list, std::string_view tag);

using QueryPairs = std::vector<std::pair<std::string, std::string>>;
/// The pairs of a query, decoded. Nothing: it cannot be read, has control characters, or a key twice.
std::optional<QueryPairs> read_query(std::string_view query);
/// Path and query of an absolute address: what stands in the request line.
std::string target_of(std::string_view url);
/// For a part of a path or query: everything but unreserved characters (RFC 3986, 2.3) as `%XX`.
std::string percent_encoded(std::string_view text);

}  // namespace sluis::gate
