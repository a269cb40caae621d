#include "connector/node/transfer_commits.hpp"

#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

namespace sluis::node {
namespace {

struct TakesAll final : CommitPort {
  void submit(Commit, Completion done) override { done(CommitReceipt{}); }
  Result<CommitReceipt> commit_and_wait(Commit) override { return CommitReceipt{}; }
};

struct World {
  /// Commits that a transfer is in this state; whether that cut a stream under it.
  bool cuts(transfer::State state) {
    transfer::TransferProcess process;
    process.own_pid = ProcessId("urn:uuid:t");
    process.peer_pid = ProcessId("urn:uuid:p");
    process.peer = ParticipantId("did:web:waterrijk.example");
    process.agreement = AgreementId("urn:uuid:a");
    process.dataset = DatasetId("urn:d");
    process.state = state;
    const auto stream = streams.add({process.agreement, process.own_pid, process.dataset, process.peer});
    const auto other = streams.add({process.agreement, ProcessId("urn:uuid:u"), process.dataset, process.peer});
    Commit commit;
    commit.changes.push_back({transfer::transfer_key(process.own_pid), transfer::encode(process)});
    EXPECT_TRUE(commits.commit_and_wait(std::move(commit)));
    EXPECT_FALSE(other->cut_reason());
    return stream->cut_reason().has_value();
  }

  test::ManualClock clock;
  gate::StreamRegistry streams{clock};
  TakesAll inner;
  int woken = 0;
  TransferCommits commits{inner, [this] { return &streams; }, [this] { ++woken; }};
};

TEST(TransferCommits, WhatTakesATransferOutOfStartedCutsItsStreams) {
  World world;
  for (const auto state : {transfer::State::suspended, transfer::State::completed, transfer::State::terminated}) EXPECT_TRUE(world.cuts(state));
  EXPECT_FALSE(world.cuts(transfer::State::started));
}

/// The peer's start may come, and a stream begin, while the thread that recorded the request has not come to cutting yet.
TEST(TransferCommits, ARequestCutsNothing) { EXPECT_FALSE(World().cuts(transfer::State::requested)); }

TEST(TransferCommits, WhatMakesAPushDueWakesWhoSendsIt) {
  World world;
  Commit due, over;
  due.changes.push_back({std::string(transfer::kPushPrefix) + "0/t", "t"});
  over.changes.push_back({std::string(transfer::kPushPrefix) + "0/t", std::nullopt});
  EXPECT_TRUE(world.commits.commit_and_wait(std::move(over)));
  EXPECT_EQ(world.woken, 0);
  EXPECT_TRUE(world.commits.commit_and_wait(std::move(due)));
  EXPECT_EQ(world.woken, 1);
}

}  // namespace
}  // namespace sluis::node
