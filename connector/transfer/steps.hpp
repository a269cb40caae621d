#pragma once

#include "connector/transfer/machine.hpp"

/// The parts of which the machine's transitions are made; not for others.
namespace sluis::transfer {

/// Puts a message into the transition, pending until it has arrived.
void send(Transition& t, MessageKind kind, State target, const Surroundings& around, Timestamp now,
          Reason reason = {});
/// A state that holds from now on. Nothing is planned any more.
void enter(Transition& t, State state, Timestamp now);
/// Puts off what follows from the state that the process has come to, where the script has a word on it. False: it has none, and nothing was
/// changed.
bool plan(Transition& t, Event event, const Surroundings& around, Timestamp now);
/// What a script is asked about a state; none: nothing.
std::optional<Event> event_of(State reached, bool was_suspended);

/// invalid_state: this cannot be done now.
Error wrong_state(const TransferProcess& process, std::string_view what);

}  // namespace sluis::transfer
