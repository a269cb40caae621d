#include "connector/http/server.hpp"

#include "connector/base/bytes.hpp"
#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/http/address_guard.hpp"
#include "connector/http/loopback.hpp"
#include "connector/http/message.hpp"
#include "connector/http/sink.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace sluis::http {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kWriteLimit{30'000};
constexpr milliseconds kLinger{2'000};
constexpr milliseconds kGivingWay{100};  ///< until a connection that was cut has ended

Response refusal(unsigned status, std::string_view reason) {
  return json_response(status, R"({"code":")" + std::to_string(status) + R"(","reason":[")" + std::string(reason) + "\"]}");
}

struct Match {
  const Route* route = nullptr;
  std::string allowed;  ///< methods of the routes that fit the path alone
  std::string rest;
};

Match find_route(const std::vector<Route>& routes, const std::string& method, const std::string& path) {
  Match match;
  for (const Route& route : routes) {
    std::string rest;
    if (route.path.ends_with("/*")) {
      const std::string_view prefix = std::string_view(route.path).substr(0, route.path.size() - 1);
      if (!path.starts_with(prefix) || path.size() == prefix.size()) continue;
      rest = path.substr(prefix.size());
    } else if (route.path != path && !(path.size() == route.path.size() + 1 && path.ends_with('/') && path.starts_with(route.path))) {  // a slash behind it changes nothing
      continue;
    }
    if (route.method == method || (method == "HEAD" && route.method == "GET")) {
      match.route = &route;
      match.rest = std::move(rest);
      return match;
    }
    if (match.allowed.find(route.method) != std::string::npos) continue;
    if (!match.allowed.empty()) match.allowed += ", ";
    match.allowed += route.method;
  }
  return match;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<std::string> normal_path(std::string_view raw) {
  const Error bad(ErrorCode::invalid_argument, "not a usable path");
  if (!raw.starts_with('/') || raw.find("//") != std::string_view::npos) return bad;
  std::string path;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    char c = raw[i];
    if (c == '%') {
      if (i + 2 >= raw.size()) return bad;
      const int high = hex_value(raw[i + 1]);
      const int low = hex_value(raw[i + 2]);
      if (high < 0 || low < 0) return bad;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\') return bad;
    path += c;
  }
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = std::string_view(path).substr(at, end - at);
    if (segment == ".." || segment == ".") return bad;
    at = end + 1;
  }
  return path;
}

/// The requests of one connection.
class Server::Session {
 public:
  /// `address`: of the socket's other end.
  Session(Server& server, Channel& channel, bool by_proxy, std::string address)
      : server_(server), channel_(channel), reader_(channel), by_proxy_(by_proxy), address_(std::move(address)) {}

  void run() {
    if (const auto done = begin(); !done) {
      if (server_.options_.on_no_handshake && !server_.stopping_) server_.options_.on_no_handshake(done.error());
      return;
    }
    while (one()) {
    }
    channel_.close(unread_ ? kLinger : milliseconds(0));
  }

 private:
  /// Within one limit: what a load balancer says, and the handshake. The caller's address is known as long as the connection is there, for its
  /// share of places, and goes with it.
  Result<void> begin() {
    const auto until = Steady::now() + server_.options_.read_timeout;
    if (by_proxy_) {
      SLUIS_TRY(std::string told, read_proxy_header(channel_.descriptor(), until));
      if (!told.empty()) address_ = std::move(told);
    }
    return channel_.accept(server_.clock_.now(), std::chrono::ceil<milliseconds>(until - Steady::now()));
  }

  /// Whether a request came; not once the server stops.
  bool wait() {
    {
      const std::lock_guard lock(server_.mutex_);
      if (server_.stopping_) return false;
      server_.idle_.insert(&channel_);
      server_.unasked_[&channel_] = {is_known(), Steady::now()};
    }
    const bool there = reader_.wait(server_.options_.idle_timeout);
    const std::lock_guard lock(server_.mutex_);
    server_.idle_.erase(&channel_);
    return there;
  }

  bool is_known() const {
    const TlsPeer& peer = channel_.peer();
    return peer.certificate && peer.verify_error.empty();
  }

