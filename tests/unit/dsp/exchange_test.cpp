#include "connector/negotiation/ending.hpp"
#include "tests/unit/dsp/world.hpp"

/// Negotiations and transfers between two nodes over the real messages, with faults.
namespace sluis::test {
namespace {

using negotiation::State;
using Fault = Net::Fault;
using TransferState = transfer::State;

TEST_F(World, ANegotiationIsFinalizedOnBothSidesWithTheSameHash) {
  const ProcessId pid = ask();
  settle();
  const auto consumer = duinmeer.negotiations.show(pid);
  const auto provider = at_provider(pid);
  EXPECT_EQ(consumer->state, State::finalized);
  EXPECT_EQ(provider.state, State::finalized);
  EXPECT_EQ(consumer->agreement_hash, provider.agreement_hash);
  const auto ours = duinmeer.negotiations.agreements(AgreementId(), 10);
  const auto theirs = waterrijk.negotiations.agreements(AgreementId(), 10);
  ASSERT_EQ(ours->size(), 1U);
  ASSERT_EQ(theirs->size(), 1U);
  EXPECT_EQ(ours->at(0).agreement_hash, theirs->at(0).agreement_hash);
  EXPECT_EQ(ours->at(0).offer_hash, theirs->at(0).offer_hash);
  const std::vector<std::string> all = {"requested", "agreed", "verified", "finalized"};
  EXPECT_EQ(duinmeer.events(10), all);
  EXPECT_EQ(waterrijk.events(10), all);
}

TEST_F(World, AnyOneLostRequestOrAnswerChangesNothingInTheEnd) {
  for (const Fault fault : {Fault::never_sent, Fault::lost_request, Fault::lost_answer}) {
    for (std::size_t at = 0; at < 3; ++at) {
      for (const bool provider_side : {false, true}) {
        Node w("waterrijk");
        Node d("duinmeer");
        for (Node* node : {&w, &d}) {
          node->net.nodes = {{"https://waterrijk.example", &w}, {"https://duinmeer.example", &d}};
        }
        Node& broken = provider_side ? w : d;
        broken.net.faults.assign(at, Fault::none);
        broken.net.faults.push_back(fault);
        const auto asked = d.negotiations.request(w.id, DatasetId("counts"), counts_offer(), w.url);
        for (int i = 0; i < 10; ++i) {
          d.drain();
          w.drain();
        }
        const auto consumer = d.negotiations.show(asked->own_pid);
        EXPECT_EQ(consumer->state, State::finalized) << int(fault) << " " << at << " " << provider_side;
        EXPECT_EQ(w.negotiations.show(consumer->peer_pid)->state, State::finalized);
        EXPECT_EQ(w.negotiations.list(ProcessId(), 10)->size(), 1U);
        EXPECT_EQ(w.events(11).size(), 1U);
      }
    }
  }
}

TEST_F(World, ItemsFoundAfterARestartAreNotSentTwiceWhereThePeerHasThem) {
  const ProcessId pid = ask();
  settle();
  EXPECT_FALSE(duinmeer.drain(true));
  const std::size_t entries = waterrijk.commits.entries.size();
  settle();
  EXPECT_EQ(waterrijk.commits.entries.size(), entries);
  EXPECT_EQ(duinmeer.negotiations.show(pid)->state, State::finalized);
}

TEST_F(World, AnOutcomeThatCannotBeRecordedIsFoundOutByReading) {
  const ProcessId pid = ask();
  duinmeer.drain();
  waterrijk.drain();  // the agreement has arrived
  duinmeer.commits.refuse = true;
  duinmeer.drain();   // the verification arrives, its outcome is not recorded
  duinmeer.commits.refuse = false;
  EXPECT_EQ(duinmeer.negotiations.show(pid)->state, State::agreed);
  duinmeer.drain(true);
  EXPECT_EQ(duinmeer.negotiations.show(pid)->state, State::verified);
  EXPECT_EQ(duinmeer.net.sent.back().substr(0, 3), "GET");
  settle();
  EXPECT_EQ(duinmeer.negotiations.show(pid)->state, State::finalized);
}

TEST_F(World, ARefusalHoldsAtOnceAndItsReasonArrives) {
  waterrijk.terms.verdict = {negotiation::Judgement::Kind::refuse, {}, {"purpose", {"marketing is not permitted"}}};
  const ProcessId pid = ask();
  settle();
  const auto consumer = duinmeer.negotiations.show(pid);
  EXPECT_EQ(consumer->state, State::terminated);
  ASSERT_TRUE(consumer->reason);
  EXPECT_EQ(consumer->reason->code, "purpose");
  EXPECT_FALSE(consumer->reason_is_ours);
  EXPECT_TRUE(at_provider(pid).reason_is_ours);
  EXPECT_FALSE(at_provider(pid).pending);
}

TEST_F(World, TheStewardDecides) {
  waterrijk.terms.verdict = {negotiation::Judgement::Kind::wait, {}, {}};
  const ProcessId pid = ask();
  settle();
  const auto waiting = at_provider(pid);
  EXPECT_EQ(waits_for(waiting), negotiation::WaitsFor::steward);
  ASSERT_TRUE(waterrijk.negotiations.approve(waiting.own_pid));
  EXPECT_FALSE(waterrijk.negotiations.approve(waiting.own_pid));
  settle();
  EXPECT_EQ(duinmeer.negotiations.show(pid)->state, State::finalized);
}

TEST_F(World, ANegotiationThatIsNotConcludedInTimeIsTerminated) {
  waterrijk.terms.verdict = {negotiation::Judgement::Kind::wait, {}, {}};
  const ProcessId pid = ask();
  settle();
  EXPECT_TRUE(waterrijk.negotiations.on_timer()->has_value());
  waterrijk.clock.time += std::chrono::days(8);
  EXPECT_FALSE(waterrijk.negotiations.on_timer()->has_value());
  settle();
  EXPECT_EQ(duinmeer.negotiations.show(pid)->state, State::terminated);
  EXPECT_EQ(duinmeer.negotiations.show(pid)->reason->code, "deadline");
}

TEST_F(World, AnAgreementThatIsNotWhatWasAskedIsTerminatedByTheConsumer) {
  const ProcessId pid = ask();
  duinmeer.drain();
  const auto consumer = duinmeer.negotiations.show(pid);
  const std::string body = R"({"@context":["https://w3id.org/dspace/2025/1/context.jsonld"],
    "@type":"ContractAgreementMessage","providerPid":")" + consumer->peer_pid.str() + R"(","consumerPid":")" + pid.str() +
    R"(","agreement":{"@type":"Agreement","@id":"a","target":"counts","assigner":"did:web:waterrijk.example",
    "assignee":"did:web:duinmeer.example","timestamp":"2026-11-26T00:00:00Z","permission":[{"action":"use"}]}})";
  EXPECT_EQ(duinmeer.answer(waterrijk.id.str(), "POST", "/2025-1/negotiations/" + pid.str() + "/agreement", body).status,
            200U);
  EXPECT_EQ(duinmeer.negotiations.show(pid)->state, State::terminated);
  EXPECT_EQ(duinmeer.negotiations.show(pid)->reason->code, "agreement-differs");
  settle();
  EXPECT_EQ(at_provider(pid).state, State::terminated);
}

