#include "connector/transfer/machine.hpp"

#include <gtest/gtest.h>

/// The steps of transfers that a script plans.
namespace sluis::transfer {
namespace {

const Timestamp kNow{std::chrono::seconds(1'800'000'000)};
const Duration kDelay = std::chrono::milliseconds(300);
const ParticipantId kPeer("did:web:duinmeer.example");

struct ScriptedTransfer : testing::Test {
  ScriptedTransfer() {
    around.fresh_pid = ProcessId("own");
    around.dataset = DatasetId("counts");
    around.data_endpoint = "https://gate.example/data";
    around.sealed_handle = "sealed";
    around.script = &entry;
  }
  void says(Event event, Act act) { entry.acts[static_cast<std::size_t>(event)] = static_cast<std::size_t>(act); }
  void take_over(Result<Transition> t) {
    ASSERT_TRUE(t) << describe(t.error());
    process = t->next;
    last = *t;
  }
  void get(MessageKind kind, bool with_address = true) {
    IncomingMessage m;
    m.kind = kind;
    m.from = kPeer;
    m.peer_pid = ProcessId("peer");
    if (process) m.own_pid = m.named_own_pid = ProcessId("own");
    m.format = kHttpPull;
    if (kind == MessageKind::start && with_address) m.address = DataAddress{"https://gate.example/data", "h"};
    take_over(receive(process, m, around, kNow));
  }
  void ask() { take_over(begin(kPeer, "https://duinmeer.example", AgreementId("a"), DatasetId("counts"), around, kNow)); }
  void taken() {
    outbox::SendOutcome outcome;
    outcome.kind = outbox::SendOutcome::Kind::delivered;
    outcome.peer_pid = "peer";
    take_over(on_sent(*process, outcome, false, around, kNow, kNow).transition);
  }
  MessageKind comes() {
    EXPECT_TRUE(process->planned);
    EXPECT_EQ(decode_transfer(encode(*process)).value(), *process);
    EXPECT_FALSE(on_timer(*process, around, kNow + kDelay - Duration(1)));
    auto t = on_timer(*process, around, kNow + kDelay);
    EXPECT_TRUE(t && t->message) << "nothing was sent";
    if (!t || !t->message) return MessageKind::request;
    last = *t;
    process = t->next;
    EXPECT_FALSE(on_timer(*process, around, kNow + 2 * kDelay));
    return t->message->kind;
  }

  negotiation::ScriptEntry entry{kDelay, {}};
  Surroundings around;
  std::optional<TransferProcess> process;
  Transition last;
};

TEST_F(ScriptedTransfer, AProviderStartsSuspendsResumesAndCompletesEachAfterTheOneBeforeHasArrived) {
  says(Event::requested, Act::start);
  says(Event::started, Act::suspend);
  says(Event::suspended, Act::start);
  says(Event::resumed, Act::complete);
  get(MessageKind::request);
  EXPECT_FALSE(last.message);
  const std::pair<MessageKind, State> steps[] = {{MessageKind::start, State::started},
                                                 {MessageKind::suspension, State::suspended},
                                                 {MessageKind::start, State::started},
                                                 {MessageKind::completion, State::completed}};
  for (const auto& [kind, state] : steps) {
    EXPECT_EQ(comes(), kind);
    EXPECT_FALSE(process->planned);  // not before the peer has it
    taken();
    EXPECT_EQ(process->state, state);
  }
  EXPECT_FALSE(process->planned);
}

TEST_F(ScriptedTransfer, WhatAPersonOrThePeerSuspendedNoScriptResumes) {
  says(Event::requested, Act::start);
  says(Event::suspended, Act::start);
  get(MessageKind::request);
  EXPECT_EQ(comes(), MessageKind::start);
  taken();
  const TransferProcess started = *process;
  take_over(suspend(*process, {"incident", {"a person looks into it"}}, around, kNow));
  taken();
  EXPECT_EQ(process->state, State::suspended);
  EXPECT_FALSE(process->planned);
  process = started;
  get(MessageKind::suspension);
  EXPECT_EQ(process->state, State::suspended);
  EXPECT_FALSE(process->planned);
}

TEST_F(ScriptedTransfer, ARequestMayBeEndedOrLeftAlone) {
  says(Event::requested, Act::terminate);
  get(MessageKind::request);
  EXPECT_EQ(comes(), MessageKind::termination);
  process.reset();
  says(Event::requested, Act::nothing);
  get(MessageKind::request);
  EXPECT_FALSE(process->planned);
  EXPECT_FALSE(last.message);
  EXPECT_TRUE(take(*process, Act::start, around, kNow));
}

TEST_F(ScriptedTransfer, AConsumerPausesAndEnds) {
  says(Event::started, Act::suspend);
  says(Event::suspended, Act::terminate);
  ask();
  taken();
  get(MessageKind::start);
  EXPECT_EQ(comes(), MessageKind::suspension);
  taken();
  EXPECT_EQ(comes(), MessageKind::termination);
}

TEST_F(ScriptedTransfer, AStopOfThePeerPutsThePlanAway) {
  says(Event::started, Act::complete);
  ask();
  taken();
  get(MessageKind::start);
  get(MessageKind::termination);
  EXPECT_FALSE(process->planned);
  EXPECT_FALSE(on_timer(*process, around, kNow + kDelay));
}

TEST_F(ScriptedTransfer, WhatCannotBeDoneAnyMoreIsGivenUp) {
  ask();
  taken();
  get(MessageKind::start);
  process->planned = negotiation::Planned<Act>{Act::start, kNow};
  const auto t = on_timer(*process, around, kNow);
  ASSERT_TRUE(t);
  EXPECT_FALSE(t->message);
  EXPECT_FALSE(t->next.planned);
  EXPECT_EQ(t->next.state, State::started);
}

TEST_F(ScriptedTransfer, AStartThatSaysNotWhatOpensTheDataStartsAllTheSame) {
  ask();
  taken();
  around.sealed_handle.clear();
  get(MessageKind::start);
  EXPECT_EQ(process->state, State::started);
  EXPECT_EQ(process->endpoint, "https://gate.example/data");
  EXPECT_TRUE(process->sealed_handle.empty());
}

}  // namespace
}  // namespace sluis::transfer
