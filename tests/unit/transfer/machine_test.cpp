#include "connector/transfer/machine.hpp"

#include <gtest/gtest.h>

#include <map>

namespace sluis::transfer {
namespace {

const Timestamp kNow{std::chrono::seconds(1'800'000'000)};
const ParticipantId kPeer("did:web:duinmeer.example");

Surroundings around() {
  Surroundings s;
  s.fresh_pid = ProcessId("fresh");
  s.message_id = "m2";
  s.dataset = DatasetId("counts");
  s.data_endpoint = "https://gate.example/data";
  s.sealed_handle = "sealed";
  return s;
}

TransferProcess process(Role role, std::optional<State> state) {
  TransferProcess p;
  p.role = role;
  p.own_pid = ProcessId("own");
  p.peer_pid = ProcessId("peer");
  p.peer = kPeer;
  p.agreement = AgreementId("a");
  p.state = state;
  p.created = p.updated = kNow;
  return p;
}

IncomingMessage message(MessageKind kind) {
  IncomingMessage m;
  m.kind = kind;
  m.from = kPeer;
  m.own_pid = m.named_own_pid = ProcessId("own");
  m.peer_pid = ProcessId("peer");
  m.format = kHttpPull;
  if (kind == MessageKind::start) m.address = DataAddress{"https://gate.example/data", "h"};
  m.reason = {"code", {"because"}};
  return m;
}

using Key = std::pair<State, MessageKind>;

TEST(TransferMachine, EveryPairOfStateAndMessageHasItsOutcomeInBothRoles) {
  // DSP 2025-1, section 8.
  std::map<Key, State> both = {{{State::started, MessageKind::suspension}, State::suspended},
                               {{State::started, MessageKind::completion}, State::completed},
                               {{State::suspended, MessageKind::start}, State::started},
                               {{State::requested, MessageKind::termination}, State::terminated},
                               {{State::started, MessageKind::termination}, State::terminated},
                               {{State::suspended, MessageKind::termination}, State::terminated}};
  for (const Role role : {Role::provider, Role::consumer}) {
    std::map<Key, State> table = both;
    if (role == Role::consumer) table[{State::requested, MessageKind::start}] = State::started;
    for (const State state : kStates) {
      for (const MessageKind kind : kMessageKinds) {
        const auto t = receive(process(role, state), message(kind), around(), kNow);
        const auto row = table.find({state, kind});
        if (row == table.end()) {
          ASSERT_FALSE(t) << to_string(state) << to_string(kind);
          EXPECT_EQ(t.error().code, ErrorCode::invalid_state);
          continue;
        }
        ASSERT_TRUE(t) << to_string(state) << to_string(kind);
        EXPECT_EQ(t->next.state, row->second);
        EXPECT_FALSE(receive(t->next, message(kind), around(), kNow));  // a duplicate
      }
    }
  }
}

TEST(TransferMachine, SuspendedAfterCompletedIsRejected) {
  EXPECT_FALSE(receive(process(Role::provider, State::completed), message(MessageKind::suspension), around(), kNow));
  EXPECT_FALSE(suspend(process(Role::provider, State::completed), {}, around(), kNow));
}

TEST(TransferMachine, WhatTheProviderSuspendedTheConsumerCannotResume) {
  const auto t = suspend(process(Role::provider, State::started), {"why", {}}, around(), kNow);
  ASSERT_TRUE(t);
  EXPECT_EQ(t->next.state, State::suspended);  // at once
  EXPECT_FALSE(receive(t->next, message(MessageKind::start), around(), kNow));
}

TEST(TransferMachine, AStartOfAPullMustSayWhereTheDataAre) {
  IncomingMessage start = message(MessageKind::start);
  start.address.reset();
  const auto t = receive(process(Role::consumer, State::requested), start, around(), kNow);
  ASSERT_FALSE(t);
  EXPECT_EQ(t.error().place.pointer, "/dataAddress");
}

TEST(TransferMachine, OnlyPullIsServed) {
  IncomingMessage request = message(MessageKind::request);
  request.own_pid = request.named_own_pid = ProcessId();
  const auto t = receive(std::nullopt, request, around(), kNow);
  ASSERT_TRUE(t);
  ASSERT_TRUE(t->message);
  EXPECT_EQ(t->message->address->handle, kHandleMark);
  EXPECT_EQ(t->next.state, State::requested);
  request.format = "HttpData-PUSH";
  EXPECT_FALSE(receive(std::nullopt, request, around(), kNow));
}

TEST(TransferHandles, TheNewestAndTheAcknowledgedOpenAndA2xxDropsTheOthers) {
  const Hash first{1};
  const Hash second{2};
  const Hash third{3};
  TransferProcess p = process(Role::provider, State::requested);
  p.pending = Pending{MessageKind::start, State::started, {}};
  p = with_handle(p, first, kNow);
  EXPECT_TRUE(opens(p, first));  // its use proves that it arrived
  p = with_handle(p, second, kNow);
  EXPECT_FALSE(opens(p, first));
  outbox::SendOutcome delivered;
  delivered.kind = outbox::SendOutcome::Kind::delivered;
  p = on_sent(p, delivered, false, around(), kNow, kNow).transition.next;
  EXPECT_EQ(p.state, State::started);
  EXPECT_TRUE(opens(p, second));
  p = suspend(p, {}, around(), kNow)->next;
  EXPECT_FALSE(opens(p, second));
  p = resume(p, around(), kNow)->next;
  EXPECT_FALSE(opens(p, second));
  p = with_handle(p, third, kNow);
  EXPECT_TRUE(opens(p, third));
  p = on_sent(p, delivered, false, around(), kNow, kNow).transition.next;
  EXPECT_TRUE(opens(p, third));
  EXPECT_FALSE(opens(p, second));
  p = terminate(p, {}, around(), kNow)->next;
  EXPECT_FALSE(opens(p, third));
}

/// What a read of the peer's process shows.
outbox::PeerView shows(State state) { return {outbox::PeerView::Kind::seen, std::string(to_string(state)), {}}; }

TEST(TransferHandles, AReadThatShowsAStartedPeerDropsNoHandle) {
  const Hash old{1};
  const Hash fresh{2};
  TransferProcess p = process(Role::provider, State::started);
  p.newest_handle = p.acked_handle = old;
  p = suspend(p, {}, around(), kNow)->next;
  p = resume(p, around(), kNow)->next;  // before the suspension was delivered: the consumer was started all along
  p = with_handle(p, fresh, kNow);
  const DeliveryStep seen = on_peer_state(p, shows(State::started), std::nullopt, true, around(), kNow, kNow);
  ASSERT_EQ(seen.transition.next.state, State::started);
  EXPECT_TRUE(opens(seen.transition.next, old));
  EXPECT_TRUE(opens(seen.transition.next, fresh));
  const auto by_message = receive(p, message(MessageKind::suspension), around(), kNow);
  ASSERT_TRUE(by_message);
  EXPECT_EQ(by_message->next.acked_handle, old);
}

TEST(TransferMachine, AConsumerThatIsSuspendedHasHadTheFirstStart) {
  TransferProcess p = process(Role::provider, State::requested);
  p.pending = Pending{MessageKind::start, State::started, {}};
  EXPECT_EQ(on_peer_state(p, shows(State::suspended), std::nullopt, true, around(), kNow, kNow).transition.next.state, State::started);
  p.state = State::suspended;  // a resumption may not have arrived
  EXPECT_EQ(on_peer_state(p, shows(State::suspended), std::nullopt, true, around(), kNow, kNow).next, DeliveryStep::Next::send);
}

TEST(TransferMachine, WhatThePeerHasCompletedWasStarted) {
  TransferProcess p = process(Role::provider, State::requested);
  p.pending = Pending{MessageKind::start, State::started, {}};
  const DeliveryStep step = on_peer_state(p, shows(State::completed), std::nullopt, true, around(), kNow, kNow);
  EXPECT_EQ(step.transition.events, (std::vector<State>{State::started, State::completed}));
}

TEST(TransferMachine, ASuspensionThatAResumptionReplacedIsToldWhenThatIsRefused) {
  TransferProcess p = process(Role::consumer, State::started);
  p = suspend(p, {"pause", {}}, around(), kNow)->next;
  p = resume(p, around(), kNow)->next;
  outbox::SendOutcome refusal;
  refusal.kind = outbox::SendOutcome::Kind::refused;
  const DeliveryStep told = on_peer_state(p, shows(State::started), refusal, true, around(), kNow, kNow);
  EXPECT_EQ(told.transition.next.state, State::started);  // a peer that is started needs no resumption
  const DeliveryStep step = on_peer_state(p, shows(State::requested), refusal, true, around(), kNow, kNow);
  EXPECT_EQ(step.transition.next.state, State::suspended);
  ASSERT_TRUE(step.transition.message);
  EXPECT_EQ(step.transition.message->kind, MessageKind::suspension);
  EXPECT_EQ(step.transition.message->reason.code, "pause");
  const DeliveryStep knows = on_peer_state(p, shows(State::suspended), refusal, true, around(), kNow, kNow);
  EXPECT_FALSE(knows.transition.message);
}

TEST(TransferMachine, ACompletionThatCrossesTheConsumersPauseIsNotForgotten) {
  TransferProcess p = complete(process(Role::provider, State::started), around(), kNow)->next;
  const std::string completion = p.pending->delivery.id;
  for (const auto& [said, state] : {std::pair(MessageKind::suspension, State::suspended), std::pair(MessageKind::start, State::started)}) {
    p = receive(p, message(said), around(), kNow)->next;
    EXPECT_EQ(p.state, state);
    ASSERT_TRUE(p.pending) << "what was sent may yet be taken";
    EXPECT_EQ(p.pending->delivery.id, completion);
    EXPECT_TRUE(p.pending->delivery.uncertain) << "the peer is read first";
  }
  p = receive(p, message(MessageKind::suspension), around(), kNow)->next;
  const DeliveryStep taken = on_peer_state(p, shows(State::completed), std::nullopt, true, around(), kNow, kNow);
  EXPECT_EQ(taken.transition.events, (std::vector<State>{State::started, State::completed}));
  EXPECT_EQ(on_peer_state(p, shows(State::suspended), std::nullopt, true, around(), kNow, kNow).next, DeliveryStep::Next::send);
  outbox::SendOutcome refusal;
  refusal.kind = outbox::SendOutcome::Kind::refused;
  const DeliveryStep refused = on_peer_state(p, shows(State::suspended), refusal, true, around(), kNow, kNow);
  EXPECT_EQ(refused.transition.next.state, State::suspended) << "it never arrived: the pause stands";
  EXPECT_FALSE(refused.transition.next.pending);
  EXPECT_FALSE(receive(p, message(MessageKind::termination), around(), kNow)->next.pending);
  outbox::PeerView unreadable;
  unreadable.kind = outbox::PeerView::Kind::unreadable;
  refusal.wrong_state = true;
  const DeliveryStep foreign = on_peer_state(p, unreadable, refusal, true, around(), kNow, kNow);
  EXPECT_EQ(foreign.transition.next.state, State::suspended) << "whoever has paused it has not taken a completion";
  EXPECT_FALSE(foreign.transition.next.pending);
}

TEST(TransferMachine, ARecordSurvivesTheStore) {
  TransferProcess p = process(Role::provider, State::suspended);
  p.pending = Pending{MessageKind::start, State::started, {}};
  p.newest_handle = Hash{1};
  p.acked_handle = Hash{2};
  p.sealed_handle = std::string("\0\xff", 2);
  p.reason = Reason{"c", {"s"}};
  const auto read = decode_transfer(encode(p));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, p);
}

}  // namespace
}  // namespace sluis::transfer
