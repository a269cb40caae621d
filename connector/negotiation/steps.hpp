#pragma once

#include "connector/negotiation/machine.hpp"

/// The parts of which the machine's transitions are made; not for others.
namespace sluis::negotiation {

/// Puts a message into the transition, pending until it has arrived.
void send(Transition& t, MessageKind kind, State target, const Surroundings& around, Timestamp now,
          Reason reason = {});
/// The provider's agreement on the offer of the process.
Result<void> send_agreement(Transition& t, const Surroundings& around, Timestamp now);
/// Ends the process at once, and tells the peer as soon as its process is known.
void end_locally(Transition& t, Reason reason, const Surroundings& around, Timestamp now);
/// Puts off what follows from an event, where the script has a word on it. False: it has none, and nothing was changed.
bool plan(Transition& t, Event event, const Surroundings& around, Timestamp now);
/// The provider's last word: the record holds from now on.
Result<void> finalize(Transition& t, const Surroundings& around, Timestamp now);
/// The record of the agreement, as it holds from now on.
Result<void> make_record(Transition& t);

}  // namespace sluis::negotiation
