#include "certs/authority.hpp"
#include "connector/http/client.hpp"
#include "connector/http/server.hpp"
#include "tests/support/doubles.hpp"
#include "tests/unit/http/revocation.hpp"

#include <gtest/gtest.h>

#include <openssl/ssl.h>

#include <fstream>

namespace sluis::http {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;

/// A server and clients that connect again and again; the server says who called, and counts who went on with a session of before.
class ResumptionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(certs::make_authority(folder_.path() / "ca", clock_.now() - days(10), clock_.now() + days(400), random_));
    for (const char* name : {"server", "client", "other"}) certify(name);
    start(files("server"));
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary | std::ios::trunc) << text;
    if (name.ends_with(".key")) std::filesystem::permissions(path(name), std::filesystem::perms(0600));
  }
  std::string certify(const std::string& name, Duration until = days(90)) {
    const auto made = *certs::issue(folder_.path() / "ca", {.organisation = "x", .common_name = name, .oin = {}, .dns_names = {"localhost"}, .from = clock_.now() - hours(1),
                                                            .until = clock_.now() + until}, random_);
    write(name + ".pem", made.chain_pem);
    write(name + ".key", made.key_pem);
    return to_hex(crypto::Certificate::from_pem(made.chain_pem)->fingerprint());
  }
  std::string fingerprint(const std::string& name) const { return to_hex(crypto::Certificate::from_pem(*certs::read_file(path(name + ".pem")))->fingerprint()); }
  TlsFiles files(const std::string& name) const { return {path(name + ".pem"), path(name + ".key"), path("ca/root.pem")}; }
  void start(const TlsFiles& tls) {
    ServerOptions options{"test", "127.0.0.1", 0, tls, true, 0};
    const Route who{"GET", "/who", [](const Request& request) {
                      return Response{200, {}, request.tls.certificate ? request.tls.certificate->sha256 + " " + request.tls.verify_error : "nobody", {}};
                    }, 0};
    server_ = std::make_unique<Server>(options, std::vector<Route>{who}, clock_, random_);
    const auto port = server_->start();
    ASSERT_TRUE(port) << describe(port.error());
    port_ = std::to_string(*port);
  }
  std::unique_ptr<Client> client(const TlsFiles& tls) { return *Client::make({tls, false, 8}, clock_); }
  std::unique_ptr<Client> client() { return client(files("client")); }
  /// On a connection of its own.
  std::string ask(Client& by, const std::string& peer = "did:web:waterrijk.example") const {
    PeerRequest request;
    request.peer = ParticipantId(peer);
    request.method = "GET";
    request.url = "https://localhost:" + port_ + "/who";
    request.headers["connection"] = "close";
    const auto answer = by.send(request);
    return answer ? answer->body : "no answer: " + answer.error().message;
  }
  std::uint64_t resumed() const { return server_->tls_state()->resumed; }

  struct Met {
    std::string said;    ///< who the server says that it met
    bool resumed = false;
    TlsSession session;  ///< for another connection
  };
  Met meet(const TlsContextPtr& tls, const TlsSession& session = nullptr) const {
    Channel channel(*connect_tcp("127.0.0.1", port_, std::chrono::steady_clock::now() + milliseconds(3000)), tls);
    if (const auto done = channel.connect("localhost", clock_.now(), milliseconds(3000), session); !done) return {done.error().message, false, nullptr};
    EXPECT_TRUE(channel.write("GET /who HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", milliseconds(3000)));
    std::string all;
    char chunk[4096];
    for (;;) {
      const auto got = channel.read(chunk, sizeof chunk, milliseconds(3000));
      if (!got) return {got.error().message, false, nullptr};
      if (*got == 0) break;
      all.append(chunk, *got);
    }
    Met met{all.substr(all.find("\r\n\r\n") + 4), channel.resumed(), channel.session()};
    channel.close();
    return met;
  }
  TlsContextPtr context(const std::string& name, int version = TLS1_3_VERSION) const {
    TlsFiles with = files(name);
    with.allow_tls_1_2 = true;
    auto tls = *TlsContext::client(with);
    SSL_CTX_set_max_proto_version(tls->native(), version);
    return tls;
  }

  test::TempFolder folder_;
  test::ManualClock clock_;
  SystemRandom random_;
  std::unique_ptr<Server> server_;
  std::string port_;
};

TEST_F(ResumptionTest, AConnectionGoesOnWithTheSessionOfTheOneBeforeAndShowsTheSameCertificate) {
  const auto one = client();
  const std::string mine = fingerprint("client") + " ";
  for (std::uint64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(ask(*one), mine);
    EXPECT_EQ(resumed(), i) << "each but the first";
  }
  EXPECT_EQ(ask(*client()), mine) << "another client begins anew";
  EXPECT_EQ(resumed(), 3U);
}

