#include "connector/node/declarations.hpp"

#include "catalog/catalog.hpp"
#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/gate/assess.hpp"
#include "connector/management/known_names.hpp"
#include "connector/storage/hold.hpp"

#include <algorithm>

namespace sluis::node {
namespace {

using declaration::Declaration;
using provenance::EntryKind;
using provenance::Receipt;

constexpr std::string_view kPath = "/evidence/v1/declarations/";

}  // namespace

std::vector<http::Route> Declarations::routes() {
  return {{"GET", std::string(kPath) + "*", [this](const http::Request& request) { return proofs(request); }, 0}};
}

http::Response Declarations::proofs(const http::Request& request) const {
  const auto peer = with_.authenticate(request);
  if (!peer) return evidence_refusal(peer.error());
  const auto id = from_hex(request.rest);
  if (!id || id->size() > limits::kIdBytes) return evidence_refusal(404, "not_found", "there is no such agreement with this party");
  const auto record = negotiation::read_agreement(with_.store, AgreementId(*id));
  if (!record && record.error().code != ErrorCode::not_found) return evidence_refusal(503, "unavailable", "the agreement cannot be read now");
  if (!record || record->peer != *peer || record->role != negotiation::Role::provider || !record->active()) {
    return evidence_refusal(404, "not_found", "there is no such agreement with this party");
  }
  const auto found = receipts(*record);
  if (!found) {
    // Of what is not known now `own` has told already, and more than the other party may read.
    if (found.error().code != ErrorCode::invalid_state) log::error("no proof of declarations", {{"agreement", record->id.str()}, {"what", found.error().message}});
    return evidence_refusal(503, "unavailable", "the proofs cannot be made now");
  }
  return http::json_response(200, json::serialise(json::object({{"declarations", *found}})));
}

/// No more than the asking party's terms name: what else is declared here is not for it.
Result<json::Value> Declarations::receipts(const negotiation::AgreementRecord& record) const {
  SLUIS_TRY(const gate::KnownDeclarations known, own(record, with_.clock.now()));
  json::Array out;
  for (const gate::ProvenDeclaration& one : known.declarations) {
    SLUIS_TRY(const Receipt receipt, with_.evidence.receipt_of(one.entry));
    SLUIS_TRY(json::Value value, json::parse(receipt.to_json()));
    out.push_back(std::move(value));
  }
  return json::Value(std::move(out));
}

Result<gate::KnownDeclarations> Declarations::own(const negotiation::AgreementRecord& record, Timestamp now) const {
  SLUIS_TRY(const gate::TermsPtr terms, with_.programs.agreement(record, with_.vocabulary()));
  SLUIS_TRY(gate::KnownDeclarations known, in_force(record, terms->named, now));
  if (terms->named.assessments.empty()) return known;
  if (!with_.dataset) return Error(ErrorCode::not_found, "it is not known on which legal basis the data were gathered");
  SLUIS_TRY(const catalog::Dataset dataset, with_.dataset(record.dataset));
  const auto gathered = management::check_gathered(dataset, with_.store, now, &known.as_read, &known.until);
  if (gathered) return known;
  const Error& why = gathered.error();
  return not_for_others(record, why, why.code == ErrorCode::invalid_argument ? ErrorCode::invalid_state : why.code, "no assessment counts for these data", now);
}

/// Tells this node's people why, and the other party no more than `told`: the register and what else is declared here are not for it.
Error Declarations::not_for_others(const negotiation::AgreementRecord& record, const Error& why, ErrorCode code, const std::string& told, Timestamp now) const {
  if (told_.now(now)) log::warning("declarations_unknown", {{"agreement", record.id.str()}, {"what", why.message}, {"mend", why.mend}});
  return Error(code, told);
}

Result<gate::KnownDeclarations> Declarations::in_force(const negotiation::AgreementRecord& record, const gate::NamedDeclarations& named, Timestamp now) const {
  SLUIS_TRY(declaration::Open open, declaration::read_open(with_.store));
  gate::KnownDeclarations out;
  out.as_read.push_back(std::move(open.as_read));
  for (declaration::Stored& one : open.declarations) {
    if (!named.contains(one.declaration) || !one.declaration.in_force(now)) continue;
    if (!gate::rests_on_a_basis(one.declaration)) continue;
    // It may have been ended or renewed in what was lost: whatever depends on it is not known.
    SLUIS_TRY(const std::optional<Timestamp> held, storage::held_since(with_.store, one.key));
    if (held) {
      const Error why = Error(ErrorCode::invalid_state, "`" + one.declaration.id + "` is held " + storage::told(*held)).mended_by("renew it or end it");
      return not_for_others(record, why, why.code, "one of them is held since a recovery", now);
    }
    SLUIS_TRY(const std::uint64_t entry, with_.evidence.entry_of(EntryKind::declaration, declaration::digest(one.declaration)));
    out.declarations.push_back({std::move(one.declaration), entry});
  }
  return out;
}

Result<gate::KnownDeclarations> Declarations::of_provider(const negotiation::AgreementRecord& record, Timestamp now) const {
  return record.role == negotiation::Role::provider ? own(record, now) : ask(record, now);
}

Result<gate::KnownDeclarations> Declarations::ask(const negotiation::AgreementRecord& record, Timestamp now) const {
  const ParticipantId& peer = record.peer;
  SLUIS_TRY(const identity::PartyPtr party, with_.directory.find(peer));
  if (!party->evidence) return Error(ErrorCode::peer_unavailable, "`" + peer.str() + "` does not prove what it declares");
  SLUIS_TRY(const std::string base, with_.directory.endpoint(peer, now));
  http::PeerRequest request;
  request.peer = peer;
  request.method = "GET";
  request.url = base + std::string(kPath) + to_hex(record.id.str());
  request.timeout = limits::kDeclarationTimeout;
  SLUIS_TRY(const http::PeerResponse response, with_.transport.send(request));
  if (response.status != 200) {
    return Error(ErrorCode::peer_unavailable,
                 "`" + peer.str() + "` gives no proof of its declarations (status " + std::to_string(response.status) + ")");
  }
  if (response.body.size() > limits::kDeclarationProofBytes) {
    return Error(ErrorCode::limit_exceeded, "`" + peer.str() + "` sends too much about its declarations");
  }
  SLUIS_TRY(const json::Value answer, json::parse(response.body));
  const json::Value* list = answer.find("declarations");
  const json::Array* receipts = list == nullptr ? nullptr : list->if_array();
  if (receipts == nullptr) return Error(ErrorCode::invalid_argument, "`" + peer.str() + "` does not say which declarations are in force");
  if (receipts->size() > limits::kOpenDeclarations) {
    return Error(ErrorCode::limit_exceeded, "`" + peer.str() + "` sends too many declarations");
  }
  gate::KnownDeclarations out;
  for (const json::Value& receipt : *receipts) {
    SLUIS_TRY(gate::ProvenDeclaration one, read_proof(peer, receipt, now));
    const auto same = [&](const gate::ProvenDeclaration& other) {
      return other.declaration.kind == one.declaration.kind && other.declaration.id == one.declaration.id;
    };
    if (std::any_of(out.declarations.begin(), out.declarations.end(), same)) {
      return Error(ErrorCode::permission_denied, "`" + peer.str() + "` says twice of `" + one.declaration.id + "` that it is in force");
    }
    out.declarations.push_back(std::move(one));
  }
  return out;
}

/// The proof is in the provider's log, of a declaration, and what is used is what the entry says.
Result<gate::ProvenDeclaration> Declarations::read_proof(const ParticipantId& peer, const json::Value& receipt, Timestamp now) const {
  SLUIS_TRY(const Receipt read, Receipt::from_json(json::serialise(receipt)));
  SLUIS_CHECK(with_.evidence.check_receipt(peer, read, now));
  const Error another(ErrorCode::permission_denied, "the proof that `" + peer.str() + "` gives is not of a declaration of it in force");
  v1::Shared shared;
  if (read.leaf.kind != static_cast<std::uint8_t>(EntryKind::declaration) || !shared.ParseFromString(read.shared) ||
      shared.self() != peer.str() || read.leaf.policy_digest != crypto::sha256(shared.document())) {
    return another;
  }
  SLUIS_TRY(Declaration said, declaration::decode(shared.document()));
  if (shared.event() != declaration::to_string(said.acts.back().what) || said.over(now) || said.from() > now + limits::kSkew) {
    return another;
  }
  return gate::ProvenDeclaration{std::move(said), read.index};
}

http::Response Declarations::published(const http::Request& request) const {
  constexpr std::string_view kAfter = "after=";
  const bool further = request.query.starts_with(kAfter);
  const auto after = catalog::read_page_token(further ? std::string_view(request.query).substr(kAfter.size()) : "");
  if (!after || (!further && !request.query.empty())) {
    return evidence_refusal(400, "invalid_argument", "the query can only be `after`, as `next` has it");
  }
  const Timestamp now = with_.clock.now();
  json::Array situations, assessments;
  std::string last, next;
  const auto read = declaration::visit_all(with_.store, *after, [&](const declaration::Stored& one) {
    const Declaration& said = one.declaration;
    const bool situation = said.kind == declaration::Kind::situation;
    if (situation && !said.over(now)) return true;
    if (situations.size() + assessments.size() == limits::kPageMax) {
      next = "/situations?" + std::string(kAfter) + catalog::page_token(last);
      return false;
    }
    last = one.key;
    auto value = json::parse(declaration::encode(said, false));
    if (!value) return true;  // just encoded: cannot be
    value->set("state", said.ended() ? "ended" : said.over(now) ? "over" : "in force");
    (situation ? situations : assessments).push_back(std::move(*value));
    return true;
  });
  if (!read) {
    log::error("situations cannot be read", {{"what", read.error().message}});
    return evidence_refusal(503, "unavailable", "the situations cannot be read now");
  }
  json::Value body = json::object({{"situations", std::move(situations)}, {"assessments", std::move(assessments)}});
  if (!next.empty()) body.set("next", next);
  return http::json_response(200, json::serialise(body));
}

}  // namespace sluis::node
