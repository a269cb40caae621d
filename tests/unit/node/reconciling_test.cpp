#include "connector/node/contradiction.hpp"
#include "connector/node/reconciling.hpp"

#include "tests/unit/node/peer_log.hpp"

#include <deque>

namespace sluis::test {
namespace {

const std::string kDuinmeer = "did:web:duinmeer.example";
const std::string kWaterrijk = "did:web:waterrijk.example";

/// Answers in turn; the last again and again.
struct Answers final : http::PeerTransport {
  Result<http::PeerResponse> send(const http::PeerRequest& request) override {
    asked.push_back(*json::parse(request.body));
    const http::PeerResponse answer = next.front();
    if (next.size() > 1) next.pop_front();
    return answer;
  }
  void say(const json::Value& page) { next.push_back({200, {}, json::serialise(page)}); }
  std::deque<http::PeerResponse> next;
  std::vector<json::Value> asked;
};

/// Waterrijk compares its log with what Duinmeer shows.
class ReconcilingTest : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    federation_.list.parties[0].log_origins = {{theirs_.name, theirs_.vkey(), {federation_.list.issued, {}}},
                                               {second_.name, second_.vkey(), {federation_.list.issued, {}}}};
    ASSERT_TRUE(directory_.load(federation_.envelope(), clock_.now(), true));
    fork_.key = theirs_.key;  // the same log, told in two ways
    for (PeerLog* log : {&theirs_, &fork_, &second_}) log->append(EntryKind::node_started, {}, {}, clock_.now());
  }
  std::string add(PeerLog& log, const std::string& agreement) {
    v1::Shared shared;
    gate::set_time(shared, clock_.now());
    shared.set_self(kDuinmeer);
    shared.set_counterparty(kWaterrijk);
    shared.set_agreement(agreement);
    return log.append(EntryKind::agreement, {}, shared, clock_.now()).to_json();
  }
  /// Of an entry, in the log as it is now.
  static std::string receipt(const PeerLog& log, std::uint64_t index) {
    return provenance::make_receipt(provenance::LogReader(log.store, const_cast<PeerLog&>(log).keys), index, note(log), key(log))->to_json();
  }
  static provenance::VerifierKey key(const PeerLog& log) { return provenance::VerifierKey::of(log.name, log.key); }
  static std::string note(const PeerLog& log) { return provenance::sign_checkpoint({log.name, log.size, log.appender.root()}, log.key); }
  static json::Value page(const PeerLog& log, json::Array receipts = {}, json::Value next = {}) {
    return json::object({{"checkpoint", note(log)}, {"receipts", json::Value(std::move(receipts))}, {"next", std::move(next)}});
  }
  /// The page, with the proof that the log holds its own first `size` entries.
  static json::Value proving(json::Value page, const PeerLog& log, std::uint64_t size) {
    const provenance::LogReader reader(log.store, const_cast<PeerLog&>(log).keys);
    const auto path = provenance::consistency_proof(size, log.size, reader.nodes(log.size));
    json::Array hashes;
    for (const Hash& hash : *path) hashes.emplace_back(to_base64(view(hash)));
    page.set("known", json::object({{"checkpoint", note(log)}, {"proof", json::Value(std::move(hashes))}}));
    return page;
  }
  Result<node::Reconciled> compare() {
    node::ReconcileOrder order;
    order.peer = ParticipantId(kDuinmeer);
    order.person = "the DPO";
    return reconciling_.reconcile(order);
  }
  std::string findings() {
    const auto done = compare();
    if (!done) return describe(done.error());
    std::string out;
    for (const node::Difference& one : done->comparison.differences) out += one.what + ": " + one.about + "\n";
    return out;
  }

  identity::test::Federation federation_;
  PeerLog theirs_{folder_, random_, "duinmeer.example/log"};
  PeerLog fork_{folder_, random_, "duinmeer.example/log"};
  PeerLog second_{folder_, random_, "duinmeer.example/log/2"};
  identity::Directory directory_{identity::Trust{{federation_.keeper}, 1}};
  provenance::LogReader log_{store_, keys_};
  node::Writer writer_{ParticipantId(kWaterrijk), clock_};
  Answers transport_;
  node::EvidenceDependencies with_{commits_, store_, keys_, log_, sequencer_, directory_, clock_, random_, writer_, transport_,
                                   [](const http::Request&) -> Result<ParticipantId> { return ParticipantId(kDuinmeer); },
                                   [](const AgreementId&, const ParticipantId&, const outbox::Reason&, const Commit&) -> Result<void> { return {}; }};
  node::EvidenceChannel channel_{ParticipantId(kWaterrijk), with_};
  node::Reconciling reconciling_{ParticipantId(kWaterrijk), with_, channel_};
};

