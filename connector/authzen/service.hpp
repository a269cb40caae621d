#pragma once

#include "connector/authzen/search.hpp"

namespace sluis::authzen {

/// The engine as a policy decision point (NLgov AuthZEN 1.0.0). Nothing is answered before it is durably recorded: each
/// evaluation is one entry, those of one request one commit (D29); each page of a search is one entry. Thread-safe;
/// worker threads only.
class Service {
 public:
  Service(Options options, Dependencies dependencies)
      : options_(std::move(options)), with_(std::move(dependencies)) {}
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// `/access/v1/evaluation`, `/access/v1/evaluations`, `/access/v1/search/subject`, `…/resource`, `…/action` and
  /// `/.well-known/authzen-configuration`, in this order: for the management listener.
  std::vector<http::Route> routes();

 private:
  struct Asker;
  /// Answers a body that was read as JSON.
  using Answer = http::Response (Service::*)(const json::Value& body, const Asker& by);

  http::Response handle(const http::Request& request, const std::string& method, Answer answer);
  http::Response evaluation(const json::Value& body, const Asker& by);
  http::Response evaluations(const json::Value& body, const Asker& by);
  template <Sought sought>
  http::Response search(const json::Value& body, const Asker& by);
  http::Response decide(const Batch& batch, const Asker& by) const;
  http::Response undecided(std::string_view what) const;
  Result<std::vector<Outcome>> evaluate_all(const Batch& batch, const Asker& by) const;
  /// The transactions, in the order of the outcomes.
  Result<std::vector<std::string>> record(const Batch& batch, const std::vector<Outcome>& outcomes,
                                          const Asker& by) const;
  /// The transaction.
  Result<std::string> record(const Search& search, const Found& found, const Asker& by) const;

  const Options options_;
  const Dependencies with_;
  Agreements agreements_{with_.store, options_.self, options_.agreements_searched};
  const Evaluator evaluator_{options_, with_, agreements_};
  const Searcher searcher_{with_, agreements_, evaluator_};
};

}  // namespace sluis::authzen
