#include "connector/node/pruning.hpp"

#include "connector/gate/evidence.hpp"
#include "connector/negotiation/agreement.hpp"
#include "connector/node/known_request.hpp"
#include "connector/provenance/export.hpp"
#include "connector/provenance/receipt.hpp"
#include "connector/storage/memory_store.hpp"
#include "tests/support/doubles.hpp"
#include "tests/support/vectors.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>

namespace sluis::node {
namespace {

using provenance::EntryKind;

/// Appends to the newest log, as a sequencer does; of the commits that it is given, as many as it may.
struct Port final : CommitPort {
  Port(storage::MemoryStore& to, provenance::PayloadKeys& keys, Random& random, const Clock& at) : store(to), appender(keys, random), clock(at) {}
  void submit(Commit, Completion) override {}
  Result<CommitReceipt> commit_and_wait(Commit commit) override {
    if (left == 0) return Error(ErrorCode::storage_unavailable, "killed");
    --left;
    SLUIS_CHECK(appender.recover(store));
    CommitReceipt receipt;
    receipt.first_entry = appender.next();
    std::vector<storage::Change> changes = std::move(commit.changes);
    for (const EntryDraft& draft : commit.entries) SLUIS_CHECK(appender.append(draft, clock.now(), changes));
    if (!commit.entries.empty()) appender.seal(clock.now(), changes);
    SLUIS_CHECK(store.write(changes, true));
    if (!commit.id.empty()) entries[commit.id] = receipt.first_entry;
    return receipt;
  }
  storage::MemoryStore& store;
  provenance::LogAppender appender;
  const Clock& clock;
  int left = 1'000'000;
  std::map<std::string, std::uint64_t> entries;
};

/// Two logs; the first has 3000 entries. Entry 10 publishes what is still on offer, 20 is about an agreement that runs, 2999 is its last.
class PruningTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kFirst = 3000;
  void SetUp() override {
    negotiation::AgreementRecord record;
    record.id = AgreementId("urn:runs");
    record.peer = ParticipantId("did:web:duinmeer.example");
    record.offer_hash = crypto::sha256("imported");
    ASSERT_TRUE(store_.write({{std::string(negotiation::kAgreementPrefix) + "urn:runs", negotiation::encode(record)}}, true));
    for (std::uint64_t i = 0; i < kFirst; i += 100) {
      Commit commit;
      for (std::uint64_t at = i; at < i + 100; ++at) {
        v1::Shared shared;
        gate::set_time(shared, clock_.now());
        shared.set_agreement(at == 20 ? "urn:runs" : "urn:over");
        shared.set_counterparty("did:web:duinmeer.example");
        if (at == 30) shared.set_transaction("sent");
        if (at == 31) shared.set_transaction("got");
        const EntryKind kind = at == 10 || at == 11 ? EntryKind::published
                               : at == 30           ? EntryKind::stream_end
                               : at == 31           ? EntryKind::received
                                                    : EntryKind::agreement;
        commit.entries.push_back(gate::make_entry(kind, at == 10 ? offer_ : at == 11 ? crypto::sha256("retracted") : Hash{}, shared, {}));
      }
      ASSERT_TRUE(port_.commit_and_wait(std::move(commit)));
    }
    const provenance::Checkpoint sealed{first_, kFirst, provenance::LogReader(store_, keys_).head()->frontier.root()};
    seal_ = provenance::sign_checkpoint(sealed, key_);
    receipt_ = provenance::make_receipt(provenance::LogReader(store_, keys_), 2990, seal_, first_key())->to_json();
    ASSERT_TRUE(store_.write(provenance::follow({0, first_, 0, first_key().text(), seal_}, {1, first_ + "/2", kFirst, second_key().text(), {}}, clock_.now()), true));
    Commit begun;
    begun.entries.push_back(writer_.plain_entry(EntryKind::log_begun, "begun"));
    ASSERT_TRUE(port_.commit_and_wait(std::move(begun)));
    clock_.advance(std::chrono::days(101));
  }
  provenance::VerifierKey first_key() { return provenance::VerifierKey::of(first_, key_); }
  provenance::VerifierKey second_key() { return provenance::VerifierKey::of(first_ + "/2", key_); }
  provenance::LogReader log() { return {store_, keys_, *provenance::read_shards(store_)}; }
  Pruning pruning(std::optional<std::chrono::days> keeps = std::chrono::days(100)) { return pruning(keys_, keeps); }
  Pruning pruning(provenance::PayloadKeys& keys, std::optional<std::chrono::days> keeps = std::chrono::days(100)) {
    readers_.emplace_back(store_, keys, *provenance::read_shards(store_));
    return Pruning({port_, store_, readers_.back(), keys, clock_, random_, writer_, keeps,
                    [this](const std::string& id) -> Result<std::uint64_t> {
                      const auto found = port_.entries.find(id);
                      if (found == port_.entries.end()) return Error(ErrorCode::not_found, "no such commit");
                      return found->second;
                    },
                    [this]() -> Result<std::set<Hash>> { return in_force_; }, [this]() -> Result<bool> { return erasing_; }, turn_});
  }
  std::string refused(const Result<Prune>& result) { return result ? "" : result.error().message; }
  std::uint64_t there() {
    std::uint64_t count = 0;
    EXPECT_TRUE(store_.scan("log/e/", "log/e/", [&](std::string_view, std::string_view) {
      ++count;
      return true;
    }));
    return count;
  }

