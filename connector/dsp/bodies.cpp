#include "connector/dsp/client.hpp"
#include "connector/dsp/wire.hpp"

/// The wire form of our own messages.
namespace sluis::dsp {
namespace {

constexpr std::string_view kHttpEndpoint = "https://w3id.org/idsa/v4.1/HTTP";

struct Pids {
  std::string provider;
  std::string consumer;
};
template <class Outbound>
Pids pids_of(const Outbound& m) {
  if (m.role == negotiation::Role::consumer) return {m.peer_pid.str(), m.own_pid.str()};
  return {m.own_pid.str(), m.peer_pid.str()};
}

/// In a message an offer says what it is about.
json::Value with_target(json::Value offer, const DatasetId& dataset) {
  offer.set("target", dataset.str());
  return offer;
}

Message message_of(const negotiation::OutboundMessage& m, const std::string& callback) {
  using Kind = negotiation::MessageKind;
  Pids pids = pids_of(m);
  const std::string callback_address = m.peer_pid.empty() ? callback : std::string();
  switch (m.kind) {
    case Kind::request:
      return ContractRequestMessage{pids.consumer, pids.provider, callback_address, with_target(m.offer, m.dataset)};
    case Kind::offer:
      return ContractOfferMessage{pids.provider, pids.consumer, callback_address, with_target(m.offer, m.dataset)};
    case Kind::accepted: return ContractNegotiationEventMessage{pids.provider, pids.consumer, false};
    case Kind::finalized: return ContractNegotiationEventMessage{pids.provider, pids.consumer, true};
    case Kind::agreement: return ContractAgreementMessage{pids.provider, pids.consumer, m.agreement};
    case Kind::verification: return ContractAgreementVerificationMessage{pids.provider, pids.consumer};
    case Kind::termination: break;
  }
  return ContractNegotiationTerminationMessage{pids.provider, pids.consumer, m.reason};
}

DataAddress address_of(const transfer::DataAddress& from) {
  return {std::string(kHttpEndpoint),
          from.endpoint,
          {{"authorization", from.handle}, {"authType", "bearer"}}};
}

/// Where a consumer wants the data sent.
DataAddress push_to(const transfer::DataAddress& to) {
  DataAddress out{std::string(kHttpEndpoint), to.endpoint, {}};
  if (!to.claim.empty()) out.properties.push_back({std::string(kClaimProperty), to.claim});
  return out;
}

Message message_of(const transfer::OutboundMessage& m, const std::string& callback) {
  using Kind = transfer::MessageKind;
  Pids pids = pids_of(m);
  switch (m.kind) {
    case Kind::request:
      return TransferRequestMessage{pids.consumer, m.agreement.str(), m.format, callback, m.address ? std::optional(push_to(*m.address)) : std::nullopt};
    case Kind::start: {
      TransferStartMessage start{pids.provider, pids.consumer, std::nullopt};
      if (m.address) start.data_address = address_of(*m.address);
      return start;
    }
    case Kind::suspension: return TransferSuspensionMessage{pids.provider, pids.consumer, m.reason};
    case Kind::completion: return TransferCompletionMessage{pids.provider, pids.consumer};
    case Kind::termination: break;
  }
  return TransferTerminationMessage{pids.provider, pids.consumer, m.reason};
}

}  // namespace

std::string Client::body(const negotiation::OutboundMessage& message) const {
  return json::serialise(write(message_of(message, options_.callback_url)));
}

std::string Client::body(const transfer::OutboundMessage& message) const {
  return json::serialise(write(message_of(message, options_.callback_url)));
}

}  // namespace sluis::dsp
