#include "connector/outbox/driver.hpp"

#include "tests/unit/outbox/fake_commits.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <thread>

namespace sluis::outbox {
namespace {

class DriverTest : public testing::Test {
 protected:
  void put(const std::string& process, const std::string& body) {
    Commit commit;
    Envelope envelope;
    envelope.service = "test";
    envelope.body = body;
    commit.messages.push_back({"did:web:duinmeer.example", process, encode(envelope)});
    ASSERT_TRUE(commits_.commit_and_wait(std::move(commit)));
  }
  Verdict remove(const OutboxItem& item) {
    Commit commit;
    commit.changes.push_back({item.key, std::nullopt});
    return commits_.commit_and_wait(std::move(commit)) ? Verdict::done : Verdict::retry;
  }
  DriverOptions quick() const {
    DriverOptions o;
    o.threads = 2;
    o.dispatcher.backoff_min = std::chrono::milliseconds(2);
    o.dispatcher.backoff_max = std::chrono::milliseconds(4);
    return o;
  }
  DriverDependencies with(Deliver deliver) {
    DriverDependencies out{store_, commits_, clock_, random_, {}, {}};
    if (deliver) out.services["test"] = std::move(deliver);
    return out;
  }
  /// Waits, at most ten seconds.
  template <class Condition>
  static bool eventually(const Condition& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    return condition();
  }
  std::vector<DeadLetter> dead() const { return list_dead(store_, 0, 100).value(); }

