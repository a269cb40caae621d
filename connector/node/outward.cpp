#include "connector/node/outward.hpp"

#include "connector/base/toml.hpp"
#include "connector/http/client.hpp"
#include "connector/http/loopback.hpp"
#include "connector/http/tunnel.hpp"
#include "connector/identity/directory.hpp"
#include "connector/node/config.hpp"
#include "connector/node/secrets.hpp"

#include <algorithm>
#include <charconv>

namespace sluis::node {
namespace {

constexpr std::size_t kDirectHosts = 64;

}  // namespace

Result<std::optional<ProxyConfig>> read_proxy(TomlTable& root, const std::filesystem::path& folder) {
  SLUIS_TRY(std::optional<TomlTable> table, root.optional_table("proxy"));
  if (!table) return std::optional<ProxyConfig>();
  ProxyConfig proxy;
  SLUIS_TRY(const std::string address, table->string("address"));
  if (address.find('@') != std::string::npos) {
    return table->refused("address", "a proxy's address has no user in it").mended_by("a credential belongs in a file (0600) that `credential` names");
  }
  const std::size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  proxy.host = http::without_brackets(host);
  unsigned port = 0;
  const char* end = address.data() + address.size();
  const bool numbered = colon != std::string::npos && std::from_chars(address.data() + colon + 1, end, port).ptr == end && port > 0 && port < 65536;
  if (!numbered || !http::is_host(proxy.host) || (proxy.host == host && host.find(':') != std::string::npos)) {
    return table->refused("address", "`" + address + "` is not host:port of a proxy").mended_by("write proxy.waterrijk.example:3128, or [2001:db8::7]:3128: it is asked in clear, by CONNECT");
  }
  proxy.port = std::to_string(port);
  SLUIS_TRY(const std::optional<std::string> credential, table->optional_string("credential"));
  if (credential) proxy.credential = folder / *credential;
  SLUIS_TRY(proxy.direct, table->strings("direct"));
  if (proxy.direct.size() > kDirectHosts) return table->refused("direct", "more than 64 hosts").mended_by("write `.waterrijk.example` for all names below");
  for (std::size_t i = 0; i < proxy.direct.size(); ++i) {
    std::string& one = proxy.direct[i];
    one = http::without_brackets(one);
    if (http::is_host(one) && one != "." && (one.find(':') == std::string::npos || std::count(one.begin(), one.end(), ':') > 1)) continue;
    return Error(ErrorCode::invalid_argument, "`" + one + "` is no host that is reached directly").at(table->place("direct", i))
        .mended_by("write a name, an address, or `.waterrijk.example` for all names below; without scheme and port");
  }
  return std::optional(std::move(proxy));
}

Result<std::vector<std::string>> read_inner(TomlTable& root) {
  SLUIS_TRY(std::optional<TomlTable> table, root.optional_table("network"));
  if (!table) return std::vector<std::string>();
  SLUIS_TRY(std::vector<std::string> inner, table->strings("inner"));
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (const auto range = http::Network::parse(inner[i]); !range) return Error(range.error()).at(table->place("inner", i));
  }
  return inner;
}

http::AddressGuard guard_of(const NodeConfig& config) {
  std::vector<http::Network> inner;
  for (const std::string& range : config.inner) inner.push_back(*http::Network::parse(range));  // as the configuration was read
  // With fixed values for an identity all is on this machine: the schemes of addresses let none leave it.
  if (!config.static_identity.empty()) inner.insert(inner.end(), {*http::Network::parse("127.0.0.0/8"), *http::Network::parse("::1")});
  return http::AddressGuard(std::move(inner));
}

Result<std::optional<http::Proxy>> proxy_of(const std::optional<ProxyConfig>& config) {
  if (!config) return std::optional<http::Proxy>();
  http::Proxy proxy{config->host, config->port, {}, config->direct};
  if (!config->credential.empty()) {
    proxy.credential = [file = config->credential] { return read_credential(file); };
    SLUIS_CHECK(proxy.credential());
  }
  return std::optional(std::move(proxy));
}

Result<http::ClientOptions> calling_peers(const NodeConfig& config, const identity::Directory& directory, const Clock& clock) {
  http::ClientOptions options;
  options.tls = {config.tls.chain.string(), config.tls.key.string(), config.tls.roots.string(), config.tls.lists.string(), config.tls.allow_tls_1_2};
  options.guard = guard_of(config);
  options.allow_http = !config.static_identity.empty();  // and the scheme lets none leave this machine
  SLUIS_TRY(options.proxy, proxy_of(config.proxy));
  options.listed = [&directory, &clock](const ParticipantId& peer, std::string_view url) {
    if (!peer.empty()) return directory.origin_allowed(peer, url, clock.now());
    const auto list = directory.list();
    return list && std::any_of(list->parties.begin(), list->parties.end(), [&](const identity::Party& one) {
      return directory.origin_allowed(one.participant, url, clock.now());
    });
  };
  return options;
}

}  // namespace sluis::node
