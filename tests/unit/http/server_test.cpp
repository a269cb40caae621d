#include "connector/http/client.hpp"
#include "connector/http/server.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace sluis::http {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

/// A plain connection, driven byte by byte.
class Wire {
 public:
  explicit Wire(std::uint16_t port) : file_(*connect_tcp("127.0.0.1", std::to_string(port), Steady::now() + milliseconds(2000))) {}
  ~Wire() { ::close(file_); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void send(std::string_view text) { (void)!::send(file_, text.data(), text.size(), MSG_NOSIGNAL); }
  /// What comes until the end or for so long.
  std::string read(milliseconds limit = milliseconds(2000)) {
    std::string out;
    const auto until = Steady::now() + limit;
    for (;;) {
      const auto left = std::chrono::duration_cast<milliseconds>(until - Steady::now()).count();
      pollfd item{file_, POLLIN, 0};
      if (left <= 0 || ::poll(&item, 1, static_cast<int>(left)) <= 0) return out;
      char chunk[64U << 10U];
      const ssize_t got = ::recv(file_, chunk, sizeof chunk, 0);
      if (got == 0) ended = true;
      if (got < 0 && errno == ECONNRESET) reset = true;
      if (got <= 0) return out;
      out.append(chunk, static_cast<std::size_t>(got));
    }
  }
  std::uint64_t received() const { return info().tcpi_bytes_received; }
  /// The peer has sent its orderly end, and no reset.
  bool half_closed() const {
    constexpr int kCloseWait = 8;  // TCP_CLOSE_WAIT of the kernel
    return info().tcpi_state == kCloseWait;
  }

  bool ended = false;
  bool reset = false;

 private:
  tcp_info info() const {
    tcp_info now{};
    socklen_t size = sizeof now;
    ::getsockopt(file_, IPPROTO_TCP, TCP_INFO, &now, &size);
    return now;
  }
  int file_;
};

class ServerTest : public ::testing::Test {
 protected:
  void start(std::vector<Route> routes, milliseconds read = milliseconds(15'000), milliseconds idle = milliseconds(60'000)) {
    ServerOptions options{"test", "127.0.0.1", 0, {}, false, 0};
    options.read_timeout = read;
    options.idle_timeout = idle;
    server_ = std::make_unique<Server>(options, std::move(routes), clock_, random_);
    const auto port = server_->start();
    ASSERT_TRUE(port);
    port_ = *port;
  }
  std::string ask(const std::string& text) {
    Wire wire(port_);
    wire.send(text);
    return wire.read(milliseconds(500));
  }
  static Route echo(std::size_t limit = 1000) {
    return {"POST", "/echo", [](const Request& request) { return Response{200, {}, request.body, {}}; }, limit};
  }
  static Route streaming(std::function<void(ResponseSink&)> body) {
    return {"GET", "/data", [body](const Request&) {
              Response response;
              response.stream = body;
              return response;
            }, 0};
  }

