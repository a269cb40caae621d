#pragma once

#include "connector/base/time.hpp"
#include "connector/json/json.hpp"
#include "connector/negotiation/machine.hpp"
#include "connector/transfer/machine.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The messages of the Dataspace Protocol 2025-1 in compact form: the only place that knows their names (D18).
namespace sluis::dsp {

inline constexpr std::string_view kContext = "https://w3id.org/dspace/2025/1/context.jsonld";
inline constexpr std::string_view kVersion = "2025-1";

struct CatalogRequestMessage {};
struct DatasetRequestMessage { std::string dataset; };
struct ContractRequestMessage {
  std::string consumer_pid;
  std::string provider_pid;      ///< of a counter-offer; else `callback_address`
  std::string callback_address;
  json::Value offer;             ///< untouched
};
struct ContractOfferMessage {
  std::string provider_pid;
  std::string consumer_pid;      ///< of a counter-offer; else `callback_address`
  std::string callback_address;
  json::Value offer;
};
struct ContractAgreementMessage {
  std::string provider_pid;
  std::string consumer_pid;
  json::Value agreement;
};
struct ContractAgreementVerificationMessage { std::string provider_pid, consumer_pid; };
struct ContractNegotiationEventMessage {
  std::string provider_pid, consumer_pid;
  bool finalized = false;        ///< else ACCEPTED
};
struct ContractNegotiationTerminationMessage {
  std::string provider_pid, consumer_pid;
  outbox::Reason reason;
};
struct ContractNegotiation {
  std::string provider_pid, consumer_pid;
  negotiation::State state = negotiation::State::requested;
};
struct EndpointProperty { std::string name, value; };
/// The name of ours under which the request of a push carries the consumer's signed claim (decision 32). Others ignore it.
inline constexpr std::string_view kClaimProperty = "sluis-claim";
struct DataAddress {
  std::string endpoint_type;
  std::string endpoint;          ///< empty: not there
  std::vector<EndpointProperty> properties;

  /// The address of a Start, or of the request of a push, whichever way it is written; none where it has no endpoint. Without an authorization its handle is empty.
  std::optional<transfer::DataAddress> read() const;
};
struct TransferRequestMessage {
  std::string consumer_pid, agreement_id, format, callback_address;
  std::optional<DataAddress> data_address;
};
struct TransferStartMessage {
  std::string provider_pid, consumer_pid;
  std::optional<DataAddress> data_address;
};
struct TransferCompletionMessage { std::string provider_pid, consumer_pid; };
struct TransferSuspensionMessage {
  std::string provider_pid, consumer_pid;
  outbox::Reason reason;
};
struct TransferTerminationMessage {
  std::string provider_pid, consumer_pid;
  outbox::Reason reason;
};
struct TransferProcess {
  std::string provider_pid, consumer_pid;
  transfer::State state = transfer::State::requested;
};
/// CatalogError, ContractNegotiationError, TransferError. An id that there is not is empty.
struct ErrorMessage {
  enum class Of : std::uint8_t { catalog, negotiation, transfer };
  Of of = Of::catalog;
  std::string provider_pid, consumer_pid;
  outbox::Reason reason;
};
/// A Catalog or Dataset: checked for its type and kept as it is.
struct Description {
  bool catalog = false;
  json::Value body;
};

using Message =
    std::variant<CatalogRequestMessage, DatasetRequestMessage, ContractRequestMessage, ContractOfferMessage,
                 ContractAgreementMessage, ContractAgreementVerificationMessage, ContractNegotiationEventMessage,
                 ContractNegotiationTerminationMessage, ContractNegotiation, TransferRequestMessage,
                 TransferStartMessage, TransferCompletionMessage, TransferSuspensionMessage,
                 TransferTerminationMessage, TransferProcess, ErrorMessage, Description>;

/// invalid_argument, with the pointer: another `@type` (named), a context without DSP's, a member that is missing, of
/// a wrong type, or not of this message, or a form that README.md does not list.
Result<Message> parse(const json::Value& value);
/// The one of that type; another message is refused by name.
template <class T>
Result<T> parse_as(const json::Value& value);

/// Compact form, with context; no empty arrays.
json::Value write(const Message& message);
/// The wire's name for a message's `@type`.
std::string_view type_name(const Message& message);
std::string_view state_name(negotiation::State state);
std::string_view state_name(transfer::State state);

Error unexpected_type(std::string_view wanted, std::string_view got);

template <class T>
Result<T> parse_as(const json::Value& value) {
  SLUIS_TRY(Message message, parse(value));
  if (T* found = std::get_if<T>(&message)) return std::move(*found);
  return unexpected_type(type_name(Message(T{})), type_name(message));
}

}  // namespace sluis::dsp
