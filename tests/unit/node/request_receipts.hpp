#pragma once

#include "connector/gate/evidence.hpp"
#include "connector/gate/running.hpp"
#include "connector/node/known_request.hpp"
#include "connector/node/request_receipts.hpp"
#include "connector/outbox/keys.hpp"
#include "tests/unit/node/peer_log.hpp"

namespace sluis::test {

using outbox::Verdict;

inline const std::string kDuinmeer = "did:web:duinmeer.example";
inline const std::string kWaterrijk = "did:web:waterrijk.example";
inline const std::string kStranger = "did:web:stroomplein.example";

/// Waterrijk's side of data requests with Duinmeer; which of the two is the provider, each test says.
class RequestReceiptsTest : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    federation_.list.parties[0].log_origins = {{theirs_.name, theirs_.vkey(), {federation_.list.issued, {}}}};
    ASSERT_TRUE(directory_.load(federation_.envelope(), clock_.now(), true));
  }

  static v1::Shared request(const std::string& transaction, const std::string& self, const std::string& other) {
    v1::Shared shared;
    shared.set_self(self);
    shared.set_counterparty(other);
    shared.set_transaction(transaction);
    shared.set_agreement("urn:agreement:1");
    shared.set_offer_hash(std::string(view(crypto::sha256("offer"))));
    return shared;
  }
  static v1::Shared decision(const std::string& transaction, bool permit, const std::string& self = kWaterrijk,
                             const std::string& other = kDuinmeer) {
    v1::Shared shared = request(transaction, self, other);
    shared.mutable_decision()->set_permit(permit);
    return shared;
  }
  static v1::Shared ended(const std::string& transaction, const std::string& self, const std::string& other, const std::string& how = "complete",
                          const std::string& body = "12") {
    v1::Shared shared = request(transaction, self, other);
    shared.set_event(how);
    shared.set_end(how);
    shared.set_bytes(body.size());
    shared.set_digest(std::string(view(crypto::sha256(body))));
    return shared;
  }

  // -- as provider ----------------------------------------------------------------------------------------------------------
  Result<CommitReceipt> decide(const std::string& transaction, bool permit, const std::string& other = kDuinmeer) {
    Commit commit;
    const v1::Shared shared = decision(transaction, permit, kWaterrijk, other);
    commit.entries.push_back(gate::make_entry(EntryKind::decision, crypto::sha256("offer"), shared, {}));
    condition_ = receipts_.decided(commit, shared, permit);
    return commits_.commit_and_wait(std::move(commit));
  }
  void release(const std::string& transaction, const std::string& how = "complete", const std::string& body = "12") {
    Commit commit;
    const v1::Shared shared = ended(transaction, kWaterrijk, kDuinmeer, how, body);
    commit.entries.push_back(gate::make_entry(EntryKind::stream_end, crypto::sha256("offer"), shared, {}));
    receipts_.released(commit, shared);
    ASSERT_TRUE(commits_.commit_and_wait(std::move(commit)));
  }
  std::string acknowledgement(const std::string& transaction, const std::string& how = "complete", const std::string& body = "12") {
    return theirs_.append(EntryKind::received, crypto::sha256("offer"), ended(transaction, kDuinmeer, kWaterrijk, how, body), clock_.now()).to_json();
  }
  http::Response post(const std::string& body) {
    http::Request request;
    request.body = body;
    return receipts_.routes().front().handler(request);
  }
  json::Array acknowledge(const std::string& receipts) {
    const http::Response response = post(R"({"receipts":[)" + receipts + "]}");
    EXPECT_EQ(response.status, 200U) << response.body;
    const auto answer = json::parse(response.body);
    return answer && answer->find("results") != nullptr ? *answer->find("results")->if_array() : json::Array();
  }
  static std::string state(const json::Array& results, std::size_t at = 0) { return *json::required_string(results.at(at), "state"); }
  /// Of the named member, against this node's own log.
  v1::Shared proven(const json::Value& result, std::string_view member) {
    v1::Shared shared;
    const json::Value* value = result.find(member);
    if (value == nullptr) return shared;
    const auto receipt = provenance::Receipt::from_json(json::serialise(*value));
    const auto key = provenance::VerifierKey::parse(sequencer_.verifier_key());
    EXPECT_TRUE(receipt && key && provenance::verify_receipt(*receipt, *key)) << member;
    EXPECT_TRUE(shared.ParseFromString(receipt->shared));
    return shared;
  }

  // -- as consumer ----------------------------------------------------------------------------------------------------------
  void pull(const std::string& transaction, const std::string& how = "complete", const std::string& body = "12",
            const std::string& other = kDuinmeer) {
    Commit commit;
    const v1::Shared shared = ended(transaction, kWaterrijk, other, how, body);
    commit.entries.push_back(gate::make_entry(EntryKind::received, crypto::sha256("offer"), shared, {}));
    receipts_.received(commit, shared);
    ASSERT_TRUE(commits_.commit_and_wait(std::move(commit)));
    receipts_.recorded(shared);
  }
  std::string proof_of(const v1::Shared& shared, EntryKind kind) {
    return theirs_.append(kind, crypto::sha256("offer"), shared, clock_.now()).to_json();
  }
  std::string proven_by_them(const std::string& transaction, const std::string& how = "complete", const std::string& body = "12") {
    const std::string decided = proof_of(decision(transaction, true, kDuinmeer, kWaterrijk), EntryKind::decision);
    return R"({"state":"proven","decision":)" + decided + R"(,"end":)" + proof_of(ended(transaction, kDuinmeer, kWaterrijk, how, body), EntryKind::stream_end) + "}";
  }
  void they_answer(const std::string& results) { transport_.answer = {200, {}, R"({"results":[)" + results + "]}"}; }
  /// The first message of the outbox, which is for that service.
  outbox::Delivered deliver_first(std::string_view service, const outbox::Deliver& by) {
    std::optional<outbox::OutboxItem> first;
    outbox::Envelope envelope;
    EXPECT_TRUE(store_.scan(outbox::kPrefix, outbox::kPrefix, [&](std::string_view key, std::string_view bytes) {
      const auto parsed = outbox::parse_item_key(key);
      first = outbox::OutboxItem{std::string(key), parsed->peer, parsed->process, parsed->sequence, false};
      envelope = *outbox::decode_envelope(bytes);
      return false;
    }));
    EXPECT_TRUE(first.has_value());
    if (!first) return Verdict::dropped;
    EXPECT_EQ(envelope.service, service);
    transport_.asked = {};
    return by(*first, envelope, clock_.now());
  }
  outbox::Delivered deliver() {
    return deliver_first("acknowledgement", [this](const auto& item, const auto& envelope, Timestamp at) { return receipts_.deliver(item, envelope, at); });
  }
  std::size_t sent() {
    const auto body = json::parse(transport_.asked.body);
    return body && body->find("receipts") != nullptr ? body->find("receipts")->if_array()->size() : 0;
  }
  std::vector<std::string> missing() {
    std::vector<std::string> out;
    for (const Entry& entry : entries_of(EntryKind::receipt_missing)) out.push_back(entry.shared.event() + " " + entry.shared.transaction());
    return out;
  }
  void clear(std::string_view prefix) {
    std::vector<storage::Change> changes;
    EXPECT_TRUE(store_.scan(prefix, prefix, [&](std::string_view key, std::string_view) {
      changes.push_back({std::string(key), std::nullopt});
      return true;
    }));
    EXPECT_TRUE(store_.write(changes, true));
  }
  void after(Duration by) {
    clock_.advance(by);
    const auto next = receipts_.on_timer();
    EXPECT_TRUE(next) << describe(next.error());
  }

  using Names = std::vector<std::string>;
  identity::test::Federation federation_;
  PeerLog theirs_{folder_, random_, "duinmeer.example/log"};
  PeerLog strange_{folder_, random_, "stroomplein.example/log"};
  identity::Directory directory_{identity::Trust{{federation_.keeper}, 1}};
  provenance::LogReader log_{store_, keys_};
  node::Writer writer_{ParticipantId(kWaterrijk), clock_};
  OneAnswer transport_;
  Quota mistakes_{clock_, {60, 240}};
  std::string caller_ = kDuinmeer;
  std::string condition_;
  int named_ = 0;
  Names notified_;
  const node::EvidenceDependencies with_{commits_, store_, keys_, log_, sequencer_, directory_, clock_, random_, writer_, transport_,
                                         [this](const http::Request&) -> Result<ParticipantId> {
                                           if (caller_.empty()) return Error(ErrorCode::unauthenticated, "nobody");
                                           return ParticipantId(caller_);
                                         },
                                         {}, {}, {}, &mistakes_};
  node::EvidenceChannel channel_{ParticipantId(kWaterrijk), with_};
  node::RequestReceipts receipts_{{ParticipantId(kWaterrijk)}, with_, channel_,
                                  [this](std::string_view peer, std::string_view) { notified_.emplace_back(peer); }};
};

}  // namespace sluis::test
