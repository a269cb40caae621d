#include "connector/authzen/search.hpp"

#include "connector/base/limits.hpp"

#include <algorithm>

namespace sluis::authzen {
namespace {

/// A candidate of a search for actions is a purpose and, behind this, an activity.
constexpr char kBetween = '\n';

struct Candidate {
  Evaluation asked;
  json::Value result;
};

/// The question about one candidate, and what a page says of it.
Candidate candidate(const Search& search, const std::string& key) {
  Candidate one{search.asked, {}};
  Evaluation& asked = one.asked;
  switch (search.sought) {
    case Sought::subject:
      asked.subject_id = asked.party = key;
      one.result = json::object({{"type", asked.subject_type}, {"id", key}});
      break;
    case Sought::resource:
      asked.resource_id = key;
      one.result = json::object({{"type", asked.resource_type}, {"id", key}});
      if (asked.resource_type == "agreement") asked.agreement = key;
      else if (!asked.agreement.empty()) {
        one.result.set("properties", json::object({{"agreement", asked.agreement}}));
      }
      break;
    case Sought::action: {
      const auto between = key.find(kBetween);
      asked.action = "use";
      asked.purpose = key.substr(0, between);
      asked.activity = key.substr(between + 1);
      json::Value properties = json::object({{"purpose", *asked.purpose}});
      if (!asked.activity.empty()) properties.set("processing_activity_id", asked.activity);
      one.result = json::object({{"name", asked.action}, {"properties", std::move(properties)}});
      break;
    }
  }
  return one;
}

bool is_of_subject(const Evaluation& asked, const AgreementOf& one) { return one.party.str() == asked.party; }

bool is_of_resource(const Evaluation& asked, const AgreementOf& one) {
  if (asked.resource_type == "agreement") return one.id.str() == asked.resource_id;
  return asked.resource_type == "dataset" && one.dataset.str() == asked.resource_id &&
         (asked.agreement.empty() || one.id.str() == asked.agreement);
}

}  // namespace

Result<Found> Searcher::page(const Search& search, const intake::Application& application, Timestamp now) const {
  SLUIS_TRY(const std::set<std::string> all, candidates(search, application));
  Found found;
  Evaluator::Asking by = evaluator_.asking(application, now);
  std::size_t evaluations = 0;
  std::size_t bytes = 0;
  std::string last = search.after;
  const std::uint64_t wanted = std::min<std::uint64_t>(search.limit, limits::kSearchResults);
  for (auto next = all.upper_bound(last); next != all.end(); ++next) {
    if (found.results.size() == wanted || evaluations == limits::kSearchEvaluations ||
        bytes >= limits::kSearchResultBytes) {
      found.next_token = page_token(search, last);
      return found;
    }
    Candidate one = candidate(search, *next);
    SLUIS_TRY(const Outcome outcome, evaluator_.evaluate(one.asked, by));
    ++evaluations;
    last = *next;
    if (!outcome.permit) continue;
    bytes += json::serialise(one.result).size();
    found.results.push_back(std::move(one.result));
  }
  return found;
}

/// All that an evaluation might permit: what is not among them it denies.
Result<std::set<std::string>> Searcher::candidates(const Search& search,
                                                   const intake::Application& application) const {
  SLUIS_TRY(const Agreements::List agreements, agreements_.all());
  std::set<std::string> out;
  const auto add = [&](const std::string& id) {
    if (id.size() <= limits::kIdBytes) out.insert(id);  // a longer one cannot be asked for
  };
  for (const AgreementOf& one : *agreements) {
    switch (search.sought) {
      case Sought::subject:
        if (is_of_resource(search.asked, one)) add(one.party.str());
        break;
      case Sought::resource:
        if (!is_of_subject(search.asked, one)) break;
        if (search.asked.resource_type == "agreement") add(one.id.str());
        else add(one.dataset.str());
        break;
      case Sought::action:
        if (is_of_subject(search.asked, one) && is_of_resource(search.asked, one)) {
          SLUIS_CHECK(add_actions(one.id, application, out));
        }
        break;
    }
  }
  return out;
}

/// The purposes under which the agreement was made. One that cannot be read permits nothing.
Result<void> Searcher::add_actions(const AgreementId& agreement, const intake::Application& application,
                                   std::set<std::string>& out) const {
  const auto record = negotiation::read_agreement(with_.store, agreement);
  if (!record && record.error().code != ErrorCode::not_found) return record.error();
  if (!record || !record->active()) return {};
  const auto terms = with_.programs.agreement(*record, with_.vocabulary());
  if (!terms) return {};
  const policy::Vocabulary& purposes = *(*terms)->vocabulary;
  for (policy::PurposeIndex i = 0; i < purposes.size(); ++i) {
    const std::string& iri = purposes.term(i).iri;
    if (iri.size() > limits::kIdBytes) continue;
    out.insert(iri + kBetween);
    for (const std::string& activity : application.activities) {
      if (activity.size() <= limits::kIdBytes) out.insert(iri + kBetween + activity);
    }
  }
  return {};
}

}  // namespace sluis::authzen
