#include "tests/unit/identity/support.hpp"

namespace sluis::identity {
namespace {

using namespace test;

TEST(Membership, SurvivesWritingAndReading) {
  Federation federation;
  const std::string text = json::serialise_pretty(to_json(federation.list));
  const auto list = parse_membership(text);
  ASSERT_TRUE(list) << describe(list.error());
  EXPECT_EQ(*json::canonical(to_json(*list)), *json::canonical(to_json(federation.list)));
  EXPECT_EQ(list->find(ParticipantId("did:web:duinmeer.example"))->name, "Duinmeer");
  EXPECT_EQ(list->find(ParticipantId("did:web:nobody.example")), nullptr);
}

TEST(Membership, BadListsAreRefusedWithFileAndLine) {
  Federation federation;
  const std::string text = json::serialise_pretty(to_json(federation.list));
  const std::pair<const char*, const char*> bads[] = {
      {"\"federation\"", "\"federatoin\""},
      {"\"version\": 3", "\"version\": 0"},
      {"\"version\": 3", "\"version\": \"3\""},
      {"\"threshold\": 1", "\"threshold\": 3"},
      {"\"threshold\": 1", "\"threshold\": 0"},
      {"https://duinmeer", "http://duinmeer"},
      {"\"evidence\": \"1\"", "\"evidence\": \"2\""},
      {"\"class\": \"municipality\"", "\"class\": \"Big City\""},
      {"did:web:waterrijk.example", "did:web:duinmeer.example"},
      {"\"crv\": \"P-256\"", "\"crv\": \"P-384\""},
      {"\"name\": \"Duinmeer\"", "\"name\": \"\""},
      {"\"kid\"", "\"kidd\""},
      {"\"sha256\": \"", "\"sha256\": \"zz"},
      {"waterrijk.example/log\"", "duinmeer.example/log\""},
  };
  for (const auto& [from, to] : bads) {
    std::string bad = text;
    const std::size_t found = bad.find(from);
    ASSERT_NE(found, std::string::npos) << from;
    const auto list = parse_membership(bad.replace(found, std::string(from).size(), to), "members.json");
    ASSERT_FALSE(list) << to;
    EXPECT_EQ(list.error().place.file, "members.json");
    EXPECT_GT(list.error().place.line, 0U) << describe(list.error());
  }
}

TEST(Membership, TimesOutOfOrderAreRefused) {
  Federation federation;
  MembershipList list = federation.list;
  list.valid_until = list.refresh_after - std::chrono::seconds(1);
  EXPECT_FALSE(wrap(list));
  list = federation.list;
  list.refresh_after = list.issued - std::chrono::seconds(1);
  EXPECT_FALSE(wrap(list));
}

TEST(Membership, ATrustedSignatureIsNeeded) {
  Federation federation;
  const Trust trust{{federation.keeper}, 1};
  EXPECT_TRUE(verify(*parse_envelope(federation.envelope()), trust));
  const auto unsigned_list = verify(*parse_envelope(federation.envelope(federation.list, {})), trust);
  ASSERT_FALSE(unsigned_list);
  EXPECT_EQ(unsigned_list.error().code, ErrorCode::permission_denied);
  EXPECT_FALSE(verify(*parse_envelope(federation.envelope(federation.list, {federation.second})), trust));
}

TEST(Membership, AThresholdCountsDifferentKeys) {
  Federation federation;
  const Trust two{{federation.keeper, federation.second}, 2};
  SignedMembership envelope = *parse_envelope(federation.envelope());
  envelope.signatures.push_back(envelope.signatures.front());
  EXPECT_FALSE(verify(envelope, two));
  ASSERT_TRUE(sign(envelope, federation.second));
  EXPECT_TRUE(verify(envelope, two));
  EXPECT_FALSE(verify(envelope, {{federation.keeper, federation.keeper}, 2}));
}

TEST(Membership, TheListsOwnThresholdHoldsToo) {
  Federation federation;
  federation.list.threshold = 2;
  const Trust trust{{federation.keeper, federation.second}, 1};
  EXPECT_FALSE(verify(*parse_envelope(federation.envelope()), trust));
  EXPECT_TRUE(verify(*parse_envelope(federation.envelope(federation.list, {federation.keeper, federation.second})),
      trust));
}

TEST(Membership, AnAlteredPayloadOrAnotherContextIsRefused) {
  Federation federation;
  const Trust trust{{federation.keeper}, 1};
  SignedMembership envelope = *parse_envelope(federation.envelope());
  SignedMembership altered = envelope;
  altered.payload[altered.payload.find("Duinmeer")] = 'B';
  EXPECT_FALSE(verify(altered, trust));
  SignedMembership bare = envelope;
  bare.signatures.front().bytes = federation.keeper.sign(bare.payload);
  EXPECT_FALSE(verify(bare, trust));
}

TEST(Membership, APayloadThatIsNotCanonicalIsRefused) {
  Federation federation;
  SignedMembership envelope;
  envelope.payload = json::serialise_pretty(to_json(federation.list));
  ASSERT_TRUE(sign(envelope, federation.keeper));
  EXPECT_FALSE(verify(envelope, {{federation.keeper}, 1}));
}

TEST(Membership, AnEnvelopeIsReadStrictly) {
  EXPECT_FALSE(parse_envelope("{"));
  EXPECT_FALSE(parse_envelope(R"({"payload":"e30"})")->signatures.size());
  EXPECT_FALSE(parse_envelope(R"({"payload":"e30=","signatures":[]})"));
  EXPECT_FALSE(parse_envelope(R"({"payload":"e30","signatures":[],"more":1})"));
  EXPECT_FALSE(parse_envelope(R"({"payload":"e30","signatures":[{"keyid":"a","sig":"AA"}]})"));
  EXPECT_FALSE(parse_envelope(R"({"payload":"e30","payload":"e30","signatures":[]})"));
}

}  // namespace
}  // namespace sluis::identity
