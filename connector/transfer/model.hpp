#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/ids.hpp"
#include "connector/base/time.hpp"
#include "connector/negotiation/model.hpp"
#include "connector/negotiation/planned.hpp"
#include "connector/outbox/outcome.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

/// Giving access under an agreement: the domain of DSP 2025-1 section 8, without its wire names.
namespace sluis::transfer {

using negotiation::Role;
using outbox::Reason;

enum class State : std::uint8_t { requested, started, suspended, completed, terminated };
enum class MessageKind : std::uint8_t { request, start, suspension, completion, termination };
/// What a script may have something to say to: the state that a process has just come to; `resumed` where it was suspended before.
enum class Event : std::uint8_t { requested, started, suspended, resumed };
/// What a node does of itself.
enum class Act : std::uint8_t { nothing, start, suspend, complete, terminate };

inline constexpr State kStates[] = {State::requested, State::started, State::suspended, State::completed,
                                    State::terminated};
inline constexpr MessageKind kMessageKinds[] = {MessageKind::request, MessageKind::start, MessageKind::suspension,
                                                MessageKind::completion, MessageKind::termination};

inline constexpr std::array<std::string_view, 4> kEventNames = {"requested", "started", "suspended", "resumed"};
inline constexpr std::array<std::string_view, 5> kActNames = {"nothing", "start", "suspend", "complete", "terminate"};

std::string_view to_string(State state);
std::string_view to_string(MessageKind kind);
std::optional<State> state_from(std::string_view text);
inline bool is_final(State state) { return state == State::completed || state == State::terminated; }

inline constexpr std::string_view kHttpPull = "HttpData-PULL";
inline constexpr std::string_view kHttpPush = "HttpData-PUSH";
/// Stands in a Start message for the handle, which is made anew for each send (D27).
inline constexpr std::string_view kHandleMark = "@sluis-handle@";

struct Pending {
  MessageKind kind = MessageKind::request;
  State target = State::requested;
  outbox::Delivery delivery;
  friend bool operator==(const Pending&, const Pending&) = default;
};

/// Of a transfer that the provider sends without being asked again (decision 32).
struct Push {
  std::string claim = {};       ///< the consumer's signed claim for the whole transfer; empty: it sent none
  std::string auth_type = {};   ///< provider: how the handle is shown, as `bearer`; empty: there is no handle
  std::string purpose = {};     ///< consumer: as claimed
  std::string activity = {};    ///< consumer: likewise
  std::string person = {};      ///< consumer: who asked for it, until the transfer is over
  std::uint32_t tries = 0;         ///< provider: so many were begun
  std::optional<Timestamp> next = {};   ///< provider: none begins earlier
  bool sent = false;               ///< provider: all was taken, so it is never sent again
  friend bool operator==(const Push&, const Push&) = default;
};

/// One transfer, in either role. Stored as JSON at `xfer/<own pid>`.
struct TransferProcess {
  Role role = Role::consumer;
  ProcessId own_pid;
  ProcessId peer_pid;           ///< empty until the peer has named it
  ParticipantId peer;
  std::string peer_url;
  AgreementId agreement;
  DatasetId dataset;
  std::string format = std::string(kHttpPull);
  std::optional<State> state;   ///< none: our request has not been taken yet
  std::optional<Pending> pending;
  std::optional<negotiation::Planned<Act>> planned;  ///< what the script has us do, and when; none while a message is pending
  bool delivered_unconfirmed = false;
  bool suspended_by_us = false;
  bool suspended_by_script = false;  ///< so a script may have it go on, too; never what a person or the peer suspended
  std::optional<Reason> reason;
  bool reason_is_ours = false;
  std::optional<Hash> newest_handle;  ///< provider: SHA-256 of the handle sent last
  std::optional<Hash> acked_handle;   ///< provider: of the one that the consumer acknowledged last
  std::string endpoint;               ///< consumer of a pull: where the data are; either party of a push: where they go
  std::string sealed_handle;          ///< what opens that, where we are not the one who made it: as of crypto::seal under the node's key, bound to `own_pid`
  std::optional<Push> push;           ///< set for kHttpPush, and only then
  std::optional<Hash> first_message;
  Timestamp created;
  Timestamp updated;

  friend bool operator==(const TransferProcess&, const TransferProcess&) = default;
};

std::string encode(const TransferProcess& process);
/// corruption: not what `encode` wrote.
Result<TransferProcess> decode_transfer(std::string_view bytes);
State visible_state(const TransferProcess& process);
/// Whether a script may have that done after that event (DSP 2025-1, section 8); a transfer can be ended at any time, and be left alone.
bool may_follow(Role role, Event event, Act act);

inline constexpr std::string_view kTransferPrefix = "xfer/";
inline constexpr std::string_view kDuePrefix = "xfer-due/";  ///< the index of outbox/due.hpp
inline constexpr std::string_view kPushPrefix = "xfer-push/";  ///< `<16 hex digits of microseconds>/<own pid>`: a provider has to send it, not before then
/// Whether a provider has to send it: it runs, nothing is under way that ends it, and it was not sent.
bool is_to_be_pushed(const TransferProcess& process);
/// Whether it stands under kPushPrefix: that, or it was sent and runs all the same, as its completion could not be said or was refused.
bool is_push_due(const TransferProcess& process);
/// An address as it is shown and recorded: origin and path, as what stands behind them may be secret.
std::string without_query(std::string_view url);
std::string push_key(const TransferProcess& process);
std::string transfer_key(const ProcessId& own_pid);
std::string peer_key(const ParticipantId& peer, const ProcessId& peer_pid);
/// The transfers of an agreement: `<prefix><own pid>`.
std::string agreement_prefix(const AgreementId& agreement);
/// `handle/<64 hex digits>` -> own pid.
std::string handle_key(const Hash& hash);

}  // namespace sluis::transfer
