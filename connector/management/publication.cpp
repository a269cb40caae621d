#include "connector/management/publication.hpp"

#include "connector/management/convert.hpp"
#include "connector/management/known_names.hpp"
#include "policy/odrl/check.hpp"
#include "policy/odrl/match.hpp"

#include <algorithm>
#include "policy/odrl/named.hpp"

namespace sluis::management {
namespace {

/// What was found that leaves nothing, at the first rule of it.
Error nothing_left(const std::vector<v1::TermsFinding>& findings) {
  std::string why, pointer;
  for (const auto& one : findings) {
    const bool ends = one.kind() == to_string(policy::FindingKind::never) || one.kind() == to_string(policy::FindingKind::voided) ||
                      one.kind() == to_string(policy::FindingKind::conflict);
    if (!ends) continue;
    why += (why.empty() ? ": " : "; ") + note_of(one);
    if (pointer.empty() && one.rules_size() > 0) pointer = one.rules(0);
  }
  return Error(ErrorCode::invalid_argument, "nothing can ever be permitted by these terms" + why)
      .at_pointer(pointer)
      .mended_by("leave something that a permission allows and no prohibition takes back; `sluis terms check FILE` shows what excludes what");
}

/// What the terms name is there, and where they rest on an assessment the data may be opened by one.
Result<void> check_published(const Backend& backend, const catalog::Dataset& dataset, const catalog::CompiledOffer& terms) {
  SLUIS_CHECK(check_known_names(terms.policy, backend.directory, backend.store));
  const auto assessed = policy::named(terms.policy, policy::Operand::assessment);
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

std::vector<v1::TermsFinding> findings_of(const catalog::CompiledOffer& terms, Timestamp now, policy::Language language) {
  std::vector<policy::Finding> found = policy::check(terms.policy, terms.program.vocabulary());
  constexpr auto kNothing = policy::FindingKind::nothing_permitted;
  const bool told = std::any_of(found.begin(), found.end(), [](const auto& one) { return one.kind == kNothing; });
  // Rules that leave nothing only together, or parties that cannot be the same, show when each request is asked.
  if (!told && !policy::could_ever_permit(terms.policy, terms.program, now)) found.push_back({kNothing, {}, {}, {}});
  std::vector<v1::TermsFinding> out;
  for (const auto& one : found) {
    auto& added = out.emplace_back();
    added.set_kind(std::string(to_string(one.kind)));
    for (const auto& rule : one.rules) added.add_rules(rule);
    added.set_sentence(policy::tell(one, language));
  }
  return out;
}

std::string note_of(const v1::TermsFinding& finding) {
  std::string rules;
  for (const auto& rule : finding.rules()) rules += (rules.empty() ? " (" : ", ") + rule;
  return finding.kind() + rules + (rules.empty() ? ": " : "): ") + finding.sentence();
}

bool permits_nothing(const std::vector<v1::TermsFinding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const auto& one) {
    return one.kind() == to_string(policy::FindingKind::nothing_permitted);
  });
}

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

Result<Publication> publish_dataset(Backend& backend, const catalog::Dataset& dataset, bool dry_run, policy::Language language,
                                    const Caller& caller) {
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  Publication made;
  const auto now = backend.clock.now();
  SLUIS_TRY(const auto terms, catalog::compile_offer(dataset.offer, vocabulary));
  made.findings = findings_of(terms, now, language);
  made.notes = unknown_classes(terms.policy, backend.directory);
  const auto before = backend.catalog.show(dataset.id);
  constexpr auto kKind = provenance::EntryKind::published;
  auto prepared = backend.catalog.publish(dataset, static_cast<std::uint8_t>(kKind), now);
  // What a recovery holds is published anew, unchanged, by who confirms it.
  if (!prepared && prepared.error().code == ErrorCode::conflict && before && same(*before, dataset)) {
    made.unchanged = true;
    made.dataset = to_proto(*before, false);
    return made;
  }
  if (permits_nothing(made.findings)) return nothing_left(made.findings);
  SLUIS_CHECK(check_published(backend, dataset, terms));
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
