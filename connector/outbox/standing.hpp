#pragma once

#include "connector/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluis::outbox {

/// How a peer is doing.
struct PeerState {
  std::string peer;
  bool away = false;              ///< its circuit is open: one message is tried now and then, all others wait in the store
  std::int64_t failures = 0;      ///< in a row
  std::optional<Timestamp> since; ///< away since
  std::optional<Timestamp> next;  ///< when it is tried again
  std::size_t in_memory = 0;      ///< processes
};

/// How the outbox is doing.
struct Standing {
  std::uint64_t waiting = 0;     ///< messages in the store: counted at start and once a day, and kept in between
  bool counted = false;          ///< the first count is over
  std::size_t in_memory = 0;     ///< of them
  std::vector<PeerState> peers;  ///< that have any
};

}  // namespace sluis::outbox
