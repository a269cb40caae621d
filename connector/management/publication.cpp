#include "connector/management/publication.hpp"

#include "connector/base/toml.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/known_names.hpp"
#include "policy/odrl/check.hpp"
#include "policy/odrl/match.hpp"

#include <algorithm>

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

constexpr std::string_view kNotAsked = "These terms name so many parties, classes and times that not every request was tried: whether they can permit anything is not known.";
constexpr std::string_view kNotAskedDutch = "Deze voorwaarden noemen zo veel partijen, klassen en tijdstippen dat niet elke vraag geprobeerd is. Of er ooit iets mag, is niet bekend.";

bool same(const catalog::PublishedDataset& before, const catalog::Dataset& dataset) {
  return !before.retracted && before.dataset.toml == dataset.toml && before.dataset.offer_hash == dataset.offer_hash;
}

}  // namespace

std::vector<v1::TermsFinding> findings_of(const catalog::CompiledOffer& terms, Timestamp now, policy::Language language) {
  std::vector<policy::Finding> found = policy::check(terms.policy, terms.program.vocabulary());
  constexpr auto kNothing = policy::FindingKind::nothing_permitted;
  const bool told = std::any_of(found.begin(), found.end(), [](const auto& one) { return one.kind == kNothing; });
  // Rules that leave nothing only together, or parties that cannot be the same, show when each request is asked.
  const std::optional<bool> ever = told ? false : policy::could_ever_permit(terms.policy, terms.program, now);
  if (!told && ever == false) found.push_back({kNothing, {}, {}, {}});
  std::vector<v1::TermsFinding> out;
  for (const auto& one : found) {
    auto& added = out.emplace_back();
    added.set_kind(std::string(to_string(one.kind)));
    for (const auto& rule : one.rules) added.add_rules(rule);
    added.set_sentence(policy::tell(one, language));
  }
  if (!ever) {
    auto& added = out.emplace_back();
    added.set_kind(std::string(to_string(policy::FindingKind::undecided)));
    added.set_sentence(std::string(language == policy::Language::dutch ? kNotAskedDutch : kNotAsked));
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

Result<void> check_permits(const std::vector<v1::TermsFinding>& findings) {
  if (permits_nothing(findings)) return nothing_left(findings);
  return {};
}

Error in_offer_file(Error error, const std::string& text, const std::string& file) {
  const std::string pointer = error.place.pointer;
  if (!pointer.empty()) error.place = json::locate(text, pointer);
  error.place.file = file;
  error.place.pointer = pointer;
  return error;
}

Error at_terms(const Backend& backend, Error error, const catalog::Dataset& dataset) {
  if (error.code != ErrorCode::invalid_argument || error.place.pointer.empty()) return error;
  auto root = TomlTable::parse(dataset.toml, "");
  if (!root) return error;
  const auto name = root->optional_string("offer");
  if (!name) return error;
  if (!*name) {  // the pointers of an offer that was made from `[terms]` say nothing to its author
    error.place = root->place("terms");
    return error;
  }
  const auto text = backend.read_beside ? backend.read_beside(**name) : Result<std::string>(Error());
  const auto offer = text ? json::parse(*text) : Result<json::Value>(text.error());
  if (!offer || *offer != dataset.offer) return error;  // it was given another way
  return in_offer_file(std::move(error), *text, **name);
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
  if (const auto left = check_permits(made.findings); !left) return at_terms(backend, left.error(), dataset);
  const auto situations = dataset_context(backend, vocabulary).situations;
  const auto good = check_own_terms(terms.policy, dataset, situations, backend.directory, backend.store, vocabulary, now);
  if (!good) return at_terms(backend, good.error(), dataset);
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
