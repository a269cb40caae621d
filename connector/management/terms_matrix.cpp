#include "connector/management/serving.hpp"
#include "connector/management/terms_parts.hpp"

#include <set>

/// Purpose by class of party, for every dataset: what the gate makes of its terms, by the gate's own function.
namespace sluis::management {
namespace {

struct Rows {
  std::set<std::string> purposes;
  std::set<std::string> classes;
};

void add_named(Rows& rows, const catalog::Dataset& dataset) {
  const auto summary = summarise(dataset.offer, true);
  rows.purposes.insert(summary.purposes.begin(), summary.purposes.end());
  rows.classes.insert(summary.classes.begin(), summary.classes.end());
  rows.purposes.insert(dataset.terms.deny_purposes.begin(), dataset.terms.deny_purposes.end());
}

}  // namespace

Result<v1::TermsMatrixResponse> terms_matrix(const Backend& backend, const v1::TermsMatrixRequest& request) {
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  SLUIS_TRY(const auto language, language_of(request.lang()));
  std::vector<catalog::PublishedDataset> datasets;
  if (!request.dataset().empty()) {
    SLUIS_TRY(auto published, backend.catalog.show(DatasetId(request.dataset())));
    datasets.push_back(std::move(published));
  } else {
    SLUIS_CHECK(backend.catalog.each("", [&](catalog::PublishedDataset&& one) {
      if (!one.retracted) datasets.push_back(std::move(one));
      return true;
    }));
  }
  Rows rows;
  for (const auto& published : datasets) add_named(rows, published.dataset);
  for (const auto& purpose : request.purposes()) {
    SLUIS_TRY(const auto index, find_purpose(*vocabulary, purpose));
    rows.purposes.insert(vocabulary->term(index).iri);
  }
  if (const auto list = backend.directory.list()) {
    for (const auto& party : list->parties) rows.classes.insert(party.class_of_recipient);
  }
  const auto teller = teller_for(backend, *vocabulary, language);
  const auto now = backend.clock.now();
  v1::TermsMatrixResponse response;
  for (const auto& published : datasets) {
    const catalog::Dataset& dataset = published.dataset;
    SLUIS_TRY(const auto standing, backend.catalog.standing(published, now));
    const gate::ReleasePlan plan = serving_plan(dataset, standing);
    SLUIS_TRY(const auto compiled, catalog::compile_offer(dataset.offer, vocabulary));
    for (const auto& purpose : rows.purposes) {
      const auto index = vocabulary->lookup(purpose);
      if (!index) continue;
      for (const auto& kind : rows.classes) {
        auto* row = response.add_rows();
        row->set_dataset(dataset.id.str());
        row->set_title(language == policy::Language::dutch ? dataset.title.nl : dataset.title.en);
        row->set_purpose(purpose);
        const auto label = policy::tell_purpose(purpose, teller);
        row->set_label(label.substr(1, label.size() - 2));
        row->set_class_of_recipient(kind);
        row->set_access(std::string(to_string(gate::access_for(plan, compiled.program, kind, *index, now))));
      }
    }
  }
  return response;
}

}  // namespace sluis::management