  storage::MemoryStore store_;
  test::FakeCommits commits_{store_};
  SystemClock clock_;
  test::FakeRandom random_;
};

TEST_F(DriverTest, WhatIsInTheStoreAtStartIsSentAndMayHaveBeenSentBefore) {
  put("a", "one");
  std::promise<OutboxItem> sent;
  Driver driver(quick(), with([&](const OutboxItem& item, const Envelope& envelope, Timestamp) {
                  EXPECT_EQ(envelope.body, "one");
                  sent.set_value(item);
                  return remove(item);
                }));
  ASSERT_TRUE(driver.start());
  auto future = sent.get_future();
  ASSERT_EQ(future.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_TRUE(future.get().maybe_sent);
}

TEST_F(DriverTest, AMessageThatNobodyToldOfIsFoundByASecondLook) {
  std::promise<OutboxItem> sent;
  Driver driver(quick(), with([&](const OutboxItem& item, const Envelope&, Timestamp) {
                  sent.set_value(item);
                  return remove(item);
                }));
  ASSERT_TRUE(driver.start());
  put("a", "one");  // of a commit whose outcome was unknown: no notification
  driver.look_again();
  auto future = sent.get_future();
  ASSERT_EQ(future.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_TRUE(future.get().maybe_sent);
}

TEST_F(DriverTest, ANotifiedMessageIsRetriedUntilItIsDone) {
  std::promise<int> done;
  std::atomic<int> attempts = 0;
  Driver driver(quick(), with([&](const OutboxItem& item, const Envelope&, Timestamp) {
                  EXPECT_FALSE(item.maybe_sent);
                  if (++attempts < 3) return Verdict::retry;
                  const Verdict verdict = remove(item);
                  done.set_value(attempts);
                  return verdict;
                }));
  ASSERT_TRUE(driver.start());
  put("a", "one");
  driver.notify("did:web:duinmeer.example", "a");
  auto future = done.get_future();
  ASSERT_EQ(future.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(future.get(), 3);
  driver.stop();
  EXPECT_EQ(driver.standing().in_memory, 0U);
}

/// The peer asked to be left alone with such messages: none leaves before, another kind does, and it is not taken for away.
TEST_F(DriverTest, WhatAPeerAskedToWaitForWaits) {
  std::atomic<bool> over = false;
  std::atomic<int> asked = 0, one = 0, other = 0;
  auto dependencies = with([&](const OutboxItem& item, const Envelope& envelope, Timestamp) -> Delivered {
    if (envelope.body == "one" && ++one == 1) return Verdict::away;  // its answer said how long to wait
    if (envelope.body != "one") ++other;
    return remove(item);
  });
  dependencies.waits_until = [&](const std::string&, const Envelope& envelope) -> std::optional<Timestamp> {
    if (envelope.body != "one" || one == 0 || over) return std::nullopt;
    ++asked;
    return clock_.now() + std::chrono::milliseconds(1);
  };
  Driver driver(quick(), std::move(dependencies));
  ASSERT_TRUE(driver.start());
  put("a", "one");
  driver.notify("did:web:duinmeer.example", "a");
  ASSERT_TRUE(eventually([&] { return asked > 3; })) << "it is looked at again, and not sent";
  EXPECT_EQ(one, 1);
  put("b", "other");
  driver.notify("did:web:duinmeer.example", "b");
  ASSERT_TRUE(eventually([&] { return other == 1; })) << "another kind goes on";
  EXPECT_EQ(one, 1);
  over = true;
  ASSERT_TRUE(eventually([&] { return one == 2; })) << "and it goes once the time has come";
}

TEST_F(DriverTest, WhatLeftBesidesIsCountedAlsoWhereThePeerAskedToWait) {
  std::atomic<bool> sent = false;
  auto dependencies = with([&](const OutboxItem&, const Envelope&, Timestamp) -> Delivered {
    Delivered out(Verdict::away);
    out.also = sent.exchange(true) ? 0 : 2;
    return out;
  });
  dependencies.waits_until = [&](const std::string&, const Envelope&) { return sent ? std::optional(clock_.now() + std::chrono::seconds(30)) : std::nullopt; };
  Driver driver(quick(), std::move(dependencies));
  ASSERT_TRUE(driver.start());
  ASSERT_TRUE(eventually([&] { return driver.standing().counted; }));
  put("a", "one");
  for (int i = 0; i < 3; ++i) driver.notify("did:web:duinmeer.example", "a");
  ASSERT_TRUE(eventually([&] { return driver.standing().waiting == 1; }));
}

TEST_F(DriverTest, AWakeUpIsNoMessage) {
  Driver driver(quick(), with([&](const OutboxItem&, const Envelope&, Timestamp) { return Verdict::retry; }));
  ASSERT_TRUE(driver.start());
  ASSERT_TRUE(eventually([&] { return driver.standing().counted; }));
  put("a", "one");
  driver.notify("did:web:duinmeer.example", "a");
  for (int i = 0; i < 5; ++i) driver.wake("did:web:duinmeer.example", "a");
  EXPECT_EQ(driver.standing().waiting, 1U);
}

TEST_F(DriverTest, WhatCanNeverBeSentIsADeadLetterAndHoldsUpNothing) {
  Commit commit;
  commit.messages.push_back({"did:web:duinmeer.example", "a", "no message at all"});
  Envelope strange;
  strange.service = "of-a-newer-version";
  commit.messages.push_back({"did:web:duinmeer.example", "a", encode(strange)});
  ASSERT_TRUE(commits_.commit_and_wait(std::move(commit)));
  put("a", "two");
  std::promise<std::string> sent;
  Driver driver(quick(), with([&](const OutboxItem& item, const Envelope& envelope, Timestamp) {
                  sent.set_value(envelope.body);
                  return remove(item);
                }));
  ASSERT_TRUE(driver.start());
  auto future = sent.get_future();
  ASSERT_EQ(future.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(future.get(), "two");
  driver.stop();
  const auto letters = dead();
  ASSERT_EQ(letters.size(), 2U);
  EXPECT_EQ(letters[0].reason.code, "unreadable");
  EXPECT_EQ(letters[0].bytes, "no message at all");
  EXPECT_EQ(letters[1].reason.code, "unknown-service");
  EXPECT_EQ(letters[1].service, "of-a-newer-version");
  EXPECT_EQ(letters[1].peer, "did:web:duinmeer.example");
  EXPECT_EQ(letters[1].process, "a");
}

TEST_F(DriverTest, ARefusedMessageIsADeadLetterUntilSomebodyHasItTriedAgain) {
  std::atomic<bool> refuse = true;
  std::mutex mutex;
  std::vector<std::string> sent;
  std::vector<bool> maybe_before;
  Driver driver(quick(), with([&](const OutboxItem& item, const Envelope& envelope, Timestamp) -> Delivered {
                  const std::lock_guard lock(mutex);
                  sent.push_back(envelope.body);
                  maybe_before.push_back(item.maybe_sent);
                  if (refuse) return {Verdict::dead, {"refused", {"not this one"}}};
                  return remove(item);
                }));
  ASSERT_TRUE(driver.start());
  put("a", "one");
  driver.notify("did:web:duinmeer.example", "a");
  ASSERT_TRUE(eventually([&] { return dead().size() == 1; }));
  const DeadLetter letter = dead()[0];
  EXPECT_EQ(letter.reason, (Reason{"refused", {"not this one"}}));
  EXPECT_TRUE(letter.first_try.has_value());
  EXPECT_GE(letter.died, *letter.first_try);
  EXPECT_EQ(driver.dead_letters().value(), 1U);
  refuse = false;
  ASSERT_TRUE(driver.retry(letter));
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return sent.size() == 2;
  }));
  driver.stop();
  EXPECT_EQ(sent, (std::vector<std::string>{"one", "one"}));
  EXPECT_EQ(maybe_before, (std::vector<bool>{false, true}));
  EXPECT_EQ(driver.dead_letters().value(), 0U);
  EXPECT_TRUE(dead().empty());
  EXPECT_FALSE(driver.retry(letter)) << "it is none any more";
}

TEST_F(DriverTest, WhatWaitedTooLongIsFoundAlsoWhereItIsNobodysTurn) {
  Envelope old;
  old.service = "test";
  old.queued = clock_.now() - std::chrono::days(31);
  Commit commit;
  for (int i = 0; i < 300; ++i) commit.messages.push_back({"did:web:duinmeer.example", "p" + std::to_string(i), encode(old)});
  ASSERT_TRUE(commits_.commit_and_wait(std::move(commit)));
  for (const char* young : {"a", "b", "c", "d"}) put(young, "one");  // these fill the window
  DriverOptions options = quick();
  options.dispatcher.backoff_min = options.dispatcher.backoff_max = std::chrono::hours(1);
  options.dispatcher.window = 4;
  Driver driver(options, with([](const OutboxItem&, const Envelope&, Timestamp) { return Verdict::away; }));
  ASSERT_TRUE(driver.start());
  ASSERT_TRUE(eventually([&] { return driver.standing().counted; }));
  driver.stop();
  EXPECT_EQ(driver.standing().waiting, 4U);
  EXPECT_EQ(driver.standing().in_memory, 4U);
  EXPECT_EQ(count_dead(store_, 1000).value(), 300U);
  EXPECT_EQ(count_dead(store_, 7).value(), 7U);
  EXPECT_EQ(dead()[0].reason.code, "too-old");
}

TEST_F(DriverTest, AFleetingMessageIsNeverADeadLetter) {
  for (const char* process : {"a", "b"}) put(process, "one");
  auto dependencies = with([](const OutboxItem&, const Envelope&, Timestamp) { return Verdict::away; });
  dependencies.fleeting.insert("test");
  dependencies.unreachable = [](const std::string&) { return std::optional(Reason{"not-a-member", {}}); };
  Driver driver(quick(), std::move(dependencies));
  ASSERT_TRUE(driver.start());
  ASSERT_TRUE(eventually([&] { return driver.standing().counted && driver.standing().waiting == 0; }));
  driver.stop();
  EXPECT_TRUE(dead().empty());
}

TEST_F(DriverTest, APartyThatIsGoneGetsNothing) {
  auto dependencies = with([](const OutboxItem&, const Envelope&, Timestamp) {
    ADD_FAILURE() << "sent";
    return Verdict::away;
  });
  dependencies.unreachable = [](const std::string& peer) { return std::optional(Reason{"not-a-member", {peer}}); };
  put("a", "one");
  Driver driver(quick(), std::move(dependencies));
  ASSERT_TRUE(driver.start());
  ASSERT_TRUE(eventually([&] { return dead().size() == 1; }));
  EXPECT_EQ(dead()[0].reason.code, "not-a-member");
  EXPECT_FALSE(dead()[0].first_try.has_value());
}

TEST_F(DriverTest, WhileNothingCanBeRecordedNothingIsSent) {
  std::atomic<bool> held = true;
  std::atomic<int> asked = 0;
  std::atomic<int> sent = 0;
  auto dependencies = with([&](const OutboxItem& item, const Envelope&, Timestamp) {
    EXPECT_FALSE(held);
    ++sent;
    return remove(item);
  });
  dependencies.held = [&] {
    ++asked;
    return held.load();
  };
  put("a", "one");
  Driver driver(quick(), std::move(dependencies));
  ASSERT_TRUE(driver.start());
  ASSERT_TRUE(eventually([&] { return asked >= 3; }));
  EXPECT_EQ(sent, 0);
  held = false;
  ASSERT_TRUE(eventually([&] { return sent == 1; }));
}

TEST_F(DriverTest, DeadLettersAreCountedOnlyWhereTheyChanged) {
  Driver driver(quick(), with({}));
  EXPECT_EQ(driver.dead_letters().value(), 0U);
  ASSERT_TRUE(store_.write({{"outbox-dead/0000000000000001", "x"}}, true));  // behind its back
  EXPECT_EQ(driver.dead_letters().value(), 0U);
  driver.dead_changed();
  EXPECT_EQ(driver.dead_letters().value(), 1U);
}

TEST_F(DriverTest, ADeadLetterThatCannotBeRecordedStaysInTheOutbox) {
  Commit commit;
  commit.messages.push_back({"did:web:duinmeer.example", "a", "no message at all"});
  ASSERT_TRUE(commits_.commit_and_wait(std::move(commit)));
  commits_.refuse = true;
  Driver driver(quick(), with({}));
  ASSERT_TRUE(driver.start());
  driver.stop();
  EXPECT_TRUE(dead().empty());
  commits_.refuse = false;
  Driver again(quick(), with({}));
  ASSERT_TRUE(again.start());
  ASSERT_TRUE(eventually([&] { return dead().size() == 1; }));
}

TEST(DeadLetters, ThatCannotBeReadAreListedAndDropped) {
  storage::MemoryStore store;
  test::FakeCommits commits(store);
  DeadLetter letter;
  letter.key = process_prefix("did:web:duinmeer.example", "a") + "0000000000000001";
  letter.peer = "did:web:duinmeer.example";
  letter.process = "a";
  letter.sequence = 1;
  letter.reason = {"refused", {"an answer \xff"}};  // as a version of before kept it
  letter.died = Timestamp(std::chrono::seconds(1'800'000'000));
  letter.bytes = "{}";
  const std::string kept = encode(letter);
  ASSERT_FALSE(decode_dead_letter(kept));
  ASSERT_TRUE(store.write({{"outbox-dead/0000000000000001", kept}, {"outbox-dead/0000000000000002", "no letter"}}, true));
  const auto all = list_dead(store, 0, 10).value();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].key, letter.key);
  EXPECT_EQ(all[0].reason, (Reason{"refused", {"an answer \xEF\xBF\xBD"}}));
  EXPECT_EQ(id_of(all[1]), "2");
  EXPECT_TRUE(all[1].key.empty());
  EXPECT_EQ(all[1].reason.code, "letter-unreadable");
  EXPECT_EQ(find_dead(store, "2").value(), all[1]);
  Commit back;
  revive(back, all[0], letter.died);
  EXPECT_TRUE(commits.commit_and_wait(std::move(back)));
  EXPECT_EQ(store.get(letter.key).value(), "{}");
  Commit drop;
  discard(drop, all[1]);
  EXPECT_TRUE(commits.commit_and_wait(std::move(drop)));
  EXPECT_EQ(count_dead(store, 10).value(), 0U);
}

TEST(DeadLetters, AreFoundByTheirNumberAndListedByAge) {
  storage::MemoryStore store;
  test::FakeCommits commits(store);
  Commit commit;
  for (const char* process : {"b", "a"}) commit.messages.push_back({"did:web:duinmeer.example", process, std::string("\xff\x00", 2)});
  ASSERT_TRUE(commits.commit_and_wait(std::move(commit)));
  std::vector<std::pair<std::string, std::string>> items;
  ASSERT_TRUE(store.scan(kPrefix, kPrefix, [&](std::string_view key, std::string_view value) {
    items.emplace_back(key, value);
    return true;
  }));
  for (const auto& [key, value] : items) {
    DeadLetter letter;
    letter.key = key;
    const auto parsed = parse_item_key(key);
    letter.peer = parsed->peer;
    letter.process = parsed->process;
    letter.sequence = parsed->sequence;
    letter.reason = {"unreadable", {"é"}};
    letter.died = Timestamp(std::chrono::seconds(1'800'000'000));
    letter.bytes = value;
    EXPECT_EQ(decode_dead_letter(encode(letter)).value(), letter);
    Commit move;
    bury(move, letter);
    EXPECT_TRUE(commits.commit_and_wait(std::move(move)));
    Commit twice;
    bury(twice, letter);
    EXPECT_FALSE(commits.commit_and_wait(std::move(twice))) << "it is not there any more";
  }
  const auto all = list_dead(store, 0, 10).value();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].process, "b");
  EXPECT_EQ(list_dead(store, all[0].sequence, 10).value(), std::vector<DeadLetter>{all[1]});
  EXPECT_EQ(find_dead(store, "2").value(), all[1]);
  EXPECT_EQ(find_dead(store, "3").error().code, ErrorCode::not_found);
  EXPECT_EQ(find_dead(store, "two").error().code, ErrorCode::invalid_argument);
  Commit drop;
  discard(drop, all[0]);
  ASSERT_TRUE(commits.commit_and_wait(std::move(drop)));
  Commit back;
  revive(back, all[1], all[1].died);
  ASSERT_TRUE(commits.commit_and_wait(std::move(back)));
  EXPECT_EQ(count_dead(store, 10).value(), 0U);
  EXPECT_EQ(store.get(all[1].key).value(), all[1].bytes);
}

}  // namespace
}  // namespace sluis::outbox
