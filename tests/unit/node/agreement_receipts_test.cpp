#include "connector/node/agreement_receipts.hpp"
#include "connector/node/contradiction.hpp"
#include "tests/unit/node/request_receipts.hpp"

namespace sluis::test {
namespace {

const AgreementId kOne("urn:agreement:1");

/// Waterrijk's side of agreements with Duinmeer.
class AgreementReceiptsTest : public RequestReceiptsTest {
 protected:
  static Hash document(const std::string& text) { return crypto::sha256(text); }

  negotiation::AgreementRecord agree(negotiation::Role role, const AgreementId& id = kOne, const std::string& other = kDuinmeer) {
    negotiation::AgreementRecord record;
    record.id = id;
    record.role = role;
    record.peer = ParticipantId(other);
    record.dataset = DatasetId("urn:dataset:1");
    record.agreement = json::object({{"@id", id.str()}});
    record.agreement_hash = document("terms");
    record.timestamp = clock_.now();
    record.negotiation = ProcessId("urn:negotiation:1");
    Commit commit;
    commit.changes.push_back({negotiation::agreement_key(id), negotiation::encode(record)});
    commit.entries.push_back(gate::make_entry(EntryKind::negotiation, {}, said(kWaterrijk, other, id), {}));
    commit.entries.push_back(gate::make_entry(EntryKind::agreement, {}, said(kWaterrijk, other, id), {}));
    process_ = agreements_.prepare(commit, record);
    EXPECT_TRUE(commits_.commit_and_wait(std::move(commit)));
    return record;
  }
  static v1::Shared said(const std::string& self, const std::string& other, const AgreementId& id = kOne, const std::string& text = "terms") {
    v1::Shared shared;
    shared.set_self(self);
    shared.set_counterparty(other);
    shared.set_event("agreed");
    shared.set_agreement(id.str());
    shared.set_dataset("urn:dataset:1");
    shared.set_agreement_hash(std::string(view(document(text))));
    return shared;
  }
  std::string theirs(const std::string& text = "terms", const AgreementId& id = kOne, EntryKind kind = EntryKind::agreement) {
    return theirs_.append(kind, {}, said(kDuinmeer, kWaterrijk, id, text), clock_.now()).to_json();
  }
  json::Array give(const std::string& receipts) {
    http::Request request;
    request.body = R"({"receipts":[)" + receipts + "]}";
    const http::Response response = agreements_.routes().front().handler(request);
    EXPECT_EQ(response.status, 200U) << response.body;
    const auto answer = json::parse(response.body);
    return answer && answer->find("results") != nullptr ? *answer->find("results")->if_array() : json::Array();
  }
  outbox::Delivered send() {
    return deliver_first("agreement", [this](const auto& item, const auto& envelope, Timestamp at) { return agreements_.deliver(item, envelope, at); });
  }
  std::string proof(const std::string& text = "terms", const AgreementId& id = kOne) { return R"({"state":"proven","receipt":)" + theirs(text, id) + "}"; }
  node::AgreementReceipts::Held held(const negotiation::AgreementRecord& record) {
    const auto found = agreements_.held(record);
    EXPECT_TRUE(found);
    return found ? *found : node::AgreementReceipts::Held{};
  }
  Names not_proven() {
    Names out;
    for (const Entry& entry : entries_of(EntryKind::receipt_missing)) out.push_back(entry.shared.event() + " " + entry.shared.agreement());
    return out;
  }
  void later(Duration by) {
    clock_.advance(by);
    EXPECT_TRUE(agreements_.on_timer());
  }

