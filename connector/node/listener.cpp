#include "connector/node/listener.hpp"

#include "connector/base/toml.hpp"

#include <charconv>

#include <arpa/inet.h>

namespace sluis::node {
namespace {

/// In brackets an IPv6 address, and one nowhere else.
bool may_be_host(const std::string& host) {
  if (!host.starts_with('[')) return !host.empty() && host.find_first_of(":[]") == std::string::npos;
  in6_addr six{};
  return host.ends_with(']') && ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &six) == 1;
}

}  // namespace

Result<ListenerConfig> read_listener(TomlTable& table) {
  SLUIS_TRY(const std::string listen, table.string("listen"));
  ListenerConfig listener;
  const std::size_t colon = listen.rfind(':');
  listener.address = listen.substr(0, colon);
  unsigned port = 0;
  const char* end = listen.data() + listen.size();
  if (colon == std::string::npos ||
      std::from_chars(listen.data() + colon + 1, end, port).ptr != end || port > 65535 || !may_be_host(listener.address)) {
    return table.refused("listen", "`" + listen + "` is not address:port").mended_by("write 127.0.0.1:8445, or [::1]:8445");
  }
  listener.port = static_cast<std::uint16_t>(port);
  return listener;
}

Result<bool> read_min_version(TomlTable& table) {
  SLUIS_TRY(const std::optional<std::string> version, table.optional_string("min_version"));
  if (!version || *version == "1.3") return false;
  if (*version == "1.2") return true;
  return table.refused("min_version", "`min_version` is `" + *version + "`, which is no version of TLS that is taken").mended_by("write \"1.3\", or \"1.2\" where somebody has no better");
}

}  // namespace sluis::node
