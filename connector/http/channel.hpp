#pragma once

#include "connector/base/time.hpp"
#include "connector/http/collector.hpp"
#include "connector/http/tls.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace sluis::http {

/// A connected socket, with TLS or without. One thread reads and writes; `cut` may be called from any.
class Channel {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Takes the descriptor.
  Channel(int file, TlsContextPtr tls);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// The server's side of a handshake; a client certificate is verified at `now`, and the result kept in `peer`.
  Result<void> accept(Timestamp now, std::chrono::milliseconds limit);
  /// The client's side; the server's certificate must be valid at `now` and name `host`. `session`: one that this server gave before to this
  /// client, or null; its certificate is verified again.
  Result<void> connect(const std::string& host, Timestamp now, std::chrono::milliseconds limit, const TlsSession& session = nullptr);
  /// Of a client, once an answer came: the session with which another connection may go on; null: the server gave none.
  TlsSession session() const;
  /// Whether the handshake went on with a session of before.
  bool resumed() const;
  /// What the other side has shown; of a client, whose handshake fails otherwise, without an error.
  const TlsPeer& peer() const { return peer_; }
  /// The client's certificate was verified by files that were changed since: by those of `tls` it may be another verdict.
  void verify_again(const TlsContextPtr& tls, Timestamp now);
  /// That its handshake was by; null: in clear.
  const TlsContextPtr& tls() const { return tls_; }

  /// At least one byte, or none at the orderly end. peer_unavailable: time is up, reset, or an end without close_notify.
  Result<std::size_t> read(char* into, std::size_t size, std::chrono::milliseconds limit);
  /// Until the socket takes more: so that who has something for a slow peer need not hold it ready meanwhile. peer_unavailable.
  Result<void> await_room(std::chrono::milliseconds limit, Time end = Time::max());
  /// All of it. `limit` counts from the last byte that the peer took; after `end` no more is sent.
  Result<void> write(std::string_view bytes, std::chrono::milliseconds limit, Time end = Time::max());
  /// close_notify and a normal end. Reads on for at most `linger` what the peer still sends, so that unread bytes do not
  /// turn the end into a reset which would take the last answer with it.
  void close(std::chrono::milliseconds linger = {});
  /// D25: a reset; what the kernel still held for the peer is dropped. From any thread, again without effect.
  void cut();
  bool was_cut() const { return cut_; }
  /// For what is read beneath TLS, before its handshake.
  int descriptor() const { return file_; }
  /// Whether bytes or an end are there to read now.
  bool readable() const;

 private:
  enum class Want { read, write };
  bool wait(Want want, std::chrono::steady_clock::time_point until) const;
  Result<void> handshake(bool server, std::chrono::milliseconds limit);
  void keep_certificate();
  Result<void> flush(std::chrono::milliseconds limit, Time end);
  template <class Step>
  Result<int> drive(Step step, std::chrono::milliseconds limit, bool writing);

  struct FreeSsl { void operator()(ssl_st* ssl) const; };
  int file_;
  TlsContextPtr tls_;
  TlsContextPtr verified_by_;
  Collector collector_;  ///< of TLS
  std::unique_ptr<ssl_st, FreeSsl> ssl_;
  TlsPeer peer_;
  std::atomic<bool> cut_ = false;
  std::mutex file_mutex_;  ///< `cut` meets no closed descriptor
};

/// As an address has them: an IPv6 host gets its brackets.
std::string host_and_port(const std::string& host, const std::string& port);
/// A connection to host and port. peer_unavailable.
Result<int> connect_tcp(const std::string& host, const std::string& port, std::chrono::steady_clock::time_point until);
/// Of a socket that does not block, beneath TLS and before its handshake: at least one byte, or none at the end. peer_unavailable: the time is
/// up, or a reset.
Result<std::size_t> receive(int file, char* into, std::size_t size, std::chrono::steady_clock::time_point until);
/// All of it, likewise.
Result<void> transmit(int file, std::string_view bytes, std::chrono::steady_clock::time_point until);
/// Sets what every connection has: no delay, TCP_NOTSENT_LOWAT of 128 KiB, non-blocking.
void prepare_socket(int file);

}  // namespace sluis::http
