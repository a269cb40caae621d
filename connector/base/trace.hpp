#pragma once

#include "connector/base/random.hpp"

#include <string>
#include <string_view>

/// W3C Trace Context: which step of which course of events this is, over all applications that take part in it.
namespace sluis {

struct Trace {
  std::string trace_id;        ///< 16 bytes
  std::string span_id;         ///< 8 bytes, of this step
  std::string parent_span_id;  ///< 8 bytes, of the caller's; empty: it began here
  std::string flags = "00";    ///< as they came; nothing here is sampled

  /// The header that a call made in this step carries.
  std::string traceparent() const;
};

/// A step below the caller's; of a new trace where `traceparent` is missing or is none (Trace Context, section 3.2).
Trace begin_step(std::string_view traceparent, Random& random);
/// Another step below the same caller's.
Trace another_step(const Trace& step, Random& random);

}  // namespace sluis
