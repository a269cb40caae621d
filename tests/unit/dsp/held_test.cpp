#include "connector/storage/hold.hpp"
#include "tests/unit/dsp/world.hpp"

/// What a recovery holds: it gets narrower at once, and wider only once nothing holds it.
namespace sluis::test {
namespace {

using negotiation::State;
using TransferState = transfer::State;

class HeldTest : public World {
 protected:
  static void hold(Node& node, const std::string& record) { ASSERT_TRUE(node.store.write({storage::hold(record, node.clock.now())}, true)); }
  static void free(Node& node, const std::string& record) { ASSERT_TRUE(node.store.write({{storage::hold_key(record), std::nullopt}}, true)); }
  static bool is_held(Node& node, const std::string& record) { return storage::held_since(node.store, record)->has_value(); }
  /// A started transfer; its ids with the consumer and the provider, and the consumer's handle.
  void start() {
    const auto begun = duinmeer.transfers.start(agreed());
    ASSERT_TRUE(begun);
    settle();
    theirs_ = begun->own_pid;
    const auto access = duinmeer.transfers.access(theirs_);
    ASSERT_TRUE(access);
    handle_ = access->handle;
    ours_ = access->peer_pid;
    key_ = transfer::transfer_key(ours_);
  }

  ProcessId ours_, theirs_;
  std::string handle_, key_;
};

TEST_F(HeldTest, AHeldTransferOpensNothingAndCanOnlyBeSuspendedOrEnded) {
  start();
  hold(waterrijk, key_);
  EXPECT_EQ(waterrijk.transfers.find_by_handle(handle_).error().code, ErrorCode::invalid_state);
  EXPECT_FALSE(waterrijk.transfers.complete(ours_));
  ASSERT_TRUE(waterrijk.transfers.suspend(ours_, {"maintenance", {}}));
  EXPECT_TRUE(is_held(waterrijk, key_)) << "suspended is not settled";
  EXPECT_FALSE(waterrijk.transfers.resume(ours_));
  settle();
  EXPECT_EQ(duinmeer.transfers.show(theirs_)->state, TransferState::started) << "nothing is sent of it";
  ASSERT_TRUE(waterrijk.transfers.terminate(ours_, {"over", {}}));
  EXPECT_FALSE(is_held(waterrijk, key_));
  settle();
  EXPECT_EQ(duinmeer.transfers.show(theirs_)->state, TransferState::terminated);
}

TEST_F(HeldTest, APeerMakesAHeldTransferNarrowerAndNotWider) {
  start();
  ASSERT_TRUE(duinmeer.transfers.suspend(theirs_, {"pause", {}}));
  settle();
  hold(waterrijk, key_);
  ASSERT_TRUE(duinmeer.transfers.resume(theirs_));
  settle();
  EXPECT_EQ(waterrijk.transfers.show(ours_)->state, TransferState::suspended) << "it asks again later";
  free(waterrijk, key_);
  settle();
  EXPECT_EQ(waterrijk.transfers.show(ours_)->state, TransferState::started);
  hold(waterrijk, key_);
  ASSERT_TRUE(duinmeer.transfers.terminate(theirs_, {"over", {}}));
  settle();
  EXPECT_EQ(waterrijk.transfers.show(ours_)->state, TransferState::terminated);
  EXPECT_FALSE(is_held(waterrijk, key_));
}

TEST_F(HeldTest, AHeldConsumerFetchesNothing) {
  start();
  hold(duinmeer, transfer::transfer_key(theirs_));
  EXPECT_EQ(duinmeer.transfers.access(theirs_).error().code, ErrorCode::invalid_state);
  free(duinmeer, transfer::transfer_key(theirs_));
  EXPECT_TRUE(duinmeer.transfers.access(theirs_));
}

TEST_F(HeldTest, AHeldPushIsNotDue) {
  const auto asked = duinmeer.transfers.start(agreed(), transfer::PushRequest{"https://duinmeer.example/inbox", "urn:purpose", "urn:activity", {}});
  ASSERT_TRUE(asked);
  settle();
  const auto due = waterrijk.transfers.pushes(waterrijk.clock.now());
  ASSERT_EQ(due->size(), 1U);
  const ProcessId pid = due->front().own_pid;
  hold(waterrijk, transfer::transfer_key(pid));
  EXPECT_TRUE(waterrijk.transfers.pushes(waterrijk.clock.now())->empty());
  EXPECT_FALSE(*waterrijk.transfers.is_pushed(pid));
  EXPECT_FALSE(waterrijk.transfers.begin_push(pid, [](std::uint32_t) -> Duration { return std::chrono::seconds(1); }));
}

TEST_F(HeldTest, UnderAHeldAgreementNoTransferBegins) {
  const AgreementId agreement = agreed();
  auto record = negotiation::read_agreement(waterrijk.store, agreement);
  ASSERT_TRUE(record);
  record->held = waterrijk.clock.now();
  const std::string key = negotiation::agreement_key(agreement);
  ASSERT_TRUE(waterrijk.store.write({{key, negotiation::encode(*record)}, storage::hold(key, waterrijk.clock.now())}, true));
  const auto asked = duinmeer.transfers.start(agreement);
  ASSERT_TRUE(asked);
  settle();
  EXPECT_TRUE(waterrijk.transfers.list(ProcessId(), 10)->empty());
  ASSERT_TRUE(waterrijk.negotiations.apply_again(agreement, {}));
  EXPECT_FALSE(is_held(waterrijk, key));
  settle();
  EXPECT_EQ(duinmeer.transfers.show(asked->own_pid)->state, TransferState::started) << "it asked again later";
}

TEST_F(HeldTest, AHeldNegotiationCanOnlyBeEnded) {
  waterrijk.terms.verdict = {negotiation::Judgement::Kind::wait, {}, {}};
  const ProcessId pid = ask();
  settle();
  const ProcessId here = at_provider(pid).own_pid;
  const std::string key = negotiation::negotiation_key(here);
  hold(waterrijk, key);
  EXPECT_EQ(waterrijk.negotiations.approve(here).error().code, ErrorCode::invalid_state);
  EXPECT_EQ(at_provider(pid).state, State::requested);
  free(waterrijk, key);
  ASSERT_TRUE(waterrijk.negotiations.approve(here));
  hold(waterrijk, key);
  settle();
  EXPECT_EQ(duinmeer.negotiations.show(pid)->state, State::requested) << "nothing is sent of it";
  ASSERT_TRUE(waterrijk.negotiations.refuse(here, {"council", {}}));
  EXPECT_FALSE(is_held(waterrijk, key));
  settle();
  EXPECT_EQ(duinmeer.negotiations.show(pid)->state, State::terminated);
}

}  // namespace
}  // namespace sluis::test
