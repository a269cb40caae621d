#include "tests/unit/dsp/world.hpp"

/// Scripts in whole services: each step one commit at its time, over a restart too.
namespace sluis::test {
namespace {

using negotiation::State;
using std::chrono::milliseconds;
using TransferState = transfer::State;

negotiation::Script script(const std::string& text, const negotiation::ScriptWords& words) {
  auto root = TomlTable::parse(text, "script.toml");
  EXPECT_TRUE(root);
  auto read = negotiation::Script::read(*root, words, milliseconds(300));
  EXPECT_TRUE(read) << describe(read.error());
  return std::move(*read);
}

constexpr const char* kProvider = R"([[negotiation]]
role = "provider"
datasets = ["counts"]
requested = "offer"
accepted = "agree"
verified = "finalize"
)";
constexpr const char* kTransfer = R"([[transfer]]
role = "provider"
datasets = ["counts"]
requested = "start"
started = "suspend"
suspended = "start"
resumed = "complete"
)";

class ScriptedNodes : public testing::Test {
 protected:
  ScriptedNodes() {
    for (Node* node : {&waterrijk, &duinmeer}) node->net.nodes = {{"https://waterrijk.example", &waterrijk}, {"https://duinmeer.example", &duinmeer}};
    waterrijk.terms.published = *json::parse(R"({"@type":"Offer","@id":"ours","permission":[{"action":"use","constraint":[
      {"leftOperand":"purpose","operator":"eq","rightOperand":"https://w3id.org/dpv#PublicBenefit"}]}]})");
  }
  void settle() {
    for (int i = 0; i < 6; ++i) {
      duinmeer.drain();
      waterrijk.drain();
    }
  }
  /// Time passes, and what is due is done.
  void pass(milliseconds by) {
    waterrijk.clock.time += by;
    EXPECT_TRUE(waterrijk.negotiations.on_timer());
    EXPECT_TRUE(waterrijk.transfers.on_timer());
    settle();
  }
  State at_provider(const ProcessId& consumer_pid) {
    return waterrijk.negotiations.show(duinmeer.negotiations.show(consumer_pid)->peer_pid)->state.value();
  }

  Node waterrijk{"waterrijk", script(kProvider, negotiation::script_words()), script(kTransfer, transfer::script_words())};
  Node duinmeer{"duinmeer"};
};

TEST_F(ScriptedNodes, ANegotiationGoesItsWayStepByStep) {
  const auto asked = duinmeer.negotiations.request(waterrijk.id, DatasetId("counts"), counts_offer(), waterrijk.url);
  settle();
  EXPECT_EQ(at_provider(asked->own_pid), State::requested);
  EXPECT_EQ(waterrijk.woken, 1);
  EXPECT_EQ(waterrijk.negotiations.on_timer().value(), waterrijk.clock.time + milliseconds(300));
  pass(milliseconds(299));
  EXPECT_EQ(at_provider(asked->own_pid), State::requested);
  pass(milliseconds(1));
  EXPECT_EQ(at_provider(asked->own_pid), State::accepted);  // the consumer takes the offer at once
  pass(milliseconds(300));
  EXPECT_EQ(at_provider(asked->own_pid), State::verified);
  pass(milliseconds(300));
  const auto consumer = duinmeer.negotiations.show(asked->own_pid);
  EXPECT_EQ(consumer->state, State::finalized);
  EXPECT_EQ(consumer->offer, waterrijk.terms.published);
  EXPECT_EQ(waterrijk.negotiations.agreements(AgreementId(), 10)->size(), 1U);
  const std::vector<std::string> all = {"requested", "offered", "accepted", "agreed", "verified", "finalized"};
  EXPECT_EQ(waterrijk.events(10), all);
  EXPECT_EQ(duinmeer.events(10), all);
}

TEST_F(ScriptedNodes, AStepThatIsDueIsNeitherLostNorDoubledByARestart) {
  const auto asked = duinmeer.negotiations.request(waterrijk.id, DatasetId("counts"), counts_offer(), waterrijk.url);
  settle();
  waterrijk.clock.time += milliseconds(300);
  // Another service on the same store, as after a start; it reads the script anew, and needs it no more for what was planned.
  const negotiation::Dependencies same{waterrijk.commits, waterrijk.store, waterrijk.clock, waterrijk.random, waterrijk.terms,
                                       waterrijk.evidence, waterrijk.client, {}, {}};
  negotiation::Service restarted({waterrijk.id}, same), again({waterrijk.id}, same);
  EXPECT_TRUE(restarted.on_timer());
  EXPECT_TRUE(again.on_timer());
  int messages = 0;
  EXPECT_TRUE(waterrijk.store.scan("outbox/", "outbox/", [&](std::string_view, std::string_view) { return ++messages > 0; }));
  EXPECT_EQ(messages, 1);
  settle();
  EXPECT_EQ(at_provider(asked->own_pid), State::accepted);
}

TEST_F(ScriptedNodes, AStepThatCannotBeJudgedNowIsTakenLater) {
  const auto asked = duinmeer.negotiations.request(waterrijk.id, DatasetId("counts"), counts_offer(), waterrijk.url);
  settle();
  waterrijk.clock.time += milliseconds(300);
  waterrijk.terms.judging_fails = true;
  const auto failed = waterrijk.negotiations.on_timer();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::storage_unavailable);
  settle();
  EXPECT_EQ(at_provider(asked->own_pid), State::requested);
  waterrijk.terms.judging_fails = false;
  pass(milliseconds(0));
  EXPECT_EQ(at_provider(asked->own_pid), State::accepted);
}

