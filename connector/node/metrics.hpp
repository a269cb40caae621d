#pragma once

#include "connector/base/time.hpp"

#include <cstdint>
#include <string>

namespace sluis::node {

/// What a node measures of itself, at one moment.
struct Measured {
  std::uint64_t log_entries = 0;
  std::uint64_t outbox_messages = 0;  ///< that no peer has taken yet
  std::uint64_t streams = 0;          ///< running releases and receptions
  std::uint64_t findings = 0;
  bool quarantined = false;
  bool refusing = false;  ///< exchanges, as they cannot be recorded
  Timestamp started;
  std::string version;
};

/// In the text format of Prometheus, version 0.0.4. Numbers about the node alone: never a party, dataset or purpose.
std::string metrics_text(const Measured& measured);

}  // namespace sluis::node
