#include "certs/authority.hpp"
#include "connector/http/client.hpp"
#include "connector/http/look.hpp"
#include "connector/http/server.hpp"
#include "tests/support/doubles.hpp"
#include "tests/unit/http/listening.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

namespace sluis::http {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr const char* kOpened = "HTTP/1.1 200 Connection established\r\nvia: 1.1 proxy\r\n\r\n";
constexpr const char* kSecret = "Basic d2F0ZXJyaWprOmdlaGVpbQ==";

/// A proxy that answers CONNECT with these bytes. Where they say 200 it connects to that port of this machine, whatever the name, and
/// passes bytes on, which it keeps.
class SmallProxy {
 public:
  enum class Then { pass, close, drip };
  explicit SmallProxy(std::string answer = kOpened, Then then = Then::pass) : answer_(std::move(answer)), then_(then) {
    listener_ = listen_here(port_);
    thread_ = std::thread([this] { run(); });
  }
  ~SmallProxy() {
    stop_ = true;
    thread_.join();
    for (std::thread& one : tunnels_) one.join();
    ::close(listener_);
  }
  SmallProxy(const SmallProxy&) = delete;
  SmallProxy& operator=(const SmallProxy&) = delete;

  Proxy where() const { return {"127.0.0.1", std::to_string(port_), {}, {}}; }
  std::vector<std::string> heads() const {
    const std::lock_guard lock(mutex_);
    return heads_;
  }
  std::string passed() const {
    const std::lock_guard lock(mutex_);
    return passed_;
  }

 private:
  void run() {
    while (!stop_) {
      pollfd item{listener_, POLLIN, 0};
      if (::poll(&item, 1, 10) > 0) tunnels_.emplace_back([this, file = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)] { serve(file); });
    }
  }
  bool readable(int file) const {
    pollfd item{file, POLLIN, 0};
    while (!stop_) {
      if (::poll(&item, 1, 10) > 0) return true;
    }
    return false;
  }
  void serve(int file) {
    std::string head;
    char chunk[16U << 10U];
    while (!head.ends_with("\r\n\r\n") && readable(file)) {
      const ssize_t got = ::recv(file, chunk, 1, 0);
      if (got <= 0) break;
      head.append(chunk, 1);
    }
    {
      const std::lock_guard lock(mutex_);
      heads_.push_back(head);
    }
    for (std::size_t at = 0; then_ == Then::drip && !stop_; at = (at + 1) % answer_.size()) {
      if (::send(file, answer_.data() + at, 1, MSG_NOSIGNAL) != 1) break;
      ::usleep(5000);
    }
    (void)!::send(file, answer_.data(), answer_.size(), MSG_NOSIGNAL);
    if (then_ == Then::pass && answer_.starts_with("HTTP/1.1 200")) pass(file, head);
    ::close(file);
  }
  void pass(int file, const std::string& head) {
    const std::size_t end = head.find(" HTTP/1.1");
    const auto other = connect_tcp("127.0.0.1", head.substr(head.rfind(':', end) + 1, end - head.rfind(':', end) - 1), Steady::now() + milliseconds(2000));
    if (!other) return;
    pollfd items[2] = {{file, POLLIN, 0}, {*other, POLLIN, 0}};
    for (bool open = true; open && !stop_;) {
      ::poll(items, 2, 10);
      for (int i = 0; i < 2; ++i) {
        if ((items[i].revents & (POLLIN | POLLHUP)) == 0) continue;
        char chunk[16U << 10U];
        const ssize_t got = ::recv(items[i].fd, chunk, sizeof chunk, 0);
        if (got <= 0) open = false;
        if (got <= 0) break;
        const std::string_view bytes(chunk, static_cast<std::size_t>(got));
        const std::lock_guard lock(mutex_);
        passed_ += bytes;
        (void)transmit(items[1 - i].fd, bytes, Steady::now() + milliseconds(2000));
      }
    }
    ::close(*other);
  }

  std::string answer_;
  Then then_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_ = false;
  mutable std::mutex mutex_;
  std::vector<std::string> heads_;
  std::string passed_;
  std::vector<std::thread> tunnels_;
  std::thread thread_;
};

class ProxyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(certs::make_authority(folder_.path() / "ca", clock_.now() - days(1), clock_.now() + days(400), random_));
    ServerOptions options{"test", "127.0.0.1", 0, certify("server", "waterrijk.example"), true, 0};
    const Route say{"POST", "/say", [](const Request& request) {
                      std::string seen = request.tls.certificate ? "known" : "unknown";
                      for (const auto& [name, value] : request.headers) seen += "\n" + name + ": " + value;
                      return Response{200, {}, seen, {}};
                    }, 1000};
    server_ = std::make_unique<Server>(options, std::vector<Route>{say}, clock_, random_);
    const auto port = server_->start();
    ASSERT_TRUE(port) << describe(port.error());
    port_ = std::to_string(*port);
    tls_ = certify("client", "duinmeer.example");
  }
  TlsFiles certify(const std::string& name, const std::string& host) {
    const auto leaf = certs::issue(folder_.path() / "ca", {.organisation = host, .common_name = host, .oin = {}, .dns_names = {host}, .from = clock_.now() - days(1),
                                                           .until = clock_.now() + days(90)}, random_);
    EXPECT_TRUE(certs::write_public(folder_.path() / (name + ".pem"), leaf->chain_pem));
    EXPECT_TRUE(certs::write_secret(folder_.path() / (name + ".key"), leaf->key_pem));
    return {(folder_.path() / (name + ".pem")).string(), (folder_.path() / (name + ".key")).string(), (folder_.path() / "ca/root.pem").string()};
  }
  std::unique_ptr<Client> client(Proxy proxy) {
    ClientOptions options;
    options.tls = tls_;
    options.proxy = std::move(proxy);
    options.listed = [this](const ParticipantId& peer, std::string_view url) {
      return peer.str() == "did:web:waterrijk.example" && url.starts_with("https://" + listed_ + ":" + port_ + "/");
    };
    return *Client::make(std::move(options), clock_);
  }
  PeerRequest to(const std::string& host) const {
    PeerRequest request;
    request.peer = ParticipantId("did:web:waterrijk.example");
    request.url = "https://" + host + ":" + port_ + "/say";
    request.headers["sluis-claim"] = "a-claim-in-clear";
    request.body = "a body in clear";
    return request;
  }
  /// What comes of a call through a proxy that answers so.
  Error refused(const std::string& answer, SmallProxy::Then then = SmallProxy::Then::close, milliseconds timeout = milliseconds(3000)) {
    const SmallProxy proxy(answer, then);
    Proxy where = proxy.where();
    where.credential = [] { return Result<std::string>(kSecret); };
    PeerRequest request = to("waterrijk.example");
    request.timeout = timeout;
    const auto got = client(where)->send(request);
    EXPECT_FALSE(got) << answer;
    if (got) return {};
    EXPECT_EQ(got.error().code, ErrorCode::peer_unavailable) << describe(got.error());
    EXPECT_TRUE(got.error().message.starts_with("the proxy `" + where.name() + "` ")) << describe(got.error());
    EXPECT_EQ(describe(got.error()).find("d2F0ZXJyaWprOmdlaGVpbQ"), std::string::npos) << "the credential is in an error";
    return got.error();
  }
  std::string said(const std::string& answer, SmallProxy::Then then = SmallProxy::Then::close) { return refused(answer, then).message; }

  test::TempFolder folder_;
  test::ManualClock clock_;
  SystemRandom random_;
  std::unique_ptr<Server> server_;
  std::string port_;
  std::string listed_ = "waterrijk.example";
  TlsFiles tls_;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(ProxyTest, APeerIsReachedByANameThatOnlyTheProxyKnowsAndTheProxySeesNothing) {
  const SmallProxy proxy;
  Proxy where = proxy.where();
  where.credential = [] { return Result<std::string>(kSecret); };
  const auto calling = client(where);
  for (int i = 0; i < 2; ++i) {
    const auto got = calling->send(to("waterrijk.example"));
    ASSERT_TRUE(got) << describe(got.error());
    EXPECT_TRUE(got->body.starts_with("known\n")) << "TLS is between both ends";
    EXPECT_SAYS(got->body, "sluis-claim: a-claim-in-clear");
    EXPECT_EQ(got->body.find("proxy"), std::string::npos) << got->body;
    EXPECT_EQ(got->body.find("Basic"), std::string::npos) << got->body;
  }
  const std::string target = "waterrijk.example:" + port_;
  EXPECT_EQ(proxy.heads(), std::vector<std::string>{"CONNECT " + target + " HTTP/1.1\r\nhost: " + target + "\r\nproxy-authorization: " + kSecret + "\r\n\r\n"})
      << "one tunnel, which is kept";
  EXPECT_GT(proxy.passed().size(), 1000U);
  for (const char* clear : {"a-claim-in-clear", "a body in clear", "did:web", "Basic"}) EXPECT_EQ(proxy.passed().find(clear), std::string::npos) << clear;
}

TEST_F(ProxyTest, AStreamComesThroughItToo) {
  const SmallProxy proxy;
  PeerRequest request = to("waterrijk.example");
  std::string head;
  const auto got = client(proxy.where())->get(request, {[&](unsigned status, const Headers&) { head = std::to_string(status); return true; }, [](std::string_view) { return true; }});
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(head, "405");
  EXPECT_TRUE(got->complete);
}