TEST_F(World, APeerWithoutReadIsTakenToHaveWhatItRefusesAgain) {
  const ProcessId pid = ask();
  duinmeer.drain();
  waterrijk.drain();
  duinmeer.net.instead = [](const http::PeerRequest& request) -> std::optional<http::PeerResponse> {
    if (request.method == "GET") return http::PeerResponse{405, {}, "<html>no</html>"};
    return std::nullopt;
  };
  duinmeer.net.faults = {Fault::lost_answer};  // of the verification
  EXPECT_TRUE(duinmeer.drain());
  EXPECT_FALSE(duinmeer.drain());  // sent again, and refused
  const auto consumer = duinmeer.negotiations.show(pid);
  EXPECT_EQ(consumer->state, State::verified);
  EXPECT_TRUE(consumer->delivered_unconfirmed);
  settle();
  EXPECT_EQ(duinmeer.negotiations.show(pid)->state, State::finalized);
}

TEST_F(World, AFirstMessageThatIsRefusedEndsTheNegotiationWithThePeersReason) {
  duinmeer.net.instead = [](const http::PeerRequest&) { return http::PeerResponse{400, {}, "<html>no</html>"}; };
  const ProcessId pid = ask();
  EXPECT_FALSE(duinmeer.drain());
  EXPECT_EQ(duinmeer.negotiations.show(pid)->state, State::terminated);
  EXPECT_EQ(duinmeer.negotiations.show(pid)->reason->code, "400");
}

