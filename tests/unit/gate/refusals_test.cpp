#include "connector/gate/refusals.hpp"

#include "sluis/v1/evidence.pb.h"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <condition_variable>

namespace sluis::gate {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// Refuses with `why`, or takes what is submitted; of an unknown outcome it may have taken it all the same.
struct Port final : CommitPort {
  void submit(Commit commit, Completion done) override {
    std::optional<ErrorCode> no;
    {
      const std::lock_guard lock(mutex);
      ++asked;
      no = why;
      const bool new_one = ids.insert(commit.id).second || commit.id.empty();
      if (no) {
        if (!(no == ErrorCode::outcome_unknown && keeps)) ids.erase(commit.id);
      }
      if ((!no || (no == ErrorCode::outcome_unknown && keeps)) && new_one) {
        v1::Shared shared;
        shared.ParseFromString(commit.entries.at(0).shared);
        written.push_back(shared);
      }
    }
    done(no ? Result<CommitReceipt>(Error(*no, "not now")) : CommitReceipt{});
    changed.notify_all();
  }
  Result<CommitReceipt> commit_and_wait(Commit) override { return CommitReceipt{}; }

  /// Until so many were submitted; a failure where they never are.
  void wait_asked(std::size_t many) {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, seconds(20), [&] { return asked >= many; })) << asked;
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::optional<ErrorCode> why;
  bool keeps = false;
  std::size_t asked = 0;
  std::set<std::string> ids;
  std::vector<v1::Shared> written;
};

struct Refusals : ::testing::Test {
  test::ManualClock clock{*parse_time("2026-11-26T09:00:30Z")};
  Port port;
  RefusalCounter counter{port, clock, ParticipantId("urn:waterrijk")};
};

TEST_F(Refusals, WhatCannotBeRecordedIsToldOnceItCan) {
  port.why = ErrorCode::storage_unavailable;
  for (int i = 0; i < 3; ++i) counter.count(kUndecidedData, "urn:duinmeer");
  counter.count(kUndecidedEvaluation);
  for (std::size_t minute = 1; minute <= 3; ++minute) {
    counter.flush();
    EXPECT_EQ(port.asked, 2 * minute) << "one commit of each, however long it takes";
    clock.advance(minutes(1));
    counter.count(kUndecidedData, "urn:duinmeer");
  }
  EXPECT_TRUE(port.written.empty());
  port.why.reset();
  port.asked = 0;
  counter.flush();
  std::uint64_t all = 0;
  for (const v1::Shared& one : port.written) {
    const auto& said = one.decision();
    if (said.code() == kUndecidedEvaluation) {
      EXPECT_EQ(one.count(), 1U);
      continue;
    }
    all += one.count();
    EXPECT_EQ(one.counterparty(), "urn:duinmeer");
    EXPECT_FALSE(said.permit());
    EXPECT_EQ(said.parameters().at("from"), "2026-11-26T09:00:30Z");
    EXPECT_EQ(said.parameters().at("until"), "2026-11-26T09:03:30Z");
    EXPECT_NE(said.sentence().find("from 2026-11-26T09:00:30Z until 2026-11-26T09:03:30Z"), std::string::npos) << said.sentence();
  }
  EXPECT_EQ(port.written.size(), 2U);
  EXPECT_EQ(all, 6U);
  counter.flush();
  EXPECT_EQ(port.asked, 2U) << "told once";
}

TEST_F(Refusals, AreTriedAgainByThemselvesAMinuteLater) {
  port.why = ErrorCode::storage_unavailable;
  counter.count("no-certificate");
  counter.flush();
  port.wait_asked(1);
  port.why.reset();
  clock.advance(seconds(31));
  counter.count("other");  // wakes it, as the time of this clock wakes nobody
  port.wait_asked(2);
  const std::lock_guard lock(port.mutex);
  ASSERT_EQ(port.written.size(), 1U);
  EXPECT_EQ(port.written[0].decision().code(), "no-certificate");
  EXPECT_EQ(port.written[0].count(), 1U);
}

TEST_F(Refusals, WhoseOutcomeIsUnknownAreRecordedOnce) {
  for (const bool keeps : {false, true}) {
    port.why = ErrorCode::outcome_unknown;
    port.keeps = keeps;
    port.written.clear();
    port.asked = 0;
    counter.count(kUndecidedIntake, "urn:duinmeer");
    counter.flush();
    counter.count(kUndecidedIntake, "urn:duinmeer");  // another one, which is not mixed with that
    port.why.reset();
    clock.advance(minutes(1));
    counter.flush();
    counter.count("other");
    port.wait_asked(3);
    const std::lock_guard lock(port.mutex);
    std::uint64_t all = 0;
    for (const v1::Shared& one : port.written) all += one.decision().code() == kUndecidedIntake ? one.count() : 0;
    EXPECT_EQ(all, 2U) << keeps;
  }
}

TEST_F(Refusals, AreBoundedInMemory) {
  port.why = ErrorCode::storage_unavailable;
  for (int i = 0; i < 12'000; ++i) counter.count(kUndecidedData, "urn:party:" + std::to_string(i));
  port.why.reset();
  counter.flush();
  std::uint64_t all = 0;
  for (const v1::Shared& one : port.written) all += one.count();
  EXPECT_EQ(all, 12'000U) << "none is forgotten";
  EXPECT_EQ(port.written.size(), 10'001U);
}

}  // namespace
}  // namespace sluis::gate
