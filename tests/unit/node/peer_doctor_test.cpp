#include "connector/node/peer_doctor.hpp"

#include "certs/authority.hpp"
#include "connector/http/message.hpp"
#include "connector/json/json.hpp"
#include "tests/unit/identity/support.hpp"

#include <map>

namespace sluis::node {
namespace {

using std::chrono::days;
using std::chrono::seconds;

const std::string kPeer = "did:web:duinmeer.example";
const std::string kSelf = "did:web:waterrijk.example";
const std::string kBase = "https://duinmeer.example:8443/base";
const std::string kVersion = "/.well-known/dspace-version";
const std::string kCatalogue = "/2025-1/catalog/request";

/// Answers by address; what it does not know it answers 404.
struct Answers final : http::PeerTransport {
  Result<http::PeerResponse> send(const http::PeerRequest& request) override {
    asked.push_back(request);
    if (broken.contains(request.url)) return Error(ErrorCode::peer_unavailable, "it is away");
    const auto found = by_url.find(request.url);
    return found == by_url.end() ? http::PeerResponse{404, {}, "nothing"} : found->second;
  }
  std::map<std::string, http::PeerResponse> by_url;
  std::map<std::string, bool> broken;
  std::vector<http::PeerRequest> asked;
};

class PeerDoctorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(certs::make_authority(folder_.path() / "ca", clock_.now() - days(10), clock_.now() + days(400), random_));
    ASSERT_TRUE(certs::make_authority(folder_.path() / "other", clock_.now() - days(10), clock_.now() + days(400), random_));
    theirs_ = issue("ca", "duinmeer.example", "00000099000000000002");
    const auto own = certs::issue(folder_.path() / "ca", asked("waterrijk.example", "00000099000000000001"), random_);
    ASSERT_TRUE(own);
    ASSERT_TRUE(certs::write_public(folder_.path() / "own.pem", own->chain_pem));
    ASSERT_TRUE(certs::write_secret(folder_.path() / "own.key", own->key_pem));
    const auto issuer = crypto::Certificate::from_pem(own->chain_pem)->issuer_name();
    auto& parties = federation_.list.parties;
    parties[0].certificates = {{"", issuer, "00000099000000000002", {federation_.list.issued, {}}}};
    parties[1].certificates = {{"", issuer, "00000099000000000001", {federation_.list.issued, {}}}};
    answer(kVersion, R"({"protocolVersions":[{"version":"2024-1","path":"/","binding":"HTTPS"},{"version":"2025-1","path":"/2025-1","binding":"HTTPS"}]})");
    transport_.by_url[kBase + kVersion].headers["date"] = http::http_date(clock_.now());
    answer(kCatalogue, R"({"@type":"Catalog","participantId":"did:web:duinmeer.example"})");
    answer("/.well-known/sluis-evidence", R"({"versions":["1"],"path":"/evidence/v1"})");
    answer("/evidence/v1/reach", R"({"reached":true,"url":"https://waterrijk.example","participant":"did:web:waterrijk.example","list":3})");
  }

  static crypto::CertificateRequest asked(const std::string& name, const std::string& oin) {
    crypto::CertificateRequest request;
    request.organisation = name;
    request.common_name = name;
    request.oin = oin;
    request.dns_names = {name};
    request.from = identity::test::kNow - days(1);
    request.until = identity::test::kNow + days(90);
    return request;
  }
  std::vector<crypto::Certificate> issue(const std::string& authority, const std::string& name, const std::string& oin, Duration until = days(90)) {
    auto request = asked(name, oin);
    request.until = identity::test::kNow + until;
    const auto leaf = certs::issue(folder_.path() / authority, request, random_);
    EXPECT_TRUE(leaf);
    return *crypto::certificates_from_pem(leaf->chain_pem);
  }
  void answer(const std::string& path, const std::string& body, unsigned status = 200) { transport_.by_url[kBase + path] = {status, {}, body}; }

