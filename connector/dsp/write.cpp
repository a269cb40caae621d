#include "connector/dsp/wire.hpp"

#include <array>

namespace sluis::dsp {
namespace {

using json::Value;

Value head(std::string_view type) {
  return json::object({{"@context", json::array({Value(kContext)})}, {"@type", type}});
}
void set_if(Value& value, std::string_view key, const std::string& text) {
  if (!text.empty()) value.set(key, text);
}
void set_pids(Value& value, const std::string& provider, const std::string& consumer) {
  set_if(value, "providerPid", provider);
  set_if(value, "consumerPid", consumer);
}
void set_reason(Value& value, const outbox::Reason& reason) {
  set_if(value, "code", reason.code);
  if (reason.sentences.empty()) return;
  json::Array sentences;
  for (const std::string& sentence : reason.sentences) sentences.emplace_back(sentence);
  value.set("reason", std::move(sentences));
}
Value address(const DataAddress& from) {
  Value value = json::object({{"@type", "DataAddress"}, {"endpointType", from.endpoint_type}});
  set_if(value, "endpoint", from.endpoint);
  if (from.properties.empty()) return value;
  json::Array properties;
  for (const EndpointProperty& property : from.properties) {
    properties.push_back(
        json::object({{"@type", "EndpointProperty"}, {"name", property.name}, {"value", property.value}}));
  }
  value.set("endpointProperties", std::move(properties));
  return value;
}

struct Writer {
  Value value;

  void operator()(const CatalogRequestMessage&) {}
  void operator()(const DatasetRequestMessage& m) { value.set("dataset", m.dataset); }
  void operator()(const ContractRequestMessage& m) {
    set_pids(value, m.provider_pid, m.consumer_pid);
    value.set("offer", m.offer);
    set_if(value, "callbackAddress", m.callback_address);
  }
  void operator()(const ContractOfferMessage& m) {
    set_pids(value, m.provider_pid, m.consumer_pid);
    value.set("offer", m.offer);
    set_if(value, "callbackAddress", m.callback_address);
  }
  void operator()(const ContractAgreementMessage& m) {
    set_pids(value, m.provider_pid, m.consumer_pid);
    value.set("agreement", m.agreement);
  }
  void operator()(const ContractAgreementVerificationMessage& m) { set_pids(value, m.provider_pid, m.consumer_pid); }
  void operator()(const ContractNegotiationEventMessage& m) {
    set_pids(value, m.provider_pid, m.consumer_pid);
    value.set("eventType", m.finalized ? "FINALIZED" : "ACCEPTED");
  }
  void operator()(const ContractNegotiationTerminationMessage& m) { with_reason(m); }
  void operator()(const ContractNegotiation& m) {
    set_pids(value, m.provider_pid, m.consumer_pid);
    value.set("state", state_name(m.state));
  }
  void operator()(const TransferRequestMessage& m) {
    value.set("consumerPid", m.consumer_pid);
    value.set("agreementId", m.agreement_id);
    value.set("format", m.format);
    if (m.data_address) value.set("dataAddress", address(*m.data_address));
    value.set("callbackAddress", m.callback_address);
  }
  void operator()(const TransferStartMessage& m) {
    set_pids(value, m.provider_pid, m.consumer_pid);
    if (m.data_address) value.set("dataAddress", address(*m.data_address));
  }
  void operator()(const TransferCompletionMessage& m) { set_pids(value, m.provider_pid, m.consumer_pid); }
  void operator()(const TransferSuspensionMessage& m) { with_reason(m); }
  void operator()(const TransferTerminationMessage& m) { with_reason(m); }
  void operator()(const TransferProcess& m) {
    set_pids(value, m.provider_pid, m.consumer_pid);
    value.set("state", state_name(m.state));
  }
  void operator()(const ErrorMessage& m) {
    if (m.of != ErrorMessage::Of::catalog) {  // the schema wants both, also where there is none yet
      value.set("providerPid", m.provider_pid);
      value.set("consumerPid", m.consumer_pid);
    }
    set_reason(value, m.reason);
  }
  void operator()(const Description& m) { value = m.body; }

 private:
  template <class T>
  void with_reason(const T& m) {
    set_pids(value, m.provider_pid, m.consumer_pid);
    set_reason(value, m.reason);
  }
};

struct Namer {
  std::string_view operator()(const CatalogRequestMessage&) const { return "CatalogRequestMessage"; }
  std::string_view operator()(const DatasetRequestMessage&) const { return "DatasetRequestMessage"; }
  std::string_view operator()(const ContractRequestMessage&) const { return "ContractRequestMessage"; }
  std::string_view operator()(const ContractOfferMessage&) const { return "ContractOfferMessage"; }
  std::string_view operator()(const ContractAgreementMessage&) const { return "ContractAgreementMessage"; }
  std::string_view operator()(const ContractAgreementVerificationMessage&) const {
    return "ContractAgreementVerificationMessage";
  }
  std::string_view operator()(const ContractNegotiationEventMessage&) const {
    return "ContractNegotiationEventMessage";
  }
  std::string_view operator()(const ContractNegotiationTerminationMessage&) const {
    return "ContractNegotiationTerminationMessage";
  }
  std::string_view operator()(const ContractNegotiation&) const { return "ContractNegotiation"; }
  std::string_view operator()(const TransferRequestMessage&) const { return "TransferRequestMessage"; }
  std::string_view operator()(const TransferStartMessage&) const { return "TransferStartMessage"; }
  std::string_view operator()(const TransferCompletionMessage&) const { return "TransferCompletionMessage"; }
  std::string_view operator()(const TransferSuspensionMessage&) const { return "TransferSuspensionMessage"; }
  std::string_view operator()(const TransferTerminationMessage&) const { return "TransferTerminationMessage"; }
  std::string_view operator()(const TransferProcess&) const { return "TransferProcess"; }
  std::string_view operator()(const ErrorMessage& m) const {
    switch (m.of) {
      case ErrorMessage::Of::catalog: return "CatalogError";
      case ErrorMessage::Of::negotiation: return "ContractNegotiationError";
      case ErrorMessage::Of::transfer: break;
    }
    return "TransferError";
  }
  std::string_view operator()(const Description& m) const { return m.catalog ? "Catalog" : "Dataset"; }
};

}  // namespace

std::string_view type_name(const Message& message) { return std::visit(Namer{}, message); }

json::Value write(const Message& message) {
  Writer writer{head(type_name(message))};
  std::visit(writer, message);
  return std::move(writer.value);
}

std::string_view state_name(negotiation::State state) {
  constexpr std::array<std::string_view, 7> names = {"REQUESTED", "OFFERED",   "ACCEPTED",  "AGREED",
                                                     "VERIFIED",  "FINALIZED", "TERMINATED"};
  return names.at(static_cast<std::size_t>(state));
}

std::string_view state_name(transfer::State state) {
  constexpr std::array<std::string_view, 5> names = {"REQUESTED", "STARTED", "SUSPENDED", "COMPLETED", "TERMINATED"};
  return names.at(static_cast<std::size_t>(state));
}

}  // namespace sluis::dsp
