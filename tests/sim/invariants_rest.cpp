#include "tests/sim/invariants.hpp"
#include "tests/sim/node.hpp"
#include "tests/sim/world.hpp"

/// What holds when nothing is under way any more.
namespace sluis::sim {
namespace {

using negotiation::Negotiation;
using negotiation::Role;
using transfer::TransferProcess;

constexpr std::chrono::minutes kAlarm{10};  ///< so seldom deadlines are looked at, as Node::Parts::recover has it

}  // namespace

void Invariants::at_rest() {
  for (std::size_t node = 0; node < views_.size(); ++node) {
    const View& view = views_[node];
    for (const auto& [process, queue] : view.outbox) {
      hold(Invariant::settles, queue.empty(), node, "a message of " + process + " is left in the outbox");
    }
    rest_of_negotiations(node);
    rest_of_agreements(node);
    rest_of_transfers(node);
  }
}

bool Invariants::was_overtaken(const ProcessId& one, const ProcessId& other) const {
  return overtaken_.contains(one.str()) || overtaken_.contains(other.str());
}

void Invariants::rest_of_negotiations(std::size_t node) {
  const Timestamp now = world_.node(node).clock_time();
  for (const auto& [pid, one] : views_[node].negotiations) {
    if (one.deadline) hold(Invariant::deadline_kept, *one.deadline + kAlarm > now, node, pid + " is past its deadline");
    hold(Invariant::settles, !one.pending, node, pid + " still waits for the delivery of a message");
    const std::size_t peer = index_of(one.peer);
    if (!honest(node) || !honest(peer)) continue;
    if (one.peer_pid.empty()) {
      hold(Invariant::settled_alike, one.state == negotiation::State::terminated, node, pid + " is not over, and the peer does not know of it");
      continue;
    }
    const auto other = views_[peer].negotiations.find(one.peer_pid.str());
    if (other == views_[peer].negotiations.end()) continue;  // counterpart_fits has said it
    if (was_overtaken(one.own_pid, one.peer_pid) && one.state != other->second.state) {
      world_.report.count(Exception::late_left_unlike);
      continue;
    }
    const Negotiation& provider = one.role == Role::provider ? one : other->second;
    const Negotiation& consumer = one.role == Role::provider ? other->second : one;
    if (provider.state == negotiation::State::terminated && consumer.state == negotiation::State::finalized && provider.reason_is_ours) {
      world_.report.count(Exception::ended_after_finalized);  // that the agreement is over on both sides, rest_of_agreements sees
      continue;
    }
    hold(Invariant::settled_alike, one.state == other->second.state, node,
         pid + " is `" + std::string(negotiation::to_string(negotiation::visible_state(one))) + "`, at the peer it is `" +
             std::string(negotiation::to_string(negotiation::visible_state(other->second))) + "`");
  }
}

void Invariants::rest_of_agreements(std::size_t node) {
  const View& view = views_[node];
  for (const auto& [key, record] : view.agreements) {
    if (!record.active()) {
      for (const auto& [pid, transfer] : view.transfers) {
        if (transfer.agreement != record.id) continue;
        hold(Invariant::ended_ends_transfers, transfer.state && transfer::is_final(*transfer.state), node,
             pid + " goes on under the ended agreement " + key);
      }
    }
    const std::size_t peer = index_of(record.peer);
    if (!honest(node) || !honest(peer)) continue;
    const auto other = views_[peer].agreements.find(key);
    const bool alike = other == views_[peer].agreements.end() ? !record.active() : other->second.active() == record.active();
    hold(Invariant::settled_alike, alike, node, key + (record.active() ? " is active here, and not at the peer" : " is ended here, and active at the peer"));
  }
}

void Invariants::rest_of_transfers(std::size_t node) {
  for (const auto& [pid, one] : views_[node].transfers) {
    hold(Invariant::settles, !one.pending, node, pid + " still waits for the delivery of a message");
    const std::size_t peer = index_of(one.peer);
    if (!honest(node) || !honest(peer)) continue;
    if (one.peer_pid.empty()) {
      hold(Invariant::settled_alike, one.state == transfer::State::terminated, node, pid + " is not over, and the peer does not know of it");
      continue;
    }
    const auto other = views_[peer].transfers.find(one.peer_pid.str());
    if (other == views_[peer].transfers.end()) continue;
    const bool late = was_overtaken(one.own_pid, one.peer_pid);
    if (late && one.state != other->second.state) {
      world_.report.count(Exception::late_left_unlike);
      continue;
    }
    if (one.state && other->second.state && one.state != other->second.state && transfer::is_final(*one.state) &&
        transfer::is_final(*other->second.state)) {
      world_.report.count(Exception::completed_or_ended);
      continue;
    }
    hold(Invariant::settled_alike, one.state == other->second.state, node,
         pid + " is `" + std::string(transfer::to_string(transfer::visible_state(one))) + "`, at the peer it is `" +
             std::string(transfer::to_string(transfer::visible_state(other->second))) + "`");
    if (one.role == Role::consumer && one.state == transfer::State::started && other->second.state == transfer::State::started) {
      const bool opens = world_.node(node).access_opens(one.own_pid);
      const bool again = sent_again_.contains(one.peer_pid.str());
      if (!opens && (late || again)) world_.report.count(late ? Exception::late_left_unlike : Exception::handle_of_earlier_send);
      hold(Invariant::settled_alike, opens || late || again, node, pid + " is started, and its handle opens nothing");
    }
  }
}

}  // namespace sluis::sim
