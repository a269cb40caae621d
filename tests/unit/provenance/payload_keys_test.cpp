#include "connector/provenance/payload_keys.hpp"
#include "connector/crypto/crypto.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace sluis::provenance {
namespace {

const Timestamp kNovember = *parse_time("2026-11-26T09:00:00Z");
const Hash kOne{1}, kTwo{2}, kThree{3};

class PayloadKeysTest : public ::testing::Test {
 protected:
  std::filesystem::path file(const char* name) const { return folder_.path() / name; }
  static std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  test::TempFolder folder_;
  test::SeededRandom random_;
  PayloadKeys keys_{folder_.path(), random_};
};

TEST_F(PayloadKeysTest, OneKeyAMonthAndTheEntryIsBoundIn) {
  const std::string sealed = *keys_.seal("what it says", kOne, kNovember, random_);
  EXPECT_EQ(sealed.find("what it says"), std::string::npos);
  EXPECT_EQ(*keys_.unseal(sealed, {7, kOne}), "what it says");
  EXPECT_FALSE(keys_.unseal(sealed, {7, kTwo}));
  EXPECT_EQ(*PayloadKeys::file_of(sealed), "2026-11.key");
  EXPECT_EQ(std::filesystem::status(file("2026-11.key")).permissions(), std::filesystem::perms(0600));
}

TEST_F(PayloadKeysTest, WhatStaysIsReadableUnderTheNextKeyAndTheRestNever) {
  const std::string stays = *keys_.seal("stays", kOne, kNovember, random_);
  const std::string goes = *keys_.seal("goes", kTwo, kNovember, random_);
  ASSERT_TRUE(keys_.begin_next("2026-11"));
  const auto again = *keys_.rewrap(stays, {1, kOne});
  ASSERT_TRUE(again);
  EXPECT_EQ(*PayloadKeys::file_of(*again), "2026-11.2.key");
  EXPECT_FALSE(*keys_.rewrap(*again, {1, kOne})) << "it is so already";
  EXPECT_EQ(*keys_.older("2026-11"), std::vector<std::string>{"2026-11.key"});
  ASSERT_TRUE(keys_.drop(std::string("2026-11.key")));
  ASSERT_TRUE(keys_.drop(std::string("2026-11.key"))) << "gone already";
  EXPECT_FALSE(std::filesystem::exists(file("2026-11.key")));
  EXPECT_EQ(*keys_.unseal(*again, {1, kOne}), "stays");
  EXPECT_EQ(keys_.unseal(goes, {2, kTwo}).error().code, ErrorCode::not_found);
  EXPECT_EQ(keys_.unseal(stays, {1, kOne}).error().code, ErrorCode::not_found);
  PayloadKeys later(folder_.path(), random_);
  EXPECT_EQ(later.unseal(goes, {2, kTwo}).error().code, ErrorCode::not_found);
  EXPECT_EQ(*later.unseal(*again, {1, kOne}), "stays");
  EXPECT_EQ(*PayloadKeys::file_of(*later.seal("new", kThree, kNovember, random_)), "2026-11.2.key") << "the newest seals, after a start too";
  EXPECT_FALSE(std::filesystem::exists(file("2026-11.key"))) << "and the first is not made anew";
}

/// As a program of before wrote it: version 1, bound to the number.
std::string of_before(std::string_view payload, std::uint64_t number, const std::string& month_key, Random& random) {
  std::string bound, out(1, '\1');
  put_u64(bound, number);
  const std::string own(32, 'o');
  out += "2026-11";
  put_sized(out, crypto::seal(random, month_key, own, bound));
  return out + crypto::seal(random, own, payload, bound);
}

TEST_F(PayloadKeysTest, RecordsOfBeforeCanBeReadAndWrappedAgain) {
  ASSERT_TRUE(keys_.seal("x", kOne, kNovember, random_));
  const std::string old = of_before("old", 7, bytes_of(file("2026-11.key")), random_);
  EXPECT_EQ(*keys_.unseal(old, {7, kOne}), "old");
  EXPECT_FALSE(keys_.unseal(old, {8, kOne}));
  ASSERT_TRUE(keys_.begin_next("2026-11"));
  const auto again = *keys_.rewrap(old, {7, kOne});
  ASSERT_TRUE(again);
  EXPECT_EQ(*keys_.unseal(*again, {7, kOne}), "old");
  EXPECT_FALSE(keys_.unseal(*again, {8, kOne})) << "still bound to its number";
  ASSERT_TRUE(keys_.begin_next("2026-11"));
  EXPECT_EQ(*keys_.unseal(**keys_.rewrap(*again, {7, kOne}), {7, kOne}), "old");
}

TEST_F(PayloadKeysTest, WhatWasSealedBeforeTheNextKeyIsKnownByTheEpoch) {
  const auto before = keys_.epoch();
  ASSERT_TRUE(keys_.begin_next("2026-11"));
  EXPECT_NE(keys_.epoch(), before);
}

TEST_F(PayloadKeysTest, TheTenthKeyOfAMonthComesAfterTheNinth) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(keys_.seal("x", kOne, kNovember, random_));
    ASSERT_TRUE(keys_.begin_next("2026-11"));
  }
  PayloadKeys later(folder_.path(), random_);
  EXPECT_EQ(*PayloadKeys::file_of(*later.seal("x", kOne, kNovember, random_)), "2026-11.11.key");
  EXPECT_EQ(later.older("2026-11")->size(), 10U);
}

