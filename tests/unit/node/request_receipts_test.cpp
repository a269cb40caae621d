#include "tests/unit/node/request_receipts.hpp"

namespace sluis::test {
namespace {

TEST_F(RequestReceiptsTest, AnAcknowledgementIsRecordedOnceAndGetsTheProofsEachTime) {
  ASSERT_TRUE(decide("t1", true));
  release("t1");
  const std::string receipt = acknowledgement("t1");
  for (int time = 0; time < 2; ++time) {
    const json::Array results = acknowledge(receipt);
    ASSERT_EQ(state(results), "proven");
    EXPECT_TRUE(proven(results[0], "decision").decision().permit());
    EXPECT_EQ(proven(results[0], "end").transaction(), "t1");
    EXPECT_EQ(proven(results[0], "end").bytes(), 2U);
  }
  const auto taken = entries_of(EntryKind::receipt);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].shared.event(), "received");
  EXPECT_EQ(taken[0].shared.counterparty(), kDuinmeer);
  EXPECT_EQ(taken[0].shared.transaction(), "t1");
  EXPECT_EQ(taken[0].shared.end(), "complete");
  EXPECT_FALSE(taken[0].shared.peer_checkpoint().empty());
  EXPECT_EQ(*receipts_.kept(ParticipantId(kDuinmeer), "t1"), Names{receipt});
  EXPECT_EQ(receipts_.taken(), 1U);
  after(std::chrono::days(40));
  EXPECT_EQ(missing(), Names());
  EXPECT_EQ(state(acknowledge(receipt)), "proven") << "who lost the answer asks again";
  after(std::chrono::days(21));
  EXPECT_EQ(keys_under("released/") + keys_under("receipt-due/"), 0U) << "nothing is left of what was taken";
  EXPECT_EQ(state(acknowledge(receipt)), "unknown");
  EXPECT_EQ(receipts_.kept(ParticipantId(kDuinmeer), "t1")->size(), 1U);
  const auto again = decide("t1", true);
  ASSERT_FALSE(again) << "its name is not free while a proof is held under it";
  EXPECT_TRUE(again.error().code == ErrorCode::conflict && again.error().place.pointer.ends_with(condition_));
}

TEST_F(RequestReceiptsTest, WhatHasNotEndedIsEarlyAndWhatNeverBeganIsUnknown) {
  ASSERT_TRUE(decide("t1", true));
  EXPECT_EQ(state(acknowledge(acknowledgement("t1"))), "early");
  EXPECT_EQ(state(acknowledge(acknowledgement("t2"))), "unknown");
  release("t1");
  const json::Array results = acknowledge(acknowledgement("t1") + "," + acknowledgement("t2"));
  EXPECT_EQ(state(results, 0), "proven");
  EXPECT_EQ(state(results, 1), "unknown");
}

TEST_F(RequestReceiptsTest, ARefusalIsProvenAndNothingMoreIsRecorded) {
  ASSERT_TRUE(decide("t1", false));
  const json::Array results = acknowledge(acknowledgement("t1", "refused", ""));
  ASSERT_EQ(state(results), "proven");
  EXPECT_FALSE(proven(results[0], "decision").decision().permit());
  EXPECT_EQ(results[0].find("end"), nullptr);
  EXPECT_TRUE(entries_of(EntryKind::receipt).empty());
  after(std::chrono::days(61));
  EXPECT_EQ(missing(), Names());
  EXPECT_EQ(keys_under("released/") + keys_under("receipt-due/"), 0U);
}

TEST_F(RequestReceiptsTest, ARequestIsNamedOnce) {
  ASSERT_TRUE(decide("t1", true));
  const std::string name = condition_;
  EXPECT_TRUE(decide("t2", true));
  EXPECT_NE(condition_, name);
  const auto again = decide("t1", true);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
  EXPECT_NE(condition_, "");
  EXPECT_TRUE(again.error().place.pointer.ends_with(condition_));
}

