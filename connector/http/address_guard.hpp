#pragma once

#include "connector/http/proxy_header.hpp"

#include <functional>
#include <string>
#include <vector>

#include <sys/socket.h>

/// To which addresses this node goes because somebody else said so (decision 39): a name of the membership list may point anywhere, and at
/// another place the next moment, so each address is looked at as it is dialled.
namespace sluis::http {

/// An address as the resolver gives it.
struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
  const sockaddr* native() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};
/// All addresses of a host and port, in the order in which they are tried; an address is its own. peer_unavailable: there is none.
using Resolver = std::function<Result<std::vector<Address>>(const std::string& host, const std::string& port)>;
/// By the machine's resolver.
Result<std::vector<Address>> resolve_by_machine(const std::string& host, const std::string& port);

/// Takes public addresses, and those of the networks that are named. Thread-safe.
class AddressGuard {
 public:
  /// `inner`: networks of the operator's choice, in which peers may be as well.
  explicit AddressGuard(std::vector<Network> inner, Resolver resolver = &resolve_by_machine);
  /// What kind of address this is that no peer may have; empty: it may be dialled. IPv4 is the same in whatever form IPv6 carries it.
  std::string against(const sockaddr* address) const;
  /// The same of a host that is an address in numbers, in brackets or not; of a name, nothing: what it stands for is looked at when it is dialled.
  std::string against(const std::string& host) const;
  /// A connection to one of the host's addresses, each looked at right before that same one is dialled. peer_unavailable: none answers, or
  /// none may be dialled, which is said.
  Result<int> connect(const std::string& host, const std::string& port, std::chrono::steady_clock::time_point until) const;

 private:
  std::vector<Network> inner_;
  Resolver resolver_;
};

/// That `where` is not called, as it is at an address of that kind; and what an operator does about it. peer_unavailable.
Error refused_address(const std::string& where, const std::string& kind);

/// In numbers, without its port; empty: it is none of IP.
std::string address_text(const sockaddr* address);

}  // namespace sluis::http
