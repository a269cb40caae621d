#include "connector/negotiation/machine.hpp"

#include "connector/base/limits.hpp"
#include "connector/negotiation/steps.hpp"

namespace sluis::negotiation {
namespace {

Error wrong_state(const Negotiation& n, MessageKind kind) {
  return Error(ErrorCode::invalid_state, "`" + std::string(to_string(kind)) +
                                             "` cannot be taken while the negotiation is `" +
                                             std::string(to_string(visible_state(n))) + "`");
}

std::optional<State> next_for_provider(std::optional<State> state, MessageKind kind) {
  switch (kind) {
    case MessageKind::request:
      if (!state || state == State::offered) return State::requested;
      break;
    case MessageKind::accepted:
      if (state == State::offered) return State::accepted;
      break;
    case MessageKind::verification:
      if (state == State::agreed) return State::verified;
      break;
    default: break;
  }
  return std::nullopt;
}

std::optional<State> next_for_consumer(std::optional<State> state, MessageKind kind) {
  switch (kind) {
    case MessageKind::offer:
      if (!state || state == State::requested) return State::offered;
      break;
    case MessageKind::agreement:
      if (state == State::requested || state == State::accepted) return State::agreed;
      break;
    case MessageKind::finalized:
      if (state == State::verified) return State::finalized;
      break;
    default: break;
  }
  return std::nullopt;
}

/// Takes over dataset and offer of a request or an offer.
Result<void> take_offer(Negotiation& n, const IncomingMessage& message, const ParticipantId& self) {
  const bool provider = n.role == Role::provider;
  SLUIS_TRY(NormalOffer normal, normalise_offer(message.offer, message.dataset, provider ? self : n.peer,
                                                provider ? n.peer : self));
  n.dataset = message.dataset;
  n.offer = std::move(normal.offer);
  n.offer_hash = normal.hash;
  n.published_hash.reset();
  return {};
}

/// What we do about an offer or a request that has just come in. A script has no say in what is refused, or reserved to a person.
Result<void> decide(Transition& t, const Judgement& judgement, Event event, const Surroundings& around, Timestamp now) {
  const bool published = judgement.kind == Judgement::Kind::agree || (judgement.kind == Judgement::Kind::wait && judgement.reserved);
  if (published && t.next.role == Role::provider) t.next.published_hash = judgement.offer_hash;
  if (judgement.kind != Judgement::Kind::refuse && !judgement.reserved && plan(t, event, around, now)) return {};
  switch (judgement.kind) {
    case Judgement::Kind::agree:
      if (t.next.role == Role::consumer) {
        send(t, MessageKind::accepted, State::accepted, around, now);
        return {};
      }
      return send_agreement(t, around, now);
    case Judgement::Kind::wait: t.next.for_steward = true; return {};
    case Judgement::Kind::refuse: end_locally(t, judgement.reason, around, now); return {};
  }
  return {};
}

/// The consumer's check; what does not agree with what was asked is ended with the reason.
Result<void> take_agreement(Transition& t, const IncomingMessage& message, const Surroundings& around, Timestamp now) {
  Negotiation& n = t.next;
  const Result<CheckedAgreement> checked =
      check_agreement(n.offer, n.dataset, n.peer, around.self, message.agreement, now);
  if (!checked) {
    end_locally(t, {"agreement-differs", {describe(checked.error())}}, around, now);
    return {};
  }
  // Time in terms counts from it: one of before the request is not of this agreement.
  if (checked->timestamp < std::chrono::floor<std::chrono::seconds>(n.created) - limits::kSkew) {
    end_locally(t, {"agreement-differs", {"/agreement/timestamp: the agreement's time `" + format_time(checked->timestamp) +
                                          "` is before it was asked for, at " + format_time(n.created)}}, around, now);
    return {};
  }
  n.agreement = message.agreement;
  n.agreement_hash = checked->hash;
  if (!plan(t, Event::agreed, around, now)) send(t, MessageKind::verification, State::verified, around, now);
  return {};
}

/// What follows from the state that the peer's message led to.
Result<void> follow(Transition& t, const IncomingMessage& message, const std::optional<Hash>& asked,
                    const Surroundings& around, Timestamp now) {
  Negotiation& n = t.next;
  switch (*n.state) {
    case State::requested:
      return decide(t, around.judgement, message.own_pid.empty() ? Event::requested : Event::countered, around, now);
    case State::offered:
      if (asked == n.offer_hash) return decide(t, {Judgement::Kind::agree, n.offer_hash, {}}, Event::offered, around, now);
      return decide(t, around.judgement, Event::offered, around, now);
    case State::accepted:
      if (plan(t, Event::accepted, around, now)) return {};
      return send_agreement(t, around, now);
    case State::agreed: return take_agreement(t, message, around, now);
    case State::verified:
      if (plan(t, Event::verified, around, now)) return {};
      return finalize(t, around, now);
    case State::finalized: return make_record(t);
    case State::terminated:
      n.reason = outbox::bounded(message.reason);
      n.reason_is_ours = false;
      if (n.agreement_hash) t.agreement_void = n.reason;
      return {};
  }
  return {};
}

Result<Transition> receive_first(const IncomingMessage& message, const Surroundings& around, Timestamp now) {
  if (message.kind != MessageKind::request && message.kind != MessageKind::offer) {
    return Error(ErrorCode::not_found, "a `" + std::string(to_string(message.kind)) + "` begins no negotiation");
  }
  if (message.peer_pid.empty() || message.peer_pid.str().size() > limits::kIdBytes) {
    return Error(ErrorCode::invalid_argument, "the sender's process id is empty or too long");
  }
  Transition t;
  t.reply = Transition::Reply::created;
  Negotiation& n = t.next;
  n.role = message.kind == MessageKind::request ? Role::provider : Role::consumer;
  n.own_pid = around.fresh_pid;
  n.peer_pid = message.peer_pid;
  n.peer = message.from;
  n.peer_url = message.callback_url;
  n.first_message = message.bytes;
  n.created = n.updated = now;
  n.deadline = now + around.patience;
  SLUIS_CHECK(take_offer(n, message, around.self));
  n.state = next_state(n.role, std::nullopt, message.kind);
  t.events.push_back(*n.state);
  SLUIS_CHECK(follow(t, message, std::nullopt, around, now));
  return t;
}

Result<void> check_pids(const Negotiation& n, const IncomingMessage& message) {
  if (!message.named_own_pid.empty() && message.named_own_pid != n.own_pid) {
    return Error(ErrorCode::invalid_argument,
                 "the message names process `" + message.named_own_pid.str() + "`, but was sent to another");
  }
  if (message.peer_pid.empty() || message.peer_pid.str().size() > limits::kIdBytes ||
      (!n.peer_pid.empty() && message.peer_pid != n.peer_pid)) {
    return Error(ErrorCode::invalid_argument,
                 "the sender's process id `" + message.peer_pid.str() + "` is not that of this negotiation");
  }
  return {};
}

}  // namespace

std::optional<State> next_state(Role role, std::optional<State> state, MessageKind kind) {
  if (kind == MessageKind::termination) {
    return state && !is_final(*state) ? std::optional(State::terminated) : std::nullopt;
  }
  return role == Role::provider ? next_for_provider(state, kind) : next_for_consumer(state, kind);
}

Result<Transition> receive(const std::optional<Negotiation>& before, const IncomingMessage& message,
                           const Surroundings& around, Timestamp now) {
  if (message.own_pid.empty()) {
    if (!before) return receive_first(message, around, now);
    if (before->first_message != message.bytes) {
      return Error(ErrorCode::invalid_argument,
                   "process `" + message.peer_pid.str() + "` has begun a negotiation with another message");
    }
    Transition again;
    again.next = *before;
    again.reply = Transition::Reply::created;
    again.changed = false;
    return again;
  }
  if (!before || before->peer != message.from) {
    return Error(ErrorCode::not_found, "there is no negotiation `" + message.own_pid.str() + "`");
  }
  SLUIS_CHECK(check_pids(*before, message));
  Transition t;
  t.reply = Transition::Reply::ok;
  Negotiation& n = t.next = *before;
  std::optional<State> next;
  if (n.state) next = next_state(n.role, n.state, message.kind);
  if (!next && n.pending && n.state != State::terminated) {
    // The message can only follow ours: so ours has arrived (D19).
    next = next_state(n.role, n.pending->target, message.kind);
    if (next) t.events.push_back(n.pending->target);
  }
  if (!next) return wrong_state(n, message.kind);
  const std::optional<Hash> asked = n.role == Role::consumer ? std::optional(n.offer_hash) : std::nullopt;
  n.state = next;
  n.peer_pid = message.peer_pid;
  n.pending.reset();
  n.planned.reset();
  n.for_steward = false;
  n.delivered_unconfirmed = false;
  n.updated = now;
  if (is_final(*next)) n.deadline.reset();
  t.events.push_back(*next);
  if (message.kind == MessageKind::offer && n.asked.is_null()) n.asked = n.offer;
  if (message.kind == MessageKind::request || message.kind == MessageKind::offer) n.answered = n.offer;
  if (message.kind == MessageKind::request || message.kind == MessageKind::offer) {
    SLUIS_CHECK(take_offer(n, message, around.self));
  }
  SLUIS_CHECK(follow(t, message, asked, around, now));
  return t;
}

}  // namespace sluis::negotiation
