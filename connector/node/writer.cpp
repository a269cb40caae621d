#include "connector/node/writer.hpp"

#include "connector/crypto/crypto.hpp"
#include "policy/odrl/program.hpp"

namespace sluis::node {
namespace {

using provenance::EntryKind;

void put_reason(v1::Shared& shared, const outbox::Reason& reason) {
  v1::DecisionReason& out = *shared.mutable_decision();
  out.set_code(reason.code);
  for (const std::string& sentence : reason.sentences) {
    if (!out.sentence().empty()) out.mutable_sentence()->append(" ");
    out.mutable_sentence()->append(sentence);
  }
}

void put_agreement(v1::Shared& shared, const negotiation::AgreementRecord& record) {
  shared.set_counterparty(record.peer.str());
  shared.set_dataset(record.dataset.str());
  shared.set_agreement(record.id.str());
  shared.set_agreement_hash(std::string(view(record.agreement_hash)));
  shared.set_offer_hash(std::string(view(record.offer_hash)));
  shared.set_negotiation(record.negotiation.str());
}

}  // namespace

v1::Shared Writer::begin(std::string_view event) const {
  v1::Shared shared;
  gate::set_time(shared, clock_.now());
  shared.set_event(std::string(event));
  shared.set_self(self_.str());
  return shared;
}

EntryDraft Writer::negotiation_entry(const negotiation::Negotiation& negotiation, std::string_view event,
                                     const outbox::Reason* reason) {
  v1::Shared shared = begin(event);
  shared.set_counterparty(negotiation.peer.str());
  shared.set_dataset(negotiation.dataset.str());
  shared.set_offer_hash(std::string(view(negotiation.offer_hash)));
  shared.set_negotiation(negotiation.own_pid.str());
  if (reason != nullptr) put_reason(shared, *reason);
  v1::Internal internal;
  if (event == "approved" && !negotiation.decided_by.is_null()) internal.set_decided_by(json::serialise(negotiation.decided_by));
  return gate::make_entry(EntryKind::negotiation, negotiation.offer_hash, shared, internal);
}

EntryDraft Writer::agreement_entry(const negotiation::AgreementRecord& record) {
  v1::Shared shared = begin(record.imported ? "imported" : "agreed");
  put_agreement(shared, record);
  gate::set_evidence(shared, !record.imported && keeps_evidence_(record.peer));
  if (record.imported) {  // the other node's log has nothing of it
    json::Value rests_on = negotiation::to_json(*record.imported);
    rests_on.set("one_sided", true);
    shared.set_document(json::serialise(rests_on));
  }
  if (record.vocabulary_hash) {
    const std::string both = policy::Program::program_hash_input(record.offer_hash, *record.vocabulary_hash);
    shared.set_program_hash(std::string(view(crypto::sha256(both))));
  }
  return gate::make_entry(EntryKind::agreement, record.offer_hash, shared, {});
}

EntryDraft Writer::agreement_ended_entry(const negotiation::AgreementRecord& record) {
  v1::Shared shared = begin("ended");
  put_agreement(shared, record);
  if (record.ended) put_reason(shared, record.ended->reason);
  return gate::make_entry(EntryKind::agreement_ended, record.offer_hash, shared, {});
}

EntryDraft Writer::transfer_entry(const transfer::TransferProcess& process, std::string_view event,
                                  const outbox::Reason* reason) {
  v1::Shared shared = begin(event);
  shared.set_counterparty(process.peer.str());
  shared.set_dataset(process.dataset.str());
  shared.set_agreement(process.agreement.str());
  shared.set_transfer(process.own_pid.str());
  if (reason != nullptr) put_reason(shared, *reason);
  v1::Internal internal;
  if (process.push && event == "requested") {  // a consumer says there what it claims for the whole transfer
    shared.set_purpose(process.push->purpose);
    internal.set_activity(process.push->activity);
    internal.set_person(process.push->person);
    internal.set_detail("to be pushed to " + transfer::without_query(process.endpoint));
  }
  return gate::make_entry(EntryKind::transfer, Hash{}, shared, internal);
}

EntryDraft Writer::dropped_entry(const outbox::DeadLetter& letter, const outbox::Reason& reason, const std::string& person) const {
  v1::Shared shared = begin("message-dropped");
  shared.set_counterparty(letter.peer);
  const bool transfer = letter.service == "transfer";
  if (transfer) {
    shared.set_transfer(letter.process);
  } else {
    shared.set_negotiation(letter.process);
  }
  put_reason(shared, reason);
  shared.set_document(json::serialise(json::object({{"message", outbox::id_of(letter)}, {"service", letter.service}, {"kind", letter.kind}})));
  EntryDraft entry = gate::make_entry(transfer ? EntryKind::transfer : EntryKind::negotiation, Hash{}, shared, {});
  name_person(entry, person);
  return entry;
}

void Writer::name_person(EntryDraft& entry, const std::string& person) const {
  if (person.empty()) return;
  v1::Internal internal;
  internal.ParseFromString(entry.internal);
  internal.set_person(person);
  entry.internal = internal.SerializeAsString();
}

EntryDraft Writer::purposes_entry(const Hash& hash, const std::string& document, const management::PublishedBy& by) const {
  v1::Shared shared = begin(by.person.empty() ? "configured" : "published");
  shared.set_document(document);
  v1::Internal internal;
  if (by.decided_by) internal.set_decided_by(json::serialise(catalog::to_json(*by.decided_by)));
  EntryDraft entry = gate::make_entry(EntryKind::purposes, hash, shared, internal);
  name_person(entry, by.person);
  return entry;
}

EntryDraft Writer::plain_entry(EntryKind kind, std::string_view event, std::string_view document) const {
  v1::Shared shared = begin(event);
  shared.set_document(std::string(document));
  return gate::make_entry(kind, Hash{}, shared, {});
}

}  // namespace sluis::node
