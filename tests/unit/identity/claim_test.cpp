#include "connector/identity/claim.hpp"

#include "connector/base/limits.hpp"
#include "connector/json/json.hpp"

#include <gtest/gtest.h>

namespace sluis::identity {
namespace {

using namespace std::chrono_literals;

class ClaimTest : public ::testing::Test {
 protected:
  ClaimTest() {
    claim_.iss = ParticipantId("did:web:duinmeer.example");
    claim_.aud = ParticipantId("did:web:waterrijk.example");
    claim_.agreement = AgreementId("urn:uuid:a");
    claim_.transfer = ProcessId("urn:uuid:t");
    claim_.transaction = TransactionId("urn:uuid:x");
    claim_.purpose = "urn:f:CrowdManagement";
    claim_.activity = "urn:duinmeer:activity:1";
    claim_.iat = now_;
    claim_.jti = "j1";
    claim_.method = "GET";
    claim_.path = "/data/t?from=1";
    claim_.checkpoint = "log\n5\nroot\n";
    claim_.says = {{"https://w3id.org/dpv/legal/eu/gdpr#A6-1-e"}, "DPIA 2026-14"};
    expected_ = {claim_.iss, claim_.aud, claim_.agreement, claim_.transfer, "GET", "/data/t?from=1", now_};
  }
  ClaimCheck check(const std::string& token) {
    return check_claim(token, expected_, [this](const ParticipantId& who, std::string_view kid) -> Result<crypto::Key> {
      if (who == claim_.iss && kid == "k1") return key_;
      return Error(ErrorCode::not_found, "no such key");
    });
  }
  std::string make() { return make_claim(claim_, "k1", key_); }
  /// A token with these parts, signed with the right key.
  std::string forge(const std::string& header, const std::string& payload) {
    const std::string input = to_base64url(header) + "." + to_base64url(payload);
    return input + "." + to_base64url(key_.sign(input));
  }
  std::string payload() {
    const std::string token = make();
    const std::size_t dot = token.find('.');
    return *from_base64url(std::string_view(token).substr(dot + 1, token.rfind('.') - dot - 1));
  }

