#pragma once

#include "connector/dsp/routes.hpp"
#include "connector/dsp/wire.hpp"

/// How the routes answer; not for others.
namespace sluis::dsp {

/// The ids that an error names: those of the refused message, as its sender wrote them. Nothing is looked up.
struct NamedPids {
  std::string provider, consumer;
};
NamedPids pids_in(const std::string& body);

/// The error body of that part of the protocol. Who may not know gets the same "not found" as for what is not there.
http::Response refusal(ErrorMessage::Of of, const Error& error, NamedPids pids = {});
http::Response reply(unsigned status, const Message& message);

/// The messages of negotiations: `rest` is what follows `/negotiations/`.
http::Response negotiation_message(const RouteDependencies& with, const ParticipantId& from, std::string_view rest,
                                   const std::string& body);
http::Response negotiation_state(const RouteDependencies& with, const ParticipantId& from, std::string_view pid);
/// The messages of transfers.
http::Response transfer_message(const RouteDependencies& with, const ParticipantId& from, std::string_view rest,
                                const std::string& body);
http::Response transfer_state(const RouteDependencies& with, const ParticipantId& from, std::string_view pid);

/// A path below a process: its id, and what follows.
struct ProcessPath {
  std::string pid;
  std::string_view action;
};
ProcessPath split(std::string_view rest);
/// Of a message that either party may send: our id must stand where our role in that process has it. Exchanged, the ids name no process.
Result<void> check_places(negotiation::Role own_role, const ProcessId& own_pid, const NamedPids& named);
Result<void> check_callback(const RouteDependencies& with, const ParticipantId& from, const std::string& url);

}  // namespace sluis::dsp
