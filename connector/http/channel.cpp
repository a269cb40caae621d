#include "connector/http/channel.hpp"

#include "connector/crypto/crypto.hpp"
#include "connector/http/dial.hpp"
#include "connector/http/peer_certificate.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace sluis::http {
namespace {

using Steady = std::chrono::steady_clock;

Error unavailable(const std::string& why) { return Error(ErrorCode::peer_unavailable, why); }

/// Whether it can go on by then.
bool wait_for(int file, short events, Steady::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now()).count();
  if (left <= 0) return false;
  pollfd item{file, events, 0};
  return ::poll(&item, 1, static_cast<int>(std::min<long>(left, 3'600'000))) > 0;
}

}  // namespace

void Channel::FreeSsl::operator()(ssl_st* ssl) const { SSL_free(ssl); }

Channel::Channel(int file, TlsContextPtr tls) : file_(file), tls_(std::move(tls)), verified_by_(tls_), collector_(file) {
  ignore_sigpipe();
  prepare_socket(file_);
  if (tls_) {
    ssl_.reset(SSL_new(tls_->native()));
    SSL_set_fd(ssl_.get(), file_);
    SSL_set0_wbio(ssl_.get(), collector_.make_bio());
    SSL_set_app_data(ssl_.get(), &peer_);
  }
}

Channel::~Channel() {
  const std::lock_guard lock(file_mutex_);
  ::close(file_);
  file_ = -1;
}

void Channel::cut() {
  if (cut_.exchange(true)) return;
  const std::lock_guard lock(file_mutex_);
  if (file_ < 0) return;
  // Dissolving the connection (AF_UNSPEC) sends the reset and drops the send queue at once, while another thread may be
  // in the middle of a write; closing would have to wait for that thread.
  const linger now{1, 0};
  ::setsockopt(file_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  // The system call itself: ThreadSanitizer's connect() takes the descriptor for a new one and would report the writer.
  if (::syscall(SYS_connect, file_, &none, sizeof none) != 0) ::shutdown(file_, SHUT_RDWR);
}

bool Channel::wait(Want want, Steady::time_point until) const { return wait_for(file_, want == Want::read ? POLLIN : POLLOUT, until); }

bool Channel::readable() const {
  if (ssl_ && SSL_pending(ssl_.get()) > 0) return true;
  pollfd item{file_, POLLIN, 0};
  return ::poll(&item, 1, 0) > 0;
}

template <class Step>
Result<int> Channel::drive(Step step, std::chrono::milliseconds limit, bool writing) {
  const auto until = Steady::now() + limit;
  for (;;) {
    if (cut_) return unavailable("the connection was cut");
    ERR_clear_error();
    errno = 0;
    const int done = step();
    if (done > 0) return done;
    Want want = writing ? Want::write : Want::read;
    if (ssl_) {
      const int error = SSL_get_error(ssl_.get(), done);
      if (error == SSL_ERROR_ZERO_RETURN) return 0;
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        return unavailable(error == SSL_ERROR_SSL ? "TLS failed: " + crypto::last_openssl_error()
                                                  : std::string("the connection ended: ") + (errno != 0 ? std::strerror(errno) : "without a farewell"));
      }
      want = error == SSL_ERROR_WANT_READ ? Want::read : Want::write;
    } else {
      if (done == 0) return 0;
      if (errno != EAGAIN && errno != EINTR) return unavailable(std::string("the connection ended: ") + std::strerror(errno));
    }
    if (!wait(want, until) && Steady::now() >= until) return unavailable("time is up");
  }
}

Result<void> Channel::handshake(bool server, std::chrono::milliseconds limit) {
  SLUIS_TRY(const int done, drive([&] { return server ? SSL_accept(ssl_.get()) : SSL_connect(ssl_.get()); }, limit, false));
  if (done <= 0) return unavailable("the handshake did not end: " + crypto::last_openssl_error());
  return {};
}

Result<void> Channel::accept(Timestamp now, std::chrono::milliseconds limit) {
  if (!ssl_) return {};
  X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl_.get()),
                             static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count()));
  SLUIS_CHECK(handshake(true, limit));
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return {};
  if (resumed()) {  // what was found then may not hold now
    peer_.verify_error = tls_->verify_peer(ssl_.get(), now);
  } else if (const long verdict = SSL_get_verify_result(ssl_.get()); verdict != X509_V_OK && peer_.verify_error.empty()) {
    peer_.verify_error = X509_verify_cert_error_string(verdict);
  }
  keep_certificate();
  return {};
}

