#pragma once

#include "connector/base/error.hpp"
#include "connector/base/ids.hpp"
#include "connector/base/time.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct x509_st;

/// What the node's services know of HTTP. No socket, no Asio.
namespace sluis::http {

/// Header names in lower case; one value each (a repeated header is refused by the server, but for lists).
using Headers = std::map<std::string, std::string, std::less<>>;

/// What a client certificate says, read once for its connection.
struct PeerCertificate {
  std::string sha256;  ///< of its DER, in lower-case hex
  std::string oin;     ///< `subject.serialNumber`
  std::string issuer;  ///< the issuer's common name
  Timestamp not_before, not_after;
  /// It and the authorities above it, as the handshake found them, for lists of revoked certificates; OpenSSL's own objects, not copied.
  std::vector<std::shared_ptr<const x509_st>> chain = {};
};

/// What the TLS layer found out about the caller. Nothing of it is trusted before `identity/` has read it.
struct TlsPeer {
  std::shared_ptr<const PeerCertificate> certificate;  ///< null: none came, or none that can be read
  std::string verify_error;  ///< empty: the chain leads to a configured root, in time and for this purpose
  bool presented() const { return certificate || !verify_error.empty(); }
};

struct Request {
  std::string method;
  std::string path;    ///< decoded once and normalised: no `..`, no `//`, no NUL
  std::string query;   ///< as sent, without `?`
  std::string target;  ///< as sent
  Headers headers;
  std::string body;
  TlsPeer tls;
  std::string correlation_id;
  /// The part of the path that a route's `*` stood for.
  std::string rest;

  std::string_view header(std::string_view name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
  }
};

/// Where a streamed body goes. Called from one worker thread at a time; every call may block until the peer has taken
/// enough. After an error the stream is over.
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  /// Sends status and headers; chunked unless `length` is given.
  virtual Result<void> start(unsigned status, const Headers& headers, std::optional<std::uint64_t> length) = 0;
  virtual Result<void> write(std::string_view bytes) = 0;
  /// Sends what was collected so far; for paced and live streams.
  virtual Result<void> flush() { return {}; }
  /// The final chunk. Without it the peer knows that the body is incomplete.
  virtual Result<void> finish(const Headers& trailers = {}) = 0;
  /// D25: resets the connection at once; nothing more leaves. From any thread.
  virtual void cut() = 0;
};

struct Response {
  unsigned status = 200;
  Headers headers;
  std::string body;
  /// Set for a streamed body: runs on a worker thread, calls `start` itself, and owns the rest of the exchange.
  std::function<void(ResponseSink&)> stream;
};

inline Response json_response(unsigned status, std::string body) {
  return {status, {{"content-type", "application/json"}}, std::move(body), {}};
}

/// Runs on a worker thread; may block.
using Handler = std::function<Response(const Request&)>;

/// `path` is exact, or ends with `/*`. The first route that fits method and path is taken.
struct Route {
  std::string method;
  std::string path;
  Handler handler;
  std::size_t body_limit;
};

/// One request to a peer.
struct PeerRequest {
  ParticipantId peer;  ///< whom it is for; empty: no party of the federation
  std::string method = "POST";
  std::string url;  ///< absolute, https (http only where the configuration allows it)
  Headers headers;
  std::string body;
  std::chrono::milliseconds timeout{5000};  ///< from the first byte sent to the whole answer's end; of a streamed one, until its body begins
  /// Of a streamed answer: at most so long between two bytes of its body. Of a streamed request: until the answer comes, once all was sent.
  std::chrono::milliseconds silence{30'000};
  std::optional<std::chrono::milliseconds> whole = {};  ///< of a streamed answer or request: for all of it; none: as long as it goes on
};

struct PeerResponse {
  unsigned status = 0;
  Headers headers;
  std::string body;
};

/// Messages to other nodes, with this node's client certificate; the peer's certificate is verified against the
/// configured roots and the host name. Thread-safe. Blocking: worker threads only.
/// Errors: peer_unavailable (never sent: nothing reached the peer), outcome_unknown (sent, no answer), limit_exceeded.
class PeerTransport {
 public:
  virtual ~PeerTransport() = default;
  virtual Result<PeerResponse> send(const PeerRequest& request) = 0;
};

/// Ends a call from another thread, while it runs or before it has begun: who waits for its answer goes on at once. Thread-safe.
class CallCutter {
 public:
  void cut() {
    const std::lock_guard lock(mutex_);
    cut_ = true;
    if (end_) end_();
  }
  /// By the transport, for as long as there is a connection to end; null: no longer.
  void attach(std::function<void()> end) {
    const std::lock_guard lock(mutex_);
    end_ = std::move(end);
    if (cut_ && end_) end_();
  }

 private:
  std::mutex mutex_;
  std::function<void()> end_;
  bool cut_ = false;
};

/// Takes a streamed answer. `on_head` may refuse (false: the connection is closed); so may `on_data`.
struct StreamHandler {
  std::function<bool(unsigned status, const Headers& headers)> on_head;
  std::function<bool(std::string_view bytes)> on_data;
  /// Before the request leaves, where the connection is encrypted: what certificate the other side has shown, which was verified. False:
  /// nothing is sent (peer_unavailable).
  std::function<bool(const std::shared_ptr<const PeerCertificate>& shown)> on_peer = {};
  CallCutter* cutter = nullptr;  ///< outlives the call
};

/// How a streamed answer ended.
struct StreamEnd {
  bool complete = false;  ///< the final chunk or the whole length came, and nothing behind it
  Headers trailers;
  bool late = false;      ///< not complete: it was silent for too long, or took too long in all
};

/// A streamed GET from a peer. Blocking: worker threads only. A reset in the middle is no error: `complete` is false.
class Upstream {
 public:
  virtual ~Upstream() = default;
  virtual Result<StreamEnd> get(const PeerRequest& request, const StreamHandler& handler) = 0;
};

}  // namespace sluis::http