TEST_F(ReconcilingTest, WhatThePeerShowsIsProvenOrAFinding) {
  const std::string shown = add(theirs_, "a");
  transport_.say(page(theirs_, {shown}));
  clock_.advance(std::chrono::hours(1));
  const auto done = compare();
  ASSERT_TRUE(done) << describe(done.error());
  ASSERT_EQ(done->comparison.differences.size(), 1U);
  EXPECT_EQ(done->comparison.differences[0].what, "missing here");
  ASSERT_TRUE(done->comparison.differences[0].there_at);
  EXPECT_EQ(done->peer_proofs.at(*done->comparison.differences[0].there_at), shown);

  transport_.next.clear();
  transport_.say(proving(page(theirs_, {json::Value("{}"), json::Value("no receipt")}), theirs_, theirs_.size));
  EXPECT_EQ(findings(), "not proven: entry\nnot proven: entry\n");
}

TEST_F(ReconcilingTest, WhatThePeerSaysItPrunedIsNotComparedAndThatIsTold) {
  add(theirs_, "old");
  clock_.advance(std::chrono::hours(30));
  const Timestamp pruned = clock_.now();
  clock_.advance(std::chrono::hours(10));
  const std::string shown = add(theirs_, "new");
  json::Value answer = page(theirs_, {receipt(theirs_, 1), shown});
  answer.set("pruned", format_time(pruned));
  transport_.say(answer);
  clock_.advance(std::chrono::hours(1));
  const auto done = compare();
  ASSERT_TRUE(done) << describe(done.error());
  ASSERT_EQ(done->comparison.differences.size(), 1U) << "the older one is before what is compared";
  EXPECT_EQ(done->comparison.differences[0].id, "new");
  ASSERT_TRUE(done->pruned);
  EXPECT_EQ(*done->pruned, pruned + std::chrono::hours(1));
  answer.set("pruned", format_time(clock_.now()));
  transport_.next.clear();
  transport_.say(proving(answer, theirs_, theirs_.size));
  EXPECT_EQ(compare().error().code, ErrorCode::invalid_state) << "nothing is left to compare, and nothing is called the same";
}

TEST_F(ReconcilingTest, ThePeerIsHeldToWhatItShowedBefore) {
  add(theirs_, "a");
  transport_.say(page(theirs_));
  EXPECT_EQ(findings(), "");
  const std::uint64_t then = theirs_.size;
  add(theirs_, "b");
  transport_.next.clear();
  transport_.say(proving(page(theirs_), theirs_, then));
  EXPECT_EQ(findings(), "") << "it grew";
  EXPECT_EQ(json::required_count(*transport_.asked[1].find("known"), "size").value(), then) << "it was asked for that";

  for (const std::string agreement : {"x", "y", "z"}) add(fork_, agreement);
  transport_.next.clear();
  transport_.say(proving(page(fork_), fork_, then));
  EXPECT_NE(findings().find("rewritten: log"), std::string::npos) << "another history under the same key";
  transport_.next.clear();
  transport_.say(page(fork_));
  EXPECT_NE(findings().find("rewritten: log"), std::string::npos) << "no proof at all";
  transport_.next.clear();
  transport_.next.push_back({409, {}, "{}"});
  transport_.say(page(fork_));
  EXPECT_NE(findings().find("rewritten: log"), std::string::npos) << "it says itself that it is shorter";
  transport_.next.clear();
  transport_.say(proving(page(theirs_), theirs_, theirs_.size));
  EXPECT_EQ(findings(), "") << "what it was held to was not replaced by what contradicted it";
}

TEST_F(ReconcilingTest, OnlyWhatTheLogSignedIsHeldAgainstIt) {
  add(theirs_, "a");
  transport_.say(page(theirs_));
  EXPECT_EQ(findings(), "");
  const std::string before = note(theirs_);
  transport_.next.clear();
  transport_.next.push_back({404, {}, "a server before it is starting"});
  transport_.say(page(theirs_));
  auto done = compare();
  ASSERT_TRUE(done) << describe(done.error());
  EXPECT_EQ(done->held_checkpoint, "");
  transport_.next.clear();
  transport_.next.push_back({408, {}, ""});
  EXPECT_EQ(compare().error().code, ErrorCode::peer_unavailable);
  transport_.next.clear();
  transport_.say(page(theirs_));  // without a proof
  EXPECT_EQ(compare()->held_checkpoint, "");

  for (const std::string agreement : {"x", "y"}) add(fork_, agreement);
  transport_.next.clear();
  transport_.say(proving(page(fork_), fork_, theirs_.size));
  done = compare();
  ASSERT_TRUE(done) << describe(done.error());
  EXPECT_EQ(done->held_checkpoint, before);
  EXPECT_EQ(done->shown_checkpoint, note(fork_));
  transport_.next.clear();
  transport_.next.push_back({409, {}, "{}"});
  transport_.say(page(fork_));
  EXPECT_EQ(compare()->held_checkpoint, before);
}

TEST_F(ReconcilingTest, AProofOfOneHistoryDoesNotCarryAnother) {
  add(theirs_, "a");
  transport_.say(page(theirs_));
  EXPECT_EQ(findings(), "");
  const std::string of_fork = add(fork_, "b");
  add(fork_, "c");
  json::Value both = proving(page(theirs_), theirs_, theirs_.size);
  both.set("checkpoint", note(fork_));
  transport_.next.clear();
  transport_.say(both);
  EXPECT_NE(findings().find("rewritten: log"), std::string::npos) << "the page rests on another checkpoint than the proof";

  transport_.next.clear();
  transport_.say(proving(page(theirs_, {of_fork}), theirs_, theirs_.size));
  EXPECT_NE(findings().find("rewritten: log"), std::string::npos) << "an entry rests on another checkpoint than the page";
}

