#include "connector/transfer/machine.hpp"
#include "connector/transfer/steps.hpp"

#include <algorithm>

/// What we do of ourselves, whoever decided it: a person, the script, or time.
namespace sluis::transfer {

Transition begin(const ParticipantId& peer, std::string peer_url, const AgreementId& agreement,
                 const DatasetId& dataset, const Surroundings& around, Timestamp now, std::optional<PushRequest> push) {
  Transition t;
  TransferProcess& p = t.next;
  p.role = Role::consumer;
  p.own_pid = around.fresh_pid;
  p.peer = peer;
  p.peer_url = std::move(peer_url);
  p.agreement = agreement;
  p.dataset = dataset;
  p.created = p.updated = now;
  if (push) {
    p.format = kHttpPush;
    p.endpoint = std::move(push->endpoint);
    p.push = Push{std::move(push->claim), {}, std::move(push->purpose), std::move(push->activity), std::move(push->person)};
  }
  send(t, MessageKind::request, State::requested, around, now);
  return t;
}

Result<Transition> begin_push(const TransferProcess& before, Timestamp next, Timestamp now) {
  if (!is_to_be_pushed(before)) return wrong_state(before, "push");
  Transition t;
  t.next = before;
  t.next.updated = now;
  ++t.next.push->tries;
  t.next.push->next = next;
  return t;
}

Result<Transition> put_off_push(const TransferProcess& before, Timestamp next, Timestamp now) {
  if (!is_to_be_pushed(before)) return wrong_state(before, "push");
  Transition t;
  t.next = before;
  t.next.updated = now;
  t.next.push->next = std::max(next, before.push->next.value_or(next));
  return t;
}

Result<Transition> fail_push(const TransferProcess& before, Reason reason, const Surroundings& around, Timestamp now) {
  if (!is_to_be_pushed(before)) return wrong_state(before, "push");
  return terminate(before, std::move(reason), around, now);
}

Result<Transition> end_push(const TransferProcess& before, Timestamp next, const Surroundings& around, Timestamp now) {
  if (!before.push || before.role != Role::provider) return wrong_state(before, "push");
  Transition t;
  if (Result<Transition> over = complete(before, around, now)) {
    t = std::move(*over);
    t.next.push->next = next;
  } else {
    t.next = before;  // suspended or ended meanwhile, or the peer has just been told something
    t.next.updated = now;
  }
  t.next.push->sent = true;
  return t;
}

Result<Transition> suspend(const TransferProcess& before, Reason reason, const Surroundings& around, Timestamp now) {
  if (before.state != State::started) return wrong_state(before, "suspend");
  Transition t;
  t.next = before;
  t.next.suspended_by_us = true;
  t.next.reason = reason = outbox::bounded(std::move(reason));
  t.next.reason_is_ours = true;
  enter(t, State::suspended, now);
  send(t, MessageKind::suspension, State::suspended, around, now, std::move(reason));
  return t;
}

Result<Transition> resume(const TransferProcess& before, const Surroundings& around, Timestamp now) {
  if (before.state != State::suspended) return wrong_state(before, "resume");
  if (before.pending && before.pending->kind == MessageKind::start) return wrong_state(before, "resume");
  Transition t;
  t.next = before;
  t.next.updated = now;
  t.next.newest_handle.reset();  // the acknowledged one opens again once the start has arrived
  send(t, MessageKind::start, State::started, around, now);
  return t;
}

Result<Transition> complete(const TransferProcess& before, const Surroundings& around, Timestamp now) {
  if (before.state != State::started || before.pending) return wrong_state(before, "complete");
  Transition t;
  t.next = before;
  t.next.updated = now;
  send(t, MessageKind::completion, State::completed, around, now);
  return t;
}

Result<Transition> terminate(const TransferProcess& before, Reason reason, const Surroundings& around, Timestamp now) {
  if (before.state && is_final(*before.state)) return wrong_state(before, "terminate");
  Transition t;
  t.next = before;
  t.next.reason = reason = outbox::bounded(std::move(reason));
  t.next.reason_is_ours = true;
  enter(t, State::terminated, now);
  // Without the peer's id nothing can be addressed to its process: our request, if it is under way, brings it.
  if (!before.peer_pid.empty()) {
    send(t, MessageKind::termination, State::terminated, around, now, std::move(reason));
  }
  return t;
}

Result<Transition> take(const TransferProcess& before, Act act, const Surroundings& around, Timestamp now) {
  switch (act) {
    case Act::nothing: break;
    case Act::suspend: {
      SLUIS_TRY(Transition t, suspend(before, {"policy", {"this node pauses the transfer"}}, around, now));
      t.next.suspended_by_script = true;
      return t;
    }
    case Act::complete: return complete(before, around, now);
    case Act::terminate: return terminate(before, {"policy", {"this node does not go on with this transfer"}}, around, now);
    case Act::start: {
      if (before.state == State::suspended) return resume(before, around, now);
      if (before.role != Role::provider || before.state != State::requested || before.pending) break;
      Transition t;
      t.next = before;
      t.next.updated = now;
      send(t, MessageKind::start, State::started, around, now);
      return t;
    }
  }
  return wrong_state(before, kActNames.at(static_cast<std::size_t>(act)));
}

std::optional<Transition> on_timer(const TransferProcess& before, const Surroundings& around, Timestamp now) {
  if (!before.planned || now < before.planned->due) return std::nullopt;
  Result<Transition> t = take(before, before.planned->act, around, now);
  if (t) return std::move(*t);
  Transition given_up;
  given_up.next = before;
  given_up.next.planned.reset();
  return given_up;
}

const negotiation::ScriptWords& script_words() {
  static const negotiation::ScriptWords words{
      "transfer", "agreements", kEventNames, kActNames, [](Role role, std::size_t event, std::size_t act) {
        return may_follow(role, static_cast<Event>(event), static_cast<Act>(act));
      }};
  return words;
}

}  // namespace sluis::transfer
