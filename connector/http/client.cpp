#include "connector/http/client.hpp"

#include "connector/base/limits.hpp"
#include "connector/http/loopback.hpp"
#include "connector/http/message.hpp"
#include "connector/http/sink.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

namespace sluis::http {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kIdleKept{30};  ///< less than the server's, so that both seldom close at once
constexpr std::size_t kOrigins = 64;
constexpr milliseconds kEarlyAnswer{200};  ///< of a peer that takes no more

milliseconds left(Steady::time_point deadline) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - Steady::now()));
}

/// Request line and headers, each with its line end; without those that say where the body ends.
Result<std::string> request_head(const PeerRequest& request, const std::string& host, const std::string& target) {
  if (!sendable(request.headers) || request.method.empty() ||
      request.method.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos) {
    return Error(ErrorCode::invalid_argument, "a method or header of the request cannot be sent: it has a line break");
  }
  std::string out = request.method + " " + target + " HTTP/1.1\r\nhost: " + host + "\r\n";
  for (const auto& [name, value] : request.headers) {
    if (name != "host" && name != "content-length" && name != "transfer-encoding") out += name + ": " + value + "\r\n";
  }
  return out;
}

Result<std::string> request_text(const PeerRequest& request, const std::string& host, const std::string& target) {
  SLUIS_TRY(std::string out, request_head(request, host, target));
  if (request.method != "GET" || !request.body.empty()) out += "content-length: " + std::to_string(request.body.size()) + "\r\n";
  return out + "\r\n" + request.body;
}

/// Sends, and waits for the head of the answer. A peer may answer before it has taken the whole request (413).
Result<ResponseHead> exchange(Channel& channel, MessageReader& reader, const std::string& text, const std::string& origin,
                              Steady::time_point deadline) {
  const auto sent = channel.write(text, left(deadline), deadline);
  auto head = reader.response_head(sent ? deadline : std::min(deadline, Steady::now() + kEarlyAnswer));
  if (head) return head;
  if (!sent) return Error(ErrorCode::outcome_unknown, "the request may not have arrived whole: " + sent.error().message);
  return Error(ErrorCode::outcome_unknown, "no answer from `" + origin + "`: " + head.error().message);
}

}  // namespace

struct Client::Url {
  bool tls = true;
  bool proxied = false;
  std::string host;
  std::string port;
  std::string authority;
  std::string target;
  std::string origin;

  static Result<Url> parse(const std::string& text, bool allow_http) {
    const auto parsed = boost::urls::parse_uri(text);
    Url url;
    if (!parsed || (parsed->scheme() != "https" && !(allow_http && parsed->scheme() == "http")) || parsed->host().empty() ||
        parsed->has_userinfo() || begins_as_address(parsed->host()) ||
        (!parsed->encoded_path().empty() && parsed->encoded_path().front() != '/')) {  // see `begins_as_address`
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
    url.origin = std::string(url.tls ? "https://" : "http://") + host_and_port(url.host, url.port);
    return url;
  }
};

struct Client::Connection {
  Connection(int file, TlsContextPtr tls) : channel(file, std::move(tls)), reader(channel) {}
  /// Whether bytes that belong to no answer have come.
  bool more() {
    char byte = 0;
    if (!reader.empty()) return true;
    const auto got = channel.readable() ? channel.read(&byte, 1, milliseconds(0)) : Result<std::size_t>(0);
    return got && *got != 0;
  }

