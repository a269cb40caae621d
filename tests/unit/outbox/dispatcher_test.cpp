#include "connector/outbox/dispatcher.hpp"

#include "connector/outbox/envelope.hpp"
#include "connector/outbox/keys.hpp"
#include "connector/outbox/outcome.hpp"
#include "tests/unit/outbox/fake_commits.hpp"

#include <gtest/gtest.h>

namespace sluis::outbox {
namespace {

using std::chrono::seconds;

OutboxItem item(const std::string& peer, const std::string& process, std::uint64_t sequence) {
  return {"outbox/" + peer + "/" + process + "/" + std::to_string(sequence), peer, process, sequence, false};
}

class DispatcherTest : public testing::Test {
 protected:
  Dispatcher::Options options() const {
    Dispatcher::Options o;
    o.in_flight = 2;
    return o;
  }
  test::FakeRandom random_;
  Timestamp now_{seconds(1000)};
};

TEST_F(DispatcherTest, MessagesOfOneProcessLeaveInOrderAndOneAtATime) {
  Dispatcher d(options(), random_);
  d.on_committed(item("p", "a", 2), now_);
  d.on_committed(item("p", "a", 1), now_);
  const auto first = d.on_timer(now_);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].item.sequence, 1U);
  EXPECT_TRUE(d.on_timer(now_).empty());
  d.on_reply(first[0].item, Verdict::done, now_);
  const auto second = d.on_timer(now_);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].item.sequence, 2U);
}

TEST_F(DispatcherTest, NoMoreThanTheLimitAreInFlightToOnePeer) {
  Dispatcher d(options(), random_);
  for (const char* process : {"a", "b", "c"}) d.on_committed(item("p", process, 1), now_);
  d.on_committed(item("q", "a", 1), now_);
  EXPECT_EQ(d.on_timer(now_).size(), 3U);
  EXPECT_FALSE(d.next_due().has_value());
}

TEST_F(DispatcherTest, AKnownKeyHasNoSecondEffect) {
  Dispatcher d(options(), random_);
  d.on_committed(item("p", "a", 1), now_);
  d.on_committed(item("p", "a", 1), now_);
  EXPECT_EQ(d.size(), 1U);
}

TEST_F(DispatcherTest, RetriesWaitLongerAndLongerUpToTheBound) {
  Dispatcher d(options(), random_);
  d.on_committed(item("p", "a", 1), now_);
  Duration last{0};
  for (int i = 0; i < 20; ++i) {
    const auto sends = d.on_timer(now_);
    ASSERT_EQ(sends.size(), 1U);
    EXPECT_EQ(sends[0].attempt, i);
    const Duration wait = sends[0].retry_at - now_;
    EXPECT_LE(wait, options().backoff_max);
    if (i < 9) {
      EXPECT_GE(wait, last / 2);
    }
    last = wait;
    d.on_reply(sends[0].item, Verdict::retry, now_);
    EXPECT_TRUE(d.on_timer(sends[0].retry_at - Duration(1)).empty());
    now_ = *d.next_due();
  }
  EXPECT_GE(last, options().backoff_max / 2);
}

TEST_F(DispatcherTest, ALaterMessageHurriesTheOneThatWaits) {
  Dispatcher d(options(), random_);
  d.on_committed(item("p", "a", 1), now_);
  d.on_reply(d.on_timer(now_)[0].item, Verdict::retry, now_);
  EXPECT_TRUE(d.on_timer(now_).empty());
  d.on_committed(item("p", "a", 2), now_);
  ASSERT_EQ(d.on_timer(now_).size(), 1U);
}

TEST_F(DispatcherTest, AnOutcomeThatCouldNotBeRecordedMakesTheItemUncertain) {
  Dispatcher d(options(), random_);
  d.on_committed(item("p", "a", 1), now_);
  const auto sends = d.on_timer(now_);
  d.on_reply(sends[0].item, Verdict::retry_uncertain, now_);
  const auto again = d.on_timer(sends[0].retry_at);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_TRUE(again[0].item.maybe_sent);
}

TEST_F(DispatcherTest, AClockSetBackDoesNotHoldAMessage) {
  Dispatcher d(options(), random_);
  d.on_committed(item("p", "a", 1), now_);
  d.on_reply(d.on_timer(now_)[0].item, Verdict::retry, now_);
  const Timestamp past = now_ - std::chrono::hours(24);
  EXPECT_TRUE(d.on_timer(past).empty());
  EXPECT_EQ(d.on_timer(past + options().backoff_max).size(), 1U);
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
}

TEST(OutboxReason, IsBoundedOnWholeCharacters) {
  const Reason reason = bounded({"c", {std::string(2046, 'a') + "é", "more"}});
  ASSERT_EQ(reason.sentences.size(), 2U);
  EXPECT_EQ(reason.sentences[0], std::string(2046, 'a'));
  EXPECT_EQ(reason.sentences[1], "m");
}

}  // namespace
}  // namespace sluis::outbox
