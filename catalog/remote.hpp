#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/ids.hpp"
#include "connector/base/time.hpp"
#include "connector/json/json.hpp"
#include "connector/storage/commit_port.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluis::catalog {

/// An offer in a peer's catalogue. The hash is computed here, never taken over.
struct RemoteOffer {
  DatasetId dataset;
  OfferId id;
  std::string title;    ///< as the peer writes it; may be empty
  json::Value offer;    ///< as received
  Hash hash{};
};

/// One that cannot be used, and why.
struct RefusedOffer {
  DatasetId dataset;
  std::string offer_id;
  Error reason;
};

struct RemoteCatalog {
  ParticipantId participant;  ///< as the peer says
  std::vector<RemoteOffer> offers;
  std::vector<RefusedOffer> refused;
};

/// Reads a DSP Catalog (2025-1). invalid_argument, with the pointer: it is none. An offer that does not parse is
/// refused alone; so are offers whose id comes twice with other content.
Result<RemoteCatalog> read_remote_catalog(const json::Value& catalog);

/// Whether the peer's log proves that it published an offer of this hash (D20).
using OfferProof = std::function<Result<void>(const ParticipantId& peer, const RemoteOffer& offer)>;
/// Moves offers without proof to `refused`. For peers that are listed with evidence; others are not asked.
void require_proofs(RemoteCatalog& catalog, const ParticipantId& peer, const OfferProof& proof);

/// What this node keeps of peers' catalogues, under `peer-offer/<peer>/<offer id>` (ids in hex of SHA-256).
/// Thread-safe.
class RemoteOffers {
 public:
  explicit RemoteOffers(const storage::Reader& store) : store_(store) {}
  /// Bulk; a few commits, each within its limit. Offers that the peer no longer has stay: agreements may rest on them.
  Result<std::vector<Commit>> remember(const ParticipantId& peer, const RemoteCatalog& catalog, Timestamp now) const;
  /// not_found.
  Result<RemoteOffer> find(const ParticipantId& peer, const OfferId& offer) const;
  Result<std::vector<RemoteOffer>> list(const ParticipantId& peer) const;

 private:
  const storage::Reader& store_;
};

}  // namespace sluis::catalog
