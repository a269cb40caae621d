#include "connector/management/logbook.hpp"

#include "connector/crypto/crypto.hpp"
#include "sluis/v1/evidence.pb.h"
#include "tests/unit/management/world.hpp"

namespace sluis::management::test {
namespace {

using provenance::EntryKind;

constexpr std::string_view kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr std::string_view kActivity = "https://waterrijk.example/activities/counting";

struct LogbookWorld : World {
  LogbookWorld() { routes.push_back(logbook_route(api)); }

  /// An action that took a second.
  void act(std::string_view trace, std::string_view activity, Timestamp ended) {
    v1::Shared shared;
    shared.set_time_us(ended.time_since_epoch().count());
    shared.set_event("complete");
    shared.set_end("complete");
    shared.set_dataset("urn:waterrijk:counts");
    v1::Internal internal;
    internal.set_trace_id(*from_hex(trace));
    internal.set_span_id("spanspan");
    internal.set_begun_us(ended.time_since_epoch().count() - 1'000'000);
    internal.set_processed_under(std::string(activity));
    Commit commit;
    commit.entries.push_back({static_cast<std::uint8_t>(EntryKind::stream_end), {}, shared.SerializeAsString(), internal.SerializeAsString()});
    ASSERT_TRUE(commits.commit_and_wait(std::move(commit)));
  }
  std::size_t found(const std::string& body) {
    const json::Value told = answer("/processing-activities", body, "dpo");
    const json::Value* list = told.find("processingActivities");
    return list == nullptr ? 999 : list->if_array()->size();
  }
  json::Value problem(const std::string& body, unsigned status = 400, const std::string& role = "dpo") {
    const auto response = post("/processing-activities", body, role);
    EXPECT_EQ(response.status, status) << body << response.body;
    EXPECT_EQ(response.headers.at("content-type"), "application/problem+json");
    auto read = json::parse(response.body);
    EXPECT_TRUE(read) << response.body;
    return read ? *read : json::Value();
  }
  std::string pointer(const std::string& body) {
    const json::Value told = problem(body);
    const json::Value* errors = told.find("errors");
    return errors == nullptr ? "none" : *errors->if_array()->front().find("location")->find("pointer")->if_string();
  }
};

std::string milliseconds(Timestamp time) { return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count()); }

TEST(Logbook, WhatFitsIsToldInTheFormOfTheExtension) {
  LogbookWorld world;
  world.act(kTrace, kActivity, world.clock.now());
  world.act("00000000000000000000000000000001", "https://waterrijk.example/activities/other", world.clock.now());
  const json::Value told = world.answer("/processing-activities", R"({"traceId":"4BF92F35-77B3-4DA6-A3CE-929D0E0E4736"})", "auditor");
  const auto& list = *told.find("processingActivities")->if_array();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(*list[0].find("traceId")->if_string(), "4bf92f35-77b3-4da6-a3ce-929d0e0e4736");
  EXPECT_EQ(*list[0].find("spanId")->if_string(), to_hex("spanspan"));
  EXPECT_EQ(*list[0].find("status")->if_string(), "Unset");
  EXPECT_EQ(list[0].find("endTime")->if_number()->text, milliseconds(world.clock.now()));
  EXPECT_EQ(list[0].find("startTime")->if_number()->text, milliseconds(world.clock.now() - std::chrono::seconds(1)));
  EXPECT_EQ(*list[0].find("attributes")->find("dpl.core.processing_activity_id")->if_string(), kActivity);
  for (const char* other : {"trace_id", "start_time", "parentSpanId"}) EXPECT_EQ(list[0].find(other), nullptr) << other;
  const std::string trace = R"("traceId":")" + std::string(kTrace) + "\"";
  const std::string activity = R"("dpl.core.processing_activity_id":")" + std::string(kActivity) + "\"";
  EXPECT_EQ(world.found("{" + trace + "," + activity + "}"), 1U);
  EXPECT_EQ(world.found("{" + activity + "}"), 1U);
  EXPECT_EQ(world.found(R"({"traceId":"00000000000000000000000000000001",)" + activity + "}"), 0U) << "all of it has to fit";
  EXPECT_EQ(world.found(R"({"dpl.core.data_subject_id":"x"})"), 0U) << "a node knows none";
  EXPECT_EQ(world.found("{" + trace + R"(,"dpl.core.foreign_operation.processor":"https://elsewhere.example"})"), 0U);
}

TEST(Logbook, ATimeNarrowsIt) {
  LogbookWorld world;
  const Timestamp first = world.clock.now();
  for (int i = 0; i < 6; ++i) {
    world.act(kTrace, kActivity, world.clock.now());
    world.clock.advance(std::chrono::hours(1));
  }
  const auto between = [&](const std::string& from, const std::string& until) {
    std::string body = R"({"traceId":")" + std::string(kTrace) + "\"";
    if (!from.empty()) body += R"(,"startTime":)" + from;
    if (!until.empty()) body += R"(,"endTime":)" + until;
    return world.found(body + "}");
  };
  const auto at = [&](int i, int more_ms) { return milliseconds(first + std::chrono::hours(i) + std::chrono::milliseconds(more_ms)); };
  EXPECT_EQ(between("", ""), 6U);
  EXPECT_EQ(between(at(2, -1000), ""), 4U) << "begun just then";
  EXPECT_EQ(between(at(2, -999), ""), 3U);
  EXPECT_EQ(between("", at(2, 0)), 3U) << "ended just then";
  EXPECT_EQ(between("", at(2, -1)), 2U);
  EXPECT_EQ(between(at(1, -1000), at(3, 0)), 3U);
  EXPECT_EQ(between(at(9, 0), ""), 0U);
  EXPECT_EQ(between("", "0"), 0U);
}

