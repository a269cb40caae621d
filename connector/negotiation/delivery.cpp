#include "connector/negotiation/machine.hpp"
#include "connector/negotiation/steps.hpp"

namespace sluis::negotiation {
namespace {

using Next = DeliveryStep::Next;
using Kind = outbox::SendOutcome::Kind;

/// So often may a peer say "not now" before that counts as a refusal.
constexpr std::int64_t kTransientLimit = 12;

bool is_first(MessageKind kind) { return kind == MessageKind::request || kind == MessageKind::offer; }

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
  n.state = pending.target;
  n.delivered_unconfirmed = unconfirmed;
  if (is_final(*n.state)) n.deadline.reset();
  t.events.push_back(pending.target);
  return {std::move(t), Next::done};
}

/// The peer has ended the process, or will not have our message.
DeliveryStep ended_by_peer(Transition t, Reason reason, bool tell, const Surroundings& around, Timestamp now) {
  Negotiation& n = t.next;
  n.pending.reset();
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
    // States follow each other in the order of the enumeration, but for a counter-offer, which we do not make.
    if (t.next.pending->kind != MessageKind::termination && *seen >= t.next.pending->target) {
      return adopt(std::move(t), {}, false, around, now);
    }
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

std::optional<Transition> on_timer(const Negotiation& before, const Surroundings& around, Timestamp now) {
  if (!before.deadline || now < *before.deadline) return std::nullopt;
  Result<Transition> t =
      terminate(before, {"deadline", {"the negotiation was not concluded by " + format_time(*before.deadline)}}, around,
                now);
  if (!t) return std::nullopt;
  return std::move(*t);
}

Transition begin(Role role, const ParticipantId& peer, std::string peer_url, const DatasetId& dataset,
                 const NormalOffer& offer, const Surroundings& around, Timestamp now) {
  Transition t;
  Negotiation& n = t.next;
  n.role = role;
  n.own_pid = around.fresh_pid;
  n.peer = peer;
  n.peer_url = std::move(peer_url);
  n.dataset = dataset;
  n.offer = offer.offer;
  n.offer_hash = offer.hash;
  n.created = n.updated = now;
  n.deadline = now + around.patience;
  if (role == Role::consumer) {
    send(t, MessageKind::request, State::requested, around, now);
  } else {
    n.published_hash = offer.hash;
    send(t, MessageKind::offer, State::offered, around, now);
  }
  return t;
}

Result<Transition> approve(const Negotiation& before, const Surroundings& around, Timestamp now) {
  if (waits_for(before) != WaitsFor::steward) {
    return Error(ErrorCode::invalid_state, "the negotiation does not wait for a decision here; it is `" +
                                               std::string(to_string(visible_state(before))) + "`");
  }
  Transition t;
  t.next = before;
  t.next.for_steward = false;
  t.next.updated = now;
  if (before.role == Role::provider) {
    SLUIS_CHECK(send_agreement(t, around, now));
  } else {
    send(t, MessageKind::accepted, State::accepted, around, now);
  }
  return t;
}

Result<Transition> terminate(const Negotiation& before, Reason reason, const Surroundings& around, Timestamp now) {
  if (before.state && is_final(*before.state)) {
    return Error(ErrorCode::invalid_state,
                 "the negotiation is `" + std::string(to_string(*before.state)) + "` and cannot be ended any more");
  }
  Transition t;
  t.next = before;
  end_locally(t, outbox::bounded(std::move(reason)), around, now);
  return t;
}

}  // namespace sluis::negotiation
