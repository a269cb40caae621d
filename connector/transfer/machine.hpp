#pragma once

#include "connector/negotiation/script.hpp"
#include "connector/transfer/model.hpp"

#include <vector>

namespace sluis::transfer {

/// Where the data are and what opens them, as a Start of the provider says; of a push, where they go, as the request says.
struct DataAddress {
  std::string endpoint;
  std::string handle;  ///< or kHandleMark; empty: nothing is said of what opens it
  std::string auth_type = {};  ///< of a push: how the handle is shown
  std::string claim = {};      ///< of a push: the consumer's signed claim
};

struct IncomingMessage {
  MessageKind kind = MessageKind::request;
  ParticipantId from;
  ProcessId own_pid;        ///< the process it was sent to; empty in a request
  ProcessId named_own_pid;  ///< our id, as the body has it; empty where it has none
  ProcessId peer_pid;
  std::string callback_url;
  AgreementId agreement;
  std::string format;
  std::optional<DataAddress> address;  ///< of a Start, or of the request of a push
  Reason reason;
  Hash bytes{};
};

/// What the machine cannot know by itself. All ids are fresh.
struct Surroundings {
  ProcessId fresh_pid;
  std::string message_id;
  DatasetId dataset;          ///< of the agreement, for a request
  std::string data_endpoint;  ///< the provider's, for a Start
  std::string sealed_handle;  ///< of the address that came in; empty: it had no handle
  const negotiation::ScriptEntry* script = nullptr;  ///< what the stewards had written down for such a process
};

struct OutboundMessage {
  MessageKind kind = MessageKind::request;
  std::string id;
  Role role = Role::consumer;
  ProcessId own_pid;
  ProcessId peer_pid;
  ParticipantId peer;
  std::string peer_url;
  AgreementId agreement;
  std::string format;
  std::optional<DataAddress> address;
  Reason reason;
};

struct Transition {
  enum class Reply : std::uint8_t { none, ok, created };
  TransferProcess next;
  Reply reply = Reply::none;
  bool changed = true;  ///< false: a repeated request; nothing is to be committed
  std::optional<OutboundMessage> message;
  std::vector<State> events;
};

/// Errors: invalid_state, invalid_argument, not_found, as in negotiation/machine.hpp. A transfer that we suspended as
/// its provider is resumed by us only.
Result<Transition> receive(const std::optional<TransferProcess>& before, const IncomingMessage& message,
                           const Surroundings& around, Timestamp now);

/// As in negotiation/machine.hpp.
struct DeliveryStep {
  enum class Next : std::uint8_t { done, retry, read_peer, send };
  Transition transition;
  Next next = Next::done;
};
DeliveryStep on_sent(const TransferProcess& before, const outbox::SendOutcome& outcome, bool resend,
                     const Surroundings& around, Timestamp now, Timestamp retry_at);
DeliveryStep on_peer_state(const TransferProcess& before, const outbox::PeerView& view,
                           const std::optional<outbox::SendOutcome>& refusal, bool resend, const Surroundings& around,
                           Timestamp now, Timestamp retry_at);

/// What a consumer asks for that wants the data sent to it.
struct PushRequest {
  std::string endpoint;  ///< where they are to go
  std::string purpose;   ///< IRI
  std::string activity;  ///< URI
  std::string claim;     ///< signed, for the transfer `Surroundings::fresh_pid`
  std::string person = {};  ///< who asks for it; stays here
};
/// Our request under an agreement. `push` none: a pull.
Transition begin(const ParticipantId& peer, std::string peer_url, const AgreementId& agreement, const DatasetId& dataset,
                 const Surroundings& around, Timestamp now, std::optional<PushRequest> push = std::nullopt);
/// Provider: another try of a push begins, and none follows before `next`. invalid_state: it is not to be pushed now.
Result<Transition> begin_push(const TransferProcess& before, Timestamp next, Timestamp now);
/// Provider: a try failed, and no other begins before `next`. invalid_state: it is not to be pushed now.
Result<Transition> put_off_push(const TransferProcess& before, Timestamp next, Timestamp now);
/// Provider: all of it was taken. Completes the transfer; where that cannot be now, only notes it. A completion that comes to nothing is due again
/// at `next`. invalid_state: no push of ours.
Result<Transition> end_push(const TransferProcess& before, Timestamp next, const Surroundings& around, Timestamp now);
/// Provider: ends what is still to be pushed. invalid_state: it is not, as it was suspended or ended meanwhile.
Result<Transition> fail_push(const TransferProcess& before, Reason reason, const Surroundings& around, Timestamp now);
/// Suspension and termination take effect at once, resumption and completion when the peer has them. invalid_state.
Result<Transition> suspend(const TransferProcess& before, Reason reason, const Surroundings& around, Timestamp now);
Result<Transition> resume(const TransferProcess& before, const Surroundings& around, Timestamp now);
Result<Transition> complete(const TransferProcess& before, const Surroundings& around, Timestamp now);
Result<Transition> terminate(const TransferProcess& before, Reason reason, const Surroundings& around, Timestamp now);

/// A step of ours. invalid_state: as of the above.
Result<Transition> take(const TransferProcess& before, Act act, const Surroundings& around, Timestamp now);
/// What was planned is due: taken, or given up where it cannot be done any more. None: it is not the time.
std::optional<Transition> on_timer(const TransferProcess& before, const Surroundings& around, Timestamp now);

/// Whether a party in `role` may get `kind` in `state`, and the state that follows (DSP 2025-1, section 8).
std::optional<State> next_state(Role role, std::optional<State> state, MessageKind kind);

/// The words of `[[transfer]]` in a script.
const negotiation::ScriptWords& script_words();

/// Provider: another handle for the next send. The newest and the acknowledged stay valid, others do not (D27).
TransferProcess with_handle(const TransferProcess& before, const Hash& handle, Timestamp now);
/// Provider: whether a handle with this hash opens the data now. Before the answer to a Start is known, its use proves
/// that the Start arrived.
bool opens(const TransferProcess& process, const Hash& handle);

}  // namespace sluis::transfer
