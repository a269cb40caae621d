#pragma once

#include "connector/authzen/evaluator.hpp"

#include <set>

namespace sluis::authzen {

/// A page of what a search found.
struct Found {
  json::Array results;     ///< entities as the specification has them
  std::string next_token;  ///< empty: there is no more
};

/// Finds what an evaluation would permit, by evaluating each candidate: the parties and the data that agreements name,
/// and, for actions, each purpose that their terms can be asked for, without an activity and with each of the
/// application's. Records nothing. Thread-safe; worker threads only.
class Searcher {
 public:
  Searcher(const Dependencies& with, Agreements& agreements, const Evaluator& evaluator)
      : with_(with), agreements_(agreements), evaluator_(evaluator) {}

  /// At most limits::kSearchResults results and limits::kSearchEvaluations evaluations, in the order of the candidates.
  /// Errors: limit_exceeded (too many agreements to look through), the store's.
  Result<Found> page(const Search& search, const intake::Application& application, Timestamp now) const;

 private:
  Result<std::set<std::string>> candidates(const Search& search, const intake::Application& application) const;
  Result<void> add_actions(const AgreementId& agreement, const intake::Application& application,
                           std::set<std::string>& out) const;

  const Dependencies& with_;
  Agreements& agreements_;
  const Evaluator& evaluator_;
};

}  // namespace sluis::authzen
