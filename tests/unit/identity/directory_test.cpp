#include "connector/identity/directory.hpp"

#include "connector/identity/scheme.hpp"
#include "tests/unit/identity/support.hpp"

namespace sluis::identity {
namespace {

using namespace test;
using namespace std::chrono_literals;

class DirectoryTest : public ::testing::Test {
 protected:
  void load() {
    const auto loaded = directory_.load(federation_.envelope(), kNow);
    ASSERT_TRUE(loaded) << describe(loaded.error());
  }
  Federation federation_;
  Directory directory_{{{federation_.keeper}, 1}};
  ParticipantId city_{"did:web:duinmeer.example"};
};

TEST_F(DirectoryTest, WithoutAListNobodyIsKnown) {
  EXPECT_EQ(directory_.state(kNow), ListState::expired);
  EXPECT_FALSE(directory_.allows_new(kNow));
  EXPECT_FALSE(directory_.find(city_));
  EXPECT_FALSE(directory_.party_by_certificate(presented(federation_.by_hash), kNow));
  EXPECT_FALSE(directory_.origin_allowed(city_, "https://duinmeer.example:8443/", kNow));
}

TEST_F(DirectoryTest, FreshThenStaleThenExpired) {
  load();
  EXPECT_EQ(directory_.state(kNow), ListState::fresh);
  EXPECT_EQ(directory_.state(federation_.list.refresh_after - 1us), ListState::fresh);
  EXPECT_EQ(directory_.state(federation_.list.refresh_after), ListState::stale);
  EXPECT_TRUE(directory_.allows_new(federation_.list.valid_until - 1us));
  EXPECT_EQ(directory_.state(federation_.list.valid_until), ListState::expired);
  EXPECT_FALSE(directory_.allows_new(federation_.list.valid_until));
  EXPECT_TRUE(directory_.find(city_));
  EXPECT_TRUE(directory_.party_by_certificate(presented(federation_.by_number), federation_.list.valid_until + 1h));
}

TEST_F(DirectoryTest, ARollBackIsRefusedAndTheNewerListStays) {
  load();
  MembershipList older = federation_.list;
  older.version = 2;
  const auto rolled = directory_.load(federation_.envelope(older, {federation_.keeper}), kNow);
  ASSERT_FALSE(rolled);
  EXPECT_EQ(rolled.error().code, ErrorCode::conflict);
  EXPECT_EQ(directory_.list()->version, 3U);
  MembershipList twin = federation_.list;
  twin.parties.pop_back();
  EXPECT_FALSE(directory_.load(federation_.envelope(twin, {federation_.keeper}), kNow));
  EXPECT_TRUE(directory_.load(federation_.envelope(), kNow));
  twin.version = 4;
  EXPECT_TRUE(directory_.load(federation_.envelope(twin, {federation_.keeper}), kNow));
  EXPECT_FALSE(directory_.find(ParticipantId("did:web:waterrijk.example")));
}

TEST_F(DirectoryTest, BadlySignedExpiredOrFutureListsAreRefused) {
  EXPECT_EQ(directory_.load(federation_.envelope(federation_.list, {federation_.second}), kNow).error().code,
            ErrorCode::permission_denied);
  EXPECT_FALSE(directory_.load(federation_.envelope(), federation_.list.valid_until));
  EXPECT_FALSE(directory_.load(federation_.envelope(), federation_.list.issued - 3s));
  EXPECT_TRUE(directory_.load(federation_.envelope(), federation_.list.valid_until, true));
  EXPECT_EQ(directory_.state(federation_.list.valid_until), ListState::expired);
}

/// Keys of three keepers, of whom two sign.
class RollOver : public ::testing::Test {
 protected:
  using Keys = std::vector<crypto::Key>;
  std::string list(std::uint64_t version, const Keys& named, std::uint64_t threshold, const Keys& signing) {
    MembershipList made = federation_.list;
    made.version = version;
    made.threshold = threshold;
    made.signers.clear();
    for (const crypto::Key& key : named) made.signers.push_back({key_id(key), key.public_raw()});
    return federation_.envelope(made, signing);
  }
  static crypto::Key key() { return crypto::Key::generate(crypto::Key::Kind::ed25519); }

