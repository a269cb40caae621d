#pragma once

#include "connector/negotiation/agreement.hpp"
#include "connector/provenance/entry.hpp"
#include "sluis/v1/evidence.pb.h"
#include "tests/unit/management/world.hpp"

namespace sluis::management::test {

inline const std::string kTerms = "/sluis.v1.TermsService/";
inline const std::string kDataset = "urn:waterrijk:dataset:counts";

inline std::string as_json(const std::string& text) { return json::serialise(json::Value(text)); }

inline std::string offer_for(const std::string& purpose, const std::string& more = "") {
  return R"({"@id":"urn:w:offer:)" + to_hex(crypto::sha256(purpose + more)).substr(0, 8) +
         R"(","@type":"Offer","permission":[{"action":"use","constraint":[)"
         R"({"leftOperand":"purpose","operator":"isA","rightOperand":")" + purpose + "\"}" + more + "]}]}";
}

/// A world with a published dataset, an agreement about it, and requests on record.
struct TermsWorld : World {
  TermsWorld() {
    backend.read_beside = [this](const std::string&) -> Result<std::string> { return offer; };
    answer("/sluis.v1.DatasetService/Publish", "{\"toml\":" + as_json(file()) + ",\"file\":\"counts.toml\"}");
    negotiation::AgreementRecord record;
    record.id = AgreementId("urn:a:1");
    record.role = negotiation::Role::provider;
    record.peer = ParticipantId("did:web:duinmeer");
    record.dataset = DatasetId(kDataset);
    record.peer_url = "https://duinmeer.example";
    record.negotiation = ProcessId("urn:n:1");
    record.timestamp = clock.now();
    const auto published = offered.show(record.dataset);
    EXPECT_TRUE(published);
    record.offer_hash = published->dataset.offer_hash;
    record.vocabulary_hash = crypto::sha256(catalog::test::vocabulary()->canonical_text());
    record.agreement = published->dataset.offer;
    for (const auto& [key, value] : {std::pair{"@id", "urn:a:1"}, {"@type", "Agreement"},
                                     {"target", "urn:waterrijk:dataset:counts"}, {"assigner", "did:web:waterrijk"},
                                     {"assignee", "did:web:duinmeer"}, {"timestamp", "2026-11-26T09:00:00Z"}}) {
      record.agreement.set(key, value);
    }
    Commit commit;
    commit.changes = {{negotiation::agreement_key(record.id), negotiation::encode(record)}};
    EXPECT_TRUE(commits.commit_and_wait(std::move(commit)));
  }

  static std::string file() {
    std::string text = catalog::test::agreement_file();
    return "offer = \"offer.json\"\n" + text.substr(0, text.find("[terms]")) +
           "[terms]\n[terms.decided_by]\nbody = \"Council of Waterrijk\"\nkind = \"elected\"\n"
           "reference = \"2026-114\"\n";
  }

  void record(const std::string& transaction, const std::string& purpose, bool permit, const std::string& code,
              const std::string& application = "", const v1::KnownThen* known = nullptr, const std::string& rests_on = "",
              const std::string& failed = "/permission/0/constraint/0") {
    v1::Shared shared;
    shared.set_time_us(clock.now().time_since_epoch().count());
    shared.set_event(permit ? "permitted" : "refused");
    shared.set_counterparty("did:web:duinmeer");
    shared.set_dataset(kDataset);
    shared.set_agreement("urn:a:1");
    shared.set_transaction(transaction);
    shared.set_purpose(purpose);
    auto* decision = shared.mutable_decision();
    decision->set_permit(permit);
    decision->set_code(code);
    (*decision->mutable_parameters())["rule"] = "/permission/0";
    if (!permit) (*decision->mutable_parameters())["constraint"] = failed;
    v1::Internal internal;
    internal.set_application(application);
    if (known != nullptr) *internal.mutable_known() = *known;
    if (!rests_on.empty()) shared.add_rests_on()->set_id(rests_on);
    Commit commit;
    commit.entries.push_back({static_cast<std::uint8_t>(provenance::EntryKind::decision), {},
                              shared.SerializeAsString(), internal.SerializeAsString()});
    EXPECT_TRUE(commits.commit_and_wait(std::move(commit)));
  }

  std::string offer = offer_for("urn:f:CrowdManagement");
};

inline std::string text_of(const json::Value& answer, std::string_view member) {
  const auto* found = answer.find(member);
  return found == nullptr || found->if_string() == nullptr ? "" : *found->if_string();
}
inline std::vector<std::string> told(const json::Value& answer) {
  std::vector<std::string> out;
  const auto* list = answer.find("told");
  if (list == nullptr) return out;
  for (const auto& one : *list->if_array()) out.push_back(*one.if_string());
  return out;
}

}  // namespace sluis::management::test
