#pragma once

#include "connector/transfer/machine.hpp"

/// The parts of which the machine's transitions are made; not for others.
namespace sluis::transfer {

/// Puts a message into the transition, pending until it has arrived.
void send(Transition& t, MessageKind kind, State target, const Surroundings& around, Timestamp now,
          Reason reason = {});
/// A state that holds from now on.
void enter(Transition& t, State state, Timestamp now);

}  // namespace sluis::transfer
