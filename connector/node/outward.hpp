#pragma once

#include "connector/base/error.hpp"
#include "connector/base/time.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sluis {
class TomlTable;
}
namespace sluis::http {
class AddressGuard;
struct ClientOptions;
struct Proxy;
}
namespace sluis::identity {
class Directory;
}

/// How calls leave this node (decision 28).
namespace sluis::node {

struct NodeConfig;

/// `[proxy]`: through which peers and witnesses are called.
struct ProxyConfig {
  std::string host;  ///< a name, or an address without brackets
  std::string port;
  std::filesystem::path credential;  ///< a file with the value of Proxy-Authorization; empty: none is shown
  std::vector<std::string> direct;   ///< as of http::Proxy
};

/// None: there is no such table. Each error has its place.
Result<std::optional<ProxyConfig>> read_proxy(TomlTable& root, const std::filesystem::path& folder);

/// `[network] inner`: networks in which peers may be. Each error has its place.
Result<std::vector<std::string>> read_inner(TomlTable& root);

/// Which addresses parties of the list, and the places of lists, may have (decision 39).
http::AddressGuard guard_of(const NodeConfig& config);

/// As a client takes it. Its credential is read once, so that one that cannot be used is known at start, and then for each connection.
Result<std::optional<http::Proxy>> proxy_of(const std::optional<ProxyConfig>& config);

/// How parties of the list are called: with this node's certificate, and through the proxy at addresses of the list alone. What is given outlives it.
Result<http::ClientOptions> calling_peers(const NodeConfig& config, const identity::Directory& directory, const Clock& clock);

}  // namespace sluis::node