  test::TempFolder folder_;
  test::ManualClock clock_;
  test::SeededRandom random_;
  provenance::PayloadKeys keys_{folder_.path() / "keys", random_};
  crypto::Key key_ = crypto::Key::generate(crypto::Key::Kind::ed25519);
  storage::MemoryStore store_;
  Port port_{store_, keys_, random_, clock_};
  Writer writer_{ParticipantId("did:web:waterrijk.example"), clock_};
  std::deque<provenance::LogReader> readers_;
  std::mutex turn_;
  bool erasing_ = false;
  const std::string first_ = "waterrijk.example/log";
  const Hash offer_ = crypto::sha256("offer");
  std::set<Hash> in_force_{offer_};
  std::string seal_, receipt_;
};

TEST_F(PruningTest, OnlyAnOlderLogThatIsOldAndProvenMayGo) {
  EXPECT_NE(refused(pruning().find("nowhere", "law", "dpo")).find("no log `nowhere`"), std::string::npos);
  EXPECT_NE(refused(pruning().find(first_ + "/2", "law", "dpo")).find("newest"), std::string::npos);
  EXPECT_NE(refused(pruning(std::nullopt).find(first_, "law", "dpo")).find("not said how long"), std::string::npos);
  EXPECT_NE(refused(pruning(std::chrono::days(102)).find(first_, "law", "dpo")).find("keeps entries for 102 days"), std::string::npos);
  EXPECT_EQ(pruning().find(first_, "", "dpo").error().code, ErrorCode::invalid_argument);
  const auto found = pruning().find(first_, "law", "dpo");
  ASSERT_TRUE(found) << describe(found.error());
  EXPECT_EQ(found->count, kFirst - 2);
  EXPECT_EQ(found->kept, (std::set<std::uint64_t>{10, 20}));
  EXPECT_EQ(there(), kFirst + 1) << "nothing was changed";
}

TEST_F(PruningTest, NothingGoesWhileAnErasureStillReadsTheLog) {
  const std::string id = pruning().ask(first_, "law", "dpo")->id;
  erasing_ = true;
  EXPECT_NE(refused(pruning().find(first_, "law", "dpo")).find("an erasure is confirmed"), std::string::npos);
  EXPECT_FALSE(pruning().confirm(id, "steward"));
  erasing_ = false;
  EXPECT_TRUE(pruning().confirm(id, "steward"));
}

TEST_F(PruningTest, WhatTheOtherPartyProvedOfARequestGoesWithItsEnd) {
  const ParticipantId peer("did:web:duinmeer.example");
  for (const std::string_view prefix : {kHeldAsProvider, kHeldAsConsumer}) {
    for (const std::string one : {"sent", "got", "newer"}) ASSERT_TRUE(store_.write({{std::string(prefix) + name_of_request(peer, one), "sealed"}}, true));
  }
  ASSERT_TRUE(pruning().confirm(pruning().ask(first_, "law", "dpo")->id, "steward"));
  const auto held = [&](std::string_view prefix, const std::string& one) { return store_.get(std::string(prefix) + name_of_request(peer, one))->has_value(); };
  EXPECT_FALSE(held(kHeldAsProvider, "sent"));
  EXPECT_FALSE(held(kHeldAsConsumer, "got"));
  EXPECT_TRUE(held(kHeldAsConsumer, "sent") && held(kHeldAsProvider, "got")) << "of the other role";
  EXPECT_TRUE(held(kHeldAsProvider, "newer") && held(kHeldAsConsumer, "newer")) << "its end is in a later log";
}

TEST_F(PruningTest, WhatCannotBeReadNowIsNotTakenForNeededByNobody) {
  std::filesystem::path file;
  for (const auto& one : std::filesystem::directory_iterator(folder_.path() / "keys")) file = one.path();
  const std::string key = test::read_file(file);
  std::filesystem::resize_file(file, 5);
  provenance::PayloadKeys damaged(folder_.path() / "keys", random_);
  EXPECT_EQ(pruning(damaged).find(first_, "law", "dpo").error().code, ErrorCode::corruption);
  test::write_file(file, key);
  EXPECT_TRUE(pruning(damaged).find(first_, "law", "dpo"));
  std::filesystem::remove(file);
  provenance::PayloadKeys erased(folder_.path() / "keys", random_);
  EXPECT_EQ(pruning(erased).find(first_, "law", "dpo")->count, kFirst - 1) << "what was erased is needed by nobody";
}

TEST_F(PruningTest, TheWordThatALogWasPrunedStaysWhenTheLogThatHasItIsPruned) {
  const auto entry = pruning().confirm(pruning().ask(first_, "law", "dpo")->id, "steward");
  ASSERT_TRUE(entry);
  const std::string second = first_ + "/2", third = first_ + "/3";
  const auto head = log().head();
  const std::string seal = provenance::sign_checkpoint({second, head->frontier.size(), head->frontier.root()}, key_);
  const auto third_key = provenance::VerifierKey::of(third, key_);
  ASSERT_TRUE(store_.write(provenance::follow({1, second, kFirst, second_key().text(), seal}, {2, third, kFirst + head->frontier.size(), third_key.text(), {}}, clock_.now()), true));
  Commit begun;
  begun.entries.push_back(writer_.plain_entry(EntryKind::log_begun, "begun"));
  ASSERT_TRUE(port_.commit_and_wait(std::move(begun)));
  clock_.advance(std::chrono::days(101));
  const auto asked = pruning().ask(second, "law", "dpo");
  ASSERT_TRUE(asked) << describe(asked.error());
  EXPECT_EQ(asked->kept, std::set<std::uint64_t>{*entry});
  ASSERT_TRUE(pruning().confirm(asked->id, "steward"));
  const auto newest = log().head();
  const std::string note = provenance::sign_checkpoint({third, newest->frontier.size(), newest->frontier.root()}, key_);
  const auto said = provenance::pruned_receipt(log().at(log().shards()[0]), log().pruned()->front(), note, third_key);
  ASSERT_TRUE(said) << describe(said.error());
  EXPECT_TRUE(provenance::verify_receipt(*provenance::Receipt::from_json(*said), second_key())) << "under the seal of the log that has it";
}

TEST_F(PruningTest, OnePersonAsksAnotherConfirmsAndItIsOnRecordBeforeAnythingGoes) {
  const auto asked = pruning().ask(first_, "law", "dpo");
  ASSERT_TRUE(asked) << describe(asked.error());
  const auto again = pruning().ask(first_, "law", "another");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id, asked->id) << "it waits already";
  EXPECT_TRUE(again->before);
  EXPECT_EQ(pruning().confirm(asked->id, "dpo").error().code, ErrorCode::permission_denied);
  EXPECT_EQ(pruning().confirm("another", "steward").error().code, ErrorCode::not_found);
  EXPECT_EQ(there(), kFirst + 2);
  const auto entry = pruning().confirm(asked->id, "steward");
  ASSERT_TRUE(entry) << describe(entry.error());
  EXPECT_EQ(there(), 2U + 3U) << "what is kept, and the new log";
  EXPECT_EQ(log().leaf(*entry)->kind, 42);
  EXPECT_EQ(log().leaf(*entry)->policy_digest, crypto::sha256(provenance::checkpoint_body(*provenance::open_checkpoint(seal_, first_key()))));
  v1::Shared shared;
  ASSERT_TRUE(shared.ParseFromString(log().payload(*entry)->shared));
  EXPECT_NE(shared.document().find("\"count\":2998"), std::string::npos) << shared.document();
  EXPECT_EQ(log().payload(10)->shared.empty(), false);
  EXPECT_EQ(log().payload(11).error().code, ErrorCode::not_found);
  const auto receipt = provenance::Receipt::from_json(receipt_);
  EXPECT_TRUE(provenance::verify_receipt(*receipt, first_key()));
  EXPECT_EQ(*log().at(log().shards()[0]).root(kFirst), provenance::open_checkpoint(seal_, first_key())->root);
  EXPECT_TRUE(pruning().unfinished()->empty());
  EXPECT_NE(refused(pruning().find(first_, "law", "dpo")).find("still rests on all"), std::string::npos);
}