  std::map<std::string, v1::NodeDoctorPeerResponse::Check> examine() {
    identity::Directory directory(identity::Trust{{federation_.keeper}, 1});
    EXPECT_TRUE(directory.load(federation_.envelope(), clock_.now(), true));
    PeerDoctor doctor(ParticipantId(kSelf), url_, with(directory));
    const auto report = doctor.examine(ParticipantId(kPeer));
    std::map<std::string, v1::NodeDoctorPeerResponse::Check> out;
    EXPECT_TRUE(report);
    if (!report) return out;
    for (const auto& check : report->checks()) {
      out[check.name()] = check;
      EXPECT_TRUE(check.result() == "ok" || check.result() == "failed" || check.result() == "skipped") << check.result();
      EXPECT_FALSE(check.message().empty()) << check.name();
      EXPECT_TRUE(check.result() != "failed" || !check.mend().empty()) << check.name();
    }
    return out;
  }
  PeerDoctorDependencies with(const identity::Directory& directory) {
    const auto file = [this](const char* name) { return (folder_.path() / name).string(); };
    return {directory, clock_, transport_, nobody_, {file("own.pem"), file("own.key"), file("ca/root.pem")},
            [this](const http::Request&) -> Result<ParticipantId> {
              if (caller_.empty()) return Error(ErrorCode::unauthenticated, "nobody");
              return ParticipantId(caller_);
            },
            [this](const std::string&) { return names_; },
            [this](const std::string& address, const std::string& port) -> Result<void> {
              if (!open_.contains(address)) return Error(ErrorCode::peer_unavailable, "`" + address + ":" + port + "` does not answer: refused");
              return {};
            },
            [this](const std::string&, const std::string&) -> Result<std::vector<crypto::Certificate>> {
              if (theirs_.empty()) return Error(ErrorCode::peer_unavailable, "TLS failed");
              return theirs_;
            },
            [this](const std::string&) { return proxy_; }};
  }
  /// The names of all checks with this result.
  static std::vector<std::string> that(const std::map<std::string, v1::NodeDoctorPeerResponse::Check>& checks, const std::string& result) {
    std::vector<std::string> out;
    for (const auto& [name, check] : checks) {
      if (check.result() == result) out.push_back(name);
    }
    return out;
  }
  using Names = std::vector<std::string>;
  /// This alone fails, and says so.
  void expect_failed(const std::string& name, const std::string& why) {
    auto checks = examine();
    EXPECT_EQ(that(checks, "failed"), Names{name});
    EXPECT_NE(checks[name].message().find(why), std::string::npos) << checks[name].message();
  }
  void expect_skipped(const std::string& name, const std::string& why) {
    auto checks = examine();
    EXPECT_EQ(that(checks, "failed"), Names{});
    EXPECT_EQ(that(checks, "skipped"), Names{name});
    EXPECT_NE(checks[name].message().find(why), std::string::npos) << checks[name].message();
  }

