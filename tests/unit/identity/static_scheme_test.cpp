#include "connector/identity/static_scheme.hpp"
#include "tests/unit/identity/support.hpp"

namespace sluis::identity {
namespace {

using test::kNow;

constexpr const char* kDuinmeer = "did:web:duinmeer.example";
constexpr const char* kGood = R"([[inbound]]
party = "did:web:duinmeer.example"
authorization = "Bearer of Duinmeer"
[[inbound]]
party = "did:web:gone.example"
authorization = "Bearer of nobody"
[[outbound]]
party = "did:web:duinmeer.example"
authorization = "anywhere"
[[outbound]]
party = "did:web:duinmeer.example"
audience = "http://127.0.0.1:8282/dsp/"
authorization = '{"clientId":"did:web:waterrijk.example","audience":"http://127.0.0.1:8282/dsp"}'
)";

struct StaticIdentity : testing::Test {
  StaticIdentity() { EXPECT_TRUE(directory.load(federation.envelope(), kNow, true)); }
  StaticScheme scheme(const std::string& text = kGood) {
    auto values = StaticValues::parse(text, "static.toml");
    EXPECT_TRUE(values) << describe(values.error());
    return {std::move(*values), directory};
  }
  static std::string refusal(const std::string& text) {
    const auto values = StaticValues::parse(text, "static.toml");
    return values ? "accepted" : describe(values.error());
  }
  std::string sent_to(StaticScheme& to, const std::string& url, const std::string& party = kDuinmeer) {
    const auto headers = to.credentials_for(ParticipantId(party), {"POST", url, ""});
    return headers ? headers->at("authorization") : describe(headers.error());
  }