/// Of the other side, with the authorities above it. Of a session that went on no chain was found anew: then those are kept that were shown.
void Channel::keep_certificate() {
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return;
  const STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl_.get());
  if (chain == nullptr) chain = SSL_get_peer_cert_chain(ssl_.get());
  std::vector<std::shared_ptr<const X509>> authorities;
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    X509* above = sk_X509_value(chain, i);
    if (X509_cmp(above, certificate) == 0) continue;
    X509_up_ref(above);
    authorities.emplace_back(above, [](const X509* one) { X509_free(const_cast<X509*>(one)); });
  }
  X509_up_ref(certificate);
  if (const auto read = crypto::Certificate::adopt(certificate)) {
    peer_.certificate = peer_certificate(*read, std::move(authorities));
  } else {
    peer_.verify_error = "it cannot be read";
  }
}

void Channel::verify_again(const TlsContextPtr& tls, Timestamp now) {
  if (!ssl_ || (tls == verified_by_ && now < tls->lists_end())) return;
  verified_by_ = tls;
  if (peer_.certificate) peer_.verify_error = tls->verify_peer(ssl_.get(), now);
}

bool Channel::resumed() const { return ssl_ && SSL_session_reused(ssl_.get()) == 1; }

TlsSession Channel::session() const {
  const SSL_SESSION* held = ssl_ ? SSL_get0_session(ssl_.get()) : nullptr;
  if (held == nullptr || SSL_SESSION_is_resumable(held) != 1) return nullptr;
  // A copy: OpenSSL takes a session for spoilt when its connection ends without a farewell.
  return {SSL_SESSION_dup(held), &SSL_SESSION_free};
}

Result<void> Channel::connect(const std::string& host, Timestamp now, std::chrono::milliseconds limit, const TlsSession& session) {
  if (!ssl_) return {};
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl_.get());
  X509_VERIFY_PARAM_set_time(param, static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count()));
  if (X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) != 1) {
    ERR_clear_error();
    SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    X509_VERIFY_PARAM_set1_host(param, host.c_str(), host.size());
  }
  if (session) SSL_set_session(ssl_.get(), session.get());
  auto done = handshake(false, limit);
  if (!done) {
    const long verdict = SSL_get_verify_result(ssl_.get());
    if (verdict != X509_V_OK) {
      return unavailable("the certificate of `" + host + "` is refused: " + X509_verify_cert_error_string(verdict));
    }
  } else if (resumed()) {
    const std::string trouble = tls_->verify_peer(ssl_.get(), now);
    if (!trouble.empty()) return unavailable("the certificate of `" + host + "` is refused: " + trouble);
  }
  if (done) keep_certificate();
  return done;
}

Result<std::size_t> Channel::read(char* into, std::size_t size, std::chrono::milliseconds limit) {
  const int most = static_cast<int>(std::min<std::size_t>(size, 1U << 20U));
  SLUIS_TRY(const int got, drive(
                               [&] {
                                 return ssl_ ? SSL_read(ssl_.get(), into, most)
                                             : static_cast<int>(::recv(file_, into, static_cast<std::size_t>(most), 0));
                               },
                               limit, false));
  return static_cast<std::size_t>(got);
}

Result<void> Channel::await_room(std::chrono::milliseconds limit, Time end) {
  const auto until = std::min(Steady::now() + limit, end);
  while (!cut_) {
    if (wait(Want::write, until)) return {};
    if (Steady::now() >= until) return unavailable("time is up");
  }
  return unavailable("the connection was cut");
}

/// `limit` counts from the last byte that the peer took.
Result<void> Channel::flush(std::chrono::milliseconds limit, Time end) {
  while (!cut_) {
    if (Steady::now() >= end) return unavailable("time is up");
    const std::size_t before = collector_.waiting();
    if (collector_.flush() == 1) return {};
    if (errno != EAGAIN) return unavailable(std::string("the connection ended: ") + std::strerror(errno));
    const auto until = std::min(Steady::now() + limit, end);
    if (collector_.waiting() == before && !wait(Want::write, until) && Steady::now() >= until) return unavailable("time is up");
  }
  return unavailable("the connection was cut");
}

