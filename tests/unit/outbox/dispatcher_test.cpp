#include "connector/outbox/dispatcher.hpp"

#include "connector/outbox/envelope.hpp"
#include "connector/outbox/item.hpp"
#include "connector/outbox/keys.hpp"
#include "connector/outbox/outcome.hpp"
#include "connector/storage/reopening_store.hpp"
#include "tests/unit/outbox/fake_commits.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluis::outbox {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class DispatcherTest : public testing::Test {
 protected:
  static Dispatcher::Options options() {
    Dispatcher::Options o;
    o.in_flight = 2;
    o.window = 8;
    o.tried = 16;
    return o;
  }
  /// Into the store; the prefix of its key.
  std::string put(const std::string& peer, const std::string& process) {
    Commit commit;
    commit.messages.push_back({peer, process, "bytes"});
    EXPECT_TRUE(commits_.commit_and_wait(std::move(commit)));
    return process_prefix(peer, process);
  }
  void commit(const std::string& peer, const std::string& process) {
    put(peer, process);
    d_.on_committed(peer, process, now_);
  }
  std::vector<Dispatcher::Send> due() {
    auto sends = d_.on_timer(now_);
    EXPECT_TRUE(sends) << describe(sends.error());
    return sends ? *sends : std::vector<Dispatcher::Send>();
  }
  /// As its service does: it leaves the store, where it is over.
  void reply(const Dispatcher::Send& send, Verdict verdict) {
    if (verdict == Verdict::done || verdict == Verdict::dropped || verdict == Verdict::dead) {
      EXPECT_TRUE(store_.write({{send.item.key, std::nullopt}}, true));
    }
    d_.on_reply(send.item, verdict, now_);
  }
  /// All that there is to do now, with the same answer. How many were sent.
  int answer_all(Verdict verdict, int most = 1'000'000) {
    int count = 0;
    for (auto sends = due(); !sends.empty() && count < most; sends = due()) {
      for (const auto& send : sends) reply(send, verdict);
      count += static_cast<int>(sends.size());
    }
    return count;
  }
  PeerState of(const std::string& peer) const {
    for (const PeerState& state : d_.peers()) {
      if (state.peer == peer) return state;
    }
    return {};
  }
  std::size_t stored() const {
    std::size_t count = 0;
    EXPECT_TRUE(store_.scan(kPrefix, kPrefix, [&](auto, auto) { return ++count > 0; }));
    return count;
  }

  storage::MemoryStore store_;
  test::FakeCommits commits_{store_};
  test::FakeRandom random_;
  Dispatcher d_{options(), store_, random_};
  Timestamp now_{seconds(1'000'000)};
};

TEST_F(DispatcherTest, MessagesOfOneProcessLeaveInOrderAndOneAtATime) {
  commit("p", "a");
  commit("p", "a");
  const auto first = due();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].item.sequence, 1U);
  EXPECT_TRUE(due().empty());
  reply(first[0], Verdict::done);
  const auto second = due();
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].item.sequence, 2U);
}

TEST_F(DispatcherTest, NoMoreThanTheLimitAreInFlightToOnePeer) {
  for (const char* process : {"a", "b", "c"}) commit("p", process);
  commit("q", "a");
  EXPECT_EQ(due().size(), 3U);
  EXPECT_FALSE(d_.next_due().has_value());
}

TEST_F(DispatcherTest, AMessageThatIsToldOfTwiceHasNoSecondEffect) {
  commit("p", "a");
  d_.on_committed("p", "a", now_);
  EXPECT_EQ(d_.in_memory(), 1U);
  d_.on_committed("p", "never-written", now_);
  EXPECT_EQ(d_.in_memory(), 1U);
}

TEST_F(DispatcherTest, RetriesWaitLongerAndLongerUpToTheBound) {
  for (const Verdict verdict : {Verdict::retry, Verdict::away}) {
    Dispatcher d(options(), store_, random_);
    put("p", "a");
    d.on_committed("p", "a", now_);
    Duration last{0};
    for (int i = 0; i < 20; ++i) {
      const auto sends = d.on_timer(now_);
      ASSERT_EQ(sends->size(), 1U);
      EXPECT_EQ(sends->front().attempt, i);
      const Duration wait = sends->front().retry_at - now_;
      EXPECT_LE(wait, options().backoff_max);
      if (i < 7) {
        EXPECT_GE(wait, last / 2);
      }
      last = wait;
      d.on_reply(sends->front().item, verdict, now_);
      EXPECT_TRUE(d.on_timer(sends->front().retry_at - Duration(1))->empty());
      EXPECT_EQ(d.next_due(), sends->front().retry_at) << "what `show` says";
      now_ = *d.next_due();
    }
    EXPECT_GE(last, options().backoff_max / 2);
  }
}

