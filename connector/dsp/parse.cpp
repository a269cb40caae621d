#include "connector/base/limits.hpp"
#include "connector/dsp/forms.hpp"
#include "connector/dsp/wire.hpp"

#include <algorithm>
#include <array>

namespace sluis::dsp {
namespace {

using json::Value;

Error wrong(std::string message, std::string pointer) {
  return Error(ErrorCode::invalid_argument, std::move(message)).at_pointer(std::move(pointer));
}

/// DSP 2025-1, section 4.1: an array of strings that holds DSP's context; others may stand beside it.
Result<void> check_context(const Value& value) {
  const Value* context = value.find("@context");
  if (!context) return wrong("`@context` is missing", "");
  const json::Array* urls = context->if_array();
  if (!urls) return wrong("`@context` must be an array, it is " + std::string(context->kind()), "/@context");
  bool found = false;
  for (std::size_t i = 0; i < urls->size(); ++i) {
    const std::string* url = (*urls)[i].if_string();
    if (!url) return wrong("`@context` must hold strings only", json::pointer_to("/@context", i));
    found = found || *url == kContext;
  }
  if (!found) return wrong("`@context` does not name `" + std::string(kContext) + "`", "/@context");
  return {};
}

Result<std::string> id(const Value& value, std::string_view key, std::string_view pointer = "") {
  SLUIS_TRY(std::string text, json::required_string(value, key, pointer));
  if (text.empty() || text.size() > limits::kIdBytes) {
    return wrong("`" + std::string(key) + "` is empty or longer than 512 bytes", json::pointer_to(pointer, key));
  }
  return text;
}

Result<std::string> optional_id(const Value& value, std::string_view key, std::string_view pointer = "") {
  if (!value.find(key)) return std::string();
  return id(value, key, pointer);
}

/// In an error an id may be empty: there may be no process yet.
Result<std::string> id_or_none(const Value& value, std::string_view key) {
  const Value* found = value.find(key);
  if (found != nullptr && found->if_string() != nullptr && found->if_string()->empty()) return std::string();
  return optional_id(value, key);
}

template <class T>
Result<void> pids(const Value& value, T& out) {
  SLUIS_TRY(out.provider_pid, id(value, "providerPid"));
  SLUIS_TRY(out.consumer_pid, id(value, "consumerPid"));
  return {};
}

/// `code` and `reason`: both may be left out; an entry of `reason` may be any value, which is kept as text.
Result<outbox::Reason> reason(const Value& value) {
  outbox::Reason out;
  SLUIS_TRY(const std::optional<std::string> code, json::optional_string(value, "code"));
  out.code = code.value_or("");
  const Value* entries = value.find("reason");
  if (!entries) return out;
  const json::Array* array = entries->if_array();
  if (!array) return wrong("`reason` must be an array, it is " + std::string(entries->kind()), "/reason");
  for (const Value& entry : *array) {
    out.sentences.push_back(entry.if_string() ? *entry.if_string() : json::serialise(entry));
  }
  return outbox::bounded(std::move(out));
}

/// An offer or agreement: its type and identity are checked here, its terms by `policy/`.
Result<Value> policy(const Value& value, std::string_view key, std::string_view type) {
  const std::string pointer = json::pointer_to("", key);
  const Value* found = value.find(key);
  if (!found) return wrong("`" + std::string(key) + "` is missing", "");
  if (!found->if_object()) {
    return wrong("`" + std::string(key) + "` must be an object, it is " + std::string(found->kind()), pointer);
  }
  SLUIS_TRY(const std::string got, json::required_string(*found, "@type", pointer));
  if (got != type) return wrong("`@type` is `" + got + "`, not `" + std::string(type) + "`", pointer + "/@type");
  SLUIS_CHECK(id(*found, "@id", pointer));
  SLUIS_CHECK(id(*found, "target", pointer));
  return *found;
}

/// Just one of the two.
Result<void> either(const Value& value, std::string_view a, std::string_view b) {
  if ((value.find(a) != nullptr) != (value.find(b) != nullptr)) return {};
  return wrong("just one of `" + std::string(a) + "` and `" + std::string(b) + "` must be there", "");
}

Result<std::optional<DataAddress>> data_address(const Value& value) {
  const Value* found = value.find("dataAddress");
  if (!found) return std::optional<DataAddress>();
  constexpr std::string_view pointer = "/dataAddress";
  DataAddress out;
  SLUIS_TRY(const std::string type, json::required_string(*found, "@type", pointer));
  if (type != "DataAddress") return wrong("`@type` is `" + type + "`, not `DataAddress`", "/dataAddress/@type");
  SLUIS_TRY(out.endpoint_type, id(*found, "endpointType", pointer));
  SLUIS_TRY(const std::optional<std::string> endpoint, json::optional_string(*found, "endpoint", pointer));
  out.endpoint = endpoint.value_or("");
  const Value* properties = found->find("endpointProperties");
  if (!properties) return std::optional<DataAddress>(std::move(out));
  const json::Array* array = properties->if_array();
  if (!array) return wrong("`endpointProperties` must be an array", "/dataAddress/endpointProperties");
  for (std::size_t i = 0; i < array->size(); ++i) {
    const std::string place = json::pointer_to("/dataAddress/endpointProperties", i);
    EndpointProperty property;
    SLUIS_TRY(property.name, json::required_string((*array)[i], "name", place));
    SLUIS_TRY(property.value, json::required_string((*array)[i], "value", place));
    out.properties.push_back(std::move(property));
  }
  return std::optional<DataAddress>(std::move(out));
}

Result<Message> catalog_request(const Value& value) {
  const Value* filter = value.find("filter");
  const bool empty = !filter || filter->is_null() || (filter->if_array() && filter->if_array()->empty());
  if (!empty) return wrong("a `filter` is not supported", "/filter");
  return Message(CatalogRequestMessage{});
}
Result<Message> dataset_request(const Value& value) {
  SLUIS_TRY(std::string dataset, id(value, "dataset"));
  return Message(DatasetRequestMessage{std::move(dataset)});
}
Result<Message> contract_request(const Value& value) {
  ContractRequestMessage out;
  SLUIS_CHECK(either(value, "callbackAddress", "providerPid"));
  SLUIS_TRY(out.consumer_pid, id(value, "consumerPid"));
  SLUIS_TRY(out.provider_pid, optional_id(value, "providerPid"));
  SLUIS_TRY(out.callback_address, optional_id(value, "callbackAddress"));
  SLUIS_TRY(out.offer, policy(value, "offer", "Offer"));
  return Message(std::move(out));
}
Result<Message> contract_offer(const Value& value) {
  ContractOfferMessage out;
  SLUIS_CHECK(either(value, "callbackAddress", "consumerPid"));
  SLUIS_TRY(out.provider_pid, id(value, "providerPid"));
  SLUIS_TRY(out.consumer_pid, optional_id(value, "consumerPid"));
  SLUIS_TRY(out.callback_address, optional_id(value, "callbackAddress"));
  SLUIS_TRY(out.offer, policy(value, "offer", "Offer"));
  return Message(std::move(out));
}
Result<Message> contract_agreement(const Value& value) {
  ContractAgreementMessage out;
  SLUIS_CHECK(pids(value, out));
  SLUIS_TRY(out.agreement, policy(value, "agreement", "Agreement"));
  return Message(std::move(out));
}
Result<Message> negotiation_event(const Value& value) {
  ContractNegotiationEventMessage out;
  SLUIS_CHECK(pids(value, out));
  SLUIS_TRY(const std::string event, json::required_string(value, "eventType"));
  if (event != "ACCEPTED" && event != "FINALIZED") return wrong("`" + event + "` is no event", "/eventType");
  out.finalized = event == "FINALIZED";
  return Message(std::move(out));
}
template <class T>
Result<Message> only_pids(const Value& value) {
  T out;
  SLUIS_CHECK(pids(value, out));
  return Message(std::move(out));
}
template <class T>
Result<Message> pids_and_reason(const Value& value) {
  T out;
  SLUIS_CHECK(pids(value, out));
  SLUIS_TRY(out.reason, reason(value));
  return Message(std::move(out));
}
template <class T, class States>
Result<Message> process(const Value& value, const States& states) {
  T out;
  SLUIS_CHECK(pids(value, out));
  SLUIS_TRY(const std::string name, json::required_string(value, "state"));
  for (const auto state : states) {
    if (state_name(state) != name) continue;
    out.state = state;
    return Message(std::move(out));
  }
  return wrong("`" + name + "` is no state", "/state");
}
Result<Message> contract_negotiation(const Value& value) {
  return process<ContractNegotiation>(value, negotiation::kStates);
}
Result<Message> transfer_process(const Value& value) { return process<TransferProcess>(value, transfer::kStates); }
Result<Message> transfer_request(const Value& value) {
  TransferRequestMessage out;
  SLUIS_TRY(out.consumer_pid, id(value, "consumerPid"));
  SLUIS_TRY(out.agreement_id, id(value, "agreementId"));
  SLUIS_TRY(out.format, id(value, "format"));
  SLUIS_TRY(out.callback_address, id(value, "callbackAddress"));
  SLUIS_TRY(out.data_address, data_address(value));
  return Message(std::move(out));
}
Result<Message> transfer_start(const Value& value) {
  TransferStartMessage out;
  SLUIS_CHECK(pids(value, out));
  SLUIS_TRY(out.data_address, data_address(value));
  return Message(std::move(out));
}
template <ErrorMessage::Of of>
Result<Message> error(const Value& value) {
  ErrorMessage out;
  out.of = of;
  SLUIS_TRY(out.provider_pid, id_or_none(value, "providerPid"));
  SLUIS_TRY(out.consumer_pid, id_or_none(value, "consumerPid"));
  SLUIS_TRY(out.reason, reason(value));
  return Message(std::move(out));
}
template <bool catalog>
Result<Message> description(const Value& value) {
  return Message(Description{catalog, value});
}

struct Row {
  std::string_view type;
  Result<Message> (*read)(const Value&);
};
constexpr std::array<Row, 20> kTypes = {{
    {"CatalogRequestMessage", catalog_request},
    {"DatasetRequestMessage", dataset_request},
    {"ContractRequestMessage", contract_request},
    {"ContractOfferMessage", contract_offer},
    {"ContractAgreementMessage", contract_agreement},
    {"ContractAgreementVerificationMessage", only_pids<ContractAgreementVerificationMessage>},
    {"ContractNegotiationEventMessage", negotiation_event},
    {"ContractNegotiationTerminationMessage", pids_and_reason<ContractNegotiationTerminationMessage>},
    {"ContractNegotiation", contract_negotiation},
    {"TransferRequestMessage", transfer_request},
    {"TransferStartMessage", transfer_start},
    {"TransferCompletionMessage", only_pids<TransferCompletionMessage>},
    {"TransferSuspensionMessage", pids_and_reason<TransferSuspensionMessage>},
    {"TransferTerminationMessage", pids_and_reason<TransferTerminationMessage>},
    {"TransferProcess", transfer_process},
    {"CatalogError", error<ErrorMessage::Of::catalog>},
    {"ContractNegotiationError", error<ErrorMessage::Of::negotiation>},
    {"TransferError", error<ErrorMessage::Of::transfer>},
    {"Catalog", description<true>},
    {"Dataset", description<false>},
}};

}  // namespace

Result<Message> parse(const Value& value) {
  if (!value.if_object()) return wrong("a message must be an object, it is " + std::string(value.kind()), "");
  Value message = value;
  SLUIS_CHECK(compact(message));
  SLUIS_CHECK(check_context(message));
  SLUIS_TRY(const std::string type, json::required_string(message, "@type"));
  const auto* row = std::find_if(kTypes.begin(), kTypes.end(), [&](const Row& r) { return r.type == type; });
  if (row == kTypes.end()) return wrong("`" + type + "` is no message of this protocol", "/@type");
  return row->read(message);
}

Error unexpected_type(std::string_view wanted, std::string_view got) {
  return wrong("the message is a `" + std::string(got) + "`, where a `" + std::string(wanted) + "` was expected",
               "/@type");
}

std::optional<transfer::DataAddress> DataAddress::read() const {
  constexpr std::string_view edc = "https://w3id.org/edc/v0.0.1/ns/";
  transfer::DataAddress out;
  out.endpoint = endpoint;
  for (const EndpointProperty& property : properties) {
    std::string_view name = property.name;
    if (name.starts_with(edc)) name.remove_prefix(edc.size());
    if (name == "authorization") out.handle = property.value;
    if (name == "authType") out.auth_type = property.value;
    if (name == kClaimProperty) out.claim = property.value;
    if (name == "endpoint" && out.endpoint.empty()) out.endpoint = property.value;
  }
  if (out.endpoint.empty()) return std::nullopt;
  return out;
}

}  // namespace sluis::dsp