TEST_F(World, AnOfferFromTheProviderIsAcceptedAndAgreed) {
  const auto offered =
      waterrijk.negotiations.offer(duinmeer.id, DatasetId("counts"), counts_offer(), duinmeer.url);
  ASSERT_TRUE(offered);
  settle();
  EXPECT_EQ(waterrijk.negotiations.show(offered->own_pid)->state, State::finalized);
  const std::vector<std::string> all = {"offered", "accepted", "agreed", "verified", "finalized"};
  EXPECT_EQ(duinmeer.events(10), all);
}

TEST_F(World, AHandleOpensItsTransferWhileItIsStartedOnly) {
  const auto transfer = duinmeer.transfers.start(agreed());
  ASSERT_TRUE(transfer);
  settle();
  const auto access = duinmeer.transfers.access(transfer->own_pid);
  ASSERT_TRUE(access);
  EXPECT_EQ(access->endpoint, "https://gate.example/data");
  const auto view = waterrijk.transfers.find_by_handle(access->handle);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->peer, duinmeer.id);
  EXPECT_FALSE(waterrijk.transfers.find_by_handle("other"));
  ASSERT_TRUE(waterrijk.transfers.suspend(view->own_pid, {"maintenance", {}}));
  EXPECT_EQ(waterrijk.transfers.find_by_handle(access->handle).error().code, ErrorCode::invalid_state);
  settle();
  EXPECT_FALSE(duinmeer.transfers.access(transfer->own_pid));
  ASSERT_TRUE(duinmeer.transfers.resume(transfer->own_pid));  // not for the consumer to lift
  settle();
  EXPECT_EQ(waterrijk.transfers.show(view->own_pid)->state, TransferState::suspended);
  ASSERT_TRUE(waterrijk.transfers.resume(view->own_pid));
  settle();
  const auto renewed = duinmeer.transfers.access(transfer->own_pid);
  ASSERT_TRUE(renewed);
  EXPECT_NE(renewed->handle, access->handle);
  EXPECT_TRUE(waterrijk.transfers.find_by_handle(renewed->handle));
  EXPECT_EQ(waterrijk.transfers.find_by_handle(access->handle).error().code, ErrorCode::not_found);
  ASSERT_TRUE(duinmeer.transfers.complete(transfer->own_pid));
  settle();
  EXPECT_EQ(waterrijk.transfers.show(view->own_pid)->state, TransferState::completed);
  EXPECT_FALSE(waterrijk.transfers.find_by_handle(renewed->handle));
}

