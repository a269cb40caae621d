#pragma once

#include "connector/http/channel.hpp"

#include <functional>
#include <optional>

/// HTTP/1.1 messages on a channel, read with Beast's parsers.
namespace sluis::http {

struct RequestHead {
  std::string method = "GET";
  std::string target;
  std::string path;  ///< raw
  std::string query;
  Headers headers;
  bool close = false;
  bool has_body = false;
  std::uint64_t length = 0;  ///< content-length, 0 where there is none
  bool expects_continue = false;
};

struct ResponseHead {
  unsigned status = 0;
  Headers headers;
  bool close = false;
  bool framed = true;  ///< chunked, or with a length, or without a body: its end can be told from a broken connection
};

/// No name or value has a line break or NUL, so that none can add a header.
bool sendable(const Headers& headers);

/// Whether a body is compressed or otherwise coded (RFC 9110, section 8.4). None is ever read so: a small one may stand for one that has no end.
bool is_coded(const Headers& headers);

/// Status line or headers as text.
std::string head_text(unsigned status, const Headers& headers, bool close);

/// An instant as the header `Date` has it: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7), in whole seconds.
std::string http_date(Timestamp time);
/// Of that form only; nothing where it is none.
std::optional<Timestamp> parse_http_date(std::string_view text);

/// Reads messages one after another. One thread.
class MessageReader {
 public:
  explicit MessageReader(Channel& channel);
  ~MessageReader();

  /// Whether a byte came in time.
  bool wait(std::chrono::milliseconds limit);
  /// 0, or the status to refuse with (400, 408, 431).
  unsigned head(RequestHead& head, std::chrono::steady_clock::time_point deadline);
  /// 0, or 400, 408, 413.
  unsigned body(std::string& body, std::size_t limit, std::chrono::steady_clock::time_point deadline);

  /// A peer's answer. peer_unavailable where nothing came; invalid_argument where it is no HTTP, or coded in a way that was not asked for.
  Result<ResponseHead> response_head(std::chrono::steady_clock::time_point deadline);
  /// Feeds the body; whether it was complete. `limit` counts from the last byte, `deadline` is for the whole. `take` false:
  /// stops.
  bool response_body(std::chrono::milliseconds limit, std::chrono::steady_clock::time_point deadline,
                     const std::function<bool(std::string_view)>& take, Headers& trailers);
  /// Whether nothing is left that was read and belongs to no message yet.
  bool empty() const;

 private:
  struct State;
  Result<std::size_t> fill(std::chrono::milliseconds limit);
  std::unique_ptr<State> state_;
};

}  // namespace sluis::http
