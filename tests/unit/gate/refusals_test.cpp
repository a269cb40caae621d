#include "connector/gate/refusals.hpp"

#include "sluis/v1/evidence.pb.h"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>

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

  void refuse(std::optional<ErrorCode> with) {
    const std::lock_guard lock(mutex);
    why = with;
  }
  void keep(bool all_the_same) {
    const std::lock_guard lock(mutex);
    keeps = all_the_same;
  }
  std::vector<v1::Shared> all() {
    const std::lock_guard lock(mutex);
    return written;
  }
  std::uint64_t told(std::string_view code) {
    std::uint64_t count = 0;
    for (const v1::Shared& one : all()) count += one.decision().code() == code ? one.count() : 0;
    return count;
  }
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
  /// Its thread may have one in hand: then it is told with the next that comes.
  void told_in_the_end(std::string_view code, std::uint64_t wanted) {
    const auto until = std::chrono::steady_clock::now() + seconds(20);
    while (port.told(code) < wanted && std::chrono::steady_clock::now() < until) {
      counter.flush();
      std::this_thread::yield();
    }
    EXPECT_EQ(port.told(code), wanted) << code;
  }

  test::ManualClock clock{*parse_time("2026-11-26T09:00:30Z")};
  Port port;
  RefusalCounter counter{port, clock, ParticipantId("urn:waterrijk")};
};

TEST_F(Refusals, WhatCannotBeRecordedIsToldOnceItCan) {
  port.refuse(ErrorCode::storage_unavailable);
  for (int i = 0; i < 3; ++i) counter.count(kUndecidedData, "urn:duinmeer");
  counter.count(kUndecidedEvaluation);
  for (int minute = 1; minute <= 3; ++minute) {
    counter.flush();
    clock.advance(minutes(1));
    counter.count(kUndecidedData, "urn:duinmeer");
  }
  EXPECT_EQ(port.told(kUndecidedData), 0U);
  port.refuse({});
  told_in_the_end(kUndecidedData, 6);
  told_in_the_end(kUndecidedEvaluation, 1);
  std::string from = "9", until;
  for (const v1::Shared& one : port.all()) {
    const auto& said = one.decision();
    EXPECT_FALSE(said.permit());
    EXPECT_EQ(one.counterparty(), said.code() == kUndecidedData ? "urn:duinmeer" : "");
    from = std::min(from, said.parameters().at("from"));
    until = std::max(until, said.parameters().at("until"));
    EXPECT_NE(said.sentence().find("from " + said.parameters().at("from") + " until "), std::string::npos) << said.sentence();
  }
  EXPECT_EQ(from, "2026-11-26T09:00:30Z");
  EXPECT_EQ(until, "2026-11-26T09:03:30Z");
}

TEST_F(Refusals, AreTriedAgainByThemselvesAMinuteLater) {
  port.refuse(ErrorCode::storage_unavailable);
  counter.count("no-certificate");
  counter.flush();
  port.wait_asked(1);
  port.refuse({});
  clock.advance(seconds(31));
  counter.count("other");  // wakes it, as the time of this clock wakes nobody
  port.wait_asked(2);
  const std::lock_guard lock(port.mutex);
  ASSERT_EQ(port.written.size(), 1U);
  EXPECT_EQ(port.written[0].decision().code(), "no-certificate");
  EXPECT_EQ(port.written[0].count(), 1U);
}

TEST_F(Refusals, WhoseOutcomeIsUnknownAreRecordedOnce) {
  std::uint64_t told = 0;
  for (const bool keeps : {false, true}) {
    port.keep(keeps);
    port.refuse(ErrorCode::outcome_unknown);
    counter.count(kUndecidedIntake, "urn:duinmeer");
    counter.flush();
    port.refuse({});
    clock.advance(seconds(1));
    counter.count(kUndecidedIntake, "urn:duinmeer");  // another one, which is not mixed with that
    clock.advance(minutes(1));
    told += 2;
    told_in_the_end(kUndecidedIntake, told);
  }
  clock.advance(minutes(5));
  counter.count("other");
  counter.flush();
  EXPECT_EQ(port.told(kUndecidedIntake), told);
}

TEST_F(Refusals, AreBoundedInMemory) {
  port.refuse(ErrorCode::storage_unavailable);
  for (int i = 0; i < 12'000; ++i) counter.count(kUndecidedData, "urn:party:" + std::to_string(i));
  port.refuse({});
  told_in_the_end(kUndecidedData, 12'000);  // none is forgotten
  EXPECT_EQ(port.all().size(), 10'001U);
}

}  // namespace
}  // namespace sluis::gate
