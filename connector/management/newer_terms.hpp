#pragma once

#include "connector/management/backend.hpp"

#include <set>

/// Agreements of this node as consumer whose provider offers other terms by now (decision 40). An agreement stays what it is; who answers for
/// it is told, and may ask for the newer terms.
namespace sluis::management {

/// Stored as JSON at negotiation::newer_key, from the first catalogue that had them until the agreement's end, until they are its own again, or until
/// the dataset is not on offer any more.
struct NewerTerms {
  Timestamp seen;
  OfferId offer;
  Hash hash{};  ///< of the offer as in the catalogue
};

/// Those of an agreement; none: nothing else was seen. Errors: the store's, and corruption.
Result<std::optional<NewerTerms>> newer_terms(const storage::Reader& store, const AgreementId& id);
/// How many agreements have such. Errors: the store's.
Result<std::size_t> count_newer_terms(const storage::Reader& store);

/// Whether the agreement has just the terms of that offer, or of that offer narrowed to the agreement's one purpose.
Result<bool> follows(const Backend& backend, const negotiation::AgreementRecord& record, const catalog::RemoteOffer& offer);

/// Compares agreements with a provider to its catalogue, which was fetched whole, and keeps what differs: `only` these, or all. Gives those of them
/// that could not be looked at yet. Errors: the store's and CommitPort's.
Result<std::set<std::string>> compare_with_catalog(Backend& backend, const ParticipantId& provider, const catalog::RemoteCatalog& catalog,
                                                   const std::optional<std::set<std::string>>& only = {});

/// The purpose of an agreement's permissions, where it is one; else empty.
std::string one_purpose_of(const negotiation::AgreementRecord& record);

}  // namespace sluis::management