TEST_F(ProxyTest, NobodyIsCalledThroughItButAtAnAddressOfTheList) {
  const SmallProxy proxy;
  const auto calling = client(proxy.where());
  PeerRequest other = to("waterrijk.example");
  other.peer = ParticipantId("did:web:duinmeer.example");
  PeerRequest nobody = to("waterrijk.example");
  nobody.peer = ParticipantId();
  for (const PeerRequest& request : {to("stroomplein.example"), to("10.0.0.1"), to("[2001:db8::1]"), other, nobody}) {
    const auto got = calling->send(request);
    ASSERT_FALSE(got) << request.url;
    EXPECT_EQ(got.error().code, ErrorCode::peer_unavailable);
    EXPECT_SAYS(got.error().message, "the membership list has no such address");
    EXPECT_FALSE(calling->get(request, {[](unsigned, const Headers&) { return true; }, [](std::string_view) { return true; }}));
  }
  EXPECT_TRUE(proxy.heads().empty()) << "the proxy is not even asked";
  ASSERT_TRUE(calling->send(to("waterrijk.example")));
  listed_ = "elsewhere.example";  // a connection that is kept is no way round a newer list
  EXPECT_FALSE(calling->send(to("waterrijk.example")));
  EXPECT_EQ(proxy.heads().size(), 1U);
}

TEST_F(ProxyTest, ThisMachineAndWhatIsNamedAreReachedDirectly) {
  Proxy proxy{"proxy.example", "3128", {}, {"node.waterrijk.example", ".Duinmeer.example", "10.1.2.3", "2001:db8::7"}};
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST", "a.localhost", "node.waterrijk.example", "NODE.waterrijk.example",
                           "a.duinmeer.example", "a.b.DUINMEER.example", "10.1.2.3", "2001:db8::7"}) {
    EXPECT_FALSE(goes_through(proxy, host)) << host;
  }
  for (const char* host : {"waterrijk.example", "other.node.waterrijk.example", "duinmeer.example", "xduinmeer.example", ".duinmeer.example", "10.1.2.30", "2001:db8::8",
                           "localhost.example", "127.0.0.1.example", ""}) {
    EXPECT_TRUE(goes_through(proxy, host)) << host;
  }
  const SmallProxy unused;
  tls_ = certify("other", "localhost");
  const auto got = client(unused.where())->send(to("localhost"));  // the server's certificate is another's: it was met
  ASSERT_FALSE(got);
  EXPECT_SAYS(got.error().message, "the certificate of `localhost` is refused");
  EXPECT_TRUE(unused.heads().empty());
}

