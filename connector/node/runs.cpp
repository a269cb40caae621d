#include "connector/node/runs.hpp"

#include "connector/gate/running.hpp"
#include "connector/intake/running.hpp"
#include "connector/negotiation/agreement.hpp"
#include "connector/negotiation/model.hpp"

namespace sluis::node {
namespace {

using provenance::EntryKind;

/// Of these an agreement that runs still needs what they say.
bool is_about_agreement(EntryKind kind) {
  return kind == EntryKind::negotiation || kind == EntryKind::agreement || kind == EntryKind::transfer;
}

}  // namespace

Result<Runs> Runs::read(const storage::Reader& store, provenance::PayloadKeys& keys) {
  Runs runs;
  for (const std::string_view prefix : {gate::kReleasePrefix, intake::kIntentPrefix}) {
    SLUIS_TRY(const auto processes, gate::open_processes(store, prefix, keys));
    for (const auto& [_, process] : processes) runs.transactions.insert(process.shared.transaction());
  }
  Result<void> read = {};
  SLUIS_CHECK(store.scan(negotiation::kAgreementPrefix, negotiation::kAgreementPrefix, [&](std::string_view, std::string_view bytes) {
    const auto record = negotiation::decode_agreement(bytes);
    if (!record) read = record.error();
    else if (record->active()) {
      runs.agreements.insert(record->id.str());
      if (!record->negotiation.empty()) runs.negotiations.insert(record->negotiation.str());
      runs.offers.insert(record->offer_hash);
    }
    return record.has_value();
  }));
  SLUIS_CHECK(std::move(read));
  read = {};
  SLUIS_CHECK(store.scan(negotiation::kNegotiationPrefix, negotiation::kNegotiationPrefix, [&](std::string_view, std::string_view bytes) {
    const auto process = negotiation::decode_negotiation(bytes);
    if (!process) read = process.error();
    else if (!process->state || !negotiation::is_final(*process->state)) {
      runs.negotiations.insert(process->own_pid.str());
      runs.offers.insert(process->offer_hash);
    }
    return process.has_value();
  }));
  SLUIS_CHECK(std::move(read));
  return runs;
}

bool Runs::holds(EntryKind kind, const v1::Shared& shared) const {
  if (!shared.transaction().empty() && transactions.contains(shared.transaction())) return true;
  return is_about_agreement(kind) && (agreements.contains(shared.agreement()) || negotiations.contains(shared.negotiation()));
}

}  // namespace sluis::node
