#include "connector/negotiation/agreement.hpp"

#include "connector/base/limits.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/outbox/keys.hpp"

namespace sluis::negotiation {
namespace {

Error damaged(std::string_view key) {
  return Error(ErrorCode::corruption, "a stored agreement has no readable `" + std::string(key) + "`")
      .at_pointer(json::pointer_to("", key));
}

/// The terms alone: without identity, target, parties and time.
json::Value terms_of(json::Value policy) {
  for (const std::string_view key : {"@id", "@type", "@context", "target", "assigner", "assignee", "timestamp"}) {
    policy.erase(key);
  }
  return policy;
}

/// The member, if it is there, must say just this.
Result<void> must_be(const json::Value& object, std::string_view key, std::string_view wanted,
                     std::string_view pointer, bool required) {
  const json::Value* value = object.find(key);
  if (!value && !required) return {};
  SLUIS_TRY(const std::string text, json::required_string(object, key, pointer));
  if (text == wanted) return {};
  return Error(ErrorCode::invalid_argument,
               "`" + std::string(key) + "` is `" + text + "`, where `" + std::string(wanted) + "` was expected")
      .at_pointer(json::pointer_to(pointer, key));
}

}  // namespace

json::Value to_json(const Imported& imported) {
  return json::object({{"basis", imported.basis}, {"document", to_hex(imported.document)}});
}

std::string encode(const AgreementRecord& record) {
  json::Value value = json::object({{"id", record.id.str()},
                                    {"role", to_string(record.role)},
                                    {"peer", record.peer.str()},
                                    {"peer_url", record.peer_url},
                                    {"dataset", record.dataset.str()},
                                    {"agreement", record.agreement},
                                    {"agreement_hash", to_hex(record.agreement_hash)},
                                    {"offer_hash", to_hex(record.offer_hash)},
                                    {"timestamp", outbox::time_value(record.timestamp)},
                                    {"negotiation", record.negotiation.str()}});
  if (record.imported) value.set("imported", to_json(*record.imported));
  if (record.vocabulary_hash) value.set("vocabulary_hash", to_hex(*record.vocabulary_hash));
  if (!record.decided_by.is_null()) value.set("decided_by", record.decided_by);
  if (!record.peer_identity.is_null()) value.set("peer_identity", record.peer_identity);
  if (record.ended) {
    value.set("ended", json::object({{"by", record.ended->by.str()},
                                     {"when", outbox::time_value(record.ended->when)},
                                     {"reason", to_json(record.ended->reason)}}));
  }
  if (record.over) value.set("over", outbox::time_value(*record.over));
  if (record.held) value.set("held", outbox::time_value(*record.held));
  return json::serialise(value);
}

Result<AgreementRecord> decode_agreement(std::string_view bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  AgreementRecord record;
  SLUIS_TRY(std::string id, json::required_string(value, "id"));
  record.id = AgreementId(std::move(id));
  SLUIS_TRY(record.role, stored_role(value));
  SLUIS_TRY(std::string peer, json::required_string(value, "peer"));
  record.peer = ParticipantId(std::move(peer));
  SLUIS_TRY(record.peer_url, json::required_string(value, "peer_url"));
  SLUIS_TRY(std::string dataset, json::required_string(value, "dataset"));
  record.dataset = DatasetId(std::move(dataset));
  const json::Value* agreement = value.find("agreement");
  if (!agreement) return damaged("agreement");
  record.agreement = *agreement;
  SLUIS_TRY(const std::optional<Hash> hash, outbox::optional_hash(value, "agreement_hash"));
  SLUIS_TRY(const std::optional<Hash> offer_hash, outbox::optional_hash(value, "offer_hash"));
  if (!hash || !offer_hash) return damaged("agreement_hash");
  record.agreement_hash = *hash;
  record.offer_hash = *offer_hash;
  SLUIS_TRY(record.timestamp, outbox::required_time(value, "timestamp"));
  SLUIS_TRY(std::string negotiation, json::required_string(value, "negotiation"));
  record.negotiation = ProcessId(std::move(negotiation));
  if (const json::Value* imported = value.find("imported")) {
    Imported from;
    SLUIS_TRY(from.basis, json::required_string(*imported, "basis"));
    SLUIS_TRY(const std::optional<Hash> document, outbox::optional_hash(*imported, "document"));
    if (!document) return damaged("imported");
    from.document = *document;
    record.imported = std::move(from);
  }
  SLUIS_TRY(record.vocabulary_hash, outbox::optional_hash(value, "vocabulary_hash"));
  if (const json::Value* by = value.find("decided_by")) record.decided_by = *by;
  if (const json::Value* identity = value.find("peer_identity")) record.peer_identity = *identity;
  SLUIS_TRY(record.over, outbox::optional_time(value, "over"));
  SLUIS_TRY(record.held, outbox::optional_time(value, "held"));
  if (const json::Value* ended = value.find("ended")) {
    AgreementEnd end;
    SLUIS_TRY(std::string by, json::required_string(*ended, "by"));
    end.by = ParticipantId(std::move(by));
    SLUIS_TRY(end.when, outbox::required_time(*ended, "when"));
    const json::Value* reason = ended->find("reason");
    if (!reason) return damaged("ended");
    SLUIS_TRY(end.reason, outbox::reason_from_json(*reason));
    record.ended = std::move(end);
  }
  return record;
}

std::string agreement_key(const AgreementId& id) { return std::string(kAgreementPrefix) + outbox::key_part(id.str()); }

Result<AgreementRecord> read_agreement(const storage::Reader& store, const AgreementId& id) {
  SLUIS_TRY(const std::optional<std::string> bytes, store.get(agreement_key(id)));
  if (!bytes) return Error(ErrorCode::not_found, "there is no agreement `" + id.str() + "`");
  return decode_agreement(*bytes);
}

Result<NormalOffer> normalise_offer(const json::Value& offer, const DatasetId& dataset, const ParticipantId& provider,
                                    const ParticipantId& consumer) {
  if (!offer.if_object()) {
    return Error(ErrorCode::invalid_argument, "an offer must be an object").at_pointer("/offer");
  }
  SLUIS_CHECK(json::required_string(offer, "@id", "/offer"));
  SLUIS_CHECK(must_be(offer, "@type", "Offer", "/offer", false));
  SLUIS_CHECK(must_be(offer, "target", dataset.str(), "/offer", false));
  SLUIS_CHECK(must_be(offer, "assigner", provider.str(), "/offer", false));
  SLUIS_CHECK(must_be(offer, "assignee", consumer.str(), "/offer", false));
  NormalOffer normal{offer, {}};
  for (const std::string_view key : {"@context", "target", "assigner", "assignee"}) normal.offer.erase(key);
  if (!normal.offer.find("@type")) normal.offer.set("@type", "Offer");
  SLUIS_TRY(const std::string canonical, json::canonical(normal.offer));
  if (canonical.size() > limits::kPolicyBytes) {
    return Error(ErrorCode::invalid_argument, "an offer has at most 65536 bytes").at_pointer("/offer");
  }
  normal.hash = crypto::sha256(canonical);
  return normal;
}

json::Value make_agreement(const NormalOffer& offer, const AgreementId& id, const DatasetId& dataset,
                           const ParticipantId& provider, const ParticipantId& consumer, Timestamp now) {
  json::Value agreement = json::object({{"@id", id.str()},
                                        {"@type", "Agreement"},
                                        {"target", dataset.str()},
                                        {"assigner", provider.str()},
                                        {"assignee", consumer.str()},
                                        {"timestamp", format_time(std::chrono::floor<std::chrono::seconds>(now))}});
  const json::Value terms = terms_of(offer.offer);
  for (const json::Member& member : *terms.if_object()) agreement.set(member.first, member.second);
  return agreement;
}

Result<CheckedAgreement> check_agreement(const json::Value& asked, const DatasetId& dataset,
                                         const ParticipantId& provider, const ParticipantId& consumer,
                                         const json::Value& agreement, Timestamp now) {
  constexpr std::string_view place = "/agreement";
  CheckedAgreement checked;
  SLUIS_TRY(std::string id, json::required_string(agreement, "@id", place));
  if (id.empty() || id.size() > limits::kIdBytes) {
    return Error(ErrorCode::invalid_argument, "the agreement's id is empty or too long").at_pointer("/agreement/@id");
  }
  checked.id = AgreementId(std::move(id));
  SLUIS_CHECK(must_be(agreement, "@type", "Agreement", place, true));
  SLUIS_CHECK(must_be(agreement, "target", dataset.str(), place, true));
  SLUIS_CHECK(must_be(agreement, "assigner", provider.str(), place, true));
  SLUIS_CHECK(must_be(agreement, "assignee", consumer.str(), place, true));
  SLUIS_TRY(const std::string time, json::required_string(agreement, "timestamp", place));
  Result<Timestamp> timestamp = parse_time(time);
  if (!timestamp) return Error(timestamp.error()).at_pointer("/agreement/timestamp");
  if (*timestamp > now + limits::kSkew) {
    return Error(ErrorCode::invalid_argument, "the agreement's time `" + time + "` has not come yet")
        .at_pointer("/agreement/timestamp");
  }
  checked.timestamp = *timestamp;
  SLUIS_TRY(const std::string canonical, json::canonical(agreement));
  if (canonical.size() > limits::kPolicyBytes) {
    return Error(ErrorCode::invalid_argument, "an agreement has at most 65536 bytes").at_pointer("/agreement");
  }
  SLUIS_TRY(const std::string wanted, json::canonical(terms_of(asked)));
  SLUIS_TRY(const std::string given, json::canonical(terms_of(agreement)));
  if (wanted != given) {
    return Error(ErrorCode::invalid_argument, "the agreement's terms are not those that were asked for")
        .at_pointer("/agreement");
  }
  checked.hash = crypto::sha256(canonical);
  return checked;
}

}  // namespace sluis::negotiation