TEST_F(World, APushSaysWhereItGoesAndIsSentOnce) {
  const AgreementId agreement = agreed();
  const std::string inbox = "https://duinmeer.example/inbox";
  const auto asked = duinmeer.transfers.start(agreement, transfer::PushRequest{inbox, "urn:purpose", "urn:activity", {}});
  ASSERT_TRUE(asked);
  EXPECT_TRUE(waterrijk.transfers.pushes(waterrijk.clock.now())->empty());
  settle();
  EXPECT_EQ(duinmeer.transfers.show(asked->own_pid)->state, TransferState::started);
  EXPECT_FALSE(duinmeer.transfers.access(asked->own_pid)) << "it is not fetched";
  const auto due = waterrijk.transfers.pushes(waterrijk.clock.now());
  ASSERT_TRUE(due);
  ASSERT_EQ(due->size(), 1U);
  const ProcessId pid = due->front().own_pid;
  EXPECT_EQ(due->front().at, Timestamp{});
  const auto job = waterrijk.transfers.begin_push(pid, [](std::uint32_t tries) { return Duration(std::chrono::seconds(tries)); });
  ASSERT_TRUE(job) << describe(job.error());
  EXPECT_EQ(job->endpoint, inbox);
  EXPECT_EQ(job->claim, "claim of " + agreement.str() + " " + asked->own_pid.str() + " urn:purpose urn:activity " + inbox);
  EXPECT_EQ(job->handle, "");
  EXPECT_EQ(job->tries, 1U);
  EXPECT_EQ(waterrijk.transfers.pushes(waterrijk.clock.now())->front().at, waterrijk.clock.now() + std::chrono::seconds(1));
  EXPECT_EQ(waterrijk.transfers.pushes(waterrijk.clock.now())->front().peer, duinmeer.id);
  EXPECT_TRUE(*waterrijk.transfers.is_pushed(pid));
  const Timestamp later = waterrijk.clock.now() + std::chrono::minutes(1);
  ASSERT_TRUE(waterrijk.transfers.put_off_push(pid, later));
  EXPECT_EQ(waterrijk.transfers.pushes(waterrijk.clock.now())->front().at, later);
  ASSERT_TRUE(waterrijk.transfers.end_push(pid, later));
  EXPECT_TRUE(waterrijk.transfers.pushes(waterrijk.clock.now())->empty());
  EXPECT_FALSE(*waterrijk.transfers.is_pushed(pid));
  settle();
  EXPECT_EQ(duinmeer.transfers.show(asked->own_pid)->state, TransferState::completed);
}

TEST_F(World, APushThatIsSuspendedIsNotDueAndOneThatGoesOnIs) {
  const auto asked = duinmeer.transfers.start(agreed(), transfer::PushRequest{"https://duinmeer.example/inbox", "urn:purpose", "urn:activity", {}});
  settle();
  const ProcessId pid = duinmeer.transfers.show(asked->own_pid)->peer_pid;
  ASSERT_TRUE(duinmeer.transfers.suspend(asked->own_pid, {"full", {}}));
  settle();
  EXPECT_TRUE(waterrijk.transfers.pushes(waterrijk.clock.now())->empty());
  const auto pause = [](std::uint32_t) { return Duration(); };
  EXPECT_EQ(waterrijk.transfers.begin_push(pid, pause).error().code, ErrorCode::invalid_state);
  EXPECT_EQ(waterrijk.transfers.fail_push(pid, {"push.refused", {}}).error().code, ErrorCode::invalid_state);
  ASSERT_TRUE(duinmeer.transfers.resume(asked->own_pid));
  settle();
  EXPECT_EQ(waterrijk.transfers.pushes(waterrijk.clock.now())->size(), 1U);
  ASSERT_TRUE(waterrijk.transfers.terminate(pid, {"ended", {}}));
  EXPECT_TRUE(waterrijk.transfers.pushes(waterrijk.clock.now())->empty());
}

TEST_F(World, APushThatWasSentWhileItWasSuspendedIsOnlyCompletedOnceItGoesOn) {
  const auto asked = duinmeer.transfers.start(agreed(), transfer::PushRequest{"https://duinmeer.example/inbox", "urn:purpose", "urn:activity", {}});
  settle();
  const ProcessId pid = duinmeer.transfers.show(asked->own_pid)->peer_pid;
  ASSERT_TRUE(duinmeer.transfers.suspend(asked->own_pid, {"full", {}}));
  settle();
  const Timestamp later = waterrijk.clock.now() + std::chrono::minutes(15);
  ASSERT_TRUE(waterrijk.transfers.end_push(pid, later));
  EXPECT_TRUE(waterrijk.transfers.pushes(waterrijk.clock.now())->empty());
  ASSERT_TRUE(duinmeer.transfers.resume(asked->own_pid));
  settle();
  ASSERT_EQ(waterrijk.transfers.pushes(waterrijk.clock.now())->size(), 1U);
  EXPECT_LE(waterrijk.transfers.pushes(waterrijk.clock.now())->front().at, waterrijk.clock.now());
  EXPECT_EQ(waterrijk.transfers.begin_push(pid, [](std::uint32_t) { return Duration(); }).error().code, ErrorCode::invalid_state) << "nothing is sent";
  ASSERT_TRUE(waterrijk.transfers.end_push(pid, later));
  settle();
  EXPECT_EQ(duinmeer.transfers.show(asked->own_pid)->state, TransferState::completed);
}

