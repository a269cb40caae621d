#pragma once

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

/// A JSON string's inside, of at most 4096 bytes of it: control characters are escaped as \u00XX, bytes that are no
/// UTF-8 become U+FFFD, and other characters stay as they are.
std::string escape(std::string_view text);

}  // namespace sluis::log