  /// Whether the connection goes on.
  bool one() {
    if (!wait()) return false;
    RequestHead head;
    const auto deadline = Steady::now() + server_.options_.read_timeout;
    Request request;
    if (const unsigned status = reader_.head(head, deadline); status != 0) return refuse(head, request, status);
    auto path = normal_path(head.path);
    if (!path) return last(head, refusal(400, "the path is not acceptable"));
    request.path = std::move(*path);
    request.method = head.method;
    request.query = head.query;
    request.target = head.target;
    request.headers = head.headers;
    if (server_.tls_ && server_.options_.request_client_certificate) {  // who was revoked meanwhile is not let in by an old connection
      channel_.verify_again(server_.tls_->current(server_.clock_.now()), server_.clock_.now());
    }
    request.tls = channel_.peer();
    request.correlation_id = to_hex(server_.random_.bytes(8));
    Match match = find_route(server_.routes_, request.method, request.path);
    if (match.route == nullptr) {
      Response none = match.allowed.empty() ? refusal(404, "nothing here") : refusal(405, "not this method");
      if (!match.allowed.empty()) none.headers["allow"] = match.allowed;
      told(request, none);
      return head.has_body ? last(head, std::move(none)) : answer(head, std::move(none), false);
    }
    request.rest = std::move(match.rest);
    if (!server_.options_.routes_refuse_codings && is_coded(head.headers)) return refuse(head, request, 415);
    if (head.length > match.route->body_limit) return refuse(head, request, 413);
    if (head.expects_continue && !channel_.write("HTTP/1.1 100 Continue\r\n\r\n", kWriteLimit)) return false;
    if (const unsigned status = reader_.body(request.body, match.route->body_limit, deadline); status != 0) {
      return refuse(head, request, status);
    }
    return asked() && respond(head, *match.route, request);
  }

  /// The request is whole; false: its connection had to give way before.
  bool asked() {
    const std::lock_guard lock(server_.mutex_);
    server_.unasked_.erase(&channel_);
    return !channel_.was_cut();
  }

  /// What is answered is here whole: where connections are short, nobody waits for a caller who does not take it.
  void may_give_way() {
    const std::lock_guard lock(server_.mutex_);
    server_.unasked_[&channel_] = {is_known(), Steady::now()};
  }

  void told(const Request& request, Response& response) {
    if (server_.options_.on_refused) (void)guarded(request, [&] { server_.options_.on_refused(request, response); });
  }

  bool refuse(const RequestHead& head, const Request& request, unsigned status) {
    Response response = refusal(status, status == 413   ? "the body is too large"
                                        : status == 415 ? "the body is compressed: send it as it is"
                                        : status == 431 ? "the headers are too large"
                                        : status == 408 ? "the request came too slowly"
                                                        : "the request is not acceptable");
    if (status == 415) response.headers["accept-encoding"] = "identity";
    told(request, response);
    return last(head, std::move(response));
  }

  /// Answers where the rest of the request is not read.
  bool last(const RequestHead& head, Response response) {
    unread_ = true;
    return answer(head, std::move(response), true);
  }

  /// Runs `step`; what it throws is logged and not told. Whether it came to its end.
  template <class Step>
  bool guarded(const Request& request, Step step) {
    std::string what = "not an exception of the standard library";
    try {
      step();
      return true;
    } catch (const std::exception& error) {
      what = error.what();
    } catch (...) {  // a handler's bug must not end the process
    }
    log::error("handler failed", {{"listener", server_.options_.name},
                                  {"path", request.path},
                                  {"what", what}});
    return false;
  }

  bool respond(const RequestHead& head, const Route& route, const Request& request) {
    const log::Correlated correlated(request.correlation_id);
    Response response;
    ServerOptions::Place place;  // outlives the answer
    if (server_.options_.place && !guarded(request, [&] { place = server_.options_.place(request, address_); })) place = refusal(503, "something went wrong");
    if (auto* instead = std::get_if<Response>(&place)) return answer(head, std::move(*instead), false);
    const auto failed = [&] { return refusal(500, "something went wrong; see the log at " + request.correlation_id); };
    if (!guarded(request, [&] { response = route.handler(request); })) return answer(head, failed(), false);
    if (!response.stream) {
      if (!sendable(response.headers)) {
        log::error("handler's headers cannot be sent", {{"path", request.path}});
        return answer(head, failed(), false);
      }
      return answer(head, std::move(response), false);
    }
    const bool close = head.close || server_.stopping_;
    ChannelSink sink(channel_, head.method == "HEAD", close, server_.options_.sip_limit);
    const bool ended = guarded(request, [&] { response.stream(sink); });
    if (!sink.started() && !channel_.was_cut()) return answer(head, failed(), true);
    if (ended && sink.complete()) return !close;
    channel_.cut();
    return false;
  }

  bool answer(const RequestHead& head, Response response, bool close) {
    close = close || head.close || server_.stopping_;
    response.headers["content-length"] = std::to_string(response.body.size());
    std::string text = head_text(response.status, response.headers, close);
    if (head.method != "HEAD") text += response.body;
    may_give_way();
    return channel_.write(text, kWriteLimit) && !close;
  }

  Server& server_;
  Channel& channel_;
  MessageReader reader_;
  bool by_proxy_;
  std::string address_;
  bool unread_ = false;  ///< bytes of a refused request are still coming
};

Server::Server(ServerOptions options, std::vector<Route> routes, const Clock& clock, Random& random)
    : options_(std::move(options)), routes_(std::move(routes)), clock_(clock), random_(random) {
  if (options_.connections == 0) options_.connections = limits::kConnections;
}

Server::~Server() { stop(milliseconds(0)); }

