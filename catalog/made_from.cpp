#include "catalog/dataset_file.hpp"
#include "connector/base/limits.hpp"
#include "policy/odrl/combine.hpp"

#include <algorithm>
#include <set>

namespace sluis::catalog {
namespace {

std::string in_backticks(std::string_view text) { return "`" + std::string(text.substr(0, 200)) + "`"; }

/// What a source asks of a request beside its policy is asked here too.
Result<void> check_manner(const DatasetFile& file, const Dataset& source) {
  const auto need = [&](bool there, bool here, const char* key) -> Result<void> {
    if (!there || here) return {};
    const std::string why = in_backticks(source.id.str()) + ", which this is made from, has " + in_backticks(key);
    return (file.terms ? file.terms->refused(key, why) : file.root.refused("made_from", why))
        .mended_by("write `" + std::string(key) + " = true` in `[terms]`");
  };
  const Terms& own = file.dataset.terms;
  SLUIS_CHECK(need(source.terms.processing_activity, own.processing_activity, "processing_activity"));
  SLUIS_CHECK(need(source.terms.two_sided_evidence, own.two_sided_evidence, "two_sided_evidence"));
  SLUIS_CHECK(need(source.terms.steward_approval, own.steward_approval, "steward_approval"));
  if (!own.single_purpose_without_claim || source.terms.single_purpose_without_claim) return {};
  return file.terms->refused("single_purpose_without_claim",
                             in_backticks(source.id.str()) + ", which this is made from, wants a claim with each request");
}

/// The groups of a source and of all that it is made from in its turn.
Result<void> gather(const DatasetId& self, const Dataset& source, std::set<std::string>& seen,
                    std::vector<policy::DatasetColumns>& groups, const DatasetContext& context) {
  if (source.id == self) return Error(ErrorCode::invalid_argument, in_backticks(self.str()) + " would be made from itself");
  if (!seen.insert(source.id.str()).second) return {};
  if (seen.size() > limits::kSourcesInAll) {
    return Error(ErrorCode::limit_exceeded,
                 "this is made from more than " + std::to_string(limits::kSourcesInAll) + " datasets, near and far");
  }
  groups.push_back(source.source.columns);
  for (const MadeFrom& next : source.made_from) {
    SLUIS_TRY(const Dataset further, context.source(next.id));
    SLUIS_CHECK(gather(self, further, seen, groups, context));
  }
  return {};
}

}  // namespace

Result<void> meet_sources(DatasetFile& file, CompiledOffer& compiled, std::vector<policy::DatasetColumns>& groups,
                          const DatasetContext& context) {
  Dataset& dataset = file.dataset;
  std::vector<policy::SourceTerms> terms{{dataset.id.str(), compiled.policy}};
  std::set<std::string> seen;
  for (std::size_t i = 0; i < dataset.made_from.size(); ++i) {
    MadeFrom& from = dataset.made_from[i];
    const auto here = [&](const Error& error) { return Error(error).at(file.root.place("made_from", i)); };
    auto source = context.source ? context.source(from.id)
                                 : Error(ErrorCode::not_found, "there are no other datasets here");
    if (!source) {
      return here(source.error()).mended_by("name datasets that this node has on offer: what was received under an agreement is "
                                            "for this party alone");
    }
    SLUIS_CHECK(check_manner(file, *source));
    if (const auto all = gather(dataset.id, *source, seen, groups, context); !all) return here(all.error());
    auto read = compile_offer(source->offer, context.vocabulary);
    if (!read) return here(read.error());
    terms.push_back({from.id.str(), std::move(read->policy)});
    from.offer_hash = source->offer_hash;
  }
  auto left = policy::combine(terms, *context.vocabulary);
  if (!left) return Error(left.error()).at(file.root.place("made_from"));
  left->type = policy::Policy::Type::offer;
  SLUIS_TRY(dataset.offer, make_offer(dataset.id, *left));
  auto made = compile_offer(dataset.offer, context.vocabulary);
  if (!made) return Error(made.error()).at(file.root.place("made_from"));
  compiled = std::move(*made);
  return {};
}

Result<void> check_column_groups(const DatasetFile& file, const std::vector<policy::DatasetColumns>& groups) {
  const policy::DatasetColumns& own = file.dataset.source.columns;
  const auto kept = [&](const std::string& name) {
    const policy::ColumnDeclaration* column = own.find(name);
    return column != nullptr && column->action == policy::ColumnAction::keep;
  };
  const auto list = [&](const std::vector<std::string>& group, bool which) {
    std::string text;
    for (const std::string& name : group) {
      if (kept(name) == which) text += (text.empty() ? "" : ", ") + in_backticks(name);
    }
    return text;
  };
  for (const policy::DatasetColumns& one : groups) {
    for (const auto& group : one.together) {
      const auto count = std::count_if(group.begin(), group.end(), kept);
      if (count == 0 || static_cast<std::size_t>(count) == group.size()) continue;
      return file.source.refused("columns", list(group, true) + " may only be read together with " + list(group, false))
          .mended_by("keep all of them, or drop all of them");
    }
    for (const auto& group : one.apart) {
      if (std::count_if(group.begin(), group.end(), kept) <= 1) continue;
      return file.source.refused("columns", list(group, true) + " may never be read together").mended_by("keep one of them");
    }
  }
  return {};
}

}  // namespace sluis::catalog