TEST_F(ResumptionTest, BothVersionsOfTlsKeepWhoCalled) {
  TlsFiles both = files("server");
  both.allow_tls_1_2 = true;
  server_.reset();
  start(both);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto tls = context("client", version);
    const Met first = meet(tls);
    ASSERT_TRUE(first.session) << first.said;
    const Met again = meet(tls, first.session);
    EXPECT_TRUE(again.resumed);
    EXPECT_EQ(first.said, fingerprint("client") + " ");
    EXPECT_EQ(again.said, first.said);
    TlsFiles nobody = files("client");
    nobody.chain.clear();
    nobody.allow_tls_1_2 = true;
    const auto without = *TlsContext::client(nobody);
    SSL_CTX_set_max_proto_version(without->native(), version);
    const Met stranger = meet(without);
    EXPECT_EQ(stranger.said, "nobody");
    EXPECT_EQ(meet(without, stranger.session).said, "nobody") << "who showed nothing has shown nothing";
  }
}

TEST_F(ResumptionTest, Tls12IsSpokenOnlyWhereItIsAllowed) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  Channel older(*connect_tcp("127.0.0.1", port_, until), context("client", TLS1_2_VERSION));
  EXPECT_FALSE(older.connect("localhost", clock_.now(), std::chrono::milliseconds(3000))) << "by a server that did not allow it";
  TlsFiles both = files("server");
  both.allow_tls_1_2 = true;
  server_.reset();
  start(both);
  Channel allowed(*connect_tcp("127.0.0.1", port_, until), context("client", TLS1_2_VERSION));
  EXPECT_TRUE(allowed.connect("localhost", clock_.now(), std::chrono::milliseconds(3000)));
  EXPECT_EQ(SSL_CTX_get_min_proto_version((*TlsContext::client(files("client")))->native()), TLS1_3_VERSION) << "nor by a client";
}

TEST_F(ResumptionTest, ASessionIsOfferedToNobodyButThePartyThatItWasMadeWith) {
  const auto one = client();
  ask(*one, "did:web:waterrijk.example");
  ask(*one, "did:web:duinmeer.example");  // at the same address
  ask(*one, "");
  EXPECT_EQ(resumed(), 0U);
  for (const char* peer : {"did:web:waterrijk.example", "did:web:duinmeer.example", ""}) ask(*one, peer);
  EXPECT_EQ(resumed(), 3U);
}

TEST_F(ResumptionTest, AClientKeepsFewSessionsAndLetsTheOldestGo) {
  const auto one = client();
  for (int i = 0; i < 65; ++i) ask(*one, "did:web:" + std::to_string(i));
  EXPECT_EQ(resumed(), 0U);
  ask(*one, "did:web:64");
  EXPECT_EQ(resumed(), 1U);
  ask(*one, "did:web:0");
  EXPECT_EQ(resumed(), 1U) << "it was the 65th before the newest";
}

TEST_F(ResumptionTest, WhoseCertificateEndedMeanwhileIsRefusedAgain) {
  certify("client", days(1));
  const auto one = client();
  EXPECT_EQ(ask(*one), fingerprint("client") + " ");
  clock_.set(clock_.now() + days(2));
  EXPECT_EQ(ask(*one), fingerprint("client") + " certificate has expired");
  EXPECT_EQ(resumed(), 1U) << "and that was a session of before";
}

TEST_F(ResumptionTest, WhoWasRevokedMeanwhileIsRefused) {
  const auto revoke = [&](const std::vector<std::string>& pems, Duration until) {
    write("crl.pem", test::revocation_list(path("ca/root"), {}, clock_.now(), days(30)) + test::revocation_list(path("ca/intermediate"), pems, clock_.now(), until));
  };
  revoke({}, days(7));
  TlsFiles with = files("server");
  with.lists = path("crl.pem");
  start(with);
  const auto one = client();
  EXPECT_EQ(ask(*one), fingerprint("client") + " ");
  EXPECT_EQ(ask(*one), fingerprint("client") + " ");
  EXPECT_EQ(resumed(), 1U);
  revoke({*certs::read_file(path("client.pem"))}, days(7));
  EXPECT_EQ(ask(*one), fingerprint("client") + " certificate revoked");
  EXPECT_EQ(resumed(), 0U) << "with other lists every session is gone";
  revoke({}, hours(1));
  EXPECT_EQ(ask(*one), fingerprint("client") + " ");
  clock_.set(clock_.now() + hours(2));
  EXPECT_EQ(ask(*one), fingerprint("client") + " CRL has expired") << "a session is no way round a list that is over";
  EXPECT_EQ(resumed(), 1U);
}

