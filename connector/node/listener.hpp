#pragma once

#include "connector/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sluis {
class TomlTable;
}

namespace sluis::node {

/// Where a listener binds, and how others reach it.
struct ListenerConfig {
  std::string address;
  std::uint16_t port = 0;
  std::string url;  ///< how others reach it, without a trailing slash
  std::vector<std::string> proxies;  ///< load balancers, each as http::Network has it, that begin connections with a PROXY header
};

/// The files of one side of TLS, PEM.
struct TlsConfig {
  std::filesystem::path chain;
  std::filesystem::path key;
  std::filesystem::path roots;  ///< who signs the others' certificates
  std::filesystem::path lists;  ///< revocation lists; empty: none is asked for
  bool allow_tls_1_2 = false;   ///< else TLS 1.3 alone
};

/// `listen = "address:port"` of a table, without its url.
Result<ListenerConfig> read_listener(TomlTable& table);

/// `min_version` of a table about TLS: whether 1.2 is taken besides 1.3.
Result<bool> read_min_version(TomlTable& table);

}  // namespace sluis::node