  test::TempFolder folder_;
  test::ManualClock clock_{identity::test::kNow};
  test::SeededRandom random_;
  identity::test::Federation federation_;
  std::string url_ = "https://waterrijk.example";
  std::string caller_ = kPeer;
  Answers transport_, nobody_;
  http::Resolved names_{{"192.0.2.1"}, {"2001:db8::1"}, ""};
  std::map<std::string, bool> open_{{"192.0.2.1", true}, {"2001:db8::1", true}};
  std::vector<crypto::Certificate> theirs_;
  std::string proxy_;
};

TEST_F(PeerDoctorTest, AllIsWell) {
  auto checks = examine();
  EXPECT_EQ(that(checks, "ok"), (Names{"certificate: chain", "certificate: listed", "certificate: name", "certificate: time", "claim keys", "clock", "dns",
                                       "entry", "evidence", "its identity", "logs", "membership list", "our identity", "own entry", "reached by it", "tcp", "version"}));
  EXPECT_EQ(checks.size(), 17U);
  EXPECT_EQ(checks["dns"].message(), "`duinmeer.example`: A 192.0.2.1; AAAA 2001:db8::1");
  EXPECT_NE(checks["version"].message().find("`2024-1` at `/`, `2025-1` at `/2025-1`"), std::string::npos);
  ASSERT_EQ(nobody_.asked.size(), 1U);
  EXPECT_TRUE(nobody_.asked[0].peer.empty()) << "a stranger does not say who it is";
  EXPECT_EQ(nobody_.asked[0].url, kBase + kCatalogue);
}

TEST_F(PeerDoctorTest, BehindAProxyTheNameIsTheProxysToLookUp) {
  proxy_ = "proxy.waterrijk.example:3128";
  names_ = {{}, {}, "Name or service not known"};
  open_ = {{"duinmeer.example", true}};
  auto checks = examine();
  EXPECT_EQ(that(checks, "failed"), Names{});
  EXPECT_EQ(checks["dns"].message(), "`duinmeer.example` is looked up by the proxy `proxy.waterrijk.example:3128`, through which it is reached");
  EXPECT_EQ(checks["tcp"].message(), "port 8443 is open at duinmeer.example");
  open_.clear();
  checks = examine();
  EXPECT_EQ(that(checks, "failed"), Names{"tcp"});
}

TEST_F(PeerDoctorTest, WhatCannotBeReachedIsNotAsked) {
  const Names unasked{"clock", "evidence", "our identity", "reached by it", "version"};
  names_ = {{}, {}, "Name or service not known"};
  auto checks = examine();
  EXPECT_EQ(that(checks, "failed"), Names{"dns"});
  EXPECT_EQ(that(checks, "skipped"), unasked);
  EXPECT_EQ(checks["version"].message(), "not asked, as `dns` failed");
  names_ = {{"192.0.2.1"}, {}, ""};
  open_.clear();
  checks = examine();
  EXPECT_EQ(that(checks, "failed"), Names{"tcp"});
  EXPECT_EQ(that(checks, "skipped"), unasked);
  EXPECT_NE(checks["tcp"].message().find("`192.0.2.1:8443` does not answer"), std::string::npos);
  open_ = {{"192.0.2.1", true}};
  theirs_.clear();
  checks = examine();
  EXPECT_EQ(that(checks, "failed"), Names{"tls"});
  EXPECT_EQ(that(checks, "skipped"), unasked);
  EXPECT_TRUE(transport_.asked.empty());
  EXPECT_TRUE(nobody_.asked.empty());
}

TEST_F(PeerDoctorTest, OneAddressOfTwoIsEnough) {
  open_.erase("2001:db8::1");
  auto checks = examine();
  EXPECT_EQ(that(checks, "failed"), Names{});
  EXPECT_NE(checks["tcp"].message().find("not elsewhere"), std::string::npos) << checks["tcp"].message();
}

TEST_F(PeerDoctorTest, ACertificateIsLookedAtFromEachSide) {
  theirs_ = issue("ca", "duinmeer.example", "00000099000000000002", std::chrono::hours(-12));
  expect_failed("certificate: time", "it holds from");
  theirs_ = issue("ca", "duinmeer.example", "00000099000000000009");
  expect_failed("certificate: listed", "number 00000099000000000009");
  theirs_ = issue("ca", "duinmeer.example", "00000099000000000001");
  expect_failed("certificate: listed", "for `did:web:waterrijk.example`");
  theirs_ = issue("ca", "elsewhere.example", "00000099000000000002");
  expect_failed("certificate: name", "it names elsewhere.example, and not `duinmeer.example`");
  theirs_ = issue("other", "duinmeer.example", "00000099000000000002");
  EXPECT_NE(examine()["certificate: chain"].result(), "ok");
  theirs_ = {issue("ca", "duinmeer.example", "00000099000000000002").front()};
  auto checks = examine();
  EXPECT_EQ(that(checks, "failed"), Names{"certificate: chain"}) << "without the intermediate";
  EXPECT_EQ(checks["version"].message(), "not asked, as `tls` failed");
}

TEST_F(PeerDoctorTest, TheListIsLookedAtFirst) {
  url_ = "https://waterrijk.example:8443";
  expect_failed("own entry", "the list has `https://waterrijk.example` for this node");
  url_ = "https://waterrijk.example";
  federation_.list.parties[1].certificates[0].oin = "00000099000000000008";
  expect_failed("own entry", "is not in the membership list");
  federation_.list.parties[1].certificates[0].oin = "00000099000000000001";
  const identity::Window over{federation_.list.issued, clock_.now() - seconds(1)};
  federation_.list.parties[0].claim_keys[0].window = over;
  expect_failed("claim keys", "none of the 1 listed keys holds now");
  federation_.list.parties[0].claim_keys.clear();
  federation_.list.parties[0].log_origins[0].window = over;
  expect_failed("logs", "no log of this party that holds now");
  federation_.list.parties[0].log_origins[0].window.until.reset();
  federation_.list.parties[0].endpoints[0].window = over;
  expect_failed("entry", "has no endpoint now");
  federation_.list.parties[0].endpoints[0].window.until.reset();
  clock_.advance(days(91));
  EXPECT_EQ(examine()["membership list"].result(), "failed");
}

TEST_F(PeerDoctorTest, TheVersionDocumentMustFit) {
  answer(kVersion, "", 404);
  auto checks = examine();
  EXPECT_EQ(that(checks, "failed"), Names{"version"});
  EXPECT_EQ(checks["our identity"].result(), "skipped");
  answer(kVersion, R"({"protocolVersions":[{"version":"2024-1","path":"/","binding":"HTTPS"}]})");
  EXPECT_NE(examine()["version"].message().find("it speaks `2024-1` at `/`"), std::string::npos);
  answer(kVersion, R"({"protocolVersions":[{"version":"2025-1","path":"2025-1","binding":"HTTPS"}]})");
  EXPECT_NE(examine()["version"].message().find("must begin with a slash"), std::string::npos);
  transport_.broken[kBase + kVersion] = true;
  EXPECT_EQ(examine()["version"].message(), "it is away");
  transport_.broken.clear();
  answer(kVersion, R"({"protocolVersions":[{"version":"2025-1","path":"/base/2025-1","binding":"HTTPS"}]})");
  EXPECT_NE(examine()["our identity"].mend().find("repeats the path of the listed address"), std::string::npos);
}

TEST_F(PeerDoctorTest, ClocksMayDifferByWhatIsTolerated) {
  auto& date = transport_.by_url[kBase + kVersion].headers["date"];
  for (const int by : {-3, 2}) {  // a header's second is whole: 3 behind may be 2
    date = http::http_date(clock_.now() + seconds(by));
    EXPECT_EQ(examine()["clock"].result(), "ok") << by;
  }
  date = http::http_date(clock_.now() + seconds(40));
  expect_failed("clock", "40 seconds ahead of");
  date = http::http_date(clock_.now() - seconds(4));
  expect_failed("clock", "behind");
  date = "yesterday";
  expect_skipped("clock", "no date");
}

TEST_F(PeerDoctorTest, WhetherThePeerKnowsThisNodeShowsBesideAStranger) {
  answer(kCatalogue, "nothing", 404);
  expect_failed("our identity", "answers 404 to this node, and 404 to a stranger");
  answer(kCatalogue, R"({"participantId":"did:web:stroomplein.example"})");
  expect_failed("its identity", "is of `did:web:stroomplein.example`");
  answer(kCatalogue, "<html>");
  EXPECT_EQ(examine()["its identity"].result(), "failed");
  answer(kCatalogue, R"({"participantId":"did:web:duinmeer.example"})");
  nobody_.by_url[kBase + kCatalogue] = {200, {}, "{}"};
  expect_skipped("our identity", "to strangers too");
  nobody_.by_url.clear();
  answer(kCatalogue, "", 429);
  expect_skipped("our identity", "asked too often");
}

TEST_F(PeerDoctorTest, WhetherItReachesThisNodeOnlyThePeerKnows) {
  const std::string path = "/evidence/v1/reach";
  answer(path, R"({"reached":false,"url":"https://waterrijk.example","why":"no route\u0007","list":2})");
  expect_failed("reached by it", "did not reach this node: no route ");
  EXPECT_NE(examine()["reached by it"].message().find("version 2 of the list, and not 3 as here"), std::string::npos);
  answer(path, R"({"reached":true,"url":"https://x.example","participant":"did:web:x.example","list":3})");
  expect_failed("reached by it", "which is not this node");
  answer(path, "", 429);
  expect_skipped("reached by it", "only so often");
  answer(path, "", 404);
  expect_skipped("reached by it", "of a version that does not look back");
  answer(path, "[]");
  expect_skipped("reached by it", "the peer answers 200");
  federation_.list.parties[0].evidence = false;
  expect_skipped("reached by it", "only a Sluis can be asked");
  for (const auto& one : transport_.asked) EXPECT_TRUE(one.body.empty() || one.body == "{}" || one.url.ends_with("/catalog/request")) << one.body;
}

TEST_F(PeerDoctorTest, WhatTheListSaysOfEvidenceIsAsked) {
  answer("/.well-known/sluis-evidence", "", 404);
  expect_failed("evidence", "it answers 404");
  answer("/.well-known/sluis-evidence", R"({"versions":["2"],"path":"/evidence/v2"})");
  expect_failed("evidence", "something else");
}

TEST_F(PeerDoctorTest, InClearThereIsNoCertificateToLookAt) {
  federation_.list.parties[0].endpoints[0].url = "http://127.0.0.1:8080";
  for (const auto& [url, response] : std::map(transport_.by_url)) transport_.by_url["http://127.0.0.1:8080" + url.substr(kBase.size())] = response;
  expect_skipped("tls", "in clear");
}

/// The side that looks back.
class LookBackTest : public PeerDoctorTest {
 protected:
  void SetUp() override {
    PeerDoctorTest::SetUp();
    ASSERT_TRUE(directory_.load(federation_.envelope(), clock_.now(), true));
  }
  http::Response ask(const std::string& body = "{}") {
    http::Request request;
    request.method = "POST";
    request.path = "/evidence/v1/reach";
    request.body = body;
    const auto routes = doctor_.routes();
    EXPECT_EQ(routes.at(0).path, request.path);
    return routes.at(0).handler(request);
  }
  identity::Directory directory_{identity::Trust{{federation_.keeper}, 1}};
  PeerDoctor doctor_{ParticipantId(kSelf), url_, with(directory_)};
};

TEST_F(LookBackTest, OnlyWhereTheListHasTheCaller) {
  answer(kVersion, R"({"protocolVersions":[{"version":"2025-1","path":"/2025-1","binding":"HTTPS","serviceId":"did:web:duinmeer.example"}]})");
  const auto response = ask(R"({"url":"https://stroomplein.example"})");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(*json::parse(response.body), *json::parse(R"({"reached":true,"list":3,"url":"https://duinmeer.example:8443/base","participant":"did:web:duinmeer.example"})"));
  ASSERT_EQ(transport_.asked.size(), 1U);
  EXPECT_EQ(transport_.asked[0].url, kBase + kVersion);
  EXPECT_EQ(transport_.asked[0].method, "GET");
}

TEST_F(LookBackTest, WhatWentWrongIsSaid) {
  transport_.broken[kBase + kVersion] = true;
  auto said = json::parse(ask().body);
  ASSERT_TRUE(said);
  EXPECT_EQ(*said->find("why")->if_string(), "it is away");
  EXPECT_FALSE(*said->find("reached")->if_bool());
  transport_.broken.clear();
  answer(kVersion, "<html>");
  EXPECT_FALSE(*json::parse(ask().body)->find("reached")->if_bool());
  answer(kVersion, "", 503);
  EXPECT_EQ(*json::parse(ask().body)->find("why")->if_string(), "its version document answers 503");
}

TEST_F(LookBackTest, ForKnownPartiesAndFewTimesAMinute) {
  caller_.clear();
  EXPECT_EQ(ask().status, 404U);
  EXPECT_TRUE(transport_.asked.empty());
  caller_ = kPeer;
  for (int i = 0; i < 6; ++i) EXPECT_EQ(ask().status, 200U) << i;
  const auto refused = ask();
  EXPECT_EQ(refused.status, 429U);
  EXPECT_EQ(refused.headers.at("retry-after"), "10");
  EXPECT_EQ(transport_.asked.size(), 6U) << "nothing was asked for it";
  caller_ = kSelf;
  EXPECT_EQ(ask().status, 200U) << "another party has its own share";
  caller_ = kPeer;
  clock_.advance(seconds(10));
  EXPECT_EQ(ask().status, 200U);
}

}  // namespace
}  // namespace sluis::node