TEST_F(World, WhatOpensAForeignReceiverIsKeptSealed) {
  const AgreementId agreement = agreed();
  const auto request = [&](const std::string& endpoint) {
    return R"({"@context":["https://w3id.org/dspace/2025/1/context.jsonld"],"@type":"TransferRequestMessage","consumerPid":"urn:t1","agreementId":")" + agreement.str() +
           R"(","format":"HttpData-PUSH","callbackAddress":"https://duinmeer.example/2025-1","dataAddress":{"@type":"DataAddress",
             "endpointType":"https://w3id.org/idsa/v4.1/HTTP","endpoint":")" + endpoint + R"(","endpointProperties":[
             {"@type":"EndpointProperty","name":"authorization","value":"the-secret-token"},{"@type":"EndpointProperty","name":"authType","value":"bearer"}]}})";
  };
  EXPECT_EQ(waterrijk.answer(duinmeer.id.str(), "POST", "/2025-1/transfers/request", request("https://parkwijs.example/inbox")).status, 400U);
  EXPECT_EQ(waterrijk.answer(duinmeer.id.str(), "POST", "/2025-1/transfers/request", request("https://duinmeer.example/inbox")).status, 201U);
  EXPECT_EQ(waterrijk.answer(duinmeer.id.str(), "POST", "/2025-1/transfers/request", request("https://duinmeer.example/inbox")).status, 201U) << "again";
  const auto listed = waterrijk.transfers.list(ProcessId(), 10);
  ASSERT_EQ(listed->size(), 1U);
  EXPECT_FALSE(listed->front().sealed_handle.empty());
  EXPECT_TRUE(waterrijk.store.scan("", "", [](std::string_view, std::string_view value) {
    EXPECT_EQ(value.find("the-secret-token"), std::string_view::npos);
    return true;
  }));
}

TEST_F(World, NoHandleStandsInTheStoreInClear) {
  const auto transfer = duinmeer.transfers.start(agreed());
  settle();
  const std::string handle = duinmeer.transfers.access(transfer->own_pid)->handle;
  for (Node* node : {&waterrijk, &duinmeer}) {
    EXPECT_TRUE(node->store.scan("", "", [&](std::string_view, std::string_view value) {
      EXPECT_EQ(value.find(handle), std::string_view::npos);
      return true;
    }));
  }
}

TEST_F(World, AHandleThatArrivedOpensTheDataBeforeItsStartIsConfirmed) {
  const auto transfer = duinmeer.transfers.start(agreed());
  duinmeer.drain();
  waterrijk.commits.refuse = false;
  waterrijk.net.faults = {Fault::lost_answer, Fault::never_sent, Fault::never_sent, Fault::never_sent};
  waterrijk.drain();
  const auto access = duinmeer.transfers.access(transfer->own_pid);
  ASSERT_TRUE(access);
  EXPECT_TRUE(waterrijk.transfers.find_by_handle(access->handle));
  settle();
  EXPECT_TRUE(waterrijk.transfers.find_by_handle(access->handle));
  EXPECT_EQ(waterrijk.transfers.show(duinmeer.transfers.show(transfer->own_pid)->peer_pid)->state,
            TransferState::started);
}

