#include "certs/authority.hpp"
#include "connector/http/client.hpp"
#include "connector/http/server.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>

#include <thread>

namespace sluis::http {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;

class Ipv6Test : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(certs::make_authority(folder_.path() / "ca", clock_.now() - days(1), clock_.now() + days(400), random_));
  }
  TlsFiles certify(const std::string& name, const std::vector<std::string>& names) {
    const auto leaf = certs::issue(folder_.path() / "ca", {.organisation = "x", .common_name = "x", .oin = {}, .dns_names = names, .from = clock_.now() - days(1),
                                                           .until = clock_.now() + days(90)}, random_);
    EXPECT_TRUE(certs::write_public(folder_.path() / (name + ".pem"), leaf->chain_pem));
    EXPECT_TRUE(certs::write_secret(folder_.path() / (name + ".key"), leaf->key_pem));
    return {(folder_.path() / (name + ".pem")).string(), (folder_.path() / (name + ".key")).string(), (folder_.path() / "ca/root.pem").string()};
  }
  /// False: this machine has no such address.
  bool start(const std::string& address, const TlsFiles& files) {
    server_ = std::make_unique<Server>(ServerOptions{"test", address, 0, files, true, 0},
                                       std::vector<Route>{{"GET", "/host", [](const Request& request) { return Response{200, {}, std::string(request.header("host")), {}}; }, 0}}, clock_, random_);
    const auto port = server_->start();
    EXPECT_TRUE(port || port.error().code == ErrorCode::conflict) << describe(port.error());
    if (port) port_ = std::to_string(*port);
    return port.has_value();
  }
  std::string ask(const TlsFiles& files, const std::string& host) {
    PeerRequest request;
    request.method = "GET";
    request.url = "https://" + host + ":" + port_ + "/host";
    const auto got = (*Client::make({files, false, 8}, clock_))->send(request);
    return got ? got->body : got.error().message;
  }

  test::TempFolder folder_;
  test::ManualClock clock_;
  SystemRandom random_;
  std::unique_ptr<Server> server_;
  std::string port_;
};

TEST_F(Ipv6Test, AnAddressInTheUrlIsHeldAgainstTheAddressesOfTheCertificate) {
  const TlsFiles files = certify("six", {"::1"});
  if (!start("[::1]", files)) return;  // a machine without IPv6
  EXPECT_EQ(ask(files, "[::1]"), "[::1]:" + port_);
  EXPECT_EQ(ask(files, "[0:0:0:0:0:0:0:1]"), "[0:0:0:0:0:0:0:1]:" + port_) << "the same address, written otherwise";
  ASSERT_TRUE(start("::1", certify("four", {"127.0.0.1", "localhost", "::2"})));
  const std::string refused = ask(files, "[::1]");
  EXPECT_NE(refused.find("the certificate of `::1` is refused: IP address mismatch"), std::string::npos) << refused;
  server_.reset();
  EXPECT_NE(ask(files, "[::1]").find("`[::1]:" + port_ + "` does not answer"), std::string::npos);
}

TEST_F(Ipv6Test, EveryAddressIsThoseOfBothFamilies) {
  const TlsFiles files = certify("both", {"::1", "127.0.0.1"});
  if (!start("[::]", files)) return;  // a machine without IPv6
  EXPECT_EQ(ask(files, "[::1]"), "[::1]:" + port_);
  EXPECT_EQ(ask(files, "127.0.0.1"), "127.0.0.1:" + port_);
}

TEST_F(Ipv6Test, ANameIsSentInTheGreetingAndAnAddressIsNot) {
  const TlsFiles files = certify("any", {"localhost"});
  for (const auto& [host, sent] : {std::pair("localhost", true), std::pair("::1", false), std::pair("127.0.0.1", false)}) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    Channel client(ends[0], *TlsContext::client(files));
    Channel other(ends[1], nullptr);
    std::thread calls([&, name = std::string(host)] { EXPECT_FALSE(client.connect(name, clock_.now(), milliseconds(300))); });
    char greeting[4096];
    const auto got = other.read(greeting, sizeof greeting, milliseconds(2000));
    calls.join();
    ASSERT_TRUE(got);
    const std::string_view bytes(greeting, *got);
    EXPECT_EQ(bytes.find(host) != std::string_view::npos, sent) << host;
  }
}

}  // namespace
}  // namespace sluis::http