TEST_F(RequestReceiptsTest, OfAPartyWithoutEvidenceNothingIsExpected) {
  ASSERT_TRUE(decide("t1", true, kStranger));
  EXPECT_EQ(condition_, "");
  pull("t2", "complete", "12", kStranger);
  EXPECT_EQ(keys_under("released/") + keys_under("pulled/") + keys_under("receipt-due/") + keys_under(outbox::kPrefix), 0U);
}

TEST_F(RequestReceiptsTest, AnEndThatIsNeverReadIsMissingInItsTime) {
  ASSERT_TRUE(decide("t1", true));
  after(std::chrono::hours(23));
  EXPECT_EQ(missing(), Names());
  after(std::chrono::hours(2));
  EXPECT_EQ(missing(), Names{"missing t1"});
  EXPECT_EQ(state(acknowledge(acknowledgement("t1"))), "gone") << "this node can prove no end";
  after(std::chrono::days(31));
  EXPECT_EQ(keys_under("released/") + keys_under("receipt-due/"), 0U);
  EXPECT_EQ(missing().size(), 1U);
}

TEST_F(RequestReceiptsTest, WhatStillRunsIsNotMissing) {
  ASSERT_TRUE(decide("t1", true));
  Commit commit;
  gate::OpenProcess process;
  process.shared = decision("t1", true);
  const std::string key = gate::open_process_key(gate::kReleasePrefix, random_);
  ASSERT_TRUE(gate::keep_open(key, process, store_, keys_, clock_.now(), random_, commit));
  ASSERT_TRUE(commits_.commit_and_wait(std::move(commit)));
  after(std::chrono::hours(30));
  EXPECT_EQ(missing(), Names()) << "a long stream";
  release("t1");
  EXPECT_EQ(keys_under("receipt-due/"), 1U);
  EXPECT_EQ(state(acknowledge(acknowledgement("t1"))), "proven");
}

TEST_F(RequestReceiptsTest, AfterABackupWasPutBackNothingOfBeforeIsCalledMissing) {
  ASSERT_TRUE(decide("t1", true));
  release("t1");
  clock_.advance(std::chrono::hours(23));
  Commit begun;
  begun.entries.push_back(writer_.plain_entry(EntryKind::log_begun, "begun", R"({"found":"it was restored from a backup"})"));
  const auto recovered = commits_.commit_and_wait(std::move(begun));
  ASSERT_TRUE(recovered);
  const provenance::LogReader log(store_, keys_, {{0, "waterrijk.example/log", 0, {}, {}}, {1, "waterrijk.example/log/2", recovered->first_entry, {}, {}}});
  const node::EvidenceDependencies with{commits_, store_, keys_, log, sequencer_, directory_, clock_, random_, writer_, transport_, with_.authenticate, {}, {}, {}, &mistakes_};
  const node::EvidenceChannel channel{ParticipantId(kWaterrijk), with};
  node::RequestReceipts receipts{{ParticipantId(kWaterrijk)}, with, channel, [](std::string_view, std::string_view) {}};
  clock_.advance(std::chrono::hours(2));
  ASSERT_TRUE(receipts.on_timer());
  EXPECT_EQ(missing(), Names()) << "the other party has its time again";
  clock_.advance(std::chrono::hours(23));
  ASSERT_TRUE(receipts.on_timer());
  EXPECT_EQ(missing(), Names{"restored t1"});
  EXPECT_EQ(receipts.missing(), 0U) << "nobody knows";
  EXPECT_EQ(entries_of(EntryKind::receipt_missing).at(0).shared.decision().code(), "receipt.restored");
}

