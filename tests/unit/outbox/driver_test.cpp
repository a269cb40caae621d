#include "connector/outbox/driver.hpp"

#include "tests/unit/outbox/fake_commits.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>

namespace sluis::outbox {
namespace {

class DriverTest : public testing::Test {
 protected:
  void put(const std::string& process, const std::string& body) {
    Commit commit;
    Envelope envelope;
    envelope.service = "test";
    envelope.body = body;
    commit.messages.push_back({"did:web:duinmeer.example", process, encode(envelope)});
    ASSERT_TRUE(commits_.commit_and_wait(std::move(commit)));
  }
  Verdict remove(const OutboxItem& item) {
    Commit commit;
    commit.changes.push_back({item.key, std::nullopt});
    return commits_.commit_and_wait(std::move(commit)) ? Verdict::done : Verdict::retry;
  }
  Dispatcher::Options quick() const {
    Dispatcher::Options o;
    o.backoff_min = std::chrono::milliseconds(2);
    o.backoff_max = std::chrono::milliseconds(4);
    return o;
  }

  storage::MemoryStore store_;
  test::FakeCommits commits_{store_};
  SystemClock clock_;
  test::FakeRandom random_;
};

TEST_F(DriverTest, WhatIsInTheStoreAtStartIsSentAndMayHaveBeenSentBefore) {
  put("a", "one");
  std::promise<OutboxItem> sent;
  Driver driver(store_, clock_, random_,
                {{"test",
                  [&](const OutboxItem& item, const Envelope& envelope, Timestamp) {
                    EXPECT_EQ(envelope.body, "one");
                    sent.set_value(item);
                    return remove(item);
                  }}},
                quick(), 2);
  ASSERT_TRUE(driver.start());
  auto future = sent.get_future();
  ASSERT_EQ(future.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_TRUE(future.get().maybe_sent);
}

TEST_F(DriverTest, AMessageThatNobodyToldOfIsFoundByASecondLook) {
  std::promise<OutboxItem> sent;
  Driver driver(store_, clock_, random_,
                {{"test",
                  [&](const OutboxItem& item, const Envelope&, Timestamp) {
                    sent.set_value(item);
                    return remove(item);
                  }}},
                quick(), 2);
  ASSERT_TRUE(driver.start());
  put("a", "one");  // of a commit whose outcome was unknown: no notification
  driver.look_again();
  auto future = sent.get_future();
  ASSERT_EQ(future.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_TRUE(future.get().maybe_sent);
}

TEST_F(DriverTest, ANotifiedMessageIsRetriedUntilItIsDone) {
  std::promise<int> done;
  std::atomic<int> attempts = 0;
  Driver driver(store_, clock_, random_,
                {{"test",
                  [&](const OutboxItem& item, const Envelope&, Timestamp) {
                    EXPECT_FALSE(item.maybe_sent);
                    if (++attempts < 3) return Verdict::retry;
                    const Verdict verdict = remove(item);
                    done.set_value(attempts);
                    return verdict;
                  }}},
                quick(), 2);
  ASSERT_TRUE(driver.start());
  put("a", "one");
  driver.notify("did:web:duinmeer.example", "a");
  auto future = done.get_future();
  ASSERT_EQ(future.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(future.get(), 3);
  driver.stop();
  EXPECT_EQ(driver.size(), 0U);
}

TEST_F(DriverTest, AMessageOfAnUnknownServiceStaysInTheStore) {
  put("a", "one");
  Driver driver(store_, clock_, random_, {}, quick(), 1);
  ASSERT_TRUE(driver.start());
  driver.stop();
  EXPECT_EQ(driver.size(), 1U);
}

}  // namespace
}  // namespace sluis::outbox
