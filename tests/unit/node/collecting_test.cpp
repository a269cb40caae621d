#include "connector/node/collecting.hpp"

#include "connector/json/json.hpp"
#include "tests/unit/management/world.hpp"

#include <condition_variable>
#include <mutex>

namespace sluis::node {
namespace {

using management::test::World;

constexpr std::string_view kCursor = "collected/adl/http://127.0.0.1:4318";

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
  std::uint64_t cursor() {
    const auto kept = world_.store.get(kCursor);
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
