#include "connector/negotiation/machine.hpp"
#include "connector/negotiation/steps.hpp"

/// What we do of ourselves, whoever decided it: a person, the script, or time.
namespace sluis::negotiation {
namespace {

/// The message that an act sends.
std::optional<MessageKind> message_of(Act act) {
  switch (act) {
    case Act::offer: return MessageKind::offer;
    case Act::counter: return MessageKind::request;
    case Act::accept: return MessageKind::accepted;
    case Act::agree: return MessageKind::agreement;
    case Act::verify: return MessageKind::verification;
    case Act::finalize: return MessageKind::finalized;
    case Act::nothing: case Act::terminate: return std::nullopt;
  }
  return std::nullopt;
}

/// Other terms than those that the negotiation is about now.
Result<void> put_terms(Negotiation& n, const json::Value& offer, const ParticipantId& self) {
  const bool provider = n.role == Role::provider;
  if (offer.is_null()) return Error(ErrorCode::invalid_argument, provider ? "nothing is on offer" : "nothing was asked for");
  SLUIS_TRY(NormalOffer normal, normalise_offer(offer, n.dataset, provider ? self : n.peer, provider ? n.peer : self));
  n.offer = std::move(normal.offer);
  n.offer_hash = normal.hash;
  return {};
}

}  // namespace

std::optional<Transition> on_timer(const Negotiation& before, const Surroundings& around, Timestamp now) {
  if (before.deadline && now >= *before.deadline) {
    Result<Transition> t =
        terminate(before, {"deadline", {"the negotiation was not concluded by " + format_time(*before.deadline)}}, around,
                  now);
    if (!t) return std::nullopt;
    return std::move(*t);
  }
  if (!before.planned || now < before.planned->due) return std::nullopt;
  const bool refused = around.judgement.kind == Judgement::Kind::refuse;
  Result<Transition> t = refused                    ? terminate(before, around.judgement.reason, around, now)
                         : around.judgement.reserved ? Result<Transition>(Error(ErrorCode::invalid_state, "a person has to decide"))
                                                     : take(before, before.planned->act, around, now);
  if (t) return std::move(*t);
  Transition left;
  left.next = before;
  left.next.planned.reset();
  left.next.for_steward = true;
  left.next.updated = now;
  return left;
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

Result<Transition> take(const Negotiation& before, Act act, const Surroundings& around, Timestamp now) {
  if (act == Act::terminate) return terminate(before, {"policy", {"this node does not go on with this negotiation"}}, around, now);
  const std::optional<MessageKind> kind = message_of(act);
  const Role other = before.role == Role::provider ? Role::consumer : Role::provider;
  const std::optional<State> target = kind && before.state ? next_state(other, before.state, *kind) : std::nullopt;
  if (!target || before.pending) {
    return Error(ErrorCode::invalid_state, "`" + std::string(kActNames.at(static_cast<std::size_t>(act))) +
                                               "` does not follow while the negotiation is `" +
                                               std::string(to_string(visible_state(before))) + "`");
  }
  Transition t;
  t.next = before;
  t.next.planned.reset();
  t.next.for_steward = false;
  t.next.updated = now;
  if (act == Act::offer) {
    SLUIS_CHECK(put_terms(t.next, around.published, around.self));
    t.next.published_hash = t.next.offer_hash;
  }
  if (act == Act::counter) SLUIS_CHECK(put_terms(t.next, before.asked, around.self));
  if (act == Act::agree) {
    SLUIS_CHECK(send_agreement(t, around, now));
  } else if (act == Act::finalize) {
    SLUIS_CHECK(finalize(t, around, now));
  } else {
    send(t, *kind, *target, around, now);
  }
  return t;
}

Result<Transition> counter(const Negotiation& before, const json::Value& offer, const Surroundings& around, Timestamp now) {
  const bool provider = before.role == Role::provider;
  const std::optional<State> at = before.pending ? std::nullopt : before.state;
  if (at != (provider ? State::requested : State::offered)) {
    return Error(ErrorCode::invalid_state, "other terms are proposed where a request or an offer waits for an answer of ours; the negotiation is `" +
                                               std::string(to_string(visible_state(before))) + "`");
  }
  Transition t;
  t.next = before;
  t.next.for_steward = false;
  t.next.updated = now;
  SLUIS_CHECK(put_terms(t.next, offer, around.self));
  if (t.next.offer_hash == before.offer_hash) {
    return Error(ErrorCode::invalid_argument, "these are the terms that the other party proposed").at_pointer("/offer").mended_by("approve agrees to them");
  }
  t.next.published_hash.reset();
  if (!provider && t.next.asked.is_null()) t.next.asked = t.next.offer;
  send(t, provider ? MessageKind::offer : MessageKind::request, provider ? State::offered : State::requested, around, now);
  return t;
}

Result<Transition> approve(const Negotiation& before, const Surroundings& around, Timestamp now) {
  const std::optional<Act> act = waits_for(before) == WaitsFor::steward && before.state ? usual_act(before.role, *before.state) : std::nullopt;
  if (!act) {
    return Error(ErrorCode::invalid_state, "the negotiation does not wait for a decision here; it is `" +
                                               std::string(to_string(visible_state(before))) + "`");
  }
  return take(before, *act, around, now);
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