TEST_F(World, ACrashRightAfterAnAgreementsEndLosesNoReceipt) {
  const AgreementId agreement = agreed();
  settle();
  negotiation::Service service(
      {waterrijk.id},
      {waterrijk.commits, waterrijk.store, waterrijk.clock, waterrijk.random, waterrijk.terms, waterrijk.evidence,
       waterrijk.client, {}, [this](const negotiation::AgreementRecord&) { waterrijk.commits.refuse = true; },  // dead from here
       [](Commit& commit, const negotiation::AgreementRecord& record) {
         ASSERT_EQ(commit.entries.size(), 1U);  // the end's own entry is the first
         commit.messages.push_back({record.peer.str(), "end", "the receipt"});
       }});
  ASSERT_TRUE(service.terminate_agreement(agreement, {"council", {}}));
  const auto record = negotiation::read_agreement(waterrijk.store, agreement);
  EXPECT_FALSE(record->active());
  std::vector<std::string> queued;
  ASSERT_TRUE(waterrijk.store.scan(outbox::process_prefix(duinmeer.id.str(), "end"), "", [&](auto, std::string_view value) {
    queued.emplace_back(value);
    return true;
  }));
  EXPECT_EQ(queued, std::vector<std::string>{"the receipt"});
}

TEST_F(World, AnAgreementThatEndsWithItsNegotiationIsProvenToThePeer) {
  const ProcessId pid = ask();
  duinmeer.drain();
  waterrijk.drain();                             // the agreement
  waterrijk.net.faults = {Net::Fault::lost_answer};
  duinmeer.drain();                              // the verification; *finalized* is pending
  waterrijk.drain();                             // it arrives, and nobody here knows
  ASSERT_EQ(duinmeer.negotiations.show(pid)->state, State::finalized);
  int told = 0;
  negotiation::Service service(
      {waterrijk.id},
      {waterrijk.commits, waterrijk.store, waterrijk.clock, waterrijk.random, waterrijk.terms, waterrijk.evidence, waterrijk.client, {}, {},
       [&](Commit& commit, const negotiation::AgreementRecord& record) {
         ++told;
         EXPECT_EQ(commit.entries.at(0).kind, 12);  // the end's own entry is the first
         EXPECT_EQ(record.ended->by, waterrijk.id);
       }});
  ASSERT_TRUE(service.refuse(at_provider(pid).own_pid, {"no", {}}));
  EXPECT_EQ(told, 1);
}

TEST_F(World, AProofThatCameBeforeItsAgreementWasKnownEndsItWhenItComesAgain) {
  const std::string key = negotiation::agreement_key(agreed());
  const std::string bytes = duinmeer.store.get(key)->value();
  const AgreementId id = negotiation::decode_agreement(bytes)->id;
  Commit proof;
  proof.id = "received-1";
  proof.entries.push_back({99, {}, "the proof", {}});
  const auto comes = [&] { EXPECT_TRUE(duinmeer.negotiations.ended_by_peer(id, waterrijk.id, {"council", {}}, proof)); };
  ASSERT_TRUE(duinmeer.store.write({{key, std::nullopt}}, true));
  comes();
  comes();
  EXPECT_EQ(duinmeer.events(99).size(), 1U);
  ASSERT_TRUE(duinmeer.store.write({{key, bytes}}, true));
  comes();
  const auto ended = duinmeer.negotiations.agreement(id);
  ASSERT_TRUE(ended);
  ASSERT_TRUE(ended->ended) << "what was kept before is no reason to leave it running";
  EXPECT_EQ(ended->ended->by, waterrijk.id);
  comes();
  EXPECT_EQ(duinmeer.events(99).size(), 2U) << "the end has its proof, once";
}

TEST_F(World, WhatGoesWithAnAgreementsCommitGoesWithThatOfAnImportedOne) {
  negotiation::AgreementRecord paper = *duinmeer.negotiations.agreement(agreed());
  paper.id = AgreementId("urn:paper:1");
  paper.imported = negotiation::Imported{"on paper", {}};
  negotiation::Dependencies with{duinmeer.commits, duinmeer.store, duinmeer.clock, duinmeer.random, duinmeer.terms, duinmeer.evidence, duinmeer.client, {}, {}};
  with.prepare_agreement = [](Commit& commit, const negotiation::AgreementRecord& record) {
    commit.changes.push_back({"beside/" + record.id.str(), record.imported ? "imported" : "negotiated"});
    return std::string();
  };
  negotiation::Service service({duinmeer.id}, with);
  EXPECT_TRUE(service.import(paper, "the steward", {}));
  EXPECT_EQ(*duinmeer.store.get("beside/urn:paper:1"), "imported");
}

