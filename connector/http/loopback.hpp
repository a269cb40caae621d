#pragma once

#include <string>
#include <string_view>

#include <arpa/inet.h>

namespace sluis::http {

/// A host as the resolver and certificates have it: an IPv6 address in brackets without them.
inline std::string without_brackets(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

/// Whether a numeric address, IPv6 with or without brackets, reaches this machine only. A name never does: what it stands
/// for is decided elsewhere.
inline bool is_loopback(std::string_view address) {
  const std::string text = without_brackets(address);
  in_addr four{};
  if (::inet_pton(AF_INET, text.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24U) == 127U;
  in6_addr six{};
  return ::inet_pton(AF_INET6, text.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

/// Whether a host is a name that begins as an IPv4 address does, `127.0.0.1.example`. Boost.URL 1.81 reads it as that address with a path behind
/// it, later versions as a name (RFC 3986, section 3.2.2): two nodes could go to two places, so nobody goes there.
inline bool begins_as_address(std::string_view host) {
  std::size_t dots = 0, end = 0;
  for (; end < host.size() && dots < 4; ++end) dots += host[end] == '.' ? 1 : 0;
  in_addr four{};
  return dots == 4 && ::inet_pton(AF_INET, std::string(host.substr(0, end - 1)).c_str(), &four) == 1;
}

}  // namespace sluis::http