TEST(Logbook, WhoLooksIsRecordedBeforeTheAnswer) {
  LogbookWorld world;
  world.act(kTrace, kActivity, world.clock.now());
  const std::string body = R"({"traceId":")" + std::string(kTrace) + R"(","endTime":)" + milliseconds(world.clock.now()) + "}";
  const auto response = world.post("/processing-activities", body, "auditor:C. Visser");
  ASSERT_EQ(response.status, 200U);
  const auto page = world.answer("/sluis.v1.AuditService/Log", R"({"kinds":["looked"]})", "dpo");
  ASSERT_EQ(page.find("entries")->if_array()->size(), 1U);
  const json::Value& entry = page.find("entries")->if_array()->front();
  EXPECT_EQ(*entry.find("event")->if_string(), "processing-activities");
  EXPECT_EQ(*entry.find("person")->if_string(), "C. Visser");
  EXPECT_EQ(*entry.find("detail")->if_string(), "role auditor");
  EXPECT_EQ(*entry.find("count")->if_string(), "1");
  EXPECT_EQ(*entry.find("request")->if_string(), body);
  EXPECT_EQ(*entry.find("digest")->if_string(), to_hex(crypto::sha256(response.body)));
  world.disk_fails = true;
  world.problem(body, 503);
}

TEST(Logbook, WhatIsNoQuestionIsRefusedWithItsPlace) {
  LogbookWorld world;
  EXPECT_EQ(world.pointer("{}"), "");
  EXPECT_EQ(world.pointer(R"({"startTime":1})"), "") << "that alone narrows nothing";
  EXPECT_EQ(world.pointer("[]"), "");
  EXPECT_EQ(world.pointer(R"({"traceId":"x"})"), "/traceId");
  EXPECT_EQ(world.pointer(R"({"traceId":"4bf92f35-77b3-4da6-a3ce929d-0e0e4736"})"), "/traceId") << "dashes elsewhere";
  EXPECT_EQ(world.pointer(R"({"traceId":7})"), "/traceId");
  EXPECT_EQ(world.pointer(R"({"traceId":""})"), "/traceId");
  EXPECT_EQ(world.pointer(R"({"dpl.core.data_subject_id":")" + std::string(600, 'x') + "\"}"), "/dpl.core.data_subject_id");
  for (const char* time : {"1.5", "\"2026-11-27T00:00:00Z\"", "-1", "99999999999999", "true"}) {
    EXPECT_EQ(world.pointer(R"({"dpl.core.data_subject_id":"x","startTime":)" + std::string(time) + "}"), "/startTime") << time;
  }
  EXPECT_EQ(world.pointer(R"({"dpl.core.data_subject_id":"x","startTime":2,"endTime":1})"), "/endTime");
  EXPECT_EQ(world.pointer(R"({"traceID":"x"})"), "/traceID") << "a filter that nobody applies would tell too much";
  const json::Value torn = world.problem("{\n  \"traceId\"");
  EXPECT_EQ(torn.find("errors")->if_array()->front().find("location")->find("line")->if_number()->text, "2");
  EXPECT_EQ(*torn.find("title")->if_string(), "Bad Request");
  http::Request unsaid;
  unsaid.method = "POST";
  unsaid.path = "/processing-activities";
  unsaid.headers = {{"authorization", "Bearer dpo"}};
  EXPECT_EQ(world.post(unsaid).status, 400U);
  EXPECT_EQ(world.answer("/sluis.v1.AuditService/Log", R"({"kinds":["looked"]})", "dpo").find("entries"), nullptr) << "nothing was looked at";
}

TEST(Logbook, OnlyWhoMayLooks) {
  LogbookWorld world;
  world.problem(R"({"traceId":"x"})", 401, "");
  world.problem(R"({"traceId":"x"})", 401, "guessed");
  for (const char* role : {"steward", "privacy_officer", "operator", "application", "panel_member", "council_clerk"}) {
    const json::Value told = world.problem("{", 403, role);  // whatever is asked
    EXPECT_NE(told.find("detail")->if_string()->find("may not call"), std::string::npos);
  }
}

TEST(Logbook, TooMuchIsRefused) {
  LogbookWorld world;
  for (int i = 0; i < 1000; ++i) world.act(kTrace, kActivity, world.clock.now());
  const std::string body = R"({"traceId":")" + std::string(kTrace) + "\"}";
  EXPECT_EQ(world.found(body), 1000U);
  world.act(kTrace, kActivity, world.clock.now());
  EXPECT_NE(world.problem(body).find("detail")->if_string()->find("more than 1000"), std::string::npos);
}

}  // namespace
}  // namespace sluis::management::test
