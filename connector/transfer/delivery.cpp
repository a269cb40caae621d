#include "connector/transfer/machine.hpp"
#include "connector/transfer/steps.hpp"

namespace sluis::transfer {
namespace {

using Next = DeliveryStep::Next;
using Kind = outbox::SendOutcome::Kind;

/// So often may a peer say "not now" to one process before that counts as a refusal: for some minutes, by the outbox's back-off.
constexpr std::int64_t kTransientLimit = 20;

/// How it is known that the peer has our message.
enum class Known : std::uint8_t { answered, seen, assumed };

DeliveryStep adopt(Transition t, const std::string& peer_pid, Known known, const Surroundings& around, Timestamp now) {
  TransferProcess& p = t.next;
  const Pending pending = *p.pending;
  p.pending.reset();
  p.updated = now;
  if (p.peer_pid.empty() && !peer_pid.empty()) p.peer_pid = ProcessId(peer_pid);
  if (p.state == State::terminated) {
    // Ended while our request was under way: now the peer can be told.
    if (pending.kind == MessageKind::request && !p.peer_pid.empty()) {
      send(t, MessageKind::termination, State::terminated, around, now, p.reason.value_or(Reason{}));
    }
    return {std::move(t), Next::done};
  }
  if (pending.kind == MessageKind::suspension) {
    plan(t, Event::suspended, around, now);
    return {std::move(t), Next::done};
  }
  const bool was_suspended = p.state == State::suspended;
  if (pending.kind == MessageKind::start) {
    // Only a 2xx says that the peer has this start's handle: one that never heard of our suspension was started all along (D27).
    if (p.newest_handle && (known == Known::answered || !p.acked_handle)) p.acked_handle = p.newest_handle;
    p.suspended_by_us = false;
  }
  // Our completion and the peer's suspension crossed: it had gone on, or it could not have taken it.
  if (was_suspended && pending.kind == MessageKind::completion) enter(t, State::started, now);
  enter(t, pending.target, now);
  p.delivered_unconfirmed = known == Known::assumed;
  if (const auto event = event_of(pending.target, was_suspended)) plan(t, *event, around, now);
  return {std::move(t), Next::done};
}

/// The peer has ended the process, or will not have our message.
DeliveryStep ended_by_peer(Transition t, Reason reason, bool tell, const Surroundings& around, Timestamp now) {
  TransferProcess& p = t.next;
  p.pending.reset();
  p.updated = now;
  if (p.state == State::terminated) return {std::move(t), Next::done};
  p.reason = std::move(reason);
  p.reason_is_ours = false;
  enter(t, State::terminated, now);
  if (tell && !p.peer_pid.empty()) {
    send(t, MessageKind::termination, State::terminated, around, now,
         {"refused-by-peer", {"a message of this transfer was refused"}});
  }
  return {std::move(t), Next::done};
}

/// A refused resumption, completion or suspension changes nothing: the transfer stays as it is, with the reason.
/// `seen`: the peer's state, where it shows one.
DeliveryStep refused(Transition t, const outbox::SendOutcome& refusal, std::optional<State> seen, const Surroundings& around, Timestamp now) {
  TransferProcess& p = t.next;
  const bool starts = p.pending->kind == MessageKind::start;
  const bool first_start = starts && p.state == State::requested;
  if (first_start || p.pending->kind == MessageKind::request) {
    return ended_by_peer(std::move(t), refusal.reason, first_start, around, now);
  }
  p.pending.reset();
  p.updated = now;
  if (starts && p.suspended_by_us && seen && *seen != State::suspended) {
    // The resumption took the place of our suspension before the peer had it: it is suspended here, and has to be there.
    send(t, MessageKind::suspension, State::suspended, around, now, p.reason.value_or(Reason{}));
    return {std::move(t), Next::done};
  }
  p.reason = refusal.reason;
  p.reason_is_ours = false;
  return {std::move(t), Next::done};
}

Transition attempted(const TransferProcess& before, const std::string& answer, Timestamp now, Timestamp retry_at) {
  Transition t;
  t.next = before;
  outbox::Delivery& delivery = t.next.pending->delivery;
  ++delivery.attempts;
  delivery.last_attempt = now;
  delivery.next_attempt = retry_at;
  delivery.last_answer = answer;
  return t;
}

/// Whether the peer's state shows that it has our message. A start and a suspension can follow each other again, but
/// not while one of ours is pending. A peer that is suspended has had our first start, and has suspended it since.
bool shows_arrival(State seen, const TransferProcess& process) {
  switch (process.pending->kind) {
    case MessageKind::request: return true;
    case MessageKind::start:
      return seen == State::started || (seen == State::suspended && process.state == State::requested);
    case MessageKind::suspension: return seen == State::suspended;
    case MessageKind::completion: return seen == State::completed;
    case MessageKind::termination: return seen == State::terminated;
  }
  return false;
}

}  // namespace

DeliveryStep on_sent(const TransferProcess& before, const outbox::SendOutcome& outcome, bool resend,
                     const Surroundings& around, Timestamp now, Timestamp retry_at) {
  Transition t = attempted(before, outcome.answer, now, retry_at);
  outbox::Delivery& delivery = t.next.pending->delivery;
  switch (outcome.kind) {
    case Kind::delivered: return adopt(std::move(t), outcome.peer_pid, Known::answered, around, now);
    case Kind::never_sent: return {std::move(t), Next::retry};
    case Kind::unknown: delivery.uncertain = true; return {std::move(t), Next::retry};
    case Kind::transient:
      delivery.uncertain = true;
      if (delivery.attempts < kTransientLimit) return {std::move(t), Next::retry};
      break;
    case Kind::refused: break;
  }
  if (t.next.pending->kind == MessageKind::termination) return adopt(std::move(t), {}, Known::seen, around, now);
  if (!t.next.peer_pid.empty()) return {std::move(t), Next::read_peer};
  if (resend && outcome.wrong_state) return adopt(std::move(t), {}, Known::assumed, around, now);
  return ended_by_peer(std::move(t), outcome.reason, false, around, now);
}

DeliveryStep on_peer_state(const TransferProcess& before, const outbox::PeerView& view,
                           const std::optional<outbox::SendOutcome>& refusal, bool resend, const Surroundings& around,
                           Timestamp now, Timestamp retry_at) {
  Transition t;
  t.next = before;
  const std::optional<State> seen =
      view.kind == outbox::PeerView::Kind::seen ? state_from(view.state) : std::nullopt;
  if (seen) {
    if (shows_arrival(*seen, t.next)) return adopt(std::move(t), {}, Known::seen, around, now);
    if (seen == State::completed && t.next.state && !is_final(*t.next.state)) {
      const bool starts = t.next.pending->kind == MessageKind::start;
      t.next.pending.reset();
      if (starts && t.next.state != State::started) enter(t, State::started, now);  // or the peer could not have completed it
      enter(t, State::completed, now);
      return {std::move(t), Next::done};
    }
    if (seen == State::terminated) {
      return ended_by_peer(std::move(t), {"ended-by-peer", {"the other party has ended this transfer"}}, false, around,
                           now);
    }
    if (refusal) return refused(std::move(t), *refusal, seen, around, now);
    return {std::move(t), Next::send};
  }
  if (view.kind == outbox::PeerView::Kind::unreadable) {
    if (!refusal) return {std::move(t), Next::send};
    // A peer that has suspended the transfer since cannot have taken our completion.
    const bool paused = t.next.pending->kind == MessageKind::completion && t.next.state == State::suspended;
    if (resend && refusal->wrong_state && !paused) return adopt(std::move(t), {}, Known::assumed, around, now);
    return refused(std::move(t), *refusal, std::nullopt, around, now);
  }
  if (!refusal) t = attempted(before, view.answer, now, retry_at);
  t.next.pending->delivery.uncertain = true;
  t.next.pending->delivery.next_attempt = retry_at;
  return {std::move(t), Next::retry};
}

}  // namespace sluis::transfer
