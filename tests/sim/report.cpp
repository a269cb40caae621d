#include "tests/sim/report.hpp"

#include <cstdio>

namespace sluis::sim {
namespace {

/// Rows: the consumer; columns: the provider; both as `point` counts. `+`: it happens; `.`: it cannot.
constexpr std::string_view kNegotiationPairs[kNegotiationPoints] = {
    // no process, not taken, requested, offered, accepted, agreed, verified, finalized, terminated at the provider
    ".+......+",  // no process
    "+.+.....+",  // not taken
    "..+.....+",  // requested
    ".+.++...+",  // offered
    "....+...+",  // accepted
    "..+.+++.+",  // agreed
    "......+.+",  // verified
    "......+++",  // finalized
    "+++++++.+",  // terminated
};
constexpr std::string_view kTransferPairs[kTransferPoints] = {
    // no process, not taken, requested, started, suspended, completed, terminated at the provider
    ".......",  // no process
    "+.+...+",  // not taken
    "+.+...+",  // requested
    "..+++++",  // started
    "..+++++",  // suspended
    "...++++",  // completed
    "+.+++++",  // terminated
};

template <std::size_t N>
int print_pairs(const char* what, const std::array<std::array<std::uint64_t, N>, N>& counts, const std::string_view (&table)[N],
                std::string_view (*name)(std::size_t)) {
  int missing = 0;
  std::printf("\n%s, how often each pair of states was seen (consumer, provider)\n", what);
  for (std::size_t consumer = 0; consumer < N; ++consumer) {
    for (std::size_t provider = 0; provider < N; ++provider) {
      if (table[consumer][provider] != '+') continue;
      const std::uint64_t count = counts[consumer][provider];
      std::printf("  %-12.*s %-12.*s %12llu%s\n", static_cast<int>(name(consumer).size()), name(consumer).data(),
                  static_cast<int>(name(provider).size()), name(provider).data(), static_cast<unsigned long long>(count),
                  count == 0 ? "  NEVER" : "");
      missing += count == 0 ? 1 : 0;
    }
  }
  return missing;
}

template <class Enum, std::size_t N>
int print_counts(const char* what, const std::array<std::uint64_t, N>& counts, bool all = true) {
  int missing = 0;
  std::printf("\n%s\n", what);
  for (std::size_t i = 0; i < N; ++i) {
    const std::string_view name = to_string(static_cast<Enum>(i));
    std::printf("  %-25.*s %12llu%s\n", static_cast<int>(name.size()), name.data(), static_cast<unsigned long long>(counts[i]),
                all && counts[i] == 0 ? "  NEVER" : "");
    missing += counts[i] == 0 ? 1 : 0;
  }
  return missing;
}

}  // namespace

std::string_view to_string(Invariant invariant) {
  switch (invariant) {
    case Invariant::steps_allowed: return "steps_allowed";
    case Invariant::final_stays: return "final_stays";
    case Invariant::evidence_fits: return "evidence_fits";
    case Invariant::preconditions_held: return "preconditions_held";
    case Invariant::effect_once: return "effect_once";
    case Invariant::one_process_each: return "one_process_each";
    case Invariant::counterpart_fits: return "counterpart_fits";
    case Invariant::same_agreement: return "same_agreement";
    case Invariant::consumer_backed: return "consumer_backed";
    case Invariant::terms_published: return "terms_published";
    case Invariant::agreement_unchanged: return "agreement_unchanged";
    case Invariant::pending_has_message: return "pending_has_message";
    case Invariant::handles_fit: return "handles_fit";
    case Invariant::deadline_indexed: return "deadline_indexed";
    case Invariant::deadline_kept: return "deadline_kept";
    case Invariant::only_the_peer_acts: return "only_the_peer_acts";
    case Invariant::acknowledged_survives: return "acknowledged_survives";
    case Invariant::refused_leaves_nothing: return "refused_leaves_nothing";
    case Invariant::time_rises: return "time_rises";
    case Invariant::opens_when_open: return "opens_when_open";
    case Invariant::ended_ends_transfers: return "ended_ends_transfers";
    case Invariant::pairs_known: return "pairs_known";
    case Invariant::settles: return "settles";
    case Invariant::settled_alike: return "settled_alike";
    case Invariant::count_: break;
  }
  return "";
}

std::string_view to_string(Exception exception) {
  switch (exception) {
    case Exception::late_message: return "late_message";
    case Exception::late_left_unlike: return "late_left_unlike";
    case Exception::ended_after_finalized: return "ended_after_finalized";
    case Exception::completed_or_ended: return "completed_or_ended";
    case Exception::suspended_then_completed: return "suspended_then_completed";
    case Exception::handle_of_earlier_send: return "handle_of_earlier_send";
    case Exception::count_: break;
  }
  return "";
}

std::string_view negotiation_point(std::size_t at) {
  if (at == 0) return "no process";
  if (at == 1) return "not taken";
  return to_string(negotiation::kStates[at - 2]);
}

std::string_view transfer_point(std::size_t at) {
  if (at == 0) return "no process";
  if (at == 1) return "not taken";
  return to_string(transfer::kStates[at - 2]);
}

bool negotiation_pair(std::size_t consumer, std::size_t provider) { return kNegotiationPairs[consumer][provider] == '+'; }
bool transfer_pair(std::size_t consumer, std::size_t provider) { return kTransferPairs[consumer][provider] == '+'; }

int Report::print() const {
  std::printf("%llu seeds, %llu events\n", static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(events));
  int missing = print_counts<Fault>("Faults, how often each fired", fired);
  missing += print_counts<Invariant>("Invariants, how often each was evaluated on something", evaluated);
  missing += print_pairs("Negotiations", negotiation_pairs, kNegotiationPairs, negotiation_point);
  missing += print_pairs("Transfers", transfer_pairs, kTransferPairs, transfer_point);
  (void)print_counts<Exception>("Known exceptions, how often each was met", excepted, false);
  return missing;
}

}  // namespace sluis::sim
