#pragma once

#include "connector/management/backend.hpp"
#include "connector/management/caller.hpp"
#include "connector/provenance/entry.hpp"
#include "sluis/v1/evidence.pb.h"

namespace sluis::management {

/// An entry for what a person did here. Time and owner are filled in.
inline EntryDraft make_entry(const Backend& backend, const Caller& caller, provenance::EntryKind kind,
                             v1::Shared shared, const Hash& policy_digest = {}) {
  shared.set_time_us(backend.clock.now().time_since_epoch().count());
  shared.set_self(backend.self.str());
  v1::Internal internal;
  internal.set_person(caller.person);
  return {static_cast<std::uint8_t>(kind), policy_digest, shared.SerializeAsString(), internal.SerializeAsString()};
}

/// Of what streams may rest on: durable, then looked at anew by what streams; also where it is not known whether it is durable.
inline Result<CommitReceipt> commit_and_look_anew(const Backend& backend, Commit commit) {
  auto receipt = backend.commits.commit_and_wait(std::move(commit));
  const bool may_be_durable = receipt || receipt.error().code == ErrorCode::outcome_unknown;
  if (may_be_durable && backend.look_anew) backend.look_anew();
  return receipt;
}

}  // namespace sluis::management
