#include "connector/gate/upstream.hpp"
#include "tests/unit/gate/gate_world.hpp"

#include <future>

namespace sluis::test {
namespace {

using provenance::EntryKind;

/// A service of the municipality's own.
class Service final : public http::Upstream {
 public:
  Result<http::StreamEnd> get(const http::PeerRequest& request, const http::StreamHandler& handler) override {
    asked = request;
    ++requests;
    if (unreachable) return Error(ErrorCode::peer_unavailable, "no connection");
    if (!handler.on_head(status, headers)) return http::StreamEnd{};
    for (const std::string& part : parts) {
      if (!handler.on_data(part)) return http::StreamEnd{};
    }
    if (silent) {
      std::promise<void> ended;
      handler.cutter->attach([&] { ended.set_value(); });
      silent();
      ended.get_future().wait();
      handler.cutter->attach(nullptr);
      return http::StreamEnd{};
    }
    return http::StreamEnd{complete, {}, late};
  }
  http::PeerRequest asked;
  int requests = 0;
  bool unreachable = false;
  unsigned status = 200;
  http::Headers headers{{"content-type", "text/csv; charset=utf-8"}, {"etag", "\"v1\""}, {"set-cookie", "a=b"}};
  std::vector<std::string> parts{"time,counter,tot", "al\n10:00,a,12\n", "11:00,b,7\n"};
  bool complete = true;
  bool late = false;
  std::function<void()> silent;  ///< set: called once all parts were given; then nothing comes until the call is ended
};

class UpstreamTest : public GateWorld {
 protected:
  void SetUp() override {
    GateWorld::SetUp();
    datasets_.plan.file = "";
    gate::UpstreamService service;
    service.source.url = "https://counts.waterrijk.example/api";
    service.source.methods = {"GET"};
    service.source.paths = {"/counts", "/counts/{day}"};
    service.source.query = {"from", "counter"};
    service.source.selects = {{"day", "time"}, {"from", "time"}};
    service.media_type = "text/csv";
    service.connect = [this]() -> Result<std::shared_ptr<http::Upstream>> { return service_; };
    service.credential = []() -> Result<std::string> { return "Bearer secret-of-the-source"; };
    datasets_.plan.upstream = std::move(service);
  }
  http::Response ask_for(const std::string& path, const std::string& query = "") {
    auto said = claim();
    said.path = "/data" + (path.empty() ? "" : "/urn:provider:1/" + path) + (query.empty() ? "" : "?" + query);
    auto asked = request(said);
    asked.target = said.path;
    asked.rest = path.empty() ? "" : "urn:provider:1/" + path;
    asked.query = query;
    asked.headers["cookie"] = "of-the-caller";
    asked.headers["x-other"] = "of-the-caller";
    return ask(asked);
  }
  std::string body(const std::string& path = "", const std::string& query = "") {
    auto response = ask_for(path, query);
    if (!response.stream) return "refused: " + std::to_string(response.status) + " " + code(response);
    sink_ = std::make_unique<Sink>();
    response.stream(*sink_);
    if (!sink_->finished) return "cut";
    if (sink_->status == 200) return sink_->body;
    const auto reason = gate::parse_reason(sink_->body);
    return "answer: " + std::to_string(sink_->status) + " " + (reason ? reason->code : "?");
  }
  std::string end_code() { return entries_of(EntryKind::stream_end).back().shared.decision().code(); }