Result<void> Server::listen() {
  const std::string address = without_brackets(options_.address);
  const std::string where = host_and_port(address, std::to_string(options_.port));
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(options_.port).c_str(), &hints, &found) != 0) {
    return Error(ErrorCode::invalid_argument, "`" + options_.address + "` is no address to listen on")
        .mended_by("write a numeric one, such as 127.0.0.1");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  listener_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int one = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  const int both = 0;  // `[::]` is every address, those of IPv4 too, however the machine is set
  if (found->ai_family == AF_INET6) ::setsockopt(listener_, IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof both);
  if (::bind(listener_, found->ai_addr, found->ai_addrlen) == 0 && ::listen(listener_, 512) == 0) return {};
  const std::string why = std::strerror(errno);
  ::close(listener_);
  listener_ = -1;
  return Error(ErrorCode::conflict, "cannot listen on " + where + " (" + options_.name + "): " + why)
      .mended_by("stop what uses it, or configure another port");
}

Result<std::uint16_t> Server::start() {
  if (options_.tls) {
    const auto side = options_.request_client_certificate ? TlsSource::Side::asking_server : TlsSource::Side::server;
    SLUIS_TRY(tls_, TlsSource::open(options_.name, *options_.tls, side));
  }
  SLUIS_CHECK(listen());
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &size);
  const auto port = bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_port
                                                : reinterpret_cast<const sockaddr_in*>(&bound)->sin_port;
  wake_ = ::eventfd(0, EFD_CLOEXEC);
  acceptor_ = std::thread([this] { accept_loop(); });
  return ntohs(port);
}

void Server::accept_loop() {
  while (!stopping_) {
    pollfd items[2] = {{listener_, POLLIN, 0}, {wake_, POLLIN, 0}};
    if (::poll(items, 2, -1) < 0) continue;
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const int file = ::accept4(listener_, reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (file >= 0) {
      take(file, std::any_of(options_.proxies.begin(), options_.proxies.end(), [&](const Network& one) { return one.holds(reinterpret_cast<sockaddr*>(&from)); }),
           address_text(reinterpret_cast<const sockaddr*>(&from)));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      std::unique_lock lock(mutex_);
      const bool room = make_room(lock);
      lock.unlock();
      if (!room) ::poll(&items[1], 1, 100);  // nothing to be done but to wait until a connection ends
    }
  }
}

/// Whether the connection whose request has been waited for longest gave way: a stranger's, where there is one. Holds the acceptor for a
/// moment, which slows down who comes in crowds.
bool Server::make_room(std::unique_lock<std::mutex>& lock) {
  const auto first = std::min_element(unasked_.begin(), unasked_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (first == unasked_.end()) return false;
  first->first->cut();
  unasked_.erase(first);
  return ended_.wait_for(lock, kGivingWay, [this, before = channels_.size()] { return channels_.size() < before; });
}

void Server::take(int file, bool by_proxy, std::string address) {
  auto channel = std::make_shared<Channel>(file, tls_ ? tls_->current(clock_.now()) : nullptr);
  std::unique_lock lock(mutex_);
  if (stopping_ || (channels_.size() >= options_.connections && !make_room(lock)) || stopping_) {
    channel->cut();
    return;
  }
  channels_.insert(channel);
  unasked_[channel.get()] = {false, Steady::now()};
  try {
    std::thread([this, channel, by_proxy, from = std::move(address)]() mutable { serve(std::move(channel), by_proxy, std::move(from)); }).detach();
  } catch (const std::system_error& error) {
    log::error("no thread for a connection", {{"listener", options_.name}, {"what", error.what()}});
    unasked_.erase(channel.get());
    channels_.erase(channel);
    channel->cut();
  }
}

void Server::serve(std::shared_ptr<Channel> channel, bool by_proxy, std::string address) {
  try {
    Session(*this, *channel, by_proxy, std::move(address)).run();
  } catch (const std::exception& error) {
    log::error("connection failed", {{"listener", options_.name}, {"what", error.what()}});
    channel->cut();
  }
  // The last use of the server, and the end of the connection, before `stop` can see the set empty.
  const std::lock_guard lock(mutex_);
  idle_.erase(channel.get());
  unasked_.erase(channel.get());
  channels_.erase(channel);
  channel.reset();
  ended_.notify_all();
}

std::optional<TlsState> Server::tls_state() const {
  return tls_ ? std::optional(tls_->state(clock_.now())) : std::nullopt;
}

void Server::stop(milliseconds grace, const std::function<void()>& before_cut) {
  if (!acceptor_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
  acceptor_.join();
  ::close(listener_);
  ::close(wake_);
  std::unique_lock lock(mutex_);
  for (Channel* idle : idle_) idle->cut();
  if (!ended_.wait_for(lock, grace, [this] { return channels_.empty(); }) && before_cut) {
    lock.unlock();
    before_cut();
    lock.lock();
  }
  for (const auto& channel : channels_) channel->cut();
  ended_.wait(lock, [this] { return channels_.empty(); });
}

}  // namespace sluis::http
