#include "connector/authzen/evaluator.hpp"

#include "connector/authzen/answer.hpp"
#include "connector/base/limits.hpp"

#include <algorithm>

namespace sluis::authzen {
namespace {

bool is_use(std::string_view action) {
  return action == "use" || action == "odrl:use" || action == "http://www.w3.org/ns/odrl/2/use";
}

constexpr std::size_t kKeptRead = 32;  // of agreements, and of datasets, in one request

Outcome refused(policy::Reason reason) {
  Outcome outcome;
  outcome.reason = std::move(reason);
  return outcome;
}

}  // namespace

Result<Outcome> Evaluator::evaluate(const Evaluation& asked, Asking& by) const {
  if (auto reason = refuse_unread(asked)) return refused(std::move(*reason));
  if (asked.resource_type == "dataset" && asked.agreement.empty()) return under_any(asked, by);
  return under(AgreementId(asked.agreement), asked, by);
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
Result<Outcome> Evaluator::under_any(const Evaluation& asked, Asking& by) const {
  const auto agreements = agreements_.all();
  if (!agreements && agreements.error().code == ErrorCode::limit_exceeded) {
    return refused(own_reason("agreement.unnamed"));
  }
  if (!agreements) return agreements.error();
  Outcome told = refused(gate::make_reason("agreement.unknown"));
  std::size_t running = 0;
  for (const AgreementOf& one : **agreements) {
    if (one.party.str() != asked.party || one.dataset.str() != asked.resource_id) continue;
    SLUIS_TRY(Outcome outcome, under(one.id, asked, by));
    if (outcome.permit) return outcome;
    const bool runs = outcome.reason.code != "agreement.ended" && outcome.reason.code != "agreement.unknown";
    if (running == 0) told = std::move(outcome);
    if (runs && ++running == limits::kAgreementsPerEvaluation) return refused(own_reason("agreement.unnamed"));
  }
  return told;
}

Result<std::optional<gate::AgreementAsRead>> Evaluator::read(const AgreementId& agreement, Asking& by) const {
  if (const auto found = by.agreements.find(agreement); found != by.agreements.end()) return found->second;
  SLUIS_TRY(auto found, gate::read_as_stored(with_.store, with_.programs, agreement));
  if (by.agreements.size() == kKeptRead) by.agreements.clear();
  by.agreements.emplace(agreement, found);
  return found;
}

Result<Outcome> Evaluator::under(const AgreementId& agreement, const Evaluation& asked, Asking& by) const {
  SLUIS_TRY(std::optional<gate::AgreementAsRead> as_read, read(agreement, by));
  if (!as_read) return refused(gate::make_reason("agreement.unknown"));
  gate::Question question;
  if (auto reason = form(question, *as_read->record, asked, by.now)) return refused(std::move(*reason));
  // Of the other party's activity nothing is known here: only its claim says it.
  Result<intake::Registered> registered = Error(ErrorCode::permission_denied, "it is in another party's register");
  if (as_read->record->role == negotiation::Role::consumer) {
    registered = with_.activity_allows(asked.activity, *question.purpose, by.now);
    if (!registered && registered.error().code != ErrorCode::permission_denied) return registered.error();
  }
  if (registered) question.says = registered->says;
  Outcome outcome;
  SLUIS_TRY(outcome.verdict, gate::assess(question, std::move(as_read), with_.store, with_.programs, with_.vocabulary(),
                                          by.declarations, by.now));
  MaybeReason denied;
  if (!outcome.verdict.permit) denied = outcome.verdict.reason;
  if (!denied) {
    SLUIS_TRY(denied, beside_terms(asked, by, outcome.verdict, registered));
  }
  outcome.permit = !denied;
  outcome.reason = denied ? std::move(*denied) : outcome.verdict.reason;
  return outcome;
}

/// The question under that agreement; a reason where it is not the subject's, or the subject is none that counts.
Evaluator::MaybeReason Evaluator::form(gate::Question& question, const negotiation::AgreementRecord& record,
                                       const Evaluation& asked, Timestamp now) const {
  const ParticipantId party(asked.party);
  const bool provider = record.role == negotiation::Role::provider;
  const bool known = party == (provider ? record.peer : options_.self) &&
                     (asked.resource_type == "agreement" || record.dataset.str() == asked.resource_id);
  if (!known) return gate::make_reason("agreement.unknown");
  const auto admitted = with_.membership.admitted_until(record.peer, now);
  if (!admitted) return gate::make_reason("membership", {{"why", admitted.error().message}});
  const auto class_of = provider ? with_.class_of(party) : Result<std::string>(options_.class_of_recipient);
  if (!class_of) return gate::make_reason("membership", {{"why", class_of.error().message}});
  if (asked.subject_class && *asked.subject_class != *class_of) {
    return own_reason("subject.class", {{"asked", *asked.subject_class}});
  }
  question.agreement = record.id;
  question.dataset = record.dataset;
  question.peer = record.peer;
  question.recipient = party;
  question.class_of_recipient = *class_of;
  question.two_sided = with_.membership.keeps_evidence(record.peer, now);
  question.purpose = policy::expand_purpose(*asked.purpose);
  question.activity = asked.activity;
  if (!provider) question.uses_before = 0;
  return {};
}

/// What must hold beside the terms: as the gate asks it of a provider, and the intake of a consumer.
Result<Evaluator::MaybeReason> Evaluator::beside_terms(const Evaluation& asked, Asking& by, const gate::Verdict& verdict,
                                                        const Result<intake::Registered>& registered) const {
  if (verdict.counted) return MaybeReason(own_reason("count.only_at_gate"));
  if (verdict.agreement->role == negotiation::Role::provider) {
    const DatasetId& dataset = verdict.agreement->dataset;
    auto found = by.plans.find(dataset);
    if (found == by.plans.end()) {
      if (by.plans.size() == kKeptRead) by.plans.clear();
      found = by.plans.emplace(dataset, with_.datasets.find(dataset)).first;
    }
    const Result<gate::ReleasePlan>& plan = found->second;
    if (!plan && plan.error().code != ErrorCode::not_found) return plan.error();
    if (!plan) return MaybeReason(gate::make_reason("dataset.gone"));
    return gate::beside_terms(*plan, *with_.vocabulary(), verdict.purpose, asked.activity, by.now);
  }
  if (asked.activity.empty()) return MaybeReason(gate::make_reason("activity.missing"));
  const auto not_allowed = [&](const std::string& why) {
    return MaybeReason(gate::make_reason("activity.not_allowed", {{"activity", asked.activity},
                                                                  {"purpose", verdict.purpose},
                                                                  {"why", why}}));
  };
  const auto& named = by.application.activities;
  if (std::find(named.begin(), named.end(), asked.activity) == named.end()) {
    return not_allowed("the application's token does not name it");
  }
  return registered ? MaybeReason() : not_allowed(registered.error().message);
}

}  // namespace sluis::authzen
