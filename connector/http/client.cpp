#include "connector/http/client.hpp"

#include "connector/base/limits.hpp"
#include "connector/http/message.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace sluis::http {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kStreamIdle{30'000};

std::string request_text(const PeerRequest& request, const std::string& host, const std::string& target) {
  std::string out = request.method + " " + target + " HTTP/1.1\r\nhost: " + host + "\r\n";
  for (const auto& [name, value] : request.headers) out += name + ": " + value + "\r\n";
  if (request.method != "GET" || !request.body.empty()) out += "content-length: " + std::to_string(request.body.size()) + "\r\n";
  return out + "\r\n" + request.body;
}

}  // namespace

struct Client::Url {
  bool tls = true;
  std::string host;
  std::string port;
  std::string authority;
  std::string target;
  std::string origin;

  static Result<Url> parse(const std::string& text, bool allow_http) {
    const auto parsed = boost::urls::parse_uri(text);
    Url url;
    if (!parsed || (parsed->scheme() != "https" && !(allow_http && parsed->scheme() == "http")) || parsed->host().empty() ||
        parsed->has_userinfo()) {
      return Error(ErrorCode::invalid_argument, "`" + text + "` is no address that this node calls")
          .mended_by(allow_http ? "it begins with https:// or http://" : "it begins with https://");
    }
    url.tls = parsed->scheme() == "https";
    url.host = std::string(parsed->host_address());
    url.port = parsed->has_port() ? std::string(parsed->port()) : url.tls ? "443" : "80";
    const auto authority = parsed->encoded_host_and_port();
    url.authority = std::string(authority.data(), authority.size());
    const auto target = parsed->encoded_target();
    url.target = std::string(target.data(), target.size());
    if (!url.target.starts_with('/')) url.target = "/" + url.target;
    url.origin = std::string(url.tls ? "https://" : "http://") + url.host + ":" + url.port;
    return url;
  }
};

struct Client::Connection {
  Connection(int file, std::shared_ptr<TlsContext> tls) : channel(file, std::move(tls)), reader(channel) {}
  Channel channel;
  MessageReader reader;
  bool answered = false;  ///< a byte of this request's answer came
  bool reused = false;
  bool close = false;
};

Client::Client(ClientOptions options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::make(ClientOptions options, const Clock& clock) {
  std::unique_ptr<Client> client(new Client(std::move(options), clock));
  if (!client->options_.tls.roots.empty()) {
    SLUIS_TRY(client->tls_, TlsContext::client(client->options_.tls));
  }
  return client;
}

Result<std::unique_ptr<Client::Connection>> Client::open(const Url& url, milliseconds limit) {
  if (url.tls && !tls_) return Error(ErrorCode::invalid_argument, "no roots are configured to trust `" + url.host + "` by");
  SLUIS_TRY(const int file, connect_tcp(url.host, url.port, limit));
  auto connection = std::make_unique<Connection>(file, url.tls ? tls_ : nullptr);
  SLUIS_CHECK(connection->channel.connect(url.host, clock_.now(), limit));
  return connection;
}

std::unique_ptr<Client::Connection> Client::idle(const std::string& origin) {
  const std::lock_guard lock(mutex_);
  auto& queue = idle_[origin];
  while (!queue.empty()) {
    auto connection = std::move(queue.back());
    queue.pop_back();
    if (connection->channel.readable()) continue;  // an end, or bytes that nobody asked for
    connection->reused = true;
    connection->answered = false;
    return connection;
  }
  return nullptr;
}

void Client::keep(const std::string& origin, std::unique_ptr<Connection> connection) {
  if (connection->close) return;
  const std::lock_guard lock(mutex_);
  auto& queue = idle_[origin];
  if (queue.size() < options_.idle_connections) queue.push_back(std::move(connection));
}

Result<PeerResponse> Client::attempt(const PeerRequest& request, const Url& url, Connection& connection) {
  const auto deadline = Steady::now() + request.timeout;
  if (const auto sent = connection.channel.write(request_text(request, url.authority, url.target), request.timeout); !sent) {
    return Error(ErrorCode::outcome_unknown, "the request may not have arrived whole: " + sent.error().message);
  }
  auto head = connection.reader.response_head(deadline);
  if (!head) return Error(ErrorCode::outcome_unknown, "no answer from `" + url.origin + "`: " + head.error().message);
  connection.answered = true;
  connection.close = head->close;
  PeerResponse response{head->status, std::move(head->headers), {}};
  Headers trailers;
  bool too_large = false;
  const auto left = std::max(milliseconds(1), std::chrono::ceil<milliseconds>(deadline - Steady::now()));
  const auto complete = connection.reader.response_body(
      left,
      [&](std::string_view bytes) {
        if (response.body.size() + bytes.size() > limits::kResponseBytes) too_large = true;
        if (!too_large) response.body.append(bytes);
        return !too_large && Steady::now() < deadline;
      },
      trailers);
  if (!complete || !*complete) {
    connection.close = true;
    if (too_large) return Error(ErrorCode::limit_exceeded, "the answer of `" + url.origin + "` is too large");
    return Error(ErrorCode::outcome_unknown, "the answer of `" + url.origin + "` is cut short");
  }
  return response;
}

Result<PeerResponse> Client::send(const PeerRequest& request) {
  SLUIS_TRY(const Url url, Url::parse(request.url, options_.allow_http));
  std::unique_ptr<Connection> connection = idle(url.origin);
  for (;;) {
    if (!connection) {
      SLUIS_TRY(connection, open(url, request.timeout));
    }
    auto response = attempt(request, url, *connection);
    if (!response && connection->reused && !connection->answered && request.method == "GET") {
      connection.reset();
      continue;
    }
    if (response) keep(url.origin, std::move(connection));
    return response;
  }
}

Result<StreamEnd> Client::get(const PeerRequest& request, const StreamHandler& handler) {
  SLUIS_TRY(const Url url, Url::parse(request.url, options_.allow_http));
  SLUIS_TRY(const std::unique_ptr<Connection> connection, open(url, request.timeout));
  if (const auto sent = connection->channel.write(request_text(request, url.authority, url.target), request.timeout); !sent) {
    return Error(ErrorCode::outcome_unknown, "the request may not have arrived whole: " + sent.error().message);
  }
  auto head = connection->reader.response_head(Steady::now() + request.timeout);
  if (!head) return Error(ErrorCode::outcome_unknown, "no answer from `" + url.origin + "`: " + head.error().message);
  StreamEnd end;
  if (!handler.on_head(head->status, head->headers)) {
    connection->channel.cut();
    return end;
  }
  const auto complete = connection->reader.response_body(kStreamIdle, handler.on_data, end.trailers);
  end.complete = complete && *complete;
  if (end.complete) {
    connection->channel.close();
  } else {
    connection->channel.cut();
  }
  return end;
}

}  // namespace sluis::http
