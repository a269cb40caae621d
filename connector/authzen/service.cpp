#include "connector/authzen/service.hpp"

#include "connector/authzen/answer.hpp"
#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/base/transaction_id.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/gate/evidence.hpp"
#include "connector/gate/refusals.hpp"

#include <algorithm>
#include <array>

namespace sluis::authzen {
namespace {

constexpr int kTries = 4;

bool is_json(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  return type == "application/json" || type == "application/json ";
}

/// It is given back as it came, so it must be short and without control characters.
bool may_be_echoed(std::string_view request_id) {
  const auto control = [](char c) { return (c >= 0 && c < ' ') || c == 127; };
  return request_id.size() <= limits::kRequestIdBytes && std::none_of(request_id.begin(), request_id.end(), control);
}

std::string claimed_purpose(const Evaluation& asked) {
  return asked.purpose ? policy::expand_purpose(*asked.purpose) : std::string();
}

EntryDraft entry(const Evaluation& asked, const Outcome& outcome, v1::Shared shared, v1::Internal internal) {
  shared.set_counterparty(asked.party);  // as it was named, where no agreement says more
  shared.set_event(outcome.permit ? "evaluated.permitted" : "evaluated.refused");
  shared.set_agreement(asked.agreement);
  if (asked.resource_type == "dataset") shared.set_dataset(asked.resource_id);
  shared.set_purpose(outcome.verdict.purpose.empty() ? claimed_purpose(asked) : outcome.verdict.purpose);
  shared.set_declared("per request");
  *shared.mutable_decision() = gate::to_proto(outcome.reason, outcome.permit);
  Hash offer_hash{};
  if (const auto& agreement = outcome.verdict.agreement) {
    offer_hash = agreement->offer_hash;
    shared.set_counterparty(agreement->peer.str());
    shared.set_agreement(agreement->id.str());
    shared.set_dataset(agreement->dataset.str());
    shared.set_offer_hash(std::string(view(offer_hash)));
    shared.set_agreement_hash(std::string(view(agreement->agreement_hash)));
  }
  if (outcome.verdict.terms) shared.set_program_hash(std::string(view(outcome.verdict.terms->program_hash)));
  gate::set_rests_on(shared, outcome.verdict.rests_on);
  gate::set_known(internal, outcome.verdict);
  return gate::make_entry(provenance::EntryKind::decision, offer_hash, shared, internal);
}

}  // namespace

/// Who asked, and what the request says of itself: this stands in the record.
struct Service::Asker {
  intake::Application application;
  std::string request_id;
  std::string traceparent;  ///< of the call; empty: none, or of no use

  /// Of one call, all entries are of one step. What the call itself does not say of its trace, what it asks may.
  Trace step(const Evaluation& first, Random& random) const {
    return begin_step(traceparent.empty() ? first.trace : traceparent, random);
  }

