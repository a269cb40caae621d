#include "tests/sim/invariants.hpp"

#include "connector/commit/batch.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/outbox/due.hpp"
#include "connector/outbox/keys.hpp"
#include "tests/sim/node.hpp"
#include "tests/sim/world.hpp"

#include <algorithm>

namespace sluis::sim {
namespace {

using negotiation::Negotiation;
using negotiation::Role;
using transfer::TransferProcess;

/// DSP 2025-1, sections 7 and 8, written down here once more: from (empty: nothing yet), to.
struct Step {
  std::string_view from, to;
};
constexpr Step kNegotiationSteps[] = {{"", "requested"},         {"", "offered"},         {"requested", "offered"}, {"offered", "requested"},
                                      {"offered", "accepted"},   {"requested", "agreed"}, {"accepted", "agreed"},   {"agreed", "verified"},
                                      {"verified", "finalized"}};
constexpr Step kTransferSteps[] = {{"", "requested"}, {"requested", "started"}, {"started", "suspended"}, {"suspended", "started"}, {"started", "completed"}};

bool ends(std::string_view event) { return event == "finalized" || event == "completed" || event == "terminated"; }

template <std::size_t N>
bool allowed(const Step (&steps)[N], std::string_view from, std::string_view to) {
  if (to == "terminated") return !ends(from);
  return std::any_of(std::begin(steps), std::end(steps), [&](const Step& step) { return step.from == from && step.to == to; });
}

/// Of an envelope, without reading all of it.
std::string message_id(std::string_view envelope) {
  constexpr std::string_view name = "\"id\":\"";
  const std::size_t at = envelope.find(name);
  if (at == std::string_view::npos) return {};
  return std::string(envelope.substr(at + name.size(), envelope.find('"', at + name.size()) - at - name.size()));
}

std::string_view rest(std::string_view key, std::string_view prefix) { return key.substr(prefix.size()); }

}  // namespace

bool Invariants::hold(Invariant invariant, bool holds, std::size_t node, std::string_view about) {
  world_.report.count(invariant);
  if (!holds) world_.fail(invariant, "n" + std::to_string(node) + " " + std::string(about));
  return holds;
}

bool Invariants::honest(std::size_t node) const { return node < views_.size() && !world_.lies(node); }

std::size_t Invariants::index_of(const ParticipantId& party) const {
  for (std::size_t i = 0; i < views_.size(); ++i) {
    if (world_.node(i).id() == party) return i;
  }
  return SIZE_MAX;
}

/// For the trace: a record as it is now.
template <class Record>
void Invariants::describe(std::size_t node, const Record& record) const {
  std::string text;
  if constexpr (std::is_same_v<Record, negotiation::AgreementRecord>) {
    text = record.id.str() + (record.active() ? " active" : " ended");
  } else {
    text = record.own_pid.str() + " " + std::string(to_string(record.role)) + " " + (record.state ? std::string(to_string(*record.state)) : "-");
    if (record.pending) text += " sends " + std::string(to_string(record.pending->kind)) + " " + record.pending->delivery.last_answer;
    text += " peer " + record.peer.str().substr(8, 2) + " " + record.peer_pid.str();
  }
  world_.detail("  is", node, text);
}

template <class Map, class Decode>
void Invariants::decoded(std::size_t node, char kind, Map& map, std::string_view id, const storage::Change& change, const Decode& decode) {
  dirty_.insert({node, kind, std::string(id)});
  if (!change.value) {
    hold(Invariant::evidence_fits, false, node, "a record was deleted: " + change.key);
    return;
  }
  auto value = decode(*change.value);
  if (!value) {
    hold(Invariant::evidence_fits, false, node, "a record cannot be read: " + change.key);
    return;
  }
  if (world_.tracing()) describe(node, *value);
  if constexpr (requires { value->pending; }) {
    auto& sending = views_[node].sending;
    const auto before = map.find(id);
    if (before != map.end() && before->second.pending) sending.erase(sending.find(before->second.pending->delivery.id));
    if (value->pending) sending.insert(value->pending->delivery.id);
    if constexpr (requires { value->newest_handle; }) {
      if (before != map.end() && before->second.pending && value->pending && before->second.newest_handle && value->newest_handle &&
          value->newest_handle != before->second.newest_handle) {
        sent_again_.insert(std::string(id));
      }
    }
  }
  map.insert_or_assign(std::string(id), std::move(*value));
}

void Invariants::took_event(std::size_t node, std::string_view process, const std::string& event) {
  View& view = views_[node];
  if (event == "approved") {
    view.approved.insert(std::string(process));
    return;
  }
  const bool negotiates = view.negotiations.contains(process);
  if (!negotiates && !view.transfers.contains(process)) return;
  std::string& last = view.last_event[std::string(process)];
  if (ends(last)) {
    hold(Invariant::final_stays, false, node, std::string(process) + " went from " + last + " to " + event);
  } else if (!negotiates && last == "suspended" && event == "completed" && views_[node].transfers.find(process)->second.reason_is_ours) {
    world_.report.count(Exception::suspended_then_completed);
  } else {
    world_.report.count(Invariant::final_stays);
    hold(Invariant::steps_allowed, negotiates ? allowed(kNegotiationSteps, last, event) : allowed(kTransferSteps, last, event), node,
         std::string(process) + " went from `" + last + "` to `" + event + "`");
  }
  last = event;
}

/// Keeps the view as the store is.
void Invariants::apply(std::size_t node, const storage::Change& change) {
  View& view = views_[node];
  const std::string_view key = change.key;
  if (key.starts_with("sim-log/")) {
    took_event(node, rest(key, "sim-log/"), *change.value);
  } else if (key.starts_with(negotiation::kNegotiationPrefix)) {
    decoded(node, 'n', view.negotiations, rest(key, negotiation::kNegotiationPrefix), change, negotiation::decode_negotiation);
  } else if (key.starts_with(transfer::kTransferPrefix)) {
    decoded(node, 't', view.transfers, rest(key, transfer::kTransferPrefix), change, transfer::decode_transfer);
  } else if (key.starts_with(negotiation::kAgreementPrefix)) {
    const auto found = view.agreements.find(key);
    std::optional<negotiation::AgreementRecord> before;
    if (found != view.agreements.end()) before = std::move(found->second);
    decoded(node, 'a', view.agreements, key, change, negotiation::decode_agreement);
    if (before) {
      negotiation::AgreementRecord as_was = view.agreements.find(key)->second;
      as_was.ended = before->ended;
      hold(Invariant::agreement_unchanged, !before->ended && as_was == *before, node, key);
    }
  } else if (key.starts_with(outbox::kPrefix)) {
    const auto item = outbox::parse_item_key(key);
    auto& queue = view.outbox[item->process];
    if (change.value) {
      queue[std::string(key)] = message_id(*change.value);
    } else {
      queue.erase(std::string(key));
    }
    dirty_.insert({node, view.negotiations.contains(item->process) ? 'n' : 't', item->process});
  } else if (key.starts_with("handle/")) {
    const auto before = view.store.find(key);
    const bool was = before != view.store.end();
    if (was) --view.handles[before->second];
    if (change.value) ++view.handles[*change.value];
    dirty_.insert({node, 't', change.value ? *change.value : was ? before->second : std::string()});
  } else if (key.starts_with("sim-acted/")) {
    const auto [place, first] = view.acted.emplace(std::string(rest(key, "sim-acted/")), *change.value);
    // A late one may find a state in which it can be taken again: nothing in it says which one it is.
    hold(Invariant::effect_once, first || place->second == *change.value || change.value->ends_with(kLate), node, key);
  }
  if (change.value) {
    view.store.insert_or_assign(change.key, *change.value);
  } else {
    view.store.erase(change.key);
  }
}

/// In the order of the batch, against the store and the commits before: what Batch has to see to.
void Invariants::check_preconditions(std::size_t node, const std::vector<const Asked*>& asked) {
  const View& view = views_[node];
  std::map<std::string_view, const std::optional<std::string>*> earlier;
  std::set<std::string_view> repeated;
  for (const Asked* one : asked) {
    if (!one->id.empty() && (view.store.contains(commit::receipt_key(one->id)) || !repeated.insert(one->id).second)) continue;
    for (const Precondition& condition : one->preconditions) {
      const auto newer = earlier.find(condition.key);
      const auto stored = view.store.find(condition.key);
      const bool holds = newer != earlier.end() ? *newer->second == condition.expected
                         : stored == view.store.end() ? !condition.expected
                                                      : condition.expected == stored->second;
      hold(Invariant::preconditions_held, holds, node, condition.key);
    }
    for (const storage::Change& change : one->changes) earlier[change.key] = &change.value;
  }
}

template <class Process>
void Invariants::note_late(std::size_t node, const Process& process) {
  world_.report.count(Exception::late_message);
  world_.note("came late", node, process.own_pid.str());
  overtaken_.insert(process.own_pid.str());
  if (!process.peer_pid.empty()) overtaken_.insert(process.peer_pid.str());
}

/// A peer's message changes no process but one with that peer.
void Invariants::check_actor(std::size_t node, const Asked& asked) {
  if (asked.from >= views_.size()) return;
  const View& view = views_[node];
  const ParticipantId& from = world_.node(asked.from).id();
  for (const storage::Change& change : asked.changes) {
    const std::string_view key = change.key;
    if (key.starts_with(negotiation::kNegotiationPrefix)) {
      const auto found = view.negotiations.find(rest(key, negotiation::kNegotiationPrefix));
      const bool fits = found != view.negotiations.end() && found->second.peer == from;
      if (hold(Invariant::only_the_peer_acts, fits, node, key) && asked.late) note_late(node, found->second);
    } else if (key.starts_with(transfer::kTransferPrefix)) {
      const auto found = view.transfers.find(rest(key, transfer::kTransferPrefix));
      const bool fits = found != view.transfers.end() && found->second.peer == from;
      if (hold(Invariant::only_the_peer_acts, fits, node, key) && asked.late) note_late(node, found->second);
    }
  }
}

void Invariants::on_written(std::size_t node, const std::vector<storage::Change>& changes, const std::vector<const Asked*>& asked) {
  check_preconditions(node, asked);
  for (const storage::Change& change : changes) {
    constexpr std::string_view marker = "sim-commit/";
    if (!change.key.starts_with(marker)) continue;
    hold(Invariant::refused_leaves_nothing, !views_[node].refused.contains(std::stoull(change.key.substr(marker.size()))), node,
         change.key + " was refused, and is written");
  }
  for (const storage::Change& change : changes) apply(node, change);
  for (const Asked* one : asked) check_actor(node, *one);
}

void Invariants::on_durable(std::size_t node, const Asked& asked, Timestamp recorded) {
  View& view = views_[node];
  if (!asked.id.empty()) return;
  view.acknowledged.push_back(asked.number);
  hold(Invariant::time_rises, recorded >= view.recorded, node, "a commit was recorded before an earlier one");
  view.recorded = std::max(view.recorded, recorded);
}

void Invariants::on_refused(std::size_t node, const Asked& asked) {
  views_[node].refused.insert(asked.number);
}

void Invariants::on_opened(std::size_t node, const storage::Reader& store) {
  const View& view = views_[node];
  const auto there = [&](std::uint64_t number) {
    const auto found = store.get("sim-commit/" + std::to_string(number));
    return found && found->has_value();
  };
  for (const std::uint64_t number : view.acknowledged) {
    hold(Invariant::acknowledged_survives, there(number), node, "commit " + std::to_string(number) + " was acknowledged and is gone");
  }
}

void Invariants::on_pull(std::size_t node, const ProcessId& provider_pid, bool opened) {
  const auto found = views_[node].transfers.find(provider_pid.str());
  if (found == views_[node].transfers.end()) {
    hold(Invariant::opens_when_open, !opened, node, "a handle opened a transfer that is not there");
    return;
  }
  const TransferProcess& process = found->second;
  const auto record = views_[node].agreements.find(negotiation::agreement_key(process.agreement));
  const bool active = record != views_[node].agreements.end() && record->second.active();
  const bool starts = process.pending && process.pending->kind == transfer::MessageKind::start;
  const bool open = process.state == transfer::State::started || (starts && process.state && !transfer::is_final(*process.state));
  hold(Invariant::opens_when_open, !opened || (active && open), node, "a handle opened " + provider_pid.str());
}

std::vector<std::string> Invariants::due(std::size_t node, Timestamp until) const {
  std::vector<std::string> out;
  for (const auto& [pid, one] : views_[node].negotiations) {
    if (one.deadline && *one.deadline <= until) out.push_back(pid);
  }
  return out;
}

void Invariants::on_deadlines(std::size_t node, const std::vector<std::string>& due, Timestamp until) {
  for (const std::string& pid : due) {
    const auto& deadline = views_[node].negotiations.find(pid)->second.deadline;
    hold(Invariant::deadline_kept, !deadline || *deadline > until, node, pid + " is past its deadline");
  }
}

/// What holds for a process of either kind.
template <class Process>
void Invariants::check_process(std::size_t node, const Process& process) {
  const View& view = views_[node];
  const std::string& pid = process.own_pid.str();
  const auto last = view.last_event.find(pid);
  const std::string_view state = process.state ? to_string(*process.state) : std::string_view();
  hold(Invariant::evidence_fits, (last == view.last_event.end() ? std::string_view() : std::string_view(last->second)) == state, node,
       pid + " is `" + std::string(state) + "`, and the log says otherwise");
  if (!process.pending) return;
  const auto queue = view.outbox.find(pid);
  const auto& id = process.pending->delivery.id;
  hold(Invariant::pending_has_message,
       queue != view.outbox.end() && std::any_of(queue->second.begin(), queue->second.end(), [&](const auto& item) { return item.second == id; }),
       node, pid + " waits for a message that is not in the outbox");
}

/// Whoever names a process of an honest peer, names one that is there, in the other role, and names it back or nobody yet.
template <class Process, class Map>
void Invariants::check_counterpart(std::size_t node, const Process& process, Map View::*processes) {
  const std::size_t peer = index_of(process.peer);
  if (!honest(node) || !honest(peer)) return;
  const auto& theirs = views_[peer].*processes;
  typename Map::const_iterator other = theirs.end();
  if (!process.peer_pid.empty()) {
    other = theirs.find(process.peer_pid.str());
    const bool fits = other != theirs.end() && other->second.role != process.role && other->second.peer == world_.node(node).id() &&
                      other->second.dataset == process.dataset &&
                      (other->second.peer_pid.empty() || other->second.peer_pid == process.own_pid);
    if (!hold(Invariant::counterpart_fits, fits, node, process.own_pid.str() + " names " + process.peer_pid.str())) return;
  }
  if (was_overtaken(process.own_pid, process.peer_pid)) return;  // counted where it came
  const std::size_t here = point(process.state);
  const std::size_t there = other == theirs.end() ? 0 : point(other->second.state);
  const std::size_t consumer = process.role == Role::consumer ? here : there;
  const std::size_t provider = process.role == Role::consumer ? there : here;
  if constexpr (std::is_same_v<Process, Negotiation>) {
    ++world_.report.negotiation_pairs[consumer][provider];
    hold(Invariant::pairs_known, negotiation_pair(consumer, provider), node,
         process.own_pid.str() + ": consumer " + std::string(negotiation_point(consumer)) + ", provider " + std::string(negotiation_point(provider)));
  } else {
    ++world_.report.transfer_pairs[consumer][provider];
    hold(Invariant::pairs_known, transfer_pair(consumer, provider), node,
         process.own_pid.str() + ": consumer " + std::string(transfer_point(consumer)) + ", provider " + std::string(transfer_point(provider)));
  }
}

void Invariants::check_negotiation(std::size_t node, const std::string& pid) {
  const View& view = views_[node];
  const auto found = view.negotiations.find(pid);
  if (found == view.negotiations.end()) return;
  const Negotiation& one = found->second;
  check_process(node, one);
  if (const auto due = negotiation::due_at(one)) {
    Commit index;
    outbox::index_due(index, negotiation::kDuePrefix, one.own_pid.str(), std::nullopt, due);
    hold(Invariant::deadline_indexed, view.store.contains(index.changes.front().key), node, pid);
  }
  if (one.first_message) {
    const auto same = std::count_if(view.negotiations.begin(), view.negotiations.end(), [&](const auto& other) {
      return other.second.first_message && other.second.peer == one.peer && other.second.peer_pid == one.peer_pid;
    });
    hold(Invariant::one_process_each, same == 1, node, pid + " and another follow the same first message");
  }
  check_counterpart(node, one, &View::negotiations);
}

void Invariants::check_transfer(std::size_t node, const std::string& pid) {
  const View& view = views_[node];
  const auto found = view.transfers.find(pid);
  if (found == view.transfers.end()) return;
  const TransferProcess& one = found->second;
  check_process(node, one);
  std::set<Hash> handles;
  if (one.newest_handle) handles.insert(*one.newest_handle);
  if (one.acked_handle) handles.insert(*one.acked_handle);
  const auto indexed = view.handles.find(pid);
  const bool all = std::all_of(handles.begin(), handles.end(), [&](const Hash& hash) {
    const auto entry = view.store.find(transfer::handle_key(hash));
    return entry != view.store.end() && entry->second == pid;
  });
  hold(Invariant::handles_fit, all && (indexed == view.handles.end() ? 0 : indexed->second) == handles.size(), node, pid);
  if (one.first_message) {
    const auto same = std::count_if(view.transfers.begin(), view.transfers.end(), [&](const auto& other) {
      return other.second.first_message && other.second.peer == one.peer && other.second.peer_pid == one.peer_pid;
    });
    hold(Invariant::one_process_each, same == 1, node, pid + " and another follow the same first message");
  }
  check_counterpart(node, one, &View::transfers);
}

/// Ours: published, or approved by a person. Theirs: just what was asked.
void Invariants::check_terms(std::size_t node, const negotiation::AgreementRecord& record) {
  if (!honest(node)) return;
  const View& view = views_[node];
  const auto process = view.negotiations.find(record.negotiation.str());
  const std::string terms = Offers::terms_of(record.agreement);
  bool fits = process != view.negotiations.end() && terms == Offers::terms_of(process->second.offer);
  if (record.role == Role::provider && !view.approved.contains(record.negotiation.str())) {
    const auto& published = world_.node(node).offers().published();
    fits = fits && std::any_of(published.begin(), published.end(), [&](const Offers::Published& one) {
             return one.dataset == record.dataset && one.hash == record.offer_hash && one.terms == terms;
           });
  }
  hold(Invariant::terms_published, fits, node, record.id.str());
}

void Invariants::check_agreement(std::size_t node, const std::string& key) {
  const View& view = views_[node];
  const auto found = view.agreements.find(key);
  if (found == view.agreements.end()) return;
  const negotiation::AgreementRecord& record = found->second;
  const auto canonical = json::canonical(record.agreement);
  const bool hashed = canonical && crypto::sha256(*canonical) == record.agreement_hash;
  const std::size_t peer = index_of(record.peer);
  if (!honest(node) || !honest(peer)) {
    hold(Invariant::same_agreement, hashed, node, key);
    check_terms(node, record);
    return;
  }
  const auto other = views_[peer].agreements.find(key);
  const bool there = other != views_[peer].agreements.end();
  if (record.role == Role::consumer) {
    hold(Invariant::consumer_backed, there && other->second.role == Role::provider, node, key);
  }
  hold(Invariant::same_agreement,
       hashed && (!there || (other->second.agreement == record.agreement && other->second.agreement_hash == record.agreement_hash &&
                             other->second.dataset == record.dataset && other->second.peer == world_.node(node).id())),
       node, key);
  check_terms(node, record);
}

void Invariants::after_event() {
  if (dirty_.empty()) return;
  for (const Dirty& one : dirty_) {
    switch (one.kind) {
      case 'n': check_negotiation(one.node, one.id); break;
      case 't': check_transfer(one.node, one.id); break;
      default: check_agreement(one.node, one.id); break;
    }
  }
  dirty_.clear();
}

}  // namespace sluis::sim
