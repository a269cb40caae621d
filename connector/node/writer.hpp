#pragma once

#include "connector/gate/evidence.hpp"
#include "connector/management/backend.hpp"
#include "connector/negotiation/ports.hpp"
#include "connector/transfer/ports.hpp"

namespace sluis::node {

/// Writes the entries of negotiations, agreements and transfers.
class Writer final : public negotiation::EvidenceWriter, public transfer::EvidenceWriter {
 public:
  /// `keeps_evidence`: whether this party keeps a log that proves agreements as well.
  Writer(ParticipantId self, const Clock& clock, std::function<bool(const ParticipantId&)> keeps_evidence = [](const auto&) { return false; })
      : self_(std::move(self)), clock_(clock), keeps_evidence_(std::move(keeps_evidence)) {}

  EntryDraft negotiation_entry(const negotiation::Negotiation& negotiation, std::string_view event,
                               const outbox::Reason* reason) override;
  EntryDraft agreement_entry(const negotiation::AgreementRecord& record) override;
  EntryDraft agreement_ended_entry(const negotiation::AgreementRecord& record) override;
  EntryDraft transfer_entry(const transfer::TransferProcess& process, std::string_view event,
                            const outbox::Reason* reason) override;
  /// A message that a person decided not to deliver.
  EntryDraft dropped_entry(const outbox::DeadLetter& letter, const outbox::Reason& reason, const std::string& person) const;
  void name_person(EntryDraft& entry, const std::string& person) const override;
  /// A version of the purposes in force.
  EntryDraft purposes_entry(const Hash& hash, const std::string& document, const management::PublishedBy& by) const;
  /// Start and stop of the node, membership, and other entries with no counterparty.
  EntryDraft plain_entry(provenance::EntryKind kind, std::string_view event, std::string_view document = {}) const;

 private:
  v1::Shared begin(std::string_view event) const;
  ParticipantId self_;
  const Clock& clock_;
  std::function<bool(const ParticipantId&)> keeps_evidence_;
};

}  // namespace sluis::node
