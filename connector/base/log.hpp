#pragma once

#include "connector/base/time.hpp"

#include <atomic>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

/// Structured logging for operators: one JSON object a line on stderr. Never secrets, never data. Thread-safe.
namespace sluis::log {

using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

void info(std::string_view event, Fields fields = {});
void warning(std::string_view event, Fields fields = {});
void error(std::string_view event, Fields fields = {});

/// While it lives, every line of this thread has the field `correlation_id`. One at a time on a thread.
class Correlated {
 public:
  explicit Correlated(std::string id);
  ~Correlated();
  Correlated(const Correlated&) = delete;
  Correlated& operator=(const Correlated&) = delete;
};

/// Lets few lines a second through: who causes lines from outside cannot fill the disk with them. Thread-safe.
class Seldom {
 public:
  bool now(Timestamp time) {
    constexpr int kLinesASecond = 20;
    const auto second = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    if (second_.exchange(second) != second) lines_ = 0;
    return lines_.fetch_add(1) < kLinesASecond;
  }

 private:
  std::atomic<std::int64_t> second_ = 0;
  std::atomic<int> lines_ = 0;
};

/// A JSON string's inside, of at most 4096 bytes of it: control characters are escaped as \u00XX, bytes that are no
/// UTF-8 become U+FFFD, and other characters stay as they are.
std::string escape(std::string_view text);

}  // namespace sluis::log
