#include "connector/http/look.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace sluis::http {
namespace {

using Steady = std::chrono::steady_clock;

/// Of one family; the resolver's error, or 0.
int addresses(const std::string& host, int family, std::vector<std::string>& into) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) return error;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  for (const addrinfo* item = found; item != nullptr; item = item->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(item->ai_addr, item->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) continue;
    if (std::find(into.begin(), into.end(), text) == into.end()) into.emplace_back(text);
  }
  return 0;
}

bool is_address(const std::string& host) {
  in6_addr any{};
  return ::inet_pton(AF_INET, host.c_str(), &any) == 1 || ::inet_pton(AF_INET6, host.c_str(), &any) == 1;
}

Result<int> reach(const std::string& host, const std::string& port, Steady::time_point until, const Proxy* proxy, const AddressGuard* guard = nullptr) {
  if (proxy != nullptr) return connect_through(*proxy, host, port, until);
  return guard != nullptr ? guard->connect(host, port, until) : connect_tcp(host, port, until);
}

/// What went wrong; empty: nothing.
std::string shake_hands(SSL* ssl, int file, Steady::time_point until) {
  for (;;) {
    ERR_clear_error();
    const int done = SSL_connect(ssl);
    if (done == 1) return {};
    const int error = SSL_get_error(ssl, done);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      return error == SSL_ERROR_SSL ? "TLS failed: " + crypto::last_openssl_error() : "the connection ended in the handshake";
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now()).count();
    pollfd item{file, static_cast<short>(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
    if (left <= 0 || (::poll(&item, 1, static_cast<int>(left)) == 0)) return "no handshake in time";
  }
}

}  // namespace

Resolved resolve(const std::string& host) {
  Resolved out;
  const int no_v4 = addresses(host, AF_INET, out.v4);
  const int no_v6 = addresses(host, AF_INET6, out.v6);
  if (out.v4.empty() && out.v6.empty()) out.trouble = ::gai_strerror(no_v4 != 0 ? no_v4 : no_v6);
  return out;
}

Result<void> try_connection(const std::string& address, const std::string& port, std::chrono::milliseconds limit, const Proxy* proxy) {
  SLUIS_TRY(const int file, reach(address, port, Steady::now() + limit, proxy));
  ::close(file);
  return {};
}

Result<std::vector<crypto::Certificate>> look_at_certificates(const std::string& host, const std::string& port, const TlsFiles& files,
                                                              std::chrono::milliseconds limit, const Proxy* proxy, const AddressGuard* guard) {
  const auto until = Steady::now() + limit;
  SLUIS_TRY(const std::shared_ptr<TlsContext> tls, TlsContext::client(files));
  SSL_CTX_set_verify(tls->native(), SSL_VERIFY_NONE, nullptr);
  SLUIS_TRY(const int file, reach(host, port, until, proxy, guard));
  const std::unique_ptr<SSL, decltype(&::SSL_free)> ssl(SSL_new(tls->native()), &::SSL_free);
  SSL_set_fd(ssl.get(), file);
  if (!is_address(host)) SSL_set_tlsext_host_name(ssl.get(), host.c_str());
  const std::string trouble = shake_hands(ssl.get(), file, until);
  std::vector<crypto::Certificate> out;
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl.get());
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    X509* one = sk_X509_value(chain, i);
    X509_up_ref(one);
    if (auto read = crypto::Certificate::adopt(one)) out.push_back(std::move(*read));
  }
  ::close(file);
  if (out.empty()) return Error(ErrorCode::peer_unavailable, trouble.empty() ? "no certificate came" : trouble);
  return out;
}

bool names_host(const crypto::Certificate& certificate, const std::string& host) {
  X509* native = certificate.native();
  if (is_address(host)) return X509_check_ip_asc(native, host.c_str(), 0) == 1;
  return X509_check_host(native, host.data(), host.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1;
}

}  // namespace sluis::http
