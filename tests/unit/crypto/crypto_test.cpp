#include "connector/crypto/crypto.hpp"

#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluis::crypto {
namespace {

std::string hex(std::string_view text) { return *from_hex(text); }

TEST(Sha256, GivesTheVectorsOfFips180) {
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 parts;
  parts.update("a");
  parts.update("");
  parts.update("bc");
  EXPECT_EQ(parts.finish(), sha256("abc"));
}

TEST(Hmac, GivesTheVectorsOfRfc4231) {
  EXPECT_EQ(to_hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(std::string(20, '\xaa'), std::string(50, '\xdd'))),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(to_hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hkdf, GivesTheVectorsOfRfc5869) {
  EXPECT_EQ(to_hex(hkdf_sha256(std::string(22, '\x0b'), hex("000102030405060708090a0b0c"), hex("f0f1f2f3f4f5f6f7f8f9"), 42)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(to_hex(hkdf_sha256(std::string(22, '\x0b'), "", "", 42)),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Equal, ComparesWholeStrings) {
  EXPECT_TRUE(equal("", ""));
  EXPECT_TRUE(equal("abc", "abc"));
  EXPECT_FALSE(equal("abc", "abd"));
  EXPECT_FALSE(equal("abc", "ab"));
}

class SealTest : public ::testing::Test {
 protected:
  SystemRandom random_;
  std::string key_ = std::string(32, 'k');
};

TEST_F(SealTest, OpensWhatWasSealed) {
  for (const std::string& plain : {std::string(), std::string("a"), std::string(100'000, 'x')}) {
    const auto opened = unseal(key_, seal(random_, key_, plain, "for this"), "for this");
    ASSERT_TRUE(opened);
    EXPECT_EQ(*opened, plain);
  }
}

TEST_F(SealTest, EveryAlteredByteIsNoticed) {
  const std::string sealed = seal(random_, key_, "the token", "transfer 1");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string altered = sealed;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    const auto opened = unseal(key_, altered, "transfer 1");
    ASSERT_FALSE(opened) << i;
    EXPECT_EQ(opened.error().code, ErrorCode::corruption);
  }
}

TEST_F(SealTest, AnotherKeyPlaceOrLengthDoesNotOpen) {
  const std::string sealed = seal(random_, key_, "the token", "transfer 1");
  EXPECT_FALSE(unseal(std::string(32, 'K'), sealed, "transfer 1"));
  EXPECT_FALSE(unseal(key_, sealed, "transfer 2"));
  EXPECT_FALSE(unseal(key_, sealed + "x", "transfer 1"));
  for (std::size_t size = 0; size < sealed.size(); ++size) EXPECT_FALSE(unseal(key_, sealed.substr(0, size), "transfer 1"));
}

TEST_F(SealTest, TheSameTextIsSealedDifferentlyEachTime) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) seen.insert(seal(random_, key_, "same", ""));
  EXPECT_EQ(seen.size(), 100U);
}

TEST(Ed25519, GivesTheVectorsOfRfc8032) {
  struct Vector { const char* seed; const char* key; const char* message; const char* signature; };
  for (const Vector& one : {
           Vector{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
           Vector{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
       }) {
    const auto key = Key::from_ed25519_seed(hex(one.seed));
    ASSERT_TRUE(key);
    EXPECT_EQ(to_hex(key->public_raw()), one.key);
    EXPECT_EQ(to_hex(key->sign(hex(one.message))), one.signature);
    const auto known = Key::from_ed25519_public(hex(one.key));
    ASSERT_TRUE(known);
    EXPECT_TRUE(known->verify(hex(one.message), hex(one.signature)));
    EXPECT_FALSE(known->verify(hex(one.message) + "x", hex(one.signature)));
  }
}

TEST(Es256, VerifiesTheVectorOfRfc7515) {
  // Appendix A.3: the JWS signing input, its key and signature.
  const auto key = Key::from_p256_public(*from_base64url("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
                                         *from_base64url("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"));
  ASSERT_TRUE(key);
  const std::string input =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
  const std::string signature =
      *from_base64url("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
  EXPECT_TRUE(key->verify(input, signature));
  EXPECT_FALSE(key->verify(input + "x", signature));
}

TEST(Keys, SignAndVerifyInBothKindsAndThroughPem) {
  for (const auto kind : {Key::Kind::ed25519, Key::Kind::p256}) {
    const Key key = Key::generate(kind);
    const std::string signature = key.sign("text");
    EXPECT_EQ(signature.size(), 64U);
    const auto secret = Key::from_pem(key.private_pem());
    const auto open = Key::from_pem(key.public_pem());
    ASSERT_TRUE(secret && open);
    EXPECT_TRUE(secret->is_private());
    EXPECT_FALSE(open->is_private());
    EXPECT_EQ(open->kind(), kind);
    EXPECT_EQ(open->public_raw(), key.public_raw());
    EXPECT_TRUE(open->verify("text", signature));
    EXPECT_TRUE(open->verify("other", secret->sign("other")));
    EXPECT_FALSE(open->verify("texT", signature));
    EXPECT_FALSE(Key::generate(kind).verify("text", signature));
    EXPECT_FALSE(open->verify("text", signature.substr(1)));
    EXPECT_FALSE(open->verify("text", std::string(64, '\0')));
  }
}

TEST(Keys, NonsenseIsRefused) {
  EXPECT_FALSE(Key::from_pem("-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n"));
  EXPECT_FALSE(Key::from_pem(""));
  EXPECT_FALSE(Key::from_ed25519_public(std::string(31, 'x')));
  EXPECT_FALSE(Key::from_ed25519_seed(std::string(33, 'x')));
  EXPECT_FALSE(Key::from_p256_public(std::string(32, '\1'), std::string(32, '\1')));  // not on the curve
  EXPECT_FALSE(Key::from_p256_public(std::string(31, '\1'), std::string(32, '\1')));
}

}  // namespace
}  // namespace sluis::crypto