  std::shared_ptr<Service> service_ = std::make_shared<Service>();
  std::unique_ptr<Sink> sink_;
};

TEST_F(UpstreamTest, ItsAnswerGoesThroughThePlanAndNothingElseIsPassed) {
  EXPECT_EQ(body(), "time,total\n10:00,12\n11:00,7\n");
  EXPECT_EQ(service_->asked.url, "https://counts.waterrijk.example/api/counts");
  EXPECT_EQ(service_->asked.method, "GET");
  const http::Headers wanted{{"accept", "text/csv"}, {"accept-encoding", "identity"}, {"authorization", "Bearer secret-of-the-source"}};
  http::Headers given = service_->asked.headers;
  const std::string step = given["traceparent"];
  given.erase("traceparent");
  EXPECT_EQ(given, wanted) << "nothing of the caller's, its handle and claim above all";
  EXPECT_FALSE(sink_->headers.contains("set-cookie"));
  EXPECT_FALSE(sink_->headers.contains("etag"));
  EXPECT_EQ(sink_->trailers["sluis-rows"], "2");
  const auto ended = entries_of(EntryKind::stream_end).back();
  EXPECT_EQ(ended.shared.end(), "complete");
  EXPECT_EQ(ended.internal.source(), "GET /counts etag=\"v1\"");
  // So that what the application behind the source writes down, as whose data these are, is below this release.
  EXPECT_EQ(step, "00-" + to_hex(ended.internal.trace_id()) + "-" + to_hex(ended.internal.span_id()) + "-00");
  for (const auto& entry : entries()) {
    EXPECT_EQ((entry.shared.SerializeAsString() + entry.internal.SerializeAsString()).find("secret-of-the-source"), std::string::npos);
  }
}

TEST_F(UpstreamTest, NothingIsAskedBeforeTheDecisionIsRecorded) {
  auto response = ask_for("");
  ASSERT_TRUE(response.stream);
  EXPECT_EQ(service_->requests, 0);
  EXPECT_EQ(entries_of(EntryKind::decision).size(), 1U);
}

TEST_F(UpstreamTest, PathsAndKeysOfTheListArePutTogetherAnew) {
  EXPECT_EQ(body("counts/2026-06-01", "from=10%3A00"), "time,total\n10:00,12\n11:00,7\n");
  EXPECT_EQ(service_->asked.url, "https://counts.waterrijk.example/api/counts/2026-06-01?from=10%3A00");
  body("counts/a b");
  EXPECT_EQ(service_->asked.url, "https://counts.waterrijk.example/api/counts/a%20b");
}

TEST_F(UpstreamTest, WhatIsNotInTheListsIsRefusedWithARecordAndNeverAsked) {
  const std::vector<std::pair<std::string, std::string>> bad{
      {"persons", ""}, {"counts/a/b", ""}, {"counts/", ""}, {"counts/..", ""}, {"Counts", ""}, {"", "limit=1"}, {"", "from=1&from=2"}, {"", "from=%0d"}};
  for (const auto& [path, query] : bad) {
    EXPECT_EQ(body(path, query), "refused: 403 source.choice") << path << "?" << query;
    EXPECT_EQ(entries_of(EntryKind::decision).back().shared.decision().code(), "source.choice");
  }
  EXPECT_EQ(service_->requests, 0);
}

TEST_F(UpstreamTest, AChoiceByWhatDoesNotLeaveIsRefused) {
  EXPECT_EQ(body("", "counter=a"), "refused: 403 source.choice_undoes") << "the counter is not declared";
  datasets_.plan.columns.columns.push_back({"counter", policy::ColumnAction::drop, false});
  EXPECT_EQ(body("", "counter=a"), "refused: 403 source.choice_undoes") << "and now dropped";
  datasets_.plan.columns.columns.back().action = policy::ColumnAction::keep;
  EXPECT_EQ(body("", "counter=a"), "time,counter,total\n10:00,a,12\n11:00,b,7\n");
}

TEST(Choice, WhatATransformWorksOnOrHidesIsNoChoice) {
  policy::DatasetColumns columns;
  columns.columns = {{"time", policy::ColumnAction::keep, false}, {"street", policy::ColumnAction::keep, false},
                     {"total", policy::ColumnAction::keep, true}};
  const std::vector<std::string> by_time{"time"}, by_total{"total"};
  const auto undone = [&](const std::vector<std::string>& by, const std::vector<policy::Transform>& transforms, bool rows = false) {
    return gate::choice_undoes(by, rows, columns, transforms).has_value();
  };
  EXPECT_FALSE(undone(by_time, {}));
  EXPECT_TRUE(undone(by_time, {policy::GeneraliseTime{{"time"}, "P1D", "UTC"}}));
  EXPECT_TRUE(undone(by_time, {policy::Pseudonymise{{"time"}, "e"}}));
  EXPECT_TRUE(undone(by_time, {policy::MaskColumn{{"time"}, 1}}));
  EXPECT_TRUE(undone(by_time, {policy::GeneralisePlace{{"time"}, "1", ""}}));
  EXPECT_FALSE(undone(by_time, {policy::MaskColumn{{"street"}, 1}}));
  const policy::SuppressSmallCells small{10, {}, {}, 0};
  EXPECT_TRUE(undone(by_time, {small})) << "the service may add up fewer rows";
  EXPECT_FALSE(undone(by_time, {small}, true)) << "stated: it leaves out whole rows";
  EXPECT_TRUE(undone(by_total, {small}, true)) << "a hidden count would be found by asking for it";
  EXPECT_TRUE(undone(by_time, {policy::AggregateBy{{"street"}, {}, "", 10, false}}, true));
}

TEST_F(UpstreamTest, AnAnswerThatIsNoneIsToldAndRecorded) {
  service_->status = 302;
  service_->headers["location"] = "https://elsewhere.example/";
  EXPECT_EQ(body(), "answer: 502 upstream.answered");
  EXPECT_EQ(end_code(), "upstream.answered");
  EXPECT_EQ(service_->requests, 1) << "a redirect is not followed";
  service_->status = 507;
  EXPECT_EQ(body(), "answer: 502 upstream.answered");
  EXPECT_EQ(sink_->body.find("507"), std::string::npos) << "which status it was is the operator's matter";
  const auto failed = entries_of(EntryKind::stream_end).back();
  EXPECT_EQ(failed.shared.SerializeAsString().find("507"), std::string::npos);
  EXPECT_EQ(failed.internal.source(), "GET /counts status=507");
  service_->status = 200;
  service_->headers["content-type"] = "text/html";
  EXPECT_EQ(body(), "answer: 502 upstream.answered");
  service_->headers["content-type"] = "text/csv";
  service_->headers["content-encoding"] = "gzip";
  EXPECT_EQ(body(), "answer: 502 upstream.answered");
  EXPECT_EQ(entries_of(EntryKind::stream_end).back().shared.bytes(), 0U);
  EXPECT_EQ(keys_under("rel/"), 0U);
}

TEST_F(UpstreamTest, OneThatCannotBeReachedOrIsLateIsTold) {
  service_->unreachable = true;
  EXPECT_EQ(body(), "answer: 502 upstream.unreachable");
  EXPECT_EQ(end_code(), "upstream.unreachable");
  datasets_.plan.upstream->source.patience = std::chrono::milliseconds(0);
  EXPECT_EQ(body(), "answer: 504 upstream.late");
  EXPECT_EQ(end_code(), "upstream.late");
}

TEST_F(UpstreamTest, OneThatStopsInTheMiddleEndsIncomplete) {
  service_->complete = false;
  EXPECT_EQ(body(), "cut");
  EXPECT_EQ(end_code(), "upstream.incomplete");
  service_->complete = true;
  service_->parts.push_back("12:00,too,many,cells\n");
  EXPECT_EQ(body(), "cut");
  EXPECT_EQ(entries_of(EntryKind::cut).back().shared.decision().code(), "source.malformed");
}

TEST_F(UpstreamTest, OneThatTakesTooLongIsToldApart) {
  service_->complete = false;
  service_->late = true;
  EXPECT_EQ(body(), "cut");
  EXPECT_EQ(end_code(), "upstream.stalled");
  EXPECT_EQ(entries_of(EntryKind::stream_end).back().shared.rows(), 2U) << "what had left is recorded";
  EXPECT_EQ(service_->asked.silence, std::chrono::seconds(30));
  EXPECT_EQ(service_->asked.whole, std::chrono::hours(12));
}

TEST_F(UpstreamTest, ACutEndsTheCallOfOneThatIsSilent) {
  auto response = ask_for("");
  ASSERT_TRUE(response.stream);
  service_->silent = [&] { gate_->on_revoked(record_.id, gate::make_reason("agreement.ended", {{"by", "x"}, {"when", "now"}, {"why", "y"}})); };
  Sink sink;
  response.stream(sink);
  EXPECT_TRUE(sink.is_cut);
  EXPECT_EQ(entries_of(EntryKind::cut).back().shared.decision().code(), "agreement.ended");
  EXPECT_EQ(keys_under("rel/"), 0U);
}

TEST_F(UpstreamTest, ThereAreNoRowsToGoOnBehind) {
  auto asked = request(claim());
  asked.headers["range"] = "rows=1-";
  asked.headers["if-match"] = "*";
  const auto refused = ask(asked);
  EXPECT_EQ(refused.status, 416U);
  EXPECT_EQ(code(refused), "source.no_rows");
  EXPECT_EQ(service_->requests, 0);
}

TEST_F(UpstreamTest, ACredentialThatCannotBeReadIsAnOperatorsMatter) {
  datasets_.plan.upstream->credential = []() -> Result<std::string> { return Error(ErrorCode::permission_denied, "others can read it"); };
  EXPECT_EQ(body(), "refused: 503 source.unavailable");
  EXPECT_EQ(service_->requests, 0);
}

TEST_F(UpstreamTest, ARevocationCutsBeforeTheNextByte) {
  auto response = ask_for("");
  ASSERT_TRUE(response.stream);
  Sink sink;
  sink.on_write = [&] { gate_->on_revoked(record_.id, gate::make_reason("agreement.ended", {{"by", "x"}, {"when", "now"}, {"why", "y"}})); };
  response.stream(sink);
  EXPECT_FALSE(sink.finished);
  EXPECT_EQ(sink.body, "time,total\n10:00,12\n");
  EXPECT_EQ(entries_of(EntryKind::cut).back().shared.decision().code(), "agreement.ended");
}

TEST_F(UpstreamTest, OnePartyHasSoManyCallsAtOnceAndNoMore) {
  std::vector<http::Response> running;
  for (unsigned i = 0; i < gate::UpstreamCalls::kAtOnce; ++i) running.push_back(ask_for(""));
  for (const auto& one : running) ASSERT_TRUE(one.stream) << one.body;
  const auto refused = ask_for("");
  EXPECT_FALSE(refused.stream);
  EXPECT_EQ(refused.status, 503U);
  EXPECT_EQ(code(refused), "upstream.busy");
  EXPECT_EQ(refused.headers.count("retry-after"), 1U);
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.decision().code(), "upstream.busy") << "as any other refusal";
  running.pop_back();
  EXPECT_EQ(body(), "time,total\n10:00,12\n11:00,7\n") << "one has ended";
}

TEST(UpstreamCalls, OfAnotherAskerAreAnothers) {
  auto calls = std::make_unique<gate::UpstreamCalls>();
  std::vector<std::shared_ptr<const void>> held;
  for (unsigned i = 0; i < gate::UpstreamCalls::kAtOnce; ++i) held.push_back(calls->take("urn:duinmeer"));
  EXPECT_FALSE(calls->take("urn:duinmeer"));
  EXPECT_TRUE(calls->take("urn:stroomplein"));
  calls.reset();
  held.clear();  // what was taken outlives it
}

TEST_F(UpstreamTest, RangesAreNotPassedOn) {
  auto asked = request(claim());
  asked.headers["range"] = "bytes=0-3";
  auto response = ask(asked);
  ASSERT_TRUE(response.stream);
  Sink sink;
  response.stream(sink);
  EXPECT_EQ(sink.status, 200U);
  EXPECT_EQ(sink.headers["accept-ranges"], "none");
  EXPECT_FALSE(service_->asked.headers.contains("range"));
}

}  // namespace
}  // namespace sluis::test
