#include "connector/transfer/model.hpp"

#include "connector/outbox/due.hpp"
#include "connector/outbox/keys.hpp"

#include <array>

namespace sluis::transfer {
namespace {

constexpr std::array<std::string_view, 5> kStateNames = {"requested", "started", "suspended", "completed",
                                                         "terminated"};
constexpr std::array<std::string_view, 5> kKindNames = {"request", "start", "suspension", "completion", "termination"};

Error damaged(std::string_view key) {
  return Error(ErrorCode::corruption, "a stored transfer has no readable `" + std::string(key) + "`")
      .at_pointer(json::pointer_to("", key));
}

std::optional<MessageKind> kind_from(std::string_view text) {
  for (const MessageKind kind : kMessageKinds) {
    if (to_string(kind) == text) return kind;
  }
  return std::nullopt;
}

Result<std::optional<Pending>> read_pending(const json::Value& record) {
  const json::Value* value = record.find("pending");
  if (!value) return std::optional<Pending>();
  SLUIS_TRY(const std::string kind_text, json::required_string(*value, "kind"));
  SLUIS_TRY(const std::string target_text, json::required_string(*value, "target"));
  const std::optional<MessageKind> kind = kind_from(kind_text);
  const std::optional<State> target = state_from(target_text);
  const json::Value* delivery = value->find("delivery");
  if (!kind || !target || !delivery) return damaged("pending");
  Pending pending;
  pending.kind = *kind;
  pending.target = *target;
  SLUIS_TRY(pending.delivery, outbox::delivery_from_json(*delivery));
  return std::optional<Pending>(std::move(pending));
}

Result<void> read_ids(const json::Value& value, TransferProcess& out) {
  SLUIS_TRY(out.role, negotiation::stored_role(value));
  SLUIS_TRY(std::string own, json::required_string(value, "own_pid"));
  out.own_pid = ProcessId(std::move(own));
  SLUIS_TRY(std::string theirs, json::required_string(value, "peer_pid"));
  out.peer_pid = ProcessId(std::move(theirs));
  SLUIS_TRY(std::string peer, json::required_string(value, "peer"));
  out.peer = ParticipantId(std::move(peer));
  SLUIS_TRY(out.peer_url, json::required_string(value, "peer_url"));
  SLUIS_TRY(std::string agreement, json::required_string(value, "agreement"));
  out.agreement = AgreementId(std::move(agreement));
  SLUIS_TRY(std::string dataset, json::required_string(value, "dataset"));
  out.dataset = DatasetId(std::move(dataset));
  SLUIS_TRY(out.format, json::required_string(value, "format"));
  return {};
}

Result<void> read_handles(const json::Value& value, TransferProcess& out) {
  SLUIS_TRY(out.newest_handle, outbox::optional_hash(value, "newest_handle"));
  SLUIS_TRY(out.acked_handle, outbox::optional_hash(value, "acked_handle"));
  SLUIS_TRY(out.first_message, outbox::optional_hash(value, "first_message"));
  SLUIS_TRY(out.endpoint, json::required_string(value, "endpoint"));
  SLUIS_TRY(const std::string sealed, json::required_string(value, "sealed_handle"));
  SLUIS_TRY(out.sealed_handle, from_base64(sealed));
  return {};
}

json::Value to_json(const Push& push) {
  json::Value value = json::object({{"claim", push.claim}, {"auth_type", push.auth_type}, {"purpose", push.purpose}, {"activity", push.activity},
                                    {"tries", static_cast<std::int64_t>(push.tries)}, {"sent", push.sent}});
  if (!push.person.empty()) value.set("person", push.person);
  if (push.next) value.set("next", outbox::time_value(*push.next));
  return value;
}

Result<std::optional<Push>> read_push(const json::Value& record) {
  const json::Value* value = record.find("push");
  if (!value) return std::optional<Push>();
  Push push;
  SLUIS_TRY(push.claim, json::required_string(*value, "claim"));
  SLUIS_TRY(push.auth_type, json::required_string(*value, "auth_type"));
  SLUIS_TRY(push.purpose, json::required_string(*value, "purpose"));
  SLUIS_TRY(push.activity, json::required_string(*value, "activity"));
  SLUIS_TRY(std::optional<std::string> person, json::optional_string(*value, "person"));
  push.person = std::move(person).value_or("");
  SLUIS_TRY(const std::uint64_t tries, json::required_count(*value, "tries"));
  if (tries > UINT32_MAX) return damaged("push");
  push.tries = static_cast<std::uint32_t>(tries);
  push.sent = outbox::flag(*value, "sent");
  if (value->find("next")) {
    SLUIS_TRY(push.next, outbox::required_time(*value, "next"));
  }
  return std::optional<Push>(std::move(push));
}

}  // namespace

std::string_view to_string(State state) { return kStateNames.at(static_cast<std::size_t>(state)); }
std::string_view to_string(MessageKind kind) { return kKindNames.at(static_cast<std::size_t>(kind)); }
std::optional<State> state_from(std::string_view text) {
  for (const State state : kStates) {
    if (to_string(state) == text) return state;
  }
  return std::nullopt;
}

std::string encode(const TransferProcess& p) {
  json::Value value = json::object({{"role", negotiation::to_string(p.role)},
                                    {"own_pid", p.own_pid.str()},
                                    {"peer_pid", p.peer_pid.str()},
                                    {"peer", p.peer.str()},
                                    {"peer_url", p.peer_url},
                                    {"agreement", p.agreement.str()},
                                    {"dataset", p.dataset.str()},
                                    {"format", p.format},
                                    {"delivered_unconfirmed", p.delivered_unconfirmed},
                                    {"suspended_by_us", p.suspended_by_us},
                                    {"suspended_by_script", p.suspended_by_script},
                                    {"endpoint", p.endpoint},
                                    {"sealed_handle", to_base64(p.sealed_handle)},
                                    {"created", outbox::time_value(p.created)},
                                    {"updated", outbox::time_value(p.updated)}});
  if (p.state) value.set("state", to_string(*p.state));
  if (p.pending) {
    value.set("pending", json::object({{"kind", to_string(p.pending->kind)},
                                       {"target", to_string(p.pending->target)},
                                       {"delivery", to_json(p.pending->delivery)}}));
  }
  if (p.push) value.set("push", to_json(*p.push));
  if (p.planned) value.set("planned", negotiation::to_json<Act>(*p.planned, kActNames));
  if (p.reason) {
    value.set("reason", to_json(*p.reason));
    value.set("reason_is_ours", p.reason_is_ours);
  }
  if (p.newest_handle) value.set("newest_handle", to_hex(*p.newest_handle));
  if (p.acked_handle) value.set("acked_handle", to_hex(*p.acked_handle));
  if (p.first_message) value.set("first_message", to_hex(*p.first_message));
  return json::serialise(value);
}

Result<TransferProcess> decode_transfer(std::string_view bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  TransferProcess out;
  SLUIS_CHECK(read_ids(value, out));
  SLUIS_CHECK(read_handles(value, out));
  SLUIS_TRY(const std::optional<std::string> state, json::optional_string(value, "state"));
  if (state) {
    out.state = state_from(*state);
    if (!out.state) return damaged("state");
  }
  SLUIS_TRY(out.pending, read_pending(value));
  SLUIS_TRY(out.push, read_push(value));
  if (out.push.has_value() != (out.format == kHttpPush)) return damaged("push");
  SLUIS_TRY(out.planned, negotiation::read_planned<Act>(value, kActNames));
  out.delivered_unconfirmed = outbox::flag(value, "delivered_unconfirmed");
  out.suspended_by_us = outbox::flag(value, "suspended_by_us");
  out.suspended_by_script = outbox::flag(value, "suspended_by_script");
  if (const json::Value* reason = value.find("reason")) {
    SLUIS_TRY(Reason read, outbox::reason_from_json(*reason));
    out.reason = std::move(read);
    out.reason_is_ours = outbox::flag(value, "reason_is_ours");
  }
  SLUIS_TRY(out.created, outbox::required_time(value, "created"));
  SLUIS_TRY(out.updated, outbox::required_time(value, "updated"));
  return out;
}

State visible_state(const TransferProcess& process) { return process.state.value_or(State::requested); }

bool may_follow(Role role, Event event, Act act) {
  if (act == Act::nothing || act == Act::terminate) return true;
  switch (event) {
    case Event::requested: return act == Act::start && role == Role::provider;
    case Event::started: return act == Act::suspend || act == Act::complete;
    case Event::resumed: return act == Act::complete;  // another suspension would go round for ever
    case Event::suspended: return act == Act::start;
  }
  return false;
}

bool is_to_be_pushed(const TransferProcess& process) { return is_push_due(process) && !process.push->sent; }

bool is_push_due(const TransferProcess& process) {
  return process.push && process.role == Role::provider && process.state == State::started && !process.pending;
}

std::string without_query(std::string_view url) { return std::string(url.substr(0, url.find_first_of("?#"))); }

std::string push_key(const TransferProcess& process) { return outbox::due_key(kPushPrefix, process.push->next.value_or(Timestamp{}), process.own_pid.str()); }
std::string transfer_key(const ProcessId& own_pid) {
  return std::string(kTransferPrefix) + outbox::key_part(own_pid.str());
}
std::string peer_key(const ParticipantId& peer, const ProcessId& peer_pid) {
  return "xfer-peer/" + outbox::key_part(peer.str()) + "/" + outbox::key_part(peer_pid.str());
}
std::string agreement_prefix(const AgreementId& agreement) {
  return "xfer-agr/" + outbox::key_part(agreement.str()) + "/";
}
std::string handle_key(const Hash& hash) { return "handle/" + to_hex(hash); }

}  // namespace sluis::transfer