TEST_F(ResumptionTest, AClientLooksAtTheServersCertificateAgain) {
  certify("server", days(1));
  start(files("server"));
  const auto one = client();
  EXPECT_EQ(ask(*one), fingerprint("client") + " ");
  clock_.set(clock_.now() + days(2));
  EXPECT_EQ(ask(*one), "no answer: the certificate of `localhost` is refused: certificate has expired");
  EXPECT_EQ(resumed(), 1U);
}

TEST_F(ResumptionTest, AClientThatAsksForListsLooksAtThemAgain) {
  const auto list = [&](const std::vector<std::string>& pems) {
    write("crl.pem", test::revocation_list(path("ca/root"), {}, clock_.now(), days(30)) + test::revocation_list(path("ca/intermediate"), pems, clock_.now(), hours(1)));
  };
  list({});
  TlsFiles with = files("client");
  with.lists = path("crl.pem");
  const auto one = client(with);
  EXPECT_EQ(ask(*one), fingerprint("client") + " ");
  clock_.set(clock_.now() + hours(2));
  EXPECT_NE(ask(*one).find("CRL has expired"), std::string::npos);
  EXPECT_EQ(resumed(), 1U);
  list({*certs::read_file(path("server.pem"))});
  EXPECT_NE(ask(*one).find("certificate revoked"), std::string::npos);
}

TEST_F(ResumptionTest, WithOtherFilesNothingIsResumed) {
  const auto one = client();
  ask(*one);
  const std::string renewed = certify("client");
  EXPECT_EQ(ask(*one), renewed + " ") << "the new certificate is shown";
  EXPECT_EQ(resumed(), 0U);
  certify("server");
  EXPECT_EQ(ask(*one), renewed + " ");
  EXPECT_EQ(resumed(), 0U) << "nor of a listener whose certificate is another";
  EXPECT_EQ(ask(*one), renewed + " ");
  EXPECT_EQ(resumed(), 1U);
}

TEST_F(ResumptionTest, ASessionIsWorthNothingAtAnotherListener) {
  const auto tls = context("client");
  const Met first = meet(tls);
  const auto before = std::move(server_);
  start(files("server"));
  const Met elsewhere = meet(tls, first.session);
  EXPECT_FALSE(elsewhere.resumed);
  EXPECT_EQ(elsewhere.said, first.said);
}

TEST_F(ResumptionTest, WhoHasNotMadeASessionCannotUseIt) {
  const auto mine = context("client");
  const Met first = meet(mine);
  ASSERT_TRUE(first.session);
  // Another party that overheard its name, and does not have its secret.
  unsigned char secret[SSL_MAX_MASTER_KEY_LENGTH];
  const std::size_t size = SSL_SESSION_get_master_key(first.session.get(), secret, sizeof secret);
  ASSERT_GT(size, 0U);
  std::string bytes(static_cast<std::size_t>(i2d_SSL_SESSION(first.session.get(), nullptr)), '\0');
  auto* out = reinterpret_cast<unsigned char*>(bytes.data());
  i2d_SSL_SESSION(first.session.get(), &out);
  const std::size_t at = bytes.find(std::string(reinterpret_cast<char*>(secret), size));
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  const auto* in = reinterpret_cast<const unsigned char*>(bytes.data());
  const TlsSession guessed(d2i_SSL_SESSION(nullptr, &in, static_cast<long>(bytes.size())), &SSL_SESSION_free);
  ASSERT_TRUE(guessed);
  const Met met = meet(context("other"), guessed);
  EXPECT_FALSE(met.resumed);
  EXPECT_EQ(met.said.find(fingerprint("client")), std::string::npos) << met.said;
  // With the secret it would be taken for who made it: so none leaves the client that made it, nor goes to another party.
  EXPECT_EQ(meet(context("other")).said, fingerprint("other") + " ");
}

TEST_F(ResumptionTest, AListenerKeepsSoManySessionsForSoLong) {
  const auto tls = *TlsContext::server(files("server"), true);
  EXPECT_EQ(SSL_CTX_get_timeout(tls->native()), std::chrono::seconds(kSessionAge).count());
  for (unsigned i = 0; i < kSessions + 100; ++i) {
    SSL_SESSION* one = SSL_SESSION_new();
    SSL_SESSION_set_protocol_version(one, TLS1_3_VERSION);
    const unsigned char id[4] = {static_cast<unsigned char>(i), static_cast<unsigned char>(i >> 8U), 1, 2};
    SSL_SESSION_set1_id(one, id, sizeof id);
    SSL_CTX_add_session(tls->native(), one);
    SSL_SESSION_free(one);
  }
  EXPECT_LE(SSL_CTX_sess_number(tls->native()), static_cast<long>(kSessions));
  EXPECT_GE(SSL_CTX_sess_number(tls->native()), static_cast<long>(kSessions) - 1);
}

}  // namespace
}  // namespace sluis::http