  Federation federation_;
  crypto::Key a_ = key(), b_ = key(), c_ = key(), d_ = key();
  Trust configured_{{a_, b_}, 2};
  Directory directory_{configured_};
};

TEST_F(RollOver, WhoSignsTheNextListStandsInTheOneBefore) {
  ASSERT_TRUE(directory_.load(list(1, {a_, b_}, 2, {a_, b_}), kNow));
  EXPECT_EQ(directory_.load(list(2, {c_, d_}, 2, {c_, d_}), kNow).error().code, ErrorCode::permission_denied) << "nobody who may said so";
  EXPECT_EQ(directory_.load(list(2, {c_, d_}, 2, {a_, c_, d_}), kNow).error().code, ErrorCode::permission_denied) << "one of two";
  EXPECT_EQ(directory_.load(list(2, {c_, d_}, 2, {a_, b_, c_}), kNow).error().code, ErrorCode::permission_denied) << "d never showed its key";
  ASSERT_TRUE(directory_.load(list(2, {c_, d_}, 2, {a_, b_, c_, d_}), kNow));
  EXPECT_EQ(directory_.load(list(3, {a_, b_}, 2, {a_, b_}), kNow).error().code, ErrorCode::permission_denied) << "what was rolled out signs nothing, configured or not";
  EXPECT_EQ(directory_.load(list(1, {a_, b_}, 2, {a_, b_}), kNow).error().code, ErrorCode::permission_denied);
  EXPECT_TRUE(directory_.load(list(3, {c_, d_}, 2, {c_, d_}), kNow));
  EXPECT_EQ(directory_.list()->version, 3U);
}

TEST_F(RollOver, IsKeptOverAStartForAsLongAsTheConfigurationIsTheSame) {
  ASSERT_TRUE(directory_.load(list(1, {a_, b_}, 2, {a_, b_}), kNow));
  ASSERT_TRUE(directory_.load(list(2, {c_, d_}, 2, {a_, b_, c_, d_}), kNow));
  const std::string kept = list(3, {c_, d_}, 2, {c_, d_});
  Directory again(configured_);
  ASSERT_TRUE(again.load_kept(kept, digest_of(configured_)));
  EXPECT_EQ(again.load(list(4, {a_, b_}, 2, {a_, b_}), kNow).error().code, ErrorCode::permission_denied);
  EXPECT_TRUE(again.load(list(4, {c_, d_}, 2, {c_, d_}), kNow));
  Directory unknown(configured_);
  EXPECT_FALSE(unknown.load_kept(kept, "")) << "of a store that does not know";
}

TEST_F(RollOver, AChangedConfigurationDecidesOnTheListHeldAndOnTheNext) {
  const std::string kept = list(1, {a_, b_}, 2, {a_, b_});
  Directory lost(Trust{{c_, d_}, 2});
  EXPECT_EQ(lost.load_kept(kept, digest_of(configured_)).error().code, ErrorCode::permission_denied);
  const Trust more{{a_, b_, c_, d_}, 2};
  Directory mended(more);
  ASSERT_TRUE(mended.load_kept(kept, digest_of(configured_)));
  EXPECT_TRUE(mended.load(list(2, {c_, d_}, 2, {c_, d_}), kNow)) << "keys a and b were lost, and the operator says who signs";
  EXPECT_FALSE(mended.load(list(3, {a_, b_}, 2, {a_, b_}), kNow));
}

TEST_F(RollOver, NeverTakesFewerThanTheConfigurationWants) {
  ASSERT_TRUE(directory_.load(list(1, {a_, b_}, 1, {a_, b_}), kNow));
  EXPECT_FALSE(directory_.load(list(2, {a_, b_}, 1, {a_}), kNow));
  const auto one = directory_.load(list(2, {a_}, 1, {a_, b_}), kNow);
  ASSERT_FALSE(one);
  EXPECT_EQ(one.error().code, ErrorCode::invalid_argument) << "it could take no next one";
}

TEST_F(RollOver, HowAListStandsIsToldOnceItsSignaturesAreGood) {
  ASSERT_TRUE(directory_.load(list(2, {a_, b_}, 2, {a_, b_}), kNow));
  EXPECT_EQ(*directory_.standing(list(3, {a_, b_}, 2, {a_, b_})), Standing::newer);
  EXPECT_EQ(*directory_.standing(list(2, {a_, b_}, 2, {b_, a_})), Standing::same) << "other signatures on the same content";
  EXPECT_EQ(*directory_.standing(list(1, {a_, b_}, 2, {a_, b_})), Standing::older);
  EXPECT_EQ(*directory_.standing(list(2, {a_, b_, c_}, 2, {a_, b_})), Standing::another);
  EXPECT_FALSE(directory_.standing(list(9, {a_, b_}, 2, {a_})));
}

TEST_F(DirectoryTest, AnotherFederationsListIsRefused) {
  load();
  MembershipList other = federation_.list;
  other.version = 9;
  other.federation = "Elsewhere";
  EXPECT_FALSE(directory_.load(federation_.envelope(other, {federation_.keeper}), kNow));
}

TEST_F(DirectoryTest, ACertificateIsKnownByHashOrByIssuerAndNumber) {
  load();
  EXPECT_EQ((*directory_.party_by_certificate(presented(federation_.by_hash), kNow))->name, "Duinmeer");
  EXPECT_EQ((*directory_.party_by_certificate(presented(federation_.by_number), kNow))->name, "Waterrijk");
}

TEST_F(DirectoryTest, ACertificateCountsOnlyNowAndOnlyVerified) {
  load();
  EXPECT_FALSE(directory_.party_by_certificate(presented(federation_.by_hash), kNow + 10h));
  EXPECT_FALSE(directory_.party_by_certificate(presented(federation_.by_number), kNow + 24h * 301));
  http::TlsPeer peer = presented(federation_.by_hash);
  peer.verify_error = "certificate has expired";
  const auto refused = directory_.party_by_certificate(peer, kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unauthenticated);
  EXPECT_NE(refused.error().message.find("expired"), std::string::npos);
  EXPECT_FALSE(directory_.party_by_certificate({}, kNow));
  EXPECT_FALSE(directory_.party_by_certificate({nullptr, "it cannot be read"}, kNow));
  const auto stranger = federation_.certificate("stranger.example", "00000099000000000002");
  EXPECT_FALSE(directory_.party_by_certificate(presented(stranger), kNow));
}

TEST_F(DirectoryTest, ClaimKeysAndLogsBelongToTheirParty) {
  load();
  EXPECT_TRUE(directory_.claim_key(city_, "k1", kNow));
  EXPECT_FALSE(directory_.claim_key(city_, "k2", kNow));
  EXPECT_FALSE(directory_.claim_key(city_, "k1", federation_.list.issued - 1s));
  EXPECT_TRUE(directory_.log_key(city_, "duinmeer.example/log", kNow));
  EXPECT_FALSE(directory_.log_key(city_, "waterrijk.example/log", kNow));
}

TEST_F(DirectoryTest, OnlyTheListedOriginIsAllowed) {
  load();
  const auto allowed = [&](std::string_view url) { return directory_.origin_allowed(city_, url, kNow); };
  EXPECT_TRUE(allowed("https://duinmeer.example:8443/callback"));
  EXPECT_TRUE(allowed("HTTPS://Duinmeer.Example:8443"));
  for (const char* url : {"https://duinmeer.example/", "http://duinmeer.example:8443/", "https://evil.example:8443/",
                          "https://duinmeer.example:8443@evil.example/", "https://duinmeer.example.evil.example:8443/",
                          "https://waterrijk.example/", "duinmeer.example:8443", "", "https://"}) {
    EXPECT_FALSE(allowed(url)) << url;
  }
  EXPECT_TRUE(directory_.origin_allowed(ParticipantId("did:web:waterrijk.example"), "https://waterrijk.example:443/x",
      kNow));
  EXPECT_EQ(*directory_.endpoint(city_, kNow), "https://duinmeer.example:8443/base");
}

TEST_F(DirectoryTest, AnAddressOfIpv6IsAnOriginToo) {
  federation_.list.parties[0].endpoints[0].url = "https://[2001:db8::7]:8443/base";
  load();
  const auto allowed = [&](std::string_view url) { return directory_.origin_allowed(city_, url, kNow); };
  EXPECT_TRUE(allowed("https://[2001:db8::7]:8443/callback"));
  EXPECT_TRUE(allowed("https://[2001:DB8::7]:8443"));
  for (const char* url : {"https://[2001:db8::7]/", "https://[2001:db8::8]:8443/", "https://2001:db8::7:8443/", "https://[2001:db8::7]:8443@evil.example/", "https://[2001:db8::7:8443/",
                          "https://[::ffff:10.0.0.1]:8443/", "https://[::1]:8443/", "https://duinmeer.example:8443/"}) {
    EXPECT_FALSE(allowed(url)) << url;
  }
}

TEST_F(DirectoryTest, MutualTlsProvesClassAndNumber) {
  load();
  sluis::test::ManualClock clock(kNow);
  MutualTls scheme(directory_, clock);
  const auto peer = scheme.verify({}, presented(federation_.by_hash));
  ASSERT_TRUE(peer) << describe(peer.error());
  EXPECT_EQ(peer->participant, city_);
  ASSERT_EQ(peer->claims.size(), 2U);
  EXPECT_EQ(peer->claims[0].value, "municipality");
  EXPECT_EQ(peer->claims[0].expires, kNow + 10h);
  EXPECT_TRUE(scheme.credentials_for(city_, {})->empty());
  EXPECT_FALSE(scheme.credentials_for(ParticipantId("urn:nobody"), {}));
  clock.advance(10h);
  EXPECT_FALSE(scheme.verify({}, presented(federation_.by_hash)));
}

TEST_F(DirectoryTest, LegalIdentityNamesListAndTime) {
  const json::Value value = legal_identity(federation_.list.parties[0], federation_.list, kNow);
  EXPECT_EQ(json::serialise(value),
            R"({"participant_id":"did:web:duinmeer.example","name":"Duinmeer","class":"municipality",)"
            R"("oin":"00000099000000000002","federation":"Waterland","membership_version":3,)"
            R"("taken":"2026-11-26T09:00:00Z"})");
}

}  // namespace
}  // namespace sluis::identity
