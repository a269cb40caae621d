#pragma once

#include <string>
#include <string_view>

#include <arpa/inet.h>

namespace sluis::http {

/// Whether a numeric address, IPv6 with or without brackets, reaches this machine only. A name never does: what it stands
/// for is decided elsewhere.
inline bool is_loopback(std::string_view address) {
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  const std::string text(address);
  in_addr four{};
  if (::inet_pton(AF_INET, text.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24U) == 127U;
  in6_addr six{};
  return ::inet_pton(AF_INET6, text.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

}  // namespace sluis::http
