#include "connector/crypto/crypto.hpp"
#include "connector/dsp/answers.hpp"

namespace sluis::dsp {
namespace {

using negotiation::IncomingMessage;
using Kind = negotiation::MessageKind;
constexpr auto kOf = ErrorMessage::Of::negotiation;

DatasetId target_of(const json::Value& policy) {
  const json::Value* target = policy.find("target");
  return DatasetId(target && target->if_string() ? *target->if_string() : std::string());
}

/// Our id and the sender's, by the role in which we get such a message.
void as_provider(IncomingMessage& out, const std::string& provider, const std::string& consumer) {
  out.named_own_pid = ProcessId(provider);
  out.peer_pid = ProcessId(consumer);
}
void as_consumer(IncomingMessage& out, const std::string& provider, const std::string& consumer) {
  out.named_own_pid = ProcessId(consumer);
  out.peer_pid = ProcessId(provider);
}

Result<void> read_request(const json::Value& body, IncomingMessage& out) {
  SLUIS_TRY(ContractRequestMessage m, parse_as<ContractRequestMessage>(body));
  out.kind = Kind::request;
  as_provider(out, m.provider_pid, m.consumer_pid);
  out.callback_url = std::move(m.callback_address);
  out.dataset = target_of(m.offer);
  out.offer = std::move(m.offer);
  return {};
}
Result<void> read_offer(const json::Value& body, IncomingMessage& out) {
  SLUIS_TRY(ContractOfferMessage m, parse_as<ContractOfferMessage>(body));
  out.kind = Kind::offer;
  as_consumer(out, m.provider_pid, m.consumer_pid);
  out.callback_url = std::move(m.callback_address);
  out.dataset = target_of(m.offer);
  out.offer = std::move(m.offer);
  return {};
}
Result<void> read_agreement(const json::Value& body, IncomingMessage& out) {
  SLUIS_TRY(ContractAgreementMessage m, parse_as<ContractAgreementMessage>(body));
  out.kind = Kind::agreement;
  as_consumer(out, m.provider_pid, m.consumer_pid);
  out.agreement = std::move(m.agreement);
  return {};
}
Result<void> read_verification(const json::Value& body, IncomingMessage& out) {
  SLUIS_TRY(const ContractAgreementVerificationMessage m, parse_as<ContractAgreementVerificationMessage>(body));
  out.kind = Kind::verification;
  as_provider(out, m.provider_pid, m.consumer_pid);
  return {};
}
Result<void> read_event(const json::Value& body, IncomingMessage& out) {
  SLUIS_TRY(const ContractNegotiationEventMessage m, parse_as<ContractNegotiationEventMessage>(body));
  out.kind = m.finalized ? Kind::finalized : Kind::accepted;
  m.finalized ? as_consumer(out, m.provider_pid, m.consumer_pid) : as_provider(out, m.provider_pid, m.consumer_pid);
  return {};
}
Result<void> read_termination(const json::Value& body, IncomingMessage& out) {
  SLUIS_TRY(ContractNegotiationTerminationMessage m, parse_as<ContractNegotiationTerminationMessage>(body));
  out.kind = Kind::termination;
  // Either party sends it: ours is the id that the path has.
  const bool provider = m.provider_pid == out.own_pid.str();
  provider ? as_provider(out, m.provider_pid, m.consumer_pid) : as_consumer(out, m.provider_pid, m.consumer_pid);
  out.reason = std::move(m.reason);
  return {};
}

struct Row {
  std::string_view action;
  Result<void> (*read)(const json::Value&, IncomingMessage&);
};
constexpr Row kFirst[] = {{"request", read_request}, {"offers", read_offer}};
constexpr Row kActions[] = {{"request", read_request},
                            {"offers", read_offer},
                            {"agreement", read_agreement},
                            {"agreement/verification", read_verification},
                            {"events", read_event},
                            {"termination", read_termination}};

Result<IncomingMessage> read(const RouteDependencies& with, const ParticipantId& from, std::string_view rest,
                             const std::string& body) {
  IncomingMessage out;
  out.from = from;
  out.bytes = crypto::sha256(body);
  const Row* row = nullptr;
  for (const Row& first : kFirst) {
    if (first.action == rest) row = &first;
  }
  if (!row) {
    ProcessPath path = split(rest);
    for (const Row& candidate : kActions) {
      if (candidate.action == path.action) row = &candidate;
    }
    out.own_pid = ProcessId(std::move(path.pid));
  }
  if (!row) return Error(ErrorCode::not_found, "there is no such path");
  const Result<json::Value> value = json::parse(body);
  if (!value) return Error(ErrorCode::invalid_argument, describe(value.error()));
  SLUIS_CHECK(row->read(*value, out));
  if (out.own_pid.empty() != !out.callback_url.empty() && (out.kind == Kind::request || out.kind == Kind::offer)) {
    return Error(ErrorCode::invalid_argument, "`callbackAddress` belongs to a first message, and only there");
  }
  if (!out.callback_url.empty()) SLUIS_CHECK(check_callback(with, from, out.callback_url));
  return out;
}

ContractNegotiation on_wire(const negotiation::Negotiation& n, negotiation::State state) {
  if (n.role == negotiation::Role::consumer) return {n.peer_pid.str(), n.own_pid.str(), state};
  return {n.own_pid.str(), n.peer_pid.str(), state};
}

}  // namespace

http::Response negotiation_message(const RouteDependencies& with, const ParticipantId& from, std::string_view rest,
                                   const std::string& body) {
  Result<IncomingMessage> message = read(with, from, rest, body);
  if (!message) return refusal(kOf, message.error(), pids_in(body));
  if (message->kind == Kind::termination) {
    if (const auto process = with.negotiations.shown_to(from, message->own_pid); process) {  // else the service says what is wrong
      if (const auto placed = check_places(process->role, message->own_pid, pids_in(body)); !placed) return refusal(kOf, placed.error(), pids_in(body));
    }
  }
  const Result<negotiation::Reply> done = with.negotiations.receive(std::move(*message));
  if (!done) return refusal(kOf, done.error(), pids_in(body));
  if (!done->created) return {200, {}, {}, {}};
  // What the message led to; where that has gone on by now, the next message says so.
  const bool provider = done->negotiation.role == negotiation::Role::provider;
  return reply(201, on_wire(done->negotiation,
                            provider ? negotiation::State::requested : negotiation::State::offered));
}

http::Response negotiation_state(const RouteDependencies& with, const ParticipantId& from, std::string_view pid) {
  const Result<negotiation::Negotiation> found = with.negotiations.shown_to(from, ProcessId(std::string(pid)));
  if (!found) return refusal(kOf, found.error(), {std::string(pid), {}});  // as DSP's paths have it
  return reply(200, on_wire(*found, negotiation::visible_state(*found)));
}

}  // namespace sluis::dsp