TEST_F(PruningTest, WhatIsKeptGoesOnceNothingRestsOnIt) {
  ASSERT_TRUE(pruning().confirm(pruning().ask(first_, "law", "dpo")->id, "steward"));
  in_force_.clear();
  const auto rest = pruning().ask(first_, "law", "dpo");
  ASSERT_TRUE(rest) << describe(rest.error());
  EXPECT_EQ(rest->count, 1U);
  EXPECT_EQ(rest->kept, std::set<std::uint64_t>{20});
  ASSERT_TRUE(pruning().confirm(rest->id, "steward"));
  EXPECT_EQ(log().leaf(10).error().code, ErrorCode::not_found);
  EXPECT_TRUE(log().leaf(20));
  ASSERT_TRUE(store_.write({{std::string(negotiation::kAgreementPrefix) + "urn:runs", std::nullopt}}, true));
  ASSERT_TRUE(pruning().confirm(pruning().ask(first_, "law", "dpo")->id, "steward"));
  EXPECT_EQ(log().leaf(20).error().code, ErrorCode::not_found);
  EXPECT_NE(refused(pruning().find(first_, "law", "dpo")).find("pruned already"), std::string::npos);
  EXPECT_EQ(*log().at(log().shards()[0]).root(kFirst), provenance::open_checkpoint(seal_, first_key())->root);
}

