#include "connector/node/asked_to_wait.hpp"
#include "connector/node/collecting.hpp"

#include "connector/json/json.hpp"
#include "tests/unit/management/world.hpp"

#include <condition_variable>
#include <mutex>

namespace sluis::node {
namespace {

using management::test::World;

constexpr std::string_view kCursor = "collected/adl/http://127.0.0.1:4318", kHookCursor = "collected/events/http://127.0.0.1:4318/hook";

class CollectingTest : public ::testing::Test {
 protected:
  /// So many decisions as one commit; `of_call`: they are one call to the decision point.
  void decide(unsigned count, bool of_call = false) {
    Commit commit;
    for (unsigned i = 0; i < count; ++i) {
      v1::Shared shared;
      shared.set_time_us(1'780'000'000'000'000 + made_);
      shared.set_event(of_call ? "evaluated.permitted" : "permitted");
      v1::Internal internal;
      internal.set_trace_id(std::string(16, 'T'));
      std::string span;
      put_u64(span, of_call ? 1'000'000 : ++made_);
      internal.set_span_id(span);
      internal.set_request("{}");
      if (of_call) internal.set_of_call(count);
      commit.entries.push_back({20, {}, shared.SerializeAsString(), internal.SerializeAsString()});
    }
    ASSERT_TRUE(world_.commits.commit_and_wait(std::move(commit)));
  }

  std::unique_ptr<Collecting> collecting(std::string credential = {}) {
    CollectorAt at{"http://127.0.0.1:4318", {records::Form::adl}, [this](const http::PeerRequest& request) { return answer(request); }, [] {}, {}};
    if (!credential.empty()) at.credential = [credential] { return Result<std::string>(credential); };
    std::vector<CollectorAt> list;
    list.push_back(std::move(at));
    return std::make_unique<Collecting>(std::move(list), CollectingDependencies{world_.store, world_.log, world_.commits, around_, world_.clock, world_.random});
  }

  /// A webhook that hears of these kinds; its secret is that of the Standard Webhooks' example.
  std::unique_ptr<Collecting> webhook(std::set<std::string, std::less<>> kinds = {}) {
    CollectorAt at{"http://127.0.0.1:4318/hook", {records::Form::events}, [this](const http::PeerRequest& request) { return answer(request); }, [] {}, {}};
    at.secret = [] { return from_base64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"); };
    at.kinds = std::move(kinds);
    std::vector<CollectorAt> list;
    list.push_back(std::move(at));
    return std::make_unique<Collecting>(std::move(list), CollectingDependencies{world_.store, world_.log, world_.commits, around_, world_.clock, world_.random});
  }

  /// Answers in turn with what was put here, the last of them for ever.
  Result<http::PeerResponse> answer(const http::PeerRequest& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    came_.notify_all();
    http::PeerResponse out = answers_.front();
    if (answers_.size() > 1) answers_.erase(answers_.begin());
    return out;
  }
  void wait_for_requests(std::size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(came_.wait_for(lock, std::chrono::seconds(60), [&] { return requests_.size() >= count; }));
  }
  template <class Holds>
  bool eventually(Holds holds) {
    for (int i = 0; i < 6000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  std::uint64_t cursor(std::string_view key = kCursor) {
    const auto kept = world_.store.get(std::string(key));
    return kept && *kept ? get_u64(**kept) : 0;
  }
  /// Span ids of one request's records.
  std::vector<std::string> spans(std::size_t request) {
    const std::lock_guard lock(mutex_);
    const auto body = json::parse(requests_.at(request).body, wide());
    EXPECT_TRUE(body);
    std::vector<std::string> out;
    const auto& scope = body->find("resourceLogs")->if_array()->front().find("scopeLogs")->if_array()->front();
    for (const json::Value& one : *scope.find("logRecords")->if_array()) out.push_back(*one.find("spanId")->if_string());
    return out;
  }
  static json::Bounds wide() {
    json::Bounds out;
    out.bytes = 64U << 20U;
    return out;
  }

  World world_;
  const records::Surroundings around_{"did:web:waterrijk.example", "", [](std::string_view) { return std::string(); }, [](std::string_view) { return std::string(); }};
  std::uint64_t made_ = 0;
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<http::PeerRequest> requests_;
  std::vector<http::PeerResponse> answers_{{200, {}, "{}"}};
};

TEST_F(CollectingTest, EachRecordIsSentAndNotAgainAfterAStart) {
  decide(3);
  {
    const auto one = collecting("Bearer of-waterrijk");
    ASSERT_TRUE(one->start());
    ASSERT_TRUE(eventually([&] { return cursor() == 3; }));
    decide(1);
    ASSERT_TRUE(eventually([&] { return cursor() == 4; })) << "a commit wakes it";
    EXPECT_TRUE(one->findings().empty());
    EXPECT_EQ(one->measured().front().records, 4U);
    EXPECT_EQ(one->measured().front().waiting, 0U);
  }
  ASSERT_EQ(requests_.size(), 2U);
  EXPECT_EQ(requests_[0].url, "http://127.0.0.1:4318/v1/logs");
  EXPECT_EQ(requests_[0].headers.at("authorization"), "Bearer of-waterrijk");
  EXPECT_EQ(requests_[0].headers.at("content-type"), "application/json");
  EXPECT_EQ(spans(0).size(), 3U);
  const auto again = collecting();
  ASSERT_TRUE(again->start());
  decide(1);
  wait_for_requests(3);
  EXPECT_EQ(spans(2), std::vector<std::string>{"0000000000000005"});
}

TEST_F(CollectingTest, WhatWasNotTakenIsSentAgain) {
  decide(2);
  answers_ = {{503, {}, ""}, {200, {}, "{}"}};
  const auto one = collecting();
  ASSERT_TRUE(one->start());
  ASSERT_TRUE(eventually([&] { return cursor() == 2; }));
  EXPECT_EQ(spans(0), spans(1));
  EXPECT_FALSE(one->measured().front().failing);
}

TEST_F(CollectingTest, ARefusalIsToldAndNothingIsSkipped) {
  decide(2);
  answers_ = {{401, {}, R"({"code":16,"message":"`very-secret` is nobody's\n"})"}};
  const auto one = collecting("Bearer very-secret");
  ASSERT_TRUE(one->start());
  ASSERT_TRUE(eventually([&] { return !one->findings().empty(); }));
  EXPECT_EQ(one->findings().front(), "collector http://127.0.0.1:4318 (adl): it answers 401: `*` is nobody's?; 2 entries wait for it");
  EXPECT_EQ(one->measured().front().last_status, 401U);
  EXPECT_TRUE(one->measured().front().failing);
  EXPECT_EQ(cursor(), 0U);
}

TEST_F(CollectingTest, WhatIsRejectedForGoodIsCountedAndTheRestGoesOn) {
  decide(2);
  answers_ = {{200, {}, R"({"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too old"}})"}, {200, {}, ""}};
  const auto one = collecting();
  ASSERT_TRUE(one->start());
  ASSERT_TRUE(eventually([&] { return cursor() == 2; }));
  decide(1);
  ASSERT_TRUE(eventually([&] { return cursor() == 3; }));
  EXPECT_EQ(requests_.size(), 2U) << "that batch is not sent again";
  EXPECT_EQ(one->findings().front(), "collector http://127.0.0.1:4318 (adl): it rejected 1 records, which are not sent again: too old");
  EXPECT_EQ(one->measured().front().rejected, 1U);
  world_.clock.advance(std::chrono::hours(25));
  EXPECT_TRUE(one->findings().empty()) << "it is on record in the metrics";
}

TEST_F(CollectingTest, ALongLogGoesInPiecesThatPartNoCall) {
  decide(511);
  decide(3, true);
  decide(200);
  const auto one = collecting();
  ASSERT_TRUE(one->start());
  ASSERT_TRUE(eventually([&] { return cursor() == 714; }));
  ASSERT_EQ(requests_.size(), 2U);
  EXPECT_EQ(spans(0).size(), 512U) << "the call is one record, and whole";
  EXPECT_EQ(spans(1).size(), 200U);
}

TEST_F(CollectingTest, AnOlderStoreIsToldAndSendsNothing) {
  decide(1);
  std::string ahead;
  put_u64(ahead, 9);
  ASSERT_TRUE(world_.store.write({{std::string(kCursor), ahead}}, true));
  const auto one = collecting();
  ASSERT_TRUE(one->start());
  ASSERT_TRUE(eventually([&] { return !one->findings().empty(); }));
  EXPECT_NE(one->findings().front().find("entry 9 was acknowledged, and here are 1"), std::string::npos);
  EXPECT_TRUE(requests_.empty());
  ASSERT_TRUE(world_.store.write({{std::string(kCursor), "no number"}}, true));
  EXPECT_EQ(collecting()->start().error().code, ErrorCode::corruption);
}

TEST_F(CollectingTest, AWebhookGetsEachEventByItselfSignedAndInOrder) {
  decide(2);
  decide(2, true);
  answers_ = {{500, {}, "no"}, {204, {}, ""}};
  const auto one = webhook();
  ASSERT_TRUE(one->start());
  ASSERT_TRUE(eventually([&] { return cursor(kHookCursor) == 4; }));
  ASSERT_EQ(requests_.size(), 5U) << "the first was not taken, and is sent again";
  std::vector<std::string> ids;
  for (const http::PeerRequest& request : requests_) {
    EXPECT_EQ(request.url, "http://127.0.0.1:4318/hook");
    EXPECT_EQ(request.headers.at("content-type"), "application/cloudevents+json; charset=utf-8");
    const auto event = json::parse(request.body);
    ASSERT_TRUE(event) << request.body;
    ids.push_back(*event->find("id")->if_string());
    EXPECT_EQ(request.headers, [&] {
      http::Headers expected = webhook_headers(*from_base64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), ids.back(), world_.clock.now(), request.body);
      expected["content-type"] = request.headers.at("content-type");
      return expected;
    }());
  }
  EXPECT_EQ(ids[0], ids[1]) << "by which a receiver knows it again";
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), 4U);
  for (unsigned i = 1; i < 5; ++i) EXPECT_EQ(json::to_integer(*json::parse(requests_[i].body)->find("data")->find("entry")->if_number()).value(), i - 1);
}

TEST_F(CollectingTest, AWebhookHearsOfItsKindsAlone) {
  decide(2);
  Commit commit;
  v1::Shared shared;
  shared.set_event("ended");
  commit.entries.push_back({12, {}, shared.SerializeAsString(), {}});
  ASSERT_TRUE(world_.commits.commit_and_wait(std::move(commit)));
  decide(1);
  const auto one = webhook({"agreement-ended"});
  ASSERT_TRUE(one->start());
  wait_for_requests(1);
  ASSERT_TRUE(eventually([&] { return one->measured().front().waiting == 0; }));
  ASSERT_EQ(requests_.size(), 1U);
  EXPECT_EQ(*json::parse(requests_[0].body)->find("type")->if_string(), "org.w3id.sluis.agreement-ended");
  EXPECT_EQ(one->measured().front().without_record, 0U) << "others are not missing";
}

TEST_F(CollectingTest, WithoutASecretNothingIsSent) {
  decide(1);
  CollectorAt at{"http://127.0.0.1:4318/hook", {records::Form::events}, [this](const http::PeerRequest& request) { return answer(request); }, [] {}, {}};
  at.secret = [] { return Result<std::string>(Error(ErrorCode::permission_denied, "others can read it")); };
  std::vector<CollectorAt> list;
  list.push_back(std::move(at));
  Collecting one(std::move(list), CollectingDependencies{world_.store, world_.log, world_.commits, around_, world_.clock, world_.random});
  ASSERT_TRUE(one.start());
  ASSERT_TRUE(eventually([&] { return !one.findings().empty(); }));
  EXPECT_NE(one.findings().front().find("others can read it"), std::string::npos);
  EXPECT_TRUE(requests_.empty());
}

TEST(Webhook, SignsAsTheStandardsExampleDoes) {
  const auto headers = webhook_headers(*from_base64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                       Timestamp(std::chrono::seconds(1'614'265'330) + std::chrono::milliseconds(900)), R"({"test": 2432232314})");
  EXPECT_EQ(headers, (http::Headers{{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"}, {"webhook-timestamp", "1614265330"},
                                    {"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}));
}

TEST(RetryAfter, IsSecondsOrADate) {
  const Timestamp now = *parse_time("1994-11-06T08:49:30Z");
  const auto read = [&](const std::string& value) { return retry_after({503, {{"retry-after", value}}, ""}, now); };
  EXPECT_EQ(read("120"), std::chrono::seconds(120));
  EXPECT_EQ(read("Sun, 06 Nov 1994 08:49:37 GMT"), std::chrono::seconds(7));
  EXPECT_EQ(read("Sun, 06 Nov 1994 08:00:00 GMT"), std::chrono::seconds(0)) << "it is over";
  for (const char* none : {"", "soon", "-1", "1.5", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nix 1994 08:49:37 GMT", "99999999999"}) EXPECT_FALSE(read(none)) << none;
  EXPECT_FALSE(retry_after({503, {}, ""}, now));
}

}  // namespace
}  // namespace sluis::node
