#pragma once

#include "connector/dsp/routes.hpp"
#include "connector/negotiation/ports.hpp"
#include "connector/transfer/ports.hpp"
#include "tests/sim/faults.hpp"

#include <set>
#include <vector>

/// What stands around the services of a simulated node.
namespace sluis::sim {

/// What a node publishes, and what it says to offers of others. Fixed by the seed; survives crashes.
class Offers final : public negotiation::Terms {
 public:
  Offers(Dice& dice, bool anything, std::size_t index);

  Result<negotiation::Judgement> judge_request(const ParticipantId& consumer, const DatasetId& dataset, const json::Value& offer,
                                       const Hash& hash) override;
  negotiation::Judgement judge_offer(const ParticipantId& provider, const DatasetId& dataset, const json::Value& offer,
                                     const Hash& hash) override;

  struct Published {
    DatasetId dataset;
    json::Value offer;
    Hash hash{};         ///< of the offer
    std::string terms;   ///< canonical, without identity
    negotiation::Judgement::Kind answer = negotiation::Judgement::Kind::agree;
  };
  const std::vector<Published>& published() const { return published_; }
  /// The canonical terms of an offer or agreement, without identity, target, parties and time.
  static std::string terms_of(json::Value policy);
  /// Other terms than those, under the same id.
  static json::Value altered(json::Value offer);

 private:
  bool anything_;  ///< a canary
  negotiation::Judgement::Kind unknown_;
  negotiation::Judgement::Kind offered_;
  std::vector<Published> published_;
};

/// Entries as `<process> <event>`.
class Evidence final : public negotiation::EvidenceWriter, public transfer::EvidenceWriter {
 public:
  EntryDraft negotiation_entry(const negotiation::Negotiation& n, std::string_view event, const outbox::Reason*) override {
    return entry(n.own_pid.str(), event);
  }
  EntryDraft agreement_entry(const negotiation::AgreementRecord& record) override { return entry(record.id.str(), "made"); }
  EntryDraft agreement_ended_entry(const negotiation::AgreementRecord& record) override { return entry(record.id.str(), "ended"); }
  EntryDraft transfer_entry(const transfer::TransferProcess& p, std::string_view event, const outbox::Reason*) override {
    return entry(p.own_pid.str(), event);
  }

 private:
  static EntryDraft entry(const std::string& about, std::string_view event) {
    EntryDraft draft;
    draft.shared = about + " " + std::string(event);
    return draft;
  }
};

/// Nothing is asked of it here.
class NoCatalog final : public dsp::CatalogPort {
 public:
  Result<Page> catalog(const ParticipantId&, std::string_view) override { return Error(ErrorCode::not_found, "no catalogue"); }
  Result<json::Value> dataset(const ParticipantId&, const DatasetId&) override { return Error(ErrorCode::not_found, "no dataset"); }
};

}  // namespace sluis::sim