/// Killed after each of its commits: the first of them is the word that it is done, and the next start does the rest.
TEST_F(PruningTest, BrokenOffAnywhereItIsGoneOnWith) {
  const std::string id = pruning().ask(first_, "law", "dpo")->id;
  port_.left = 0;
  EXPECT_FALSE(pruning().confirm(id, "steward"));
  EXPECT_EQ(there(), kFirst + 2) << "nothing goes without the word";
  EXPECT_EQ(*log().first_kept(), 0U);
  for (int step = 1; step <= 5; ++step) {
    port_.left = 1;
    const bool done = step == 1 ? pruning().confirm(id, "steward").has_value() : pruning().go_on().has_value();
    EXPECT_EQ(done, step == 5) << step;
    EXPECT_EQ(*log().first_kept(), kFirst) << step;
    EXPECT_EQ(*log().at(log().shards()[0]).root(kFirst), provenance::open_checkpoint(seal_, first_key())->root) << step;
    EXPECT_EQ(pruning().unfinished()->size(), step == 5 ? 0U : 1U) << step;
    if (step == 5) break;
    EXPECT_NE(refused(pruning().find(first_, "law", "dpo")).find("are being removed"), std::string::npos) << step;
  }
  EXPECT_EQ(there(), 2U + 3U);
  const auto pruned = log().pruned();
  ASSERT_TRUE(pruned->front().entry);
  EXPECT_EQ(log().leaf(*pruned->front().entry)->kind, 42) << "the entry that says so";
  port_.left = 0;
  EXPECT_TRUE(pruning().go_on()) << "there is nothing left to do";
}

TEST_F(PruningTest, AnEntryThatCannotBeReadNowKeepsWhatRestsOnIt) {
  std::filesystem::path file;
  for (const auto& one : std::filesystem::directory_iterator(folder_.path() / "keys")) file = one.path();
  const std::string key = test::read_file(file);
  const std::string id = pruning().ask(first_, "law", "dpo")->id;
  port_.left = 1;
  EXPECT_FALSE(pruning().confirm(id, "steward"));
  port_.left = 100;
  std::filesystem::resize_file(file, 5);
  provenance::PayloadKeys damaged(folder_.path() / "keys", random_);
  const auto gone_on = pruning(damaged).go_on();
  EXPECT_TRUE(!gone_on && gone_on.error().code == ErrorCode::corruption) << "whose proof goes with it is not known";
  test::write_file(file, key);
  EXPECT_TRUE(pruning(damaged).go_on());
}

TEST_F(PruningTest, WhatWaitsTooLongIsForgotten) {
  const std::string id = pruning().ask(first_, "law", "dpo")->id;
  clock_.advance(std::chrono::days(31));
  EXPECT_EQ(pruning().confirm(id, "steward").error().code, ErrorCode::not_found);
  EXPECT_NE(pruning().ask(first_, "law", "dpo")->id, id);
}

}  // namespace
}  // namespace sluis::node