TEST_F(World, ARequestThatCannotBeJudgedNowIsNotAnsweredAndComesAgain) {
  waterrijk.terms.judging_fails = true;
  const ProcessId pid = ask();
  EXPECT_TRUE(duinmeer.drain());
  EXPECT_FALSE(duinmeer.negotiations.show(pid)->state) << "it did not arrive";
  EXPECT_TRUE(waterrijk.negotiations.list(ProcessId(), 10)->empty()) << "no person is asked about what nobody looked at";
  EXPECT_TRUE(waterrijk.commits.entries.empty());
  waterrijk.terms.judging_fails = false;
  settle();
  EXPECT_EQ(duinmeer.negotiations.show(pid)->state, State::finalized);
}

TEST_F(World, AnAgreementThatIsEndedTakesItsTransfersWithIt) {
  const AgreementId agreement = agreed();
  const auto transfer = duinmeer.transfers.start(agreement);
  settle();
  const std::string handle = duinmeer.transfers.access(transfer->own_pid)->handle;
  ASSERT_TRUE(waterrijk.negotiations.terminate_agreement(agreement, {"council", {"the council decided so"}}));
  EXPECT_FALSE(waterrijk.transfers.find_by_handle(handle));
  EXPECT_FALSE(waterrijk.negotiations.terminate_agreement(agreement, {"again", {}}));
  settle();
  const auto ended = duinmeer.transfers.show(transfer->own_pid);
  EXPECT_EQ(ended->state, TransferState::terminated);
  EXPECT_EQ(ended->reason->code, "council");
  EXPECT_EQ(waterrijk.events(12), std::vector<std::string>{"council"});
  const auto refused = duinmeer.transfers.start(agreement);
  settle();
  const auto shown = duinmeer.transfers.show(refused->own_pid);
  EXPECT_EQ(shown->state, TransferState::terminated);
  EXPECT_NE(shown->reason->sentences.at(0).find("council decided"), std::string::npos);
}

TEST_F(World, TransfersOfAnAgreementThatEndedJustBeforeAStopAreEndedAtStart) {
  const AgreementId agreement = agreed();
  const auto transfer = duinmeer.transfers.start(agreement);
  settle();
  auto record = *waterrijk.negotiations.agreement(agreement);
  record.ended = negotiation::AgreementEnd{waterrijk.id, waterrijk.clock.now(), {"stop", {}}};
  ASSERT_TRUE(waterrijk.store.write({{negotiation::agreement_key(agreement), encode(record)}}, true));
  ASSERT_TRUE(waterrijk.transfers.recover());
  settle();
  EXPECT_EQ(duinmeer.transfers.show(transfer->own_pid)->state, TransferState::terminated);
}

TEST_F(World, AStartLooksAtTheAgreementsThatAreEndingAndNotAtAll) {
  const AgreementId agreement = agreed();
  const auto transfer = duinmeer.transfers.start(agreement);
  settle();
  ASSERT_TRUE(waterrijk.transfers.recover());  // through all of them, once
  negotiation::Service service({waterrijk.id}, {waterrijk.commits, waterrijk.store, waterrijk.clock, waterrijk.random, waterrijk.terms,
                                                waterrijk.evidence, waterrijk.client, {}, {}});  // ends there
  ASSERT_TRUE(service.terminate_agreement(agreement, {"stop", {}}));
  ASSERT_TRUE(waterrijk.store.write({{std::string(negotiation::kAgreementPrefix) + "none", "unreadable"}}, true));
  ASSERT_TRUE(waterrijk.transfers.recover());
  settle();
  EXPECT_EQ(duinmeer.transfers.show(transfer->own_pid)->state, TransferState::terminated);
  EXPECT_FALSE(waterrijk.store.get(negotiation::ending_key(agreement))->has_value()) << "nothing is left to look at";
}

