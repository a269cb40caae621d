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
