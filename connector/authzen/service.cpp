#include "connector/authzen/service.hpp"

#include "connector/authzen/answer.hpp"
#include "connector/base/log.hpp"
#include "connector/gate/evidence.hpp"

#include <algorithm>

namespace sluis::authzen {
namespace {

constexpr int kTries = 4;
constexpr std::size_t kRequestIdBytes = 128;

using MaybeReason = std::optional<policy::Reason>;

bool is_json(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  return type == "application/json" || type == "application/json ";
}

bool is_use(std::string_view action) {
  return action == "use" || action == "odrl:use" || action == "http://www.w3.org/ns/odrl/2/use";
}

/// Echoed where it is short and printable; another one is left out.
void echo_request_id(const http::Request& request, http::Response& response) {
  const std::string_view id = request.header("x-request-id");
  const auto printable = [](char c) { return c >= ' ' && c < 127; };
  if (id.empty() || id.size() > kRequestIdBytes || !std::all_of(id.begin(), id.end(), printable)) return;
  response.headers["x-request-id"] = std::string(id);
}

}  // namespace

/// What one evaluation came to.
struct Service::Outcome {
  policy::Reason reason;
  bool permit = false;
  std::string transaction;
  gate::Verdict verdict;
  std::optional<negotiation::AgreementRecord> agreement;  ///< of the subject; else none is known here
};

std::vector<http::Route> Service::routes() {
  const auto configuration = [this](const http::Request&) {
    return http::json_response(
        200, json::serialise(json::object(
                 {{"policy_decision_point", options_.base_url},
                  {"access_evaluation_endpoint", options_.base_url + "/access/v1/evaluation"},
                  {"access_evaluations_endpoint", options_.base_url + "/access/v1/evaluations"}})));
  };
  return {{"POST", "/access/v1/evaluation", [this](const http::Request& r) { return handle(r, false); }, kBodyBytes},
          {"POST", "/access/v1/evaluations", [this](const http::Request& r) { return handle(r, true); }, kBodyBytes},
          {"GET", "/.well-known/authzen-configuration", configuration, 0}};
}

http::Response Service::handle(const http::Request& request, bool batch) const {
  const auto answer = [&]() -> http::Response {
    const auto application = with_.authenticate(request);
    if (!application) return error_answer(application.error());
    if (!is_json(request.header("content-type"))) {
      return error_answer(Error(ErrorCode::invalid_argument, "the body must be `application/json`"));
    }
    const auto body = json::parse(request.body);
    if (!body) return error_answer(body.error());
    if (batch) {
      const auto asked = read_batch(*body);
      return asked ? decide(*asked, *application) : error_answer(asked.error());
    }
    auto asked = read_evaluation(*body);
    if (!asked) return error_answer(asked.error());
    Batch one;
    one.evaluations.push_back(std::move(*asked));
    one.single = true;
    return decide(one, *application);
  };
  http::Response response = answer();
  echo_request_id(request, response);
  return response;
}

/// A permit is recorded on the condition that its agreement still is as it was read; else all is looked at again.
http::Response Service::decide(const Batch& batch, const intake::Application& application) const {
  const Error unrecorded(ErrorCode::storage_unavailable,
                         "the evaluation could not be recorded, so there is no decision");
  for (int tries = 0; tries < kTries; ++tries) {
    const auto outcomes = evaluate_all(batch, application);
    if (!outcomes) {
      log::error("evaluation_impossible", {{"error", outcomes.error().message}});
      return error_answer(unrecorded);
    }
    const auto recorded = record(batch, *outcomes, application);
    if (!recorded && recorded.error().code == ErrorCode::conflict) continue;
    if (!recorded) {
      log::error("evaluation_not_recorded", {{"error", recorded.error().message}});
      return error_answer(unrecorded);
    }
    json::Array answers;
    for (const Outcome& one : *outcomes) answers.push_back(decision_json(one.permit, one.reason, one.transaction));
    if (batch.single) return http::json_response(200, json::serialise(answers.front()));
    return http::json_response(200, json::serialise(json::object({{"evaluations", std::move(answers)}})));
  }
  return error_answer(unrecorded);
}

Result<std::vector<Service::Outcome>> Service::evaluate_all(const Batch& batch,
                                                            const intake::Application& application) const {
  const Timestamp now = with_.decision_clock.now();
  std::vector<Outcome> outcomes;
  for (const Evaluation& asked : batch.evaluations) {
    SLUIS_TRY(Outcome outcome, evaluate(asked, application, now));
    const bool permit = outcome.permit;
    outcomes.push_back(std::move(outcome));
    if (batch.semantic == Semantic::deny_on_first_deny && !permit) break;
    if (batch.semantic == Semantic::permit_on_first_permit && permit) break;
  }
  return outcomes;
}

Result<Service::Outcome> Service::evaluate(const Evaluation& asked, const intake::Application& application,
                                           Timestamp now) const {
  Outcome outcome;
  outcome.transaction = with_.random.uuid_urn();
  gate::Question question;
  SLUIS_TRY(MaybeReason denied, find(asked, now, question, outcome));
  if (!denied) {
    SLUIS_TRY(outcome.verdict, gate::assess(question, with_.store, with_.programs, with_.vocabulary(), now));
    if (!outcome.verdict.permit) denied = outcome.verdict.reason;
  }
  if (!denied) {
    SLUIS_TRY(denied, beside_terms(asked, application, now, outcome));
  }
  outcome.permit = !denied;
  outcome.reason = denied ? std::move(*denied) : outcome.verdict.reason;
  return outcome;
}

/// The agreement and who asks under it; a reason where something of it is unknown.
Result<MaybeReason> Service::find(const Evaluation& asked, Timestamp now, gate::Question& question,
                                  Outcome& outcome) const {
  if (with_.decision_clock.behind()) return MaybeReason(gate::make_reason("clock.behind"));
  if (asked.subject_type != "party" && asked.subject_type != "application") {
    return MaybeReason(own_reason("subject.unsupported", {{"asked", asked.subject_type}}));
  }
  if (asked.resource_type != "agreement" && asked.resource_type != "dataset") {
    return MaybeReason(own_reason("resource.unsupported", {{"asked", asked.resource_type}}));
  }
  if (!is_use(asked.action)) return MaybeReason(own_reason("action.unsupported", {{"asked", asked.action}}));
  if (!asked.purpose || asked.purpose->empty()) return MaybeReason(own_reason("purpose.missing"));

  auto record = negotiation::read_agreement(with_.store, AgreementId(asked.agreement));
  if (!record && record.error().code != ErrorCode::not_found) return record.error();
  const ParticipantId party(asked.party);
  const bool known = record && party == (record->role == negotiation::Role::provider ? record->peer : options_.self) &&
                     (asked.resource_type == "agreement" || record->dataset.str() == asked.resource_id);
  if (!known) return MaybeReason(gate::make_reason("agreement.unknown"));
  const auto admitted = with_.membership.admitted_until(record->peer, now);
  if (!admitted) return MaybeReason(gate::make_reason("membership", {{"why", admitted.error().message}}));

  const bool provider = record->role == negotiation::Role::provider;
  const auto class_of = provider ? with_.class_of(party) : Result<std::string>(options_.class_of_recipient);
  if (!class_of) return MaybeReason(gate::make_reason("membership", {{"why", class_of.error().message}}));
  if (asked.subject_class && *asked.subject_class != *class_of) {
    return MaybeReason(own_reason("subject.class", {{"asked", *asked.subject_class}}));
  }
  question.agreement = record->id;
  question.dataset = record->dataset;
  question.peer = record->peer;
  question.recipient = party;
  question.class_of_recipient = *class_of;
  question.purpose = policy::expand_purpose(*asked.purpose);
  question.activity = asked.activity;
  if (!provider) question.uses_before = 0;
  outcome.agreement = std::move(*record);
  return MaybeReason();
}

/// What must hold beside the terms: as the gate asks it of a provider, and the intake of a consumer.
Result<MaybeReason> Service::beside_terms(const Evaluation& asked, const intake::Application& application,
                                          Timestamp now, Outcome& outcome) const {
  if (outcome.verdict.counted) return MaybeReason(own_reason("count.only_at_gate"));
  if (outcome.agreement->role == negotiation::Role::provider) {
    const auto plan = with_.datasets.find(outcome.agreement->dataset);
    if (!plan && plan.error().code != ErrorCode::not_found) return plan.error();
    if (!plan) return MaybeReason(gate::make_reason("dataset.gone"));
    if (!plan->suspended.empty()) {
      return MaybeReason(gate::make_reason("dataset.suspended", {{"why", plan->suspended}}));
    }
    if (plan->assessed_until && *plan->assessed_until <= now) {
      return MaybeReason(gate::make_reason("dataset.assessment_over", {{"when", format_time(*plan->assessed_until)}}));
    }
    if (asked.activity.empty() && gate::needs_activity(*plan, *with_.vocabulary(), outcome.verdict.purpose)) return MaybeReason(gate::make_reason("activity.missing"));
    return MaybeReason();
  }
  if (asked.activity.empty()) return MaybeReason(gate::make_reason("activity.missing"));
  const auto not_allowed = [&](const std::string& why) {
    return MaybeReason(gate::make_reason("activity.not_allowed", {{"activity", asked.activity},
                                                                  {"purpose", outcome.verdict.purpose},
                                                                  {"why", why}}));
  };
  const auto& named = application.activities;
  if (std::find(named.begin(), named.end(), asked.activity) == named.end()) {
    return not_allowed("the application's token does not name it");
  }
  const auto allowed = with_.activity_allows(asked.activity, outcome.verdict.purpose, now);
  return allowed ? MaybeReason() : not_allowed(allowed.error().message);
}

Result<void> Service::record(const Batch& batch, const std::vector<Outcome>& outcomes,
                             const intake::Application& application) const {
  Commit commit;
  // Exchanges are refused while the clock is behind; then all outcomes are refusals, and those are still recorded.
  if (with_.decision_clock.behind()) commit.commit_class = CommitClass::revoke;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const Outcome& one = outcomes[i];
    if (one.permit) {
      if (commit.commit_class == CommitClass::revoke) return Error(ErrorCode::conflict, "the clock fell behind");
      commit.preconditions.push_back({negotiation::agreement_key(one.agreement->id), one.verdict.agreement_bytes});
    }
    commit.entries.push_back(entry(batch.evaluations[i], one, application));
  }
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  return {};
}

