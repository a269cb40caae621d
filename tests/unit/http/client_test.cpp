#include "connector/base/limits.hpp"
#include "connector/http/client.hpp"
#include "connector/http/server.hpp"
#include "tests/support/doubles.hpp"
#include "tests/unit/http/listening.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <thread>

namespace sluis::http {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

/// A peer that answers every request with the same bytes, whatever they are.
class ScriptedPeer {
 public:
  enum class Then { keep, close };
  explicit ScriptedPeer(std::string answer, Then then = Then::keep) : answer_(std::move(answer)), then_(then) {
    listener_ = listen_here(port_);
    thread_ = std::thread([this] { run(); });
  }
  ~ScriptedPeer() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
  }
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/x"; }
  int connections() const { return connections_; }
  int requests() const { return requests_; }

 private:
  void run() {
    std::vector<pollfd> files{{listener_, POLLIN, 0}};
    while (!stop_) {
      ::poll(files.data(), files.size(), 10);
      for (std::size_t i = files.size(); i-- > 1;) {
        if ((files[i].revents & (POLLIN | POLLHUP)) != 0 && !serve(files[i].fd)) {
          ::close(files[i].fd);
          files.erase(files.begin() + static_cast<std::ptrdiff_t>(i));
        }
      }
      if ((files[0].revents & POLLIN) != 0) {
        files.push_back({::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), POLLIN, 0});
        ++connections_;
      }
    }
    for (std::size_t i = 1; i < files.size(); ++i) ::close(files[i].fd);
  }
  bool serve(int file) {
    char request[64U << 10U];
    const ssize_t got = ::recv(file, request, sizeof request, 0);
    if (got <= 0) return false;
    last_.assign(request, static_cast<std::size_t>(got));
    ++requests_;
    std::string_view rest = answer_;
    while (!rest.empty() && !stop_) {
      const ssize_t sent = ::send(file, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return then_ == Then::keep;
  }

  std::string answer_;
  Then then_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<int> connections_ = 0;
  std::atomic<int> requests_ = 0;
  std::string last_;
  std::thread thread_;
};

class ClientTest : public ::testing::Test {
 protected:
  Result<PeerResponse> send(const std::string& url, const std::string& method = "POST", milliseconds timeout = milliseconds(3000)) {
    PeerRequest request;
    request.method = method;
    request.url = url;
    request.timeout = timeout;
    return client_->send(request);
  }

  test::ManualClock clock_;
  std::unique_ptr<Client> client_ = *Client::make({{}, true, 8}, clock_);
};

TEST_F(ClientTest, TakesAnswersThatAreOddButSound) {
  for (const char* answer : {
           "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
           "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 \r\ncontent-length: 0\r\nset-cookie: a\r\nset-cookie: b\r\n\r\n",
           "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
       }) {
    const ScriptedPeer peer(answer);
    const auto got = send(peer.url());
    ASSERT_TRUE(got) << describe(got.error()) << answer;
    EXPECT_EQ(got->status, 200U);
    EXPECT_EQ(got->body, "");
  }
  const ScriptedPeer unframed("HTTP/1.1 200 OK\r\n\r\nuntil the end", ScriptedPeer::Then::close);
  EXPECT_EQ(send(unframed.url())->body, "until the end");
  const ScriptedPeer none("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(send(none.url())->status, 204U);
}

TEST_F(ClientTest, ARepeatedHeaderDoesNotHideTheOthers) {
  const ScriptedPeer peer("HTTP/1.1 200 OK\r\nvary: a\r\nvary: b\r\ncontent-type: application/json\r\ncontent-length: 0\r\n\r\n");
  const auto got = send(peer.url());
  EXPECT_EQ(got->headers.at("vary"), "a, b");
  EXPECT_EQ(got->headers.at("content-type"), "application/json");
}

TEST_F(ClientTest, RedirectsAreGivenBackAndNotFollowed) {
  const ScriptedPeer other("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  const ScriptedPeer peer("HTTP/1.1 307 Temporary Redirect\r\nlocation: " + other.url() + "\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(send(peer.url())->status, 307U);
  EXPECT_EQ(other.connections(), 0);
}

TEST_F(ClientTest, APeerThatNeverAnswersEndsInTime) {
  const ScriptedPeer silent("");
  const auto begin = Steady::now();
  const auto got = send(silent.url(), "POST", milliseconds(200));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::outcome_unknown);
  EXPECT_LT(Steady::now() - begin, milliseconds(2000));
  EXPECT_EQ(silent.requests(), 1);
}

TEST_F(ClientTest, NobodyListeningMeansNothingWasSent) {
  std::string url;
  {
    const ScriptedPeer gone("");
    url = gone.url();
  }
  EXPECT_EQ(send(url).error().code, ErrorCode::peer_unavailable);
}

TEST_F(ClientTest, AnswersThatAreBrokenOrCutShortAreNotTaken) {
  for (const char* answer : {"nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
                             "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
                             "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"}) {
    const ScriptedPeer peer(answer, ScriptedPeer::Then::close);
    const auto got = send(peer.url());
    ASSERT_FALSE(got) << answer;
    EXPECT_EQ(got.error().code, ErrorCode::outcome_unknown);
  }
}

TEST_F(ClientTest, ACodingThatNobodyAskedForIsNotTaken) {
  for (const char* header : {"content-encoding: gzip\r\n", "Content-Encoding: br, identity\r\n", "transfer-encoding: gzip, chunked\r\n",
                             "transfer-encoding: gzip\r\n"}) {
    const ScriptedPeer peer(std::string("HTTP/1.1 200 OK\r\n") + header + "content-length: 2\r\n\r\n{}", ScriptedPeer::Then::close);
    const auto got = send(peer.url());
    ASSERT_FALSE(got) << header;
    EXPECT_EQ(got.error().code, ErrorCode::outcome_unknown);
  }
  const ScriptedPeer plain("HTTP/1.1 200 OK\r\ncontent-encoding: identity\r\ncontent-length: 2\r\n\r\n{}", ScriptedPeer::Then::close);
  EXPECT_TRUE(send(plain.url()));
}

TEST_F(ClientTest, InterimAnswersWithoutEndAreGivenUp) {
  std::string flood;
  for (int i = 0; i < 100'000; ++i) flood += "HTTP/1.1 102 Processing\r\n\r\n";
  const ScriptedPeer peer(flood, ScriptedPeer::Then::close);
  const auto got = send(peer.url());
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message.find("interim"), std::string::npos) << got.error().message;
}

TEST_F(ClientTest, AnAnswerOverTheLimitIsRefused) {
  const ScriptedPeer peer("HTTP/1.1 200 OK\r\n\r\n" + std::string(limits::kResponseBytes + 1, 'a'), ScriptedPeer::Then::close);
  const auto got = send(peer.url());
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::limit_exceeded);
}

TEST_F(ClientTest, AnAnswerJustAtTheLimitIsTaken) {
  const ScriptedPeer peer("HTTP/1.1 200 OK\r\n\r\n" + std::string(limits::kResponseBytes, 'a'), ScriptedPeer::Then::close);
  const auto got = send(peer.url());
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(got->body.size(), limits::kResponseBytes);
}

/// A server that takes what is sent to it, and keeps it.
class Receiver {
 public:
  Receiver() {
    std::vector<Route> routes{{"POST", "/inbox", [this](const Request& request) {
                                 got_ = request;
                                 return Response{201, {}, {}, {}};
                               }, 1U << 20U}};
    ServerOptions options;
    options.address = "127.0.0.1";
    server_ = std::make_unique<Server>(options, std::move(routes), clock_, random_);
    port_ = *server_->start();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/inbox"; }
  std::optional<Request> got_;

 private:
  test::ManualClock clock_;
  SystemRandom random_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
};

TEST_F(ClientTest, AStreamedRequestArrivesWholeWithItsHeaders) {
  Receiver receiver;
  PeerRequest request;
  request.url = receiver.url();
  request.headers = {{"authorization", "Bearer t"}};
  const std::string part(200U << 10U, 'x');
  const auto got = client_->upload(request, [&](ResponseSink& sink, const auto&) {
    ASSERT_TRUE(sink.start(200, {{"content-type", "text/csv"}}, std::nullopt));
    ASSERT_TRUE(sink.write(part));
    ASSERT_TRUE(sink.write("end"));
    ASSERT_TRUE(sink.finish({{"sluis-rows", "1"}}));
  });
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(got->status, 201U);
  ASSERT_TRUE(receiver.got_);
  EXPECT_EQ(receiver.got_->body, part + "end");
  EXPECT_EQ(receiver.got_->header("authorization"), "Bearer t");
  EXPECT_EQ(receiver.got_->header("content-type"), "text/csv");
}

TEST_F(ClientTest, AStreamedRequestThatIsCutOrHasNothingIsNoRequest) {
  Receiver receiver;
  PeerRequest request;
  request.url = receiver.url();
  const auto cut = client_->upload(request, [](ResponseSink& sink, const auto&) {
    ASSERT_TRUE(sink.start(200, {}, std::nullopt));
    ASSERT_TRUE(sink.write("half"));
    sink.cut();
  });
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::outcome_unknown);
  const auto nothing = client_->upload(request, [](ResponseSink& sink, const auto&) { EXPECT_FALSE(sink.start(502, {}, 2)) << "a refusal of the source"; });
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, ErrorCode::invalid_state);
  EXPECT_FALSE(receiver.got_);
}

