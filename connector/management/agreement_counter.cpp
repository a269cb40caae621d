#include "connector/management/known_names.hpp"
#include "connector/management/newer_terms.hpp"
#include "connector/management/publication.hpp"
#include "connector/management/terms_parts.hpp"
#include "policy/odrl/enforcement.hpp"
#include "policy/odrl/match.hpp"

#include <fmt/core.h>

/// Other terms that a person proposes, and what a person is shown of those that others propose.
namespace sluis::management {
namespace {

using negotiation::Negotiation;
using negotiation::Role;

/// What the terms that wait are compared with: ours, which the peer answered; or as provider what is on offer. Null: nothing.
json::Value before_them(const Backend& backend, const Negotiation& negotiation) {
  if (!negotiation.answered.is_null()) return negotiation.answered;
  if (negotiation.role == Role::consumer) return {};
  const auto published = backend.catalog.show(negotiation.dataset);
  return published && !published->retracted ? published->dataset.offer : json::Value();
}

std::optional<outbox::Reason> difference(const Backend& backend, const Negotiation& negotiation) {
  if (negotiation::waits_for(negotiation) != negotiation::WaitsFor::steward) return std::nullopt;
  const json::Value base = before_them(backend, negotiation);
  if (base.is_null()) return std::nullopt;
  const auto before = policy::parse_policy(base, {true, ""});
  const auto now = policy::parse_policy(negotiation.offer, {true, ""});
  if (!before || !now) return std::nullopt;
  const auto found = policy::compare(*before, *now);
  if (!found) return std::nullopt;
  return outbox::Reason{found->code, {found->sentence}};
}

/// The text without a `target` that names the negotiation's dataset: terms have none of their own (their dataset does). What cannot be read stays
/// as it is, and is refused with its place by who reads it next.
Result<std::string> without_target(const std::string& text, const std::string& file, const DatasetId& dataset) {
  if (file.ends_with(".toml")) return text;
  auto offer = json::parse(text);
  const json::Value* target = offer ? offer->find("target") : nullptr;
  if (target == nullptr) return text;
  if (target->if_string() == nullptr || *target->if_string() != dataset.str()) {
    return Error(ErrorCode::invalid_argument, fmt::format("the terms are not for `{}`, which the negotiation is about", dataset.str())).at_pointer("/document/target");
  }
  offer->erase("target");
  return json::serialise(*offer);
}

/// As a publication is checked: what this node could never keep it does not offer. What another is to keep is its own affair.
Result<void> check_offered(const Backend& backend, const policy::Policy& policy, const DatasetId& dataset, const std::shared_ptr<const policy::Vocabulary>& vocabulary,
                           const std::vector<v1::TermsFinding>& findings) {
  SLUIS_TRY(const auto published, backend.catalog.show(dataset));
  SLUIS_CHECK(check_own_terms(policy, published.dataset, dataset_context(backend, vocabulary).situations, backend.directory, backend.store, vocabulary, backend.clock.now()));
  for (const policy::PolicyPart& part : policy::enforcement(policy, policy::Supplied::by_this_node())) {
    if (part.keeper != policy::Keeper::refused) continue;
    return Error(ErrorCode::invalid_argument, policy::refusal(part)).at_pointer(part.pointer).mended_by("leave it out; terms check lists every part");
  }
  return check_permits(findings);
}

/// An error about terms, where they stand in what was given: an offer, or the file of that dataset.
Error in_given(const Backend& backend, Error error, const std::string& text, const std::string& file, const std::optional<catalog::Dataset>& dataset) {
  if (error.code != ErrorCode::invalid_argument) return error;
  if (!file.ends_with(".toml")) return in_offer_file(std::move(error), text, file);
  if (dataset) error = at_terms(backend, std::move(error), *dataset);
  if (error.place.file.empty()) error.place.file = file;
  return error;
}

}  // namespace

v1::Negotiation told(const Backend& backend, const Negotiation& negotiation, bool whole) {
  v1::Negotiation out = to_proto(negotiation, whole);
  if (const auto found = difference(backend, negotiation)) *out.mutable_difference() = to_proto(*found, false);
  return out;
}

Result<v1::Agreement> told(const Backend& backend, const negotiation::AgreementRecord& record, bool whole) {
  v1::Agreement out = to_proto(record, backend.self, whole);
  SLUIS_TRY(const auto newer, newer_terms(backend.store, record.id));
  if (!newer) return out;
  put_time(out.mutable_newer_terms()->mutable_seen(), newer->seen);
  out.mutable_newer_terms()->set_offer(newer->offer.str());
  out.mutable_newer_terms()->set_offer_hash(to_hex(newer->hash));
  return out;
}

Result<v1::CounterAgreementResponse> counter_agreement(Backend& backend, const v1::CounterAgreementRequest& request, const Caller& caller) {
  SLUIS_CHECK(require_id(request.negotiation(), "negotiation"));
  SLUIS_CHECK(backend.directory.allows_new(backend.clock.now()));
  const ProcessId id(request.negotiation());
  SLUIS_TRY(Negotiation negotiation, backend.negotiations.show(id));
  if (negotiation::waits_for(negotiation) != negotiation::WaitsFor::steward) {
    return Error(ErrorCode::invalid_state, fmt::format("negotiation `{}` does not wait for the steward", id.str()))
        .mended_by("agreement show says for whom it waits");
  }
  const std::string file = request.file().empty() ? "offer.json" : request.file();
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  SLUIS_TRY(const std::string text, without_target(request.document(), file, negotiation.dataset));
  const auto read = read_terms(backend, text, file);
  if (!read) return in_given(backend, read.error(), request.document(), file, std::nullopt);  // a line in what was given, and not in what is left of it
  const GivenTerms& terms = *read;
  if (terms.dataset && terms.dataset->id != negotiation.dataset) {
    return Error(ErrorCode::invalid_argument, fmt::format("`{}` is the file of `{}`, and the negotiation is about `{}`", file, terms.dataset->id.str(), negotiation.dataset.str()))
        .at_pointer("/document");
  }
  const auto findings = findings_of(terms.compiled, backend.clock.now(), policy::Language::english);
  if (negotiation.role == Role::provider) {
    const auto good = check_offered(backend, terms.compiled.policy, negotiation.dataset, vocabulary, findings);
    if (!good) return in_given(backend, good.error(), request.document(), file, terms.dataset);
  }
  const bool provider = negotiation.role == Role::provider;
  SLUIS_TRY(const negotiation::NormalOffer normal, negotiation::normalise_offer(terms.offer, negotiation.dataset, provider ? backend.self : negotiation.peer,
                                                                                provider ? negotiation.peer : backend.self));
  v1::CounterAgreementResponse response;
  response.set_dry_run(request.dry_run());
  for (const auto& finding : findings) response.add_notes(finding.sentence());
  if (request.dry_run()) {
    *response.mutable_negotiation() = to_proto(negotiation, false);
    response.mutable_negotiation()->set_policy(json::serialise(normal.offer));
    response.mutable_negotiation()->set_offer_hash(to_hex(normal.hash));
    return response;
  }
  SLUIS_TRY(negotiation, backend.negotiations.counter(id, normal.offer, caller.person));
  *response.mutable_negotiation() = told(backend, negotiation, true);
  return response;
}

}  // namespace sluis::management