TEST_F(DispatcherTest, ALaterMessageHurriesTheOneThatWaits) {
  commit("p", "a");
  reply(due()[0], Verdict::retry);
  EXPECT_TRUE(due().empty());
  commit("p", "a");
  ASSERT_EQ(due().size(), 1U);
}

TEST_F(DispatcherTest, AnOutcomeThatCouldNotBeRecordedMakesTheItemUncertain) {
  commit("p", "a");
  const auto sends = due();
  EXPECT_FALSE(sends[0].item.maybe_sent);
  reply(sends[0], Verdict::retry_uncertain);
  now_ = sends[0].retry_at;
  const auto again = due();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_TRUE(again[0].item.maybe_sent);
}

TEST_F(DispatcherTest, AClockSetBackDoesNotHoldAMessage) {
  for (const Verdict verdict : {Verdict::retry, Verdict::away}) {
    commit("p", "a");
    const auto sends = due();
    reply(sends[0], verdict);
    now_ -= hours(24);
    EXPECT_TRUE(due().empty());
    now_ += options().backoff_max;
    const auto again = due();
    ASSERT_EQ(again.size(), 1U);
    reply(again[0], Verdict::done);
  }
}

TEST_F(DispatcherTest, AtStartOneMessageOfEachPeerIsReadAndAllMayHaveBeenSent) {
  for (int i = 0; i < 100; ++i) put("https://a", "x" + std::to_string(i));
  put("https://b", "y");
  ASSERT_TRUE(d_.look(now_));
  EXPECT_EQ(d_.in_memory(), 0U);
  EXPECT_EQ(d_.peers().size(), 2U);
  commit("https://b", "z");
  for (const auto& send : due()) EXPECT_EQ(send.item.maybe_sent, send.item.process != "z") << send.item.key;
}

TEST_F(DispatcherTest, APeerWhoseIdBeginsWithAnothersIsServedToo) {
  put("https://a", "x");
  put("https://a/b", "x");
  ASSERT_TRUE(d_.look(now_));
  d_.on_walked("https://a/b");
  const auto sends = due();
  ASSERT_EQ(sends.size(), 2U);
  EXPECT_EQ(sends[0].item.peer, "https://a");
  EXPECT_EQ(sends[1].item.peer, "https://a/b");
}

TEST_F(DispatcherTest, OfManyWaitingProcessesOnlyAFewAreInMemoryAndAllAreSentOnce) {
  constexpr int kMany = 1000;
  for (int i = 0; i < kMany; ++i) put("p", "x" + std::to_string(i));
  ASSERT_TRUE(d_.look(now_));
  std::set<std::string> sent;
  std::size_t most = 0;
  for (auto sends = due(); !sends.empty(); sends = due()) {
    most = std::max(most, d_.in_memory());
    for (const auto& send : sends) {
      EXPECT_TRUE(sent.insert(send.item.key).second) << send.item.key;
      if (sent.size() == 500) commit("p", "a-late-one");  // before all that were read
      reply(send, Verdict::done);
    }
  }
  EXPECT_EQ(sent.size(), kMany + 1U);
  EXPECT_LE(most, options().window);
  EXPECT_EQ(stored(), 0U);
  EXPECT_TRUE(d_.empty());
}

TEST_F(DispatcherTest, APeerThatIsAwayCostsOneProbeAtATimeWhateverWaits) {
  for (int i = 0; i < 1000; ++i) put("p", "x" + std::to_string(i));
  ASSERT_TRUE(d_.look(now_));
  const Timestamp until = now_ + hours(24);
  std::int64_t sent = 0;
  std::set<std::string> processes;
  while (now_ < until) {
    const auto sends = due();
    EXPECT_LE(sends.size(), sent == 0 ? options().in_flight : 1U);
    sent += static_cast<std::int64_t>(sends.size());
    for (const auto& send : sends) {
      processes.insert(send.item.process);
      reply(send, Verdict::away);
    }
    EXPECT_TRUE(due().empty());
    EXPECT_LE(d_.in_memory(), options().window + options().tried);
    ASSERT_GT(*d_.next_due(), now_);
    now_ = *d_.next_due();
  }
  // Once in 15 to 30 seconds, and not a thousand times as often.
  EXPECT_GE(sent, 24 * 3600 / 30);
  EXPECT_LE(sent, 24 * 3600 / 15 + 20);
  EXPECT_EQ(processes.size(), options().window + options().tried) << "each in turn: none can hold up the others";
  EXPECT_TRUE(of("p").away);
  EXPECT_GT(of("p").failures, 1000);
  // Back: one probe, then all that waited, with nothing to wait for.
  auto sends = due();
  ASSERT_EQ(sends.size(), 1U);
  reply(sends[0], Verdict::done);
  EXPECT_FALSE(of("p").away);
  EXPECT_EQ(answer_all(Verdict::done), 999);
  EXPECT_EQ(stored(), 0U);
}