/// Whoever sends an offer chooses its id; the script is chosen by whose terms they are.
TEST(ScriptedByOffer, APeerDoesNotChooseTheScript) {
  const std::string text = R"([[negotiation]]
role = "provider"
offers = ["offer-1"]
requested = "agree"
[[negotiation]]
role = "provider"
datasets = ["counts"]
requested = "nothing"
)";
  using Kind = negotiation::Judgement::Kind;
  for (const Kind kind : {Kind::wait, Kind::agree}) {  // terms of its own under our offer's id; and our offer
    Node waterrijk("waterrijk", script(text, negotiation::script_words()));
    Node duinmeer("duinmeer");
    for (Node* node : {&waterrijk, &duinmeer}) node->net.nodes = {{"https://waterrijk.example", &waterrijk}, {"https://duinmeer.example", &duinmeer}};
    waterrijk.terms.verdict.kind = kind;
    const auto asked = duinmeer.negotiations.request(waterrijk.id, DatasetId("counts"), counts_offer(), waterrijk.url);
    ASSERT_TRUE(asked);
    duinmeer.drain();
    const auto at_provider = waterrijk.negotiations.show(duinmeer.negotiations.show(asked->own_pid)->peer_pid);
    ASSERT_TRUE(at_provider);
    EXPECT_EQ(at_provider->planned.has_value(), kind == Kind::agree);
    EXPECT_EQ(at_provider->for_steward, kind == Kind::wait);
  }
}

TEST(ScriptedByOffer, AConsumerFollowsNoScriptWhereItDidNotAsk) {
  const std::string text = "[[negotiation]]\nrole = \"consumer\"\ndatasets = [\"counts\"]\noffered = \"accept\"\n";
  Node waterrijk("waterrijk");
  Node duinmeer("duinmeer", script(text, negotiation::script_words()));
  for (Node* node : {&waterrijk, &duinmeer}) node->net.nodes = {{"https://waterrijk.example", &waterrijk}, {"https://duinmeer.example", &duinmeer}};
  duinmeer.terms.verdict.kind = negotiation::Judgement::Kind::wait;
  const auto offered = waterrijk.negotiations.offer(duinmeer.id, DatasetId("counts"), counts_offer(), duinmeer.url);
  ASSERT_TRUE(offered);
  waterrijk.drain();
  const auto at_consumer = duinmeer.negotiations.show(waterrijk.negotiations.show(offered->own_pid)->peer_pid);
  ASSERT_TRUE(at_consumer);
  EXPECT_FALSE(at_consumer->planned);
  EXPECT_TRUE(at_consumer->for_steward);
}

TEST_F(ScriptedNodes, ATransferGoesItsWayStepByStep) {
  const auto asked = duinmeer.negotiations.request(waterrijk.id, DatasetId("counts"), counts_offer(), waterrijk.url);
  settle();
  for (int i = 0; i < 3; ++i) pass(milliseconds(300));
  const auto record = duinmeer.negotiations.agreements(AgreementId(), 1)->at(0);
  const auto transfer = duinmeer.transfers.start(record.id);
  ASSERT_TRUE(transfer) << describe(transfer.error());
  settle();
  EXPECT_EQ(duinmeer.transfers.show(transfer->own_pid)->state, TransferState::requested);
  for (const TransferState next : {TransferState::started, TransferState::suspended, TransferState::started, TransferState::completed}) {
    pass(milliseconds(299));
    EXPECT_NE(duinmeer.transfers.show(transfer->own_pid)->state, next);
    pass(milliseconds(1));
    EXPECT_EQ(duinmeer.transfers.show(transfer->own_pid)->state, next);
  }
  EXPECT_EQ(asked->role, negotiation::Role::consumer);
  bool left = false;
  EXPECT_TRUE(waterrijk.store.scan("xfer-due/", "xfer-due/", [&](std::string_view, std::string_view) { return left = true; }));
  EXPECT_FALSE(left);
}

TEST_F(ScriptedNodes, AnImportedAgreementCarriesTransfersAsANegotiatedOneDoes) {
  negotiation::AgreementRecord record;
  record.id = AgreementId("paper");
  record.role = negotiation::Role::provider;
  record.peer = duinmeer.id;
  record.peer_url = duinmeer.url;
  record.dataset = DatasetId("counts");
  record.agreement = negotiation::make_agreement({counts_offer(), {}}, record.id, record.dataset, waterrijk.id, duinmeer.id, waterrijk.clock.time);
  record.timestamp = std::chrono::floor<std::chrono::seconds>(waterrijk.clock.time);
  record.imported = negotiation::Imported{"contract 2026-014, on paper", Hash{7}};
  Commit with;
  with.changes.push_back({"asked", std::nullopt});
  const auto made = waterrijk.negotiations.import(record, "A. Bakker", with);
  ASSERT_TRUE(made) << describe(made.error());
  const auto stored = waterrijk.negotiations.agreement(record.id);
  EXPECT_EQ(stored->imported, record.imported);
  EXPECT_TRUE(stored->negotiation.empty());
  EXPECT_EQ(waterrijk.events(11), std::vector<std::string>{"paper"});
  EXPECT_EQ(waterrijk.negotiations.import(record, "A. Bakker", {}).error().code, ErrorCode::conflict);
  record.role = negotiation::Role::consumer;
  record.peer = waterrijk.id;
  record.peer_url = waterrijk.url;
  ASSERT_TRUE(duinmeer.negotiations.import(record, "B. Mulder", {}));
  const auto transfer = duinmeer.transfers.start(record.id);
  settle();
  pass(milliseconds(300));
  EXPECT_EQ(duinmeer.transfers.show(transfer->own_pid)->state, TransferState::started);
}

}  // namespace
}  // namespace sluis::test
