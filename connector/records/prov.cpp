#include "connector/records/prov_document.hpp"

#include "connector/base/bytes.hpp"
#include "connector/base/time.hpp"
#include "connector/records/record.hpp"

#include <set>

/// PROV-O and PROV-JSON (W3C): what happened to data, agreements and processes, by whom, and from what.
namespace sluis::records {
namespace {

using provenance::EntryKind;

std::string time_of(std::int64_t time_us) { return format_time(Timestamp(Duration(time_us))); }

/// Without `urn:uuid:`, where it is one.
std::string tail(const std::string& id) { return id.starts_with("urn:uuid:") ? id.substr(9) : id; }

/// Each request has an activity of its own, also where a party uses one transaction id twice.
std::string request_id(const v1::Shared& shared, std::int64_t begun_us, bool obtaining) {
  return iri(std::string("urn:sluis:") + (obtaining ? "obtaining:" : "request:") + tail(shared.transaction()) + ":" + std::to_string(begun_us));
}

class Prov final : public Recorder {
 public:
  Prov(const Surroundings& around, bool as_json) : around_(around), as_json_(as_json) {}

  std::string head() const override { return as_json_ ? std::string() : ProvDocument::turtle_head(); }

  void add(const Entry& entry) override {
    switch (entry.kind) {
      case EntryKind::negotiation: return negotiation(entry);
      case EntryKind::agreement: return agreement(entry);
      case EntryKind::agreement_ended: return agreement_ended(entry, around_.self);
      case EntryKind::receipt:  // the other party's word that it ended one
        if (entry.shared.event() == "agreement-ended") agreement_ended(entry, entry.shared.counterparty());
        return;
      case EntryKind::transfer: return transfer(entry);
      case EntryKind::decision: return decision(entry);
      case EntryKind::intent: return intent(entry);
      case EntryKind::stream_end:
      case EntryKind::cut: return ended(entry, false);
      case EntryKind::received: return ended(entry, true);
      case EntryKind::retention_confirmed: return deleted(entry);
      case EntryKind::erasure: return erased(entry);
      default: return;
    }
  }

  bool in_pieces() const override { return false; }
  std::string take() override {
    std::string text = as_json_ ? document_.json() : document_.turtle();
    document_ = {};
    return text;
  }

 private:
  /// The owner of the log, and its node.
  std::string self() {
    const std::string own = party(around_.self);
    document_.agent(iri("urn:sluis:node:" + around_.self), "prov:SoftwareAgent");
    document_.relation("actedOnBehalfOf", {{"prov:delegate", iri("urn:sluis:node:" + around_.self)}, {"prov:responsible", own}});
    return own;
  }
  std::string party(const std::string& participant) {
    const std::string id = iri(participant);
    document_.agent(id, "prov:Organization");
    return id;
  }
  std::string agreement_of(const v1::Shared& shared) {
    const std::string id = iri(shared.agreement());
    document_.entity(id, {"prov:Plan", "odrl:Agreement"});
    return id;
  }
  std::string dataset_of(const v1::Shared& shared) {
    const std::string id = iri(shared.dataset());
    document_.entity(id, {"dcat:Dataset"});
    return id;
  }
  std::string offer_of(const v1::Shared& shared) {
    const std::string id = iri("urn:sluis:offer:" + to_hex(shared.offer_hash()));
    document_.entity(id, {"prov:Plan", "odrl:Offer"});
    return id;
  }
  void used(const std::string& activity, const std::string& entity) {
    document_.relation("used", {{"prov:activity", activity}, {"prov:entity", entity}});
  }
  void associated(const std::string& activity, const std::string& agent, const std::string& plan = {}) {
    std::vector<std::pair<std::string, std::string>> ends{{"prov:activity", activity}, {"prov:agent", agent}};
    if (!plan.empty()) ends.emplace_back("prov:plan", plan);
    document_.relation("wasAssociatedWith", std::move(ends));
  }
  void tell_decision(const std::string& activity, const v1::Shared& shared) {
    if (!shared.has_decision()) return;
    document_.tell(activity, "sluis:decision", shared.decision().permit() ? "permit" : "refused");
    document_.tell(activity, "sluis:reason", shared.decision().code());
    document_.tell(activity, "sluis:sentence", shared.decision().sentence());
  }
  /// A moment in the life of something that goes on.
  std::string moment(const Entry& entry, const std::string& of) {
    const std::string id = iri("urn:sluis:entry:" + around_.self + ":" + std::to_string(entry.index));
    const std::string time = time_of(entry.shared.time_us());
    document_.activity(id, time, time);
    document_.tell(id, "sluis:logEntry", std::to_string(entry.index));
    document_.tell(id, "sluis:event", entry.shared.event());
    if (!of.empty()) document_.relation("wasInformedBy", {{"prov:informed", id}, {"prov:informant", of}});
    tell_decision(id, entry.shared);
    return id;
  }

  void negotiation(const Entry& entry) {
    const std::string process = iri(entry.shared.negotiation());
    document_.activity(process, {}, {});
    associated(process, self());
    const std::string id = moment(entry, process);
    used(id, offer_of(entry.shared));
    associated(id, self());
    if (!entry.shared.counterparty().empty()) associated(id, party(entry.shared.counterparty()));
  }

