#pragma once

#include "connector/provenance/entry.hpp"
#include "connector/provenance/payload_keys.hpp"
#include "connector/storage/kv_store.hpp"
#include "sluis/v1/evidence.pb.h"

#include <set>
#include <string>

namespace sluis::node {

/// What still runs: entries about it are not taken away under its feet.
struct Runs {
  std::set<std::string> transactions;
  std::set<std::string> agreements;
  std::set<std::string> negotiations;  ///< of those agreements, and those that have not ended
  std::set<Hash> offers;               ///< that these rest on

  /// Errors: the store's, and corruption.
  static Result<Runs> read(const storage::Reader& store, provenance::PayloadKeys& keys);
  bool holds(provenance::EntryKind kind, const v1::Shared& shared) const;
};

}  // namespace sluis::node
