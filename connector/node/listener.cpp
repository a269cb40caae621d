#include "connector/node/listener.hpp"

#include "connector/base/toml.hpp"

#include <charconv>

namespace sluis::node {

Result<ListenerConfig> read_listener(TomlTable& table) {
  SLUIS_TRY(const std::string listen, table.string("listen"));
  ListenerConfig listener;
  const std::size_t colon = listen.rfind(':');
  listener.address = listen.substr(0, colon);
  unsigned port = 0;
  const char* end = listen.data() + listen.size();
  if (colon == std::string::npos ||
      std::from_chars(listen.data() + colon + 1, end, port).ptr != end || port > 65535 || listener.address.empty() ||
      (listener.address.find(':') != std::string::npos && !listener.address.starts_with('['))) {
    return table.refused("listen", "`" + listen + "` is not address:port").mended_by("write 127.0.0.1:8445, or [::1]:8445");
  }
  listener.port = static_cast<std::uint16_t>(port);
  return listener;
}

}  // namespace sluis::node
