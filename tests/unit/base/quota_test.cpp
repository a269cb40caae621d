#include "connector/base/quota.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

namespace sluis {
namespace {

using std::chrono::seconds;

TEST(Quota, GivesABurstAndThenSoManyAMinute) {
  test::ManualClock clock;
  Quota quota(clock, {60, 5});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(quota.take("urn:parkwijs"));
  EXPECT_FALSE(quota.take("urn:parkwijs"));
  EXPECT_EQ(quota.wait("urn:parkwijs"), seconds(1));
  EXPECT_TRUE(quota.take("urn:duinmeer")) << "each has its own";
  clock.advance(seconds(2));
  EXPECT_TRUE(quota.take("urn:parkwijs"));
  EXPECT_TRUE(quota.take("urn:parkwijs"));
  EXPECT_FALSE(quota.take("urn:parkwijs"));
  clock.advance(std::chrono::hours(9));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(quota.take("urn:parkwijs"));
  EXPECT_FALSE(quota.take("urn:parkwijs")) << "a long quiet time gives no more than a burst";
}

TEST(Quota, AClockThatIsSetBackGivesNothing) {
  test::ManualClock clock;
  Quota quota(clock, {1, 1});
  EXPECT_TRUE(quota.take("urn:parkwijs"));
  clock.advance(-std::chrono::hours(9));
  EXPECT_FALSE(quota.take("urn:parkwijs"));
  EXPECT_EQ(quota.wait("urn:parkwijs"), seconds(60));
  clock.advance(seconds(60));
  EXPECT_TRUE(quota.take("urn:parkwijs"));
}

TEST(Quota, WhatIsNotOwedComesBackAndNoMore) {
  test::ManualClock clock;
  Quota quota(clock, {1, 2});
  quota.give_back("urn:parkwijs");
  EXPECT_TRUE(quota.take("urn:parkwijs"));
  EXPECT_TRUE(quota.take("urn:parkwijs"));
  EXPECT_FALSE(quota.take("urn:parkwijs"));
  quota.give_back("urn:parkwijs");
  EXPECT_TRUE(quota.take("urn:parkwijs"));
  EXPECT_FALSE(quota.take("urn:parkwijs"));
}

}  // namespace
}  // namespace sluis