  node::AgreementReceipts agreements_{{ParticipantId(kWaterrijk)}, with_, channel_, [this](std::string_view peer, std::string_view) { notified_.emplace_back(peer); }};
  std::string process_;
};

TEST_F(AgreementReceiptsTest, TheConsumersNodeSendsItsOwnAndKeepsTheProviders) {
  const auto record = agree(negotiation::Role::consumer);
  EXPECT_EQ(process_, "agreements");
  EXPECT_EQ(held(record).state, "waiting");
  they_answer(proof());
  EXPECT_EQ(send().verdict, Verdict::done);
  EXPECT_EQ(transport_.asked.url, "https://duinmeer.example:8443/base/evidence/v1/agreements");
  EXPECT_EQ(sent(), 1U);
  EXPECT_EQ(held(record).state, "two-sided");
  EXPECT_EQ(held(record).entry, std::optional<std::uint64_t>(1)) << "the negotiation's is before it";
  const auto receipt = provenance::Receipt::from_json(held(record).theirs);
  ASSERT_TRUE(receipt);
  EXPECT_TRUE(provenance::verify_receipt(*receipt, provenance::VerifierKey::of(theirs_.name, theirs_.key)));
  ASSERT_EQ(entries_of(EntryKind::receipt).size(), 1U);
  EXPECT_EQ(entries_of(EntryKind::receipt)[0].shared.event(), "agreement");
  EXPECT_EQ(keys_under(outbox::kPrefix), 0U);
  later(std::chrono::hours(48));
  EXPECT_EQ(not_proven(), Names());
}

TEST_F(AgreementReceiptsTest, TheProvidersNodeTakesItOnceAndAnswersWithItsOwn) {
  const auto record = agree(negotiation::Role::provider);
  EXPECT_EQ(process_, "");
  EXPECT_EQ(keys_under(outbox::kPrefix), 0U);
  const std::string receipt = theirs();
  const auto results = give(receipt);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(state(results), "proven");
  EXPECT_EQ(proven(results[0], "receipt").agreement(), kOne.str());
  EXPECT_EQ(held(record).state, "two-sided");
  EXPECT_EQ(state(give(receipt)), "proven") << "its answer was lost";
  EXPECT_EQ(entries_of(EntryKind::receipt).size(), 1U);
  EXPECT_EQ(keys_under("receipt/"), 1U);
}

TEST_F(AgreementReceiptsTest, AnEntryFarDownTheOthersLogIsHeldLikeAny) {
  while (theirs_.size < 0x80) theirs();  // the number is bytes in the receipt's key: from here on these are no text
  const auto record = agree(negotiation::Role::provider);
  const std::string receipt = theirs();
  EXPECT_EQ(state(give(receipt)), "proven");
  EXPECT_EQ(held(record).state, "two-sided");
  EXPECT_FALSE(held(record).theirs.empty());
  EXPECT_EQ(state(give(receipt)), "proven") << "its answer was lost";
}

TEST_F(AgreementReceiptsTest, WhatProvesItIsReadAsItWasWritten) {
  node::AgreementProof proof;
  proof.commit = "agreement-1";
  for (int byte = 0; byte < 256; ++byte) proof.theirs += static_cast<char>(byte);
  const auto read = node::AgreementProof::decode(proof.encode());
  ASSERT_TRUE(read) << describe(read.error());
  EXPECT_EQ(read->theirs, proof.theirs);
  EXPECT_EQ(read->encode(), proof.encode());
}

TEST_F(AgreementReceiptsTest, AnotherDocumentUnderTheSameNameIsAContradictionWithItsProof) {
  const auto record = agree(negotiation::Role::provider);
  EXPECT_EQ(state(give(theirs("other terms"))), "contradicts");
  EXPECT_EQ(held(record).state, "contradicts");
  EXPECT_FALSE(held(record).theirs.empty());
  EXPECT_EQ(not_proven(), Names{"agreement-contradicts " + kOne.str()});
  EXPECT_EQ(entries_of(EntryKind::receipt_missing)[0].shared.decision().code(), "receipt.agreement_contradicts");
  EXPECT_EQ(state(give(theirs())), "contradicts") << "what it said first stays said";
}

TEST_F(AgreementReceiptsTest, WhatIsNoReceiptOfThatAgreementIsNotTaken) {
  const auto record = agree(negotiation::Role::provider);
  EXPECT_EQ(state(give(theirs("terms", kOne, EntryKind::agreement_ended))), "refused");
  EXPECT_EQ(state(give(theirs("terms", AgreementId("urn:agreement:2")))), "unknown");
  EXPECT_EQ(state(give(theirs_.append(EntryKind::agreement, {}, said(kStranger, kWaterrijk), clock_.now()).to_json())), "refused");
  EXPECT_EQ(state(give(theirs_.append(EntryKind::agreement, {}, said(kDuinmeer, kStranger), clock_.now()).to_json())), "refused");
  EXPECT_EQ(state(give(strange_.append(EntryKind::agreement, {}, said(kDuinmeer, kWaterrijk), clock_.now()).to_json())), "early") << "the list may have that log later";
  auto forged = provenance::Receipt::from_json(theirs());
  forged->shared = said(kDuinmeer, kWaterrijk, kOne, "other").SerializeAsString();
  EXPECT_EQ(state(give(forged->to_json())), "refused");
  EXPECT_EQ(held(record).state, "waiting");
  EXPECT_EQ(keys_under("receipt/"), 0U);
}

TEST_F(AgreementReceiptsTest, WhoeverWaitsAsksAtHalfOfTheTimeAndThenItIsMissing) {
  const auto record = agree(negotiation::Role::provider);
  later(std::chrono::hours(11));
  EXPECT_EQ(keys_under(outbox::kPrefix), 0U);
  later(std::chrono::hours(1));
  EXPECT_EQ(keys_under(outbox::kPrefix), 1U);
  EXPECT_EQ(notified_, Names{kDuinmeer});
  transport_.answer = {404, {}, "nothing"};
  EXPECT_EQ(send().verdict, Verdict::retry);
  EXPECT_EQ(not_proven(), Names());
  later(std::chrono::hours(12));
  EXPECT_EQ(held(record).state, "missing");
  EXPECT_EQ(not_proven(), Names{"agreement-missing " + kOne.str()});
  later(std::chrono::hours(48));
  EXPECT_EQ(not_proven().size(), 1U) << "once";
  they_answer(proof());
  EXPECT_EQ(send().verdict, Verdict::done);
  EXPECT_EQ(held(record).state, "two-sided") << "what comes late is taken all the same";
}

TEST_F(AgreementReceiptsTest, OneMessageCarriesWhatWaits) {
  std::string answers;
  for (int i = 1; i <= 5; ++i) {
    const AgreementId id("urn:agreement:" + std::to_string(i));
    agree(negotiation::Role::consumer, id);
    answers += (i == 1 ? "" : ",") + proof("terms", id);
  }
  they_answer(answers);
  EXPECT_EQ(send().also, 4U);
  EXPECT_EQ(sent(), 5U);
  EXPECT_EQ(keys_under(outbox::kPrefix), 0U);
  EXPECT_EQ(entries_of(EntryKind::receipt).size(), 5U);
}

TEST_F(AgreementReceiptsTest, WhatStaysEarlyHoldsUpNothingBehindIt) {
  for (int i = 1; i <= 40; ++i) agree(negotiation::Role::consumer, AgreementId("urn:agreement:" + std::to_string(i)));
  const auto early = [&](std::size_t count) {
    std::string results = R"({"state":"early"})";
    for (std::size_t i = 1; i < count; ++i) results += R"(,{"state":"early"})";
    they_answer(results);
    EXPECT_EQ(send().verdict, Verdict::retry);
    EXPECT_EQ(sent(), count);
  };
  early(32);
  early(9);  // the first one, and those behind
  early(32);
}

TEST_F(AgreementReceiptsTest, OfAPartyWithoutALogItIsOneSidedAtOnce) {
  const auto record = agree(negotiation::Role::consumer, kOne, kStranger);
  EXPECT_EQ(process_, "");
  EXPECT_EQ(held(record).state, "one-sided");
  later(std::chrono::hours(48));
  EXPECT_EQ(not_proven(), Names());
  negotiation::AgreementRecord paper = record;
  paper.imported = negotiation::Imported{"on paper", {}};
  EXPECT_EQ(held(paper).state, "imported, one-sided");
  paper.imported.reset();
  paper.id = AgreementId("urn:agreement:of-before");
  EXPECT_EQ(held(paper).state, "");
}

TEST_F(AgreementReceiptsTest, WhatNeverCameToBeOnTheOtherSideIsNotMissing) {
  negotiation::AgreementRecord record = agree(negotiation::Role::provider);
  record.ended = negotiation::AgreementEnd{ParticipantId(kDuinmeer), clock_.now(), {"refused", {}}};
  negotiation::Negotiation process;
  process.own_pid = record.negotiation;
  process.peer = record.peer;
  process.dataset = record.dataset;
  process.peer_url = "https://duinmeer.example:8443/base";
  process.offer = json::object({{"@id", "urn:offer:1"}});
  process.created = process.updated = clock_.now();
  process.state = negotiation::State::terminated;
  ASSERT_TRUE(store_.write({{negotiation::agreement_key(record.id), negotiation::encode(record)}, {negotiation::negotiation_key(process.own_pid), negotiation::encode(process)}}, true));
  later(std::chrono::hours(12));
  later(std::chrono::hours(12));
  EXPECT_EQ(not_proven(), Names());
  EXPECT_EQ(held(record).state, "one-sided");
}

TEST_F(AgreementReceiptsTest, WhileALogContradictsItselfItProvesNothing) {
  const auto record = agree(negotiation::Role::consumer);
  const node::Contradiction one{ParticipantId(kDuinmeer), clock_.now(), theirs_.name, "shorter", "held", "shown"};
  ASSERT_TRUE(store_.write({{node::Contradiction::key_of(one.peer), one.encode()}}, true));
  EXPECT_EQ(state(give(theirs())), "early");
  EXPECT_EQ(send().verdict, Verdict::retry_untried);
  EXPECT_EQ(held(record).state, "waiting");
  ASSERT_TRUE(store_.write({{node::Contradiction::key_of(one.peer), std::nullopt}}, true));
  they_answer(proof());
  EXPECT_EQ(send().verdict, Verdict::done);
}

}  // namespace
}  // namespace sluis::test