TEST_F(PayloadKeysTest, ADroppedKeyIsOverwrittenInPlace) {
  ASSERT_TRUE(keys_.seal("x", kOne, kNovember, random_));
  const std::string secret = bytes_of(file("2026-11.key"));
  std::filesystem::create_hard_link(file("2026-11.key"), file("held"));  // as who still has it open
  ASSERT_TRUE(keys_.drop(std::string("2026-11.key")));
  EXPECT_EQ(secret.size(), 32U);
  EXPECT_NE(bytes_of(file("held")), secret);
}

TEST_F(PayloadKeysTest, AKeyThatOthersCanReadOrReplaceIsNotUsed) {
  const std::string sealed = *keys_.seal("x", kOne, kNovember, random_);
  const auto refused = [&](const std::string& named) {
    PayloadKeys later(folder_.path(), random_);
    const auto opened = later.unseal(sealed, {1, kOne});
    const auto made = later.seal("y", kTwo, kNovember, random_);
    EXPECT_TRUE(!opened && opened.error().message.find(named) != std::string::npos) << named;
    return !opened && opened.error().code == ErrorCode::permission_denied && !made && made.error().code == ErrorCode::permission_denied;
  };
  for (const unsigned mode : {0640U, 0604U, 0620U}) {
    std::filesystem::permissions(file("2026-11.key"), std::filesystem::perms(mode));
    EXPECT_TRUE(refused("2026-11.key")) << mode;
  }
  std::filesystem::permissions(file("2026-11.key"), std::filesystem::perms(0600));
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0770));
  EXPECT_TRUE(refused(folder_.path().string()));
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
  PayloadKeys later(folder_.path(), random_);
  EXPECT_EQ(*later.unseal(sealed, {1, kOne}), "x");
}

TEST_F(PayloadKeysTest, AFolderThatItMakesIsItsOwn) {
  PayloadKeys keys(file("new"), random_);
  ASSERT_TRUE(keys.seal("x", kOne, kNovember, random_));
  EXPECT_EQ(std::filesystem::status(file("new")).permissions(), std::filesystem::perms(0700));
}

TEST_F(PayloadKeysTest, AnotherKeyInItsPlaceOpensNothing) {
  const std::string sealed = *keys_.seal("x", kOne, kNovember, random_);
  std::ofstream(file("2026-11.key"), std::ios::binary) << std::string(32, 'k');
  PayloadKeys later(folder_.path(), random_);
  EXPECT_FALSE(later.unseal(sealed, {1, kOne}));
  std::ofstream(file("2026-11.key"), std::ios::binary) << "short";
  PayloadKeys latest(folder_.path(), random_);
  EXPECT_EQ(latest.unseal(sealed, {1, kOne}).error().code, ErrorCode::corruption);
  for (const std::string& cut : {std::string(), sealed.substr(0, 5), sealed.substr(0, 11), "\x09" + sealed.substr(1)}) {
    EXPECT_EQ(PayloadKeys::file_of(cut).has_value(), false);
  }
}

}  // namespace
}  // namespace sluis::provenance
