#pragma once

#include "connector/base/error.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/gate/wanted.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

/// How rows that go on as they come stand in a body (decision 31), to both sides of a pull.
namespace sluis::gate {

inline constexpr std::string_view kLinesType = "application/x-ndjson";
/// When nothing is to be said for so long, something is sent that is no data: so that who went away is noticed, and nobody on the way takes
/// the connection for dead. Less than a third of what `http/` waits for a next byte.
inline constexpr std::chrono::seconds kKeepAlive{5};
inline constexpr std::size_t kLiveRowBytes = 1U << 20U;  ///< a row, or an event, as it is read from a body

/// `lines`: a JSON object a line; an empty line is no data.
/// `events`: as `text/event-stream` of the HTML standard, section 9.2: an `id` that counts from 1 and a `data` of one row; a comment is no data.
enum class LiveForm : std::uint8_t { lines, events };
std::string_view media_type_of(LiveForm form);
/// Of a `Content-Type`. Nothing: the body is none that goes on as it comes.
std::optional<LiveForm> live_form(std::string_view content_type);

/// Puts rows into a body.
class LiveWriter {
 public:
  explicit LiveWriter(LiveForm form) : form_(form) {}
  /// `rows`: lines, each with its end.
  std::string write(std::string_view rows);
  /// What is no data.
  std::string_view keep_alive() const;

 private:
  LiveForm form_;
  std::uint64_t id_ = 0;
};

/// Reads them back, of any cut of the body into parts. The digest is over the rows, each with one line feed, and so are the bytes: ids, field names, comments
/// and empty lines are not in it, so the same rows have the same digest in either form.
class LiveReader {
 public:
  explicit LiveReader(LiveForm form) : form_(form) {}
  /// As much of the body as is whole with this: rows, events, and what is no data. It is counted when it is given. limit_exceeded: a row has no end.
  Result<std::string> take(std::string_view bytes);
  std::uint64_t rows() const { return rows_; }
  std::uint64_t bytes() const { return bytes_; }
  /// Once.
  Hash digest() { return digest_.finish(); }

 private:
  bool is_whole(std::string_view line);

  LiveForm form_;
  std::string waiting_;        ///< of no whole row or event yet
  std::size_t read_ = 0;       ///< of it, line by line
  crypto::Sha256 digest_;
  std::uint64_t rows_ = 0;
  std::uint64_t bytes_ = 0;
  std::string event_;          ///< rows of an event that has no end yet
  std::uint64_t event_rows_ = 0;
};

}  // namespace sluis::gate
