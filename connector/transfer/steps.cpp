#include "connector/transfer/steps.hpp"

namespace sluis::transfer {

void send(Transition& t, MessageKind kind, State target, const Surroundings& around, Timestamp now, Reason reason) {
  TransferProcess& p = t.next;
  Pending pending;
  pending.kind = kind;
  pending.target = target;
  pending.delivery.id = around.message_id;
  pending.delivery.next_attempt = now;
  p.pending = std::move(pending);
  p.planned.reset();
  OutboundMessage message;
  message.kind = kind;
  message.id = around.message_id;
  message.role = p.role;
  message.own_pid = p.own_pid;
  message.peer_pid = p.peer_pid;
  message.peer = p.peer;
  message.peer_url = p.peer_url;
  message.agreement = p.agreement;
  message.format = p.format;
  if (kind == MessageKind::start && p.role == Role::provider && !p.push) {
    message.address = DataAddress{around.data_endpoint, std::string(kHandleMark)};
  }
  if (kind == MessageKind::request && p.push) message.address = DataAddress{p.endpoint, {}, {}, p.push->claim};
  message.reason = std::move(reason);
  t.message = std::move(message);
}

void enter(Transition& t, State state, Timestamp now) {
  TransferProcess& p = t.next;
  p.state = state;
  p.updated = now;
  p.planned.reset();
  p.suspended_by_script = false;
  p.delivered_unconfirmed = false;
  if (is_final(state)) {
    p.newest_handle.reset();
    p.acked_handle.reset();
    p.sealed_handle.clear();
    if (p.push) p.push->person.clear();
  }
  t.events.push_back(state);
}

std::optional<Event> event_of(State reached, bool was_suspended) {
  switch (reached) {
    case State::requested: return Event::requested;
    case State::started: return was_suspended ? Event::resumed : Event::started;
    case State::suspended: return Event::suspended;
    case State::completed: case State::terminated: return std::nullopt;
  }
  return std::nullopt;
}

bool plan(Transition& t, Event event, const Surroundings& around, Timestamp now) {
  const auto act = around.script ? around.script->after<Act>(event) : std::nullopt;
  if (!act) return false;
  if (*act == Act::start && event == Event::suspended && !t.next.suspended_by_script) return false;  // a person's word, or the peer's, stands
  if (*act != Act::nothing) t.next.planned = negotiation::Planned<Act>{*act, now + around.script->delay};
  return true;
}

TransferProcess with_handle(const TransferProcess& before, const Hash& handle, Timestamp now) {
  TransferProcess next = before;
  next.newest_handle = handle;
  next.updated = now;
  return next;
}

bool opens(const TransferProcess& process, const Hash& handle) {
  if (process.role != Role::provider) return false;
  const bool newest = process.newest_handle == handle;
  if (!newest && process.acked_handle != handle) return false;
  if (process.state == State::started) return true;
  return newest && process.pending && process.pending->kind == MessageKind::start;
}

Error wrong_state(const TransferProcess& p, std::string_view what) {
  return Error(ErrorCode::invalid_state, "`" + std::string(what) + "` cannot be taken while the transfer is `" +
                                             std::string(to_string(visible_state(p))) + "`");
}

}  // namespace sluis::transfer