  Channel channel;
  MessageReader reader;
  Steady::time_point since;  ///< when it became idle
  bool answered = false;     ///< a byte of this request's answer came
  bool reused = false;
  bool close = false;
};

/// While it lives, `stop` reaches this connection, and so does who may end this call, if anybody.
class Client::Running {
 public:
  Running(Client& client, Channel& channel, CallCutter* cutter) : client_(client), channel_(channel), cutter_(cutter) {
    if (cutter_ != nullptr) cutter_->attach([&channel] { channel.cut(); });
    const std::lock_guard lock(client_.mutex_);
    if (client_.stopped_) channel_.cut();
    client_.running_.insert(&channel_);
  }
  ~Running() {
    if (cutter_ != nullptr) cutter_->attach(nullptr);
    const std::lock_guard lock(client_.mutex_);
    client_.running_.erase(&channel_);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Client& client_;
  Channel& channel_;
  CallCutter* cutter_;
};

Client::Client(ClientOptions options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::make(ClientOptions options, const Clock& clock) {
  std::unique_ptr<Client> client(new Client(std::move(options), clock));
  if (!client->options_.tls.roots.empty()) {
    SLUIS_TRY(client->tls_, TlsSource::open(client->options_.name, client->options_.tls, TlsSource::Side::client));
  }
  return client;
}

/// Where a request goes, if it may go there.
Result<Client::Url> Client::parse(const PeerRequest& request) const {
  SLUIS_TRY(Url url, Url::parse(request.url, options_.allow_http));
  url.proxied = options_.proxy && url.tls && goes_through(*options_.proxy, url.host);
  if (!url.proxied) return url;
  if (const std::string kind = options_.guard ? options_.guard->against(url.host) : std::string(); !kind.empty()) {
    return refused_address(url.origin, kind);
  }
  if (!options_.listed || options_.listed(request.peer, request.url)) return url;
  return Error(ErrorCode::peer_unavailable, "`" + url.origin + "` is not called through the proxy: the membership list has no such address" +
                                                (request.peer.empty() ? std::string() : " of `" + request.peer.str() + "`") + " now");
}

Result<std::unique_ptr<Client::Connection>> Client::open(const ParticipantId& peer, const Url& url, Steady::time_point deadline, CallCutter* cutter) {
  if (url.tls && !tls_) return Error(ErrorCode::invalid_argument, "no roots are configured to trust `" + url.host + "` by");
  const auto dialled = [&] {
    if (url.proxied) return connect_through(*options_.proxy, url.host, url.port, deadline);
    return options_.guard ? options_.guard->connect(url.host, url.port, deadline) : connect_tcp(url.host, url.port, deadline);
  };
  SLUIS_TRY(const int file, dialled());
  const TlsContextPtr tls = url.tls ? tls_->current(clock_.now()) : nullptr;
  auto connection = std::make_unique<Connection>(file, tls);
  const Running running(*this, connection->channel, cutter);
  SLUIS_CHECK(connection->channel.connect(url.host, clock_.now(), left(deadline), take_session(peer, url.origin, tls)));
  return connection;
}

TlsSession Client::take_session(const ParticipantId& peer, const std::string& origin, const TlsContextPtr& tls) {
  const std::lock_guard lock(mutex_);
  const auto taken = sessions_.extract({peer.str(), origin});
  if (taken.empty() || taken.mapped().tls != tls || Steady::now() - taken.mapped().since > kSessionAge) return nullptr;
  return taken.mapped().session;
}

void Client::keep_session(const ParticipantId& peer, const std::string& origin, const Connection& connection) {
  if (connection.reused) return;  // it gave its own when it was new
  TlsSession session = connection.channel.session();
  if (!session) return;
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= kOrigins && !sessions_.contains({peer.str(), origin})) {
    sessions_.erase(std::min_element(sessions_.begin(), sessions_.end(), [](const auto& a, const auto& b) { return a.second.since < b.second.since; }));
  }
  sessions_[{peer.str(), origin}] = {connection.channel.tls(), std::move(session), Steady::now()};
}

std::optional<TlsState> Client::tls_state() const {
  return tls_ ? std::optional(tls_->state(clock_.now())) : std::nullopt;
}

void Client::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (Channel* channel : running_) channel->cut();
}

std::unique_ptr<Client::Connection> Client::idle(const std::string& origin) {
  const TlsContextPtr tls = tls_ && origin.starts_with("https:") ? tls_->current(clock_.now()) : nullptr;
  const std::lock_guard lock(mutex_);
  const auto found = idle_.find(origin);
  if (found == idle_.end()) return nullptr;
  while (!found->second.empty()) {
    auto connection = std::move(found->second.back());
    found->second.pop_back();
    // An end, or bytes that nobody asked for, or too old, or by files of before.
    if (connection->channel.readable() || Steady::now() - connection->since > kIdleKept || connection->channel.tls() != tls) {
      connection->channel.close();
      continue;
    }
    connection->reused = true;
    connection->answered = false;
    return connection;
  }
  return nullptr;
}

void Client::keep(const std::string& origin, std::unique_ptr<Connection> connection) {
  if (connection->close || !connection->reader.empty()) return connection->channel.close();
  const auto now = Steady::now();
  connection->since = now;
  const std::lock_guard lock(mutex_);
  for (auto at = idle_.begin(); at != idle_.end();) {
    for (; !at->second.empty() && now - at->second.front()->since > kIdleKept; at->second.pop_front()) at->second.front()->channel.close();
    at = at->second.empty() ? idle_.erase(at) : std::next(at);
  }
  if (idle_.size() >= kOrigins && !idle_.contains(origin)) return connection->channel.close();
  auto& queue = idle_[origin];
  if (queue.size() >= options_.idle_connections) return connection->channel.close();
  queue.push_back(std::move(connection));
}

Result<PeerResponse> Client::attempt(const PeerRequest& request, const Url& url, Connection& connection,
                                     Steady::time_point deadline) {
  SLUIS_TRY(const std::string text, request_text(request, url.authority, url.target));
  const Running running(*this, connection.channel, nullptr);
  SLUIS_TRY(ResponseHead head, exchange(connection.channel, connection.reader, text, url.origin, deadline));
  connection.answered = true;
  keep_session(request.peer, url.origin, connection);
  if (request.method != "HEAD") return answer(std::move(head), url, connection, deadline);
  connection.close = true;
  return PeerResponse{head.status, std::move(head.headers), {}};
}

/// With its body, all of it.
Result<PeerResponse> Client::answer(ResponseHead head, const Url& url, Connection& connection, Steady::time_point deadline) {
  connection.close = head.close || !head.framed;
  PeerResponse response{head.status, std::move(head.headers), {}};
  Headers trailers;
  bool too_large = false;
  const bool complete = connection.reader.response_body(
      left(deadline), deadline,
      [&](std::string_view bytes) {
        too_large = response.body.size() + bytes.size() > limits::kResponseBytes;
        if (!too_large) response.body.append(bytes);
        return !too_large;
      },
      trailers);
  if (complete) return response;
  connection.close = true;
  if (too_large) return Error(ErrorCode::limit_exceeded, "the answer of `" + url.origin + "` is too large");
  return Error(ErrorCode::outcome_unknown, "the answer of `" + url.origin + "` is cut short");
}

Result<PeerResponse> Client::send(const PeerRequest& request) {
  SLUIS_TRY(const Url url, parse(request));
  const auto deadline = Steady::now() + request.timeout;
  std::unique_ptr<Connection> connection = idle(url.origin);
  for (;;) {
    if (!connection) {
      SLUIS_TRY(connection, open(request.peer, url, deadline, nullptr));
    }
    auto response = attempt(request, url, *connection, deadline);
    if (!response && connection->reused && !connection->answered && request.method == "GET" && Steady::now() < deadline) {
      connection.reset();  // the next one is new, so this happens once
      continue;
    }
    if (response) keep(url.origin, std::move(connection));
    return response;
  }
}

Result<PeerResponse> Client::upload(const PeerRequest& request, const UploadBody& body) {
  const auto begun = Steady::now();
  SLUIS_TRY(const Url url, parse(request));
  SLUIS_TRY(std::string head, request_head(request, url.authority, url.target));
  SLUIS_TRY(const std::unique_ptr<Connection> connection, open(request.peer, url, begun + request.timeout, nullptr));
  const Running running(*this, connection->channel, nullptr);
  std::optional<ResponseHead> early;
  // Who takes no more may have said why before it went: that is read before anybody cuts the connection for it.
  const auto failed = [&] {
    if (early || connection->channel.was_cut()) return;
    if (auto answered = connection->reader.response_head(Steady::now() + kEarlyAnswer)) early = std::move(*answered);
  };
  const auto last = request.whole ? begun + *request.whole : Steady::time_point::max();
  ChannelSink sink(connection->channel, {std::move(head) + "connection: close\r\n", failed, last});
  body(sink, connection->channel.peer().certificate);
  if (early && early->status >= 300) return PeerResponse{early->status, std::move(early->headers), {}};
  if (!sink.started()) return Error(ErrorCode::invalid_state, "there was nothing to be sent to `" + url.origin + "`");
  if (connection->channel.was_cut()) return Error(ErrorCode::outcome_unknown, "what was sent to `" + url.origin + "` was cut");
  if (early) return Error(ErrorCode::outcome_unknown, "`" + url.origin + "` took only a part of it");
  const auto deadline = Steady::now() + (sink.complete() ? request.silence : kEarlyAnswer);
  auto answered = connection->reader.response_head(deadline);
  if (!answered) return Error(ErrorCode::outcome_unknown, "no answer from `" + url.origin + "`: " + answered.error().message);
  if (!sink.complete() && answered->status < 300) return Error(ErrorCode::outcome_unknown, "`" + url.origin + "` took only a part of it");
  auto response = answer(std::move(*answered), url, *connection, deadline);
  connection->channel.close();
  return response;
}

Result<StreamEnd> Client::get(const PeerRequest& request, const StreamHandler& handler) {
  SLUIS_TRY(const Url url, parse(request));
  const auto begun = Steady::now();
  const auto deadline = begun + request.timeout;
  PeerRequest asked = request;
  asked.method = "GET";
  SLUIS_TRY(const std::string text, request_text(asked, url.authority, url.target));
  SLUIS_TRY(const std::unique_ptr<Connection> connection, open(request.peer, url, deadline, handler.cutter));
  const Running running(*this, connection->channel, handler.cutter);
  const auto& shown = connection->channel.peer().certificate;  // null: it cannot be read
  if (handler.on_peer && url.tls && (!shown || !handler.on_peer(shown))) {
    return Error(ErrorCode::peer_unavailable, "the certificate of `" + url.host + "` is not taken now");
  }
  SLUIS_TRY(const ResponseHead head, exchange(connection->channel, connection->reader, text, url.origin, deadline));
  keep_session(request.peer, url.origin, *connection);
  StreamEnd end;
  if (!handler.on_head(head.status, head.headers)) {
    connection->channel.cut();
    return end;
  }
  const auto last = request.whole ? begun + *request.whole : Steady::time_point::max();
  auto heard = Steady::now();
  bool taken = true;
  const auto take = [&](std::string_view bytes) {
    taken = handler.on_data(bytes);
    heard = Steady::now();
    return taken;
  };
  // An answer without framing ends with its connection, so nobody can tell whether it is whole; and what stands behind the end of one may have
  // been meant to be in it.
  end.complete = connection->reader.response_body(request.silence, last, take, end.trailers) && head.framed && !connection->more();
  const auto now = Steady::now();
  end.late = !end.complete && taken && (now >= last || now - heard >= request.silence);
  if (end.complete) {
    connection->channel.close();
  } else {
    connection->channel.cut();
  }
  return end;
}

}  // namespace sluis::http
