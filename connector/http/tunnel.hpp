#pragma once

#include "connector/base/error.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sluis::http {

/// A proxy through which calls go out (CONNECT: RFC 9110, section 9.3.6). It is asked in clear and learns name and port, and nothing of what
/// is said there: TLS begins behind it.
struct Proxy {
  std::string host;
  std::string port;
  /// The value of Proxy-Authorization, asked for at each connection; null: none is shown.
  std::function<Result<std::string>()> credential = {};
  std::vector<std::string> direct = {};  ///< reached without it: `node.waterrijk.example`, an address, or `.waterrijk.example` for all names below

  std::string name() const;
};

/// Whether these are the characters of a name or of an address in numbers, and some: what could end a line is no part of one.
bool is_host(std::string_view text);
/// Whether a host is reached through it. This machine never is: to the proxy, `127.0.0.1` and `localhost` are its own.
bool goes_through(const Proxy& proxy, std::string_view host);

/// A connection to host and port that the proxy opened, at which nothing was read or written yet; the caller's to close. peer_unavailable, with
/// what the proxy did: nothing reached the peer.
Result<int> connect_through(const Proxy& proxy, const std::string& host, const std::string& port, std::chrono::steady_clock::time_point until);

}  // namespace sluis::http
