#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluis::outbox {

/// One step of a key: `%` and `/` are escaped, so that no two lists of steps give the same key.
std::string key_part(std::string_view text);

inline constexpr std::string_view kPrefix = "outbox/";

/// What the key of a queued message says: `outbox/<peer>/<process>/<16 hex digits>`. The peer may hold slashes, the
/// process may not.
struct ItemKey {
  std::string peer;
  std::string process;
  std::uint64_t sequence = 0;
};
/// None: not such a key.
std::optional<ItemKey> parse_item_key(std::string_view key);
/// The prefix of the keys of one peer. Those of another may begin with it too, where ids hold slashes: `parse_item_key` tells.
std::string peer_prefix(std::string_view peer);
/// The prefix of the keys of one process.
std::string process_prefix(std::string_view peer, std::string_view process);

/// The number of the last message that was ever put into the outbox, as 8 bytes.
inline constexpr std::string_view kSequenceKey = "meta/outbox-sequence";

}  // namespace sluis::outbox
