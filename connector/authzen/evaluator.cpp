#include "connector/authzen/evaluator.hpp"

#include "connector/authzen/answer.hpp"
#include "connector/base/limits.hpp"

#include <algorithm>

namespace sluis::authzen {
namespace {

bool is_use(std::string_view action) {
  return action == "use" || action == "odrl:use" || action == "http://www.w3.org/ns/odrl/2/use";
}

Outcome refused(policy::Reason reason) {
  Outcome outcome;
  outcome.reason = std::move(reason);
  return outcome;
}

}  // namespace

Result<Outcome> Evaluator::evaluate(const Evaluation& asked, const intake::Application& application,
                                    Timestamp now) const {
  if (auto reason = refuse_unread(asked)) return refused(std::move(*reason));
  if (asked.resource_type == "dataset" && asked.agreement.empty()) return under_any(asked, application, now);
  return under(AgreementId(asked.agreement), asked, application, now);
}

/// What can be refused before anything is read.
Evaluator::MaybeReason Evaluator::refuse_unread(const Evaluation& asked) const {
  if (asked.unreadable) return own_reason("request.unreadable", {{"why", describe(*asked.unreadable)}});
  if (with_.decision_clock.behind()) return gate::make_reason("clock.behind");
  if (asked.subject_type != "party" && asked.subject_type != "application") {
    return own_reason("subject.unsupported", {{"asked", asked.subject_type}});
  }
  if (asked.resource_type != "agreement" && asked.resource_type != "dataset") {
    return own_reason("resource.unsupported", {{"asked", asked.resource_type}});
  }
  if (!is_use(asked.action)) return own_reason("action.unsupported", {{"asked", asked.action}});
  if (!asked.purpose || asked.purpose->empty()) return own_reason("purpose.missing");
  return {};
}

/// The first permit; else the refusal of the first running agreement, else that of the last that ended.
Result<Outcome> Evaluator::under_any(const Evaluation& asked, const intake::Application& application,
                                     Timestamp now) const {
  const auto agreements = agreements_.all();
  if (!agreements && agreements.error().code == ErrorCode::limit_exceeded) {
    return refused(own_reason("agreement.unnamed"));
  }
  if (!agreements) return agreements.error();
  Outcome told = refused(gate::make_reason("agreement.unknown"));
  std::size_t running = 0;
  for (const AgreementOf& one : **agreements) {
    if (one.party.str() != asked.party || one.dataset.str() != asked.resource_id) continue;
    SLUIS_TRY(Outcome outcome, under(one.id, asked, application, now));
    if (outcome.permit) return outcome;
    const bool runs = outcome.reason.code != "agreement.ended" && outcome.reason.code != "agreement.unknown";
    if (running == 0) told = std::move(outcome);
    if (runs && ++running == limits::kAgreementsPerEvaluation) return refused(own_reason("agreement.unnamed"));
  }
  return told;
}

Result<Outcome> Evaluator::under(const AgreementId& agreement, const Evaluation& asked,
                                 const intake::Application& application, Timestamp now) const {
  Outcome outcome;
  gate::Question question;
  SLUIS_TRY(MaybeReason denied, find(agreement, asked, now, question, outcome));
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
Result<Evaluator::MaybeReason> Evaluator::find(const AgreementId& agreement, const Evaluation& asked, Timestamp now,
                                               gate::Question& question, Outcome& outcome) const {
  auto record = negotiation::read_agreement(with_.store, agreement);
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
Result<Evaluator::MaybeReason> Evaluator::beside_terms(const Evaluation& asked,
                                                       const intake::Application& application, Timestamp now,
                                                       Outcome& outcome) const {
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

}  // namespace sluis::authzen