TEST_F(RequestReceiptsTest, AForgedOrForeignAcknowledgementIsRefusedAndLeavesTheOthersAlone) {
  ASSERT_TRUE(decide("t1", true));
  release("t1");
  const v1::Shared end = ended("t1", kDuinmeer, kWaterrijk);
  provenance::Receipt forged = theirs_.append(EntryKind::received, {}, end, clock_.now());
  forged.shared = ended("t1", kDuinmeer, kWaterrijk, "complete", "another").SerializeAsString();
  forged.checkpoint.clear();
  EXPECT_EQ(state(acknowledge(strange_.append(EntryKind::received, {}, end, clock_.now()).to_json())), "early")
      << "a newer list may have that log";
  EXPECT_NE(state(acknowledge(forged.to_json())), "proven");
  forged = theirs_.append(EntryKind::received, {}, end, clock_.now());
  forged.k = std::string(32, 'k');
  const std::string others[] = {forged.to_json(), proof_of(end, EntryKind::stream_end), proof_of(ended("t1", kDuinmeer, kStranger), EntryKind::received),
                                proof_of(ended("t1", kStranger, kWaterrijk), EntryKind::received), "{}", "7"};
  for (const std::string& other : others) {
    const json::Array results = acknowledge(other);
    EXPECT_EQ(state(results), "refused") << other.substr(0, 100);
    EXPECT_TRUE(json::required_string(results[0], "reason"));
  }
  EXPECT_TRUE(entries_of(EntryKind::receipt).empty());
  EXPECT_EQ(keys_under(node::kRequestReceiptsPrefix), 0U);
  EXPECT_EQ(state(acknowledge("7," + acknowledgement("t1")), 1), "proven");

  for (const std::string body : {"", "{", "[]", "{}", R"({"receipts":{}})", R"({"receipts":[]})"}) EXPECT_EQ(post(body).status, 400U) << body;
  std::string many = R"({"receipts":[7)";
  for (int i = 0; i < 32; ++i) many += ",7";
  EXPECT_EQ(post(many + "]}").status, 400U) << "33 are too many";
  caller_.clear();
  EXPECT_EQ(post(R"({"receipts":[7]})").status, 404U);
}

TEST_F(RequestReceiptsTest, WhoSaysTheSameTwiceInOneMessageIsHeardOnce) {
  ASSERT_TRUE(decide("t1", true));
  release("t1");
  const std::string receipt = acknowledgement("t1");
  const json::Array results = acknowledge(receipt + "," + receipt + "," + acknowledgement("t1"));
  EXPECT_EQ(state(results, 0), "proven");
  EXPECT_EQ(state(results, 1), "early");
  EXPECT_EQ(state(results, 2), "early");
  EXPECT_EQ(entries_of(EntryKind::receipt).size(), 1U);
}

TEST_F(RequestReceiptsTest, OfWhoMakesTooManyMistakesNothingMoreIsLookedAt) {
  ASSERT_TRUE(decide("t1", true));
  release("t1");
  std::string many = "7";
  for (int i = 0; i < 30; ++i) many += ",7";
  for (int i = 0; i < 7; ++i) acknowledge(many);  // 217
  const json::Array results = acknowledge(many + "," + acknowledgement("t1"));
  EXPECT_EQ(state(results, 0), "refused");
  EXPECT_EQ(state(results, 31), "early") << "it made its 240 mistakes";
  clock_.advance(std::chrono::minutes(5));
  EXPECT_EQ(state(acknowledge(acknowledgement("t1"))), "proven");
}

TEST_F(RequestReceiptsTest, AReceiptIsSealedAnewWhereAnErasureGaveTheMonthAnotherKey) {
  ASSERT_TRUE(decide("t1", true));
  release("t1");
  const std::string receipt = acknowledgement("t1");
  commits_.before_commit = [this] { ASSERT_TRUE(store_.write({{std::string(gate::kPayloadEpoch), "another"}}, true)); };
  EXPECT_EQ(state(acknowledge(receipt)), "proven");
  EXPECT_EQ(commits_.waiting, 4) << "the decision, the end, and it twice";
  EXPECT_EQ(entries_of(EntryKind::receipt).size(), 1U);
}

TEST_F(RequestReceiptsTest, AnAcknowledgementThatCannotBeRecordedIsAskedAgain) {
  ASSERT_TRUE(decide("t1", true));
  release("t1");
  const std::string receipt = acknowledgement("t1");
  commits_.refuse = true;
  EXPECT_EQ(post(R"({"receipts":[)" + receipt + "]}").status, 503U);
  commits_.refuse = false;
  EXPECT_EQ(state(acknowledge(receipt)), "proven");
  EXPECT_EQ(entries_of(EntryKind::receipt).size(), 1U);
}