TEST_F(ClientTest, ARefusalOfAStreamedRequestIsReadThoughThePeerDidNotTakeItAll) {
  test::ManualClock clock;
  SystemRandom random;
  Server server({"test", "127.0.0.1", 0, {}, false, 0}, {{"POST", "/x", [](const Request&) { return Response{}; }, 10}}, clock, random);
  PeerRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(*server.start()) + "/x";
  const std::string part(1U << 20U, 'a');
  bool failed = false;
  const auto got = client_->upload(request, [&](ResponseSink& sink, const auto&) {
    ASSERT_TRUE(sink.start(200, {}, std::nullopt));
    for (int i = 0; i < 1024 && !failed; ++i) failed = !sink.write(part);
    sink.cut();  // as who sends does
  });
  EXPECT_TRUE(failed);
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(got->status, 413U);
}

TEST_F(ClientTest, AStreamedRequestHasALimitInAll) {
  const ScriptedPeer peer("");
  PeerRequest request;
  request.url = peer.url();
  request.whole = milliseconds(0);
  const auto got = client_->upload(request, [&](ResponseSink& sink, const auto&) {
    EXPECT_FALSE(sink.start(200, {}, std::nullopt));
    sink.cut();
  });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::outcome_unknown);
}

TEST_F(ClientTest, AStreamedRequestFollowsNoRedirect) {
  const ScriptedPeer other("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  const ScriptedPeer peer("HTTP/1.1 307 Temporary Redirect\r\nlocation: " + other.url() + "\r\ncontent-length: 0\r\n\r\n");
  PeerRequest request;
  request.url = peer.url();
  const auto got = client_->upload(request, [](ResponseSink& sink, const auto&) {
    ASSERT_TRUE(sink.start(200, {}, std::nullopt));
    ASSERT_TRUE(sink.finish());
  });
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(got->status, 307U);
  EXPECT_EQ(other.connections(), 0);
}

TEST_F(ClientTest, ConnectionsAreKept) {
  const ScriptedPeer peer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(send(peer.url()));
  EXPECT_EQ(peer.connections(), 1);
  EXPECT_EQ(peer.requests(), 5);
}

TEST_F(ClientTest, AKeptConnectionWithUnaskedBytesIsNotUsedAgain) {
  const ScriptedPeer peer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send(peer.url())->status, 200U);
  EXPECT_EQ(peer.connections(), 3);
}

