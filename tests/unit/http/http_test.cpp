#include "certs/authority.hpp"
#include "connector/http/client.hpp"
#include "connector/http/look.hpp"
#include "connector/http/loopback.hpp"
#include "connector/http/message.hpp"
#include "connector/http/server.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

namespace sluis::http {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;

class HttpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(certs::make_authority(folder_.path() / "ca", clock_.now() - days(1), clock_.now() + days(400), random_));
    write("node", {.organisation = "Gemeente Waterrijk", .common_name = "waterrijk.example", .oin = "00000099000000001000",
                   .dns_names = {"localhost", "127.0.0.1"}, .from = clock_.now() - days(1), .until = clock_.now() + days(90)});
  }
  TlsFiles write(const std::string& name, const crypto::CertificateRequest& request, const std::string& authority = "ca") {
    const auto leaf = certs::issue(folder_.path() / authority, request, random_);
    EXPECT_TRUE(certs::write_public(folder_.path() / (name + ".pem"), leaf->chain_pem));
    EXPECT_TRUE(certs::write_secret(folder_.path() / (name + ".key"), leaf->key_pem));
    return files(name);
  }
  TlsFiles files(const std::string& name) {
    return {(folder_.path() / (name + ".pem")).string(), (folder_.path() / (name + ".key")).string(),
            (folder_.path() / "ca/root.pem").string()};
  }
  std::string start(std::vector<Route> routes, bool tls = true) {
    ServerOptions options{"test", "127.0.0.1", 0, {}, true, 0};
    if (tls) options.tls = files("node");
    server_ = std::make_unique<Server>(options, std::move(routes), clock_, random_);
    const auto port = server_->start();
    EXPECT_TRUE(port) << describe(port.error());
    port_ = *port;
    return std::string(tls ? "https" : "http") + "://localhost:" + std::to_string(*port);
  }
  std::unique_ptr<Client> client(TlsFiles tls = {}) {
    if (tls.roots.empty()) tls = files("node");
    return *Client::make({tls, true, 8}, clock_);
  }
  static Route who() {
    return {"GET", "/who", [](const Request& request) {
              return Response{200, {}, request.tls.presented() ? "presented:" + request.tls.verify_error : "none", {}};
            }, 0};
  }
  static PeerRequest get(std::string url) {
    PeerRequest request;
    request.method = "GET";
    request.url = std::move(url);
    return request;
  }
  /// Sends raw bytes without TLS and gives the whole answer.
  std::string raw(const std::string& text) {
    const int file = *connect_tcp("127.0.0.1", std::to_string(port_), std::chrono::steady_clock::now() + milliseconds(2000));
    Channel channel(file, nullptr);
    EXPECT_TRUE(channel.write(text, milliseconds(2000)));
    std::string out;
    char chunk[4096];
    for (;;) {
      const auto got = channel.read(chunk, sizeof chunk, milliseconds(500));
      if (!got || *got == 0) return out;
      out.append(chunk, *got);
    }
  }

  test::TempFolder folder_;
  test::ManualClock clock_;
  SystemRandom random_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
};

TEST_F(HttpTest, BothSidesShowTheirCertificates) {
  const std::string url = start({who()});
  const auto answer = client()->send(get(url + "/who"));
  ASSERT_TRUE(answer) << describe(answer.error());
  EXPECT_EQ(answer->body, "presented:");
  TlsFiles none;
  none.roots = (folder_.path() / "ca/root.pem").string();
  EXPECT_EQ(client(none)->send(get(url + "/who"))->body, "none");
}

