#include "connector/http/address_guard.hpp"

#include "connector/http/channel.hpp"
#include "connector/http/dial.hpp"
#include "connector/http/loopback.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

namespace sluis::http {
namespace {

using Bytes = std::array<unsigned char, 16>;

struct Kind {
  const char* range;
  const char* name;
};
/// IPv4 (IANA, "Special-Purpose Address Registry", and RFC 5771).
constexpr Kind kFour[] = {
    {"0.0.0.0/8", "an unspecified address"},   {"10.0.0.0/8", "an inner address"},          {"100.64.0.0/10", "an inner address of a provider (CGNAT)"},
    {"127.0.0.0/8", "this machine"},           {"169.254.0.0/16", "a link-local address"},  {"172.16.0.0/12", "an inner address"},
    {"192.0.0.0/24", "a reserved address"},    {"192.0.2.0/24", "an address for documentation"}, {"192.168.0.0/16", "an inner address"},
    {"198.18.0.0/15", "an address for measurements"}, {"198.51.100.0/24", "an address for documentation"}, {"203.0.113.0/24", "an address for documentation"},
    {"224.0.0.0/4", "a multicast address"},    {"240.0.0.0/4", "a reserved address"},
};
constexpr Kind kSix[] = {
    {"::/128", "an unspecified address"}, {"::1/128", "this machine"},           {"fc00::/7", "an inner address"},
    {"fe80::/10", "a link-local address"}, {"fec0::/10", "an inner address"},    {"ff00::/8", "a multicast address"},
    {"100::/64", "an address for nothing"}, {"2001:db8::/32", "an address for documentation"},
    {"64:ff9b:1::/48", "an address of a network's own NAT64"},  // where in it the IPv4 address stands, only that network knows (RFC 8215)
};

std::vector<std::pair<Network, std::string>> networks(std::span<const Kind> kinds) {
  std::vector<std::pair<Network, std::string>> out;
  for (const Kind& kind : kinds) out.emplace_back(*Network::parse(kind.range), kind.name);
  return out;
}

sockaddr_in four_of(const unsigned char* bytes) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  std::memcpy(&out.sin_addr, bytes, 4);
  return out;
}

/// The IPv4 address that an IPv6 address stands for, if it does: mapped (`::ffff:0:0/96`), compatible (`::/96`), translated (`::ffff:0:0:0/96`),
/// NAT64 (`64:ff9b::/96`), 6to4 (`2002::/16`). Those of Teredo are not unfolded.
std::optional<sockaddr_in> carried(const Bytes& six) {
  const auto zero = [&](std::size_t from, std::size_t to) { return std::all_of(six.begin() + from, six.begin() + to, [](unsigned char c) { return c == 0; }); };
  const bool mapped = zero(0, 10) && six[10] == 0xff && six[11] == 0xff;
  const bool compatible = zero(0, 12) && !(zero(12, 15) && six[15] <= 1);
  const bool translated = zero(0, 8) && six[8] == 0xff && six[9] == 0xff && six[10] == 0 && six[11] == 0;
  const bool nat64 = six[0] == 0 && six[1] == 0x64 && six[2] == 0xff && six[3] == 0x9b && zero(4, 12);
  if (mapped || compatible || translated || nat64) return four_of(six.data() + 12);
  if (six[0] == 0x20 && six[1] == 0x02) return four_of(six.data() + 2);
  return std::nullopt;
}

std::string kind_of(const sockaddr* address, const std::vector<std::pair<Network, std::string>>& kinds) {
  const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const auto& one) { return one.first.holds(address); });
  return found == kinds.end() ? std::string() : found->second;
}

}  // namespace

std::string address_text(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, address, sizeof four);
    ::inet_ntop(AF_INET, &four.sin_addr, text, sizeof text);
  } else if (address->sa_family == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, address, sizeof six);
    ::inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof text);
  }
  return text;
}

Error refused_address(const std::string& where, const std::string& kind) {
  return Error(ErrorCode::peer_unavailable, "`" + where + "` is not called: it is " + kind + ", where no peer may be")
      .mended_by("if peers are in such a network, name it in node.toml: `[network] inner = [\"10.1.0.0/16\"]`; else ask that party why its name leads there");
}

Result<std::vector<Address>> resolve_by_machine(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return Error(ErrorCode::peer_unavailable, "`" + host + "` is not known: " + ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  std::vector<Address> out;
  for (const addrinfo* item = found; item != nullptr; item = item->ai_next) {
    Address one;
    one.size = item->ai_addrlen;
    std::memcpy(&one.bytes, item->ai_addr, item->ai_addrlen);
    out.push_back(one);
  }
  return out;
}

AddressGuard::AddressGuard(std::vector<Network> inner, Resolver resolver) : inner_(std::move(inner)), resolver_(std::move(resolver)) {}

std::string AddressGuard::against(const sockaddr* address) const {
  static const auto kinds_of_four = networks(kFour);
  static const auto kinds_of_six = networks(kSix);
  const auto is_inner = [this](const sockaddr* one) { return std::any_of(inner_.begin(), inner_.end(), [&](const Network& network) { return network.holds(one); }); };
  if (is_inner(address)) return {};
  if (address->sa_family == AF_INET) return kind_of(address, kinds_of_four);
  if (address->sa_family != AF_INET6) return "no address of the internet";
  sockaddr_in6 six{};
  std::memcpy(&six, address, sizeof six);
  Bytes bytes;
  std::memcpy(bytes.data(), &six.sin6_addr, bytes.size());
  const auto four = carried(bytes);
  if (!four) return kind_of(address, kinds_of_six);
  const auto* within = reinterpret_cast<const sockaddr*>(&*four);
  return is_inner(within) ? std::string() : kind_of(within, kinds_of_four);
}

std::string AddressGuard::against(const std::string& host) const {
  const std::string text = without_brackets(host);
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (::getaddrinfo(text.c_str(), nullptr, &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  return against(found->ai_addr);
}

Result<int> AddressGuard::connect(const std::string& host, const std::string& port, std::chrono::steady_clock::time_point until) const {
  SLUIS_TRY(const std::vector<Address> all, resolver_(host, port));
  std::vector<Address> taken;
  std::string refused;
  for (const Address& one : all) {
    const std::string kind = against(one.native());
    if (kind.empty()) taken.push_back(one);
    else if (refused.empty()) refused = address_text(one.native()) + ", " + kind;
  }
  if (taken.empty() && !refused.empty()) return refused_address(host_and_port(host, port), refused);
  return dial(taken, host, port, until);
}

}  // namespace sluis::http
