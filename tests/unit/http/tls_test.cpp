#include "certs/authority.hpp"
#include "connector/http/client.hpp"
#include "connector/http/server.hpp"
#include "tests/support/doubles.hpp"
#include "tests/unit/http/revocation.hpp"

#include <gtest/gtest.h>

#include <poll.h>
#include <unistd.h>

#include <fstream>

namespace sluis::http {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;

/// Certificates, keys and revocation lists that change under a server and a client that run.
class TlsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(certs::make_authority(folder_.path() / "ca", clock_.now() - days(1), clock_.now() + days(400), random_));
    certify("server");
    certify("client");
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() / name, std::ios::binary | std::ios::trunc) << text;
    if (name.ends_with(".key")) std::filesystem::permissions(folder_.path() / name, std::filesystem::perms(0600));
  }
  std::string read(const std::string& name) const { return *certs::read_file(folder_.path() / name); }

  certs::Leaf leaf(Duration from = -hours(1), Duration until = days(90)) {
    return *certs::issue(folder_.path() / "ca", {.organisation = "Gemeente Waterrijk", .common_name = "waterrijk.example", .oin = "00000099000000001000",
                                                 .dns_names = {"localhost"}, .from = clock_.now() + from, .until = clock_.now() + until},
                         random_);
  }
  /// A new certificate in the files of that name. Its fingerprint.
  std::string certify(const std::string& name) {
    const certs::Leaf made = leaf();
    write(name + ".pem", made.chain_pem);
    write(name + ".key", made.key_pem);
    return to_hex(crypto::Certificate::from_pem(made.chain_pem)->fingerprint());
  }
  TlsFiles files(const std::string& name) const {
    return {(folder_.path() / (name + ".pem")).string(), (folder_.path() / (name + ".key")).string(), (folder_.path() / "ca/root.pem").string()};
  }

  std::string list_of(const std::string& authority, const std::vector<std::string>& revoked, Duration until = days(7)) const {
    return test::revocation_list((folder_.path() / "ca" / authority).string(), revoked, clock_.now(), until);
  }
  void revoke(const std::vector<std::string>& pems, Duration until = days(7)) const {
    write("crl.pem", list_of("root", {}) + list_of("intermediate", pems, until));
  }

  /// Answers who asks: the certificate's fingerprint, and what is wrong with it.
  void start(const TlsFiles& tls, std::size_t connections = 0) {
    ServerOptions options{"test", "127.0.0.1", 0, {}, true, connections};
    options.tls = tls;
    const Route who{"GET", "/who", [](const Request& request) {
                      return Response{200, {}, request.tls.certificate ? request.tls.certificate->sha256 + " " + request.tls.verify_error : "nobody", {}};
                    }, 0};
    server_ = std::make_unique<Server>(options, std::vector<Route>{who}, clock_, random_);
    const auto port = server_->start();
    ASSERT_TRUE(port) << describe(port.error());
    port_ = *port;
  }
  std::unique_ptr<Client> client() { return *Client::make({files("client"), false, 8}, clock_); }
  std::string ask(Client& client) const {
    PeerRequest request;
    request.method = "GET";
    request.url = "https://localhost:" + std::to_string(port_) + "/who";
    const auto answer = client.send(request);
    return answer ? answer->body : "no answer: " + answer.error().message;
  }
  std::string trouble() const { return server_->tls_state()->trouble; }

  test::TempFolder folder_;
  test::ManualClock clock_;
  SystemRandom random_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
};

TEST_F(TlsTest, AClientShowsItsNewCertificateThoughItKeptItsConnection) {
  start(files("server"));
  const auto one = client();
  const std::string before = ask(*one);
  EXPECT_EQ(before, ask(*one));
  const std::string renewed = certify("client");
  EXPECT_NE(before.substr(0, 64), renewed);
  EXPECT_EQ(ask(*one), renewed + " ");
}

