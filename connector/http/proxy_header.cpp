#include "connector/http/proxy_header.hpp"

#include "connector/http/channel.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace sluis::http {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixed = 16;     ///< signature, version and command, family, length
constexpr std::size_t kFourBytes = 12; ///< two IPv4 addresses, two ports
constexpr std::size_t kSixBytes = 36;
constexpr unsigned kMappedBits = 96;   ///< before an IPv4 address in IPv6
constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

using Bytes = std::array<unsigned char, 16>;

Error malformed(const std::string& what) { return Error(ErrorCode::invalid_argument, "the PROXY header " + what); }

unsigned at(std::string_view bytes, std::size_t index) { return static_cast<unsigned char>(bytes[index]); }

Bytes mapped(const void* four) {
  Bytes out;
  std::memcpy(out.data(), kMapped, sizeof kMapped);
  std::memcpy(out.data() + sizeof kMapped, four, 4);
  return out;
}

/// Whether they are the same in so many bits.
bool alike(const Bytes& a, const Bytes& b, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) return false;
  return bits % 8 == 0 || ((a[whole] ^ b[whole]) >> (8 - bits % 8)) == 0;
}

/// What the first sixteen bytes say: how many follow.
Result<std::size_t> rest_of(std::string_view fixed) {
  if (!fixed.starts_with(kSignature)) {
    return malformed(fixed.starts_with("PROXY ") ? "is of version 1: the load balancer has to send version 2" : "is missing: the connection begins with something else");
  }
  if (at(fixed, 12) >> 4U != 2) return malformed("is of another version than 2");
  const std::size_t rest = at(fixed, 14) << 8U | at(fixed, 15);
  if (kFixed + rest > kProxyHeaderBytes) return malformed("is too long");
  return rest;
}

}  // namespace

Result<Network> Network::parse(std::string_view text) {
  const Error none = Error(ErrorCode::invalid_argument, "`" + std::string(text.substr(0, 100)) + "` is no address, nor a range of addresses")
                         .mended_by("write 10.1.2.3, 10.1.0.0/16, 2001:db8::7 or 2001:db8::/32");
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  Network out;
  unsigned char four[4];
  const bool is_four = ::inet_pton(AF_INET, address.c_str(), four) == 1;
  if (is_four) out.bytes_ = mapped(four);
  if (!is_four && ::inet_pton(AF_INET6, address.c_str(), out.bytes_.data()) != 1) return none;
  const unsigned most = is_four ? 32 : 128;
  unsigned bits = most;
  if (slash != std::string_view::npos) {
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + slash + 1, end, bits);
    if (read.ec != std::errc() || read.ptr != end || bits > most) return none;
  }
  out.prefix_ = is_four ? bits + kMappedBits : bits;
  for (unsigned bit = out.prefix_; bit < 128; ++bit) {
    if ((out.bytes_[bit / 8] >> (7 - bit % 8) & 1U) != 0) return Error(none).mended_by("the address has bits below its prefix: which is meant, that one address or the whole range?");
  }
  return out;
}

bool Network::holds(const sockaddr* address) const {
  if (address->sa_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, address, sizeof four);
    return alike(bytes_, mapped(&four.sin_addr), prefix_);
  }
  if (address->sa_family != AF_INET6) return false;
  sockaddr_in6 six{};
  std::memcpy(&six, address, sizeof six);
  Bytes theirs;
  std::memcpy(theirs.data(), &six.sin6_addr, theirs.size());
  return alike(bytes_, theirs, prefix_);
}

Result<std::string> parse_proxy_header(std::string_view bytes) {
  if (bytes.size() < kFixed) return malformed("is cut short");
  SLUIS_TRY(const std::size_t rest, rest_of(bytes));
  if (bytes.size() != kFixed + rest) return malformed("has another length than it says");
  const unsigned command = at(bytes, 12) & 0x0FU;
  if (command == 0) return std::string();  // LOCAL: whatever follows says nothing
  if (command != 1) return malformed("has an unknown command");
  const unsigned family = at(bytes, 13) >> 4U;
  const unsigned kind = at(bytes, 13) & 0x0FU;
  if (family == 0 && kind == 0) return std::string();  // UNSPEC: the load balancer does not know
  if (kind != 1 || (family != 1 && family != 2)) return malformed("is of no TCP connection over IPv4 or IPv6");
  const std::size_t addresses = family == 1 ? kFourBytes : kSixBytes;
  if (rest < addresses) return malformed("has no room for its addresses");
  for (std::size_t next = kFixed + addresses; next < bytes.size();) {  // what is told besides is passed over, piece by piece
    constexpr std::size_t kTypeAndLength = 3;
    if (bytes.size() - next < kTypeAndLength) return malformed("ends in the midst of a piece");
    next += kTypeAndLength + (at(bytes, next + 1) << 8U | at(bytes, next + 2));
    if (next > bytes.size()) return malformed("has a piece that is longer than the whole");
  }
  char text[INET6_ADDRSTRLEN] = "";
  if (::inet_ntop(family == 1 ? AF_INET : AF_INET6, bytes.data() + kFixed, text, sizeof text) == nullptr) return malformed("has an address that cannot be told");
  return std::string(text);
}

Result<std::string> read_proxy_header(int file, std::chrono::steady_clock::time_point until) {
  std::string bytes;
  std::size_t wanted = kFixed;
  char chunk[kProxyHeaderBytes];
  while (bytes.size() < wanted) {
    const auto got = receive(file, chunk, wanted - bytes.size(), until);
    if (!got) return Error(got.error().code, "no PROXY header came: " + got.error().message);
    if (*got == 0) return Error(ErrorCode::peer_unavailable, "no PROXY header came: the connection was closed");
    bytes.append(chunk, *got);
    // What cannot become one is refused before more is waited for.
    if (!kSignature.starts_with(std::string_view(bytes).substr(0, std::min(bytes.size(), kSignature.size())))) return rest_of(bytes).error();
    if (bytes.size() != kFixed || wanted != kFixed) continue;
    SLUIS_TRY(const std::size_t rest, rest_of(bytes));
    wanted += rest;
  }
  return parse_proxy_header(bytes);
}

}  // namespace sluis::http
