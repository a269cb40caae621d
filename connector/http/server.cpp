#include "connector/http/server.hpp"

#include "connector/base/bytes.hpp"
#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/http/message.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace sluis::http {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kWriteLimit{30'000};

Response refusal(unsigned status, std::string_view reason) {
  return json_response(status, R"({"code":")" + std::to_string(status) + R"(","reason":[")" + std::string(reason) + "\"]}");
}

/// Writes a streamed body in chunks; small writes are collected.
class Sink final : public ResponseSink {
 public:
  Sink(Channel& channel, bool head_only, bool close) : channel_(channel), head_only_(head_only), close_(close) {}

  Result<void> start(unsigned status, const Headers& headers, std::optional<std::uint64_t> length) override {
    started_ = true;
    chunked_ = !length;
    left_ = length.value_or(0);
    Headers all = headers;
    if (chunked_) {
      all["transfer-encoding"] = "chunked";
    } else {
      all["content-length"] = std::to_string(*length);
    }
    return channel_.write(head_text(status, all, close_), kWriteLimit);
  }
  Result<void> write(std::string_view bytes) override {
    if (head_only_ || bytes.empty()) return {};
    if (!chunked_) {
      if (bytes.size() > left_) return Error(ErrorCode::internal, "more bytes than the length said");
      left_ -= bytes.size();
      return channel_.write(bytes, kWriteLimit);
    }
    buffer_.append(bytes);
    return buffer_.size() >= kCollect ? flush() : Result<void>();
  }
  Result<void> finish(const Headers& trailers) override {
    if (head_only_) return done();
    if (!chunked_) {
      if (left_ != 0) return Error(ErrorCode::internal, "fewer bytes than the length said");
      return done();
    }
    SLUIS_CHECK(flush());
    std::string end = "0\r\n";
    for (const auto& [name, value] : trailers) end += name + ": " + value + "\r\n";
    SLUIS_CHECK(channel_.write(end + "\r\n", kWriteLimit));
    return done();
  }
  void cut() override { channel_.cut(); }
  Result<void> flush() {
    if (buffer_.empty()) return {};
    char size[24];
    const int digits = std::snprintf(size, sizeof size, "%zx\r\n", buffer_.size());
    buffer_.insert(0, size, static_cast<std::size_t>(digits));
    buffer_ += "\r\n";
    auto sent = channel_.write(buffer_, kWriteLimit);
    buffer_.clear();
    return sent;
  }
  bool complete() const { return complete_; }
  bool started() const { return started_; }

 private:
  static constexpr std::size_t kCollect = 120U << 10U;
  Result<void> done() {
    complete_ = true;
    return {};
  }

  Channel& channel_;
  const bool head_only_;
  const bool close_;
  bool started_ = false;
  bool chunked_ = true;
  bool complete_ = false;
  std::uint64_t left_ = 0;
  std::string buffer_;
};

