#include "connector/management/publication.hpp"

#include "catalog/offer.hpp"
#include "connector/management/convert.hpp"
#include "policy/odrl/check.hpp"

namespace sluis::management {
namespace {

std::vector<std::string> notes_of(const catalog::Dataset& dataset,
                                  const std::shared_ptr<const policy::Vocabulary>& vocabulary) {
  std::vector<std::string> notes;
  const auto compiled = catalog::compile_offer(dataset.offer, vocabulary);
  if (!compiled) return notes;
  for (const auto& finding : policy::check(compiled->policy, *vocabulary)) notes.push_back(finding.detail);
  return notes;
}

bool same(const catalog::PublishedDataset& before, const catalog::Dataset& dataset) {
  return !before.retracted && before.dataset.toml == dataset.toml && before.dataset.offer_hash == dataset.offer_hash;
}

}  // namespace

void dress_publication(const Backend& backend, const Caller& caller, Commit& commit, provenance::EntryKind kind,
                       const catalog::Dataset& dataset) {
  for (auto& entry : commit.entries) {
    v1::Shared shared;
    shared.set_event(kind == provenance::EntryKind::published ? "published" : "retracted");
    shared.set_dataset(dataset.id.str());
    shared.set_offer_hash(std::string(view(dataset.offer_hash)));
    shared.set_document(entry.shared);
    entry = make_entry(backend, caller, kind, std::move(shared), entry.policy_digest);
  }
}

Result<Publication> publish_dataset(Backend& backend, const catalog::Dataset& dataset, bool dry_run,
                                    const Caller& caller) {
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  Publication made;
  made.notes = notes_of(dataset, vocabulary);
  const auto before = backend.catalog.show(dataset.id);
  constexpr auto kKind = provenance::EntryKind::published;
  const auto now = backend.clock.now();
  auto prepared = backend.catalog.publish(dataset, static_cast<std::uint8_t>(kKind), now);
  // What a recovery holds is published anew, unchanged, by who confirms it.
  if (!prepared && prepared.error().code == ErrorCode::conflict && before && same(*before, dataset)) {
    made.unchanged = true;
    made.dataset = to_proto(*before, false);
    return made;
  }
  SLUIS_TRY(auto commit, std::move(prepared));
  if (dry_run) {
    made.dataset = to_proto(catalog::PublishedDataset{dataset, 0, now, std::nullopt}, false);
    return made;
  }
  dress_publication(backend, caller, commit, kKind, dataset);
  SLUIS_TRY(const auto receipt, commit_and_look_anew(backend, std::move(commit)));
  made.entry = receipt.first_entry;
  SLUIS_TRY(const auto published, backend.catalog.show(dataset.id));
  made.dataset = to_proto(published, false);
  return made;
}

}  // namespace sluis::management
