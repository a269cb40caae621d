#include "connector/crypto/crypto.hpp"
#include "connector/dsp/answers.hpp"

namespace sluis::dsp {
namespace {

using transfer::IncomingMessage;
using Kind = transfer::MessageKind;
constexpr auto kOf = ErrorMessage::Of::transfer;

/// Either party may send it: ours is the id that the path has.
template <class T>
void take_pids(const T& m, IncomingMessage& out) {
  const bool provider = m.provider_pid == out.own_pid.str();
  out.named_own_pid = ProcessId(provider ? m.provider_pid : m.consumer_pid);
  out.peer_pid = ProcessId(provider ? m.consumer_pid : m.provider_pid);
}

Result<void> read_request(const json::Value& body, IncomingMessage& out) {
  SLUIS_TRY(TransferRequestMessage m, parse_as<TransferRequestMessage>(body));
  out.kind = Kind::request;
  out.peer_pid = ProcessId(std::move(m.consumer_pid));
  out.agreement = AgreementId(std::move(m.agreement_id));
  out.format = std::move(m.format);
  out.callback_url = std::move(m.callback_address);
  if (out.format == transfer::kHttpPush && m.data_address) out.address = m.data_address->read();
  return {};
}
Result<void> read_start(const json::Value& body, IncomingMessage& out) {
  SLUIS_TRY(const TransferStartMessage m, parse_as<TransferStartMessage>(body));
  out.kind = Kind::start;
  take_pids(m, out);
  if (!m.data_address) return {};
  out.address = m.data_address->read();
  if (out.address) return {};
  return Error(ErrorCode::invalid_argument, "the address has no endpoint").at_pointer("/dataAddress").mended_by("give `endpoint`");
}
Result<void> read_completion(const json::Value& body, IncomingMessage& out) {
  SLUIS_TRY(const TransferCompletionMessage m, parse_as<TransferCompletionMessage>(body));
  out.kind = Kind::completion;
  take_pids(m, out);
  return {};
}
Result<void> read_suspension(const json::Value& body, IncomingMessage& out) {
  SLUIS_TRY(const TransferSuspensionMessage m, parse_as<TransferSuspensionMessage>(body));
  out.kind = Kind::suspension;
  take_pids(m, out);
  out.reason = m.reason;
  return {};
}
Result<void> read_termination(const json::Value& body, IncomingMessage& out) {
  SLUIS_TRY(const TransferTerminationMessage m, parse_as<TransferTerminationMessage>(body));
  out.kind = Kind::termination;
  take_pids(m, out);
  out.reason = m.reason;
  return {};
}

struct Row {
  std::string_view action;
  Result<void> (*read)(const json::Value&, IncomingMessage&);
};
constexpr Row kActions[] = {{"start", read_start},
                            {"completion", read_completion},
                            {"suspension", read_suspension},
                            {"termination", read_termination}};

Result<IncomingMessage> read(const RouteDependencies& with, const ParticipantId& from, std::string_view rest,
                             const std::string& body) {
  IncomingMessage out;
  out.from = from;
  out.bytes = crypto::sha256(body);
  Result<void> (*reader)(const json::Value&, IncomingMessage&) = rest == "request" ? read_request : nullptr;
  if (!reader) {
    ProcessPath path = split(rest);
    for (const Row& row : kActions) {
      if (row.action == path.action) reader = row.read;
    }
    out.own_pid = ProcessId(std::move(path.pid));
  }
  if (!reader) return Error(ErrorCode::not_found, "there is no such path");
  const Result<json::Value> value = json::parse(body);
  if (!value) return Error(ErrorCode::invalid_argument, describe(value.error()));
  SLUIS_CHECK(reader(*value, out));
  if (!out.callback_url.empty()) SLUIS_CHECK(check_callback(with, from, out.callback_url));
  if (out.kind == Kind::request && out.address && !with.origin_allowed(from, out.address->endpoint)) {
    return Error(ErrorCode::invalid_argument, "the membership list has no endpoint of yours at the origin of `" + out.address->endpoint + "`")
        .at_pointer("/dataAddress/endpoint");
  }
  return out;
}

TransferProcess on_wire(const transfer::TransferProcess& p, transfer::State state) {
  if (p.role == negotiation::Role::consumer) return {p.peer_pid.str(), p.own_pid.str(), state};
  return {p.own_pid.str(), p.peer_pid.str(), state};
}

}  // namespace

http::Response transfer_message(const RouteDependencies& with, const ParticipantId& from, std::string_view rest,
                                const std::string& body) {
  Result<IncomingMessage> message = read(with, from, rest, body);
  if (!message) return refusal(kOf, message.error(), pids_in(body));
  if (const auto process = with.transfers.shown_to(from, message->own_pid); process) {  // else the service says what is wrong
    if (const auto placed = check_places(process->role, message->own_pid, pids_in(body)); !placed) return refusal(kOf, placed.error(), pids_in(body));
  }
  const Result<transfer::Reply> done = with.transfers.receive(std::move(*message));
  if (!done) return refusal(kOf, done.error(), pids_in(body));
  if (!done->created) return {200, {}, {}, {}};
  return reply(201, on_wire(done->process, transfer::State::requested));
}

http::Response transfer_state(const RouteDependencies& with, const ParticipantId& from, std::string_view pid) {
  const Result<transfer::TransferProcess> found = with.transfers.shown_to(from, ProcessId(std::string(pid)));
  if (!found) return refusal(kOf, found.error(), {std::string(pid), {}});  // as DSP's paths have it
  return reply(200, on_wire(*found, transfer::visible_state(*found)));
}

}  // namespace sluis::dsp
