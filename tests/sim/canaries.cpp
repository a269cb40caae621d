#include "tests/sim/canaries.hpp"

#include "connector/negotiation/agreement.hpp"
#include "connector/transfer/model.hpp"
#include "tests/sim/world.hpp"

namespace sluis::sim {
namespace {

using negotiation::Negotiation;
using negotiation::Role;
using negotiation::State;
using storage::Change;

void remove_if(Commit& commit, const std::function<bool(const Change&)>& goes) { std::erase_if(commit.changes, goes); }

void replace(std::string& text, std::string_view from, std::string_view to) {
  if (const std::size_t at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
}

/// The negotiation that a commit writes, with the place of its bytes.
struct Written {
  Change* change = nullptr;
  Negotiation value;
};
std::optional<Written> negotiation_in(Commit& commit) {
  for (Change& change : commit.changes) {
    if (!change.key.starts_with(negotiation::kNegotiationPrefix) || !change.value) continue;
    auto value = negotiation::decode_negotiation(*change.value);
    if (value) return Written{&change, std::move(*value)};
  }
  return std::nullopt;
}

bool is_log(const Change& change, std::string_view event) { return change.key.starts_with("sim-log/") && change.value == event; }

void swap_processes(const World& world, std::size_t node, Commit& commit) {
  const auto one = negotiation_in(commit);
  if (!one || one->value.peer_pid.empty()) return;
  for (const auto& [pid, other] : world.invariants.view(node).negotiations) {
    if (other.peer != one->value.peer || other.peer_pid == one->value.peer_pid || other.peer_pid.empty()) continue;
    Negotiation wrong = one->value;
    wrong.peer_pid = other.peer_pid;
    one->change->value = negotiation::encode(wrong);
    return;
  }
}

/// The consumer keeps the agreement as soon as it has it, before the provider knows that it was verified.
void hold_alone(Commit& commit) {
  const auto one = negotiation_in(commit);
  if (!one || one->value.role != Role::consumer || one->value.state != State::agreed || !one->value.agreement_hash) return;
  negotiation::AgreementRecord record;
  record.id = AgreementId(*json::required_string(one->value.agreement, "@id"));
  record.role = Role::consumer;
  record.peer = one->value.peer;
  record.dataset = one->value.dataset;
  record.agreement = one->value.agreement;
  record.agreement_hash = *one->value.agreement_hash;
  record.offer_hash = one->value.offer_hash;
  record.negotiation = one->value.own_pid;
  commit.changes.push_back({negotiation::agreement_key(record.id), negotiation::encode(record)});
}

void believe_early(Commit& commit) {
  const auto one = negotiation_in(commit);
  if (!one || one->value.state || !one->value.pending || one->value.pending->delivery.attempts != 0) return;
  Negotiation early = one->value;
  early.state = early.pending->target;
  one->change->value = negotiation::encode(early);
  commit.changes.push_back({"sim-log/" + early.own_pid.str(), std::string(to_string(*early.state))});
}

void keep_quiet(Commit& commit) {
  const auto one = negotiation_in(commit);
  if (!one || one->value.state != State::terminated || !one->value.pending) return;
  Negotiation quiet = one->value;
  quiet.pending.reset();
  one->change->value = negotiation::encode(quiet);
  commit.messages.clear();
}

void forget_first(Commit& commit, bool as_another) {
  const auto is_index = [](std::string_view key) { return key.starts_with("neg-peer/") || key.starts_with("xfer-peer/"); };
  std::erase_if(commit.preconditions, [&](const Precondition& condition) { return is_index(condition.key); });
  remove_if(commit, [&](const Change& change) { return is_index(change.key); });
  if (!as_another) return;
  for (Change& change : commit.changes) {
    if (change.key.starts_with("sim-acted/")) change.key += "-" + *change.value;
  }
}

}  // namespace

std::string_view to_string(Canary canary) {
  switch (canary) {
    case Canary::none: return "none";
    case Canary::skips_a_step: return "skips_a_step";
    case Canary::goes_on_after_the_end: return "goes_on_after_the_end";
    case Canary::says_nothing: return "says_nothing";
    case Canary::group_loses_precondition: return "group_loses_precondition";
    case Canary::acts_twice: return "acts_twice";
    case Canary::first_message_forgotten: return "first_message_forgotten";
    case Canary::swaps_processes: return "swaps_processes";
    case Canary::alters_an_agreement: return "alters_an_agreement";
    case Canary::consumer_alone: return "consumer_alone";
    case Canary::agrees_to_anything: return "agrees_to_anything";
    case Canary::agreement_rewritten: return "agreement_rewritten";
    case Canary::message_lost: return "message_lost";
    case Canary::handle_kept: return "handle_kept";
    case Canary::deadline_unindexed: return "deadline_unindexed";
    case Canary::alarm_silent: return "alarm_silent";
    case Canary::strangers_act: return "strangers_act";
    case Canary::sync_forgotten: return "sync_forgotten";
    case Canary::refused_but_written: return "refused_but_written";
    case Canary::time_set_back: return "time_set_back";
    case Canary::handle_opens_always: return "handle_opens_always";
    case Canary::transfers_go_on: return "transfers_go_on";
    case Canary::peer_believed_early: return "peer_believed_early";
    case Canary::outbox_forgets: return "outbox_forgets";
    case Canary::refusal_not_told: return "refusal_not_told";
    case Canary::count_: break;
  }
  return "";
}

Invariant meant_for(Canary canary) {
  switch (canary) {
    case Canary::skips_a_step: return Invariant::steps_allowed;
    case Canary::goes_on_after_the_end: return Invariant::final_stays;
    case Canary::says_nothing: return Invariant::evidence_fits;
    case Canary::group_loses_precondition: return Invariant::preconditions_held;
    case Canary::acts_twice: return Invariant::effect_once;
    case Canary::first_message_forgotten: return Invariant::one_process_each;
    case Canary::swaps_processes: return Invariant::counterpart_fits;
    case Canary::alters_an_agreement: return Invariant::same_agreement;
    case Canary::consumer_alone: return Invariant::consumer_backed;
    case Canary::agrees_to_anything: return Invariant::terms_published;
    case Canary::agreement_rewritten: return Invariant::agreement_unchanged;
    case Canary::message_lost: return Invariant::pending_has_message;
    case Canary::handle_kept: return Invariant::handles_fit;
    case Canary::deadline_unindexed: return Invariant::deadline_indexed;
    case Canary::alarm_silent: return Invariant::deadline_kept;
    case Canary::strangers_act: return Invariant::only_the_peer_acts;
    case Canary::sync_forgotten: return Invariant::acknowledged_survives;
    case Canary::refused_but_written: return Invariant::refused_leaves_nothing;
    case Canary::time_set_back: return Invariant::time_rises;
    case Canary::handle_opens_always: return Invariant::opens_when_open;
    case Canary::transfers_go_on: return Invariant::ended_ends_transfers;
    case Canary::peer_believed_early: return Invariant::pairs_known;
    case Canary::outbox_forgets: return Invariant::settles;
    case Canary::refusal_not_told: return Invariant::settled_alike;
    case Canary::none:
    case Canary::count_: break;
  }
  return Invariant::count_;
}

void tamper(World& world, std::size_t node, Commit& commit) {
  switch (world.canary) {
    case Canary::skips_a_step:
      for (Change& change : commit.changes) {
        if (is_log(change, "verified")) change.value = "finalized";
      }
      return;
    case Canary::goes_on_after_the_end:
      for (const Change& change : commit.changes) {
        if (!is_log(change, "terminated")) continue;
        commit.changes.push_back({change.key, "requested"});
        return;
      }
      return;
    case Canary::says_nothing:
      if (world.dice.one_in(8)) remove_if(commit, [](const Change& change) { return change.key.starts_with("sim-log/"); });
      return;
    case Canary::acts_twice: return forget_first(commit, false);
    case Canary::first_message_forgotten: return forget_first(commit, true);
    case Canary::swaps_processes: return swap_processes(world, node, commit);
    case Canary::alters_an_agreement:
    case Canary::agreement_rewritten:
      for (Change& change : commit.changes) {
        if (!change.key.starts_with(negotiation::kAgreementPrefix) || !change.value) continue;
        if (world.canary == Canary::alters_an_agreement) {
          replace(*change.value, "\"action\":\"use\"", "\"action\":\"all\"");
        } else if (change.value->find("\"ended\":") != std::string::npos) {
          replace(*change.value, "\"dataset\":\"set-", "\"dataset\":\"all-");
        }
      }
      return;
    case Canary::consumer_alone: return hold_alone(commit);
    case Canary::message_lost:
      if (world.dice.one_in(8)) commit.messages.clear();
      return;
    case Canary::handle_kept:
      return remove_if(commit, [](const Change& change) { return change.key.starts_with("handle/") && !change.value; });
    case Canary::deadline_unindexed:
      return remove_if(commit, [](const Change& change) { return change.key.starts_with(negotiation::kDuePrefix) && change.value; });
    case Canary::peer_believed_early: return believe_early(commit);
    case Canary::refusal_not_told: return keep_quiet(commit);
    default: return;
  }
}

}  // namespace sluis::sim