  v1::Internal internal(const Evaluation& asked, const Trace& step) const {
    v1::Internal out;
    out.set_activity(asked.activity);
    out.set_application(application.name);
    gate::set_step(out, step);
    out.set_request(json::serialise(to_json(asked)));
    if (!request_id.empty()) out.set_detail("request " + request_id);
    return out;
  }
};

std::vector<http::Route> Service::routes() {
  struct Endpoint {
    const char* name;  // in the configuration
    const char* path;
    const char* method;  // of AuthzenService in proto/
    Answer answer;
  };
  constexpr std::array<Endpoint, 5> kEndpoints{{
      {"access_evaluation_endpoint", "/access/v1/evaluation", "Evaluation", &Service::evaluation},
      {"access_evaluations_endpoint", "/access/v1/evaluations", "Evaluations", &Service::evaluations},
      {"search_subject_endpoint", "/access/v1/search/subject", "SearchSubject", &Service::search<Sought::subject>},
      {"search_resource_endpoint", "/access/v1/search/resource", "SearchResource", &Service::search<Sought::resource>},
      {"search_action_endpoint", "/access/v1/search/action", "SearchAction", &Service::search<Sought::action>},
  }};
  std::vector<http::Route> routes;
  json::Value configuration = json::object({{"policy_decision_point", options_.base_url}});
  for (const Endpoint& one : kEndpoints) {
    const auto handler = [this, method = std::string(one.method), answer = one.answer](const http::Request& request) {
      return handle(request, method, answer);
    };
    routes.push_back({"POST", one.path, handler, limits::kAuthzenBytes});
    configuration.set(one.name, options_.base_url + one.path);
  }
  const auto configured = [body = json::serialise(configuration)](const http::Request&) {
    return http::json_response(200, body);
  };
  routes.push_back({"GET", "/.well-known/authzen-configuration", configured, 0});
  return routes;
}

http::Response Service::handle(const http::Request& request, const std::string& method, Answer answer) {
  const std::string_view request_id = request.header("x-request-id");
  if (!may_be_echoed(request_id)) {
    return error_answer(Error(ErrorCode::invalid_argument, "`x-request-id` is too long, or not printable"));
  }
  const auto run = [&]() -> http::Response {
    auto application = with_.authenticate(request, method);
    if (!application) return error_answer(application.error());
    if (!is_json(request.header("content-type"))) {
      return error_answer(Error(ErrorCode::invalid_argument, "the body must be `application/json`"));
    }
    const auto body = json::parse(request.body);
    if (!body) return error_answer(body.error());
    return (this->*answer)(*body, {std::move(*application), std::string(request_id), std::string(request.header("traceparent"))});
  };
  http::Response response = run();
  if (!request_id.empty()) response.headers["x-request-id"] = std::string(request_id);
  return response;
}

http::Response Service::evaluation(const json::Value& body, const Asker& by) {
  auto asked = read_evaluation(body);
  if (!asked) return error_answer(asked.error());
  Batch one;
  one.evaluations.push_back(std::move(*asked));
  one.single = true;
  return decide(one, by);
}

http::Response Service::evaluations(const json::Value& body, const Asker& by) {
  const auto asked = read_batch(body);
  return asked ? decide(*asked, by) : error_answer(asked.error());
}

/// A permit is recorded on the condition that its agreement still is as it was read; else all is looked at again.
http::Response Service::decide(const Batch& batch, const Asker& by) const {
  for (int tries = 0; tries < kTries; ++tries) {
    const auto outcomes = evaluate_all(batch, by);
    if (!outcomes) {
      log::error("evaluation_impossible", {{"error", outcomes.error().message}});
      return undecided(gate::kUndecidedEvaluation);
    }
    const auto recorded = record(batch, *outcomes, by);
    if (!recorded && recorded.error().code == ErrorCode::conflict) continue;
    if (!recorded) {
      log::error("evaluation_not_recorded", {{"error", recorded.error().message}});
      return undecided(gate::kUndecidedEvaluation);
    }
    json::Array answers;
    for (std::size_t i = 0; i < outcomes->size(); ++i) {
      const Outcome& one = (*outcomes)[i];
      answers.push_back(decision_json(one.permit, one.reason, (*recorded)[i], batch.evaluations[i].unreadable));
    }
    if (batch.single) return http::json_response(200, json::serialise(answers.front()));
    return http::json_response(200, json::serialise(json::object({{"evaluations", std::move(answers)}})));
  }
  return undecided(gate::kUndecidedEvaluation);
}

Result<std::vector<Outcome>> Service::evaluate_all(const Batch& batch, const Asker& by) const {
  Evaluator::Asking asking = evaluator_.asking(by.application, with_.decision_clock.now());
  std::vector<Outcome> outcomes;
  for (const Evaluation& asked : batch.evaluations) {
    SLUIS_TRY(Outcome outcome, evaluator_.evaluate(asked, asking));
    const bool permit = outcome.permit;
    outcomes.push_back(std::move(outcome));
    if (batch.semantic == Semantic::deny_on_first_deny && !permit) break;
    if (batch.semantic == Semantic::permit_on_first_permit && permit) break;
  }
  return outcomes;
}

Result<std::vector<std::string>> Service::record(const Batch& batch, const std::vector<Outcome>& outcomes,
                                                 const Asker& by) const {
  Commit commit;
  // Exchanges are refused while the clock is behind; then all outcomes are refusals, and those are still recorded.
  if (with_.decision_clock.behind()) commit.commit_class = CommitClass::revoke;
  const Trace step = by.step(batch.evaluations.front(), with_.random);
  const Timestamp now = with_.decision_clock.now();
  std::vector<std::string> transactions;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const Outcome& one = outcomes[i];
    const Evaluation& asked = batch.evaluations[i];
    if (one.permit) {
      if (commit.commit_class == CommitClass::revoke) return Error(ErrorCode::conflict, "the clock fell behind");
      // Asking others takes time, and what was permitted at its beginning may be over.
      if (one.verdict.valid_until <= now) return Error(ErrorCode::conflict, "it ended meanwhile");
      gate::require_as_read(one.verdict, commit);
    }
    v1::Shared shared;
    gate::set_time(shared, now);
    shared.set_self(options_.self.str());
    transactions.push_back(new_transaction_id(with_.random, now));
    shared.set_transaction(transactions.back());
    v1::Internal internal = by.internal(asked, step);
    if (!batch.single) internal.set_of_call(static_cast<std::uint32_t>(outcomes.size()));
    commit.entries.push_back(entry(asked, one, std::move(shared), internal));
  }
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  return transactions;
}