struct Match {
  const Route* route = nullptr;
  bool path_known = false;
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
    } else if (route.path != path) {
      continue;
    }
    match.path_known = true;
    if (route.method == method || (method == "HEAD" && route.method == "GET")) {
      match.route = &route;
      match.rest = std::move(rest);
      return match;
    }
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
  Session(Server& server, Channel& channel) : server_(server), channel_(channel), reader_(channel) {}

  void run() {
    if (!channel_.accept(server_.clock_.now(), limits::kHttpReadTimeout)) return;
    while (!server_.stopping_ && one()) {
    }
    channel_.close();
  }

 private:
  /// Whether the connection goes on.
  bool one() {
    {
      const std::lock_guard lock(server_.mutex_);
      server_.idle_.insert(&channel_);
    }
    const bool there = reader_.wait(limits::kHttpIdleTimeout);
    {
      const std::lock_guard lock(server_.mutex_);
      server_.idle_.erase(&channel_);
    }
    if (!there) return false;
    RequestHead head;
    const auto deadline = Steady::now() + limits::kHttpReadTimeout;
    if (const unsigned status = reader_.head(head, deadline); status != 0) return answer(head, refusal(status, "the request is not acceptable"), true);
    Request request;
    auto path = normal_path(head.path);
    if (!path) return answer(head, refusal(400, "the path is not acceptable"), true);
    request.path = std::move(*path);
    request.method = head.method;
    request.query = head.query;
    request.target = head.target;
    request.headers = head.headers;
    request.tls = channel_.peer();
    request.correlation_id = to_hex(server_.random_.bytes(8));
    Match match = find_route(server_.routes_, request.method, request.path);
    if (match.route == nullptr) {
      const bool close = head.has_body;
      return answer(head, match.path_known ? refusal(405, "not this method") : refusal(404, "nothing here"), close);
    }
    request.rest = std::move(match.rest);
    if (head.expects_continue && !channel_.write("HTTP/1.1 100 Continue\r\n\r\n", kWriteLimit)) return false;
    if (const unsigned status = reader_.body(request.body, match.route->body_limit, deadline); status != 0) {
      return answer(head, refusal(status, status == 413 ? "the body is too large" : "the request is not acceptable"), true);
    }
    return answer(head, handle(*match.route, request), false);
  }

  Response handle(const Route& route, const Request& request) {
    try {
      return route.handler(request);
    } catch (const std::exception& error) {
      log::error("handler failed", {{"listener", server_.options_.name}, {"correlation_id", request.correlation_id}, {"what", error.what()}});
      return refusal(500, "something went wrong; see the log at " + request.correlation_id);
    }
  }

  bool answer(const RequestHead& head, Response response, bool close) {
    close = close || head.close || server_.stopping_;
    const bool head_only = head.method == "HEAD";
    if (response.stream) {
      Sink sink(channel_, head_only, close);
      try {
        response.stream(sink);
      } catch (const std::exception& error) {
        log::error("stream failed", {{"listener", server_.options_.name}, {"what", error.what()}});
      }
      if (!sink.complete()) {
        channel_.cut();
        return false;
      }
      return !close;
    }
    response.headers["content-length"] = std::to_string(response.body.size());
    std::string text = head_text(response.status, response.headers, close);
    if (!head_only) text += response.body;
    return channel_.write(text, kWriteLimit) && !close;
  }

  Server& server_;
  Channel& channel_;
  MessageReader reader_;
};

Server::Server(ServerOptions options, std::vector<Route> routes, const Clock& clock, Random& random)
    : options_(std::move(options)), routes_(std::move(routes)), clock_(clock), random_(random) {
  if (options_.connections == 0) options_.connections = limits::kConnections;
}

Server::~Server() { stop(milliseconds(0)); }

Result<std::uint16_t> Server::start() {
  if (options_.tls) {
    SLUIS_TRY(tls_, TlsContext::server(*options_.tls, options_.request_client_certificate));
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options_.port);
  const std::string where = options_.address + ":" + std::to_string(options_.port);
  if (::inet_pton(AF_INET, options_.address.c_str(), &address.sin_addr) != 1) {
    return Error(ErrorCode::invalid_argument, "`" + options_.address + "` is no IPv4 address to listen on");
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int one = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 512) != 0) {
    const std::string why = std::strerror(errno);
    ::close(listener_);
    listener_ = -1;
    return Error(ErrorCode::conflict, "cannot listen on " + where + " (" + options_.name + "): " + why)
        .mended_by("stop what uses it, or configure another port");
  }
  socklen_t size = sizeof address;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  wake_ = ::eventfd(0, EFD_CLOEXEC);
  acceptor_ = std::thread([this] { accept_loop(); });
  return ntohs(address.sin_port);
}

void Server::accept_loop() {
  while (!stopping_) {
    pollfd items[2] = {{listener_, POLLIN, 0}, {wake_, POLLIN, 0}};
    if (::poll(items, 2, -1) < 0) continue;
    const int file = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (file < 0) continue;
    auto channel = std::make_shared<Channel>(file, tls_);
    const std::lock_guard lock(mutex_);
    if (channels_.size() >= options_.connections || stopping_) {
      channel->cut();
      continue;
    }
    channels_.insert(channel);
    std::thread([this, channel] { serve(channel); }).detach();
  }
}

void Server::serve(const std::shared_ptr<Channel>& channel) {
  Session(*this, *channel).run();
  const std::lock_guard lock(mutex_);
  channels_.erase(channel);
  ended_.notify_all();
}

void Server::stop(milliseconds grace) {
  if (!acceptor_.joinable()) return;
  stopping_ = true;
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
  acceptor_.join();
  std::unique_lock lock(mutex_);
  for (Channel* idle : idle_) idle->cut();
  ended_.wait_for(lock, grace, [this] { return channels_.empty(); });
  for (const auto& channel : channels_) channel->cut();
  ended_.wait(lock, [this] { return channels_.empty(); });
  ::close(listener_);
  ::close(wake_);
}

}  // namespace sluis::http
