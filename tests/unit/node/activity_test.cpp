#include "connector/management/activities.hpp"
#include "connector/node/ports.hpp"
#include "connector/storage/memory_store.hpp"

#include <gtest/gtest.h>

namespace sluis::node {
namespace {

const Timestamp kNow = *parse_time("2026-11-26T12:00:00Z");
const std::string kCrowd = "https://waterrijk.example/purpose#CrowdManagement";
const std::string kMarketing = "https://w3id.org/dpv#Marketing";

/// A register with one activity: for marketing in 2025, for crowds in November 2026.
class ActivityAllows : public ::testing::Test {
 protected:
  void SetUp() override {
    management::ActivityVersion one;
    one.id = "urn:a:1";
    one.purpose = kMarketing;
    one.from = *parse_time("2025-01-01T00:00:00Z");
    one.until = *parse_time("2026-01-01T00:00:00Z");
    auto two = one;
    two.purpose = kCrowd;
    two.from = *parse_time("2026-11-01T00:00:00Z");
    two.until = *parse_time("2026-12-01T00:00:00Z");
    two.legal_basis = {"eu-gdpr:A6-1-e", "https://w3id.org/dpv#LegalObligation"};
    two.impact_assessment = "DPIA 2026-14";
    ASSERT_TRUE(store_.write({{management::activity_key("urn:a:1"), management::encode(std::vector{one, two})}}, true));
  }
  std::string ask(const std::string& activity, const std::string& purpose, Timestamp now) {
    const auto allowed = activity_allows(store_, activity, purpose, now);
    if (allowed) return "until " + format_time(allowed->until);
    EXPECT_EQ(allowed.error().code, ErrorCode::permission_denied);
    return allowed.error().message;
  }
  storage::MemoryStore store_;
};

TEST_F(ActivityAllows, WhatIsRegisteredHoldsAndIsForThatPurpose) {
  EXPECT_EQ(ask("urn:a:1", kCrowd, kNow), "until 2026-12-01T00:00:00Z");
  EXPECT_EQ(ask("urn:a:1", "dpv:Marketing", *parse_time("2025-06-01T00:00:00Z")), "until 2026-01-01T00:00:00Z");
  EXPECT_EQ(activity_allows(store_, "urn:a:1", kCrowd, kNow)->as_read.key, "act/urn:a:1");
  EXPECT_EQ(activity_allows(store_, "urn:a:1", kCrowd, kNow)->says,
            (identity::ActivitySays{{"https://w3id.org/dpv/legal/eu/gdpr#A6-1-e", "https://w3id.org/dpv#LegalObligation"}, "DPIA 2026-14"}));
}

TEST_F(ActivityAllows, AllElseIsDenied) {
  EXPECT_NE(ask("urn:a:2", kCrowd, kNow).find("not in the register"), std::string::npos);
  EXPECT_NE(ask("urn:a:1", kMarketing, kNow).find("not for " + kMarketing), std::string::npos);
  for (const char* when : {"2024-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-10-31T23:59:59Z", "2026-12-01T00:00:00Z"}) {
    EXPECT_NE(ask("urn:a:1", kCrowd, *parse_time(when)).find("does not hold now"), std::string::npos) << when;
  }
  ASSERT_TRUE(store_.write({{management::activity_key("urn:a:1"), "garbled"}}, true));
  EXPECT_EQ(activity_allows(store_, "urn:a:1", kCrowd, kNow).error().code, ErrorCode::corruption);
}

}  // namespace
}  // namespace sluis::node