TEST_F(DispatcherTest, AnAnswerForOneMessageClosesTheCircuitAlsoWhereItIsNotNow) {
  commit("p", "a");
  commit("p", "b");
  for (const auto& send : due()) reply(send, Verdict::away);
  EXPECT_EQ(of("p").failures, 1) << "what left together failed together";
  now_ = *d_.next_due();
  const auto probe = due();
  ASSERT_EQ(probe.size(), 1U);
  reply(probe[0], Verdict::retry);
  EXPECT_FALSE(of("p").away);
  const auto other = due();
  ASSERT_EQ(other.size(), 1U);
  EXPECT_NE(other[0].item.process, probe[0].item.process);
}

TEST_F(DispatcherTest, WhatIsDroppedUnsentIsNoAnswer) {
  commit("p", "a");
  commit("p", "b");
  for (const auto& send : due()) reply(send, Verdict::away);
  now_ = *d_.next_due();
  const auto probe = due();
  reply(probe[0], Verdict::dropped);
  EXPECT_TRUE(of("p").away);
  const auto next = due();
  ASSERT_EQ(next.size(), 1U) << "the next one is tried in its place, at once";
  EXPECT_NE(next[0].item.process, probe[0].item.process);
}

TEST_F(DispatcherTest, APeerThatIsHeardOfIsTriedAtOnceButNotOften) {
  commit("p", "a");
  for (int i = 0; i < 12; ++i) {
    for (const auto& send : due()) reply(send, Verdict::away);
    now_ = *d_.next_due();
  }
  const auto last = due();
  ASSERT_EQ(last.size(), 1U);
  reply(last[0], Verdict::away);
  EXPECT_FALSE(d_.on_heard("q", now_));
  EXPECT_TRUE(d_.on_heard("p", now_));
  EXPECT_TRUE(due().empty());
  EXPECT_EQ(d_.next_due(), now_ + options().heard_pause);
  now_ += seconds(5);
  d_.on_heard("p", now_);
  const auto probe = due();
  ASSERT_EQ(probe.size(), 1U);
  reply(probe[0], Verdict::away);
  EXPECT_TRUE(of("p").away) << "it can reach us, and we cannot reach it";
  EXPECT_GT(of("p").failures, 12);
}

TEST_F(DispatcherTest, AMessageThatNeverGetsAnAnswerDoesNotHoldUpTheOthers) {
  put("p", "a-poison");
  for (int i = 0; i < 200; ++i) put("p", "x" + std::to_string(i));
  ASSERT_TRUE(d_.look(now_));
  const Timestamp until = now_ + seconds(60);
  std::int64_t poisoned = 0;
  while (now_ < until && stored() > 1) {
    for (const auto& send : due()) {
      const bool poison = send.item.process == "a-poison";
      poisoned += poison ? 1 : 0;
      reply(send, poison ? Verdict::away : Verdict::done);
    }
    now_ += milliseconds(10);
  }
  EXPECT_EQ(stored(), 1U);
  EXPECT_LE(poisoned, 12);
}

TEST_F(DispatcherTest, ManyMessagesThatNobodyTakesKeepNoOtherFromBeingRead) {
  for (const char* peer : {"p", "q"}) {
    for (int i = 10; i < 30; ++i) put(peer, "a-poison" + std::to_string(i));
    for (int i = 0; i < 5; ++i) put(peer, "x" + std::to_string(i));
  }
  ASSERT_TRUE(d_.look(now_));
  const Timestamp until = now_ + hours(6);
  while (now_ < until && stored() > 40) {
    for (const auto& send : due()) {
      const Verdict poison = send.item.peer == "p" ? Verdict::away : Verdict::retry;
      reply(send, send.item.process.starts_with("a-poison") ? poison : Verdict::done);
    }
    now_ = std::max(now_, *d_.next_due());
  }
  EXPECT_EQ(stored(), 40U);
}

