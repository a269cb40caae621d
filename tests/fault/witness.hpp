#pragma once

#include "connector/provenance/log_store.hpp"
#include "connector/provenance/witness.hpp"

/// The modes of append.cpp that are about a witness, and what they share with the others.
namespace fault {

inline constexpr const char* kOrigin = "test.example/log";
sluis::crypto::Key log_key();

/// Says lines on stdout. Through a call that nothing else here makes where stdout is a socket: who makes writes fail means others.
void say(const std::string& line);
std::string checkpoint_line(std::uint64_t size, const sluis::Hash& root);

/// Shows a witness so many growing checkpoints of a log, and after each one of a fork of it. Says what it cosigned.
int show_to_witness(const std::filesystem::path& folder, std::uint64_t count);
/// Whether the witness remembers the newest of the checkpoints on stdin, refuses the fork and goes on.
int check_witness(const std::filesystem::path& folder);
/// Shows a witness the checkpoint of a log and prints its answer: `200`, `409` with both sizes where it saw more, or `422`.
int ask_witness(const std::filesystem::path& folder, const std::string& note, const sluis::provenance::LogReader& log);

}  // namespace fault
