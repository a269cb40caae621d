#pragma once

#include "connector/negotiation/machine.hpp"
#include "connector/outbox/envelope.hpp"
#include "connector/storage/commit_port.hpp"

/// What negotiations need of the rest of the node. All are called from many threads.
namespace sluis::negotiation {

/// What the node says to an offer.
class Terms {
 public:
  virtual ~Terms() = default;
  /// We are the provider; `offer` is normalised, `hash` its hash. An error: it cannot be judged now, and is not answered.
  virtual Result<Judgement> judge_request(const ParticipantId& consumer, const DatasetId& dataset, const json::Value& offer,
                                  const Hash& hash) = 0;
  /// We are the consumer, and did not ask for just this.
  virtual Judgement judge_offer(const ParticipantId& provider, const DatasetId& dataset, const json::Value& offer,
                                const Hash& hash) = 0;
  /// We are the provider: the offer that is published for this dataset, as in the catalogue. not_found: none is now.
  virtual Result<json::Value> published_offer(const DatasetId& dataset) const {
    return Error(ErrorCode::not_found, "nothing is on offer for `" + dataset.str() + "`");
  }
  /// Hash of the purposes in force, which an agreement made now is bound to; none where purposes have no versions.
  virtual std::optional<Hash> vocabulary_hash() const { return std::nullopt; }
  /// Who the party is in law now, as its members' list says it (D12); null where none says it.
  virtual json::Value legal_identity(const ParticipantId&) const { return {}; }
};

/// Writes the payloads of the provenance log.
class EvidenceWriter {
 public:
  virtual ~EvidenceWriter() = default;
  /// `event`: the state reached, "requested" … "terminated".
  virtual EntryDraft negotiation_entry(const Negotiation& negotiation, std::string_view event,
                                       const Reason* reason) = 0;
  virtual EntryDraft agreement_entry(const AgreementRecord& record) = 0;
  virtual EntryDraft agreement_ended_entry(const AgreementRecord& record) = 0;
  /// Names the person who did it in the part that never leaves the node. Nobody: the entry stays as it is.
  virtual void name_person(EntryDraft&, const std::string&) const {}
};

/// The protocol: gives messages their wire form and sends them.
class PeerPort {
 public:
  virtual ~PeerPort() = default;
  /// The same message has the same bytes.
  virtual std::string body(const OutboundMessage& message) const = 0;
  virtual outbox::SendOutcome send(const ParticipantId& peer, const outbox::Envelope& envelope) = 0;
  /// Reads the peer's process; `state` of the view is one of to_string(State).
  virtual outbox::PeerView read(const Negotiation& negotiation) = 0;
};

}  // namespace sluis::negotiation
