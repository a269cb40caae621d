#pragma once

#include "connector/http/address_guard.hpp"
#include "connector/http/channel.hpp"
#include "connector/http/message.hpp"
#include "connector/http/tunnel.hpp"

#include <deque>
#include <map>
#include <set>

namespace sluis::http {

struct ClientOptions {
  TlsFiles tls;             ///< as they stand at each new connection. Chain empty: no client certificate; roots empty: no https
  bool allow_http = false;  ///< plain http, for the command line on loopback and for tests
  std::size_t idle_connections = 24;  ///< kept per origin
  std::string name = "peers";        ///< for the log
  std::optional<Proxy> proxy = {};   ///< through which https is called; none: directly
  /// Whether the membership list has this address for that party (or for any, where the request names none). Asked before each call that goes
  /// through the proxy, as there this node sees no address but the name. Null: whoever is called is named by the configuration.
  std::function<bool(const ParticipantId& peer, std::string_view url)> listed = {};
  /// Which addresses may be dialled. None: any, as the configuration itself names whom it calls.
  std::optional<AddressGuard> guard = {};
};

/// Requests to other nodes. Redirects are not followed. Connections are kept and used again, until TLS files change; a request is sent again, once,
/// only when the method is GET and a kept connection turned out to be dead before a byte of the answer came. A request's
/// time-out covers connecting, the handshake and the whole answer (but not the machine's name resolver). Thread-safe.
class Client final : public PeerTransport, public Upstream {
 public:
  static Result<std::unique_ptr<Client>> make(ClientOptions options, const Clock& clock);
  ~Client() override;

  Result<PeerResponse> send(const PeerRequest& request) override;
  /// As `Upstream` has it. `on_peer` is asked on encrypted connections only.
  Result<StreamEnd> get(const PeerRequest& request, const StreamHandler& handler) override;
  /// What a streamed request sends, once the connection stands: `shown` is the verified certificate of the other side; null: it is in clear.
  using UploadBody = std::function<void(ResponseSink& sink, const std::shared_ptr<const PeerCertificate>& shown)>;
  /// A request whose body is streamed: `body` starts the sink, writes and finishes it, or cuts it (D25), or leaves it alone; the headers that it
  /// starts with go behind those of the request. On a connection of its own, that is closed then. `request.timeout` is for the connection,
  /// `silence` for the answer once all was sent, `whole` for all until then. Who stops taking may have answered before: then that is the answer, without
  /// its body. outcome_unknown: some of it may have been taken; invalid_state: `body` sent nothing; peer_unavailable: it was not called.
  Result<PeerResponse> upload(const PeerRequest& request, const UploadBody& body);
  /// Cuts each exchange that is under way, and begins no other: who waits for an answer goes on at once. A connection that is only being
  /// opened takes its time. From any thread.
  void stop();
  /// Of its TLS files as they stand; none: it has none.
  std::optional<TlsState> tls_state() const;

 private:
  struct Connection;
  class Running;
  struct Url;
  Client(ClientOptions options, const Clock& clock);

  Result<Url> parse(const PeerRequest& request) const;
  Result<std::unique_ptr<Connection>> open(const ParticipantId& peer, const Url& url, std::chrono::steady_clock::time_point deadline,
                                           CallCutter* cutter);
  TlsSession take_session(const ParticipantId& peer, const std::string& origin, const TlsContextPtr& tls);
  void keep_session(const ParticipantId& peer, const std::string& origin, const Connection& connection);
  std::unique_ptr<Connection> idle(const std::string& origin);
  void keep(const std::string& origin, std::unique_ptr<Connection> connection);
  Result<PeerResponse> answer(ResponseHead head, const Url& url, Connection& connection, std::chrono::steady_clock::time_point deadline);
  Result<PeerResponse> attempt(const PeerRequest& request, const Url& url, Connection& connection,
                               std::chrono::steady_clock::time_point deadline);

  ClientOptions options_;
  const Clock& clock_;
  std::shared_ptr<TlsSource> tls_;  ///< null: no https
  std::mutex mutex_;
  std::map<std::string, std::deque<std::unique_ptr<Connection>>> idle_;
  struct Resumable {
    TlsContextPtr tls;
    TlsSession session;
    std::chrono::steady_clock::time_point since;
  };
  /// By party and address: never offered to another. Each is offered once.
  std::map<std::pair<std::string, std::string>, Resumable> sessions_;
  std::set<Channel*> running_;
  bool stopped_ = false;
};

}  // namespace sluis::http