TEST_F(World, AnAnswerToAReadThatSaysNotNowIsNoSilence) {
  const ProcessId pid = ask();
  settle();
  const negotiation::Negotiation known = duinmeer.negotiations.show(pid).value();
  http::PeerResponse answer;
  duinmeer.net.instead = [&](const http::PeerRequest&) { return std::optional(answer); };
  for (const unsigned status : {200, 302, 409, 425}) {
    answer = {status, {}, R"({"state": "DREAMT"})"};
    const outbox::PeerView view = duinmeer.client.read(known);
    EXPECT_EQ(view.kind, outbox::PeerView::Kind::failed) << status;
    EXPECT_TRUE(view.answered) << status;
  }
  for (const unsigned status : {408, 429, 503}) {
    answer = {status, {}, ""};
    EXPECT_FALSE(duinmeer.client.read(known).answered) << status;
  }
}

TEST_F(World, AResumptionThatIsNeverDeliveredDoesNotHoldTheTransferForEver) {
  const auto transfer = duinmeer.transfers.start(agreed());
  settle();
  const ProcessId pid = duinmeer.transfers.show(transfer->own_pid)->peer_pid;
  ASSERT_TRUE(waterrijk.transfers.suspend(pid, {"maintenance", {}}));
  settle();
  ASSERT_TRUE(waterrijk.transfers.resume(pid));
  EXPECT_FALSE(waterrijk.transfers.resume(pid));
  std::string key;
  outbox::Envelope envelope;
  ASSERT_TRUE(waterrijk.store.scan(outbox::kPrefix, "", [&](std::string_view found, std::string_view value) {
    key = found;
    envelope = outbox::decode_envelope(value).value();
    return false;
  }));
  Commit dropped;
  dropped.changes.push_back({key, std::nullopt});
  ASSERT_TRUE(waterrijk.transfers.forget(pid, "another message", dropped));
  EXPECT_FALSE(waterrijk.store.get(key)->has_value());
  EXPECT_TRUE(waterrijk.transfers.show(pid)->pending) << "it waits for another";
  ASSERT_TRUE(waterrijk.transfers.forget(pid, envelope.id, dropped));
  EXPECT_FALSE(waterrijk.transfers.show(pid)->pending);
  ASSERT_TRUE(waterrijk.transfers.resume(pid));
  settle();
  EXPECT_EQ(waterrijk.transfers.show(pid)->state, TransferState::started);
}

TEST_F(World, WhatADeliveryCameToSaysWhetherThePeerAnswered) {
  const ProcessId pid = ask();
  std::string key, bytes;
  ASSERT_TRUE(duinmeer.store.scan(outbox::kPrefix, "", [&](std::string_view found, std::string_view value) {
    key = found;
    bytes = value;
    return false;
  }));
  const outbox::OutboxItem item{key, waterrijk.id.str(), pid.str(), 1, false};
  const outbox::Envelope envelope = outbox::decode_envelope(bytes).value();
  EXPECT_EQ(envelope.queued, duinmeer.clock.now());
  const auto deliver = [&] { return duinmeer.negotiations.deliver(item, envelope, duinmeer.clock.now()); };
  duinmeer.net.faults = {Net::Fault::lost_answer};
  EXPECT_EQ(deliver().verdict, outbox::Verdict::away);
  const std::string record = duinmeer.store.get(negotiation::negotiation_key(pid))->value();
  ASSERT_TRUE(duinmeer.store.write({{negotiation::negotiation_key(pid), "unreadable"}}, true));
  const outbox::Delivered dead = deliver();
  EXPECT_EQ(dead.verdict, outbox::Verdict::dead);
  EXPECT_EQ(dead.reason.code, "process-unreadable");
  ASSERT_TRUE(duinmeer.store.write({{negotiation::negotiation_key(pid), record}}, true));
  EXPECT_EQ(deliver().verdict, outbox::Verdict::done);
  EXPECT_EQ(deliver().verdict, outbox::Verdict::dropped) << "it is not what the process waits for any more";
}

}  // namespace
}  // namespace sluis::test
