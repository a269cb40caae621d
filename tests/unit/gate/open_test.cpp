#include "tests/unit/gate/world.hpp"

namespace sluis::test {
namespace {

using provenance::EntryKind;

class OpenGateTest : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    datasets_.plan.public_offer = *json::parse(
        R"({"@id":"offer-1","@type":"Offer","permission":[{"action":"use"}],)"
        R"("obligation":[{"action":"suppressSmallCells",)"
        R"("constraint":[{"leftOperand":"minCellSize","operator":"gteq","rightOperand":"10"}]}]})");
    datasets_.plan.public_offer_hash = crypto::sha256("open offer");
    make();
  }
  void make() {
    open_ = std::make_unique<gate::OpenGate>(
        ParticipantId("urn:waterrijk"),
        gate::OpenDependencies{commits_, store_, clock_, decisions_, datasets_, programs_, streams_, refusals_,
                               [this] { return vocabulary_; }});
  }
  http::Response ask(const std::string& path = "counts", const std::string& method = "GET") {
    http::Request request;
    request.method = method;
    request.rest = path;
    return open_->routes().front().handler(request);
  }
  void wait_for_totals(std::size_t count) {
    for (int i = 0; i < 5000 && entries_of(EntryKind::open_total).size() < count; ++i) std::this_thread::yield();
  }
  gate::RefusalCounter refusals_{commits_, clock_, ParticipantId("urn:waterrijk")};
  std::unique_ptr<gate::OpenGate> open_;
};

TEST_F(OpenGateTest, TheHourIsOpenedBeforeItsFirstByteAndOnce) {
  auto response = ask();
  ASSERT_TRUE(response.stream) << response.body;
  ASSERT_EQ(entries_of(EntryKind::open_hour).size(), 1U);
  Sink sink;
  response.stream(sink);
  EXPECT_EQ(sink.body, "time,total\n10:00,12\n11:00,x\n");
  EXPECT_EQ(sink.trailers["sluis-rows"], "2");
  ASSERT_TRUE(ask().stream);
  EXPECT_EQ(entries_of(EntryKind::open_hour).size(), 1U);
  EXPECT_EQ(entries_of(EntryKind::decision).size(), 0U);
}

TEST_F(OpenGateTest, AHeadIsDecidedAndCountsAsNothing) {
  auto response = ask("counts", "HEAD");
  ASSERT_TRUE(response.stream) << response.body;
  Sink sink;
  response.stream(sink);
  EXPECT_EQ(sink.status, 200U);
  EXPECT_EQ(sink.headers["content-type"], "text/csv");
  EXPECT_TRUE(sink.body.empty());
  EXPECT_TRUE(sink.finished);
  EXPECT_EQ(ask("other", "HEAD").status, 404U);
  datasets_.plan.suspended = "under review";
  EXPECT_EQ(ask("counts", "HEAD").status, 403U);
  EXPECT_TRUE(entries_of(EntryKind::open_hour).empty());
}

TEST_F(OpenGateTest, StrangersTogetherHaveSoManyCallsOfAServiceAndNoMore) {
  struct Never final : http::Upstream {
    Result<http::StreamEnd> get(const http::PeerRequest&, const http::StreamHandler&) override { return http::StreamEnd{}; }
  };
  datasets_.plan.file = "";
  datasets_.plan.upstream.emplace();
  datasets_.plan.upstream->source.url = "https://counts.waterrijk.example/api";
  datasets_.plan.upstream->source.paths = {"/counts"};
  datasets_.plan.upstream->connect = []() -> Result<std::shared_ptr<http::Upstream>> { return std::make_shared<Never>(); };
  std::vector<http::Response> running;
  for (unsigned i = 0; i < gate::UpstreamCalls::kAtOnce; ++i) running.push_back(ask());
  for (const auto& one : running) ASSERT_TRUE(one.stream) << one.body;
  const auto refused = ask();
  EXPECT_EQ(refused.status, 503U);
  EXPECT_EQ(refused.headers.count("retry-after"), 1U);
  EXPECT_TRUE(ask("counts", "HEAD").stream) << "a head asks nothing of it";
  running.pop_back();
  EXPECT_TRUE(ask().stream) << "one has ended";
}

TEST_F(OpenGateTest, OthersWaitForTheSameRecord) {
  commits_.hold = true;
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      EXPECT_TRUE(ask().stream);
      ++answered;
    });
  }
  commits_.wait_for_caller();
  EXPECT_EQ(answered, 0);
  commits_.release();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(entries_of(EntryKind::open_hour).size(), 1U);
  ASSERT_TRUE(open_->close());
  ASSERT_EQ(entries_of(EntryKind::open_total).size(), 1U);
  EXPECT_EQ(entries_of(EntryKind::open_total)[0].shared.count(), 8U);
  EXPECT_EQ(keys_under("open/"), 0U);
  EXPECT_EQ(ask().status, 503U);
}

TEST_F(OpenGateTest, TheTotalFollowsAtTheHoursEnd) {
  ASSERT_TRUE(ask().stream);
  clock_.advance(std::chrono::hours(1));
  open_->on_clock_step();
  wait_for_totals(1);
  ASSERT_EQ(entries_of(EntryKind::open_total).size(), 1U);
  ASSERT_TRUE(ask().stream);
  EXPECT_EQ(entries_of(EntryKind::open_hour).size(), 2U);
}

TEST_F(OpenGateTest, AfterACrashTheTotalIsUnknown) {
  ASSERT_TRUE(ask().stream);
  make();
  ASSERT_TRUE(open_->recover());
  ASSERT_EQ(entries_of(EntryKind::open_total).size(), 1U);
  EXPECT_EQ(entries_of(EntryKind::open_total)[0].shared.end(), "unknown");
  ASSERT_TRUE(ask().stream);
  EXPECT_EQ(entries_of(EntryKind::open_hour).size(), 2U);
}

TEST_F(OpenGateTest, NothingIsReleasedThatCannotBeRecordedAndTheNextTriesAgain) {
  commits_.refuse = true;
  EXPECT_EQ(ask().status, 503U);
  commits_.refuse = false;
  EXPECT_TRUE(ask().stream);
}

TEST_F(OpenGateTest, WhatIsNotPublicIsNotThere) {
  EXPECT_EQ(ask("other").status, 404U);
  datasets_.plan.public_offer = nullptr;
  EXPECT_EQ(ask().status, 404U);
}

TEST_F(OpenGateTest, PublicTermsAreDecidedAsOthers) {
  datasets_.plan.public_offer = *json::parse(R"({"@id":"offer-2","@type":"Offer",)" + crowd_only() + "}");
  datasets_.plan.public_offer_hash = crypto::sha256("for one purpose");
  EXPECT_EQ(ask().status, 403U);
  datasets_.plan.suspended = "under review";
  EXPECT_EQ(ask().status, 403U);
  EXPECT_TRUE(entries_of(EntryKind::open_hour).empty());
}

}  // namespace
}  // namespace sluis::test
