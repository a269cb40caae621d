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

}  // namespace sluis::management
