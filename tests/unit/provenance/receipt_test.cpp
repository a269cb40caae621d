#include "connector/provenance/receipt.hpp"

#include "connector/storage/memory_store.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

namespace sluis::provenance {
namespace {

class ReceiptTest : public ::testing::Test {
 protected:
  void SetUp() override {
    LogAppender appender(keys_, random_);
    for (int i = 0; i < 300; ++i) {
      std::vector<storage::Change> changes;
      ASSERT_TRUE(appender.append({20, {}, "shared " + std::to_string(i), "secret"}, clock_.now(), changes));
      appender.seal(clock_.now(), changes);
      ASSERT_TRUE(store_.write(changes, true));
    }
    note_ = sign_checkpoint({"waterrijk.example/log", 300, appender.root()}, key_);
  }

  test::TempFolder folder_;
  test::ManualClock clock_;
  test::SeededRandom random_;
  PayloadKeys keys_{folder_.path(), random_};
  storage::MemoryStore store_;
  crypto::Key key_ = crypto::Key::generate(crypto::Key::Kind::ed25519);
  VerifierKey verifier_ = VerifierKey::of("waterrijk.example/log", key_);
  std::string note_;
};

TEST_F(ReceiptTest, HoldsForEveryEntryAndTellsNothingInternal) {
  for (const std::uint64_t index : {0U, 255U, 256U, 299U}) {
    const auto receipt = make_receipt(LogReader(store_, keys_), index, note_, verifier_);
    ASSERT_TRUE(receipt) << describe(receipt.error());
    const std::string text = receipt->to_json();
    EXPECT_EQ(text.find(to_base64("secret")), std::string::npos);
    const auto read = Receipt::from_json(text);
    ASSERT_TRUE(read) << describe(read.error());
    EXPECT_TRUE(verify_receipt(*read, verifier_));
    EXPECT_EQ(read->shared, "shared " + std::to_string(index));
  }
}

TEST_F(ReceiptTest, AnotherContentIndexOrLogIsRefused) {
  const Receipt good = *make_receipt(LogReader(store_, keys_), 7, note_, verifier_);
  Receipt changed = good;
  changed.shared = "another story";
  EXPECT_FALSE(verify_receipt(changed, verifier_));
  changed = good;
  changed.index = 8;
  EXPECT_FALSE(verify_receipt(changed, verifier_));
  changed = good;
  changed.leaf.policy_digest[0] ^= 1U;
  EXPECT_FALSE(verify_receipt(changed, verifier_));
  const auto other = crypto::Key::generate(crypto::Key::Kind::ed25519);
  EXPECT_FALSE(verify_receipt(good, VerifierKey::of("waterrijk.example/log", other)));
}

TEST_F(ReceiptTest, SingleHashesOfAnUpperLevelOnlySaveTime) {
  storage::MemoryStore grown;  // 1,000 entries: three full tiles, and a level above them that is not full
  LogAppender appender(keys_, random_);
  std::vector<storage::Change> changes;
  std::vector<Hash> roots{empty_root()};
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(appender.append({20, {}, "shared", "secret"}, clock_.now(), changes));
    roots.push_back(appender.root());
  }
  appender.seal(clock_.now(), changes);
  ASSERT_TRUE(grown.write(changes, true));
  std::vector<storage::Change> without;
  ASSERT_TRUE(grown.scan("log/n/", "", [&](std::string_view key, std::string_view value) {
    EXPECT_EQ(value.size(), 32U);
    without.push_back({std::string(key), std::nullopt});
    return true;
  }));
  ASSERT_EQ(without.size(), 3U);
  const std::string note = sign_checkpoint({"waterrijk.example/log", 1000, roots.back()}, key_);
  for (const bool kept : {true, false}) {
    if (!kept) {
      ASSERT_TRUE(grown.write({without[1]}, true)) << "one is missing in between";
    }
    const LogReader reader(grown, keys_);
    for (const std::uint64_t size : {1, 255, 256, 257, 512, 700, 768, 769, 1000}) EXPECT_EQ(*reader.root(size), roots[size]) << size;
    for (const std::uint64_t index : {0, 300, 767, 768, 999}) {
      EXPECT_TRUE(verify_receipt(*make_receipt(reader, index, note, verifier_), verifier_)) << index;
    }
    EXPECT_EQ(*reader.tile(1, 0, 3), *LogReader(grown, keys_).tile(1, 0, 3));
    EXPECT_FALSE(reader.tile(0, 3, 233)) << "beyond the end";
  }
  ASSERT_TRUE(grown.write(without, true));
  EXPECT_EQ(*LogReader(grown, keys_).root(1000), roots.back()) << "a log of an older program has none";
  LogAppender again(keys_, random_);
  ASSERT_TRUE(again.recover(grown));
  EXPECT_EQ(again.root(), roots.back());
}

TEST_F(ReceiptTest, AnEntryThatNoCheckpointCoversYetIsNotLost) {
  const LogReader log(store_, keys_);
  const std::string note = sign_checkpoint({"waterrijk.example/log", 200, *log.root(200)}, key_);
  EXPECT_TRUE(make_receipt(log, 199, note, verifier_));
  EXPECT_EQ(make_receipt(log, 200, note, verifier_).error().code, ErrorCode::storage_unavailable);
  EXPECT_EQ(make_receipt(log, 299, note, verifier_).error().code, ErrorCode::storage_unavailable);
  EXPECT_EQ(make_receipt(log, 300, note, verifier_).error().code, ErrorCode::not_found) << "there is no such entry";
}

TEST_F(ReceiptTest, WhatIsNoReceiptIsRefused) {
  const std::string good = make_receipt(LogReader(store_, keys_), 7, note_, verifier_)->to_json();
  for (std::size_t i = 0; i < good.size(); i += 7) EXPECT_FALSE(Receipt::from_json(good.substr(0, i)));
  EXPECT_FALSE(make_receipt(LogReader(store_, keys_), 300, note_, verifier_));
}

}  // namespace
}  // namespace sluis::provenance