TEST_F(TlsTest, OnAFullListenerStrangersGiveWayBeforeAPeerThatIsIdle) {
  start(files("server"), 2);
  const auto until = [] { return std::chrono::steady_clock::now() + milliseconds(5000); };
  const auto tls = *TlsSource::open("peer", files("client"), TlsSource::Side::client);
  Channel peer(*connect_tcp("127.0.0.1", std::to_string(port_), until()), tls->current(clock_.now()));
  ASSERT_TRUE(peer.connect("localhost", clock_.now(), milliseconds(5000)));
  const auto status = [&]() -> std::string {
    char answer[4096];
    if (!peer.write("GET /who HTTP/1.1\r\nhost: localhost\r\n\r\n", milliseconds(5000))) return "not sent";
    const auto got = peer.read(answer, sizeof answer, milliseconds(5000));
    return got ? std::string(answer, std::min<std::size_t>(*got, 12)) : got.error().message;
  };
  EXPECT_EQ(status(), "HTTP/1.1 200");
  // It has been waited for longer than any of these, who say nothing.
  std::vector<int> strangers;
  for (int i = 0; i < 4; ++i) {
    strangers.push_back(*connect_tcp("127.0.0.1", std::to_string(port_), until()));
    if (i == 0) continue;
    pollfd gone{strangers[static_cast<std::size_t>(i - 1)], POLLIN, 0};
    EXPECT_EQ(::poll(&gone, 1, 10'000), 1) << "the one before gives way";
  }
  EXPECT_EQ(status(), "HTTP/1.1 200");
  for (const int one : strangers) ::close(one);
}

TEST_F(TlsTest, AServerShowsItsNewCertificateToNewConnectionsAndOldOnesGoOn) {
  const TlsFiles of_server = files("server");
  start(of_server);
  const auto old = client();
  ASSERT_TRUE(ask(*old).ends_with(" ")) << ask(*old);
  const Timestamp ends = server_->tls_state()->ends;
  clock_.set(clock_.now() + days(1));
  certify("server");
  EXPECT_EQ(server_->tls_state()->ends, ends + days(1));
  EXPECT_TRUE(ask(*old).ends_with(" "));
  // Another authority's: who trusts only that one, sees that it is this one which is shown.
  ASSERT_TRUE(certs::make_authority(folder_.path() / "other", clock_.now() - days(1), clock_.now() + days(400), random_));
  const auto made = *certs::issue(folder_.path() / "other", {.organisation = "x", .common_name = "x", .oin = {}, .dns_names = {"localhost"},
                                                             .from = clock_.now() - days(1), .until = clock_.now() + days(9)}, random_);
  write("server.pem", made.chain_pem);
  write("server.key", made.key_pem);
  TlsFiles trusting = files("client");
  trusting.roots = (folder_.path() / "other/root.pem").string();
  const auto other = *Client::make({trusting, false, 8}, clock_);
  EXPECT_FALSE(ask(*other).starts_with("no answer")) << ask(*other);
  EXPECT_TRUE(ask(*old).ends_with(" ")) << "its connection is of before";
  EXPECT_TRUE(ask(*client()).starts_with("no answer")) << "it trusts the first authority alone";
}

TEST_F(TlsTest, WhatIsHalfWrittenChangesNothing) {
  start(files("server"));
  const certs::Leaf next = leaf();
  for (const auto& [name, text] : {std::pair("server.pem", next.chain_pem), std::pair("server.pem", next.chain_pem.substr(0, 300)),
                                   std::pair("server.pem", std::string()), std::pair("server.key", next.key_pem), std::pair("server.key", std::string())}) {
    const std::string before = read(name);
    write(name, text);
    EXPECT_TRUE(ask(*client()).ends_with(" ")) << ask(*client());
    EXPECT_NE(trouble().find(folder_.path().string()), std::string::npos) << trouble();
    write(name, before);
    EXPECT_EQ(trouble(), "");
  }
  std::filesystem::remove(folder_.path() / "server.key");
  EXPECT_NE(trouble(), "");
  EXPECT_TRUE(ask(*client()).ends_with(" "));
  write("server.pem", next.chain_pem);
  write("server.key", next.key_pem);
  EXPECT_EQ(trouble(), "");
}

TEST_F(TlsTest, AKeyThatOthersCanReadIsNotUsed) {
  const TlsFiles of = files("server");
  for (const unsigned mode : {0640U, 0604U, 0660U, 0644U}) {
    std::filesystem::permissions(of.key, std::filesystem::perms(mode));
    for (const bool as_server : {true, false}) {
      const auto made = as_server ? TlsContext::server(of, true) : TlsContext::client(of);
      ASSERT_FALSE(made) << mode;
      EXPECT_EQ(made.error().code, ErrorCode::permission_denied);
      EXPECT_NE(made.error().message.find(of.key), std::string::npos) << made.error().message;
    }
  }
  std::filesystem::permissions(of.key, std::filesystem::perms(0400));
  EXPECT_TRUE(TlsContext::server(of, true));
}

TEST_F(TlsTest, ACertificateWaitsUntilItsTimeHasCome) {
  start(files("server"));
  const Timestamp ends = server_->tls_state()->ends;
  const certs::Leaf over = leaf(-days(2), -days(1));
  write("server.pem", over.chain_pem);
  write("server.key", over.key_pem);
  EXPECT_NE(trouble().find("not now"), std::string::npos) << trouble();
  const certs::Leaf later = leaf(days(2), days(100));
  write("server.pem", later.chain_pem);
  write("server.key", later.key_pem);
  EXPECT_NE(trouble().find("not now"), std::string::npos) << trouble();
  EXPECT_EQ(server_->tls_state()->ends, ends);
  EXPECT_TRUE(ask(*client()).ends_with(" "));
  clock_.set(clock_.now() + days(3));
  EXPECT_EQ(trouble(), "");
  EXPECT_GT(server_->tls_state()->ends, ends);
}

TEST_F(TlsTest, WhoIsRevokedIsKnownAtTheNextRequestOfAConnectionThatStands) {
  revoke({});
  TlsFiles with = files("server");
  with.lists = (folder_.path() / "crl.pem").string();
  start(with);
  const auto one = client();
  EXPECT_TRUE(ask(*one).ends_with(" ")) << ask(*one);
  revoke({read("client.pem")});
  EXPECT_TRUE(ask(*one).ends_with(" certificate revoked")) << ask(*one);
  EXPECT_TRUE(ask(*client()).ends_with(" certificate revoked")) << ask(*client());
  revoke({read("server.pem")});
  EXPECT_TRUE(ask(*one).ends_with(" ")) << ask(*one);
  write("crl.pem", read("crl.pem").substr(0, read("crl.pem").size() - 40));
  EXPECT_TRUE(ask(*client()).ends_with(" ")) << ask(*client());
  EXPECT_NE(trouble().find("revocation lists"), std::string::npos) << trouble();
}

TEST_F(TlsTest, AListThatIsMissingOrOverRefusesEverybodyWhoNeedsIt) {
  revoke({}, hours(1));
  TlsFiles with = files("server");
  with.lists = (folder_.path() / "crl.pem").string();
  start(with);
  EXPECT_TRUE(ask(*client()).ends_with(" ")) << ask(*client());
  EXPECT_EQ(server_->tls_state()->lists_end, std::chrono::floor<std::chrono::seconds>(clock_.now()) + hours(1));
  clock_.set(clock_.now() + hours(2));
  EXPECT_TRUE(ask(*client()).ends_with("CRL has expired")) << ask(*client());
  write("crl.pem", list_of("intermediate", {}));
  EXPECT_FALSE(ask(*client()).ends_with(" ")) << "the root's list says whether the intermediate is good";
  write("crl.pem", "nothing\n");
  EXPECT_NE(trouble().find("revocation lists"), std::string::npos) << trouble();
  Server other({"test", "127.0.0.1", 0, with, true, 0}, {}, clock_, random_);
  EXPECT_FALSE(other.start()) << "it does not begin without";
}

TEST_F(TlsTest, AClientRefusesAServerThatWasRevoked) {
  revoke({});
  start(files("server"));
  TlsFiles with = files("client");
  with.lists = (folder_.path() / "crl.pem").string();
  const auto one = *Client::make({with, false, 8}, clock_);
  EXPECT_TRUE(ask(*one).ends_with(" ")) << ask(*one);
  revoke({read("server.pem")});
  EXPECT_NE(ask(*one).find("certificate revoked"), std::string::npos) << ask(*one);
}

}  // namespace
}  // namespace sluis::http