EntryDraft Service::entry(const Evaluation& asked, const Outcome& outcome,
                          const intake::Application& application) const {
  v1::Shared shared;
  gate::set_time(shared, with_.decision_clock.now());
  shared.set_event(outcome.permit ? "evaluated.permitted" : "evaluated.refused");
  shared.set_self(options_.self.str());
  shared.set_transaction(outcome.transaction);
  shared.set_agreement(asked.agreement);
  if (asked.resource_type == "dataset") shared.set_dataset(asked.resource_id);
  const std::string claimed = asked.purpose ? policy::expand_purpose(*asked.purpose) : std::string();
  shared.set_purpose(outcome.verdict.purpose.empty() ? claimed : outcome.verdict.purpose);
  shared.set_declared("per request");
  *shared.mutable_decision() = gate::to_proto(outcome.reason, outcome.permit);
  Hash offer_hash{};
  if (outcome.agreement) {
    offer_hash = outcome.agreement->offer_hash;
    shared.set_counterparty(outcome.agreement->peer.str());
    shared.set_dataset(outcome.agreement->dataset.str());
    shared.set_offer_hash(std::string(view(offer_hash)));
    shared.set_agreement_hash(std::string(view(outcome.agreement->agreement_hash)));
  }
  if (outcome.verdict.terms) shared.set_program_hash(std::string(view(outcome.verdict.terms->program_hash)));
  v1::Internal internal;
  internal.set_activity(asked.activity);
  internal.set_application(application.name);
  internal.set_detail("authzen " + asked.subject_type + " " + asked.subject_id + " " + asked.resource_type + " " +
                      asked.resource_id + " " + asked.action);
  return gate::make_entry(provenance::EntryKind::decision, offer_hash, shared, internal);
}

}  // namespace sluis::authzen