TEST_F(RequestReceiptsTest, WhatBothSidesSayIsHeldAgainstEachOther) {
  const struct {
    std::string sent, sent_body, got, got_body;
    bool fits;
  } cases[] = {{"complete", "12", "complete", "12", true},  {"complete", "12", "complete", "13", false}, {"complete", "12", "cut", "1", true},
               {"cut", "1", "cut", "1", true},              {"cut", "1", "complete", "1", false},        {"unknown", "", "complete", "12", true},
               {"complete", "12", "cut", "12", true},       {"complete", "12", "cut", "13", false},      {"complete", "12", "cut", "123", false},
               {"complete", "12", "failed", "", true}};
  int number = 0;
  for (const auto& one : cases) {
    const std::string transaction = "t" + std::to_string(++number);
    SCOPED_TRACE(one.sent + " " + one.sent_body + ", " + one.got + " " + one.got_body);
    ASSERT_TRUE(decide(transaction, true));
    release(transaction, one.sent, one.sent_body);
    const std::size_t before = missing().size();
    EXPECT_EQ(state(acknowledge(acknowledgement(transaction, one.got, one.got_body))), "proven");
    EXPECT_EQ(missing().size() - before, one.fits ? 0U : 1U);
  }
  EXPECT_EQ(missing().front(), "contradicts t2");
  EXPECT_EQ(receipts_.missing(), missing().size());
  EXPECT_EQ(receipts_.taken(), std::size(cases) - missing().size());
}

TEST_F(RequestReceiptsTest, BothSpeakOfOneRequestForOnePurpose) {
  const auto other = [&](auto change) {
    ASSERT_TRUE(decide("t" + std::to_string(++named_), true));
    release("t" + std::to_string(named_));
    v1::Shared said = ended("t" + std::to_string(named_), kDuinmeer, kWaterrijk);
    change(said);
    EXPECT_EQ(state(acknowledge(proof_of(said, EntryKind::received))), "proven");
    EXPECT_EQ(missing().size(), static_cast<std::size_t>(named_));
  };
  other([](v1::Shared& said) { said.set_purpose("https://w3id.org/dpv#Marketing"); });
  other([](v1::Shared& said) { said.set_agreement("urn:agreement:2"); });
  other([](v1::Shared& said) { said.set_dataset("urn:waterrijk:another"); });
}

TEST_F(RequestReceiptsTest, WhatStaysAwayIsAnEntryAfterItsTimeAndMayStillCome) {
  ASSERT_TRUE(decide("t1", true));
  ASSERT_TRUE(decide("t2", true));
  release("t1");
  after(std::chrono::hours(23));
  release("t2");
  EXPECT_EQ(missing(), Names());
  after(std::chrono::hours(2));
  EXPECT_EQ(missing(), Names{"missing t1"});
  const auto entry = entries_of(EntryKind::receipt_missing).at(0);
  EXPECT_EQ(entry.shared.counterparty(), kDuinmeer);
  EXPECT_EQ(entry.shared.agreement(), "urn:agreement:1");
  EXPECT_EQ(entry.shared.decision().code(), "receipt.missing");
  EXPECT_EQ(receipts_.missing(), 1U);
  after(std::chrono::hours(1));
  EXPECT_EQ(missing().size(), 1U) << "once";
  EXPECT_EQ(state(acknowledge(acknowledgement("t1"))), "proven") << "late";
  EXPECT_EQ(entries_of(EntryKind::receipt).size(), 1U);
  after(std::chrono::hours(24));
  EXPECT_EQ(missing(), (Names{"missing t1", "missing t2"}));
  after(std::chrono::days(61));
  EXPECT_EQ(keys_under("released/") + keys_under("receipt-due/"), 0U);
  EXPECT_EQ(missing().size(), 2U);
}