TEST_F(DispatcherTest, OfAPeerThatIsAwayWhatWasTriedLeastIsSoonTried) {
  for (int i = 0; i < 8; ++i) commit("p", "old" + std::to_string(i));
  for (int i = 0; i < 40; ++i) {
    for (const auto& send : due()) reply(send, Verdict::away);
    now_ = *d_.next_due();
  }
  commit("p", "new");
  std::set<std::string> tried;
  for (int i = 0; i < 2; ++i) {
    for (const auto& send : due()) {
      tried.insert(send.item.process);
      reply(send, Verdict::away);
    }
    now_ = *d_.next_due();
  }
  EXPECT_TRUE(tried.contains("new"));
  EXPECT_EQ(tried.size(), 2U) << "and what is due first is not held up by what is new";
}

/// Some keys cannot be read: a scan of what begins so gives one, and then its error.
class HalfReadable final : public storage::Reader {
 public:
  explicit HalfReadable(const storage::Reader& store) : store_(store) {}
  Result<std::optional<std::string>> get(std::string_view key) const override { return store_.get(key); }
  Result<void> scan(std::string_view prefix, std::string_view from,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    if (broken.empty() || !prefix.starts_with(broken)) return store_.scan(prefix, from, visit);
    std::size_t left = gives;
    SLUIS_CHECK(store_.scan(prefix, from, [&](std::string_view key, std::string_view value) { return left-- > 0 && visit(key, value); }));
    return Error(ErrorCode::corruption, "the test says so");
  }
  std::string broken;
  std::size_t gives = 0;

 private:
  const storage::Reader& store_;
};

TEST_F(DispatcherTest, APeerWhoseMessagesCannotBeReadHoldsUpNoOther) {
  HalfReadable half(store_);
  half.broken = peer_prefix("p");
  Dispatcher d(options(), half, random_);
  put("p", "a");
  put("q", "a");
  for (const char* peer : {"p", "q"}) d.on_found(peer);
  const auto sends = d.on_timer(now_);
  ASSERT_TRUE(sends) << describe(sends.error());
  ASSERT_EQ(sends->size(), 1U);
  EXPECT_EQ(sends->front().item.peer, "q");
  EXPECT_FALSE(d.on_timer(now_)) << "nothing else was found";
  half.broken.clear();
  ASSERT_EQ(d.on_timer(now_)->size(), 1U);
}

TEST_F(DispatcherTest, WhatWasReadBeforeTheStoreFailedIsNotLost) {
  HalfReadable half(store_);
  half.broken = peer_prefix("p");
  half.gives = 1;
  Dispatcher d(options(), half, random_);
  put("p", "a");
  put("p", "b");
  d.on_found("p");
  std::set<std::string> sent;
  for (int i = 0; i < 2; ++i) {
    const auto sends = d.on_timer(now_);
    if (sends) {
      for (const auto& send : *sends) sent.insert(send.item.process);
    }
    half.broken.clear();
  }
  EXPECT_EQ(sent, (std::set<std::string>{"a", "b"}));
}

TEST_F(DispatcherTest, PeersThatAreAwayDoNotTakeAllSenders) {
  for (const char* peer : {"p", "q", "r", "s"}) commit(peer, "a");
  for (const auto& send : due()) reply(send, Verdict::away);
  now_ += seconds(1);
  EXPECT_EQ(due().size(), options().probes);
  EXPECT_FALSE(d_.next_due().has_value()) << "the other probes wait for these";
  commit("t", "a");
  EXPECT_EQ(due().size(), 1U);
}

TEST_F(DispatcherTest, AMessageThatIsPutBackGoesBeforeWhatFollowsIt) {
  const std::string prefix = put("p", "a");
  std::string key;
  ASSERT_TRUE(store_.scan(prefix, prefix, [&](std::string_view found, auto) {
    key = found;
    return false;
  }));
  ASSERT_TRUE(store_.write({{key, std::nullopt}}, true));
  commit("p", "a");
  reply(due()[0], Verdict::retry);
  ASSERT_TRUE(store_.write({{key, "bytes"}}, true));
  d_.on_committed("p", "a", now_);
  const auto sends = due();
  ASSERT_EQ(sends.size(), 1U);
  EXPECT_EQ(sends[0].item.key, key);
  reply(sends[0], Verdict::done);
  ASSERT_EQ(due()[0].item.sequence, 2U);
}

