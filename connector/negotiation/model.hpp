#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/ids.hpp"
#include "connector/base/time.hpp"
#include "connector/json/json.hpp"
#include "connector/negotiation/planned.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

/// Agreeing on terms: the domain of DSP 2025-1 section 7, without its wire names.
namespace sluis::negotiation {

using outbox::Reason;

enum class Role : std::uint8_t { consumer, provider };
enum class State : std::uint8_t { requested, offered, accepted, agreed, verified, finalized, terminated };
enum class MessageKind : std::uint8_t { request, offer, accepted, agreement, verification, finalized, termination };
/// For whom a process waits, as `show` says.
enum class WaitsFor : std::uint8_t { nobody, peer, steward, delivery, script };
/// What a script may have something to say to: the state that a process has just come to, and by `countered` that a request came (or
/// was sent) after an offer.
enum class Event : std::uint8_t { requested, countered, offered, accepted, agreed, verified };
/// What a node does of itself. `nothing` leaves it to the steward.
enum class Act : std::uint8_t { nothing, offer, counter, accept, agree, verify, finalize, terminate };

inline constexpr MessageKind kMessageKinds[] = {
    MessageKind::request,      MessageKind::offer,     MessageKind::accepted,   MessageKind::agreement,
    MessageKind::verification, MessageKind::finalized, MessageKind::termination};
inline constexpr State kStates[] = {State::requested, State::offered,   State::accepted,  State::agreed,
                                    State::verified,  State::finalized, State::terminated};

inline constexpr std::array<std::string_view, 6> kEventNames = {"requested", "countered", "offered", "accepted", "agreed", "verified"};
inline constexpr std::array<std::string_view, 8> kActNames = {"nothing", "offer",  "counter",  "accept",
                                                              "agree",   "verify", "finalize", "terminate"};

std::string_view to_string(Role role);
std::string_view to_string(State state);
std::string_view to_string(MessageKind kind);
std::string_view to_string(WaitsFor waits_for);
std::optional<State> state_from(std::string_view text);
/// The member `role` of a stored record; corruption.
Result<Role> stored_role(const json::Value& record);
inline bool is_final(State state) { return state == State::finalized || state == State::terminated; }

/// An outbound transition whose arrival is not yet known (D19). Its bytes are in the outbox, in the same commit.
struct Pending {
  MessageKind kind = MessageKind::request;
  State target = State::requested;
  outbox::Delivery delivery;
  friend bool operator==(const Pending&, const Pending&) = default;
};

/// One negotiation, in either role. Stored as JSON at `neg/<own pid>`.
struct Negotiation {
  Role role = Role::consumer;
  ProcessId own_pid;
  ProcessId peer_pid;           ///< empty until the peer has named it
  ParticipantId peer;
  std::string peer_url;         ///< where our messages go
  DatasetId dataset;
  json::Value offer;            ///< as in the catalogue: with its id, without target
  json::Value asked;            ///< consumer: what we asked for first, once the provider has made an offer; else null
  json::Value answered;         ///< the terms of ours that the peer answered with these others; else null
  Hash offer_hash{};                   ///< of `offer`, in the words of whoever wrote it
  std::optional<Hash> published_hash;  ///< provider: of the published offer that it follows, if it follows one; it may say the same in other words
  json::Value agreement;        ///< null until there is one
  std::optional<Hash> agreement_hash;
  std::optional<State> state;   ///< none: our first message has not been taken yet
  std::optional<Pending> pending;
  std::optional<Planned<Act>> planned;  ///< what the script has us do, and when; none while a message is pending
  bool delivered_unconfirmed = false;  ///< the last transition was adopted without the peer's word (D19)
  bool for_steward = false;            ///< a person must approve or refuse
  std::optional<AgreementId> renews;   ///< consumer: the agreement whose newer terms we ask for
  bool ends_renewed = false;           ///< that one ends with the commit that makes the new one
  json::Value decided_by;              ///< the body that decided the approval, as the steward said; null: not said
  std::optional<Reason> reason;        ///< the last that was given
  bool reason_is_ours = false;
  std::optional<Hash> first_message;   ///< SHA-256 of the peer's first message, as received
  Timestamp created;
  Timestamp updated;
  std::optional<Timestamp> deadline;   ///< none: final

  friend bool operator==(const Negotiation&, const Negotiation&) = default;
};

std::string encode(const Negotiation& negotiation);
/// corruption: not what `encode` wrote.
Result<Negotiation> decode_negotiation(std::string_view bytes);
WaitsFor waits_for(const Negotiation& negotiation);
/// As told to the peer: a peer that knows our id has got our first message.
State visible_state(const Negotiation& negotiation);

std::string negotiation_key(const ProcessId& own_pid);
/// -> own pid; what makes a repeated first message find its process.
std::string peer_key(const ParticipantId& peer, const ProcessId& peer_pid);
/// When the node has to look at it by itself: its deadline, or what is planned. None: never.
std::optional<Timestamp> due_at(const Negotiation& negotiation);
/// What follows where neither a script nor a person says otherwise; none: it is not our turn.
std::optional<Act> usual_act(Role role, State state);
/// Whether a script may have that done after that event (DSP 2025-1, section 7); a process can be ended at any time, and be left alone.
bool may_follow(Role role, Event event, Act act);
inline constexpr std::string_view kNegotiationPrefix = "neg/";
inline constexpr std::string_view kDuePrefix = "neg-due/";  ///< the index of outbox/due.hpp

}  // namespace sluis::negotiation
