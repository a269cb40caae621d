#include "connector/base/trace.hpp"

#include "connector/base/bytes.hpp"

#include <algorithm>

namespace sluis {
namespace {

constexpr std::size_t kTraceBytes = 16;
constexpr std::size_t kSpanBytes = 8;
constexpr std::size_t kLength = 2 + 1 + 2 * kTraceBytes + 1 + 2 * kSpanBytes + 1 + 2;

/// Lower-case digits of that many bytes which are not all zero; else empty.
std::string id_in(std::string_view digits) {
  const bool lower = std::all_of(digits.begin(), digits.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  const auto bytes = lower ? from_hex(digits) : Result<std::string>(std::string());
  return bytes && bytes->find_first_not_of('\0') != std::string::npos ? *bytes : std::string();
}

/// All zeros is no id.
std::string fresh(std::size_t bytes, Random& random) {
  std::string id;
  while (id.find_first_not_of('\0') == std::string::npos) id = random.bytes(bytes);
  return id;
}

}  // namespace

std::string Trace::traceparent() const { return "00-" + to_hex(trace_id) + "-" + to_hex(span_id) + "-" + flags; }

Trace begin_step(std::string_view traceparent, Random& random) {
  Trace step;
  const std::string_view version = traceparent.substr(0, 2);
  // A later version may say more behind what version 0 says.
  const bool long_enough = traceparent.size() == kLength || (traceparent.size() > kLength && version != "00" && traceparent[kLength] == '-');
  const bool separated = long_enough && traceparent[2] == '-' && traceparent[3 + 2 * kTraceBytes] == '-' && traceparent[kLength - 3] == '-';
  const auto is_hex = [](std::string_view two) { return two.find_first_not_of("0123456789abcdef") == std::string_view::npos; };
  if (separated && version != "ff" && is_hex(version) && is_hex(traceparent.substr(kLength - 2, 2))) {
    step.trace_id = id_in(traceparent.substr(3, 2 * kTraceBytes));
    step.parent_span_id = id_in(traceparent.substr(4 + 2 * kTraceBytes, 2 * kSpanBytes));
    step.flags = traceparent.substr(kLength - 2, 2);
  }
  if (step.trace_id.empty() || step.parent_span_id.empty()) step = Trace{fresh(kTraceBytes, random), {}, {}, "00"};
  step.span_id = fresh(kSpanBytes, random);
  return step;
}

Trace another_step(const Trace& step, Random& random) {
  Trace other = step;
  other.span_id = fresh(kSpanBytes, random);
  return other;
}

}  // namespace sluis