TEST_F(DispatcherTest, ADeadLetterThatIsPutBackAtOnceIsSentAtOnce) {
  commit("p", "a");
  const auto sends = due();
  ASSERT_EQ(sends.size(), 1U);
  ASSERT_TRUE(store_.write({{sends[0].item.key, "put back"}}, true));  // after it was buried, before the answer is known here
  d_.on_committed("p", "a", now_);
  d_.on_reply(sends[0].item, Verdict::dead, now_);
  const auto again = due();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].item.key, sends[0].item.key);
}

TEST_F(DispatcherTest, AnUncertainMessageStaysSoWhereAnotherWasPutBeforeIt) {
  const std::string earlier = put("p", "a") + "0000000000000001";
  ASSERT_TRUE(store_.write({{earlier, std::nullopt}}, true));
  commit("p", "a");
  reply(due()[0], Verdict::retry_uncertain);
  ASSERT_TRUE(store_.write({{earlier, "bytes"}}, true));
  d_.on_committed("p", "a", now_);
  const auto first = due();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].item.sequence, 1U);
  reply(first[0], Verdict::done);
  const auto second = due();
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].item.sequence, 2U);
  EXPECT_TRUE(second[0].item.maybe_sent);
}

TEST_F(DispatcherTest, AStoreThatCannotBeReadLosesNothing) {
  put("p", "a");
  storage::ReopeningStore gone([]() -> Result<std::unique_ptr<storage::KvStore>> { return Error(ErrorCode::storage_unavailable, "not now"); });
  Dispatcher d(options(), gone, random_);
  EXPECT_FALSE(d.look(now_));
  d.on_committed("p", "a", now_);
  EXPECT_FALSE(d.on_timer(now_));
  EXPECT_FALSE(d.empty());
  EXPECT_TRUE(d.next_due().has_value());
}

TEST(OutboxKeys, APeerMayHoldSlashes) {
  const auto key = parse_item_key(process_prefix("https://a/b", "urn:uuid:1") + "00000000000000ff");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->peer, "https://a/b");
  EXPECT_EQ(key->process, "urn:uuid:1");
  EXPECT_EQ(key->sequence, 255U);
  EXPECT_FALSE(parse_item_key("outbox/p/a/zz"));
  EXPECT_FALSE(parse_item_key("other/p/a/00000000000000ff"));
  EXPECT_NE(key_part("a/b"), key_part("a%2Fb"));
}

TEST(OutboxEnvelope, SurvivesTheStore) {
  const Envelope envelope{"negotiation", "1", "request", "consumer", "https://peer", "", "{\"a\":\"é\"}"};
  const auto read = decode_envelope(encode(envelope));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, envelope);
  EXPECT_FALSE(decode_envelope("{}"));
  EXPECT_FALSE(queued_of(encode(envelope)));
  Envelope later = envelope;
  later.queued = Timestamp(seconds(1'800'000'000));
  EXPECT_EQ(decode_envelope(encode(later)).value(), later);
  EXPECT_EQ(queued_of(encode(later)), later.queued);
  later.maybe_sent = true;
  EXPECT_EQ(decode_envelope(encode(later)).value(), later);
  EXPECT_EQ(queued_of(encode(later)), later.queued);
}

TEST(OutboxReason, IsBoundedOnWholeCharacters) {
  const Reason reason = bounded({"c", {std::string(2046, 'a') + "é", "more"}});
  ASSERT_EQ(reason.sentences.size(), 2U);
  EXPECT_EQ(reason.sentences[0], std::string(2046, 'a'));
  EXPECT_EQ(reason.sentences[1], "m");
}

TEST(OutboxReason, IsTextWhateverAPeerAnswers) {
  EXPECT_EQ(bounded({"c", {"a\xff" "b"}}).sentences, std::vector<std::string>{"a\xEF\xBF\xBD" "b"});
  const Reason reason = bounded({"\x80", {std::string(5000, '\x80')}});
  EXPECT_EQ(reason_from_json(json::parse(json::serialise(to_json(reason))).value()).value(), reason);
  EXPECT_GT(reason.sentences.at(0).size(), 2000U);
}

TEST(OutboxView, AnAnswerToAReadThatSaysNothingOfTheProcessIsStillAnAnswer) {
  EXPECT_EQ(later(PeerView{}), Verdict::away);
  PeerView not_now;
  not_now.answered = true;
  EXPECT_EQ(later(not_now), Verdict::retry);
}

}  // namespace
}  // namespace sluis::outbox
