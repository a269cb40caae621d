#include "connector/negotiation/machine.hpp"
#include "connector/negotiation/steps.hpp"

namespace sluis::negotiation {
namespace {

using Next = DeliveryStep::Next;
using Kind = outbox::SendOutcome::Kind;

/// So often may a peer say "not now" to one process before that counts as a refusal: for some minutes, by the outbox's back-off.
constexpr std::int64_t kTransientLimit = 20;

bool is_first(MessageKind kind) { return kind == MessageKind::request || kind == MessageKind::offer; }

/// What a script may have something to say to, now that our message has arrived.
std::optional<Event> event_of(State reached, bool counter) {
  switch (reached) {
    case State::requested: return counter ? Event::countered : Event::requested;
    case State::offered: return Event::offered;
    case State::accepted: return Event::accepted;
    case State::agreed: return Event::agreed;
    case State::verified: return Event::verified;
    case State::finalized: case State::terminated: return std::nullopt;
  }
  return std::nullopt;
}

/// Whether the peer's state shows that it has our message. States follow each other in the order of the enumeration, but for a
/// counter-request, which leads back: a peer that still shows its offer does not have it.
bool shows_arrival(State seen, const Negotiation& n) {
  if (n.pending->kind == MessageKind::termination) return false;
  if (n.pending->kind == MessageKind::request && n.state) return seen == State::requested || seen > State::offered;
  return seen >= n.pending->target;
}

DeliveryStep adopt(Transition t, const std::string& peer_pid, bool unconfirmed, const Surroundings& around,
                   Timestamp now) {
  Negotiation& n = t.next;
  const Pending pending = *n.pending;
  n.pending.reset();
  n.updated = now;
  if (n.peer_pid.empty() && !peer_pid.empty()) n.peer_pid = ProcessId(peer_pid);
  if (n.state == State::terminated) {
    // Ended while our first message was under way: now the peer can be told.
    if (is_first(pending.kind) && !n.peer_pid.empty()) {
      send(t, MessageKind::termination, State::terminated, around, now, n.reason.value_or(Reason{}));
    }
    return {std::move(t), Next::done};
  }
  const bool counter = pending.kind == MessageKind::request && n.state;
  n.state = pending.target;
  n.delivered_unconfirmed = unconfirmed;
  if (is_final(*n.state)) n.deadline.reset();
  t.events.push_back(pending.target);
  if (const auto event = event_of(pending.target, counter)) plan(t, *event, around, now);
  return {std::move(t), Next::done};
}

/// The peer has ended the process, or will not have our message.
DeliveryStep ended_by_peer(Transition t, Reason reason, bool tell, const Surroundings& around, Timestamp now) {
  Negotiation& n = t.next;
  n.pending.reset();
  n.planned.reset();
  n.updated = now;
  if (n.state == State::terminated) return {std::move(t), Next::done};
  if (n.agreement_hash) t.agreement_void = reason;
  n.state = State::terminated;
  n.reason = reason;
  n.reason_is_ours = false;
  n.for_steward = false;
  n.deadline.reset();
  t.events.push_back(State::terminated);
  if (tell && !n.peer_pid.empty()) {
    send(t, MessageKind::termination, State::terminated, around, now,
         {"refused-by-peer", {"a message of this negotiation was refused"}});
  }
  return {std::move(t), Next::done};
}

Transition attempted(const Negotiation& before, const std::string& answer, Timestamp now, Timestamp retry_at) {
  Transition t;
  t.next = before;
  outbox::Delivery& delivery = t.next.pending->delivery;
  ++delivery.attempts;
  delivery.last_attempt = now;
  delivery.next_attempt = retry_at;
  delivery.last_answer = answer;
  return t;
}

}  // namespace

DeliveryStep on_sent(const Negotiation& before, const outbox::SendOutcome& outcome, bool resend,
                     const Surroundings& around, Timestamp now, Timestamp retry_at) {
  Transition t = attempted(before, outcome.answer, now, retry_at);
  outbox::Delivery& delivery = t.next.pending->delivery;
  const MessageKind kind = t.next.pending->kind;
  const bool given_up = outcome.kind == Kind::transient && delivery.attempts >= kTransientLimit;
  switch (outcome.kind) {
    case Kind::delivered: return adopt(std::move(t), outcome.peer_pid, false, around, now);
    case Kind::never_sent: return {std::move(t), Next::retry};
    case Kind::unknown: delivery.uncertain = true; return {std::move(t), Next::retry};
    case Kind::transient:
      delivery.uncertain = true;
      if (!given_up) return {std::move(t), Next::retry};
      break;
    case Kind::refused: break;
  }
  if (kind == MessageKind::termination) return adopt(std::move(t), {}, false, around, now);
  if (!t.next.peer_pid.empty()) return {std::move(t), Next::read_peer};
  if (resend && outcome.wrong_state) return adopt(std::move(t), {}, true, around, now);
  return ended_by_peer(std::move(t), outcome.reason, false, around, now);
}

DeliveryStep on_peer_state(const Negotiation& before, const outbox::PeerView& view,
                           const std::optional<outbox::SendOutcome>& refusal, bool resend, const Surroundings& around,
                           Timestamp now, Timestamp retry_at) {
  Transition t;
  t.next = before;
  const std::optional<State> seen =
      view.kind == outbox::PeerView::Kind::seen ? state_from(view.state) : std::nullopt;
  if (seen == State::terminated) {
    return ended_by_peer(std::move(t), {"ended-by-peer", {"the other party has ended this negotiation"}}, false, around,
                         now);
  }
  if (seen) {
    if (shows_arrival(*seen, t.next)) return adopt(std::move(t), {}, false, around, now);
    if (refusal) return ended_by_peer(std::move(t), refusal->reason, true, around, now);
    return {std::move(t), Next::send};
  }
  if (view.kind == outbox::PeerView::Kind::unreadable) {
    if (!refusal) return {std::move(t), Next::send};
    if (resend && refusal->wrong_state) return adopt(std::move(t), {}, true, around, now);
    return ended_by_peer(std::move(t), refusal->reason, true, around, now);
  }
  if (!refusal) t = attempted(before, view.answer, now, retry_at);
  t.next.pending->delivery.uncertain = true;
  t.next.pending->delivery.next_attempt = retry_at;
  return {std::move(t), Next::retry};
}

}  // namespace sluis::negotiation
