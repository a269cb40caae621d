#pragma once

#include "connector/negotiation/agreement.hpp"
#include "connector/negotiation/model.hpp"
#include "connector/negotiation/script.hpp"

#include <vector>

namespace sluis::negotiation {

/// A message from the peer, freed of its wire form.
struct IncomingMessage {
  MessageKind kind = MessageKind::request;
  ParticipantId from;         ///< as authenticated
  ProcessId own_pid;          ///< the process it was sent to; empty in a first message
  ProcessId named_own_pid;    ///< our id, as the body has it; empty where it has none
  ProcessId peer_pid;         ///< the sender's id
  std::string callback_url;   ///< of a first message
  DatasetId dataset;          ///< of a request or offer
  json::Value offer;          ///< of a request or offer
  json::Value agreement;
  Reason reason;              ///< of a termination
  Hash bytes{};               ///< SHA-256 of the message as received
};

/// What shall be done with an offer or a request.
struct Judgement {
  enum class Kind : std::uint8_t { agree, wait, refuse };
  Kind kind = Kind::wait;
  std::optional<Hash> offer_hash = {};  ///< agree, and reserved: of the published offer that it follows, whose words may be others
  Reason reason;      ///< refuse
  bool reserved = false;  ///< wait: for a person, whatever a script says
};

/// What the machine cannot know by itself. All ids are fresh.
struct Surroundings {
  ParticipantId self;
  ProcessId fresh_pid;
  std::string message_id;
  AgreementId agreement_id;
  Duration patience = std::chrono::days(7);  ///< a process that has not ended by then is terminated
  Judgement judgement;                       ///< of a request or offer; else unused
  const ScriptEntry* script = nullptr;       ///< what the stewards had written down for such a process
  json::Value published;                     ///< what is on offer to the peer, for Act::offer
};

/// A message for the peer, before it has its wire form.
struct OutboundMessage {
  MessageKind kind = MessageKind::request;
  std::string id;
  Role role = Role::consumer;
  ProcessId own_pid;
  ProcessId peer_pid;
  ParticipantId peer;
  std::string peer_url;
  DatasetId dataset;
  json::Value offer;
  json::Value agreement;
  Reason reason;
};

/// What a step comes to. The service turns it into one commit.
struct Transition {
  enum class Reply : std::uint8_t { none, ok, created };
  Negotiation next;
  Reply reply = Reply::none;
  bool changed = true;                     ///< false: a repeated first message; nothing is to be committed
  std::optional<OutboundMessage> message;
  std::vector<State> events;               ///< states reached, for the log
  std::optional<AgreementRecord> agreement;  ///< made with this step
  std::optional<Reason> agreement_void;      ///< the agreement of this process no longer holds
};

/// Errors: invalid_state (not in this state; a duplicate), invalid_argument (ids that do not match, other bytes under
/// the same id, an unreadable offer), not_found (no such process, or another party's).
Result<Transition> receive(const std::optional<Negotiation>& before, const IncomingMessage& message,
                           const Surroundings& around, Timestamp now);

/// What happens next with a message in the outbox.
struct DeliveryStep {
  enum class Next : std::uint8_t {
    done,       ///< commit, and take the message out of the outbox
    retry,      ///< commit; it stays
    read_peer,  ///< nothing is decided before the peer's process was read: `on_peer_state`
    send,       ///< it did not arrive: send the same bytes again
  };
  Transition transition;
  Next next = Next::done;
};

/// What a send came to. `resend`: an earlier send may have arrived.
DeliveryStep on_sent(const Negotiation& before, const outbox::SendOutcome& outcome, bool resend,
                     const Surroundings& around, Timestamp now, Timestamp retry_at);
/// What a read of the peer's process came to. `refusal`: the answer to the send that led here, if there was one.
DeliveryStep on_peer_state(const Negotiation& before, const outbox::PeerView& view,
                           const std::optional<outbox::SendOutcome>& refusal, bool resend, const Surroundings& around,
                           Timestamp now, Timestamp retry_at);
/// The deadline has passed: terminated. What was planned is due: taken, or left to the steward where it cannot be done any more. None: it
/// is not the time.
std::optional<Transition> on_timer(const Negotiation& before, const Surroundings& around, Timestamp now);

/// Our own first message: a request (consumer) or an offer (provider).
Transition begin(Role role, const ParticipantId& peer, std::string peer_url, const DatasetId& dataset,
                 const NormalOffer& offer, const Surroundings& around, Timestamp now);
/// A step of ours. invalid_state: it does not follow from where the process is, or a message of ours is still under way.
/// invalid_argument: what would be sent is too large, or there is nothing to offer or to ask for again.
Result<Transition> take(const Negotiation& before, Act act, const Surroundings& around, Timestamp now);
/// A person proposes other terms, with an offer (provider, in REQUESTED) or a request (consumer, in OFFERED). Errors as of `take`, and
/// invalid_argument where they are those that the peer proposed.
Result<Transition> counter(const Negotiation& before, const json::Value& offer, const Surroundings& around, Timestamp now);
/// The steward goes on with what waits for the steward: whatever follows without a script. invalid_state: it does not wait for that.
Result<Transition> approve(const Negotiation& before, const Surroundings& around, Timestamp now);
/// We end it, at once. invalid_state: it is final already.
Result<Transition> terminate(const Negotiation& before, Reason reason, const Surroundings& around, Timestamp now);

/// Whether a party in `role` may get `kind` in `state`, and the state that follows (DSP 2025-1, section 7).
std::optional<State> next_state(Role role, std::optional<State> state, MessageKind kind);

}  // namespace sluis::negotiation
