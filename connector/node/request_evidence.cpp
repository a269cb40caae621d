#include "connector/node/request_evidence.hpp"

#include "connector/gate/evidence.hpp"

namespace sluis::node {

bool came(const v1::Shared& end) { return end.bytes() > 0 || end.end() == "complete"; }

bool same_request(const v1::Shared& one, const v1::Shared& other) {
  return one.agreement() == other.agreement() && one.dataset() == other.dataset() && one.purpose() == other.purpose();
}

bool fit(const v1::Shared& received, const v1::Shared& sent) {
  if (!same_request(received, sent)) return false;
  if (sent.end() == "unknown") return true;
  const bool whole = sent.end() == "complete";
  const bool equal = sent.bytes() == received.bytes() && sent.digest() == received.digest() && sent.rows() == received.rows();
  if (received.end() == "complete") return whole && equal;
  if (!whole || received.bytes() < sent.bytes()) return true;
  return received.bytes() == sent.bytes() && (received.bytes() == 0 || received.digest() == sent.digest());
}

v1::Shared about(const v1::Shared& end, std::string_view event, Timestamp now) {
  v1::Shared own;
  gate::set_time(own, now);
  own.set_event(std::string(event));
  own.set_self(end.self());
  own.set_counterparty(end.counterparty());
  own.set_transaction(end.transaction());
  own.set_dataset(end.dataset());
  own.set_agreement(end.agreement());
  own.set_transfer(end.transfer());
  own.set_offer_hash(end.offer_hash());
  return own;
}

EntryDraft missing_entry(const v1::Shared& end, const Hash& offer, std::string_view event, Timestamp now) {
  v1::Shared own = about(end, event, now);
  *own.mutable_decision() = gate::to_proto(gate::make_reason("receipt." + std::string(event), {{"party", end.counterparty()}}), false);
  return gate::make_entry(provenance::EntryKind::receipt_missing, offer, own, {});
}

}  // namespace sluis::node