TEST_F(ReconcilingTest, EachPageIsHeldToTheOneBefore) {
  const std::string first = add(theirs_, "a");
  transport_.say(page(theirs_, {first}, std::uint64_t{2}));
  add(fork_, "b");
  add(fork_, "c");
  transport_.say(proving(page(fork_), fork_, 2));
  EXPECT_NE(findings().find("rewritten: log"), std::string::npos);
}

/// It may have had several, and is held to each.
TEST_F(ReconcilingTest, ALogThatFollowedMakesNobodyForgetTheOneBefore) {
  add(theirs_, "a");
  transport_.say(page(theirs_));
  EXPECT_EQ(findings(), "");
  transport_.next.clear();
  transport_.say(proving(page(second_), theirs_, theirs_.size));
  transport_.say(proving(page(second_), second_, second_.size));
  EXPECT_EQ(findings(), "") << "the old one is proven, the new one shown";
  add(fork_, "x");
  add(fork_, "y");
  transport_.next.clear();
  transport_.say(proving(page(second_), fork_, theirs_.size));
  EXPECT_NE(findings().find("rewritten: log"), std::string::npos) << "the old one told otherwise later";
}

/// As one that was put back from a copy: it lost its end, and the next one began by saying so.
TEST_F(ReconcilingTest, AnOlderLogMayHaveLostItsEndIfTheOneBehindItIsShown) {
  for (const std::string agreement : {"x", "y", "z"}) add(fork_, agreement);
  transport_.say(page(fork_));
  EXPECT_EQ(findings(), "");
  const std::string held = note(fork_), end = note(theirs_);
  const auto recovered = [&](const json::Value& newest, const json::Value& shown) {
    transport_.next.clear();
    transport_.asked.clear();
    transport_.next.push_back({409, {}, "{}"});
    transport_.say(newest);
    transport_.say(shown);
    transport_.say(proving(page(second_), second_, second_.size));
  };
  const auto with = [&](const std::string& shown) {
    json::Value out = page(second_);
    out.set("known", json::object({{"checkpoint", shown}}));
    return out;
  };
  recovered(page(theirs_), with(end));
  EXPECT_NE(findings().find("rewritten: log"), std::string::npos) << "it goes on, and is shorter";
  const std::string forged = provenance::sign_checkpoint({theirs_.name, theirs_.size, theirs_.appender.root()}, second_.key);
  for (const std::string& shown : {held, note(second_), forged, std::string()}) {
    recovered(page(second_), with(shown));
    EXPECT_NE(findings().find("rewritten: log"), std::string::npos) << "it did not sign that it is shorter: " << shown;
  }
  json::Value unsigned_page = page(second_);
  unsigned_page.set("checkpoint", second_.name + "\nno note");
  recovered(unsigned_page, with(end));
  EXPECT_FALSE(compare()) << "a name alone shows no log";

  recovered(page(second_), with(end));
  auto done = compare();
  ASSERT_TRUE(done) << describe(done.error());
  EXPECT_TRUE(done->comparison.differences.empty());
  EXPECT_EQ(done->held_checkpoint, "");
  ASSERT_EQ(done->notes.size(), 1U);
  EXPECT_NE(done->notes[0].find("ended with 1 entries, and had signed 4"), std::string::npos) << done->notes[0];
  ASSERT_EQ(transport_.asked.size(), 4U);
  EXPECT_EQ(store_.get(node::known_checkpoint_key(ParticipantId(kDuinmeer), theirs_.name))->value_or(""), end) << "it is held to its end";
}

/// The order of the list counts: one before it says nothing of what followed.
TEST_F(ReconcilingTest, ALogBeforeItDoesNotExcuseAShorterOne) {
  for (const std::string agreement : {"x", "y"}) add(second_, agreement);
  transport_.say(page(second_));
  EXPECT_EQ(findings(), "");
  transport_.next.clear();
  transport_.next.push_back({409, {}, "{}"});
  transport_.say(page(theirs_));
  EXPECT_NE(findings().find("rewritten: log"), std::string::npos);
}

TEST_F(ReconcilingTest, APeerWhosePagesDoNotEndIsLeft) {
  transport_.say(page(theirs_, {}, std::uint64_t{1}));
  transport_.say(proving(page(theirs_, {}, std::uint64_t{1}), theirs_, theirs_.size));
  EXPECT_FALSE(compare());
  EXPECT_LT(transport_.asked.size(), 4U);
  transport_.next.clear();
  transport_.say(json::object({{"checkpoint", ""}, {"receipts", json::Value(json::Array{})}}));
  EXPECT_FALSE(compare()) << "a page that rests on nothing";
  transport_.next.clear();
  transport_.next.push_back({503, {}, ""});
  EXPECT_EQ(compare().error().code, ErrorCode::peer_unavailable);
}

}  // namespace
}  // namespace sluis::test
