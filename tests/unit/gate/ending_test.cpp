#include "connector/gate/ending.hpp"

#include <gtest/gtest.h>

namespace sluis::gate {
namespace {

/// Takes revocations only, as on a full disk or with a clock behind the log; all else is refused with this code.
struct RevocationsOnly final : CommitPort {
  void submit(Commit, Completion) override {}
  Result<CommitReceipt> commit_and_wait(Commit commit) override {
    asked.push_back(commit.commit_class);
    if (commit.commit_class != CommitClass::revoke || code == ErrorCode::outcome_unknown) return Error(code, "not now");
    entries = commit.entries.size();
    return CommitReceipt{};
  }
  ErrorCode code = ErrorCode::storage_unavailable;
  std::vector<CommitClass> asked;
  std::size_t entries = 0;
};

Commit an_end() {
  Commit commit;
  commit.entries.push_back({22, {}, "shared", "internal"});
  return commit;
}

TEST(Ending, IsRecordedWhereOnlyRevocationsAre) {
  RevocationsOnly port;
  EXPECT_TRUE(commit_end(port, an_end()));
  EXPECT_EQ(port.asked, (std::vector{CommitClass::exchange, CommitClass::revoke}));
  EXPECT_EQ(port.entries, 1U);
}

TEST(Ending, IsNotTriedAgainWhereItMayBeThereOrConflicts) {
  for (const ErrorCode code : {ErrorCode::outcome_unknown, ErrorCode::conflict}) {
    RevocationsOnly port;
    port.code = code;
    const auto done = commit_end(port, an_end());
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, code);
    EXPECT_EQ(port.asked.size(), 1U);
  }
}

}  // namespace
}  // namespace sluis::gate
