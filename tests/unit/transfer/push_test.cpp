#include "connector/transfer/machine.hpp"

#include <gtest/gtest.h>

namespace sluis::transfer {
namespace {

const Timestamp kNow{std::chrono::seconds(1'800'000'000)};

Surroundings around() {
  Surroundings s;
  s.fresh_pid = ProcessId("fresh");
  s.message_id = "m2";
  s.dataset = DatasetId("counts");
  s.data_endpoint = "https://gate.example/data";
  s.sealed_handle = "sealed";
  return s;
}

IncomingMessage request() {
  IncomingMessage m;
  m.from = ParticipantId("did:web:data.duinmeer.example");
  m.peer_pid = ProcessId("theirs");
  m.agreement = AgreementId("a");
  m.format = kHttpPush;
  m.address = DataAddress{"https://duinmeer.example/inbox", "token", "bearer", "signed"};
  return m;
}

outbox::SendOutcome outcome(outbox::SendOutcome::Kind kind) {
  outbox::SendOutcome out;
  out.kind = kind;
  return out;
}

/// A push of ours as a provider whose start has arrived.
TransferProcess started() {
  const auto t = receive(std::nullopt, request(), around(), kNow);
  EXPECT_TRUE(t);
  return on_sent(t->next, outcome(outbox::SendOutcome::Kind::delivered), false, around(), kNow, kNow).transition.next;
}

TEST(PushMachine, ARequestSaysWhereTheDataGoAndTheStartSaysNothing) {
  const auto t = receive(std::nullopt, request(), around(), kNow);
  ASSERT_TRUE(t) << describe(t.error());
  EXPECT_EQ(t->next.format, kHttpPush);
  EXPECT_EQ(t->next.endpoint, "https://duinmeer.example/inbox");
  EXPECT_EQ(t->next.sealed_handle, "sealed");
  ASSERT_TRUE(t->next.push);
  EXPECT_EQ(t->next.push->claim, "signed");
  ASSERT_TRUE(t->message);
  EXPECT_EQ(t->message->kind, MessageKind::start);
  EXPECT_FALSE(t->message->address) << "the gate of a push has no address";
  EXPECT_FALSE(is_to_be_pushed(t->next)) << "not before the start has arrived";
  EXPECT_TRUE(is_to_be_pushed(started()));
}

TEST(PushMachine, AnAddressThatCannotBeUsedIsRefusedWithItsPlace) {
  IncomingMessage none = request(), empty = request(), broken = request(), other = request(), format = request();
  none.address.reset();
  empty.address->endpoint.clear();
  broken.address->handle = "a\r\nb: c";
  other.address->auth_type = "basic";
  format.format = "HttpData-OTHER";
  for (const auto* wrong : {&none, &empty, &broken, &other, &format}) {
    const auto t = receive(std::nullopt, *wrong, around(), kNow);
    ASSERT_FALSE(t);
    EXPECT_EQ(t.error().code, ErrorCode::invalid_argument);
    EXPECT_FALSE(t.error().place.pointer.empty());
  }
  IncomingMessage without = request();
  without.address->handle = without.address->auth_type = "";
  EXPECT_TRUE(receive(std::nullopt, without, around(), kNow)) << "the receiver may go by the certificate alone";
}

TEST(PushMachine, ATryIsCountedAndSetsTheNext) {
  const Timestamp later = kNow + std::chrono::seconds(2);
  const auto once = begin_push(started(), later, kNow);
  ASSERT_TRUE(once);
  EXPECT_EQ(once->next.push->tries, 1U);
  EXPECT_EQ(once->next.push->next, later);
  EXPECT_TRUE(is_to_be_pushed(once->next));
  EXPECT_EQ(begin_push(once->next, later, kNow)->next.push->tries, 2U);
  EXPECT_FALSE(begin_push(suspend(started(), {}, around(), kNow)->next, later, kNow));
  TransferProcess pull = started();
  pull.push.reset();
  EXPECT_FALSE(begin_push(pull, later, kNow));
}

TEST(PushMachine, WhatWasTakenIsCompletedAndNeverSentAgain) {
  const Timestamp again = kNow + std::chrono::minutes(15);
  const auto over = end_push(started(), again, around(), kNow);
  ASSERT_TRUE(over);
  ASSERT_TRUE(over->message);
  EXPECT_EQ(over->message->kind, MessageKind::completion);
  EXPECT_FALSE(is_to_be_pushed(over->next));
  // A consumer that refuses to hear of it: the transfer goes on, but its data do not leave again.
  outbox::PeerView hidden;
  hidden.kind = outbox::PeerView::Kind::unreadable;
  const TransferProcess refused = on_peer_state(over->next, hidden, outcome(outbox::SendOutcome::Kind::refused), false, around(), kNow, kNow).transition.next;
  EXPECT_FALSE(is_to_be_pushed(refused));
  EXPECT_FALSE(begin_push(refused, kNow, kNow));
  EXPECT_TRUE(is_push_due(refused)) << "the completion is said again";
  EXPECT_EQ(refused.push->next, again);
  EXPECT_TRUE(end_push(refused, again, around(), kNow)->message);
  EXPECT_FALSE(is_push_due(over->next)) << "it is under way";
  // Suspended while the receiver answered: it was sent all the same.
  const auto suspended = end_push(suspend(started(), {}, around(), kNow)->next, again, around(), kNow);
  ASSERT_TRUE(suspended);
  EXPECT_TRUE(suspended->next.push->sent);
  EXPECT_EQ(suspended->next.state, State::suspended);
}

TEST(PushMachine, AFailedTryPutsTheNextOffAndNeverForward) {
  const Timestamp later = kNow + std::chrono::seconds(20);
  const TransferProcess begun = begin_push(started(), kNow + std::chrono::seconds(2), kNow)->next;
  const auto put = put_off_push(begun, later, kNow);
  ASSERT_TRUE(put);
  EXPECT_EQ(put->next.push->next, later);
  EXPECT_EQ(put->next.push->tries, 1U);
  EXPECT_EQ(put_off_push(put->next, kNow, kNow)->next.push->next, later);
  EXPECT_FALSE(put_off_push(end_push(begun, later, around(), kNow)->next, later, kNow));
}

TEST(PushMachine, OnlyWhatIsStillToBePushedIsEndedForIt) {
  const auto failed = fail_push(started(), {"push.refused", {}}, around(), kNow);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->next.state, State::terminated);
  EXPECT_FALSE(fail_push(suspend(started(), {}, around(), kNow)->next, {"push.refused", {}}, around(), kNow)) << "it goes on once it is resumed";
}

TEST(PushMachine, AnAddressIsShownWithoutItsQuery) {
  EXPECT_EQ(without_query("https://duinmeer.example/inbox?key=1#a"), "https://duinmeer.example/inbox");
  EXPECT_EQ(without_query("https://duinmeer.example/inbox"), "https://duinmeer.example/inbox");
}

TEST(PushMachine, AConsumersRequestSaysWhereAndNeedsNoAddressInTheStart) {
  const auto t = begin(ParticipantId("did:web:data.waterrijk.example"), "https://waterrijk.example", AgreementId("a"), DatasetId("counts"), around(), kNow,
                       PushRequest{"https://duinmeer.example/inbox", "urn:p", "urn:a", "signed"});
  ASSERT_TRUE(t.message && t.message->address);
  EXPECT_EQ(t.message->format, kHttpPush);
  EXPECT_EQ(t.message->address->endpoint, "https://duinmeer.example/inbox");
  EXPECT_EQ(t.message->address->claim, "signed");
  IncomingMessage start;
  start.kind = MessageKind::start;
  start.from = t.next.peer;
  start.own_pid = t.next.own_pid;
  start.peer_pid = ProcessId("theirs");
  const auto begun = receive(t.next, start, around(), kNow);
  ASSERT_TRUE(begun) << describe(begun.error());
  EXPECT_EQ(begun->next.state, State::started);
  EXPECT_EQ(begun->next.endpoint, "https://duinmeer.example/inbox");
  EXPECT_FALSE(is_to_be_pushed(begun->next)) << "it is the provider that sends";
}

TEST(PushMachine, IsKeptAsItIs) {
  TransferProcess p = begin_push(started(), kNow + std::chrono::seconds(2), kNow)->next;
  p.push->purpose = "urn:p";
  p.push->activity = "urn:a";
  p.push->person = "Anna";
  const auto read = decode_transfer(encode(p));
  ASSERT_TRUE(read) << describe(read.error());
  EXPECT_EQ(*read, p);
  p.push.reset();
  EXPECT_FALSE(decode_transfer(encode(p))) << "a push without its part is damaged";
}

}  // namespace
}  // namespace sluis::transfer
