#include "connector/management/known_names.hpp"

#include "catalog/catalog.hpp"
#include "catalog/keys.hpp"
#include "connector/base/limits.hpp"
#include "connector/base/suggest.hpp"
#include "connector/declaration/register.hpp"
#include "connector/declaration/rules.hpp"
#include "connector/management/activities.hpp"
#include "policy/odrl/match.hpp"
#include "policy/odrl/named.hpp"
#include "policy/odrl/transforms.hpp"
#include "policy/odrl/values.hpp"
#include "policy/odrl/values_known.hpp"

#include <algorithm>
#include <set>

namespace sluis::management {
namespace {

using policy::Named;
using policy::Operand;
using policy::Operator;

std::string suggest(const std::string& word, const std::set<std::string>& known) {
  const std::vector<std::string_view> names(known.begin(), known.end());
  return suggestion(word, names);
}

std::set<std::string> classes_of(const identity::Directory& directory) {
  std::set<std::string> classes;
  if (const auto list = directory.list()) {
    for (const identity::Party& party : list->parties) classes.insert(party.class_of_recipient);
  }
  return classes;
}

Result<void> check_classes(const policy::Policy& policy, const identity::Directory& directory) {
  const std::set<std::string> known = classes_of(directory);
  for (const Named& one : policy::named(policy, Operand::class_of_recipient)) {
    if (known.contains(one.value) || !policy::excludes(one)) continue;
    return Error(ErrorCode::invalid_argument,
                 "no member has the class " + policy::in_backticks(one.value) + ", so that nobody would be excluded by it")
        .at_pointer(one.pointer)
        .mended_by(known.empty() ? "load the membership list first: it names the classes" : suggest(one.value, known));
  }
  return {};
}

/// Whether the terms have the safeguards that an assessment takes.
Result<void> check_carried(const declaration::Declaration& assessment, std::span<const policy::Action> of_terms, const Named& at) {
  const std::string* missing = declaration::missing_safeguard(assessment, of_terms);
  if (missing == nullptr) return {};
  return Error(ErrorCode::invalid_argument, "the assessment " + policy::in_backticks(at.value) + " takes `" + *missing + "` as a safeguard, and these terms do not have it")
      .at_pointer(at.pointer)
      .mended_by("add it as an obligation");
}

Result<void> check_assessments(const policy::Policy& policy, const storage::Reader& store) {
  const std::vector<policy::Action> safeguards = policy::safeguards(policy);
  for (const Named& one : policy::named(policy, Operand::assessment)) {
    SLUIS_TRY(const auto found, declaration::read_newest(store, declaration::Kind::assessment, one.value));
    if (found) {
      SLUIS_CHECK(check_carried(found->declaration, safeguards, one));
      continue;
    }
    std::set<std::string> known;
    SLUIS_CHECK(declaration::visit_all(store, "", [&](const declaration::Stored& stored) {
      if (stored.declaration.kind == declaration::Kind::assessment) known.insert(stored.declaration.id);
      return known.size() < limits::kPageMax;
    }));
    return Error(ErrorCode::invalid_argument, "no assessment " + policy::in_backticks(one.value) + " was recorded here")
        .at_pointer(one.pointer)
        .mended_by(known.empty() ? "record it first: assessment record" : suggest(one.value, known));
  }
  return {};
}

Error not_gathered_so(const std::string& why) {
  return Error(ErrorCode::invalid_argument, "no assessment can open these data for another purpose: " + why);
}

bool is_personal(const catalog::Dataset& dataset) { return dataset.assessment.personal || dataset.terms.processing_activity; }

/// Takes into account when the version that holds may end, or another begins.
void end_with(std::span<const ActivityVersion> versions, Timestamp now, Timestamp& until) {
  for (const ActivityVersion& one : versions) {
    if (one.from > now) until = std::min(until, one.from);
    else if (one.holds(now) && one.until) until = std::min(until, *one.until);
  }
}

/// Of one dataset, whatever it is made from. `of`: which, where it is a source.
Result<void> check_own_gathering(const catalog::Dataset& dataset, const std::string& of, const storage::Reader& store, Timestamp now,
                                 std::vector<Precondition>* as_read, Timestamp* until) {
  const bool personal = is_personal(dataset);
  const std::string& activity = dataset.processed_under;
  if (activity.empty()) {
    if (!personal) return {};
    return not_gathered_so(of + "they are, or may be, personal, and `processed_under` names no processing activity, so that their legal basis is not known")
        .mended_by("name the activity under which they were gathered in `processed_under`");
  }
  const std::string key = activity_key(activity);
  SLUIS_TRY(std::optional<std::string> bytes, store.get(key));
  if (as_read != nullptr) as_read->push_back({key, bytes});
  const std::string named = "their activity " + policy::in_backticks(activity) + " ";
  if (!bytes) return not_gathered_so(of + named + "is not in the register").mended_by("register it with its legal basis: activity publish");
  SLUIS_TRY(const auto versions, decode_activity(*bytes));
  const ActivityVersion* held = held_at(versions, now);
  if (held == nullptr) return not_gathered_so(of + named + "does not hold now");
  if (until != nullptr) end_with(versions, now, *until);
  const auto good = declaration::check_gathered_under(held->legal_basis, personal);
  if (good) return {};
  return not_gathered_so(of + good.error().message + " (" + named + "in the register)")
      .mended_by("ask for consent to the other purpose; or name the activity's legal basis in the register as DPV does, where it is another");
}

}  // namespace

Result<void> check_known_names(const policy::Policy& policy, const identity::Directory& directory, const storage::Reader& store) {
  SLUIS_CHECK(check_classes(policy, directory));
  return check_assessments(policy, store);
}

Result<void> check_own_terms(const policy::Policy& policy, const catalog::Dataset& dataset, const std::optional<std::vector<std::string>>& situations,
                             const identity::Directory& directory, const storage::Reader& store, const std::shared_ptr<const policy::Vocabulary>& vocabulary,
                             Timestamp now) {
  SLUIS_CHECK(policy::check_values(policy));
  SLUIS_CHECK(catalog::check_declarations(policy, situations));
  SLUIS_CHECK(check_known_names(policy, directory, store));
  SLUIS_CHECK(check_assessed(policy, dataset, store, now));
  return check_safeguarded(policy, dataset, vocabulary);
}

Result<void> check_safeguarded(const policy::Policy& policy, const catalog::Dataset& dataset, const std::shared_ptr<const policy::Vocabulary>& vocabulary) {
  if (!dataset.assessment.personal || !policy::safeguards(policy).empty()) return {};
  SLUIS_TRY(const policy::Program program, policy::compile(policy, vocabulary));
  for (std::size_t i = 0; i < vocabulary->size(); ++i) {  // at whatever time, so that a peer's terms cost one question each
    const auto purpose = static_cast<policy::PurposeIndex>(i);
    const std::string& iri = vocabulary->term(purpose).iri;
    if (!declaration::is_safeguarded(iri, *vocabulary) || !policy::could_permit(program, "", "", purpose)) continue;
    return Error(ErrorCode::invalid_argument, "personal data would be used for " + policy::in_backticks(iri) + ", which is research, statistics or archiving, without a safeguard")
        .at_pointer("/permission")
        .mended_by("add an obligation that data pass, as `sluis:pseudonymise` or `sluis:suppressSmallCells`, or `sluis:deleteAfter` (GDPR art. 89)");
  }
  return {};
}

Result<void> check_assessed(const policy::Policy& policy, const catalog::Dataset& dataset, const storage::Reader& store, Timestamp now) {
  const auto assessed = policy::named(policy, Operand::assessment);
  if (assessed.empty()) return {};
  const auto gathered = check_gathered(dataset, store, now);
  if (gathered || gathered.error().code != ErrorCode::invalid_argument) return gathered;
  return Error(gathered.error()).at_pointer(assessed.front().pointer);
}

std::vector<std::string> unknown_classes(const policy::Policy& policy, const identity::Directory& directory) {
  const std::set<std::string> known = classes_of(directory);
  std::vector<std::string> notes;
  if (known.empty()) return notes;
  for (const Named& one : policy::named(policy, Operand::class_of_recipient)) {
    if (known.contains(one.value)) continue;
    std::string note = "no member has the class " + policy::in_backticks(one.value) + ", which `" + one.pointer + "` names; " + suggest(one.value, known);
    if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(std::move(note));
  }
  return notes;
}

Result<void> check_gathered(const catalog::Dataset& dataset, const storage::Reader& store, Timestamp now, std::vector<Precondition>* as_read,
                            Timestamp* until) {
  const catalog::Catalog published(store, std::shared_ptr<const policy::Vocabulary>());  // only shows what is there
  std::set<std::string> seen{dataset.id.str()};
  std::vector<DatasetId> sources;
  const auto add_sources = [&](const catalog::Dataset& made) -> Result<void> {
    for (const catalog::MadeFrom& from : made.made_from) {
      if (seen.insert(from.id.str()).second) sources.push_back(from.id);
    }
    if (sources.size() > limits::kSourcesInAll) return not_gathered_so("they are made from too many datasets, near and far");
    return {};
  };
  SLUIS_CHECK(check_own_gathering(dataset, "", store, now, as_read, until));
  SLUIS_CHECK(add_sources(dataset));
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::string named = policy::in_backticks(sources[i].str()) + ", which they are made from";
    if (as_read != nullptr) {
      const std::string key = catalog::dataset_key(sources[i]);
      SLUIS_TRY(std::optional<std::string> bytes, store.get(key));  // before it is looked at: then a change between is found out
      as_read->push_back({key, std::move(bytes)});
    }
    const auto source = published.show(sources[i]);
    if (!source && source.error().code == ErrorCode::not_found) return not_gathered_so(named + ", is not known here any more");
    if (!source) return source.error();
    SLUIS_CHECK(check_own_gathering(source->dataset, "of " + named + ": ", store, now, as_read, until));
    SLUIS_CHECK(add_sources(source->dataset));
  }
  return {};
}

}  // namespace sluis::management