TEST_F(RequestReceiptsTest, TheTimerSaysWhenItHasWorkNext) {
  EXPECT_EQ(*receipts_.on_timer(), std::nullopt);
  ASSERT_TRUE(decide("t1", true));
  release("t1");
  const Timestamp due = clock_.now() + std::chrono::hours(24);
  EXPECT_EQ(*receipts_.on_timer(), std::optional(due));
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(decide("more" + std::to_string(i), true));
    release("more" + std::to_string(i));
  }
  clock_.advance(std::chrono::hours(25));
  EXPECT_EQ(*receipts_.on_timer(), std::optional(clock_.now())) << "there is more";
  EXPECT_EQ(missing().size(), 64U);
  EXPECT_TRUE(receipts_.on_timer());
  EXPECT_EQ(missing().size(), 101U);
}

TEST_F(RequestReceiptsTest, WhatIsDamagedHoldsUpNothingElse) {
  for (int i = 0; i < 70; ++i) {
    const std::string key = std::string(node::kReleased) + "damaged" + std::to_string(i);
    ASSERT_TRUE(store_.write({{key, "{"}, {node::receipt_due_key(clock_.now(), key), ""}}, true));
  }
  ASSERT_TRUE(decide("t1", true));
  release("t1");
  after(std::chrono::hours(24));
  after(Duration(0));
  EXPECT_EQ(missing(), Names{"missing t1"});
  EXPECT_EQ(keys_under("receipt-due/"), 71U) << "it is looked at again";
}

TEST_F(RequestReceiptsTest, AConsumerSendsWhatItGotAndKeepsTheProofs) {
  pull("t1");
  pull("t2");
  EXPECT_EQ(notified_, (Names{kDuinmeer, kDuinmeer}));
  they_answer(proven_by_them("t1") + "," + proven_by_them("t2"));
  const outbox::Delivered done = deliver();
  EXPECT_EQ(done.verdict, Verdict::done);
  EXPECT_EQ(done.also, 1U) << "both went in one message";
  EXPECT_EQ(transport_.asked.url, "https://duinmeer.example:8443/base/evidence/v1/acknowledgements");
  EXPECT_EQ(sent(), 2U);
  EXPECT_EQ(keys_under(outbox::kPrefix) + keys_under("pulled/") + keys_under("receipt-due/"), 0U);
  const auto kept = receipts_.kept(ParticipantId(kDuinmeer), "t2");
  ASSERT_EQ(kept->size(), 2U);
  const auto end = provenance::Receipt::from_json(kept->back());
  EXPECT_EQ(end->leaf.kind, static_cast<std::uint8_t>(EntryKind::stream_end));
  after(std::chrono::hours(25));
  EXPECT_EQ(missing(), Names());
}

TEST_F(RequestReceiptsTest, WhatIsEarlyWaitsAndTheOthersDoNot) {
  pull("t1");
  pull("t2");
  they_answer(R"({"state":"early"},)" + proven_by_them("t2"));
  const outbox::Delivered first = deliver();
  EXPECT_EQ(first.verdict, Verdict::retry);
  EXPECT_EQ(first.also, 1U);
  EXPECT_EQ(keys_under(outbox::kPrefix), 1U);
  they_answer(proven_by_them("t1"));
  EXPECT_EQ(deliver().verdict, Verdict::done);
  EXPECT_EQ(keys_under(outbox::kPrefix), 0U);
}