TEST_F(ClientTest, AKeptConnectionThatHasEndedIsReplaced) {
  const ScriptedPeer peer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ScriptedPeer::Then::close);
  for (const char* method : {"POST", "GET", "POST"}) {
    ASSERT_TRUE(send(peer.url(), method)) << method;
    ::usleep(50'000);  // the end arrives
  }
  EXPECT_EQ(peer.connections(), 3);
}

TEST_F(ClientTest, ALineBreakInAHeaderOrMethodSendsNothing) {
  const ScriptedPeer peer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  PeerRequest request;
  request.url = peer.url();
  for (const Headers& headers : {Headers{{"authorization", "Bearer a\r\nsluis-claim: b"}}, Headers{{"a\nb", "c"}},
                                 Headers{{"a", std::string("b\0c", 3)}}, Headers{{"a: b", "c"}}}) {
    request.headers = headers;
    EXPECT_EQ(client_->send(request).error().code, ErrorCode::invalid_argument);
  }
  request.headers.clear();
  request.method = "GET / HTTP/1.1\r\nx: ";
  EXPECT_EQ(client_->send(request).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(peer.requests(), 0);
}

TEST_F(ClientTest, AStreamWithoutFramingIsNeverComplete) {
  const ScriptedPeer peer("HTTP/1.1 200 OK\r\n\r\nsome bytes", ScriptedPeer::Then::close);
  PeerRequest request;
  request.url = peer.url();
  std::string body;
  const auto end = client_->get(request, {[](unsigned, const Headers&) { return true; },
                                          [&](std::string_view bytes) { body += bytes; return true; }});
  ASSERT_TRUE(end);
  EXPECT_EQ(body, "some bytes");
  EXPECT_FALSE(end->complete);
}

TEST_F(ClientTest, ARefusalIsReadThoughThePeerDidNotTakeTheBody) {
  test::ManualClock clock;
  SystemRandom random;
  Server server({"test", "127.0.0.1", 0, {}, false, 0}, {{"POST", "/x", [](const Request&) { return Response{}; }, 10}}, clock, random);
  PeerRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(*server.start()) + "/x";
  request.body = std::string(4U << 20U, 'a');
  const auto got = client_->send(request);
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(got->status, 413U);
}

TEST_F(ClientTest, APeerThatTakesTheRequestByDropsDoesNotHoldItBeyondItsTime) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  socklen_t size = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::size_t taken = 0;
  std::thread drops([&] {
    const int file = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    char drop[64U << 10U];  // often enough that each wait for room ends well within the time
    for (ssize_t got = 0; (got = ::recv(file, drop, sizeof drop, 0)) > 0; ::poll(nullptr, 0, 20)) taken += static_cast<std::size_t>(got);
    ::close(file);
  });
  PeerRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/x";
  request.body = std::string(32U << 20U, 'a');
  request.timeout = milliseconds(1000);
  const auto got = client_->send(request);
  drops.join();
  ::close(listener);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::outcome_unknown);
  EXPECT_LT(taken, request.body.size()) << "it was sent to its end, however long that took";
}

