#pragma once

#include "connector/base/limits.hpp"
#include "connector/base/random.hpp"
#include "connector/http/channel.hpp"
#include "connector/http/proxy_header.hpp"

#include <compare>
#include <condition_variable>
#include <map>
#include <set>
#include <thread>
#include <variant>
#include <vector>

namespace sluis::http {

struct ServerOptions {
  std::string name;     ///< for the log: "exchange", "public", "management"
  std::string address;  ///< to bind, numeric, IPv4 or IPv6 (with or without brackets)
  std::uint16_t port = 0;  ///< 0: any
  std::optional<TlsFiles> tls;  ///< as they stand at each new connection
  bool request_client_certificate = false;
  std::size_t connections = 0;  ///< 0: limits::kConnections
  /// The routes say themselves that they read no body that is compressed, as their protocol has an answer of its own for it; else it is 415.
  bool routes_refuse_codings = false;
  /// For a whole request from its first byte, and for the handshake.
  std::chrono::milliseconds read_timeout = limits::kHttpReadTimeout;
  std::chrono::milliseconds idle_timeout = limits::kHttpIdleTimeout;
  /// A caller whose handshake failed, with the reason; many threads.
  std::function<void(const Error& why)> on_no_handshake = {};
  /// Load balancers: a connection from there begins with a PROXY header, or is refused. From elsewhere such a header is garbage like any other.
  std::vector<Network> proxies = {};
  /// Before a whole request is handled: its place among those whose answers may last, given back once the answer has ended, or null where it
  /// needs none; or the answer that it gets instead. `address`: the caller's in numbers, as the socket or the load balancer has it; it is kept
  /// nowhere. Many threads.
  using Place = std::variant<std::shared_ptr<const void>, Response>;
  std::function<Place(const Request& request, const std::string& address)> place = {};
  /// Rewrites what the server itself refuses: a path that is none, a method, a body that it does not read. The request is as far as it came.
  std::function<void(const Request& request, Response& response)> on_refused = {};
  /// A reader has to take what a streamed answer sends at once (at most 112 KiB) in this time, so that who sips holds no connection for long.
  /// None: it is enough that it takes something every half minute.
  std::optional<std::chrono::milliseconds> sip_limit = {};
};

/// One listener. Each connection has a thread of its own, at most so many at once (D13). When there are as many, the one whose request has
/// been waited for longest gives way to a new one, so that callers who say nothing keep nobody out; so does one that takes a small answer slowly.
/// Where there is none such, the new one is closed: what may last, `place` keeps within bounds.
/// A listener that asks for certificates lets nobody go who showed a good one as long as somebody waits who did not: a crowd of strangers
/// does not drive the peers out.
/// Requests that are malformed, too large or too slow are answered and closed, and never reach a handler.
class Server {
 public:
  Server(ServerOptions options, std::vector<Route> routes, const Clock& clock, Random& random);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds and begins; gives the port. Once. A port in use is conflict.
  Result<std::uint16_t> start();
  /// Takes no more connections, lets requests that are under way finish for so long, then cuts them; `before_cut` is called
  /// first when there are any, to tell them why.
  void stop(std::chrono::milliseconds grace, const std::function<void()>& before_cut = {});
  /// Of its TLS files as they stand; none: it has none, or did not start.
  std::optional<TlsState> tls_state() const;

 private:
  class Session;
  Result<void> listen();
  void accept_loop();
  void take(int file, bool by_proxy, std::string address);
  bool make_room(std::unique_lock<std::mutex>& lock);
  void serve(std::shared_ptr<Channel> channel, bool by_proxy, std::string address);

  ServerOptions options_;
  std::vector<Route> routes_;
  const Clock& clock_;
  Random& random_;
  std::shared_ptr<TlsSource> tls_;  ///< null: in clear
  int listener_ = -1;
  int wake_ = -1;
  std::atomic<bool> stopping_ = false;
  std::thread acceptor_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::set<std::shared_ptr<Channel>> channels_;
  std::set<Channel*> idle_;
  /// Ordered by who gives way first.
  struct Waiting {
    bool known = false;  ///< a client certificate that was verified, by a handshake that has ended
    std::chrono::steady_clock::time_point since;
    friend auto operator<=>(const Waiting&, const Waiting&) = default;
  };
  std::map<Channel*, Waiting> unasked_;  ///< whose next request has not come whole, or whose answer is not taken yet
};

/// A path as routes see it, or invalid_argument: decoded once; no `..`, no empty segment, no NUL, no control character.
Result<std::string> normal_path(std::string_view raw);

}  // namespace sluis::http
