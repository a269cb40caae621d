#include "tests/unit/management/world.hpp"

#include "connector/base/bytes.hpp"
#include "sluis/v1/access.pb.h"

#include <algorithm>
#include <thread>

namespace sluis::management::test {
namespace {

v1::ErrorDetail detail_of(const http::Response& response) {
  v1::ErrorDetail detail;
  const auto value = json::parse(response.body);
  EXPECT_TRUE(value) << response.body;
  if (!value) return detail;
  const auto* details = value->find("details");
  EXPECT_NE(details, nullptr);
  std::string text = *details->if_array()->front().find("value")->if_string();
  while (text.size() % 4 != 0) text += '=';
  EXPECT_TRUE(detail.ParseFromString(*from_base64(text)));
  return detail;
}

const std::string kShow = "/sluis.v1.DatasetService/Show";
const std::string kPublish = "/sluis.v1.DatasetService/Publish";

TEST(Connect, AnErrorHasCodeMessageAndDetail) {
  World world;
  const auto response = world.post(kShow, R"({"id":"urn:none"})");
  EXPECT_EQ(response.status, 404U);
  EXPECT_NE(response.body.find(R"("code":"not_found")"), std::string::npos) << response.body;
  EXPECT_EQ(detail_of(response).code(), "not_found");
}

TEST(Connect, AnUnknownFieldIsRefusedWithTheOneThatWasMeant) {
  World world;
  const auto response = world.post("/sluis.v1.DatasetService/List", R"({"pageSise":5})");
  EXPECT_EQ(response.status, 400U);
  EXPECT_EQ(detail_of(response).pointer(), "/pageSise");
  EXPECT_NE(detail_of(response).mend().find("pageSize"), std::string::npos);
}

TEST(Connect, BadBodiesAreRefused) {
  World world;
  for (const std::string body : {"", "[]", "{", R"({"id":1})", R"({"id":"a","id":"b"})", "{\"id\":\"\xff\"}", "nul"}) {
    EXPECT_EQ(world.post(kShow, body).status, 400U) << body;
  }
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += R"({"id":)";
  const auto too_deep = world.post(kShow, deep);
  EXPECT_EQ(too_deep.status, 400U);
  EXPECT_NE(too_deep.body.find("invalid_argument"), std::string::npos) << too_deep.body;
}

TEST(Connect, WhoHasNoTokenLearnsNothingOfTheBody) {
  World world;
  const auto response = world.post(kShow, "{", "guessed");
  EXPECT_EQ(response.status, 401U);
  EXPECT_EQ(response.headers.at("www-authenticate"), "Bearer");
}

TEST(Connect, WhatAServiceDoesNotHaveIsToldInItsWords) {
  World world;
  const auto last = std::find_if(world.routes.begin(), world.routes.end(), [](const http::Route& route) { return route.path == "/sluis.v1.DatasetService/*"; });
  ASSERT_NE(last, world.routes.end());
  EXPECT_GT(last, std::find_if(world.routes.begin(), world.routes.end(), [](const http::Route& route) { return route.path == kShow; }));
  http::Request request;
  request.method = "POST";
  request.path = "/sluis.v1.DatasetService/Explode";
  request.headers = {{"content-type", "application/json"}};
  const auto response = last->handler(request);
  EXPECT_EQ(response.status, 501U);
  EXPECT_NE(response.body.find(R"("code":"unimplemented")"), std::string::npos) << response.body;
}

TEST(Connect, HeadersAreChecked) {
  World world;
  http::Request request;
  request.method = "POST";
  request.path = kShow;
  request.body = "{}";
  request.headers = {{"authorization", "Bearer steward"}, {"content-type", "text/plain"}};
  EXPECT_EQ(world.post(request).status, 415U);
  request.headers["content-type"] = "application/json; charset=utf-8";
  EXPECT_EQ(world.post(request).status, 400U);  // it gets as far as the missing id
  request.headers["content-encoding"] = "gzip";
  EXPECT_EQ(world.post(request).status, 501U);
  request.headers.erase("content-encoding");
  request.headers["connect-protocol-version"] = "2";
  EXPECT_EQ(world.post(request).status, 400U);
}

std::string publish_body(const std::string& toml, bool dry_run = false) {
  return json::serialise(json::object({{"toml", toml}, {"file", "counts.toml"}, {"dryRun", dry_run}}));
}

TEST(Methods, ADatasetIsPublishedListedShownAndRetracted) {
  World world;
  const auto toml = catalog::test::agreement_file();
  world.answer(kPublish, publish_body(toml, true));
  EXPECT_EQ(world.log.head()->frontier.size(), 0U) << "a dry run changes nothing";
  world.answer(kPublish, publish_body(toml));
  const auto again = world.answer(kPublish, publish_body(toml));
  EXPECT_EQ(*again.find("unchanged")->if_bool(), true);
  EXPECT_EQ(world.log.head()->frontier.size(), 1U);
  const auto list = world.answer("/sluis.v1.DatasetService/List", "{}", "panel_member");
  ASSERT_EQ(list.find("datasets")->if_array()->size(), 1U);
  const auto shown = world.answer(kShow, R"({"id":"urn:waterrijk:dataset:counts"})");
  EXPECT_NE(shown.find("dataset")->find("document"), nullptr);
  world.answer("/sluis.v1.DatasetService/Retract", R"({"id":"urn:waterrijk:dataset:counts"})");
  EXPECT_EQ(world.answer("/sluis.v1.DatasetService/List", "{}").find("datasets"), nullptr);
  const auto log = world.answer("/sluis.v1.AuditService/Log", R"({"newestFirst":true})", "dpo");
  const auto& rows = *log.find("entries")->if_array();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(*rows[0].find("kind")->if_string(), "retracted");
  EXPECT_EQ(*rows[1].find("person")->if_string(), "A. Bakker");
}

TEST(Methods, ATypingErrorInADatasetFileIsToldWithItsPlace) {
  World world;
  const auto response =
      world.post(kPublish, publish_body(catalog::test::with(catalog::test::agreement_file(), "licence", "licens")));
  EXPECT_EQ(response.status, 400U);
  EXPECT_EQ(detail_of(response).file(), "counts.toml");
  EXPECT_GT(detail_of(response).line(), 1U);
}

TEST(Methods, TermsAreTestedAsASimulationThatRecordsNothing) {
  World world;
  world.answer(kPublish, publish_body(catalog::test::agreement_file()));
  const auto ask = [&](const std::string& purpose) {
    return world.answer("/sluis.v1.TermsService/Test",
                        json::serialise(json::object({{"dataset", "urn:waterrijk:dataset:counts"},
                                                      {"classOfRecipient", "company"},
                                                      {"activity", "urn:company:activity:1"},
                                                      {"purpose", purpose}})),
                        "dpo");
  };
  const auto permitted = ask("urn:f:CrowdManagement");
  EXPECT_EQ(*permitted.find("simulation")->if_bool(), true);
  EXPECT_EQ(*permitted.find("decision")->find("permit")->if_bool(), true);
  const auto refused = ask("dpv:Marketing");
  EXPECT_EQ(refused.find("decision")->find("permit"), nullptr);
  EXPECT_EQ(*refused.find("decision")->find("code")->if_string(), "purpose");
  EXPECT_EQ(world.log.head()->frontier.size(), 1U);
}

TEST(Methods, AnActivityHasVersions) {
  World world;
  const std::string path = "/sluis.v1.ActivityService/Publish";
  const std::string first = R"({"id":"urn:a:1","purpose":"urn:f:CrowdManagement","title":"Crowds"})";
  world.answer(path, first);
  EXPECT_NE(world.answer(path, first).find("unchanged"), nullptr);
  world.clock.advance(std::chrono::seconds(1));
  world.answer(path, R"({"id":"urn:a:1","purpose":"Marketing","until":"2027-01-01T00:00:00Z"})", "privacy_officer");
  const auto newest = world.answer("/sluis.v1.ActivityService/List", "{}");
  ASSERT_EQ(newest.find("activities")->if_array()->size(), 1U);
  EXPECT_EQ(newest.find("activities")->if_array()->front().find("version")->if_number()->text, "2");
  const auto all = world.answer("/sluis.v1.ActivityService/List", R"({"allVersions":true})");
  EXPECT_EQ(all.find("activities")->if_array()->size(), 2U);
  EXPECT_EQ(world.post(path, R"({"id":"urn:a:2","purpose":"dpv:Marketting"})").status, 400U);
  EXPECT_EQ(world.post(path, R"({"id":"urn:a:2","purpose":"dpv:Marketing","until":"2020-01-01T00:00:00Z"})").status,
            400U);
}

TEST(Methods, ADeletionIsDueAndThenConfirmedOnce) {
  World world;
  Commit received;
  received.changes.push_back({"ret/urn:agreement:1",
                              R"({"agreement":"urn:agreement:1","dataset":"urn:d","peer":"did:web:stroomplein",)"
                              R"("last_end":"2026-11-26T08:00:00Z","due":"2026-12-03T08:00:00Z"})"});
  ASSERT_TRUE(world.commits.commit_and_wait(std::move(received)));
  const auto state = [&] {
    const auto list = world.answer("/sluis.v1.RetentionService/List", "{}");
    return *list.find("retention")->if_array()->front().find("state")->if_string();
  };
  EXPECT_EQ(state(), "running");
  world.clock.advance(std::chrono::days(8));
  EXPECT_EQ(state(), "due");
  const std::string confirm = "/sluis.v1.RetentionService/Confirm";
  world.answer(confirm, R"({"agreement":"urn:agreement:1","dryRun":true})");
  EXPECT_EQ(state(), "due");
  world.answer(confirm, R"({"agreement":"urn:agreement:1"})");
  EXPECT_EQ(state(), "confirmed");
  EXPECT_EQ(world.post(confirm, R"({"agreement":"urn:agreement:1"})").status, 400U);
  const auto log = world.answer("/sluis.v1.AuditService/Log", R"({"kinds":["retention-confirmed"]})");
  ASSERT_EQ(log.find("entries")->if_array()->size(), 1U);
  EXPECT_EQ(*log.find("entries")->if_array()->front().find("counterparty")->if_string(), "did:web:stroomplein");
}

TEST(Methods, TheLogIsFilteredAndPaged) {
  World world;
  for (int i = 0; i < 5; ++i) {
    world.answer("/sluis.v1.ActivityService/Publish",
                 json::serialise(json::object({{"id", "urn:a:" + std::to_string(i)}, {"purpose", "dpv:Marketing"}})));
    world.clock.advance(std::chrono::hours(3));
  }
  const std::string path = "/sluis.v1.AuditService/Log";
  const auto first = world.answer(path, R"({"pageSize":2})");
  EXPECT_EQ(first.find("entries")->if_array()->size(), 2U);
  const auto next = world.answer(
      path, json::serialise(json::object({{"pageSize", 2}, {"pageToken", *first.find("nextPageToken")}})));
  EXPECT_EQ(*next.find("entries")->if_array()->front().find("index")->if_string(), "2");
  const auto late = world.answer(path, R"({"from":"2026-11-26T14:00:00Z","until":"2026-11-26T18:00:00.5Z"})");
  EXPECT_EQ(late.find("entries")->if_array()->size(), 2U);
  EXPECT_EQ(world.answer(path, R"({"party":"did:web:nobody"})").find("entries"), nullptr);
  EXPECT_EQ(world.post(path, R"({"kinds":["relaese"]})").status, 400U);
  EXPECT_EQ(world.post(path, R"({"decision":"maybe"})").status, 400U);
  EXPECT_EQ(world.post(path, R"({"pageToken":"x"})").status, 400U);
}

TEST(Methods, ACheckpointAndAProofComeWithTheLogsKey) {
  World world;
  EXPECT_EQ(world.post("/sluis.v1.AuditService/Checkpoint", "{}").status, 400U) << "nothing is recorded yet";
  world.answer("/sluis.v1.ActivityService/Publish", R"({"id":"urn:a:1","purpose":"dpv:Marketing"})");
  const auto checkpoint = world.answer("/sluis.v1.AuditService/Checkpoint", "{}", "panel_member");
  EXPECT_EQ(*checkpoint.find("size")->if_string(), "1");
  const auto proof = world.answer("/sluis.v1.AuditService/Proof", R"({"index":"0"})");
  EXPECT_NE(proof.find("receipt"), nullptr);
  EXPECT_NE(world.post("/sluis.v1.AuditService/Proof", R"({"index":"1"})").status, 200U);
}

TEST(Methods, WhoWatchesIsWokenByACommit) {
  World world;
  std::thread later([&] {
    world.answer("/sluis.v1.ActivityService/Publish", R"({"id":"urn:a:1","purpose":"dpv:Marketing"})");
  });
  const auto seen = world.answer("/sluis.v1.AuditService/Watch", R"({"from":"0","waitSeconds":20})");
  later.join();
  EXPECT_EQ(seen.find("entries")->if_array()->size(), 1U);
  EXPECT_EQ(*seen.find("next")->if_string(), "1");
}

TEST(Methods, OnlyADemonstrationsClockMoves) {
  World world;
  const std::string path = "/sluis.v1.NodeService/DemoClock";
  EXPECT_EQ(world.post(path, R"({"bySeconds":"60"})").status, 400U);
  world.backend.demo = true;
  world.backend.move_clock = [&](Duration by) -> Result<Timestamp> {
    world.clock.advance(by);
    return world.clock.now();
  };
  world.answer(path, R"({"bySeconds":"60","dryRun":true})");
  EXPECT_EQ(world.clock.now(), catalog::test::kNow);
  world.answer(path, R"({"bySeconds":"691200"})");
  EXPECT_EQ(world.clock.now(), catalog::test::kNow + std::chrono::days(8));
  EXPECT_EQ(world.post(path, R"({"bySeconds":"-60"})").status, 400U);
}

TEST(Methods, StatusCounts) {
  World world;
  world.answer(kPublish, publish_body(catalog::test::agreement_file()));
  const auto status = world.answer("/sluis.v1.NodeService/Status", "{}", "operator");
  EXPECT_EQ(*status.find("datasets")->if_string(), "1");
  EXPECT_EQ(*status.find("logSize")->if_string(), "1");
  EXPECT_EQ(*status.find("membershipState")->if_string(), "none");
}

}  // namespace
}  // namespace sluis::management::test
