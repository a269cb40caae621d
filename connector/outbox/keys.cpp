#include "connector/outbox/keys.hpp"

#include <charconv>

namespace sluis::outbox {

std::string key_part(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '/') {
      out += "%2F";
    } else if (c == '%') {
      out += "%25";
    } else {
      out += c;
    }
  }
  return out;
}

std::optional<ItemKey> parse_item_key(std::string_view key) {
  constexpr std::size_t digits = 16;
  if (!key.starts_with(kPrefix)) return std::nullopt;
  key.remove_prefix(kPrefix.size());
  const std::size_t last = key.rfind('/');
  if (last == std::string_view::npos || last == 0 || key.size() - last - 1 != digits) return std::nullopt;
  const std::size_t middle = key.rfind('/', last - 1);
  if (middle == std::string_view::npos) return std::nullopt;
  ItemKey item;
  const char* const begin = key.data() + last + 1;
  const auto read = std::from_chars(begin, begin + digits, item.sequence, 16);
  if (read.ec != std::errc() || read.ptr != begin + digits) return std::nullopt;
  item.peer = key.substr(0, middle);
  item.process = key.substr(middle + 1, last - middle - 1);
  return item;
}

std::string peer_prefix(std::string_view peer) { return std::string(kPrefix).append(peer).append("/"); }

std::string process_prefix(std::string_view peer, std::string_view process) {
  return peer_prefix(peer).append(process).append("/");
}

}  // namespace sluis::outbox
