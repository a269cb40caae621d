#include "connector/negotiation/model.hpp"

#include "connector/outbox/keys.hpp"

#include <algorithm>
#include <array>

namespace sluis::negotiation {
namespace {

constexpr std::array<std::string_view, 7> kStateNames = {"requested", "offered",   "accepted",  "agreed",
                                                         "verified",  "finalized", "terminated"};
constexpr std::array<std::string_view, 7> kKindNames = {"request",      "offer",     "accepted",   "agreement",
                                                        "verification", "finalized", "termination"};

Error damaged(std::string_view key) {
  return Error(ErrorCode::corruption, "a stored negotiation has no readable `" + std::string(key) + "`")
      .at_pointer(json::pointer_to("", key));
}

json::Value pending_json(const Pending& pending) {
  return json::object({{"kind", to_string(pending.kind)},
                       {"target", to_string(pending.target)},
                       {"delivery", to_json(pending.delivery)}});
}

Result<std::optional<Pending>> read_pending(const json::Value& record) {
  const json::Value* value = record.find("pending");
  if (!value) return std::optional<Pending>();
  Pending pending;
  SLUIS_TRY(const std::string kind, json::required_string(*value, "kind"));
  const auto* found = std::find(kKindNames.begin(), kKindNames.end(), kind);
  if (found == kKindNames.end()) return damaged("pending");
  pending.kind = static_cast<MessageKind>(found - kKindNames.begin());
  SLUIS_TRY(const std::string target, json::required_string(*value, "target"));
  const std::optional<State> state = state_from(target);
  const json::Value* delivery = value->find("delivery");
  if (!state || !delivery) return damaged("pending");
  pending.target = *state;
  SLUIS_TRY(pending.delivery, outbox::delivery_from_json(*delivery));
  return std::optional<Pending>(std::move(pending));
}

Result<void> read_ids(const json::Value& value, Negotiation& out) {
  SLUIS_TRY(out.role, stored_role(value));
  SLUIS_TRY(std::string own, json::required_string(value, "own_pid"));
  out.own_pid = ProcessId(std::move(own));
  SLUIS_TRY(std::string theirs, json::required_string(value, "peer_pid"));
  out.peer_pid = ProcessId(std::move(theirs));
  SLUIS_TRY(std::string peer, json::required_string(value, "peer"));
  out.peer = ParticipantId(std::move(peer));
  SLUIS_TRY(out.peer_url, json::required_string(value, "peer_url"));
  SLUIS_TRY(std::string dataset, json::required_string(value, "dataset"));
  out.dataset = DatasetId(std::move(dataset));
  return {};
}

Result<void> read_terms(const json::Value& value, Negotiation& out) {
  const json::Value* offer = value.find("offer");
  if (!offer) return damaged("offer");
  out.offer = *offer;
  SLUIS_TRY(const std::optional<Hash> offer_hash, outbox::optional_hash(value, "offer_hash"));
  if (!offer_hash) return damaged("offer_hash");
  out.offer_hash = *offer_hash;
  SLUIS_TRY(out.published_hash, outbox::optional_hash(value, "published_hash"));
  if (const json::Value* agreement = value.find("agreement")) out.agreement = *agreement;
  SLUIS_TRY(out.agreement_hash, outbox::optional_hash(value, "agreement_hash"));
  SLUIS_TRY(out.first_message, outbox::optional_hash(value, "first_message"));
  return {};
}

}  // namespace

std::string_view to_string(Role role) { return role == Role::consumer ? "consumer" : "provider"; }
std::string_view to_string(State state) { return kStateNames.at(static_cast<std::size_t>(state)); }
std::string_view to_string(MessageKind kind) { return kKindNames.at(static_cast<std::size_t>(kind)); }
std::string_view to_string(WaitsFor waits_for) {
  constexpr std::array<std::string_view, 5> names = {"nobody", "peer", "steward", "delivery", "script"};
  return names.at(static_cast<std::size_t>(waits_for));
}
std::optional<State> state_from(std::string_view text) {
  for (const State state : kStates) {
    if (to_string(state) == text) return state;
  }
  return std::nullopt;
}

Result<Role> stored_role(const json::Value& record) {
  const json::Value* value = record.find("role");
  const std::string* text = value ? value->if_string() : nullptr;
  if (text && *text == "consumer") return Role::consumer;
  if (text && *text == "provider") return Role::provider;
  return damaged("role");
}

std::string encode(const Negotiation& n) {
  json::Value value = json::object({{"role", to_string(n.role)},
                                    {"own_pid", n.own_pid.str()},
                                    {"peer_pid", n.peer_pid.str()},
                                    {"peer", n.peer.str()},
                                    {"peer_url", n.peer_url},
                                    {"dataset", n.dataset.str()},
                                    {"offer", n.offer},
                                    {"offer_hash", to_hex(n.offer_hash)},
                                    {"delivered_unconfirmed", n.delivered_unconfirmed},
                                    {"for_steward", n.for_steward},
                                    {"created", outbox::time_value(n.created)},
                                    {"updated", outbox::time_value(n.updated)}});
  if (!n.decided_by.is_null()) value.set("decided_by", n.decided_by);
  if (n.published_hash) value.set("published_hash", to_hex(*n.published_hash));
  if (!n.agreement.is_null()) value.set("agreement", n.agreement);
  if (n.agreement_hash) value.set("agreement_hash", to_hex(*n.agreement_hash));
  if (!n.asked.is_null()) value.set("asked", n.asked);
  if (!n.answered.is_null()) value.set("answered", n.answered);
  if (n.renews) value.set("renews", n.renews->str());
  if (n.ends_renewed) value.set("ends_renewed", true);
  if (n.state) value.set("state", to_string(*n.state));
  if (n.planned) value.set("planned", to_json<Act>(*n.planned, kActNames));
  if (n.pending) value.set("pending", pending_json(*n.pending));
  if (n.reason) {
    value.set("reason", to_json(*n.reason));
    value.set("reason_is_ours", n.reason_is_ours);
  }
  if (n.first_message) value.set("first_message", to_hex(*n.first_message));
  if (n.deadline) value.set("deadline", outbox::time_value(*n.deadline));
  return json::serialise(value);
}

Result<Negotiation> decode_negotiation(std::string_view bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  Negotiation out;
  SLUIS_CHECK(read_ids(value, out));
  SLUIS_CHECK(read_terms(value, out));
  SLUIS_TRY(const std::optional<std::string> state, json::optional_string(value, "state"));
  if (state) {
    out.state = state_from(*state);
    if (!out.state) return damaged("state");
  }
  SLUIS_TRY(out.pending, read_pending(value));
  SLUIS_TRY(out.planned, read_planned<Act>(value, kActNames));
  if (const json::Value* asked = value.find("asked")) out.asked = *asked;
  if (const json::Value* answered = value.find("answered")) out.answered = *answered;
  SLUIS_TRY(std::optional<std::string> renews, json::optional_string(value, "renews"));
  if (renews) out.renews = AgreementId(std::move(*renews));
  out.ends_renewed = outbox::flag(value, "ends_renewed");
  out.delivered_unconfirmed = outbox::flag(value, "delivered_unconfirmed");
  out.for_steward = outbox::flag(value, "for_steward");
  if (const json::Value* by = value.find("decided_by")) out.decided_by = *by;
  if (const json::Value* reason = value.find("reason")) {
    SLUIS_TRY(Reason read, outbox::reason_from_json(*reason));
    out.reason = std::move(read);
    out.reason_is_ours = outbox::flag(value, "reason_is_ours");
  }
  SLUIS_TRY(out.created, outbox::required_time(value, "created"));
  SLUIS_TRY(out.updated, outbox::required_time(value, "updated"));
  SLUIS_TRY(out.deadline, outbox::optional_time(value, "deadline"));
  return out;
}

WaitsFor waits_for(const Negotiation& negotiation) {
  if (negotiation.pending) return WaitsFor::delivery;
  if (negotiation.planned) return WaitsFor::script;
  if (negotiation.state && is_final(*negotiation.state)) return WaitsFor::nobody;
  return negotiation.for_steward ? WaitsFor::steward : WaitsFor::peer;
}

State visible_state(const Negotiation& negotiation) {
  if (negotiation.state) return *negotiation.state;
  return negotiation.role == Role::consumer ? State::requested : State::offered;
}

std::string negotiation_key(const ProcessId& own_pid) {
  return std::string(kNegotiationPrefix) + outbox::key_part(own_pid.str());
}

std::string peer_key(const ParticipantId& peer, const ProcessId& peer_pid) {
  return "neg-peer/" + outbox::key_part(peer.str()) + "/" + outbox::key_part(peer_pid.str());
}

std::optional<Timestamp> due_at(const Negotiation& n) {
  if (!n.planned || !n.deadline) return n.planned ? std::optional(n.planned->due) : n.deadline;
  return std::min(n.planned->due, *n.deadline);
}

std::optional<Act> usual_act(Role role, State state) {
  switch (state) {
    case State::requested: case State::accepted: return role == Role::provider ? std::optional(Act::agree) : std::nullopt;
    case State::offered: return role == Role::consumer ? std::optional(Act::accept) : std::nullopt;
    case State::agreed: return role == Role::consumer ? std::optional(Act::verify) : std::nullopt;
    case State::verified: return role == Role::provider ? std::optional(Act::finalize) : std::nullopt;
    default: return std::nullopt;
  }
}

bool may_follow(Role role, Event event, Act act) {
  if (act == Act::nothing || act == Act::terminate) return true;
  if (role == Role::provider) {
    switch (event) {
      case Event::requested: case Event::countered: return act == Act::offer || act == Act::agree;
      case Event::accepted: return act == Act::agree;
      case Event::verified: return act == Act::finalize;
      default: return false;
    }
  }
  switch (event) {
    case Event::offered: return act == Act::accept || act == Act::counter;
    case Event::agreed: return act == Act::verify;
    default: return false;
  }
}

}  // namespace sluis::negotiation
