#include "connector/transfer/machine.hpp"

#include "connector/base/limits.hpp"
#include "connector/transfer/steps.hpp"

#include <algorithm>

namespace sluis::transfer {
namespace {

constexpr std::size_t kPushClaimBytes = 16U << 10U;

/// Where a push goes, as a request says it: all of that is another party's, and goes into our request to it.
Result<void> check_push(const std::optional<DataAddress>& address) {
  if (!address || address->endpoint.empty()) {
    return Error(ErrorCode::invalid_argument, "a push needs the address that the data are to be sent to")
        .at_pointer("/dataAddress")
        .mended_by("give a `dataAddress` with `endpoint`");
  }
  const bool bounded = address->endpoint.size() <= limits::kIdBytes && address->handle.size() <= limits::kIdBytes &&
                       address->claim.size() <= kPushClaimBytes;
  const bool printable = std::ranges::all_of(address->handle, [](char c) { return c > ' ' && c < 127; });
  if (!bounded || !printable) {
    return Error(ErrorCode::invalid_argument, "the address is too long, or its `authorization` has other than printable characters").at_pointer("/dataAddress");
  }
  if (!address->handle.empty() && !address->auth_type.empty() && address->auth_type != "bearer" && address->auth_type != "Bearer") {
    return Error(ErrorCode::invalid_argument, "`" + address->auth_type.substr(0, 40) + "` is no `authType` that is shown here")
        .at_pointer("/dataAddress/endpointProperties")
        .mended_by("give a `bearer` token, or no `authorization`: this node shows its certificate in any case");
  }
  return {};
}

Result<Transition> receive_first(const IncomingMessage& message, const Surroundings& around, Timestamp now) {
  if (message.kind != MessageKind::request) {
    return Error(ErrorCode::not_found, "a `" + std::string(to_string(message.kind)) + "` begins no transfer");
  }
  if (message.peer_pid.empty() || message.peer_pid.str().size() > limits::kIdBytes) {
    return Error(ErrorCode::invalid_argument, "the sender's process id is empty or too long");
  }
  if (message.format != kHttpPull && message.format != kHttpPush) {
    return Error(ErrorCode::invalid_argument, "`" + message.format + "` is no format that is served here")
        .at_pointer("/format")
        .mended_by("ask for `HttpData-PULL` or `HttpData-PUSH`");
  }
  if (message.format == kHttpPush) SLUIS_CHECK(check_push(message.address));
  Transition t;
  t.reply = Transition::Reply::created;
  TransferProcess& p = t.next;
  p.role = Role::provider;
  p.own_pid = around.fresh_pid;
  p.peer_pid = message.peer_pid;
  p.peer = message.from;
  p.peer_url = message.callback_url;
  p.agreement = message.agreement;
  p.dataset = around.dataset;
  p.format = message.format;
  p.first_message = message.bytes;
  p.created = now;
  if (message.format == kHttpPush) {
    p.endpoint = message.address->endpoint;
    p.sealed_handle = around.sealed_handle;
    p.push = Push{message.address->claim, message.address->auth_type};
  }
  enter(t, State::requested, now);
  if (!plan(t, Event::requested, around, now)) send(t, MessageKind::start, State::started, around, now);
  return t;
}

Result<void> check_pids(const TransferProcess& p, const IncomingMessage& message) {
  if (!message.named_own_pid.empty() && message.named_own_pid != p.own_pid) {
    return Error(ErrorCode::invalid_argument,
                 "the message names process `" + message.named_own_pid.str() + "`, but was sent to another");
  }
  if (message.peer_pid.empty() || message.peer_pid.str().size() > limits::kIdBytes ||
      (!p.peer_pid.empty() && message.peer_pid != p.peer_pid)) {
    return Error(ErrorCode::invalid_argument,
                 "the sender's process id `" + message.peer_pid.str() + "` is not that of this transfer");
  }
  return {};
}

/// What a message of the peer changes beside the state.
Result<void> take(TransferProcess& p, const IncomingMessage& message, State from, const Surroundings& around) {
  switch (message.kind) {
    case MessageKind::start:
      if (p.suspended_by_us && p.role == Role::provider) {
        return Error(ErrorCode::invalid_state, "the provider has suspended this transfer; only it can resume it");
      }
      if (p.role == Role::consumer && p.push) {
        // it says nothing: where the data go stands in our request
      } else if (p.role == Role::consumer && message.address) {
        p.endpoint = message.address->endpoint;
        p.sealed_handle = around.sealed_handle;
      } else if (p.role == Role::consumer && (from == State::requested || p.endpoint.empty())) {
        return Error(ErrorCode::invalid_argument, "a start of a pull must say where the data are")
            .at_pointer("/dataAddress");
      }
      p.suspended_by_us = false;
      return {};
    case MessageKind::suspension: p.suspended_by_us = false; [[fallthrough]];
    case MessageKind::termination:
      p.reason = outbox::bounded(message.reason);
      p.reason_is_ours = false;
      return {};
    default: return {};
  }
}

}  // namespace

std::optional<State> next_state(Role role, std::optional<State> state, MessageKind kind) {
  if (!state) {
    return kind == MessageKind::request && role == Role::provider ? std::optional(State::requested) : std::nullopt;
  }
  switch (kind) {
    case MessageKind::request: return std::nullopt;
    case MessageKind::start:
      if (state == State::suspended) return State::started;
      // A start of the consumer is a resumption only.
      return state == State::requested && role == Role::consumer ? std::optional(State::started) : std::nullopt;
    case MessageKind::suspension: return state == State::started ? std::optional(State::suspended) : std::nullopt;
    case MessageKind::completion: return state == State::started ? std::optional(State::completed) : std::nullopt;
    case MessageKind::termination: return is_final(*state) ? std::nullopt : std::optional(State::terminated);
  }
  return std::nullopt;
}

Result<Transition> receive(const std::optional<TransferProcess>& before, const IncomingMessage& message,
                           const Surroundings& around, Timestamp now) {
  if (message.own_pid.empty()) {
    if (!before) return receive_first(message, around, now);
    if (before->first_message != message.bytes) {
      return Error(ErrorCode::invalid_argument,
                   "process `" + message.peer_pid.str() + "` has begun a transfer with another message");
    }
    Transition again;
    again.next = *before;
    again.reply = Transition::Reply::created;
    again.changed = false;
    return again;
  }
  if (!before || before->peer != message.from) {
    return Error(ErrorCode::not_found, "there is no transfer `" + message.own_pid.str() + "`");
  }
  SLUIS_CHECK(check_pids(*before, message));
  Transition t;
  t.reply = Transition::Reply::ok;
  TransferProcess& p = t.next = *before;
  const std::optional<State> had = p.state;
  State from = visible_state(p);
  std::optional<State> next;
  if (had) next = next_state(p.role, had, message.kind);
  // What we have ended or suspended ourselves holds already, whether or not the peer knows.
  if (!next && p.pending && (!had || !is_final(*had))) {
    // The message can only follow ours: so ours has arrived (D19).
    next = next_state(p.role, p.pending->target, message.kind);
    if (next && p.pending->target != had) enter(t, p.pending->target, now);
    if (next) from = p.pending->target;
    // Or it was started all along and never heard of our suspension: then it has the handle of before (D27).
    if (next && p.pending->kind == MessageKind::start && p.newest_handle && !p.acked_handle) p.acked_handle = p.newest_handle;
  }
  if (!next) return wrong_state(p, to_string(message.kind));
  SLUIS_CHECK(take(p, message, from, around));
  p.peer_pid = message.peer_pid;
  // The peer had not taken our completion when it said this, and may have since: only its answer or its process tells.
  if (p.pending && p.pending->kind == MessageKind::completion && !is_final(*next)) {
    p.pending->delivery.uncertain = true;
  } else {
    p.pending.reset();
  }
  p.delivered_unconfirmed = false;
  enter(t, *next, now);
  if (const auto event = event_of(*next, from == State::suspended)) plan(t, *event, around, now);
  return t;
}

}  // namespace sluis::transfer
