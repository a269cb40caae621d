#include "connector/management/newer_terms.hpp"

#include "connector/base/limits.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/propose.hpp"
#include "connector/negotiation/ending.hpp"

namespace sluis::management {
namespace {

std::string encode(const NewerTerms& terms) {
  return json::serialise(json::object({{"seen", outbox::time_value(terms.seen)}, {"offer", terms.offer.str()}, {"hash", to_hex(terms.hash)}}));
}

Result<NewerTerms> decode(const std::string& bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  NewerTerms out;
  SLUIS_TRY(out.seen, outbox::required_time(value, "seen"));
  SLUIS_TRY(std::string offer, json::required_string(value, "offer"));
  out.offer = OfferId(std::move(offer));
  SLUIS_TRY(const std::optional<Hash> hash, outbox::optional_hash(value, "hash"));
  if (!hash) return Error(ErrorCode::corruption, "newer terms that were seen have no readable `hash`");
  out.hash = *hash;
  return out;
}

/// What the catalogue says of one agreement; none: nothing newer, also where the dataset is not on offer any more.
Result<std::optional<NewerTerms>> newer_in(const Backend& backend, const negotiation::AgreementRecord& record, const catalog::RemoteCatalog& catalog,
                                           Timestamp now) {
  std::optional<NewerTerms> other;
  for (const catalog::RemoteOffer& offer : catalog.offers) {
    if (offer.dataset != record.dataset) continue;
    SLUIS_TRY(const bool same, follows(backend, record, offer));
    if (same) return std::optional<NewerTerms>();
    if (!other) other = NewerTerms{now, offer.id, offer.hash};
  }
  return other;
}

}  // namespace

Result<std::optional<NewerTerms>> newer_terms(const storage::Reader& store, const AgreementId& id) {
  SLUIS_TRY(const std::optional<std::string> bytes, store.get(negotiation::newer_key(id)));
  if (!bytes) return std::optional<NewerTerms>();
  SLUIS_TRY(NewerTerms terms, decode(*bytes));
  return std::optional<NewerTerms>(std::move(terms));
}

Result<std::size_t> count_newer_terms(const storage::Reader& store) {
  std::size_t count = 0;
  SLUIS_CHECK(store.scan(negotiation::kNewerPrefix, negotiation::kNewerPrefix, [&](std::string_view, std::string_view) {
    ++count;
    return true;
  }));
  return count;
}

std::string one_purpose_of(const negotiation::AgreementRecord& record) {
  const auto purposes = summarise(record.agreement, false).purposes;
  return purposes.size() == 1 ? purposes.front() : std::string();
}

Result<bool> follows(const Backend& backend, const negotiation::AgreementRecord& record, const catalog::RemoteOffer& offer) {
  const auto same = [&](const json::Value& asked) {
    return negotiation::check_agreement(asked, record.dataset, record.peer, backend.self, record.agreement, record.timestamp).has_value();
  };
  if (same(offer.offer)) return true;
  const std::string purpose = one_purpose_of(record);
  if (purpose.empty()) return false;
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  const auto index = find_purpose(*vocabulary, purpose);
  if (!index) return false;
  const auto narrowed = propose(offer.offer, *index, vocabulary);
  return narrowed && narrowed->narrowed && same(narrowed->offer);
}

namespace {

/// False: it changed meanwhile.
Result<bool> compare_one(Backend& backend, const negotiation::AgreementRecord& record, const ParticipantId& provider, const catalog::RemoteCatalog& catalog) {
  if (!record.active() || record.peer != provider || record.role != negotiation::Role::consumer) return true;
  SLUIS_TRY(const auto newer, newer_in(backend, record, catalog, backend.clock.now()));
  const std::string key = negotiation::newer_key(record.id);
  SLUIS_TRY(const std::optional<std::string> kept, backend.store.get(key));
  const auto known = kept ? decode(*kept) : Result<NewerTerms>(Error(ErrorCode::not_found, "none"));
  if (newer ? known && known->hash == newer->hash : !kept) return true;
  SLUIS_TRY(const std::optional<std::string> bytes, backend.store.get(negotiation::agreement_key(record.id)));
  const auto still = bytes ? negotiation::decode_agreement(*bytes) : Result<negotiation::AgreementRecord>(Error(ErrorCode::not_found, "none"));
  if (!still || !still->active()) return true;
  Commit commit;
  commit.commit_class = CommitClass::bulk;
  commit.preconditions.push_back({negotiation::agreement_key(record.id), bytes});  // one that ends meanwhile takes this along
  commit.changes.push_back({key, newer ? std::optional(encode(*newer)) : std::nullopt});
  const auto done = backend.commits.commit_and_wait(std::move(commit));
  if (!done && done.error().code != ErrorCode::conflict) return done.error();
  return done.has_value();
}

}  // namespace

Result<std::set<std::string>> compare_with_catalog(Backend& backend, const ParticipantId& provider, const catalog::RemoteCatalog& catalog,
                                                   const std::optional<std::set<std::string>>& only) {
  std::set<std::string> left;
  if (only) {
    for (const std::string& id : *only) {
      const auto record = backend.negotiations.agreement(AgreementId(id));
      if (!record && record.error().code != ErrorCode::not_found) return record.error();
      SLUIS_TRY(const bool done, record ? compare_one(backend, *record, provider, catalog) : Result<bool>(false));
      if (!done) left.insert(id);
    }
    return left;
  }
  AgreementId after;
  while (true) {
    SLUIS_TRY(const auto page, backend.negotiations.agreements(after, limits::kPageDefault));
    for (const negotiation::AgreementRecord& record : page) {
      after = record.id;
      SLUIS_TRY(const bool done, compare_one(backend, record, provider, catalog));
      if (!done) left.insert(record.id.str());
    }
    if (page.size() < limits::kPageDefault) return left;
  }
}

}  // namespace sluis::management