Result<void> Channel::write(std::string_view bytes, std::chrono::milliseconds limit, Time end) {
  std::size_t collected = 0;
  while (!bytes.empty()) {
    const auto now = Steady::now();
    if (now >= end) return unavailable("time is up");
    if (ssl_ && collected == 0) SLUIS_CHECK(await_room(limit, end));  // before the collector has a buffer
    const int most = static_cast<int>(std::min<std::size_t>(bytes.size(), ssl_ ? Collector::kPlain - collected : 1U << 20U));
    SLUIS_TRY(const int sent, drive(
                                  [&] {
                                    return ssl_ ? SSL_write(ssl_.get(), bytes.data(), most)
                                                : static_cast<int>(::send(file_, bytes.data(), static_cast<std::size_t>(most), MSG_NOSIGNAL));
                                  },
                                  std::chrono::ceil<std::chrono::milliseconds>(std::min(now + limit, end) - now), true));
    if (sent <= 0) return unavailable("the peer closed the connection");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
    collected += static_cast<std::size_t>(sent);
    if (ssl_ && (collected == Collector::kPlain || bytes.empty())) {
      SLUIS_CHECK(flush(limit, end));
      collected = 0;
    }
  }
  return {};
}

void Channel::close(std::chrono::milliseconds linger) {
  if (cut_) return;
  if (ssl_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  ::shutdown(file_, SHUT_WR);
  constexpr std::size_t kDiscarded = 8U << 20U;
  char unread[16U << 10U];
  const auto until = Steady::now() + linger;
  for (std::size_t total = 0; total < kDiscarded && !cut_ && wait(Want::read, until);) {
    const ssize_t got = ::recv(file_, unread, sizeof unread, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return;
    if (got > 0) total += static_cast<std::size_t>(got);
  }
}

void prepare_socket(int file) {
  const int one = 1;
  const int unsent = 128 << 10;
  ::fcntl(file, F_SETFL, ::fcntl(file, F_GETFL) | O_NONBLOCK);
  ::fcntl(file, F_SETFD, FD_CLOEXEC);
  ::setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  ::setsockopt(file, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

Result<std::size_t> receive(int file, char* into, std::size_t size, Steady::time_point until) {
  for (;;) {
    const ssize_t got = ::recv(file, into, size, 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EAGAIN && errno != EINTR) return unavailable(std::string("the connection ended: ") + std::strerror(errno));
    if (!wait_for(file, POLLIN, until) && Steady::now() >= until) return unavailable("time is up");
  }
}

Result<void> transmit(int file, std::string_view bytes, Steady::time_point until) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(file, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return unavailable(std::string("the connection ended: ") + std::strerror(errno));
    } else if (!wait_for(file, POLLOUT, until) && Steady::now() >= until) {
      return unavailable("time is up");
    }
  }
  return {};
}

std::string host_and_port(const std::string& host, const std::string& port) {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
}

Result<int> dial(const std::vector<Address>& addresses, const std::string& host, const std::string& port, Steady::time_point until) {
  std::string why = "no address";
  for (const Address& one : addresses) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now()).count();
    if (left <= 0) return unavailable("`" + host_and_port(host, port) + "` does not answer in time");
    const int file = ::socket(one.native()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (file < 0) continue;
    if (::connect(file, one.native(), one.size) == 0) return file;
    if (errno == EINPROGRESS) {
      pollfd ready{file, POLLOUT, 0};
      int error = 0;
      socklen_t size = sizeof error;
      if (::poll(&ready, 1, static_cast<int>(std::min<long>(left, 3'600'000))) > 0 &&
          ::getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0) {
        return file;
      }
      errno = error != 0 ? error : ETIMEDOUT;
    }
    why = std::strerror(errno);
    ::close(file);
  }
  return unavailable("`" + host_and_port(host, port) + "` does not answer: " + why);
}

Result<int> connect_tcp(const std::string& host, const std::string& port, Steady::time_point until) {
  SLUIS_TRY(const std::vector<Address> all, resolve_by_machine(host, port));
  return dial(all, host, port, until);
}

}  // namespace sluis::http
