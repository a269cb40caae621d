#include "connector/node/contradiction.hpp"
#include "tests/unit/node/peer_log.hpp"

namespace sluis::test {
namespace {

const std::string kDuinmeer = "did:web:duinmeer.example";
const std::string kWaterrijk = "did:web:waterrijk.example";

/// Waterrijk's side of the channel to Duinmeer.
class EvidenceTest : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    federation_.list.parties[0].log_origins = {{theirs_.name, theirs_.vkey(), {federation_.list.issued, {}}}};
    ASSERT_TRUE(directory_.load(federation_.envelope(), clock_.now(), true));
    offer_.hash = crypto::sha256("the offer");
  }
  v1::Shared end_of_agreement() const {
    v1::Shared shared;
    shared.set_self(kDuinmeer);
    shared.set_counterparty(kWaterrijk);
    shared.set_agreement("urn:agreement:1");
    shared.mutable_decision()->set_code("council");
    return shared;
  }
  void expect_offer_refused(const std::string& why) {
    const auto checked = channel_.check_offer(ParticipantId(kDuinmeer), offer_);
    ASSERT_FALSE(checked);
    EXPECT_NE(checked.error().message.find(why), std::string::npos) << checked.error().message;
  }
  http::Response deliver(const std::string& body, bool known = true) {
    known_ = known;
    http::Request request;
    request.method = "POST";
    request.path = "/evidence/v1/receipts";
    request.body = body;
    for (const http::Route& route : channel_.routes()) {
      if (route.path == request.path) return route.handler(request);
    }
    return {};
  }

  identity::test::Federation federation_;
  PeerLog theirs_{folder_, random_, "duinmeer.example/log"};
  PeerLog strange_{folder_, random_, "stroomplein.example/log"};
  identity::Directory directory_{identity::Trust{{federation_.keeper}, 1}};
  provenance::LogReader log_{store_, keys_};
  node::Writer writer_{ParticipantId(kWaterrijk), clock_};
  OneAnswer transport_;
  bool known_ = true;
  std::vector<std::string> ended_;
  catalog::RemoteOffer offer_;
  node::EvidenceChannel channel_{
      ParticipantId(kWaterrijk),
      node::EvidenceDependencies{commits_, store_, keys_, log_, sequencer_, directory_, clock_, random_, writer_, transport_,
                                 [this](const http::Request&) -> Result<ParticipantId> {
                                   if (!known_) return Error(ErrorCode::unauthenticated, "nobody");
                                   return ParticipantId(kDuinmeer);
                                 },
                                 [this](const AgreementId& id, const ParticipantId& peer, const outbox::Reason& reason,
                                        const Commit& commit) -> Result<void> {
                                   ended_.push_back(id.str() + " " + peer.str() + " " + reason.code);
                                   SLUIS_CHECK(commits_.commit_and_wait(commit));
                                   return {};
                                 }}};
};

TEST_F(EvidenceTest, AnOfferIsUsableOnlyWithTheProofOfItsPublication) {
  expect_offer_refused("gives no proof");
  transport_.answer = {503, {}, ""};
  EXPECT_EQ(channel_.check_offer(ParticipantId(kDuinmeer), offer_).error().code, ErrorCode::peer_unavailable);
  transport_.answer = {200, {}, "<html>"};
  EXPECT_FALSE(channel_.check_offer(ParticipantId(kDuinmeer), offer_));

  transport_.answer.body = theirs_.append(EntryKind::published, offer_.hash, {}, clock_.now()).to_json();
  const auto checked = channel_.check_offer(ParticipantId(kDuinmeer), offer_);
  EXPECT_TRUE(checked) << describe(checked.error());
  EXPECT_EQ(transport_.asked.peer.str(), kDuinmeer);
  EXPECT_EQ(transport_.asked.url, "https://duinmeer.example:8443/base/evidence/v1/offers/" + to_hex(offer_.hash));

  transport_.answer = {404, {}, "nothing"};
  EXPECT_TRUE(channel_.check_offer(ParticipantId(kDuinmeer), offer_)) << "it was proven";
  EXPECT_FALSE(channel_.check_offer(ParticipantId("did:web:stroomplein.example"), offer_)) << "not by this peer";
  offer_.hash = crypto::sha256("another offer");
  expect_offer_refused("gives no proof");
}

TEST_F(EvidenceTest, AProofOfSomethingElseIsNoProof) {
  transport_.answer = {200, {}, theirs_.append(EntryKind::published, crypto::sha256("another"), {}, clock_.now()).to_json()};
  expect_offer_refused("another entry");
  transport_.answer.body = theirs_.append(EntryKind::retracted, offer_.hash, {}, clock_.now()).to_json();
  expect_offer_refused("another entry");
  transport_.answer.body = strange_.append(EntryKind::published, offer_.hash, {}, clock_.now()).to_json();
  expect_offer_refused("is no log of");
  provenance::Receipt altered = theirs_.append(EntryKind::published, crypto::sha256("a third"), {}, clock_.now());
  altered.leaf.policy_digest = offer_.hash;
  transport_.answer.body = altered.to_json();
  EXPECT_FALSE(channel_.check_offer(ParticipantId(kDuinmeer), offer_));
}