  test::Federation federation;
  Directory directory{Trust{{federation.keeper}, 1}};
};

TEST_F(StaticIdentity, ACallerIsWhomItsValueStandsFor) {
  StaticScheme known = scheme();
  const auto peer = known.verify({{"authorization", "Bearer of Duinmeer"}}, {});
  ASSERT_TRUE(peer) << describe(peer.error());
  EXPECT_EQ(peer->participant.str(), kDuinmeer);
  EXPECT_EQ(peer->party->name, "Duinmeer");
  EXPECT_EQ(peer->assurance, Assurance::written_down);
  EXPECT_EQ(peer->claims.at(0).value, "municipality");
  EXPECT_EQ(peer->claims.at(0).expires, federation.list.valid_until);
}

TEST_F(StaticIdentity, AnyOtherValueIsNobodys) {
  StaticScheme known = scheme();
  for (const char* value : {"", "Bearer of Duinmee", "Bearer of Duinmeer ", "bearer of Duinmeer", "Bearer of nobody"}) {
    const auto peer = known.verify({{"authorization", value}}, {});
    ASSERT_FALSE(peer) << value;
    EXPECT_EQ(peer.error().code, ErrorCode::unauthenticated);
  }
  EXPECT_FALSE(known.verify({}, {}));
  // A certificate says nothing here.
  EXPECT_FALSE(known.verify({}, test::presented(federation.by_hash)));
}

TEST_F(StaticIdentity, TheLongestAudienceGivesTheValue) {
  StaticScheme known = scheme();
  const std::string mock = R"({"clientId":"did:web:waterrijk.example","audience":"http://127.0.0.1:8282/dsp"})";
  EXPECT_EQ(sent_to(known, "http://127.0.0.1:8282/dsp"), mock);
  EXPECT_EQ(sent_to(known, "http://127.0.0.1:8282/dsp/catalog/request"), mock);
  EXPECT_EQ(sent_to(known, "http://127.0.0.1:8282/dspace"), "anywhere");
  EXPECT_EQ(sent_to(known, "http://127.0.0.1:82821/dsp"), "anywhere");
  EXPECT_EQ(sent_to(known, "http://[::1]/x"), "anywhere");
}

TEST_F(StaticIdentity, NothingIsSentElsewhereNorToWhomNoValueIsWrittenDown) {
  StaticScheme known = scheme();
  for (const char* url : {"http://192.0.2.1/x", "https://127.0.0.1/x", "http://localhost/x", "http://127.0.0.1.example/x", "http://user@127.0.0.1/x"}) {
    const auto headers = known.credentials_for(ParticipantId(kDuinmeer), {"POST", url, ""});
    ASSERT_FALSE(headers) << url;
    EXPECT_EQ(headers.error().code, ErrorCode::permission_denied) << url;
    EXPECT_NE(headers.error().message.find("not an http address of this machine"), std::string::npos);
  }
  EXPECT_NE(sent_to(known, "http://127.0.0.1/x", "did:web:waterrijk.example").find("no value is written down"), std::string::npos);
  EXPECT_NE(sent_to(known, "http://127.0.0.1/x", "did:web:stranger.example").find("not in the membership list"), std::string::npos);
}

TEST_F(StaticIdentity, TheFileIsReadStrictly) {
  EXPECT_EQ(refusal(""), "accepted");
  EXPECT_NE(refusal("[[inbound]]\nparty = \"urn:a\"\nauthorization = \"x\"\n[[inbound]]\nparty = \"urn:b\"\nauthorization = \"x\"\n")
                .find("static.toml:6:17: this value stands for a party already"), std::string::npos);
  EXPECT_NE(refusal("[[outbound]]\nparty = \"urn:a\"\nauthorization = \"x\"\n[[outbound]]\nparty = \"urn:a\"\nauthorization = \"y\"\n").find("static.toml:5:9"),
            std::string::npos);
  EXPECT_NE(refusal("[[outbound]]\nparty = \"urn:a\"\naudience = \"https://duinmeer.example\"\nauthorization = \"x\"\n").find("static.toml:3:12"),
            std::string::npos);
  for (const char* value : {"\"a\\r\\nHost: b\"", "\" a\"", "\"a \"", "\"caf\u00e9\""}) {
    EXPECT_NE(refusal("[[inbound]]\nparty = \"urn:a\"\nauthorization = " + std::string(value) + "\n").find("static.toml:3:17"), std::string::npos) << value;
  }
  EXPECT_NE(refusal("[[inbound]]\nparti = \"urn:a\"\n").find("`parti`"), std::string::npos);
  EXPECT_NE(refusal("[[inbound]]\nparty = \"urn:a\"\nauthorization = \"x\"\nauthorisation = \"x\"\n").find("static.toml:4"), std::string::npos);
}

TEST(LocalHttp, IsAnAddressOfThisMachineByItsNumber) {
  for (const char* url : {"http://127.0.0.1", "http://127.0.0.1:1/x", "http://127.255.0.1", "http://[::1]:1", "HTTP://[::1]/x"}) EXPECT_TRUE(is_local_http(url)) << url;
  for (const char* url : {"", "127.0.0.1", "https://127.0.0.1", "http://localhost", "http://10.0.0.1", "http://128.0.0.1", "http://[::2]", "http://127.0.0.1@a.example", "http://127.0.0.1.example", "http://127.0.0.1a/x",
                          "http://127.1"}) {
    EXPECT_FALSE(is_local_http(url)) << url;
  }
}

TEST(Membership, HasHttpForAddressesOfThisMachineOnly) {
  test::Federation federation;
  federation.list.parties[0].endpoints[0].url = "http://127.0.0.1:8282/dsp";
  Directory directory{Trust{{federation.keeper}, 1}};
  EXPECT_TRUE(directory.load(federation.envelope(), kNow, true));
  for (const char* url : {"http://duinmeer.example", "http://localhost", "ftp://127.0.0.1"}) {
    federation.list.parties[0].endpoints[0].url = url;
    EXPECT_FALSE(wrap(federation.list)) << url;
  }
}

TEST(Membership, HasWhateverConnectorsCallThemselves) {
  test::Federation federation;
  federation.list.parties[0].participant = ParticipantId("KIT_PARTICIPANT");
  Directory directory{Trust{{federation.keeper}, 1}};
  EXPECT_TRUE(directory.load(federation.envelope(), kNow, true));
  EXPECT_TRUE(directory.find(ParticipantId("KIT_PARTICIPANT")));
  for (const char* id : {"two words", "", "line\nend", "caf\u00e9"}) {
    federation.list.parties[0].participant = ParticipantId(id);
    EXPECT_FALSE(wrap(federation.list)) << id;
  }
}

}  // namespace
}  // namespace sluis::identity
