#include "catalog/dataset_file.hpp"
#include "catalog/offer.hpp"
#include "connector/base/suggest.hpp"
#include "connector/base/zoneinfo.hpp"
#include "policy/odrl/match.hpp"
#include "policy/odrl/named.hpp"
#include "policy/odrl/values_known.hpp"
#include "policy/purpose/legal_bases.hpp"

#include <algorithm>
#include <array>

namespace sluis::catalog {
namespace {

std::string in_backticks(std::string_view text) { return "`" + std::string(text.substr(0, 200)) + "`"; }

/// At a key of `[terms]`; at the root where there is no such table.
Error terms_refused(const DatasetFile& file, std::string_view key, std::string message) {
  return file.terms ? file.terms->refused(key, std::move(message)) : file.root.refused("terms", std::move(message));
}

Result<void> check_assessment(const DatasetFile& file, Timestamp now) {
  const Dataset& dataset = file.dataset;
  const Assessment& assessment = dataset.assessment;
  if (now >= assessment.until) {
    return file.personal.refused("until", "the assessment expired at " + format_time(assessment.until))
        .mended_by("assess the dataset again");
  }
  if (assessment.personal && !dataset.terms.processing_activity) {
    return terms_refused(file, "processing_activity", "personal data need a registered processing activity")
        .mended_by("write `processing_activity = true` in `[terms]`");
  }
  if (dataset.access != Access::open) return {};
  if (assessment.personal) return file.root.refused("access", "personal data cannot be open to everybody");
  if (assessment.traceable_to_small_groups && !dataset.terms.suppress && !file.offer_file) {
    return file.root.refused("access", "data that can be traced to small groups cannot be open as they are")
        .mended_by("add `[terms.suppress_small_cells]`");
  }
  return {};
}

Result<void> check_access(const DatasetFile& file) {
  const Dataset& dataset = file.dataset;
  const bool open = dataset.access == Access::open;
  if (open != (dataset.access_rights == AccessRights::open)) {
    return file.root.refused("access_rights",
                             "`access` is " + in_backticks(open ? "public" : "agreement") + ", and `access_rights` is " +
                                 in_backticks(to_string(dataset.access_rights)))
        .mended_by("both are `public`, or neither is");
  }
  if (!open && dataset.gathered_for_municipality && dataset.public_reason.empty()) {
    return file.root.refused("gathered_for_municipality",
                             "data gathered for the municipality are open, or `public_reason` says why they are not");
  }
  if (!open || !file.terms) return {};
  constexpr std::array<std::string_view, 13> none{
      "classes",      "purposes",         "deny_purposes", "processing_activity",         "from", "until", "access_for",
      "delete_after", "steward_approval", "single_purpose_without_claim", "two_sided_evidence", "legal_basis", "impact_assessment_for"};
  for (const std::string_view key : none) {
    if (file.terms->has(key)) {
      return file.terms->refused(key, in_backticks(key) + " has no place in terms for open data")
          .mended_by("open data are for everybody and every purpose; only `suppress_small_cells` can stand here");
    }
  }
  return {};
}

Result<void> check_purposes(const DatasetFile& file, std::string_view key, const std::vector<std::string>& purposes,
                            const policy::Vocabulary& vocabulary) {
  for (std::size_t i = 0; i < purposes.size(); ++i) {
    const auto found = vocabulary.lookup(purposes[i]);
    if (found && key == "purposes" && vocabulary.judges_persons(*found) && !file.dataset.terms.processing_activity) {
      return Error(ErrorCode::invalid_argument, in_backticks(purposes[i]) + " is to judge persons, and for that all data are personal")
          .at(file.terms->place(key, i))
          .mended_by("write `processing_activity = true`, or leave the purpose out");
    }
    if (found) continue;
    return Error(ErrorCode::invalid_argument, "unknown purpose " + in_backticks(purposes[i]))
        .at(file.terms->place(key, i))
        .mended_by(vocabulary.suggest(purposes[i]));
  }
  return {};
}

Result<void> check_periods(const DatasetFile& file, Timestamp now) {
  const Terms& terms = file.dataset.terms;
  if (terms.from && terms.until && *terms.until <= *terms.from) {
    return file.terms->refused("until", "`until` is not after `from`");
  }
  if (terms.until && *terms.until <= now) {
    return file.terms->refused("until", "these terms ended at " + format_time(*terms.until));
  }
  if (terms.access_for && *terms.access_for <= Duration::zero()) {
    return file.terms->refused("access_for", "`access_for` is not longer than nothing");
  }
  if (terms.delete_after && *terms.delete_after < Duration::zero()) {
    return file.terms->refused("delete_after", "`delete_after` is negative");
  }
  const Period& temporal = file.dataset.temporal;
  if (temporal.from && temporal.until && *temporal.until < *temporal.from) {
    return file.root.refused("temporal", "the period ends before it begins");
  }
  return {};
}

/// What a request has to say of its processing activity.
Result<void> check_activity(const DatasetFile& file, const policy::Vocabulary& vocabulary) {
  const Terms& terms = file.dataset.terms;
  for (const std::string_view key : {"legal_basis", "impact_assessment_for"}) {
    if (!file.terms->has(key) || terms.processing_activity) continue;
    return file.terms->refused(key, in_backticks(key) + " is about the processing activity that a request names, and these terms ask for none")
        .mended_by("write `processing_activity = true`");
  }
  for (std::size_t i = 0; i < terms.legal_basis.size(); ++i) {
    if (const auto found = policy::find_legal_basis(terms.legal_basis[i]); !found) return Error(found.error()).at(file.terms->place("legal_basis", i));
  }
  const auto& assessed = terms.impact_assessment_for;
  const auto needs = [&](const std::string& purpose) { return std::find(assessed.begin(), assessed.end(), purpose) != assessed.end(); };
  for (std::size_t i = 0; i < assessed.size(); ++i) {
    const auto refused = [&](std::string message) { return Error(ErrorCode::invalid_argument, std::move(message)).at(file.terms->place("impact_assessment_for", i)); };
    const auto narrow = vocabulary.lookup(assessed[i]);
    if (!narrow || std::find(terms.purposes.begin(), terms.purposes.end(), assessed[i]) == terms.purposes.end()) {
      return refused(in_backticks(assessed[i]) + " is none of `purposes`").mended_by("name it in both");
    }
    for (const std::string& broad : terms.purposes) {
      const auto above = vocabulary.lookup(broad);
      if (needs(broad) || !above) continue;
      // Also what lies below both, by way of two parents, could be asked for under the other.
      policy::PurposeSet both = vocabulary.descendants(*narrow);
      both &= vocabulary.descendants(*above);
      if (both.none()) continue;
      return refused(in_backticks(assessed[i]) + ", or a purpose below it, lies below " + in_backticks(broad) + ", which is open without an impact assessment")
          .mended_by("name that one here too, or leave it out of `purposes`");
    }
  }
  return {};
}

Result<void> check_terms(const DatasetFile& file, const policy::Vocabulary& vocabulary) {
  if (file.dataset.access == Access::open) return {};
  if (!file.terms) return file.root.refused("terms", "a dataset under agreement needs `[terms]`");
  const Terms& terms = file.dataset.terms;
  if (file.offer_file) {
    constexpr std::array<std::string_view, 11> in_offer{"classes",    "purposes",     "deny_purposes",        "from",        "until",
                                                        "access_for", "delete_after", "suppress_small_cells", "legal_basis", "impact_assessment_for",
                                                        "two_sided_evidence"};
    for (const std::string_view key : in_offer) {
      if (file.terms->has(key)) {
        return file.terms->refused(key, in_backticks(key) + " stands in the offer's own file").mended_by("leave it out here");
      }
    }
    return {};
  }
  if (terms.classes.empty()) return file.terms->refused("classes", "the terms name no class of parties in `classes`");
  if (terms.purposes.empty()) return file.terms->refused("purposes", "the terms name no purpose in `purposes`");
  for (std::size_t i = 0; i < terms.classes.size(); ++i) {
    if (!policy::is_class_name(terms.classes[i])) {
      return Error(ErrorCode::invalid_argument, in_backticks(terms.classes[i]) + " is not a class of parties")
          .at(file.terms->place("classes", i))
          .mended_by("write a word in lower case, like `municipality`");
    }
  }
  SLUIS_CHECK(check_purposes(file, "purposes", terms.purposes, vocabulary));
  SLUIS_CHECK(check_purposes(file, "deny_purposes", terms.deny_purposes, vocabulary));
  return check_activity(file, vocabulary);
}

/// An error about a hand-written offer, in its own file.
Error in_offer(Error error, const std::string& name, const std::string& text) {
  if (error.place.line == 0) {
    const std::string pointer = error.place.pointer;
    error.place = json::locate(text, pointer);
    error.place.pointer = pointer;
  }
  error.place.file = name;
  return error;
}

/// Several situations and assessments may be in force at once.
Result<void> check_sets(const std::vector<policy::Named>& named, const std::string& what) {
  const policy::Named* one = policy::opens_on_more(named);
  if (one == nullptr) return {};
  return Error(ErrorCode::invalid_argument, "this would open where one more " + what + " is in force")
      .at_pointer(one->pointer)
      .mended_by(one->in_one        ? "write it without `xone`"
                 : one->prohibition ? "write `isAnyOf` for `eq`"
                                    : "write `isNoneOf` for `neq`");
}

/// Terms that this node could never keep are no promise to anybody.
Result<void> check_enforceable(const policy::Policy& policy, const DatasetContext& context) {
  SLUIS_CHECK(policy::check_values(policy));
  SLUIS_CHECK(check_declarations(policy, context.situations));
  if (!context.supplied) return {};
  for (const policy::PolicyPart& part : policy::enforcement(policy, *context.supplied)) {
    if (part.keeper != policy::Keeper::refused) continue;
    return Error(ErrorCode::invalid_argument, policy::refusal(part))
        .at_pointer(part.pointer)
        .mended_by("leave it out, or serve these data from a node that can; `terms check` lists every part");
  }
  return {};
}

Result<CompiledOffer> read_offer(DatasetFile& file, const DatasetContext& context) {
  const std::string& name = *file.offer_file;
  if (!context.read_beside) return file.root.refused("offer", "a hand-written offer cannot be read here");
  auto text = context.read_beside(name);
  if (!text) return file.root.refused("offer", in_backticks(name) + " cannot be read: " + text.error().message);
  auto value = json::parse(*text);
  if (!value) return in_offer(value.error(), name, *text);
  auto compiled = compile_offer(*value, context.vocabulary);
  if (!compiled) return in_offer(compiled.error(), name, *text);
  const auto kept = check_enforceable(compiled->policy, context);
  if (!kept) return in_offer(kept.error(), name, *text);
  const auto hash = offer_hash(*value);
  if (!hash) return in_offer(hash.error(), name, *text);
  file.dataset.offer = std::move(*value);
  return compiled;
}

/// Open data are for everybody: their offer permits without asking who, why or when.
Result<void> check_open_offer(const DatasetFile& file, const policy::Policy& policy) {
  if (file.dataset.access != Access::open) return {};
  const bool bound = std::any_of(policy.permissions.begin(), policy.permissions.end(),
                                 [](const policy::Rule& rule) {
                                   return !rule.constraints.empty() || !rule.refinements.empty() || !rule.duties.empty() ||
                                        rule.target || rule.assignee;
                                 });
  if (bound || !policy.prohibitions.empty()) {
    return file.root.refused("offer", "the offer of open data can bind nobody");
  }
  if (file.dataset.assessment.traceable_to_small_groups && policy::transforms(policy).empty()) {
    return file.root.refused("access", "data that can be traced to small groups cannot be open as they are");
  }
  return {};
}

/// What the gate will have: so that what it cannot do is refused now, and not at the first release.
policy::Means means_to_check(const Source& source) {
  policy::Means means;
  means.only_check = true;
  means.zones = [](const std::string& name) -> Result<policy::ZonePtr> {
    SLUIS_TRY(const std::string bytes, read_zoneinfo(name));
    SLUIS_TRY(policy::ZoneTable table, policy::parse_tzif(bytes, name));
    return std::make_shared<const policy::ZoneTable>(std::move(table));
  };
  means.places = [&source](const std::string& name) -> Result<std::shared_ptr<const policy::PlaceTable>> {
    if (source.lookups.contains(name)) return std::make_shared<const policy::PlaceTable>();
    return Error(ErrorCode::invalid_argument, "the dataset declares no lookup table " + in_backticks(name));
  };
  return means;
}

/// Open data go to anybody: there is no recipient whose pseudonyms they could be.
Result<void> check_open_transforms(const DatasetFile& file, std::span<const policy::Transform> transforms) {
  if (file.dataset.access != Access::open) return {};
  for (const policy::Transform& transform : transforms) {
    if (!std::holds_alternative<policy::Pseudonymise>(transform)) continue;
    return file.root.refused("access",
                             "open data cannot be pseudonymised: pseudonyms are for one recipient and purpose");
  }
  return {};
}

/// What goes on as it comes has no last row, and its hours no end by which open data are counted.
Result<void> check_live(const DatasetFile& file, bool whole_table) {
  if (file.dataset.source.follow.empty()) return {};
  if (file.dataset.push) {
    return file.root.refused("push", "a file that is followed has no end, and what is sent has").mended_by("leave `push` out: such data are fetched");
  }
  if (file.dataset.access == Access::open) {
    return file.root.refused("access", "a file that is followed is not open").mended_by("write `access = \"agreement\"`; what is open is counted by the hour and request");
  }
  if (!whole_table) return {};
  return file.source.refused("follow", "the terms add rows up, and of a file that is followed there is no last row")
      .mended_by("leave `aggregateBy` out, or let a program write the sums, row by row, to a file that is followed");
}

}  // namespace

Result<void> check_declarations(const policy::Policy& policy, const std::optional<std::vector<std::string>>& situations) {
  const auto named = policy::named(policy, policy::Operand::situation);
  SLUIS_CHECK(check_sets(named, "situation"));
  SLUIS_CHECK(check_sets(policy::named(policy, policy::Operand::assessment), "assessment"));
  if (!situations) return {};
  const std::vector<std::string_view> known(situations->begin(), situations->end());
  for (const policy::Named& one : named) {
    if (std::find(known.begin(), known.end(), one.value) != known.end()) continue;
    return Error(ErrorCode::invalid_argument, "this node defines no situation " + in_backticks(one.value))
        .at_pointer(one.pointer)
        .mended_by(known.empty() ? "name a file of situations in node.toml: [policy] situations"
                                 : suggestion(one.value, known));
  }
  return {};
}

Result<void> check_dataset_file(const DatasetFile& file, const DatasetContext& context) {
  SLUIS_CHECK(check_access(file));
  SLUIS_CHECK(check_terms(file, *context.vocabulary));
  SLUIS_CHECK(check_periods(file, context.now));
  return check_assessment(file, context.now);
}

Result<void> add_offer(DatasetFile& file, const DatasetContext& context) {
  Dataset& dataset = file.dataset;
  if (!file.offer_file) {
    SLUIS_TRY(dataset.offer, make_offer(dataset.id, dataset.access, dataset.terms));
  }
  auto compiled = file.offer_file ? read_offer(file, context) : compile_offer(dataset.offer, context.vocabulary);
  // The generated offer's pointers say nothing to the author of a TOML file.
  if (!compiled) return file.offer_file ? compiled.error() : Error(compiled.error()).at(file.root.place("terms"));
  std::vector<policy::DatasetColumns> groups{dataset.source.columns};
  if (!dataset.made_from.empty()) {
    SLUIS_CHECK(meet_sources(file, *compiled, groups, context));
  }
  SLUIS_CHECK(check_column_groups(file, groups));
  const auto kept = check_enforceable(compiled->policy, context);
  if (!kept) return Error(kept.error()).at(file.root.place("terms"));
  const auto hash = offer_hash(dataset.offer);
  if (!hash) return file.offer_file ? hash.error() : Error(hash.error()).at(file.root.place("terms"));
  dataset.offer_hash = *hash;
  SLUIS_CHECK(check_open_offer(file, compiled->policy));
  for (std::size_t i = 0; i < dataset.terms.purposes.size(); ++i) {
    const auto purpose = context.vocabulary->lookup(dataset.terms.purposes[i]);
    if (!purpose || !policy::purpose_satisfies(compiled->program, *purpose)) {
      const std::string why = dataset.made_from.empty() ? " is denied by `deny_purposes`" : " is not left by `deny_purposes` and the sources";
      return Error(ErrorCode::invalid_argument, in_backticks(dataset.terms.purposes[i]) + why)
          .at(file.terms->place("purposes", i));
    }
  }
  if (dataset.terms.single_purpose_without_claim && !policy::single_purpose(compiled->program)) {
    return terms_refused(file, "single_purpose_without_claim", "the terms do not leave exactly one purpose");
  }
  const auto transforms = policy::transforms(compiled->policy);
  SLUIS_CHECK(check_open_transforms(file, transforms));
  const auto plan = policy::ColumnPlan::compile(dataset.source.columns, transforms, means_to_check(dataset.source));
  if (!plan) return Error(plan.error()).at(file.source.place("columns"));
  return check_live(file, plan->whole_table());
}

}  // namespace sluis::catalog
