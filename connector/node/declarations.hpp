#pragma once

#include "catalog/dataset.hpp"
#include "connector/base/log.hpp"
#include "connector/declaration/register.hpp"
#include "connector/gate/programs.hpp"
#include "connector/node/evidence_channel.hpp"

namespace sluis::node {

/// What the declarations of this node and of others need; all of it outlives them.
struct DeclarationDependencies {
  const storage::Reader& store;
  EvidenceChannel& evidence;
  const identity::Directory& directory;
  const Clock& clock;
  http::PeerTransport& transport;
  gate::ProgramCache& programs;
  gate::VocabularySource vocabulary;
  std::function<Result<ParticipantId>(const http::Request&)> authenticate;
  /// A dataset of this node. not_found.
  std::function<Result<catalog::Dataset>(const DatasetId&)> dataset = {};
};

/// The situations and assessments that decisions depend on: those of this node, with their entries in its log; those of a provider, with
/// the proof that its log has them. Nothing is kept: what a peer said is used for one request. Thread-safe; worker threads only.
class Declarations {
 public:
  explicit Declarations(DeclarationDependencies with) : with_(std::move(with)) {}

  /// `/evidence/v1/declarations/<agreement id in hex>`: the receipts of those in force that the terms of this agreement name, for the other
  /// party of it. 404 for all others; 503 where a proof cannot be made now.
  std::vector<http::Route> routes();
  /// `/situations`, on the public listener: what is over, and assessments also while they are in force. No persons. `next` leads to more
  /// than limits::kPageMax.
  http::Response published(const http::Request& request) const;

  /// gate::DeclarationSource for this node's gate: those of its own that the agreement's terms name, but for assessments on a basis on which none
  /// can rest. invalid_state: a recovery holds one of them; or the terms name an assessment, and the agreement's data were gathered on consent, or
  /// nobody knows on what (management/known_names.hpp). The other party may read these errors: which and why only the log of this program says.
  Result<gate::KnownDeclarations> own(const negotiation::AgreementRecord& record, Timestamp now) const;
  /// For an agreement of either role. Of a peer: peer_unavailable (no answer, or it proves nothing), permission_denied (a proof does not
  /// hold), limit_exceeded.
  Result<gate::KnownDeclarations> of_provider(const negotiation::AgreementRecord& record, Timestamp now) const;

 private:
  Result<gate::KnownDeclarations> in_force(const negotiation::AgreementRecord& record, const gate::NamedDeclarations& named, Timestamp now) const;
  Error not_for_others(const negotiation::AgreementRecord& record, const Error& why, ErrorCode code, const std::string& told, Timestamp now) const;
  http::Response proofs(const http::Request& request) const;
  Result<json::Value> receipts(const negotiation::AgreementRecord& record) const;
  Result<gate::KnownDeclarations> ask(const negotiation::AgreementRecord& record, Timestamp now) const;
  Result<gate::ProvenDeclaration> read_proof(const ParticipantId& peer, const json::Value& receipt, Timestamp now) const;

  DeclarationDependencies with_;
  mutable log::Seldom told_;
};

}  // namespace sluis::node
