#include "connector/negotiation/machine.hpp"

#include "connector/base/limits.hpp"
#include "connector/negotiation/steps.hpp"

#include <gtest/gtest.h>

#include <map>

namespace sluis::negotiation {
namespace {

const Timestamp kNow{std::chrono::seconds(1'800'000'000)};
const ParticipantId kSelf("did:web:waterrijk.example");
const ParticipantId kPeer("did:web:duinmeer.example");
const DatasetId kDataset("counts");

json::Value offer() {
  return *json::parse(R"({"@type":"Offer","@id":"o","permission":[{"action":"use"}]})");
}
ParticipantId provider(Role role) { return role == Role::provider ? kSelf : kPeer; }
ParticipantId consumer(Role role) { return role == Role::provider ? kPeer : kSelf; }
NormalOffer normal(Role role) { return *normalise_offer(offer(), kDataset, provider(role), consumer(role)); }
json::Value agreement(Role role) {
  return make_agreement(normal(role), AgreementId("a"), kDataset, provider(role), consumer(role), kNow);
}

Surroundings around() {
  Surroundings s;
  s.self = kSelf;
  s.fresh_pid = ProcessId("fresh");
  s.message_id = "m2";
  s.agreement_id = AgreementId("a");
  s.judgement.kind = Judgement::Kind::wait;
  return s;
}

Negotiation process(Role role, std::optional<State> state) {
  Negotiation n;
  n.role = role;
  n.own_pid = ProcessId("own");
  n.peer_pid = ProcessId("peer");
  n.peer = kPeer;
  n.peer_url = "https://duinmeer.example/2025-1";
  n.dataset = kDataset;
  n.offer = normal(role).offer;
  n.offer_hash = normal(role).hash;
  n.state = state;
  n.created = n.updated = kNow;
  n.deadline = kNow + std::chrono::days(7);
  if (state && *state >= State::agreed) {
    n.agreement = agreement(role);
    n.agreement_hash = check_agreement(n.offer, kDataset, provider(role), consumer(role), n.agreement, kNow)->hash;
  }
  return n;
}

Negotiation pending(Role role, std::optional<State> state, MessageKind kind, State target) {
  Negotiation n = process(role, state);
  Pending p;
  p.kind = kind;
  p.target = target;
  p.delivery.id = "m1";
  n.pending = p;
  if (kind == MessageKind::agreement || kind == MessageKind::finalized) {
    n.agreement = agreement(role);
    n.agreement_hash = Hash{};
  }
  return n;
}

IncomingMessage message(Role our_role, MessageKind kind) {
  IncomingMessage m;
  m.kind = kind;
  m.from = kPeer;
  m.own_pid = ProcessId("own");
  m.named_own_pid = ProcessId("own");
  m.peer_pid = ProcessId("peer");
  m.dataset = kDataset;
  m.offer = offer();
  m.offer.set("target", kDataset.str());
  m.agreement = agreement(our_role);
  m.reason = {"code", {"because"}};
  return m;
}

using Key = std::pair<State, MessageKind>;

/// DSP 2025-1, section 7: all that may be received; everything else is a wrong state.
const std::map<Role, std::map<Key, State>>& table() {
  static const std::map<Role, std::map<Key, State>> rows = {
      {Role::provider,
       {{{State::offered, MessageKind::request}, State::requested},
        {{State::offered, MessageKind::accepted}, State::accepted},
        {{State::agreed, MessageKind::verification}, State::verified},
        {{State::requested, MessageKind::termination}, State::terminated},
        {{State::offered, MessageKind::termination}, State::terminated},
        {{State::accepted, MessageKind::termination}, State::terminated},
        {{State::agreed, MessageKind::termination}, State::terminated},
        {{State::verified, MessageKind::termination}, State::terminated}}},
      {Role::consumer,
       {{{State::requested, MessageKind::offer}, State::offered},
        {{State::requested, MessageKind::agreement}, State::agreed},
        {{State::accepted, MessageKind::agreement}, State::agreed},
        {{State::verified, MessageKind::finalized}, State::finalized},
        {{State::requested, MessageKind::termination}, State::terminated},
        {{State::offered, MessageKind::termination}, State::terminated},
        {{State::accepted, MessageKind::termination}, State::terminated},
        {{State::agreed, MessageKind::termination}, State::terminated},
        {{State::verified, MessageKind::termination}, State::terminated}}}};
  return rows;
}

TEST(NegotiationMachine, EveryPairOfStateAndMessageHasItsOutcomeInBothRoles) {
  for (const Role role : {Role::provider, Role::consumer}) {
    for (const State state : kStates) {
      for (const MessageKind kind : kMessageKinds) {
        const auto t = receive(process(role, state), message(role, kind), around(), kNow);
        const auto row = table().at(role).find({state, kind});
        if (row == table().at(role).end()) {
          ASSERT_FALSE(t) << to_string(role) << to_string(state) << to_string(kind);
          EXPECT_EQ(t.error().code, ErrorCode::invalid_state);
          continue;
        }
        ASSERT_TRUE(t) << to_string(role) << to_string(state) << to_string(kind) << describe(t.error());
        EXPECT_EQ(t->next.state, row->second);
        EXPECT_EQ(t->events, std::vector<State>{row->second});
        // The same message again is in the wrong state, and so has no second effect.
        EXPECT_FALSE(receive(t->next, message(role, kind), around(), kNow));
      }
    }
  }
}

TEST(NegotiationMachine, EveryPairWhileOneOfOursIsPendingIsThatOfTheStateOrOfItsTarget) {
  struct Row { Role role; std::optional<State> state; MessageKind kind; State target; };
  const Row rows[] = {{Role::provider, State::requested, MessageKind::agreement, State::agreed},
                      {Role::provider, State::accepted, MessageKind::agreement, State::agreed},
                      {Role::provider, State::verified, MessageKind::finalized, State::finalized},
                      {Role::provider, std::nullopt, MessageKind::offer, State::offered},
                      {Role::consumer, std::nullopt, MessageKind::request, State::requested},
                      {Role::consumer, State::offered, MessageKind::accepted, State::accepted},
                      {Role::consumer, State::agreed, MessageKind::verification, State::verified},
                      {Role::consumer, State::terminated, MessageKind::termination, State::terminated}};
  for (const Row& row : rows) {
    for (const MessageKind kind : kMessageKinds) {
      const Negotiation before = pending(row.role, row.state, row.kind, row.target);
      const auto t = receive(before, message(row.role, kind), around(), kNow);
      const auto& allowed = table().at(row.role);
      const bool now = row.state && allowed.contains({*row.state, kind});
      const bool after = row.state != State::terminated && allowed.contains({row.target, kind});
      EXPECT_EQ(t.has_value(), now || after) << to_string(row.kind) << " " << to_string(kind);
      if (t && !now) {
        EXPECT_EQ(t->events.front(), row.target);  // its arrival is proved
        EXPECT_EQ(t->events.size(), 2U);
      }
    }
  }
}

TEST(NegotiationMachine, OnlyARequestOrAnOfferBeginsANegotiation) {
  for (const MessageKind kind : kMessageKinds) {
    IncomingMessage m = message(kind == MessageKind::offer ? Role::consumer : Role::provider, kind);
    m.own_pid = m.named_own_pid = ProcessId();
    m.callback_url = "https://duinmeer.example/2025-1";
    const auto t = receive(std::nullopt, m, around(), kNow);
    EXPECT_EQ(t.has_value(), kind == MessageKind::request || kind == MessageKind::offer) << to_string(kind);
    if (!t) continue;
    EXPECT_EQ(t->reply, Transition::Reply::created);
    const auto again = receive(t->next, m, around(), kNow);
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->changed);
    m.bytes[0] = 1;
    EXPECT_EQ(receive(t->next, m, around(), kNow).error().code, ErrorCode::invalid_argument);
  }
}

TEST(NegotiationMachine, WhatIsAgreedInOtherWordsFollowsThePublication) {
  for (const bool reserved : {false, true}) {
    Surroundings with = around();
    with.judgement.kind = reserved ? Judgement::Kind::wait : Judgement::Kind::agree;
    with.judgement.reserved = reserved;
    with.judgement.offer_hash = Hash{7};
    IncomingMessage m = message(Role::provider, MessageKind::request);
    m.own_pid = {};
    m.named_own_pid = {};
    m.callback_url = "https://duinmeer.example/2025-1";
    auto t = receive(std::nullopt, m, with, kNow);
    ASSERT_TRUE(t) << describe(t.error());
    EXPECT_EQ(t->next.offer_hash, normal(Role::provider).hash) << "of its words";
    if (reserved) t = approve(t->next, with, kNow);
    ASSERT_TRUE(t) << describe(t.error());
    EXPECT_EQ(t->next.published_hash, Hash{7});
    ASSERT_TRUE(make_record(*t));
    EXPECT_EQ(t->agreement->offer_hash, Hash{7});
  }
}

TEST(NegotiationMachine, ARecordSurvivesTheStore) {
  Negotiation n = pending(Role::provider, State::verified, MessageKind::finalized, State::finalized);
  n.reason = Reason{"c", {"s"}};
  n.published_hash = n.offer_hash;
  n.first_message = Hash{1};
  n.pending->delivery.attempts = 3;
  n.pending->delivery.last_attempt = kNow;
  const auto read = decode_negotiation(encode(n));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, n);
  EXPECT_FALSE(decode_negotiation("{}"));
}

outbox::SendOutcome outcome(outbox::SendOutcome::Kind kind, bool wrong_state = false) {
  outbox::SendOutcome out;
  out.kind = kind;
  out.wrong_state = wrong_state;
  return out;
}
outbox::PeerView view(outbox::PeerView::Kind kind, State state = State::requested) {
  return {kind, std::string(to_string(state)), "answer"};
}

TEST(NegotiationDelivery, WhatTheAnswerToASendMeans) {
  using Kind = outbox::SendOutcome::Kind;
  using Next = DeliveryStep::Next;
  const Negotiation n = pending(Role::provider, State::requested, MessageKind::agreement, State::agreed);
  const auto sent = [&](const outbox::SendOutcome& o, bool resend) {
    return on_sent(n, o, resend, around(), kNow, kNow + std::chrono::seconds(1));
  };
  EXPECT_EQ(sent(outcome(Kind::delivered), false).transition.next.state, State::agreed);
  EXPECT_EQ(sent(outcome(Kind::never_sent), false).next, Next::retry);
  EXPECT_FALSE(sent(outcome(Kind::never_sent), false).transition.next.pending->delivery.uncertain);
  for (const Kind kind : {Kind::unknown, Kind::transient}) {
    const auto step = sent(outcome(kind), false);
    EXPECT_EQ(step.next, Next::retry);
    EXPECT_TRUE(step.transition.next.pending->delivery.uncertain);
    EXPECT_EQ(step.transition.next.state, State::requested);
  }
  EXPECT_EQ(sent(outcome(Kind::refused), false).next, Next::read_peer);
}

TEST(NegotiationDelivery, WhatAReadOfThePeerMeans) {
  using View = outbox::PeerView::Kind;
  using Next = DeliveryStep::Next;
  const Negotiation n = pending(Role::provider, State::requested, MessageKind::agreement, State::agreed);
  const auto refusal = outcome(outbox::SendOutcome::Kind::refused, true);
  const auto read = [&](const outbox::PeerView& v, std::optional<outbox::SendOutcome> r, bool resend) {
    return on_peer_state(n, v, r, resend, around(), kNow, kNow + std::chrono::seconds(1));
  };
  EXPECT_EQ(read(view(View::seen, State::verified), {}, true).transition.next.state, State::agreed);
  EXPECT_EQ(read(view(View::seen, State::requested), {}, true).next, Next::send);
  EXPECT_EQ(read(view(View::seen, State::terminated), {}, true).transition.next.state, State::terminated);
  EXPECT_EQ(read(view(View::seen, State::requested), refusal, false).transition.next.state, State::terminated);
  EXPECT_EQ(read(view(View::unreadable), {}, true).next, Next::send);
  const auto adopted = read(view(View::unreadable), refusal, true);
  EXPECT_EQ(adopted.transition.next.state, State::agreed);
  EXPECT_TRUE(adopted.transition.next.delivered_unconfirmed);
  EXPECT_EQ(read(view(View::unreadable), refusal, false).transition.next.state, State::terminated);
  EXPECT_EQ(read(view(View::failed), refusal, false).next, Next::retry);
}

TEST(NegotiationDelivery, ARequestThatWasEndedBeforeItArrivedIsTerminatedAtThePeer) {
  Negotiation n = pending(Role::consumer, std::nullopt, MessageKind::request, State::requested);
  n.peer_pid = ProcessId();
  const auto ended = terminate(n, {"changed", {}}, around(), kNow);
  ASSERT_TRUE(ended);
  EXPECT_FALSE(ended->message);
  auto delivered = outcome(outbox::SendOutcome::Kind::delivered);
  delivered.peer_pid = "p";
  const auto step = on_sent(ended->next, delivered, false, around(), kNow, kNow);
  ASSERT_TRUE(step.transition.message);
  EXPECT_EQ(step.transition.message->kind, MessageKind::termination);
  EXPECT_EQ(step.transition.message->peer_pid, ProcessId("p"));
}

TEST(Agreement, MustSayWhatWasAskedBetweenTheseTwo) {
  const json::Value good = agreement(Role::consumer);
  const auto check = [&](const json::Value& a, Timestamp now = kNow) {
    return check_agreement(normal(Role::consumer).offer, kDataset, kPeer, kSelf, a, now);
  };
  ASSERT_TRUE(check(good));
  for (const char* key : {"@id", "@type", "target", "assigner", "assignee", "timestamp", "permission"}) {
    json::Value without = good;
    without.erase(key);
    EXPECT_FALSE(check(without)) << key;
    json::Value other = good;
    other.set(key, json::Value(key == std::string("@id") ? "" : "x"));
    EXPECT_FALSE(check(other)) << key;
  }
  json::Value more = good;
  more.set("obligation", json::array({}));
  EXPECT_FALSE(check(more));
  EXPECT_TRUE(check(good, kNow - std::chrono::seconds(2)));
  EXPECT_FALSE(check(good, kNow - std::chrono::seconds(3)));
}

/// The offer with an id that makes its canonical form, or that of its agreement, this long.
json::Value offer_of(std::size_t bytes) {
  json::Value long_one = offer();
  long_one.set("@id", "o");
  long_one.set("@id", std::string(bytes - json::canonical(long_one)->size() + 1, 'o'));
  return long_one;
}

TEST(Offer, HasNoMoreBytesThanTheLimit) {
  EXPECT_TRUE(normalise_offer(offer_of(limits::kPolicyBytes), kDataset, kPeer, kSelf));
  const auto over = normalise_offer(offer_of(limits::kPolicyBytes + 1), kDataset, kPeer, kSelf);
  ASSERT_FALSE(over);
  EXPECT_NE(over.error().message.find("at most 65536 bytes"), std::string::npos);
}

TEST(Agreement, HasNoMoreBytesThanTheLimit) {
  json::Value received = agreement(Role::consumer);
  const std::size_t rest = json::canonical(received)->size();
  json::Value terms = offer();
  const auto of = [&](std::size_t bytes) {
    const std::string why(bytes - rest - std::string(R"("note":"",)").size(), 'n');
    received.set("note", why);
    terms.set("note", why);
    return check_agreement(terms, kDataset, kPeer, kSelf, received, kNow);
  };
  EXPECT_TRUE(of(limits::kPolicyBytes));
  const auto over = of(limits::kPolicyBytes + 1);
  ASSERT_FALSE(over);
  EXPECT_NE(over.error().message.find("at most 65536 bytes"), std::string::npos) << over.error().message;
}

TEST(Agreement, ThatWouldBeTooLongIsNotSent) {
  // The terms fit in an offer; with parties, target and time about them they do not fit in an agreement.
  Negotiation n = process(Role::provider, State::requested);
  n.for_steward = true;
  n.offer.set("note", std::string(limits::kPolicyBytes - json::canonical(n.offer)->size() - 20, 'n'));
  ASSERT_TRUE(normalise_offer(n.offer, kDataset, kSelf, kPeer));
  const auto t = approve(n, around(), kNow);
  ASSERT_FALSE(t);
  EXPECT_NE(t.error().message.find("more than 65536 bytes"), std::string::npos) << t.error().message;
}

TEST(Offer, IsHashedWithoutTargetAndPartiesAndOnlyForThisDataset) {
  json::Value sent = offer();
  sent.set("target", kDataset.str());
  sent.set("assigner", kPeer.str());
  EXPECT_EQ(normalise_offer(sent, kDataset, kPeer, kSelf)->hash, normal(Role::consumer).hash);
  EXPECT_FALSE(normalise_offer(sent, DatasetId("other"), kPeer, kSelf));
  EXPECT_FALSE(normalise_offer(sent, kDataset, kSelf, kPeer));
  json::Value number = offer();
  number.set("permission", json::Value(json::Number{"1.5"}));
  EXPECT_FALSE(normalise_offer(number, kDataset, kPeer, kSelf));
}

}  // namespace
}  // namespace sluis::negotiation
