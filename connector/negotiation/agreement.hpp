#pragma once

#include "connector/negotiation/model.hpp"
#include "connector/storage/kv_store.hpp"

namespace sluis::negotiation {

/// Who ended an agreement, when and why (D24).
struct AgreementEnd {
  ParticipantId by;
  Timestamp when;
  Reason reason;
  friend bool operator==(const AgreementEnd&, const AgreementEnd&) = default;
};

/// On what an agreement rests that was not negotiated between the two nodes: one-sided, as the other node knows nothing of it.
struct Imported {
  std::string basis;  ///< what was concluded, where and by whom: `contract 2026-014, signed on paper`
  Hash document{};    ///< SHA-256 of what both have signed
  friend bool operator==(const Imported&, const Imported&) = default;
};

json::Value to_json(const Imported& imported);

/// What both parties hold. Stored as JSON at `agr/<agreement id>`, in both roles.
struct AgreementRecord {
  AgreementId id;
  Role role = Role::consumer;
  ParticipantId peer;
  std::string peer_url;
  DatasetId dataset;
  json::Value agreement;
  Hash agreement_hash{};  ///< SHA-256 of the canonical agreement
  Hash offer_hash{};      ///< provider: of the published offer that it follows, if it follows one; else of the offer that was agreed to
  Timestamp timestamp;    ///< the agreement's own
  ProcessId negotiation;            ///< empty where it was imported
  std::optional<Imported> imported;
  std::optional<Hash> vocabulary_hash;  ///< of the purposes in force when it was made, for ever
  json::Value decided_by;               ///< the body that decided a steward's approval of it; null: none was named
  json::Value peer_identity;            ///< who the peer was in law when it was made (D12), for ever; null: not known
  std::optional<Timestamp> over;      ///< from then on its terms can permit nothing any more; none: they always could
  std::optional<AgreementEnd> ended;  ///< none: active
  /// Since when it is not known whether it still applies, after what this node knew was lost for a while: nothing is released under it
  /// until both logs were compared.
  std::optional<Timestamp> held;

  bool active() const { return !ended; }
  /// Whether nothing more begins under it, though nobody has ended it yet.
  bool is_over(Timestamp now) const { return over && now >= *over; }
  friend bool operator==(const AgreementRecord&, const AgreementRecord&) = default;
};

std::string encode(const AgreementRecord& record);
Result<AgreementRecord> decode_agreement(std::string_view bytes);
inline constexpr std::string_view kAgreementPrefix = "agr/";
std::string agreement_key(const AgreementId& id);
/// not_found, or the store's error.
Result<AgreementRecord> read_agreement(const storage::Reader& store, const AgreementId& id);

/// An offer as it is compared and hashed (D6).
struct NormalOffer {
  json::Value offer;  ///< without target, context, and without parties that are the two themselves
  Hash hash{};        ///< SHA-256 of its canonical form
};
/// Checks the target and the parties named in it. invalid_argument, with a pointer from `/offer`.
Result<NormalOffer> normalise_offer(const json::Value& offer, const DatasetId& dataset, const ParticipantId& provider,
                                    const ParticipantId& consumer);

/// The agreement that follows an offer: its terms, with new id, target, parties and time.
json::Value make_agreement(const NormalOffer& offer, const AgreementId& id, const DatasetId& dataset,
                           const ParticipantId& provider, const ParticipantId& consumer, Timestamp now);

struct CheckedAgreement {
  AgreementId id;
  Timestamp timestamp;
  Hash hash{};
};
/// The consumer's check before it verifies: the agreement says just what was asked, about this dataset, between these
/// two, and is not of a later time than `now` and the tolerated skew. invalid_argument, with the place.
Result<CheckedAgreement> check_agreement(const json::Value& asked, const DatasetId& dataset,
                                         const ParticipantId& provider, const ParticipantId& consumer,
                                         const json::Value& agreement, Timestamp now);

}  // namespace sluis::negotiation