  void agreement(const Entry& entry) {
    const v1::Shared& shared = entry.shared;
    if (shared.event() == "imported.asked") return;
    const std::string process = iri(shared.event() == "imported" ? "urn:sluis:import:" + shared.agreement() : shared.negotiation());
    document_.activity(process, {}, {});
    associated(process, self());
    const std::string id = agreement_of(shared), made = moment(entry, process);
    document_.tell(id, "sluis:sha256", to_hex(shared.agreement_hash()));
    document_.relation("wasGeneratedBy", {{"prov:entity", id}, {"prov:activity", made}, {"prov:time", time_of(shared.time_us())}});
    document_.relation("wasDerivedFrom", {{"prov:generatedEntity", id}, {"prov:usedEntity", offer_of(shared)}}, "prov:Revision");
    for (const std::string& who : {self(), party(shared.counterparty())}) {
      associated(made, who);
      document_.relation("wasAttributedTo", {{"prov:entity", id}, {"prov:agent", who}});
    }
  }

  void agreement_ended(const Entry& entry, const std::string& by) {
    const std::string id = agreement_of(entry.shared), end = moment(entry, {});
    document_.relation("wasInvalidatedBy", {{"prov:entity", id}, {"prov:activity", end}, {"prov:time", time_of(entry.shared.time_us())}});
    associated(end, self());
    if (by != around_.self) associated(end, party(by));
  }

  void transfer(const Entry& entry) {
    const std::string process = iri(entry.shared.transfer());
    document_.activity(process, {}, {});
    associated(process, self());
    const std::string id = moment(entry, process);
    used(id, agreement_of(entry.shared));
    associated(id, self(), agreement_of(entry.shared));
  }

  /// What asked, and for what; a refusal is over at once.
  std::string begin(const Entry& entry, bool obtaining, bool over) {
    const v1::Shared& shared = entry.shared;
    const std::string id = request_id(shared, shared.time_us(), obtaining);
    const std::string time = time_of(shared.time_us());
    document_.activity(id, time, over ? time : std::string());
    document_.tell(id, "sluis:logEntry", std::to_string(entry.index));
    document_.tell(id, "sluis:purpose", shared.purpose());
    document_.tell(id, "sluis:activity", entry.internal.activity());
    tell_decision(id, shared);
    std::string plan;
    if (!shared.agreement().empty()) {
      plan = agreement_of(shared);
      used(id, plan);
    }
    if (!shared.dataset().empty()) used(id, dataset_of(shared));
    associated(id, self(), plan);
    if (!shared.counterparty().empty()) associated(id, party(shared.counterparty()), plan);
    if (!shared.transfer().empty()) {
      document_.activity(iri(shared.transfer()), {}, {});
      associated(iri(shared.transfer()), self());
      document_.relation("wasInformedBy", {{"prov:informed", id}, {"prov:informant", iri(shared.transfer())}});
    }
    return id;
  }
  void decision(const Entry& entry) {
    const bool data = !entry.shared.event().starts_with("evaluated.") && !entry.shared.event().starts_with("searched.");
    begin(entry, false, !data || !entry.shared.decision().permit());
  }
  void intent(const Entry& entry) { begin(entry, true, false); }

  void ended(const Entry& entry, bool obtaining) {
    const v1::Shared& shared = entry.shared;
    if (entry.internal.begun_us() == 0) {
      ++left_out_;
      return;
    }
    const std::string id = request_id(shared, entry.internal.begun_us(), obtaining), time = time_of(shared.time_us());
    document_.activity(id, {}, time);
    document_.tell(id, "sluis:end", shared.end().empty() ? shared.event() : shared.end());
    document_.tell(id, "sluis:logEntry", std::to_string(entry.index));
    if (shared.bytes() == 0 && shared.end() != "complete") return;
    const std::string payload = iri("urn:sluis:payload:" + tail(shared.transaction()) + ":" + std::to_string(entry.internal.begun_us()) + (obtaining ? ":obtained" : ""));
    document_.entity(payload, {});
    document_.tell(payload, "sluis:sha256", to_hex(shared.digest()));
    document_.tell(payload, "sluis:bytes", std::to_string(shared.bytes()));
    document_.tell(payload, "sluis:rows", std::to_string(shared.rows()));
    document_.relation("wasGeneratedBy", {{"prov:entity", payload}, {"prov:activity", id}, {"prov:time", time}});
    document_.relation("wasDerivedFrom", {{"prov:generatedEntity", payload}, {"prov:usedEntity", dataset_of(shared)}});
  }

  void deleted(const Entry& entry) {
    const std::string copy = iri("urn:sluis:copies:" + entry.shared.agreement()), id = moment(entry, {});
    document_.entity(copy, {"prov:Collection"});
    document_.relation("wasDerivedFrom", {{"prov:generatedEntity", copy}, {"prov:usedEntity", dataset_of(entry.shared)}});
    document_.relation("wasInvalidatedBy", {{"prov:entity", copy}, {"prov:activity", id}, {"prov:time", time_of(entry.shared.time_us())}});
    associated(id, self());
  }

  void erased(const Entry& entry) {
    const std::string id = moment(entry, {});
    document_.tell(id, "sluis:document", entry.shared.document());
    associated(id, self());
  }

  const Surroundings& around_;
  bool as_json_;
  ProvDocument document_;
};

}  // namespace

std::unique_ptr<Recorder> make_prov(const Surroundings& around, bool as_json) { return std::make_unique<Prov>(around, as_json); }

}  // namespace sluis::records
