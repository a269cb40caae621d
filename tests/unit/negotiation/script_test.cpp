#include "connector/base/limits.hpp"
#include "connector/negotiation/machine.hpp"
#include "connector/transfer/machine.hpp"

#include <gtest/gtest.h>

/// Scripts as they are read, and the steps of negotiations that they plan.
namespace sluis::negotiation {
namespace {

const Timestamp kNow{std::chrono::seconds(1'800'000'000)};
const Duration kDelay = std::chrono::milliseconds(300);
const ParticipantId kSelf("did:web:waterrijk.example");
const ParticipantId kPeer("did:web:duinmeer.example");
const DatasetId kDataset("counts");

Result<Script> read(const std::string& text) {
  SLUIS_TRY(TomlTable root, TomlTable::parse(text, "script.toml"));
  SLUIS_TRY(const Duration delay, read_delay(root, Duration(0)));
  SLUIS_TRY(Script script, Script::read(root, script_words(), delay));
  SLUIS_CHECK(Script::read(root, transfer::script_words(), delay));
  SLUIS_CHECK(root.finish());
  return script;
}
std::string refusal(const std::string& text) {
  const auto script = read(text);
  return script ? "accepted" : describe(script.error());
}

TEST(Script, SaysWhatFollowsByRoleAndOfferOrDataset) {
  const auto script = read(R"(delay_ms = 300
[[negotiation]]
role = "provider"
datasets = ["counts", "air"]
requested = "offer"
accepted = "agree"
[[negotiation]]
role = "provider"
offers = ["o"]
delay_ms = 5
requested = "nothing"
[[negotiation]]
role = "consumer"
datasets = ["counts"]
offered = "counter"
)");
  ASSERT_TRUE(script) << describe(script.error());
  const ScriptEntry* entry = script->find(Role::provider, kDataset, "other");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->delay, kDelay);
  EXPECT_EQ((entry->after<Act>(Event::requested)), Act::offer);
  EXPECT_EQ((entry->after<Act>(Event::accepted)), Act::agree);
  EXPECT_FALSE((entry->after<Act>(Event::verified)));
  EXPECT_EQ(script->find(Role::provider, DatasetId("air"), ""), entry);
  // An offer that is named goes before its dataset.
  EXPECT_EQ((script->find(Role::provider, kDataset, "o")->after<Act>(Event::requested)), Act::nothing);
  EXPECT_EQ(script->find(Role::provider, kDataset, "o")->delay, std::chrono::milliseconds(5));
  EXPECT_EQ((script->find(Role::consumer, kDataset, "o")->after<Act>(Event::offered)), Act::counter);
  EXPECT_EQ(script->find(Role::consumer, DatasetId("air"), "o"), nullptr);
}

TEST(Script, IsReadStrictly) {
  const std::string head = "[[negotiation]]\nrole = \"provider\"\ndatasets = [\"counts\"]\n";
  EXPECT_EQ(refusal(head + "requested = \"agree\"\n"), "accepted");
  EXPECT_NE(refusal(head + "requested = \"accept\"\n").find("script.toml:4:13: `accept` cannot follow that in the role of provider"), std::string::npos);
  EXPECT_NE(refusal(head + "requested = \"accept\"\n").find("`nothing`, `offer`, `agree`, `terminate`"), std::string::npos);
  EXPECT_NE(refusal(head + "verified = \"agree\"\n").find("script.toml:4:12"), std::string::npos);
  EXPECT_NE(refusal(head + "requested = \"aggree\"\n").find("script.toml:4:13"), std::string::npos);
  EXPECT_NE(refusal(head + "request = \"agree\"\n").find("script.toml"), std::string::npos);
  EXPECT_NE(refusal(head + "requested = \"agree\"\nacepted = \"agree\"\n").find("script.toml:5"), std::string::npos);
  EXPECT_NE(refusal(head).find("says nothing to any event"), std::string::npos);
  EXPECT_NE(refusal(head + "requested = \"agree\"\n" + head + "requested = \"offer\"\n").find("script.toml:7:13: `counts` is named twice"), std::string::npos);
  EXPECT_NE(refusal(head + "requested = \"agree\"\ndelay_ms = -1\n").find("script.toml:5:12"), std::string::npos);
  EXPECT_NE(refusal("[[negotiation]]\nrole = \"steward\"\ndatasets = [\"a\"]\nrequested = \"agree\"\n").find("script.toml:2:8"), std::string::npos);
  EXPECT_NE(refusal("[[negotiation]]\nrole = \"provider\"\nrequested = \"agree\"\n").find("name `datasets` or `offers`"), std::string::npos);
  EXPECT_NE(refusal("[[transfer]]\nrole = \"consumer\"\nagreements = [\"a\"]\nrequested = \"start\"\n").find("script.toml:4:13"), std::string::npos);
  EXPECT_NE(refusal("[[transfers]]\nrole = \"consumer\"\n").find("script.toml"), std::string::npos);
}

json::Value offer() { return *json::parse(R"({"@type":"Offer","@id":"o","permission":[{"action":"use"}]})"); }
json::Value narrower() {
  return *json::parse(R"({"@type":"Offer","@id":"n","permission":[{"action":"use","constraint":[
    {"leftOperand":"purpose","operator":"eq","rightOperand":"https://w3id.org/dpv#PublicBenefit"}]}]})");
}

