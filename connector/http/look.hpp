#pragma once

#include "connector/crypto/x509.hpp"
#include "connector/http/address_guard.hpp"
#include "connector/http/channel.hpp"
#include "connector/http/tunnel.hpp"

#include <string>
#include <vector>

/// What can be seen of an address before any request, for whoever must know why nothing comes through. Nothing that it shows is trusted.
/// Blocking: worker threads only.
namespace sluis::http {

/// The addresses of a name, as the machine's resolver gives them (an address is its own). It has no time limit but its own.
struct Resolved {
  std::vector<std::string> v4;  ///< A
  std::vector<std::string> v6;  ///< AAAA
  std::string trouble;          ///< the resolver's words, where there is neither
};
Resolved resolve(const std::string& host);

/// Whether a connection is opened to it, where a proxy is given through that. peer_unavailable, with the reason.
Result<void> try_connection(const std::string& address, const std::string& port, std::chrono::milliseconds limit, const Proxy* proxy = nullptr);

/// A handshake with this node's certificate, where `files` has one, that takes whatever certificate comes: the peer's, its own first.
/// `guard`: which addresses may be dialled; null: any. peer_unavailable: no connection, or the handshake broke off before the certificates came.
Result<std::vector<crypto::Certificate>> look_at_certificates(const std::string& host, const std::string& port, const TlsFiles& files,
                                                              std::chrono::milliseconds limit, const Proxy* proxy = nullptr,
                                                              const AddressGuard* guard = nullptr);

/// Whether a server's certificate names this host or address, as Channel::connect asks it.
bool names_host(const crypto::Certificate& certificate, const std::string& host);

}  // namespace sluis::http
