#include "connector/node/settling.hpp"

#include "connector/base/random.hpp"
#include "connector/negotiation/agreement.hpp"
#include "tests/unit/outbox/fake_commits.hpp"

#include <gtest/gtest.h>

namespace sluis::test {
namespace {

using negotiation::Role;
using outbox::PeerView;
using transfer::State;

/// Waterrijk settles with Duinmeer, whose word is what the test says.
class SettlingTest : public testing::Test {
 protected:
  void SetUp() override {
    negotiation::AgreementRecord record;
    record.id = AgreementId("a");
    record.role = Role::provider;
    record.peer = peer_;
    record.dataset = DatasetId("counts");
    put(negotiation::agreement_key(record.id), negotiation::encode(record), false);
  }
  void put(const std::string& key, const std::string& bytes, bool held) {
    std::vector<storage::Change> changes{{key, bytes}};
    if (held) changes.push_back(storage::hold(key, clock_.now()));
    ASSERT_TRUE(store_.write(changes, true));
  }
  transfer::TransferProcess process(Role role, State state) const {
    transfer::TransferProcess p;
    p.role = role;
    p.own_pid = ProcessId("urn:own");
    p.peer_pid = ProcessId("urn:theirs");
    p.peer = peer_;
    p.agreement = AgreementId("a");
    p.dataset = DatasetId("counts");
    p.state = state;
    p.created = p.updated = clock_.now();
    return p;
  }
  void held(Role role, State state) { put(transfer::transfer_key(ProcessId("urn:own")), transfer::encode(process(role, state)), true); }
  bool still_held() { return storage::held_since(store_, transfer::transfer_key(ProcessId("urn:own")))->has_value(); }
  node::Settled settle(const std::set<std::string>& apply = {}, bool dry_run = false, bool settles = true) {
    acts_.clear();
    const auto done = settling_.settle({peer_, apply, settles, dry_run, "the DPO"});
    EXPECT_TRUE(done) << describe(done.error());
    return done ? *done : node::Settled{};
  }
  void says(std::string_view state) {
    view_ = PeerView{};
    view_.kind = PeerView::Kind::seen;
    view_.state = state;
  }

  const ParticipantId peer_{"did:web:duinmeer.example"};
  storage::MemoryStore store_;
  FakeCommits commits_{store_};
  FakeClock clock_;
  PeerView view_;
  std::vector<std::string> acts_;
  node::Settling settling_{ParticipantId("did:web:waterrijk.example"),
                           {commits_, store_, clock_, [this](const transfer::TransferProcess&) { return view_; }, [this](const negotiation::Negotiation&) { return view_; },
                            [this](const ProcessId&, const outbox::Reason&, const std::string&) -> Result<void> {
                              acts_.push_back("suspend");
                              held(Role::provider, State::suspended);
                              return {};
                            },
                            [this](const ProcessId&, const outbox::Reason&, const std::string&) -> Result<void> {
                              acts_.push_back("end");
                              return {};
                            },
                            [this](const ProcessId&, const outbox::Reason&, const std::string&) -> Result<void> {
                              acts_.push_back("end negotiation");
                              return {};
                            },
                            [this](const std::string&, const std::string&) { acts_.push_back("goes on"); }}};
};

using Acts = std::vector<std::string>;
const std::set<std::string> kOwn{"urn:own"};

TEST_F(SettlingTest, WhatThePeerEndedOrSuspendedIsTakenOver) {
  for (const std::string_view over : {"terminated", "completed"}) {
    held(Role::provider, State::started);
    says(over);
    settle({}, false, false);
    EXPECT_EQ(acts_, Acts()) << "looking alone changes nothing";
    settle({}, true);
    EXPECT_EQ(acts_, Acts()) << "nor does a dry run";
    EXPECT_EQ(settle(kOwn).settled.size(), 1U);
    EXPECT_EQ(acts_, Acts{"end"}) << "whatever a person says";
  }
  held(Role::provider, State::started);
  says("suspended");
  const auto done = settle();
  EXPECT_EQ(acts_, Acts{"suspend"});
  EXPECT_EQ(done.held.size(), 1U) << "this node may have ended it";
}

TEST_F(SettlingTest, AProvidersTransferGoesOnByAPersonsWordAlone) {
  held(Role::provider, State::started);
  says("started");
  EXPECT_EQ(settle().held, Acts{"transfer urn:own"});
  EXPECT_TRUE(still_held());
  settle(kOwn, true);
  EXPECT_TRUE(still_held());
  EXPECT_EQ(settle(kOwn).settled, Acts{"transfer urn:own"});
  EXPECT_FALSE(still_held());
  EXPECT_EQ(acts_, Acts{"goes on"});
  ASSERT_EQ(commits_.entries.size(), 1U) << "on record";
  v1::Shared shared;
  ASSERT_TRUE(shared.ParseFromString(commits_.entries[0].shared));
  EXPECT_EQ(shared.event() + " " + shared.transfer(), "applies-again urn:own");
}

TEST_F(SettlingTest, AConsumersGoesOnWhereBothSayTheSame) {
  held(Role::consumer, State::requested);
  says("started");
  EXPECT_EQ(settle().held.size(), 1U) << "a peer's word makes nothing wider";
  held(Role::consumer, State::started);
  EXPECT_EQ(settle().settled.size(), 1U);
  EXPECT_FALSE(still_held());
}

TEST_F(SettlingTest, APeerThatCannotBeAskedLeavesItHeld) {
  held(Role::consumer, State::started);
  EXPECT_EQ(settle(kOwn).held.size(), 1U);
  view_.kind = PeerView::Kind::unreadable;
  EXPECT_EQ(settle().held.size(), 1U);
  EXPECT_EQ(settle(kOwn).settled.size(), 1U) << "who shows nothing says nothing: a person decides";
}

TEST_F(SettlingTest, NothingGoesOnUnderAHeldAgreement) {
  auto record = *negotiation::read_agreement(store_, AgreementId("a"));
  record.held = clock_.now();
  put(negotiation::agreement_key(record.id), negotiation::encode(record), true);
  held(Role::consumer, State::started);
  says("started");
  EXPECT_EQ(settle(kOwn).held.size(), 1U);
  EXPECT_TRUE(still_held());
}

TEST_F(SettlingTest, ANegotiationThatWentFurtherThereIsNamedAndStays) {
  negotiation::Negotiation n;
  n.role = Role::provider;
  n.own_pid = ProcessId("urn:n");
  n.peer_pid = ProcessId("urn:theirs");
  n.peer = peer_;
  n.dataset = DatasetId("counts");
  n.state = negotiation::State::requested;
  n.created = n.updated = clock_.now();
  n.offer = json::object({});
  put(negotiation::negotiation_key(n.own_pid), negotiation::encode(n), true);
  says("finalized");
  const auto done = settle();
  EXPECT_EQ(done.held, Acts{"negotiation urn:n"});
  ASSERT_EQ(done.notes.size(), 1U);
  EXPECT_NE(done.notes[0].find("`finalized`"), std::string::npos);
  says("terminated");
  settle();
  EXPECT_EQ(acts_, Acts{"end negotiation"});
}

}  // namespace
}  // namespace sluis::test