/// One negotiation, step by step, as the service would take it.
struct Scripted : testing::Test {
  Scripted() {
    around.self = kSelf;
    around.fresh_pid = ProcessId("own");
    around.agreement_id = AgreementId("a");
    around.judgement.kind = Judgement::Kind::wait;
    around.script = &entry;
    around.published = narrower();
  }
  void says(Event event, Act act) { entry.acts[static_cast<std::size_t>(event)] = static_cast<std::size_t>(act); }
  void take_over(Result<Transition> t) {
    ASSERT_TRUE(t) << describe(t.error());
    process = t->next;
    last = *t;
  }
  IncomingMessage message(MessageKind kind, const json::Value& terms = offer()) {
    IncomingMessage m;
    m.kind = kind;
    m.from = kPeer;
    m.peer_pid = ProcessId("peer");
    if (process) m.own_pid = m.named_own_pid = ProcessId("own");
    m.dataset = kDataset;
    m.offer = terms;
    m.offer.set("target", kDataset.str());
    if (kind == MessageKind::agreement) m.agreement = make_agreement({process->offer, process->offer_hash}, AgreementId("a"), kDataset, kPeer, kSelf, kNow);
    return m;
  }
  void get(MessageKind kind, const json::Value& terms = offer()) {
    around.message_id = "m" + std::to_string(++count);
    take_over(receive(process, message(kind, terms), around, kNow));
  }
  void ask() {
    around.message_id = "m0";
    take_over(begin(Role::consumer, kPeer, "https://duinmeer.example", kDataset, *normalise_offer(offer(), kDataset, kPeer, kSelf), around, kNow));
  }
  /// The peer took our message.
  void taken() {
    around.message_id = "m" + std::to_string(++count);
    outbox::SendOutcome outcome;
    outcome.kind = outbox::SendOutcome::Kind::delivered;
    outcome.peer_pid = "peer";
    const DeliveryStep step = on_sent(*process, outcome, false, around, kNow, kNow);
    ASSERT_EQ(step.next, DeliveryStep::Next::done);
    take_over(step.transition);
  }
  /// What was planned comes at its time, and not before. The message that goes out.
  MessageKind comes() {
    EXPECT_TRUE(process->planned);
    EXPECT_EQ(waits_for(*process), WaitsFor::script);
    EXPECT_EQ(due_at(*process), kNow + kDelay);
    EXPECT_EQ(decode_negotiation(encode(*process)).value(), *process);
    EXPECT_FALSE(on_timer(*process, around, kNow + kDelay - Duration(1)));
    around.message_id = "m" + std::to_string(++count);
    auto t = on_timer(*process, around, kNow + kDelay);
    EXPECT_TRUE(t && t->message) << "nothing was sent";
    if (!t || !t->message) return MessageKind::request;
    last = *t;
    process = t->next;
    EXPECT_FALSE(process->planned);
    EXPECT_FALSE(on_timer(*process, around, kNow + 2 * kDelay));
    return t->message->kind;
  }

  ScriptEntry entry{kDelay, {}};
  Surroundings around;
  std::optional<Negotiation> process;
  Transition last;
  int count = 0;
};