TEST_F(RequestReceiptsTest, WhatAProviderDoesNotProveIsAnEntry) {
  const auto with = [](std::string result, const std::string& from, const std::string& to) {
    const auto at = result.find(from);
    return at == std::string::npos ? result : result.replace(at, from.size(), to);
  };
  const std::string only_decision = R"({"state":"proven","decision":)" + proof_of(decision("t4", true, kDuinmeer, kWaterrijk), EntryKind::decision) + "}";
  const std::string refusal = R"({"state":"proven","decision":)" + proof_of(decision("t5", false, kDuinmeer, kWaterrijk), EntryKind::decision) +
                              R"(,"end":)" + proof_of(ended("t5", kDuinmeer, kWaterrijk), EntryKind::stream_end) + "}";
  const struct {
    std::string transaction, result, event;
  } cases[] = {{"t1", R"({"state":"unknown"})", "unknown"},   {"t2", R"({"state":"gone"})", "gone"},
               {"t3", R"({"state":"refused","reason":"no"})", "refused"}, {"t4", only_decision, "contradicts"},
               {"t5", refusal, "contradicts"},                 {"t6", proven_by_them("t6", "complete", "13"), "contradicts"},
               {"t7", proven_by_them("another"), "refused"}, {"t8", with(proven_by_them("t8"), "\"k\":\"", "\"k\":\"AAAA"), "refused"},
               {"t9", "{}", "refused"},                         {"t10", R"({"state":"proven"})", "refused"},
               {"t11", "7", "refused"}};
  for (const auto& one : cases) {
    pull(one.transaction);
    they_answer(one.result);
    EXPECT_EQ(deliver().verdict, Verdict::done) << one.transaction;
    ASSERT_FALSE(missing().empty()) << one.transaction;
    EXPECT_EQ(missing().back(), one.event + " " + one.transaction);
  }
  EXPECT_EQ(missing().size(), std::size(cases));
  EXPECT_EQ(receipts_.missing(), std::size(cases));
  EXPECT_EQ(receipts_.taken(), 0U);
  EXPECT_EQ(receipts_.kept(ParticipantId(kDuinmeer), "t6")->size(), 2U) << "they prove the contradiction";
  EXPECT_EQ(receipts_.kept(ParticipantId(kDuinmeer), "t7")->size(), 0U) << "of another request";
  EXPECT_EQ(keys_under(outbox::kPrefix) + keys_under("pulled/") + keys_under("receipt-due/"), 0U);
}

TEST_F(RequestReceiptsTest, WhereNothingCameTheProviderNeedNotKnow) {
  for (const std::string result : {R"({"state":"unknown"})", R"({"state":"gone"})"}) {
    pull("t1", "failed", "");
    they_answer(result);
    EXPECT_EQ(deliver().verdict, Verdict::done);
  }
  pull("t2", "refused", "");
  they_answer(R"({"state":"proven","decision":)" + proof_of(decision("t2", false, kDuinmeer, kWaterrijk), EntryKind::decision) + "}");
  EXPECT_EQ(deliver().verdict, Verdict::done);
  EXPECT_EQ(receipts_.kept(ParticipantId(kDuinmeer), "t2")->size(), 1U) << "the refusal is proven";
  pull("t3", "failed", "");
  after(std::chrono::hours(25));
  EXPECT_EQ(missing(), Names());
  they_answer(R"({"state":"unknown"})");
  EXPECT_EQ(deliver().verdict, Verdict::done);
  pull("t4", "unknown", "");
  after(std::chrono::hours(25));
  EXPECT_EQ(missing(), Names{"missing t4"}) << "this node crashed: something may have come";
}

TEST_F(RequestReceiptsTest, AProofOfALogThatTheListDoesNotHaveYetWaits) {
  pull("t1");
  const auto of_strange = [&](const v1::Shared& shared, EntryKind kind) { return strange_.append(kind, {}, shared, clock_.now()).to_json(); };
  they_answer(R"({"state":"proven","decision":)" + of_strange(decision("t1", true, kDuinmeer, kWaterrijk), EntryKind::decision) + R"(,"end":)" +
              of_strange(ended("t1", kDuinmeer, kWaterrijk), EntryKind::stream_end) + "}");
  EXPECT_EQ(deliver().verdict, Verdict::retry);
  EXPECT_EQ(missing(), Names());
  federation_.list.parties[0].log_origins.push_back({strange_.name, strange_.vkey(), {federation_.list.issued, {}}});
  ++federation_.list.version;
  ASSERT_TRUE(directory_.load(federation_.envelope(), clock_.now(), true));
  EXPECT_EQ(deliver().verdict, Verdict::done);
  EXPECT_EQ(missing(), Names());
  EXPECT_EQ(receipts_.kept(ParticipantId(kDuinmeer), "t1")->size(), 2U);
  EXPECT_EQ(receipts_.taken(), 1U);
}

