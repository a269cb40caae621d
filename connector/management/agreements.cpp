#include "connector/base/limits.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/handlers.hpp"
#include "connector/management/newer_terms.hpp"
#include "connector/management/propose.hpp"

#include <fmt/core.h>

namespace sluis::management {
namespace {

outbox::Reason reason_of(const std::string& code, const std::string& sentence, const char* otherwise) {
  outbox::Reason reason;
  reason.code = code.empty() ? otherwise : code;
  if (!sentence.empty()) reason.sentences.push_back(sentence);
  return outbox::bounded(std::move(reason));
}

Result<catalog::RemoteOffer> find_offer(const Backend& backend, const ParticipantId& peer, const std::string& named) {
  const catalog::RemoteOffers kept(backend.store);
  if (auto offer = kept.find(peer, OfferId(named))) return offer;
  if (!backend.fetch_catalog) return not_here("way to fetch catalogues");
  SLUIS_TRY(const auto fetched, backend.fetch_catalog(peer));
  const catalog::RemoteOffer* found = nullptr;
  for (const auto& offer : fetched.offers) {
    if (offer.id.str() == named) return offer;
    if (offer.dataset.str() != named) continue;
    if (found != nullptr) {
      return Error(ErrorCode::invalid_argument, fmt::format("`{}` has several offers", named))
          .at_pointer("/offer")
          .mended_by("name the offer: catalog fetch lists them");
    }
    found = &offer;
  }
  if (found != nullptr) return *found;
  for (const auto& refused : fetched.refused) {
    if (refused.offer_id == named || refused.dataset.str() == named) return refused.reason;
  }
  return Error(ErrorCode::not_found, fmt::format("`{}` offers no `{}` to us", peer.str(), named))
      .at_pointer("/offer")
      .mended_by("catalog fetch lists what it offers");
}

/// An offer that was received by another way than the catalogue.
Result<catalog::RemoteOffer> offer_of_document(const Backend& backend, const ParticipantId& peer, const std::string& text, const std::string& file) {
  SLUIS_TRY(const identity::PartyPtr party, backend.directory.find(peer));
  if (party->evidence) {
    return Error(ErrorCode::permission_denied, fmt::format("`{}` proves its offers by its log: one from elsewhere is not taken", peer.str()))
        .at_pointer("/document")
        .mended_by("name an offer of its catalogue: catalog fetch lists them");
  }
  const Result<json::Value> read = json::parse(text);
  if (!read) return Error(ErrorCode::invalid_argument, fmt::format("`{}` is no JSON: {}", file, describe(read.error()))).at_pointer("/document");
  const json::Value& document = *read;
  SLUIS_TRY(std::string target, json::required_string(document, "target", "/document"));
  catalog::RemoteOffer offer;
  offer.dataset = DatasetId(std::move(target));
  SLUIS_TRY(const negotiation::NormalOffer normal, negotiation::normalise_offer(document, offer.dataset, peer, backend.self));
  SLUIS_CHECK(policy::parse_policy(normal.offer, {true, "/document"}));
  SLUIS_TRY(std::string id, json::required_string(normal.offer, "@id", "/document"));
  offer.id = OfferId(std::move(id));
  offer.offer = normal.offer;
  offer.hash = normal.hash;
  return offer;
}

Result<Proposal> proposal_for(const Backend& backend, const catalog::RemoteOffer& offer, const std::string& purpose) {
  if (purpose.empty()) return Proposal{offer.offer, false};
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  SLUIS_TRY(const auto index, find_purpose(*vocabulary, purpose));
  return propose(offer.offer, index, vocabulary);
}

/// Something that one who waits for it wants to know.
bool settled(const negotiation::Negotiation& negotiation) {
  return (negotiation.state && negotiation::is_final(*negotiation.state)) ||
         negotiation::waits_for(negotiation) == negotiation::WaitsFor::steward;
}

Result<negotiation::Negotiation> wait_for(Backend& backend, const ProcessId& id, std::uint32_t seconds) {
  SLUIS_TRY(auto current, backend.negotiations.show(id));
  SLUIS_CHECK(wait_until(backend, seconds, [&]() -> Result<bool> {
    SLUIS_TRY(current, backend.negotiations.show(id));
    return settled(current);
  }));
  return current;
}

Result<v1::RequestAgreementResponse> request(Backend& backend, const v1::RequestAgreementRequest& request) {
  SLUIS_TRY(const auto peer, find_party(backend.directory, request.peer()));
  if (request.document().empty()) {
    SLUIS_CHECK(require_id(request.offer(), "offer"));
  } else if (!request.offer().empty()) {
    return Error(ErrorCode::invalid_argument, "an offer is named, or given as a document").at_pointer("/offer");
  }
  SLUIS_CHECK(backend.directory.allows_new(backend.clock.now()));
  SLUIS_TRY(const auto offer, request.document().empty() ? find_offer(backend, peer, request.offer())
                                                         : offer_of_document(backend, peer, request.document(), request.file()));
  SLUIS_TRY(const auto proposal, proposal_for(backend, offer, request.purpose()));
  SLUIS_TRY(const auto url, dsp_of(backend, peer, request.address()));
  v1::RequestAgreementResponse response;
  response.set_narrowed(proposal.narrowed);
  response.set_dry_run(request.dry_run());
  if (request.dry_run()) {
    auto* would = response.mutable_negotiation();
    would->set_role("consumer");
    would->set_peer(peer.str());
    would->set_dataset(offer.dataset.str());
    would->set_offer(offer.id.str());
    would->set_offer_hash(to_hex(offer.hash));
    would->set_policy(json::serialise(proposal.offer));
    return response;
  }
  SLUIS_TRY(auto begun, backend.negotiations.request(peer, offer.dataset, proposal.offer, url));
  if (request.wait_seconds() > 0) {
    SLUIS_TRY(begun, wait_for(backend, begun.own_pid, request.wait_seconds()));
  }
  *response.mutable_negotiation() = to_proto(begun, true);
  return response;
}

/// What is on offer for the dataset of an agreement now, as its provider says it now.
Result<catalog::RemoteOffer> renewed_offer(const Backend& backend, const negotiation::AgreementRecord& record) {
  if (!backend.fetch_catalog) return not_here("way to fetch catalogues");
  SLUIS_TRY(const auto fetched, backend.fetch_catalog(record.peer));
  const catalog::RemoteOffer* found = nullptr;
  for (const auto& offer : fetched.offers) {
    if (offer.dataset != record.dataset) continue;
    SLUIS_TRY(const bool same, follows(backend, record, offer));
    if (same && record.active() && !record.over) {
      return Error(ErrorCode::invalid_state, fmt::format("the terms of agreement `{}` are those that are on offer now", record.id.str()))
          .mended_by("there is nothing to renew: it has no end of its own");
    }
    if (found != nullptr) {
      return Error(ErrorCode::invalid_argument, fmt::format("`{}` has several offers now", record.dataset.str()))
          .mended_by("choose one with: agreement request");
    }
    found = &offer;
  }
  if (found != nullptr) return *found;
  for (const auto& refused : fetched.refused) {
    if (refused.dataset == record.dataset) return refused.reason;
  }
  return Error(ErrorCode::not_found, fmt::format("`{}` offers no `{}` to us any more", record.peer.str(), record.dataset.str()))
      .mended_by("catalog fetch lists what it offers");
}

Result<v1::RenewAgreementResponse> renew(Backend& backend, const v1::RenewAgreementRequest& request) {
  SLUIS_CHECK(require_id(request.id(), "id"));
  const AgreementId id(request.id());
  SLUIS_TRY(const auto record, backend.negotiations.agreement(id));
  if (record.role != negotiation::Role::consumer) {
    return Error(ErrorCode::invalid_argument, fmt::format("under agreement `{}` it is the other party that asks", id.str())).at_pointer("/id");
  }
  SLUIS_CHECK(backend.directory.allows_new(backend.clock.now()));
  SLUIS_TRY(const auto offer, renewed_offer(backend, record));
  SLUIS_TRY(const auto proposal, proposal_for(backend, offer, one_purpose_of(record)));
  SLUIS_TRY(const auto url, dsp_of(backend, record.peer, {}));
  v1::RenewAgreementResponse response;
  response.set_narrowed(proposal.narrowed);
  response.set_dry_run(request.dry_run());
  if (request.dry_run()) {
    auto* would = response.mutable_negotiation();
    would->set_role("consumer");
    would->set_peer(record.peer.str());
    would->set_dataset(offer.dataset.str());
    would->set_offer(offer.id.str());
    would->set_offer_hash(to_hex(offer.hash));
    would->set_policy(json::serialise(proposal.offer));
    would->set_renews(id.str());
    would->set_ends_renewed(request.end_old());
    return response;
  }
  SLUIS_TRY(auto begun, backend.negotiations.request(record.peer, offer.dataset, proposal.offer, url, negotiation::Renewal{id, request.end_old()}));
  if (request.wait_seconds() > 0) {
    SLUIS_TRY(begun, wait_for(backend, begun.own_pid, request.wait_seconds()));
  }
  *response.mutable_negotiation() = to_proto(begun, true);
  return response;
}

Result<negotiation::Negotiation> waiting_one(const Backend& backend, const std::string& id) {
  SLUIS_CHECK(require_id(id, "negotiation"));
  SLUIS_TRY(auto negotiation, backend.negotiations.show(ProcessId(id)));
  if (negotiation::waits_for(negotiation) != negotiation::WaitsFor::steward) {
    return Error(ErrorCode::invalid_state, fmt::format("negotiation `{}` does not wait for the steward", id))
        .mended_by("agreement show says for whom it waits");
  }
  return negotiation;
}

Result<v1::ApproveAgreementResponse> approve(Backend& backend, const v1::ApproveAgreementRequest& request,
                                             const Caller& caller) {
  SLUIS_TRY(auto negotiation, waiting_one(backend, request.negotiation()));
  SLUIS_TRY(const auto by, read_decided_by(request.decided_by()));
  if (!request.dry_run()) {
    SLUIS_TRY(negotiation, backend.negotiations.approve(ProcessId(request.negotiation()), caller.person,
                                                        by ? catalog::to_json(*by) : json::Value()));
  }
  v1::ApproveAgreementResponse response;
  response.set_dry_run(request.dry_run());
  *response.mutable_negotiation() = to_proto(negotiation, true);
  return response;
}

Result<v1::RefuseAgreementResponse> refuse(Backend& backend, const v1::RefuseAgreementRequest& request,
                                           const Caller& caller) {
  SLUIS_CHECK(require_id(request.negotiation(), "negotiation"));
  SLUIS_CHECK(require_id(request.code(), "code"));
  const ProcessId id(request.negotiation());
  SLUIS_TRY(auto negotiation, backend.negotiations.show(id));
  if (negotiation.state && negotiation::is_final(*negotiation.state)) {
    return Error(ErrorCode::invalid_state, fmt::format("negotiation `{}` is over", id.str()))
        .mended_by("an agreement is ended with: agreement terminate");
  }
  if (!request.dry_run()) {
    SLUIS_TRY(negotiation, backend.negotiations.refuse(
                               id, reason_of(request.code(), request.sentence(), "refused"), caller.person));
  }
  v1::RefuseAgreementResponse response;
  response.set_dry_run(request.dry_run());
  *response.mutable_negotiation() = to_proto(negotiation, true);
  return response;
}

Result<v1::ListAgreementsResponse> list(const Backend& backend, const v1::ListAgreementsRequest& request) {
  SLUIS_TRY(const auto before, catalog::read_page_token(request.page_token()));
  v1::ListAgreementsResponse response;
  const std::size_t wanted = page_size(request.page_size());
  AgreementId after(before);
  while (true) {
    SLUIS_TRY(const auto found, backend.negotiations.agreements(after, limits::kPageDefault));
    for (const auto& record : found) {
      if (static_cast<std::size_t>(response.agreements_size()) == wanted) {
        response.set_next_page_token(catalog::page_token(after.str()));
        return response;
      }
      after = record.id;
      if (request.active_only() && !record.active()) continue;
      if (!request.peer().empty() && record.peer.str() != request.peer()) continue;
      if (!request.dataset().empty() && record.dataset.str() != request.dataset()) continue;
      SLUIS_TRY(*response.add_agreements(), told(backend, record, false));
    }
    if (found.size() < limits::kPageDefault) return response;
  }
}

bool wanted_negotiation(const negotiation::Negotiation& from, const v1::ListNegotiationsRequest& request) {
  if (request.open_only() && from.state && negotiation::is_final(*from.state)) return false;
  if (!request.waits_for().empty() && negotiation::to_string(negotiation::waits_for(from)) != request.waits_for()) {
    return false;
  }
  return (request.peer().empty() || from.peer.str() == request.peer()) &&
         (request.dataset().empty() || from.dataset.str() == request.dataset());
}

Result<v1::ListNegotiationsResponse> list_negotiations(const Backend& backend,
                                                       const v1::ListNegotiationsRequest& request) {
  SLUIS_TRY(const auto before, catalog::read_page_token(request.page_token()));
  v1::ListNegotiationsResponse response;
  const std::size_t wanted = page_size(request.page_size());
  ProcessId after(before);
  while (true) {
    SLUIS_TRY(const auto found, backend.negotiations.list(after, limits::kPageDefault));
    for (const auto& negotiation : found) {
      if (static_cast<std::size_t>(response.negotiations_size()) == wanted) {
        response.set_next_page_token(catalog::page_token(after.str()));
        return response;
      }
      after = negotiation.own_pid;
      if (wanted_negotiation(negotiation, request)) *response.add_negotiations() = told(backend, negotiation, false);
    }
    if (found.size() < limits::kPageDefault) return response;
  }
}

Result<v1::ShowAgreementResponse> show(Backend& backend, const v1::ShowAgreementRequest& request) {
  SLUIS_CHECK(require_id(request.id(), "id"));
  v1::ShowAgreementResponse response;
  auto record = backend.negotiations.agreement(AgreementId(request.id()));
  if (!record && record.error().code != ErrorCode::not_found) return record.error();
  if (record) {
    SLUIS_TRY(*response.mutable_agreement(), told(backend, *record, true));
    if (backend.agreement_evidence) {
      SLUIS_TRY(const AgreementEvidence evidence, backend.agreement_evidence(*record));
      response.mutable_agreement()->set_evidence(evidence.state);
    }
    if (const auto negotiation = backend.negotiations.show(record->negotiation)) {
      *response.mutable_negotiation() = to_proto(*negotiation, false);
      if (negotiation->pending) tell_dead(backend, negotiation->own_pid, negotiation->pending->delivery, *response.mutable_negotiation()->mutable_delivery());
    }
    return response;
  }
  auto negotiation = wait_for(backend, ProcessId(request.id()), request.wait_seconds());
  if (!negotiation && negotiation.error().code == ErrorCode::not_found) {
    return Error(ErrorCode::not_found,
                 fmt::format("`{}` is neither an agreement nor a negotiation here", request.id()));
  }
  if (!negotiation) return negotiation.error();
  *response.mutable_negotiation() = told(backend, *negotiation, true);
  if (negotiation->pending) tell_dead(backend, negotiation->own_pid, negotiation->pending->delivery, *response.mutable_negotiation()->mutable_delivery());
  const auto& agreement = response.negotiation().agreement();
  if (agreement.empty()) return response;
  if (record = backend.negotiations.agreement(AgreementId(agreement)); record) {
    *response.mutable_agreement() = to_proto(*record, backend.self, false);
  }
  return response;
}

Result<v1::TerminateAgreementResponse> terminate(Backend& backend, const v1::TerminateAgreementRequest& request,
                                                 const Caller& caller) {
  SLUIS_CHECK(require_id(request.id(), "id"));
  const AgreementId id(request.id());
  SLUIS_TRY(auto record, backend.negotiations.agreement(id));
  if (!record.active()) {
    return Error(ErrorCode::invalid_state, fmt::format("agreement `{}` has ended already", id.str()))
        .mended_by("agreement show says who ended it, when and why");
  }
  if (!request.dry_run()) {
    SLUIS_TRY(record, backend.negotiations.terminate_agreement(
                          id, reason_of(request.code(), request.sentence(), "ended"), caller.person));
  }
  v1::TerminateAgreementResponse response;
  response.set_dry_run(request.dry_run());
  *response.mutable_agreement() = to_proto(record, backend.self, false);
  return response;
}

}  // namespace

void add_agreements(Methods& methods, Backend& backend) {
  methods.add<v1::RequestAgreementRequest, v1::RequestAgreementResponse>(
      "AgreementService.Request", [&backend](const auto& asked, const Caller&) { return request(backend, asked); });
  methods.add<v1::ApproveAgreementRequest, v1::ApproveAgreementResponse>(
      "AgreementService.Approve",
      [&backend](const auto& asked, const Caller& caller) { return approve(backend, asked, caller); });
  methods.add<v1::RefuseAgreementRequest, v1::RefuseAgreementResponse>(
      "AgreementService.Refuse",
      [&backend](const auto& asked, const Caller& caller) { return refuse(backend, asked, caller); });
  methods.add<v1::CounterAgreementRequest, v1::CounterAgreementResponse>(
      "AgreementService.Counter",
      [&backend](const auto& asked, const Caller& caller) { return counter_agreement(backend, asked, caller); });
  methods.add<v1::RenewAgreementRequest, v1::RenewAgreementResponse>(
      "AgreementService.Renew", [&backend](const auto& asked, const Caller&) { return renew(backend, asked); });
  methods.add<v1::ListAgreementsRequest, v1::ListAgreementsResponse>(
      "AgreementService.List", [&backend](const auto& asked, const Caller&) { return list(backend, asked); });
  methods.add<v1::ListNegotiationsRequest, v1::ListNegotiationsResponse>(
      "AgreementService.ListNegotiations",
      [&backend](const auto& asked, const Caller&) { return list_negotiations(backend, asked); });
  methods.add<v1::ShowAgreementRequest, v1::ShowAgreementResponse>(
      "AgreementService.Show", [&backend](const auto& asked, const Caller&) { return show(backend, asked); });
  methods.add<v1::ImportAgreementRequest, v1::ImportAgreementResponse>(
      "AgreementService.Import",
      [&backend](const auto& asked, const Caller& caller) { return import_agreement(backend, asked, caller); });
  methods.add<v1::TerminateAgreementRequest, v1::TerminateAgreementResponse>(
      "AgreementService.Terminate",
      [&backend](const auto& asked, const Caller& caller) { return terminate(backend, asked, caller); });
}

}  // namespace sluis::management