TEST_F(Scripted, AProviderOffersItsOwnTermsThenAgreesThenFinalizes) {
  says(Event::requested, Act::offer);
  says(Event::accepted, Act::agree);
  says(Event::verified, Act::finalize);
  get(MessageKind::request);
  EXPECT_FALSE(last.message);
  EXPECT_EQ(comes(), MessageKind::offer);
  EXPECT_EQ(last.message->offer, narrower());
  EXPECT_EQ(process->published_hash, process->offer_hash);
  EXPECT_EQ(process->state, State::requested);
  taken();
  EXPECT_EQ(process->state, State::offered);
  EXPECT_FALSE(process->planned);
  get(MessageKind::accepted);
  EXPECT_EQ(comes(), MessageKind::agreement);
  taken();
  get(MessageKind::verification);
  EXPECT_FALSE(last.agreement);
  EXPECT_EQ(comes(), MessageKind::finalized);
  ASSERT_TRUE(last.agreement);  // the record holds from the moment that it is sent
  EXPECT_EQ(last.agreement->offer_hash, process->offer_hash);
  taken();
  EXPECT_EQ(process->state, State::finalized);
}

TEST_F(Scripted, ACounterRequestIsAnotherEventThanTheFirst) {
  says(Event::requested, Act::offer);
  says(Event::countered, Act::terminate);
  get(MessageKind::request);
  comes();
  taken();
  get(MessageKind::request, narrower());
  EXPECT_EQ(process->state, State::requested);
  EXPECT_EQ(comes(), MessageKind::termination);
  EXPECT_EQ(process->state, State::terminated);
  EXPECT_FALSE(due_at(*process));
}

TEST_F(Scripted, WhatIsRefusedIsRefusedWhateverTheScriptSays) {
  says(Event::requested, Act::agree);
  around.judgement = {Judgement::Kind::refuse, {}, {"class", {"not for you"}}};
  get(MessageKind::request);
  EXPECT_EQ(process->state, State::terminated);
  EXPECT_FALSE(process->planned);
}

TEST_F(Scripted, WhatIsReservedToAPersonWaitsForOneWhateverTheScriptSays) {
  says(Event::requested, Act::agree);
  around.judgement.reserved = true;
  get(MessageKind::request);
  EXPECT_FALSE(process->planned);
  EXPECT_EQ(waits_for(*process), WaitsFor::steward);
}

TEST_F(Scripted, WhatIsPlannedIsJudgedAgainWhenItsTimeHasCome) {
  says(Event::requested, Act::agree);
  get(MessageKind::request);
  ASSERT_TRUE(process->planned);
  around.judgement.reserved = true;
  const auto waits = on_timer(*process, around, kNow + kDelay);
  ASSERT_TRUE(waits);
  EXPECT_FALSE(waits->message);
  EXPECT_EQ(waits_for(waits->next), WaitsFor::steward);
  around.judgement = {Judgement::Kind::refuse, {}, {"dataset", {"not on offer any more"}}};
  const auto ends = on_timer(*process, around, kNow + kDelay);
  ASSERT_TRUE(ends && ends->message);
  EXPECT_EQ(ends->message->kind, MessageKind::termination);
  EXPECT_EQ(ends->next.reason->code, "dataset");
}

TEST_F(Scripted, NothingLeavesItToTheStewardWhoGoesOnFromThere) {
  for (const Event event : {Event::requested, Event::accepted, Event::verified}) says(event, Act::nothing);
  get(MessageKind::request);
  EXPECT_EQ(waits_for(*process), WaitsFor::steward);
  take_over(approve(*process, around, kNow));
  EXPECT_EQ(last.message->kind, MessageKind::agreement);
  taken();
  get(MessageKind::verification);
  EXPECT_EQ(waits_for(*process), WaitsFor::steward);
  take_over(approve(*process, around, kNow));
  EXPECT_EQ(last.message->kind, MessageKind::finalized);
  EXPECT_TRUE(last.agreement);
}

TEST_F(Scripted, AStepAfterOurOwnWaitsUntilThatHasArrived) {
  says(Event::requested, Act::offer);
  says(Event::offered, Act::terminate);
  get(MessageKind::request);
  comes();
  EXPECT_FALSE(process->planned);
  EXPECT_EQ(waits_for(*process), WaitsFor::delivery);
  taken();
  EXPECT_EQ(comes(), MessageKind::termination);
}

TEST_F(Scripted, AMessageThatComesFirstPutsThePlanAway) {
  says(Event::requested, Act::offer);
  get(MessageKind::request);
  get(MessageKind::termination);
  EXPECT_FALSE(process->planned);
  EXPECT_EQ(process->state, State::terminated);
  EXPECT_FALSE(on_timer(*process, around, kNow + kDelay));
}

TEST_F(Scripted, WhatCannotBeDoneAnyMoreIsLeftToTheSteward) {
  says(Event::requested, Act::offer);
  get(MessageKind::request);
  around.published = {};
  const auto t = on_timer(*process, around, kNow + kDelay);
  ASSERT_TRUE(t);
  EXPECT_FALSE(t->message);
  EXPECT_FALSE(t->next.planned);
  EXPECT_EQ(waits_for(t->next), WaitsFor::steward);
}