TEST_F(ClientTest, WhoWaitsForAnAnswerGoesOnWhenTheClientIsStopped) {
  const ScriptedPeer peer("");  // it takes all, and says nothing
  std::optional<Result<PeerResponse>> got;
  std::thread waiting([&] { got = send(peer.url(), "POST", std::chrono::minutes(10)); });
  while (peer.requests() == 0) ::usleep(1000);
  client_->stop();
  waiting.join();
  EXPECT_FALSE(got->has_value());
  EXPECT_FALSE(send(peer.url(), "POST", std::chrono::minutes(10))) << "nor is another begun";
  EXPECT_EQ(peer.requests(), 1);
}

/// A stream that is asked of a peer: what came of it, and how it ended.
struct Streamed {
  Result<StreamEnd> end;
  std::string body;
};

Streamed stream(Client& client, const std::string& url, milliseconds silence = milliseconds(3000), std::optional<milliseconds> whole = std::nullopt,
                CallCutter* cutter = nullptr, const std::function<void()>& on_bytes = [] {}) {
  PeerRequest request;
  request.url = url;
  request.silence = silence;
  request.whole = whole;
  std::string body;
  StreamHandler handler{[](unsigned, const Headers&) { return true; },
                        [&](std::string_view bytes) {
                          body += bytes;
                          on_bytes();
                          return true;
                        }};
  handler.cutter = cutter;
  auto end = client.get(request, handler);
  return {std::move(end), std::move(body)};
}

TEST_F(ClientTest, AStreamIsCompleteByItsFramingAndNothingElse) {
  const std::string ok = "HTTP/1.1 200 OK\r\n", chunked = ok + "transfer-encoding: chunked\r\n\r\n";
  const std::vector<std::pair<std::string, bool>> answers{
      {ok + "content-length: 5\r\n\r\nwhole", true},
      {chunked + "5\r\nwhole\r\n0\r\n\r\n", true},
      {ok + "content-length: 9\r\n\r\nwhole", false},                // it ends early
      {ok + "content-length: 5\r\n\r\nwhole and more", false},      // more than was said
      {chunked + "5\r\nwhole\r\n", false},                          // no last chunk
      {chunked + "5\r\nwhole\r\nzz\r\nmore\r\n0\r\n\r\n", false},  // no size of a chunk
      {chunked + "5\r\nwhole and\r\n0\r\n\r\n", false},           // no end of a chunk
      {chunked + "5\r\nwhole\r\n0\r\n\r\nmore", false},
  };
  for (const auto& [answer, complete] : answers) {
    const ScriptedPeer peer(answer, ScriptedPeer::Then::close);
    const auto got = stream(*client_, peer.url());
    ASSERT_TRUE(got.end) << answer;
    EXPECT_EQ(got.end->complete, complete) << answer;
    EXPECT_TRUE(got.body.starts_with("whole")) << answer;
    EXPECT_FALSE(got.end->late) << answer;
  }
}

TEST_F(ClientTest, AStreamThatIsSilentOrTakesTooLongIsLate) {
  const ScriptedPeer peer("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nsome");
  const auto silent = stream(*client_, peer.url(), milliseconds(50));
  ASSERT_TRUE(silent.end);
  EXPECT_FALSE(silent.end->complete);
  EXPECT_TRUE(silent.end->late);
  EXPECT_EQ(silent.body, "some");
  const auto in_all = stream(*client_, peer.url(), std::chrono::minutes(10), milliseconds(50));
  ASSERT_TRUE(in_all.end);
  EXPECT_TRUE(in_all.end->late);
}

TEST_F(ClientTest, AnotherThreadEndsAStreamThatIsSilent) {
  const ScriptedPeer peer("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nsome");
  CallCutter cutter;
  std::optional<std::thread> other;
  const auto got = stream(*client_, peer.url(), std::chrono::minutes(10), std::nullopt, &cutter, [&] { other.emplace([&] { cutter.cut(); }); });
  other->join();
  ASSERT_TRUE(got.end);
  EXPECT_FALSE(got.end->complete);
  EXPECT_FALSE(got.end->late);
  EXPECT_FALSE(stream(*client_, peer.url(), std::chrono::minutes(10), std::nullopt, &cutter).end) << "nor does it begin once it was ended";
}

}  // namespace
}  // namespace sluis::http
