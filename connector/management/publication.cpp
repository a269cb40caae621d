#include "connector/management/publication.hpp"

#include "catalog/offer.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/known_names.hpp"
#include "policy/odrl/check.hpp"
#include "policy/odrl/named.hpp"

namespace sluis::management {
namespace {

std::vector<std::string> notes_of(const catalog::Dataset& dataset,
                                  const std::shared_ptr<const policy::Vocabulary>& vocabulary, const identity::Directory& directory) {
  std::vector<std::string> notes;
  const auto compiled = catalog::compile_offer(dataset.offer, vocabulary);
  if (!compiled) return notes;
  for (const auto& finding : policy::check(compiled->policy, *vocabulary)) notes.push_back(finding.detail);
  for (std::string& note : unknown_classes(compiled->policy, directory)) notes.push_back(std::move(note));
  return notes;
}

/// What the terms name is there, and where they rest on an assessment the data may be opened by one.
Result<void> check_published(const Backend& backend, const catalog::Dataset& dataset, const std::shared_ptr<const policy::Vocabulary>& vocabulary) {
  SLUIS_TRY(const auto compiled, catalog::compile_offer(dataset.offer, vocabulary));
  SLUIS_CHECK(check_known_names(compiled.policy, backend.directory, backend.store));
  const auto assessed = policy::named(compiled.policy, policy::Operand::assessment);
  if (assessed.empty()) return {};
  if (const auto good = check_gathered(dataset, backend.store, backend.clock.now()); !good) {
    return Error(good.error()).at_pointer(assessed.front().pointer);
  }
  return {};
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
  made.notes = notes_of(dataset, vocabulary, backend.directory);
  const auto before = backend.catalog.show(dataset.id);
  if (before && same(*before, dataset)) {
    made.unchanged = true;
    made.dataset = to_proto(*before, false);
    return made;
  }
  SLUIS_CHECK(check_published(backend, dataset, vocabulary));
  constexpr auto kKind = provenance::EntryKind::published;
  const auto now = backend.clock.now();
  SLUIS_TRY(auto commit, backend.catalog.publish(dataset, static_cast<std::uint8_t>(kKind), now));
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
