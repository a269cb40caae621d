#pragma once

#include "connector/base/error.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

struct sockaddr;

/// What a load balancer that leaves TLS alone says of the caller before the caller's first byte: the PROXY protocol, version 2
/// (haproxy, doc/proxy-protocol.txt, section 2.2).
namespace sluis::http {

/// `10.1.2.3`, `10.1.0.0/16`, `2001:db8::7`, `2001:db8::/32`.
class Network {
 public:
  /// invalid_argument: it is none; an address that has bits below its prefix is none either.
  static Result<Network> parse(std::string_view text);
  /// Whether this is the address of a socket in it. An IPv4 address is the same where IPv6 carries it (`::ffff:10.1.2.3`).
  bool holds(const sockaddr* address) const;

 private:
  std::array<unsigned char, 16> bytes_{};  ///< IPv4 as IPv6 carries it
  unsigned prefix_ = 0;                    ///< in bits of these
};

inline constexpr std::size_t kProxyHeaderBytes = 4096;  ///< with all that is told besides addresses; more is refused

/// Of the bytes of one header, and nothing behind it: the caller's address in numbers; empty where there is none (a connection of the load
/// balancer itself, as it looks whether somebody is there). invalid_argument: what it is not.
Result<std::string> parse_proxy_header(std::string_view bytes);

/// Reads one header from a socket that does not block, and not a byte more. invalid_argument as above; peer_unavailable: it did not come whole by then.
Result<std::string> read_proxy_header(int file, std::chrono::steady_clock::time_point until);

}  // namespace sluis::http
