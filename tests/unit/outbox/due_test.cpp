#include "connector/outbox/due.hpp"
#include "connector/base/limits.hpp"
#include "connector/storage/memory_store.hpp"

#include <gtest/gtest.h>

namespace sluis::outbox {
namespace {

constexpr std::string_view kPrefix = "x-due/";
Timestamp at(std::int64_t seconds) { return Timestamp(std::chrono::seconds(1'800'000'000 + seconds)); }

struct DueIndex : testing::Test {
  void move(const std::string& process, std::optional<Timestamp> before, std::optional<Timestamp> after) {
    Commit commit;
    index_due(commit, kPrefix, process, before, after);
    EXPECT_TRUE(store.write(commit.changes, true));
  }
  std::vector<std::string> due(std::int64_t seconds) { return read_due(store, kPrefix, at(seconds))->processes; }
  storage::MemoryStore store;
};

TEST_F(DueIndex, GivesWhatIsDueInTheOrderOfTimeAndWhenToLookAgain) {
  move("urn:b/1", std::nullopt, at(20));
  move("urn:a/1", std::nullopt, at(30));
  move("urn:c/1", std::nullopt, at(10));
  EXPECT_TRUE(due(9).empty());
  EXPECT_EQ(read_due(store, kPrefix, at(9))->next, at(10));
  EXPECT_EQ(due(20), (std::vector<std::string>{"urn:c/1", "urn:b/1"}));
  EXPECT_EQ(read_due(store, kPrefix, at(20))->next, at(30));
  EXPECT_FALSE(read_due(store, kPrefix, at(30))->next);
}

TEST_F(DueIndex, FollowsTheRecord) {
  move("urn:a", std::nullopt, at(10));
  move("urn:a", at(10), at(20));
  EXPECT_TRUE(due(19).empty());
  EXPECT_EQ(due(20).size(), 1U);
  move("urn:a", at(20), std::nullopt);
  EXPECT_TRUE(due(1000).empty());
  Commit same;
  index_due(same, kPrefix, "urn:a", at(1), at(1));
  EXPECT_TRUE(same.changes.empty());
}

TEST_F(DueIndex, WhatIsTooMuchForOneCallComesWithTheNext) {
  for (std::size_t i = 0; i <= limits::kPageMax; ++i) move("urn:" + std::to_string(i), std::nullopt, at(1));
  const auto found = read_due(store, kPrefix, at(5));
  EXPECT_EQ(found->processes.size(), limits::kPageMax);
  EXPECT_EQ(found->next, at(5));
}

TEST_F(DueIndex, WhatCannotBeDoneNowKeepsNothingFromItsTurn) {
  for (std::size_t i = 0; i <= limits::kPageMax; ++i) move("urn:held:" + std::to_string(i), std::nullopt, at(1));
  move("urn:later", std::nullopt, at(2));
  move("urn:next", std::nullopt, at(9));
  std::vector<std::string> done;
  const auto step = [&](const std::string& process) -> Result<void> {
    if (process.starts_with("urn:held")) return Error(ErrorCode::invalid_state, "it is held");
    done.push_back(process);
    move(process, at(2), std::nullopt);
    return {};
  };
  EXPECT_EQ(*do_due(store, kPrefix, at(5), step), at(9));
  EXPECT_EQ(done, std::vector<std::string>{"urn:later"});
  EXPECT_EQ(*do_due(store, kPrefix, at(5), step), at(9)) << "not at once, for ever";
}

TEST_F(DueIndex, AFailureIsToldOnceTheOthersHadTheirTurn) {
  move("urn:a", std::nullopt, at(1));
  move("urn:b", std::nullopt, at(2));
  int asked = 0;
  const auto done = do_due(store, kPrefix, at(5), [&](const std::string&) -> Result<void> {
    if (++asked == 1) return Error(ErrorCode::corruption, "it cannot be read");
    return {};
  });
  EXPECT_EQ(asked, 2);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::corruption);
}

TEST_F(DueIndex, WhereTheStoreDoesNotAnswerTheOthersAreNotTried) {
  for (const ErrorCode code : {ErrorCode::storage_unavailable, ErrorCode::outcome_unknown}) {
    move("urn:a", std::nullopt, at(1));
    move("urn:b", std::nullopt, at(2));
    int asked = 0;
    const auto done = do_due(store, kPrefix, at(5), [&](const std::string&) -> Result<void> {
      ++asked;
      return Error(code, "the disk is away");
    });
    EXPECT_EQ(asked, 1);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, code);
  }
}

}  // namespace
}  // namespace sluis::outbox
