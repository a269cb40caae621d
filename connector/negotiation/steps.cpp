#include "connector/negotiation/steps.hpp"

#include "connector/base/limits.hpp"
#include "connector/crypto/crypto.hpp"

namespace sluis::negotiation {

void send(Transition& t, MessageKind kind, State target, const Surroundings& around, Timestamp now, Reason reason) {
  Negotiation& n = t.next;
  Pending pending;
  pending.kind = kind;
  pending.target = target;
  pending.delivery.id = around.message_id;
  pending.delivery.next_attempt = now;
  n.pending = std::move(pending);
  n.planned.reset();
  OutboundMessage message;
  message.kind = kind;
  message.id = around.message_id;
  message.role = n.role;
  message.own_pid = n.own_pid;
  message.peer_pid = n.peer_pid;
  message.peer = n.peer;
  message.peer_url = n.peer_url;
  message.dataset = n.dataset;
  if (kind == MessageKind::request || kind == MessageKind::offer) message.offer = n.offer;
  if (kind == MessageKind::agreement) message.agreement = n.agreement;
  message.reason = std::move(reason);
  t.message = std::move(message);
}

Result<void> send_agreement(Transition& t, const Surroundings& around, Timestamp now) {
  Negotiation& n = t.next;
  n.agreement = make_agreement({n.offer, n.offer_hash}, around.agreement_id, n.dataset, around.self, n.peer, now);
  SLUIS_TRY(const std::string canonical, json::canonical(n.agreement));
  if (canonical.size() > limits::kPolicyBytes) {
    return Error(ErrorCode::invalid_argument, "the agreement would have more than 65536 bytes").at_pointer("/offer");
  }
  n.agreement_hash = crypto::sha256(canonical);
  send(t, MessageKind::agreement, State::agreed, around, now);
  return {};
}

bool plan(Transition& t, Event event, const Surroundings& around, Timestamp now) {
  const auto act = around.script ? around.script->after<Act>(event) : std::nullopt;
  if (!act) return false;
  if (*act == Act::nothing) {
    t.next.for_steward = usual_act(t.next.role, *t.next.state).has_value();  // where it is not our turn, it is nobody's here
  } else {
    t.next.planned = Planned<Act>{*act, now + around.script->delay};
  }
  return true;
}

Result<void> finalize(Transition& t, const Surroundings& around, Timestamp now) {
  send(t, MessageKind::finalized, State::finalized, around, now);
  return make_record(t);
}

void end_locally(Transition& t, Reason reason, const Surroundings& around, Timestamp now) {
  Negotiation& n = t.next;
  if (n.agreement_hash) t.agreement_void = reason;
  n.state = State::terminated;
  n.reason = reason;
  n.reason_is_ours = true;
  n.planned.reset();
  n.for_steward = false;
  n.delivered_unconfirmed = false;
  n.deadline.reset();
  n.updated = now;
  t.events.push_back(State::terminated);
  // Without the peer's id nothing can be addressed to its process: our first message, if it is under way, brings it.
  if (!n.peer_pid.empty()) send(t, MessageKind::termination, State::terminated, around, now, std::move(reason));
}

Result<void> make_record(Transition& t) {
  const Negotiation& n = t.next;
  AgreementRecord record;
  SLUIS_TRY(std::string id, json::required_string(n.agreement, "@id", "/agreement"));
  record.id = AgreementId(std::move(id));
  record.role = n.role;
  record.peer = n.peer;
  record.peer_url = n.peer_url;
  record.dataset = n.dataset;
  record.agreement = n.agreement;
  record.agreement_hash = n.agreement_hash.value_or(Hash{});
  record.offer_hash = n.published_hash.value_or(n.offer_hash);
  SLUIS_TRY(const std::string time, json::required_string(n.agreement, "timestamp", "/agreement"));
  SLUIS_TRY(record.timestamp, parse_time(time));
  record.negotiation = n.own_pid;
  t.agreement = std::move(record);
  return {};
}

}  // namespace sluis::negotiation