  Timestamp now_ = *parse_time("2026-11-26T09:00:00Z");
  crypto::Key key_ = crypto::Key::generate(crypto::Key::Kind::p256);
  Claim claim_;
  ClaimExpected expected_;
};

TEST_F(ClaimTest, AGoodOneIsTakenWithAllItSays) {
  const ClaimCheck checked = check(make());
  ASSERT_TRUE(checked.ok()) << checked.detail;
  EXPECT_EQ(checked.claim->purpose, claim_.purpose);
  EXPECT_EQ(checked.claim->activity, claim_.activity);
  EXPECT_EQ(checked.claim->transaction, claim_.transaction);
  EXPECT_EQ(checked.claim->checkpoint, claim_.checkpoint);
  EXPECT_EQ(checked.claim->says, claim_.says);
}

TEST_F(ClaimTest, WhatItSaysOfTheActivityIsBounded) {
  const auto fault = [this](const std::string& basis) {
    std::string said = payload();
    const std::string was = "[\"https://w3id.org/dpv/legal/eu/gdpr#A6-1-e\"]";
    said.replace(said.find(was), was.size(), basis);
    return check(forge(R"({"alg":"ES256","typ":"sluis-claim+jwt","kid":"k1"})", said)).fault;
  };
  EXPECT_EQ(fault(R"(["a","b"])"), ClaimFault::none);
  std::string many = "[\"a\"";
  for (int i = 0; i < 16; ++i) many += ",\"a\"";
  for (const std::string& bad : {std::string("[]"), std::string("\"a\""), std::string("[\"\"]"), std::string("[1]"), many + "]",
                                 "[\"" + std::string(limits::kIdBytes + 1, 'a') + "\"]"}) {
    EXPECT_EQ(fault(bad), ClaimFault::payload) << bad.substr(0, 40);
  }
  claim_.says.impact_assessment = std::string(limits::kIdBytes + 1, 'a');
  EXPECT_EQ(check(make()).fault, ClaimFault::payload);
}

TEST_F(ClaimTest, AgeIsBoundedAtBothEnds) {
  const std::string token = make();
  expected_.now = now_ + limits::kClaimAge + limits::kSkew;
  EXPECT_TRUE(check(token).ok());
  expected_.now += 1us;
  EXPECT_EQ(check(token).fault, ClaimFault::too_old);
  expected_.now = now_ - limits::kSkew;
  EXPECT_TRUE(check(token).ok());
  expected_.now -= 1us;
  EXPECT_EQ(check(token).fault, ClaimFault::from_future);
}

TEST_F(ClaimTest, EachMismatchHasItsOwnFault) {
  const std::string token = make();
  const ClaimExpected good = expected_;
  const auto fault = [&](auto change) {
    expected_ = good;
    change(expected_);
    return check(token).fault;
  };
  EXPECT_EQ(fault([](auto& e) { e.aud = ParticipantId("urn:other"); }), ClaimFault::audience);
  EXPECT_EQ(fault([](auto& e) { e.agreement = AgreementId("urn:other"); }), ClaimFault::agreement);
  EXPECT_EQ(fault([](auto& e) { e.transfer = ProcessId("urn:other"); }), ClaimFault::transfer);
  EXPECT_EQ(fault([](auto& e) { e.method = "POST"; }), ClaimFault::method);
  EXPECT_EQ(fault([](auto& e) { e.path = "/data/t?from=2"; }), ClaimFault::path);
  EXPECT_EQ(fault([](auto& e) { e.iss = ParticipantId("urn:other"); }), ClaimFault::unknown_key);
  expected_ = good;
  claim_.iss = ParticipantId("urn:other");
  const std::string foreign = make();
  claim_.iss = good.iss;
  EXPECT_EQ(check(foreign).fault, ClaimFault::issuer);
}

TEST_F(ClaimTest, EitherSidesNameOfTheTransferIsTakenAndTheSignatureCheckedOnce) {
  expected_.transfer_there = expected_.transfer;
  expected_.transfer = ProcessId("urn:ours");
  unsigned looked_up = 0;
  const auto checked = check_claim(make(), expected_, [&](const ParticipantId&, std::string_view) -> Result<crypto::Key> {
    ++looked_up;
    return key_;
  });
  EXPECT_TRUE(checked.ok()) << checked.detail;
  EXPECT_EQ(looked_up, 1U);
  expected_.transfer_there = ProcessId("urn:other");
  EXPECT_EQ(check(make()).fault, ClaimFault::transfer);
  claim_.transfer = expected_.transfer_there = ProcessId();  // where there is no other name, none is no name
  EXPECT_FALSE(check(make()).ok());
}

TEST_F(ClaimTest, AnotherKeyOrAnAlteredByteIsRefused) {
  EXPECT_EQ(check(make_claim(claim_, "k1", crypto::Key::generate(crypto::Key::Kind::p256))).fault,
      ClaimFault::signature);
  EXPECT_EQ(check(make_claim(claim_, "k2", key_)).fault, ClaimFault::unknown_key);
  std::string altered = make();
  const std::size_t at = altered.find('.') + 10;
  altered[at] = altered[at] == 'A' ? 'B' : 'A';
  const ClaimFault fault = check(altered).fault;
  EXPECT_TRUE(fault == ClaimFault::signature || fault == ClaimFault::malformed);
  EXPECT_FALSE(check(altered).claim);
}

TEST_F(ClaimTest, OnlyTheOneHeaderIsTaken) {
  for (const char* header :
       {R"({"alg":"none","kid":"k1","typ":"sluis-claim+jwt"})", R"({"alg":"HS256","kid":"k1","typ":"sluis-claim+jwt"})",
        R"({"alg":"ES256","kid":"k1","typ":"JWT"})", R"({"alg":"ES256","kid":"k1"})",
        R"({"alg":"ES256","typ":"sluis-claim+jwt"})",
        R"({"alg":"ES256","kid":"k1","typ":"sluis-claim+jwt","crit":[]})",
        R"({"alg":"ES256","kid":"k1","typ":"sluis-claim+jwt","jwk":{}})",
        R"({"alg":"ES256","alg":"ES256","kid":"k1","typ":"sluis-claim+jwt"})", "[]"}) {
    EXPECT_EQ(check(forge(header, payload())).fault, ClaimFault::header) << header;
  }
}

TEST_F(ClaimTest, APayloadWithMoreOrLessIsRefused) {
  const std::string header = R"({"alg":"ES256","kid":"k1","typ":"sluis-claim+jwt"})";
  json::Value value = *json::parse(payload());
  EXPECT_TRUE(check(forge(header, json::serialise(value))).ok());
  for (const char* key : {"iss", "aud", "agreement", "transfer", "transaction", "purpose", "iat", "jti", "method",
      "path"}) {
    json::Value less = value;
    less.erase(key);
    EXPECT_EQ(check(forge(header, json::serialise(less))).fault, ClaimFault::payload) << key;
  }
  value.set("exp", 5);
  EXPECT_EQ(check(forge(header, json::serialise(value))).fault, ClaimFault::payload);
  value.erase("exp");
  value.set("iat", json::Value(json::Number{"1.5"}));
  EXPECT_EQ(check(forge(header, json::serialise(value))).fault, ClaimFault::payload);
}

TEST_F(ClaimTest, WhatIsNoTokenIsMalformed) {
  for (const std::string& token : {std::string(), std::string("a.b"), make() + ".x", "=." + make(), std::string(9000,
      'a')}) {
    EXPECT_EQ(check(token).fault, ClaimFault::malformed);
  }
}

TEST_F(ClaimTest, ReplayKeysTellIssuersAndIdsApart) {
  Claim other = claim_;
  EXPECT_EQ(replay_key(claim_), replay_key(other));
  other.jti = "j2";
  EXPECT_NE(replay_key(claim_), replay_key(other));
  other.jti = claim_.jti;
  other.iss = ParticipantId("urn:other");
  EXPECT_NE(replay_key(claim_), replay_key(other));
}

}  // namespace
}  // namespace sluis::identity
