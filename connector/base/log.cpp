#include "connector/base/log.hpp"

#include "connector/base/utf8.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace sluis::log {
namespace {

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = spdlog::stderr_logger_mt("sluis");
    made->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v})", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *instance;
}

thread_local std::string correlation_id;  // NOLINT: that is its meaning

void write(spdlog::level::level_enum level, std::string_view event, Fields fields) {
  std::string line = R"("event":")" + escape(event) + "\"";
  for (const auto& [key, value] : fields) line += ",\"" + escape(key) + "\":\"" + escape(value) + "\"";
  if (!correlation_id.empty()) line += R"(,"correlation_id":")" + escape(correlation_id) + "\"";
  logger().log(level, "{}", line);
}

}  // namespace

std::string escape(std::string_view text) {
  constexpr std::size_t kMost = 4096;
  std::string out;
  out.reserve(std::min(text.size(), kMost));
  std::size_t taken = 0;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::size_t step = std::max<std::size_t>(length, 1);
    taken += step;
    if (taken > kMost) break;
    const char c = text.front();
    if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else if (length > 1) {
      out += text.substr(0, length);
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
    text.remove_prefix(step);
  }
  return out;
}

Correlated::Correlated(std::string id) { correlation_id = std::move(id); }
Correlated::~Correlated() { correlation_id.clear(); }

void info(std::string_view event, Fields fields) { write(spdlog::level::info, event, fields); }
void warning(std::string_view event, Fields fields) { write(spdlog::level::warn, event, fields); }
void error(std::string_view event, Fields fields) { write(spdlog::level::err, event, fields); }

}  // namespace sluis::log
