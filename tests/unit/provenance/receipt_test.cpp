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

TEST_F(ReceiptTest, WhatIsNoReceiptIsRefused) {
  const std::string good = make_receipt(LogReader(store_, keys_), 7, note_, verifier_)->to_json();
  for (std::size_t i = 0; i < good.size(); i += 7) EXPECT_FALSE(Receipt::from_json(good.substr(0, i)));
  EXPECT_FALSE(make_receipt(LogReader(store_, keys_), 300, note_, verifier_));
}

}  // namespace
}  // namespace sluis::provenance