TEST_F(HttpTest, WhatIsCollectedOverTlsArrivesWholeAtASlowReader) {
  std::string whole;
  for (int i = 0; whole.size() < (6U << 20U); ++i) whole += std::to_string(i) + ";";
  Route route{"GET", "/large", [&](const Request&) {
                Response response;
                response.stream = [&](ResponseSink& sink) {
                  ASSERT_TRUE(sink.start(200, {}, {}));
                  // Pieces below, at and above one record and one collected send.
                  const std::size_t sizes[] = {1, 16U << 10U, (16U << 10U) + 1, 112U << 10U, (112U << 10U) + 1, 1U << 20U};
                  std::size_t at = 0;
                  for (std::size_t i = 0; at < whole.size(); ++i) {
                    const std::string_view piece = std::string_view(whole).substr(at, sizes[i % 6]);
                    ASSERT_TRUE(sink.write(piece));
                    at += piece.size();
                  }
                  ASSERT_TRUE(sink.finish());
                };
                return response;
              }, 0};
  start({std::move(route)});
  const int file = *connect_tcp("127.0.0.1", std::to_string(port_), std::chrono::steady_clock::now() + milliseconds(2000));
  const int room = 64 << 10;
  ::setsockopt(file, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  Channel channel(file, *TlsContext::client(files("node")));
  ASSERT_TRUE(channel.connect("localhost", clock_.now(), milliseconds(2000)));
  ASSERT_TRUE(channel.write("GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", milliseconds(2000)));
  std::string got;
  std::string chunk(3000, '\0');
  while (!got.ends_with("\r\n0\r\n\r\n")) {
    const auto now = channel.read(chunk.data(), chunk.size(), milliseconds(5000));
    ASSERT_TRUE(now) << describe(now.error());
    ASSERT_GT(*now, 0U);
    got.append(chunk, 0, *now);
  }
  std::string body;
  for (std::size_t at = got.find("\r\n\r\n") + 4; at < got.size();) {  // undo the chunks
    const std::size_t size = std::stoul(got.substr(at), nullptr, 16);
    at = got.find("\r\n", at) + 2;
    body.append(got, at, size);
    at += size + 2;
  }
  EXPECT_TRUE(body == whole);
}

TEST_F(HttpTest, NothingArrivesLaterThanASecondAfterACutOverTls) {
  std::atomic<ResponseSink*> sink_now = nullptr;
  std::promise<void> ended;
  Route route{"GET", "/data", [&](const Request&) {
                Response response;
                response.stream = [&](ResponseSink& sink) {
                  ASSERT_TRUE(sink.start(200, {}, {}));
                  sink_now = &sink;
                  while (sink.write(std::string(65'536, 'a'))) {
                  }
                  ended.set_value();
                };
                return response;
              }, 0};
  start({std::move(route)});
  const int file = *connect_tcp("127.0.0.1", std::to_string(port_), std::chrono::steady_clock::now() + milliseconds(2000));
  const auto received = [file] {
    tcp_info now{};
    socklen_t size = sizeof now;
    ::getsockopt(file, IPPROTO_TCP, TCP_INFO, &now, &size);
    return now.tcpi_bytes_received;
  };
  Channel channel(file, *TlsContext::client(files("node")));
  ASSERT_TRUE(channel.connect("localhost", clock_.now(), milliseconds(2000)));
  ASSERT_TRUE(channel.write("GET /data HTTP/1.1\r\nhost: x\r\n\r\n", milliseconds(2000)));
  std::string chunk(16U << 10U, '\0');
  for (std::size_t total = 0; total < (4U << 20U);) {  // in full flow
    const auto now = channel.read(chunk.data(), chunk.size(), milliseconds(5000));
    ASSERT_TRUE(now);
    total += *now;
  }
  const auto cut_at = std::chrono::steady_clock::now();
  sink_now.load()->cut();
  std::uint64_t last = received();
  auto last_growth = cut_at;
  std::thread reader([&] {  // a reader that goes on taking what its kernel has
    while (const auto now = channel.read(chunk.data(), chunk.size(), milliseconds(3000))) {
      if (*now == 0) break;
    }
  });
  while (std::chrono::steady_clock::now() - cut_at < milliseconds(1500)) {
    if (const std::uint64_t now = received(); now != last) {
      last = now;
      last_growth = std::chrono::steady_clock::now();
    }
    std::this_thread::yield();
  }
  reader.join();
  ended.get_future().get();
  EXPECT_LE(last_growth - cut_at, milliseconds(1000));
  RecordProperty("last_byte_after_cut_us",
                 static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(last_growth - cut_at).count()));
}

TEST_F(HttpTest, EachFaultOfAClientCertificateIsTold) {
  const std::string url = start({who()});
  crypto::CertificateRequest request{.organisation = "X", .common_name = "x", .oin = "", .dns_names = {}, .from = clock_.now() - days(9), .until = clock_.now() + days(1)};
  request.until = clock_.now() - days(1);
  EXPECT_EQ(client(write("expired", request))->send(get(url + "/who"))->body, "presented:certificate has expired");
  request.from = clock_.now() + days(1);
  request.until = clock_.now() + days(2);
  EXPECT_EQ(client(write("early", request))->send(get(url + "/who"))->body, "presented:certificate is not yet valid");
  request.from = clock_.now() - days(1);
  request.client = false;
  EXPECT_EQ(client(write("purpose", request))->send(get(url + "/who"))->body.substr(0, 32), "presented:unsuitable certificate");
  request.client = true;
  ASSERT_TRUE(certs::make_authority(folder_.path() / "other", clock_.now() - days(1), clock_.now() + days(9), random_));
  EXPECT_NE(client(write("foreign", request, "other"))->send(get(url + "/who"))->body, "presented:");
}

TEST_F(HttpTest, TheInjectedClockDecidesWhatHasExpired) {
  const std::string url = start({who()});
  clock_.advance(days(91));
  const auto refused = client()->send(get(url + "/who"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::peer_unavailable);
  EXPECT_NE(refused.error().message.find("expired"), std::string::npos) << refused.error().message;
}

TEST_F(HttpTest, AServerWithAnotherNameIsRefused) {
  std::string url = start({who()});
  write("node2", {.organisation = "X", .common_name = "x", .oin = "", .dns_names = {"elsewhere.example"}, .from = clock_.now() - days(1), .until = clock_.now() + days(9)});
  ServerOptions options{"test", "127.0.0.1", 0, files("node2"), true, 0};
  Server other(options, {who()}, clock_, random_);
  const auto refused = client()->send(get("https://localhost:" + std::to_string(*other.start()) + "/who"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::peer_unavailable);
}

TEST_F(HttpTest, AnIpv6AddressMayStandInBrackets) {
  for (const char* address : {"[::1]", "::1"}) {
    Server server({"test", address, 0, {}, false, 0}, {}, clock_, random_);
    const auto port = server.start();
    // A machine without IPv6 has no such address; that it is one is understood all the same.
    EXPECT_TRUE(port || port.error().code == ErrorCode::conflict) << describe(port.error());
  }
  Server named({"test", "[localhost]", 0, {}, false, 0}, {}, clock_, random_);
  EXPECT_EQ(named.start().error().code, ErrorCode::invalid_argument);
}

TEST_F(HttpTest, PathsThatClimbAreRefused) {
  start({{"GET", "/open/*", [](const Request& request) { return Response{200, {}, request.rest, {}}; }, 0}}, false);
  for (const char* path : {"/open/../x", "/open/%2e%2e/x", "/open//x", "/open/a%00b", "/open/%zz", "/open/%", "open", "/open/a\\b", "/open/./x"}) {
    EXPECT_EQ(raw(std::string("GET ") + path + " HTTP/1.1\r\nhost: x\r\n\r\n").substr(0, 12), "HTTP/1.1 400") << path;
  }
  EXPECT_NE(raw("GET /open/a%20b/c HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").find("a b/c"), std::string::npos);
}

TEST_F(HttpTest, RequestsThatAreNotSoundAreRefused) {
  start({{"POST", "/x", [](const Request& request) { return Response{200, {}, request.body, {}}; }, 10}}, false);
  EXPECT_EQ(raw("POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\n\r\n01234567890").substr(0, 12), "HTTP/1.1 413");
  EXPECT_EQ(raw("POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n").substr(0, 12), "HTTP/1.1 413");
  EXPECT_EQ(raw("POST /x HTTP/1.1\r\nhost: x\r\nhost: y\r\ncontent-length: 0\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
  EXPECT_EQ(raw("POST /x HTTP/1.1\r\nhost: x\r\nauthorization: a\r\nauthorization: b\r\ncontent-length: 0\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
  EXPECT_EQ(raw("POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
  EXPECT_EQ(raw("nonsense\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
  for (const std::string odd : {"transfer-encoding: gzip\r\n", "transfer-encoding: gzip, chunked\r\n", "transfer-encoding: chunked, chunked\r\n",
                                "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", "transfer-encoding: identity\r\n",
                                "content-length: 0\r\na: b\r\n c\r\n", "content-length: 0\r\na: b\r\n\tc\r\n", "content-length: 0\na: b\r\n",
                                "content-length: 0, 0\r\n", "content-length: +0\r\n", "content-length : 0\r\n"}) {
    const std::string behind = "GET /y HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    const std::string got = raw("POST /x HTTP/1.1\r\nhost: x\r\n" + odd + "\r\n" + behind);
    EXPECT_EQ(got.substr(0, 12), "HTTP/1.1 400") << odd;
    EXPECT_EQ(got.find("HTTP/1.1 404"), std::string::npos) << odd;  // what came behind is no request
  }
  const std::string chunked = "POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
  EXPECT_EQ(raw(chunked + "FFFFFFFFFFFFFFF0\r\na").substr(0, 12), "HTTP/1.1 413");
  EXPECT_EQ(raw(chunked + "1;a=" + std::string(20'000, 'b') + "\r\na\r\n0\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
  EXPECT_EQ(raw(chunked + "1;a=b\r\na\r\n0\r\n\r\n").substr(0, 12), "HTTP/1.1 200");
  EXPECT_EQ(raw("POST /x HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
  EXPECT_EQ(raw("POST /x HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\n1").substr(0, 12), "HTTP/1.1 415");
  EXPECT_EQ(raw("GET /x HTTP/1.1\r\nhost: x\r\nbig: " + std::string(20'000, 'a') + "\r\n\r\n").substr(0, 12), "HTTP/1.1 431");
  EXPECT_EQ(raw("GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").substr(0, 12), "HTTP/1.1 405");
  EXPECT_EQ(raw("GET /y HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").substr(0, 12), "HTTP/1.1 404");
}

TEST_F(HttpTest, AHandlerThatThrowsTellsNothing) {
  const std::string url = start({{"GET", "/x", [](const Request&) -> Response { throw std::runtime_error("secret"); }, 0}});
  const auto answer = client()->send(get(url + "/x"));
  EXPECT_EQ(answer->status, 500U);
  EXPECT_EQ(answer->body.find("secret"), std::string::npos);
}

TEST_F(HttpTest, ManyRequestsUseOneConnection) {
  const std::string url = start({{"POST", "/echo", [](const Request& request) { return Response{200, {}, request.body, {}}; }, 1000}});
  const auto one = client();
  for (int i = 0; i < 20; ++i) {
    PeerRequest request;
    request.url = url + "/echo";
    request.body = std::string(static_cast<std::size_t>(i), 'x');
    const auto answer = one->send(request);
    ASSERT_TRUE(answer) << describe(answer.error());
    EXPECT_EQ(answer->body, request.body);
  }
}

Route streaming(std::function<void(ResponseSink&)> body) {
  return {"GET", "/data", [body](const Request&) {
            Response response;
            response.stream = body;
            return response;
          }, 0};
}

TEST_F(HttpTest, AStreamArrivesWholeWithItsTrailers) {
  const std::string url = start({streaming([](ResponseSink& sink) {
    ASSERT_TRUE(sink.start(200, {{"trailer", "sluis-rows"}}, {}));
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(sink.write(std::string(10'000, 'a')));
    ASSERT_TRUE(sink.finish({{"sluis-rows", "100"}}));
  })});
  std::size_t size = 0;
  const auto end = client()->get(get(url + "/data"), {[](unsigned status, const Headers&) { return status == 200; },
                                                      [&](std::string_view bytes) { size += bytes.size(); return true; }});
  ASSERT_TRUE(end) << describe(end.error());
  EXPECT_TRUE(end->complete);
  EXPECT_EQ(size, 1'000'000U);
  EXPECT_EQ(end->trailers.at("sluis-rows"), "100");
}

TEST_F(HttpTest, ACutFromAnotherThreadEndsAStreamWithoutItsEnd) {
  std::atomic<bool> writing = false;
  std::atomic<bool> ended = false;
  const std::string url = start({streaming([&](ResponseSink& sink) {
    ASSERT_TRUE(sink.start(200, {}, {}));
    std::thread other([&] {
      while (!writing) std::this_thread::yield();
      ::usleep(50'000);
      sink.cut();
    });
    while (sink.write(std::string(65'536, 'a'))) writing = true;
    ended = true;
    other.join();
  })});
  const auto end = client()->get(get(url + "/data"), {[](unsigned, const Headers&) { return true; }, [](std::string_view) { return true; }});
  ASSERT_TRUE(end);
  EXPECT_FALSE(end->complete);
  server_->stop(milliseconds(1000));
  EXPECT_TRUE(ended);
}

TEST_F(HttpTest, AnAbandonedStreamIsReset) {
  const std::string url = start({streaming([](ResponseSink& sink) {
    ASSERT_TRUE(sink.start(200, {}, {}));
    ASSERT_TRUE(sink.write("half"));
  })});
  const auto end = client()->get(get(url + "/data"), {[](unsigned, const Headers&) { return true; }, [](std::string_view) { return true; }});
  EXPECT_TRUE(!end || !end->complete);
}

TEST_F(HttpTest, NobodyThereIsNeverSentAndNoAnswerIsUnknown) {
  PeerRequest request;
  request.url = "https://localhost:1/x";
  EXPECT_EQ(client()->send(request).error().code, ErrorCode::peer_unavailable);
  const std::string url = start({{"POST", "/slow", [](const Request&) {
                                    ::usleep(600'000);
                                    return Response{};
                                  }, 100}});
  request.url = url + "/slow";
  request.timeout = milliseconds(200);
  EXPECT_EQ(client()->send(request).error().code, ErrorCode::outcome_unknown);
}

TEST(Loopback, ANameThatBeginsAsAnAddressIsOneWhateverTheLibraryReads) {
  for (const char* name : {"127.0.0.1.example", "10.1.2.3.4", "1.2.3.4."}) EXPECT_TRUE(begins_as_address(name)) << name;
  for (const char* other : {"", "127.0.0.1", "1.2.3", "1.2.3.example.org", "a.127.0.0.1.example", "256.1.1.1.example", "[::1]", "localhost"}) {
    EXPECT_FALSE(begins_as_address(other)) << other;
  }
}

TEST_F(HttpTest, AddressesThatAreNotOursToCallAreRefused) {
  const auto strict = *Client::make({files("node"), false, 8}, clock_);
  for (const char* url : {"http://localhost/x", "file:///etc/passwd", "https://user@localhost/", "localhost", "", "https:///x", "https://127.0.0.1.example/x"}) {
    PeerRequest request;
    request.url = url;
    EXPECT_EQ(strict->send(request).error().code, ErrorCode::invalid_argument) << url;
  }
}

TEST_F(HttpTest, APortInUseIsToldClearly) {
  start({who()});
  Server second({"second", "127.0.0.1", port_, {}, false, 0}, {who()}, clock_, random_);
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::conflict);
  EXPECT_NE(started.error().message.find(std::to_string(port_)), std::string::npos);
}

TEST_F(HttpTest, MoreConnectionsThanAllowedAreClosed) {
  std::promise<void> done;
  const std::shared_future<void> go = done.get_future().share();
  std::atomic<int> inside = 0;
  ServerOptions options{"test", "127.0.0.1", 0, {}, false, 2};
  Server server(options, {{"GET", "/busy", [&](const Request&) {
                             ++inside;
                             go.wait();
                             return Response{200, {}, "done", {}};
                           }, 0}}, clock_, random_);
  const std::string port = std::to_string(*server.start());
  Channel first(*connect_tcp("127.0.0.1", port, std::chrono::steady_clock::now() + milliseconds(1000)), nullptr);
  Channel second(*connect_tcp("127.0.0.1", port, std::chrono::steady_clock::now() + milliseconds(1000)), nullptr);
  char bytes[4096];
  EXPECT_FALSE(first.read(bytes, 1, milliseconds(50)));  // both are taken
  for (Channel* each : {&first, &second}) ASSERT_TRUE(each->write("GET /busy HTTP/1.1\r\nhost: x\r\n\r\n", milliseconds(1000)));
  while (inside != 2) std::this_thread::yield();
  const auto connected = connect_tcp("127.0.0.1", port, std::chrono::steady_clock::now() + milliseconds(1000));
  if (connected) {  // else reset before the connection was seen
    Channel third(*connected, nullptr);
    const auto refused = third.read(bytes, 1, milliseconds(1000));
    EXPECT_TRUE(!refused || *refused == 0);
    if (!refused) {
      EXPECT_EQ(refused.error().message.find("time is up"), std::string::npos);
    }
  }
  done.set_value();
  for (Channel* each : {&first, &second}) {
    const auto answered = each->read(bytes, sizeof bytes, milliseconds(1000));
    ASSERT_TRUE(answered);
    EXPECT_NE(std::string(bytes, *answered).find("done"), std::string::npos);
  }
}

/// Callers who say nothing, or who stop in the middle of a request, keep nobody out.
TEST_F(HttpTest, WhoIsWaitedForLongestGivesWay) {
  ServerOptions options{"test", "127.0.0.1", 0, {}, false, 2};
  Server server(options, {who()}, clock_, random_);
  const std::string port = std::to_string(*server.start());
  const auto connect = [&] {
    return std::make_unique<Channel>(*connect_tcp("127.0.0.1", port, std::chrono::steady_clock::now() + milliseconds(1000)), nullptr);
  };
  char bytes[4096];
  const auto silent = connect();
  EXPECT_FALSE(silent->read(bytes, 1, milliseconds(50)));
  const auto half = connect();
  ASSERT_TRUE(half->write("GET /who HTTP/1.1\r\nho", milliseconds(1000)));
  EXPECT_FALSE(half->read(bytes, 1, milliseconds(50)));
  const auto asking = connect();
  ASSERT_TRUE(asking->write("GET /who HTTP/1.1\r\nhost: x\r\n\r\n", milliseconds(1000)));
  ASSERT_TRUE(asking->read(bytes, sizeof bytes, milliseconds(2000)));
  const auto gone = silent->read(bytes, 1, milliseconds(1000));
  EXPECT_TRUE(!gone && gone.error().message.find("time is up") == std::string::npos);
  const auto another = connect();
  ASSERT_TRUE(another->write("GET /who HTTP/1.1\r\nhost: x\r\n\r\n", milliseconds(1000)));
  ASSERT_TRUE(another->read(bytes, sizeof bytes, milliseconds(2000)));
  EXPECT_FALSE(half->read(bytes, 1, milliseconds(1000)));
  // Both have had an answer, and may ask again.
  for (Channel* each : {asking.get(), another.get()}) {
    ASSERT_TRUE(each->write("GET /who HTTP/1.1\r\nhost: x\r\n\r\n", milliseconds(1000)));
    EXPECT_TRUE(each->read(bytes, sizeof bytes, milliseconds(2000)));
  }
}

TEST_F(HttpTest, WhoFailsTheHandshakeIsTold) {
  std::atomic<int> told = 0;
  ServerOptions options{"test", "127.0.0.1", 0, files("node"), true, 0};
  options.on_no_handshake = [&](const Error& why) {
    EXPECT_FALSE(why.message.empty());
    ++told;
  };
  server_ = std::make_unique<Server>(options, std::vector<Route>{who()}, clock_, random_);
  port_ = *server_->start();
  raw("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  while (told == 0) std::this_thread::yield();
  EXPECT_TRUE(client()->send(get("https://localhost:" + std::to_string(port_) + "/who")));
  EXPECT_EQ(told, 1);
}

TEST_F(HttpTest, WhatIsCutAtTheStopIsToldFirst) {
  std::atomic<bool> inside = false;
  std::atomic<bool> told = false;
  std::atomic<bool> after = false;
  const std::string url = start({{"GET", "/long", [&](const Request&) {
                                    Response response;
                                    response.stream = [&](ResponseSink& sink) {
                                      ASSERT_TRUE(sink.start(200, {}, std::nullopt));
                                      inside = true;
                                      while (sink.write(std::string(1000, 'x')) && sink.flush()) ::usleep(1000);
                                      after = told.load();
                                    };
                                    return response;
                                  }, 0}});
  std::thread caller([&] { (void)client()->send(get(url + "/long")); });
  while (!inside) std::this_thread::yield();
  server_->stop(milliseconds(50), [&] { told = true; });
  caller.join();
  EXPECT_TRUE(told);
  EXPECT_TRUE(after) << "the handler knew before its connection was cut";
}

TEST_F(HttpTest, StopLetsARequestFinish) {
  std::atomic<bool> inside = false;
  const std::string url = start({{"GET", "/slow", [&](const Request&) {
                                    inside = true;
                                    ::usleep(100'000);
                                    return Response{200, {}, "done", {}};
                                  }, 0}});
  std::string body;
  std::thread caller([&] {
    if (const auto answer = client()->send(get(url + "/slow"))) body = answer->body;
  });
  while (!inside) std::this_thread::yield();
  server_->stop(milliseconds(2000));
  caller.join();
  EXPECT_EQ(body, "done");
}

TEST(HttpDate, IsWrittenAndReadInOneForm) {
  EXPECT_EQ(http_date(*parse_time("1994-11-06T08:49:37.9Z")), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), *parse_time("1994-11-06T08:49:37Z"));
  for (const char* other : {"", "Mon, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 CET",
                            "Sun, 06 Nvo 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:61:37 GMT"}) {
    EXPECT_FALSE(parse_http_date(other)) << other;
  }
}

TEST_F(HttpTest, ALookShowsWhateverCertificateIsThere) {
  start({who()});
  const std::string port = std::to_string(port_);
  const auto shown = look_at_certificates("localhost", port, files("node"), milliseconds(5000));
  ASSERT_TRUE(shown) << describe(shown.error());
  ASSERT_EQ(shown->size(), 2U) << "its own, and the intermediate";
  EXPECT_EQ(shown->front().common_name(), "waterrijk.example");
  EXPECT_TRUE(names_host(shown->front(), "localhost"));
  EXPECT_TRUE(names_host(shown->front(), "127.0.0.1"));
  EXPECT_FALSE(names_host(shown->front(), "waterrijk.example")) << "the subject counts for nothing";
  EXPECT_FALSE(names_host(shown->front(), "127.0.0.2"));
  ASSERT_TRUE(certs::make_authority(folder_.path() / "strange", clock_.now() - days(1), clock_.now() + days(400), random_));
  TlsFiles strange;
  strange.roots = (folder_.path() / "strange/root.pem").string();
  EXPECT_FALSE(client(strange)->send(get("https://localhost:" + port + "/who")));
  EXPECT_TRUE(look_at_certificates("localhost", port, strange, milliseconds(5000))) << "also where it would not be trusted";
  EXPECT_TRUE(try_connection("127.0.0.1", port, milliseconds(5000)));
  server_->stop(milliseconds(0));
  server_.reset();
  EXPECT_FALSE(try_connection("127.0.0.1", port, milliseconds(5000)));
  EXPECT_FALSE(look_at_certificates("localhost", port, strange, milliseconds(5000)));
}

TEST_F(HttpTest, ALookAtWhatSpeaksNoTlsSaysSo) {
  start({who()}, false);
  EXPECT_FALSE(look_at_certificates("127.0.0.1", std::to_string(port_), files("node"), milliseconds(5000)));
}

TEST(Names, AreResolvedInBothFamilies) {
  const Resolved own = resolve("127.0.0.1");
  EXPECT_EQ(own.v4, std::vector<std::string>{"127.0.0.1"});
  EXPECT_TRUE(own.v6.empty());
  EXPECT_TRUE(own.trouble.empty());
  EXPECT_EQ(resolve("::1").v6, std::vector<std::string>{"::1"});
  const Resolved none = resolve("nobody.invalid");
  EXPECT_TRUE(none.v4.empty() && none.v6.empty());
  EXPECT_FALSE(none.trouble.empty());
}

}  // namespace
}  // namespace sluis::http
