#pragma once

#include "connector/negotiation/model.hpp"
#include "connector/transfer/model.hpp"
#include "tests/sim/faults.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluis::sim {

/// What must hold (README.md says each in a sentence).
enum class Invariant : std::uint8_t {
  steps_allowed,
  final_stays,
  evidence_fits,
  preconditions_held,
  effect_once,
  one_process_each,
  counterpart_fits,
  same_agreement,
  consumer_backed,
  terms_published,
  agreement_unchanged,
  pending_has_message,
  handles_fit,
  deadline_indexed,
  deadline_kept,
  only_the_peer_acts,
  acknowledged_survives,
  refused_leaves_nothing,
  time_rises,
  opens_when_open,
  ended_ends_transfers,
  pairs_known,
  settles,
  settled_alike,
  count_
};
inline constexpr std::size_t kInvariants = static_cast<std::size_t>(Invariant::count_);
std::string_view to_string(Invariant invariant);

/// What is known to be otherwise than it should, is counted, and does not fail a seed: README.md has the reason of each.
enum class Exception : std::uint8_t {
  late_message,          ///< came when its sender had settled it in another way, and took effect: DSP's messages have no ids
  late_left_unlike,      ///< because of one, two parties see a process in different states, or a handle is lost
  ended_after_finalized, ///< a provider's termination crossed its own *finalized*: the agreement is ended on both sides
  completed_or_ended,    ///< a completion and a termination crossed: over on both sides
  suspended_then_completed, ///< our suspension crossed our own completion, which the peer had already
  handle_of_earlier_send, ///< the consumer holds a handle of an earlier send of the same start, of which only the last is valid (D27)
  count_
};
inline constexpr std::size_t kExceptions = static_cast<std::size_t>(Exception::count_);
std::string_view to_string(Exception exception);

/// A state of a process as one side sees it: 0 there is no process (yet), 1 its first message has not been taken, then the states.
inline constexpr std::size_t kNegotiationPoints = std::size(negotiation::kStates) + 2;
inline constexpr std::size_t kTransferPoints = std::size(transfer::kStates) + 2;
template <class State>
std::size_t point(const std::optional<State>& state) {
  return state ? static_cast<std::size_t>(*state) + 2 : 1;
}

/// Counts over all seeds.
struct Report {
  std::uint64_t seeds = 0;
  std::uint64_t events = 0;
  FaultCounts fired{};
  std::array<std::uint64_t, kInvariants> evaluated{};
  std::array<std::uint64_t, kExceptions> excepted{};
  /// [consumer][provider], of parties that do not lie.
  std::array<std::array<std::uint64_t, kNegotiationPoints>, kNegotiationPoints> negotiation_pairs{};
  std::array<std::array<std::uint64_t, kTransferPoints>, kTransferPoints> transfer_pairs{};

  void count(Invariant invariant) { ++evaluated[static_cast<std::size_t>(invariant)]; }
  void count(Exception exception) { ++excepted[static_cast<std::size_t>(exception)]; }
  /// Prints all, and returns how much that must have happened has not.
  int print() const;
};

/// Whether two parties that do not lie may be seen in these states of one process.
bool negotiation_pair(std::size_t consumer, std::size_t provider);
bool transfer_pair(std::size_t consumer, std::size_t provider);
std::string_view negotiation_point(std::size_t point);
std::string_view transfer_point(std::size_t point);

}  // namespace sluis::sim