  test::ManualClock clock_;
  SystemRandom random_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
};

TEST_F(ServerTest, ASlowRequestIsEndedThoughBytesKeepComing) {
  start({echo()}, milliseconds(300));
  Wire wire(port_);
  const auto begin = Steady::now();
  std::string answer;
  for (int i = 0; i < 100 && answer.empty(); ++i) {
    wire.send("P");
    answer = wire.read(milliseconds(20));
  }
  EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 408");
  EXPECT_LT(Steady::now() - begin, milliseconds(1500));
}

TEST_F(ServerTest, ASlowBodyIsEnded) {
  start({echo()}, milliseconds(200));
  Wire wire(port_);
  wire.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc");
  EXPECT_EQ(wire.read().substr(0, 12), "HTTP/1.1 408");
}

TEST_F(ServerTest, AnIdleConnectionIsEnded) {
  start({echo()}, milliseconds(15'000), milliseconds(100));
  Wire wire(port_);
  EXPECT_EQ(wire.read(), "");
  EXPECT_TRUE(wire.ended);
}

TEST_F(ServerTest, TwoRequestsInOnePacketGetTwoAnswers) {
  start({echo()});
  const std::string one = "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n";
  const std::string got = ask(one + "abc" + one + "def");
  EXPECT_NE(got.find("abc"), std::string::npos);
  EXPECT_NE(got.find("def"), std::string::npos);
}

TEST_F(ServerTest, WhatIsRefusedSaysWhy) {
  start({echo(), {"PUT", "/echo", [](const Request&) { return Response{}; }, 0}});
  const std::string wrong = ask("GET /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  EXPECT_NE(wrong.find("allow: POST, PUT"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find(R"({"code":"405","reason":["not this method"]})"), std::string::npos) << wrong;
  EXPECT_EQ(ask("GET /echo HTTP/1.1\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
  EXPECT_EQ(ask("POST /echo HTTP/1.1\r\nhost: x\r\nsluis-claim: a\r\nsluis-claim: a\r\ncontent-length: 0\r\n\r\n").substr(0, 12),
            "HTTP/1.1 400");
  EXPECT_EQ(ask("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\ncontent-length: 5\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
}

TEST_F(ServerTest, ABodyIsAskedForOnlyWhereItWillBeTaken) {
  start({echo(10)});
  Wire wire(port_);
  wire.send("POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n");
  EXPECT_EQ(wire.read(milliseconds(300)).substr(0, 12), "HTTP/1.1 100");
  wire.send("abc");
  EXPECT_EQ(wire.read(milliseconds(300)).substr(0, 12), "HTTP/1.1 200");
  EXPECT_EQ(ask("POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 11\r\n\r\n").substr(0, 12), "HTTP/1.1 413");
}

TEST_F(ServerTest, HeadGivesNoBody) {
  start({{"GET", "/x", [](const Request&) { return Response{200, {}, "body", {}}; }, 0}});
  const std::string got = ask("HEAD /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  EXPECT_NE(got.find("content-length: 4"), std::string::npos);
  EXPECT_EQ(got.find("body"), std::string::npos);
}

TEST_F(ServerTest, AHandlerCannotBreakTheHead) {
  start({{"GET", "/x", [](const Request&) { return Response{200, {{"location", "a\r\nset-cookie: b"}}, "", {}}; }, 0},
         {"GET", "/y", [](const Request&) -> Response { throw 5; }, 0},
         {"GET", "/z", [](const Request&) {
            Response response;
            response.stream = [](ResponseSink&) { throw std::runtime_error("secret"); };
            return response;
          }, 0}});
  for (const char* path : {"/x", "/y", "/z"}) {
    const std::string got = ask(std::string("GET ") + path + " HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    EXPECT_EQ(got.substr(0, 12), "HTTP/1.1 500") << path;
    EXPECT_EQ(got.find("set-cookie"), std::string::npos);
    EXPECT_EQ(got.find("secret"), std::string::npos);
  }
}

TEST_F(ServerTest, AStreamOutOfOrderSendsNothingWrong) {
  start({streaming([](ResponseSink& sink) {
    EXPECT_FALSE(sink.write("early"));
    EXPECT_FALSE(sink.finish());
    ASSERT_TRUE(sink.start(200, {}, 4));
    EXPECT_FALSE(sink.start(200, {}, {}));
    EXPECT_FALSE(sink.write("too long"));
    ASSERT_TRUE(sink.write("ab"));
    EXPECT_FALSE(sink.finish());
    ASSERT_TRUE(sink.write("cd"));
    ASSERT_TRUE(sink.finish());
    EXPECT_FALSE(sink.write("late"));
    EXPECT_FALSE(sink.finish());
  })});
  const std::string got = ask("GET /data HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  EXPECT_EQ(got.substr(got.size() - 8), "\r\n\r\nabcd");
}

TEST_F(ServerTest, FlushSendsWhatWasCollected) {
  std::atomic<bool> seen = false;
  start({streaming([&](ResponseSink& sink) {
    ASSERT_TRUE(sink.start(200, {}, {}));
    ASSERT_TRUE(sink.write("first"));
    ASSERT_TRUE(sink.flush());
    for (int i = 0; i < 200 && !seen; ++i) ::usleep(10'000);
    ASSERT_TRUE(sink.finish());
  })});
  Wire wire(port_);
  wire.send("GET /data HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  EXPECT_NE(wire.read(milliseconds(300)).find("5\r\nfirst\r\n"), std::string::npos);
  seen = true;
  EXPECT_EQ(wire.read(), "0\r\n\r\n");
}

TEST_F(ServerTest, ACutStreamEndsInAResetAndNothingArrivesLater) {
  std::atomic<ResponseSink*> sink_now = nullptr;
  std::atomic<bool> ended = false;
  start({streaming([&](ResponseSink& sink) {
    ASSERT_TRUE(sink.start(200, {}, {}));
    sink_now = &sink;
    while (sink.write(std::string(65'536, 'a'))) {
    }
    ended = true;
    while (sink_now != nullptr) std::this_thread::yield();
  })});
  Wire wire(port_);
  wire.send("GET /data HTTP/1.1\r\nhost: x\r\n\r\n");
  ::usleep(300'000);  // the receiver does not read: the sender is stuck in the middle of a write
  ASSERT_NE(sink_now.load(), nullptr);
  sink_now.load()->cut();
  for (int i = 0; i < 100 && !ended; ++i) ::usleep(10'000);
  EXPECT_TRUE(ended);
  sink_now = nullptr;
  ::usleep(20'000);
  const std::uint64_t at_cut = wire.received();
  ::usleep(300'000);
  EXPECT_EQ(wire.received(), at_cut);
  EXPECT_GT(at_cut, 0U);
  std::string got;
  while (!wire.reset && !wire.ended) got += wire.read(milliseconds(500));
  EXPECT_TRUE(wire.reset);
  EXPECT_EQ(got.find("\r\n0\r\n\r\n"), std::string::npos);
}

TEST_F(ServerTest, AnUnsentTailDiesWithTheCut) {
  std::atomic<std::uint64_t> taken = 0;
  start({streaming([&](ResponseSink& sink) {
    ASSERT_TRUE(sink.start(200, {}, {}));
    while (sink.write(std::string(65'536, 'a'))) taken += 65'536;
  })});
  Wire wire(port_);
  wire.send("GET /data HTTP/1.1\r\nhost: x\r\n\r\n");
  ::usleep(300'000);
  // What the sender has handed over and the receiver's kernel has not got is bounded: the low-water mark, one collected
  // chunk and what is on its way.
  EXPECT_LT(taken.load(), wire.received() + (512U << 10U));
  server_->stop(milliseconds(0));
}

TEST_F(ServerTest, AReaderThatLeavesDoesNotEndTheProcess) {
  std::atomic<bool> ended = false;
  start({streaming([&](ResponseSink& sink) {
    ASSERT_TRUE(sink.start(200, {}, {}));
    while (sink.write(std::string(65'536, 'a'))) {
    }
    ended = true;
  })});
  {
    Wire wire(port_);
    wire.send("GET /data HTTP/1.1\r\nhost: x\r\n\r\n");
    (void)wire.read(milliseconds(50));
  }
  for (int i = 0; i < 300 && !ended; ++i) ::usleep(10'000);
  EXPECT_TRUE(ended);
}

TEST_F(ServerTest, WritingToAClosedConnectionIsNoSignal) {
  start({echo()});
  const Wire wire(port_);
  ::usleep(50'000);
  struct sigaction now {};
  ASSERT_EQ(::sigaction(SIGPIPE, nullptr, &now), 0);
  EXPECT_EQ(now.sa_handler, SIG_IGN);
}

TEST_F(ServerTest, ARefusalEndsInOrderThoughTheBodyIsNotTaken) {
  start({echo(10)});
  Wire wire(port_);
  wire.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n" + std::string(300'000, 'a'));
  EXPECT_EQ(wire.read().substr(0, 12), "HTTP/1.1 413");
  ::usleep(100'000);
  EXPECT_TRUE(wire.half_closed());  // a reset could have overtaken the answer
}

TEST_F(ServerTest, StopCutsWhatDoesNotFinishInTime) {
  std::atomic<bool> inside = false;
  start({streaming([&](ResponseSink& sink) {
    ASSERT_TRUE(sink.start(200, {}, {}));
    inside = true;
    while (sink.write(std::string(65'536, 'a'))) {
    }
  })});
  Wire wire(port_);
  wire.send("GET /data HTTP/1.1\r\nhost: x\r\n\r\n");
  while (!inside) std::this_thread::yield();
  const auto begin = Steady::now();
  server_->stop(milliseconds(100));
  EXPECT_LT(Steady::now() - begin, milliseconds(2000));
  EXPECT_FALSE(connect_tcp("127.0.0.1", std::to_string(port_), Steady::now() + milliseconds(500)));
}

TEST_F(ServerTest, StopDoesNotWaitForIdleConnections) {
  start({echo()});
  const Wire wire(port_);
  ::usleep(50'000);
  const auto begin = Steady::now();
  server_->stop(milliseconds(5000));
  EXPECT_LT(Steady::now() - begin, milliseconds(1000));
}

TEST_F(ServerTest, ListensOnIpv6AndRefusesNames) {
  Server six({"six", "::1", 0, {}, false, 0}, {echo()}, clock_, random_);
  const auto port = six.start();
  if (port) {
    const auto connected = connect_tcp("::1", std::to_string(*port), Steady::now() + milliseconds(500));
    EXPECT_TRUE(connected);
    if (connected) ::close(*connected);
  }
  Server named({"named", "localhost", 0, {}, false, 0}, {echo()}, clock_, random_);
  EXPECT_EQ(named.start().error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace sluis::http
