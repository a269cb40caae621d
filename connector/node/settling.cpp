#include "connector/node/settling.hpp"

#include "connector/gate/assess.hpp"
#include "connector/gate/evidence.hpp"
#include "connector/negotiation/agreement.hpp"
#include "connector/provenance/entry.hpp"

namespace sluis::node {
namespace {

using outbox::PeerView;

const outbox::Reason kRecovered{"recovered", {"The other party had ended or suspended this before this node went on from a backup."}};

/// What the other party says of a process that it knows; `unreadable` where it never named it.
template <class Process, class Read>
PeerView ask(const Process& process, const Read& read) {
  if (!process.peer_pid.empty()) return read(process);
  PeerView view;
  view.kind = PeerView::Kind::unreadable;
  return view;
}

std::string said(const PeerView& view) {
  switch (view.kind) {
    case PeerView::Kind::seen: return "the other party says `" + view.state + "`";
    case PeerView::Kind::unreadable: return "the other party does not show it";
    case PeerView::Kind::failed: return "the other party could not be asked now";
  }
  return {};
}

/// Whether it may go on as it stands here.
bool goes_on(const PeerView& view, bool consumer, std::string_view here, bool confirmed) {
  if (view.kind == PeerView::Kind::failed) return false;
  return confirmed || (consumer && view.kind == PeerView::Kind::seen && view.state == here);
}

std::string note(const std::string& name, const PeerView& view, std::string_view here, bool provider) {
  return name + ": " + said(view) + ", here it is `" + std::string(here) + "`. " +
         (view.kind == PeerView::Kind::failed ? "Try again later, or end it"
          : provider                          ? "If this node did not suspend or end it in what was lost, it goes on with --apply; else end it"
                                              : "If it shall go on as it stands here, say so with --apply; else end it");
}

}  // namespace

Result<Settled> Settling::settle(const SettleOrder& order) const {
  Settled out;
  SLUIS_TRY(const std::vector<storage::Held> transfers, storage::all_held(with_.store, transfer::kTransferPrefix));
  for (const storage::Held& one : transfers) SLUIS_CHECK(transfer(one, order, out));
  SLUIS_TRY(const std::vector<storage::Held> negotiations, storage::all_held(with_.store, negotiation::kNegotiationPrefix));
  for (const storage::Held& one : negotiations) SLUIS_CHECK(negotiation(one, order, out));
  return out;
}

Result<void> Settling::transfer(const storage::Held& held, const SettleOrder& order, Settled& out) const {
  SLUIS_TRY(std::optional<std::string> bytes, with_.store.get(held.record));
  if (!bytes) return Error(ErrorCode::corruption, "`" + held.record + "` is held, and not there");
  SLUIS_TRY(transfer::TransferProcess process, transfer::decode_transfer(*bytes));
  if (process.peer != order.peer) return {};
  const std::string name = "transfer " + process.own_pid.str();
  const PeerView view = ask(process, with_.read_transfer);
  const auto there = transfer::state_from(view.kind == PeerView::Kind::seen ? std::string_view(view.state) : std::string_view());
  transfer::State here = transfer::visible_state(process);
  const bool writes = order.settle && !order.dry_run;
  if (there && transfer::is_final(*there)) {
    if (order.settle) out.settled.push_back(name);
    else out.held.push_back(name);
    return writes ? with_.end_transfer(process.own_pid, kRecovered, order.person) : Result<void>();
  }
  if (there == transfer::State::suspended && here == transfer::State::started) {
    if (writes) {
      SLUIS_CHECK(with_.suspend_transfer(process.own_pid, kRecovered, order.person));
      SLUIS_TRY(bytes, with_.store.get(held.record));
      if (!bytes) return Error(ErrorCode::corruption, "`" + held.record + "` is held, and not there");
      SLUIS_TRY(process, transfer::decode_transfer(*bytes));
    }
    here = transfer::State::suspended;
  }
  const bool provider = process.role == negotiation::Role::provider;
  SLUIS_TRY(const auto agreement, negotiation::read_agreement(with_.store, process.agreement));
  const bool may = order.settle && !agreement.held && goes_on(view, !provider, transfer::to_string(here), order.apply.contains(process.own_pid.str()));
  if (!may) {
    out.held.push_back(name);
    out.notes.push_back(agreement.held && agreement.active() ? name + ": " + said(view) + ", and its agreement is held still" : note(name, view, transfer::to_string(here), provider));
    return {};
  }
  out.settled.push_back(name);
  if (!writes) return {};
  v1::Shared shared;
  shared.set_dataset(process.dataset.str());
  shared.set_agreement(process.agreement.str());
  shared.set_transfer(process.own_pid.str());
  SLUIS_CHECK(free(held, std::move(*bytes), std::move(shared), order));
  with_.settled(process.peer.str(), process.own_pid.str());
  return {};
}

Result<void> Settling::negotiation(const storage::Held& held, const SettleOrder& order, Settled& out) const {
  SLUIS_TRY(std::optional<std::string> bytes, with_.store.get(held.record));
  if (!bytes) return Error(ErrorCode::corruption, "`" + held.record + "` is held, and not there");
  SLUIS_TRY(const negotiation::Negotiation process, negotiation::decode_negotiation(*bytes));
  if (process.peer != order.peer) return {};
  const std::string name = "negotiation " + process.own_pid.str();
  const PeerView view = ask(process, with_.read_negotiation);
  const auto there = negotiation::state_from(view.kind == PeerView::Kind::seen ? std::string_view(view.state) : std::string_view());
  const negotiation::State here = negotiation::visible_state(process);
  const bool writes = order.settle && !order.dry_run;
  if (there == negotiation::State::terminated) {
    if (order.settle) out.settled.push_back(name);
    else out.held.push_back(name);
    return writes ? with_.end_negotiation(process.own_pid, kRecovered, order.person) : Result<void>();
  }
  const bool provider = process.role == negotiation::Role::provider;
  if (!order.settle || !goes_on(view, !provider, negotiation::to_string(here), order.apply.contains(process.own_pid.str()))) {
    out.held.push_back(name);
    out.notes.push_back(note(name, view, negotiation::to_string(here), provider));
    return {};
  }
  out.settled.push_back(name);
  if (!writes) return {};
  v1::Shared shared;
  shared.set_dataset(process.dataset.str());
  shared.set_negotiation(process.own_pid.str());
  SLUIS_CHECK(free(held, std::move(*bytes), std::move(shared), order));
  with_.settled(process.peer.str(), process.own_pid.str());
  return {};
}

/// On the condition that the record is as it was read.
Result<void> Settling::free(const storage::Held& held, std::string bytes, v1::Shared shared, const SettleOrder& order) const {
  gate::set_time(shared, with_.clock.now());
  shared.set_event("applies-again");
  shared.set_self(self_.str());
  shared.set_counterparty(order.peer.str());
  v1::Internal internal;
  internal.set_person(order.person);
  Commit commit;
  commit.preconditions.push_back({held.record, std::move(bytes)});
  SLUIS_CHECK(storage::settle(with_.store, held.record, commit));
  commit.entries.push_back(gate::make_entry(provenance::EntryKind::reconciled, Hash{}, shared, internal));
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  return {};
}

}  // namespace sluis::node