TEST_F(Scripted, TheDeadlineGoesBeforeWhatIsPlanned) {
  says(Event::requested, Act::agree);
  get(MessageKind::request);
  const auto t = on_timer(*process, around, *process->deadline);
  ASSERT_TRUE(t);
  EXPECT_EQ(t->next.state, State::terminated);
  EXPECT_EQ(t->next.reason->code, "deadline");
}

TEST_F(Scripted, AConsumerAcceptsAndVerifies) {
  says(Event::offered, Act::accept);
  says(Event::agreed, Act::verify);
  ask();
  taken();
  get(MessageKind::offer, narrower());
  EXPECT_EQ(comes(), MessageKind::accepted);
  taken();
  get(MessageKind::agreement);
  EXPECT_EQ(process->state, State::agreed);
  EXPECT_EQ(comes(), MessageKind::verification);
}

TEST_F(Scripted, AConsumerAsksAgainForWhatItAskedForFirst) {
  says(Event::offered, Act::counter);
  ask();
  taken();
  get(MessageKind::offer, narrower());
  EXPECT_EQ(process->offer, narrower());
  EXPECT_EQ(comes(), MessageKind::request);
  EXPECT_EQ(last.message->offer, offer());
  EXPECT_EQ(last.message->peer_pid.str(), "peer");
  EXPECT_EQ(process->state, State::offered);
  // Where the answer is lost: a provider that still shows its offer does not have it, one that shows the request does.
  outbox::PeerView view{outbox::PeerView::Kind::seen, "offered", ""};
  EXPECT_EQ(on_peer_state(*process, view, std::nullopt, true, around, kNow, kNow).next, DeliveryStep::Next::send);
  view.state = "requested";
  const DeliveryStep step = on_peer_state(*process, view, std::nullopt, true, around, kNow, kNow);
  EXPECT_EQ(step.next, DeliveryStep::Next::done);
  EXPECT_EQ(step.transition.next.state, State::requested);
}

TEST_F(Scripted, AnAgreementThatDiffersIsNotVerifiedByAnyScript) {
  says(Event::agreed, Act::verify);
  ask();
  taken();
  IncomingMessage m = message(MessageKind::agreement);
  m.agreement.set("permission", json::array({json::object({{"action", "use"}, {"x", "y"}})}));
  take_over(receive(process, m, around, kNow));
  EXPECT_EQ(process->state, State::terminated);
  EXPECT_EQ(process->reason->code, "agreement-differs");
}

TEST_F(Scripted, AnAgreementOfBeforeItsRequestIsNotTaken) {
  ask();
  taken();
  const Timestamp asked = process->created;
  IncomingMessage m = message(MessageKind::agreement);
  m.agreement.set("timestamp", format_time(asked - limits::kSkew - std::chrono::seconds(1)));
  auto differs = receive(process, m, around, kNow);
  ASSERT_TRUE(differs);
  EXPECT_EQ(differs->next.state, State::terminated);
  EXPECT_EQ(differs->next.reason->code, "agreement-differs");
  EXPECT_FALSE(differs->next.agreement_hash);
  m.agreement.set("timestamp", format_time(asked - limits::kSkew));
  auto within = receive(process, m, around, kNow);
  ASSERT_TRUE(within);
  EXPECT_NE(within->next.state, State::terminated);
}

TEST_F(Scripted, AConsumerMayEndOnceItsRequestHasArrived) {
  says(Event::requested, Act::terminate);
  ask();
  EXPECT_FALSE(process->planned);
  taken();
  EXPECT_EQ(comes(), MessageKind::termination);
}

TEST_F(Scripted, EveryActIsRefusedWhereItDoesNotFollow) {
  get(MessageKind::request);
  process->pending.reset();
  for (const Act act : {Act::nothing, Act::counter, Act::accept, Act::verify, Act::finalize}) {
    EXPECT_FALSE(take(*process, act, around, kNow)) << static_cast<int>(act);
  }
  EXPECT_TRUE(take(*process, Act::offer, around, kNow));
  take_over(take(*process, Act::agree, around, kNow));
  EXPECT_FALSE(take(*process, Act::agree, around, kNow));  // one is under way
  EXPECT_TRUE(take(*process, Act::terminate, around, kNow));
}

}  // namespace
}  // namespace sluis::negotiation
