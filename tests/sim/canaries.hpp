#pragma once

#include "connector/storage/commit_port.hpp"
#include "tests/sim/report.hpp"

#include <cstdint>
#include <string_view>

namespace sluis::sim {

class World;

/// Known bugs that can be switched on, in what stands around the real code. Each must be caught by the invariant that is meant for it.
enum class Canary : std::uint8_t {
  none,
  skips_a_step,             ///< a record goes from AGREED to FINALIZED
  goes_on_after_the_end,    ///< a process that was terminated is started again by the next message
  says_nothing,             ///< a commit leaves its entry out
  group_loses_precondition, ///< of two commits in one group the second is not checked
  acts_twice,               ///< a repeated message is taken as if it were the first
  first_message_forgotten,  ///< a repeated first message begins another process
  swaps_processes,          ///< a record names another process of the peer
  alters_an_agreement,      ///< one side keeps other terms than it sent
  consumer_alone,           ///< the consumer holds an agreement that the provider has not got
  agrees_to_anything,       ///< the provider's terms let an altered offer through
  agreement_rewritten,      ///< an agreement changes when it ends
  message_lost,             ///< a pending transition without its message
  handle_kept,              ///< a handle stays in the index when its transfer is over
  deadline_unindexed,
  alarm_silent,             ///< nobody looks at deadlines
  strangers_act,            ///< who sends is not looked at
  sync_forgotten,           ///< what was acknowledged is gone after a crash
  refused_but_written,      ///< a refused commit is in the store
  time_set_back,            ///< entries get the clock's time, whatever was recorded before
  handle_opens_always,
  transfers_go_on,          ///< the end of an agreement ends no transfer
  peer_believed_early,      ///< a state is taken over before the peer has it
  outbox_forgets,           ///< a message stays in the store unsent
  refusal_not_told,         ///< a termination is not sent
  count_
};
inline constexpr std::size_t kCanaries = static_cast<std::size_t>(Canary::count_);
std::string_view to_string(Canary canary);
/// The invariant that must catch it.
Invariant meant_for(Canary canary);
/// What the canary of this world makes of a commit before it comes to its batch.
void tamper(World& world, std::size_t node, Commit& commit);

}  // namespace sluis::sim