TEST_F(EvidenceTest, AReceiptIsKeptOnceAndRecorded) {
  const std::string receipt = theirs_.append(EntryKind::agreement_ended, {}, end_of_agreement(), clock_.now()).to_json();
  EXPECT_EQ(deliver(receipt).status, 200U);
  EXPECT_EQ(deliver(receipt).status, 200U);
  EXPECT_EQ(ended_.at(0), "urn:agreement:1 " + kDuinmeer + " council");
  EXPECT_EQ(keys_under("receipt/"), 1U);
  const auto kept = entries_of(EntryKind::receipt);
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].shared.counterparty(), kDuinmeer);
  EXPECT_FALSE(kept[0].shared.peer_checkpoint().empty());
}

TEST_F(EvidenceTest, AForgedOrForeignReceiptIsRefusedAndLeavesNothing) {
  const provenance::Receipt good = theirs_.append(EntryKind::agreement_ended, {}, end_of_agreement(), clock_.now());
  provenance::Receipt forged = good;
  forged.shared = "another story";
  v1::Shared not_ours = end_of_agreement();
  not_ours.set_counterparty("did:web:stroomplein.example");
  v1::Shared not_theirs = end_of_agreement();
  not_theirs.set_self("did:web:stroomplein.example");
  EXPECT_EQ(deliver("{").status, 400U);
  EXPECT_EQ(deliver(forged.to_json()).status, 400U);
  EXPECT_EQ(deliver(theirs_.append(EntryKind::agreement_ended, {}, not_ours, clock_.now()).to_json()).status, 400U);
  EXPECT_EQ(deliver(theirs_.append(EntryKind::agreement_ended, {}, not_theirs, clock_.now()).to_json()).status, 400U);
  EXPECT_EQ(deliver(strange_.append(EntryKind::agreement_ended, {}, end_of_agreement(), clock_.now()).to_json()).status, 400U);
  EXPECT_EQ(deliver(good.to_json(), false).status, 404U);
  EXPECT_EQ(keys_under("receipt/"), 0U);
  EXPECT_TRUE(entries_of(EntryKind::receipt).empty());
  EXPECT_TRUE(ended_.empty());
  commits_.refuse = true;
  EXPECT_EQ(deliver(good.to_json()).status, 503U) << "not recorded: to be sent again";
}

TEST_F(EvidenceTest, WhoLeftHasAMessageOfItWhereItsLogShowedSomething) {
  const ParticipantId left("did:web:left.example");
  Commit commit;
  channel_.send_receipt(commit, left, "p");
  EXPECT_TRUE(commit.messages.empty()) << "it may never have kept a log";
  ASSERT_TRUE(store_.write({{node::known_checkpoint_key(left, "left.example/log"), "a note"}}, true));
  channel_.send_receipt(commit, left, "p");
  ASSERT_EQ(commit.messages.size(), 1U);
  EXPECT_EQ(commit.messages[0].peer, left.str());
}

TEST_F(EvidenceTest, AReceiptThatIsNotTakenWaitsAndOneThatIsRefusedIsADeadLetter) {
  ASSERT_EQ(deliver(theirs_.append(EntryKind::agreement_ended, {}, end_of_agreement(), clock_.now()).to_json()).status, 200U);  // an entry here
  outbox::Envelope envelope;
  envelope.service = "evidence";
  envelope.body = "entry:0";
  const outbox::OutboxItem item{"outbox/" + kDuinmeer + "/p/0000000000000001", kDuinmeer, "p", 1, false};
  ASSERT_TRUE(store_.write({{item.key, "it"}}, true));
  const auto send = [&](unsigned status) {
    transport_.answer = {status, {}, "an answer"};
    return channel_.deliver(item, envelope, clock_.now());
  };
  for (const unsigned status : {429, 500, 503}) EXPECT_EQ(send(status).verdict, outbox::Verdict::away) << status;
  const outbox::Delivered refused = send(403);
  EXPECT_EQ(refused.verdict, outbox::Verdict::dead);
  EXPECT_EQ(refused.reason, (outbox::Reason{"refused", {"the other party will not have it: status 403: an answer"}}));
  EXPECT_TRUE(store_.get(item.key)->has_value());
  EXPECT_EQ(send(200).verdict, outbox::Verdict::done);
  EXPECT_FALSE(store_.get(item.key)->has_value());
  envelope.body = "entry:9999";
  EXPECT_EQ(send(200).verdict, outbox::Verdict::dead) << "there is no such entry";
  ASSERT_TRUE(store_.write({{provenance::entry_key(9999), *store_.get(provenance::entry_key(0))}}, true));
  EXPECT_EQ(send(200).verdict, outbox::Verdict::retry_untried) << "its checkpoint is not kept yet";
}

}  // namespace
}  // namespace sluis::test
