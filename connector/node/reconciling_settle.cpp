#include "connector/base/limits.hpp"
#include "connector/gate/assess.hpp"
#include "connector/node/reconciling.hpp"

/// What a comparison settles of what is held since a recovery.
namespace sluis::node {

using provenance::EntryKind;

Result<std::vector<negotiation::AgreementRecord>> Reconciling::held(const ParticipantId& peer) const {
  std::vector<negotiation::AgreementRecord> all;
  Result<void> read = {};
  SLUIS_CHECK(with_.store.scan(negotiation::kAgreementPrefix, negotiation::kAgreementPrefix, [&](std::string_view, std::string_view value) {
    auto record = negotiation::decode_agreement(value);
    if (!record) read = record.error();
    else if (record->peer == peer && record->active() && record->held) all.push_back(std::move(*record));
    return read.has_value();
  }));
  SLUIS_CHECK(std::move(read));
  return all;
}

/// With the uses of it that only the peer's log has.
Result<void> Reconciling::apply_again(const negotiation::AgreementRecord& record, std::uint64_t lost_uses, const ReconcileOrder& order) const {
  Commit commit;
  v1::Shared again;
  gate::set_time(again, with_.clock.now());
  again.set_event("applies-again");
  again.set_self(self_.str());
  again.set_counterparty(order.peer.str());
  again.set_dataset(record.dataset.str());
  again.set_agreement(record.id.str());
  again.set_agreement_hash(std::string(view(record.agreement_hash)));
  v1::Internal internal;
  internal.set_person(order.person);
  commit.entries.push_back(gate::make_entry(EntryKind::reconciled, record.offer_hash, again, internal));
  SLUIS_CHECK(gate::add_uses(with_.store, record.id, lost_uses, commit));
  return with_.apply_again(record.id, std::move(commit));
}

/// With a party that keeps no log: nothing is compared, and only what a person answers for goes on.
Result<Reconciled> Reconciling::settle_alone(const ReconcileOrder& order) const {
  Reconciled out;
  SLUIS_TRY(const std::vector<negotiation::AgreementRecord> waiting, held(order.peer));
  for (const negotiation::AgreementRecord& record : waiting) {
    const bool confirmed = order.apply.contains(record.id.str());
    (confirmed ? out.settled : out.held).push_back(record.id.str());
    if (confirmed && !order.dry_run) SLUIS_CHECK(apply_again(record, 0, order));
  }
  out.notes.push_back("`" + order.peer.str() + "` keeps no log that others can check: nothing was compared, and what goes on is on the word of who asks");
  SLUIS_CHECK(settle_processes(order, out));
  return out;
}

/// Behind the agreements: what goes on needs one that does.
Result<void> Reconciling::settle_processes(const ReconcileOrder& order, Reconciled& out) const {
  if (settling_ == nullptr) return {};
  SLUIS_TRY(Settled done, settling_->settle({order.peer, order.apply, order.settle, order.dry_run, order.person}));
  out.settled.insert(out.settled.end(), done.settled.begin(), done.settled.end());
  out.held.insert(out.held.end(), done.held.begin(), done.held.end());
  out.notes.insert(out.notes.end(), done.notes.begin(), done.notes.end());
  return {};
}

}  // namespace sluis::node