TEST_F(RequestReceiptsTest, TheTimeThatIsOverMeanwhileCountsOnce) {
  pull("t1");
  they_answer(R"({"state":"unknown"})");
  commits_.before_commit = [this] {
    clock_.advance(std::chrono::hours(25));
    ASSERT_TRUE(receipts_.on_timer());
  };
  EXPECT_EQ(deliver().verdict, Verdict::retry_uncertain);
  EXPECT_EQ(missing(), Names{"missing t1"});
  EXPECT_EQ(deliver().verdict, Verdict::done);
  EXPECT_EQ(missing().size(), 1U);
}

TEST_F(RequestReceiptsTest, EachRoleKeepsItsOwnProofsUnderOneName) {
  pull("t1");
  they_answer(proven_by_them("t1"));
  EXPECT_EQ(deliver().verdict, Verdict::done);
  ASSERT_TRUE(decide("t1", true)) << "the other party names its own request so";
  release("t1");
  EXPECT_EQ(state(acknowledge(acknowledgement("t1"))), "proven");
  EXPECT_EQ(receipts_.kept(ParticipantId(kDuinmeer), "t1")->size(), 3U);
}

TEST_F(RequestReceiptsTest, APeerThatDoesNotAnswerIsAwayAndOneThatTakesNoneIsTriedLater) {
  pull("t1");
  for (const unsigned status : {429, 500, 503}) {
    transport_.answer = {status, {}, ""};
    EXPECT_EQ(deliver().verdict, Verdict::away) << status;
  }
  for (const auto& [status, body] : {std::pair(403U, "nothing"), std::pair(200U, "<html>"), std::pair(200U, R"({"results":[]})"),
                                     std::pair(200U, R"({"results":7})"), std::pair(400U, "{}")}) {
    transport_.answer = {status, {}, body};
    EXPECT_EQ(deliver().verdict, Verdict::retry) << status << body;
  }
  commits_.refuse = true;
  they_answer(proven_by_them("t1"));
  EXPECT_EQ(deliver().verdict, Verdict::retry_uncertain);
  commits_.refuse = false;
  after(std::chrono::hours(25));
  EXPECT_EQ(missing(), Names{"missing t1"});
  they_answer(proven_by_them("t1"));
  EXPECT_EQ(deliver().verdict, Verdict::done) << "late";
  ASSERT_EQ(entries_of(EntryKind::receipt).size(), 1U);
  EXPECT_EQ(entries_of(EntryKind::receipt)[0].shared.event(), "late");
  EXPECT_EQ(receipts_.kept(ParticipantId(kDuinmeer), "t1")->size(), 2U);
}

TEST_F(RequestReceiptsTest, WhatNobodyAwaitsAnyMoreLeavesTheOutbox) {
  pull("t1");
  after(std::chrono::hours(25));
  after(std::chrono::days(31));
  EXPECT_EQ(keys_under("pulled/") + keys_under("receipt-due/"), 0U);
  EXPECT_EQ(deliver().verdict, Verdict::dropped);
  EXPECT_EQ(transport_.asked.url, "") << "it was not sent";
  EXPECT_EQ(keys_under(outbox::kPrefix), 0U);
}

TEST_F(RequestReceiptsTest, WhatStaysEarlyHoldsUpNothingBehindIt) {
  for (int i = 0; i < 40; ++i) pull("t" + std::to_string(i));
  const auto early = [&](std::size_t count) {
    std::string results = R"({"state":"early"})";
    for (std::size_t i = 1; i < count; ++i) results += R"(,{"state":"early"})";
    they_answer(results);
    EXPECT_EQ(deliver().verdict, Verdict::retry);
    EXPECT_EQ(sent(), count);
  };
  early(32);
  early(9);  // the first one, and those behind
  early(32);
}

TEST_F(RequestReceiptsTest, OneMessageHasItsBound) {
  for (int i = 0; i < 40; ++i) pull("t" + std::to_string(i));
  std::string results = R"({"state":"gone"})";
  for (int i = 1; i < 32; ++i) results += R"(,{"state":"gone"})";
  they_answer(results);
  EXPECT_EQ(deliver().also, 31U);
  EXPECT_EQ(sent(), 32U);
  EXPECT_EQ(keys_under(outbox::kPrefix), 8U);
}

}  // namespace
}  // namespace sluis::test