http::Response Service::undecided(std::string_view what) const {
  with_.undecided(what);
  return error_answer(Error(ErrorCode::storage_unavailable, "this could not be recorded, so there is no answer"));
}

template <Sought sought>
http::Response Service::search(const json::Value& body, const Asker& by) {
  const auto asked = read_search(body, sought);
  if (!asked) return error_answer(asked.error());
  auto found = searcher_.page(*asked, by.application, with_.decision_clock.now());
  if (!found) {
    log::error("search_impossible", {{"error", found.error().message}});
    if (found.error().code == ErrorCode::limit_exceeded) return error_answer(Error(ErrorCode::invalid_state, found.error().message));
    return undecided(gate::kUndecidedSearch);
  }
  const auto transaction = record(*asked, *found, by);
  if (!transaction) {
    log::error("search_not_recorded", {{"error", transaction.error().message}});
    return undecided(gate::kUndecidedSearch);
  }
  const std::uint64_t count = found->results.size();
  return http::json_response(
      200, json::serialise(json::object(
               {{"page", json::object({{"next_token", found->next_token}, {"count", count}})},
                {"context", json::object({{"id", *transaction}})},
                {"results", std::move(found->results)}})));
}

/// A search decides nothing, so nothing has to hold when it is recorded; its entry says what was told.
Result<std::string> Service::record(const Search& search, const Found& found, const Asker& by) const {
  const Evaluation& asked = search.asked;
  const std::string told = json::serialise(found.results);
  v1::Shared shared;
  gate::set_time(shared, with_.decision_clock.now());
  shared.set_event("searched." + std::string(to_string(search.sought)));
  shared.set_self(options_.self.str());
  shared.set_transaction(new_transaction_id(with_.random, with_.decision_clock.now()));
  shared.set_agreement(asked.agreement);
  if (asked.resource_type == "dataset") shared.set_dataset(asked.resource_id);
  shared.set_purpose(claimed_purpose(asked));
  shared.set_count(found.results.size());
  shared.set_digest(std::string(view(crypto::sha256(told))));
  v1::Internal internal = by.internal(asked, by.step(asked, with_.random));
  internal.set_response(told);
  Commit commit;
  if (with_.decision_clock.behind()) commit.commit_class = CommitClass::revoke;
  commit.entries.push_back(gate::make_entry(provenance::EntryKind::decision, Hash{}, shared, internal));
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  return shared.transaction();
}

}  // namespace sluis::authzen