TEST_F(ProxyTest, WhatTheProxyAnswersInsteadIsToldClearly) {
  EXPECT_SAYS(said("HTTP/1.1 403 Forbidden\r\ncontent-length: 3\r\n\r\nno!"), "opens no way to `waterrijk.example:" + port_ + "`: it answers 403");
  EXPECT_SAYS(said("HTTP/1.0 502 Bad Gateway\r\n\r\n"), "it answers 502");
  EXPECT_SAYS(said("HTTP/1.1 302 Found\r\nlocation: https://waterrijk.example/\r\n\r\n"), "it answers 302");
  EXPECT_SAYS(said("HTTP/1.1 204 \r\n\r\n"), "it answers 204");
  EXPECT_SAYS(said("HTTP/1.1 407 Who?\r\nproxy-authenticate: Basic\r\n\r\n"), "does not take this node's credential (407)");
  EXPECT_SAYS(refused("HTTP/1.1 407\r\n\r\n").mend, "`credential` in [proxy]");
  for (const char* garbage : {"SSH-2.0-OpenSSH_9.2\r\n", "\x16\x03\x01", "<html>", "http/1.1 200 OK\r\n\r\n", "HTTP/2 200\r\n\r\n"}) EXPECT_SAYS(said(garbage), "no HTTP");
  for (const char* odd : {"HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 -20 OK\r\n\r\n", "HTTP/1.9 200 OK\r\n\r\n", "HTTP/1.1\r\n\r\n"}) {
    EXPECT_SAYS(said(odd), "a status that cannot be read");
  }
  EXPECT_SAYS(said("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), "sent bytes into the tunnel");
  EXPECT_SAYS(said(""), "closed the connection without an answer");
  EXPECT_SAYS(said("HTTP/1.1 200 OK\r\nvia: "), "in the midst of its answer");
  EXPECT_SAYS(said("HTTP/1.1 200 OK\r\nx: " + std::string(20'000, 'a') + "\r\n\r\n"), "headers that are too long");
  EXPECT_SAYS(said("HTTP/1.1 200 OK\r\n" + std::string(200'000, 'a')), "headers that are too long");
}

TEST_F(ProxyTest, AProxyThatTakesItsTimeIsGivenUp) {
  for (const char* drop : {"HTTP/1.1 200 OK", "H"}) {
    const auto begin = Steady::now();
    const std::string message = refused(drop, SmallProxy::Then::drip, milliseconds(300)).message;
    EXPECT_LT(Steady::now() - begin, milliseconds(3000));
    EXPECT_TRUE(message.find("time is up") != std::string::npos || message.find("no HTTP") != std::string::npos) << message;
  }
  const auto slow = refused("", SmallProxy::Then::pass, milliseconds(300));  // it says nothing, and closes
  EXPECT_SAYS(slow.message, "without an answer");
}

TEST_F(ProxyTest, AProxyThatIsNotThereIsNamed) {
  Proxy where;
  {
    const SmallProxy gone;
    where = gone.where();
  }
  const auto got = client(where)->send(to("waterrijk.example"));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::peer_unavailable);
  EXPECT_SAYS(got.error().message, "the proxy: `127.0.0.1:" + where.port + "` does not answer");
}

TEST_F(ProxyTest, TheCredentialIsAskedForEachTunnelAndNothingIsSentWithoutIt) {
  const SmallProxy proxy;
  Proxy where = proxy.where();
  int asked = 0;
  where.credential = [&]() -> Result<std::string> {
    if (++asked == 3) return Error(ErrorCode::permission_denied, "others can read it");
    return asked == 4 ? std::string("Basic x\r\nhost: y") : "Basic " + std::to_string(asked);
  };
  const auto until = [] { return Steady::now() + milliseconds(3000); };
  for (int i = 0; i < 2; ++i) {
    const auto file = connect_through(where, "waterrijk.example", port_, until());
    ASSERT_TRUE(file) << describe(file.error());
    ::close(*file);
  }
  EXPECT_SAYS(connect_through(where, "waterrijk.example", port_, until()).error().message, "others can read it");
  EXPECT_SAYS(connect_through(where, "waterrijk.example", port_, until()).error().message, "line break");
  const auto heads = proxy.heads();
  ASSERT_GE(heads.size(), 2U);
  EXPECT_SAYS(heads[0], "proxy-authorization: Basic 1\r\n");
  EXPECT_SAYS(heads[1], "proxy-authorization: Basic 2\r\n");
  for (std::size_t i = 2; i < heads.size(); ++i) EXPECT_EQ(heads[i], "");
}

TEST_F(ProxyTest, ANameThatWouldEndTheLineIsNotTold) {
  const SmallProxy proxy;
  ClientOptions options;
  options.tls = tls_;
  options.proxy = proxy.where();
  const auto calling = *Client::make(std::move(options), clock_);
  for (const char* host : {"a%0d%0ahost:%20b", "a%20HTTP", "a%00b", "a%2fb", "a%40b"}) {
    PeerRequest request;
    request.url = std::string("https://") + host + ":443/x";
    EXPECT_FALSE(calling->send(request)) << host;
  }
  for (const char* port : {"", "a", "44 3", "443\r\n"}) EXPECT_FALSE(connect_through(proxy.where(), "waterrijk.example", port, Steady::now() + milliseconds(500))) << port;
  EXPECT_TRUE(proxy.heads().empty());
}

TEST_F(ProxyTest, AnAddressInNumbersHasItsBrackets) {
  const SmallProxy proxy("HTTP/1.1 403 No\r\n\r\n", SmallProxy::Then::close);
  EXPECT_FALSE(connect_through(proxy.where(), "2001:db8::1", "443", Steady::now() + milliseconds(3000)));
  EXPECT_EQ(proxy.heads(), std::vector<std::string>{"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nhost: [2001:db8::1]:443\r\n\r\n"});
}

TEST_F(ProxyTest, AProxyThatLeadsToAnotherServerIsFoundOutByItsCertificate) {
  const SmallProxy proxy;
  listed_ = "duinmeer.example";
  const auto got = client(proxy.where())->send(to("duinmeer.example"));
  ASSERT_FALSE(got);
  EXPECT_SAYS(got.error().message, "the certificate of `duinmeer.example` is refused");
}

TEST_F(ProxyTest, TheDoctorLooksThroughItToo) {
  const SmallProxy proxy;
  const Proxy where = proxy.where();
  EXPECT_TRUE(try_connection("waterrijk.example", port_, milliseconds(3000), &where));
  const auto shown = look_at_certificates("waterrijk.example", port_, tls_, milliseconds(3000), &where);
  ASSERT_TRUE(shown) << describe(shown.error());
  EXPECT_TRUE(names_host(shown->front(), "waterrijk.example"));
  const SmallProxy closed("HTTP/1.1 503 Busy\r\n\r\n", SmallProxy::Then::close);
  const Proxy to_closed = closed.where();
  EXPECT_SAYS(try_connection("waterrijk.example", port_, milliseconds(3000), &to_closed).error().message, "503");
}

}  // namespace
}  // namespace sluis::http
