#include "connector/management/status_codes.hpp"
#include "tests/unit/management/world.hpp"

namespace sluis::management::test {
namespace {

const std::string kService = "/sluis.v1.ActivityService/";
const std::string kHead = "dplCoreProcessingActivityId,purpose,title,from,until\n";

/// A register in a world, and files for it.
class Activities : public ::testing::Test {
 protected:
  static std::string body(const std::string& text, bool dry_run = false) {
    auto request = json::object({{"text", text}, {"file", "register.csv"}});
    if (dry_run) request.set("dryRun", true);
    return json::serialise(request);
  }
  /// What became of each version in the file.
  std::string take(const std::string& rows, bool dry_run = false) {
    const auto answer = world_.answer(kService + "Import", body(kHead + rows, dry_run));
    std::string said;
    for (const auto& change : *answer.find("changes")->if_array()) {
      said += (said.empty() ? "" : ", ") + *change.find("what")->if_string();
    }
    return said;
  }
  void expect_refused(const std::string& rows, std::uint32_t line, std::uint32_t column, const std::string& says) {
    const auto size = entries();
    const auto response = world_.post(kService + "Import", body(kHead + rows));
    EXPECT_EQ(response.status, 400U) << response.body;
    const auto value = json::parse(response.body);
    ASSERT_TRUE(value);
    v1::ErrorDetail detail;
    std::string text = *value->find("details")->if_array()->front().find("value")->if_string();
    while (text.size() % 4 != 0) text += '=';
    ASSERT_TRUE(detail.ParseFromString(*from_base64(text)));
    EXPECT_EQ(detail.file(), "register.csv");
    EXPECT_EQ(detail.line(), line) << detail.message();
    EXPECT_EQ(detail.column(), column) << detail.message();
    EXPECT_NE(detail.message().find(says), std::string::npos) << detail.message();
    EXPECT_EQ(entries(), size) << "all or nothing";
  }
  std::size_t entries() const {
    const auto head = world_.log.head();
    return head ? head->frontier.size() : 0;
  }
  std::size_t listed(const std::string& request) {
    const auto answer = world_.answer(kService + "List", request);
    const auto* rows = answer.find("activities");
    return rows == nullptr ? 0 : rows->if_array()->size();
  }
  std::string title_at(const std::string& when) {
    const auto response = world_.post(kService + "Show", R"({"id":"urn:a:1","at":")" + when + "\"}");
    if (response.status != 200) return std::to_string(response.status);
    return *json::parse(response.body)->find("activity")->find("title")->if_string();
  }

  unsigned publish(const std::string& id, const std::string& parent) {
    return world_.post(kService + "Publish", R"({"id":")" + id + R"(","purpose":"Marketing","parent":")" + parent + "\"}").status;
  }

  World world_;
};

TEST_F(Activities, NoneIsAPartOfItself) {
  EXPECT_EQ(publish("urn:a:1", "urn:a:1"), 400U);
  EXPECT_EQ(publish("urn:a:1", "urn:a:2"), 200U) << "a parent that is not registered yet";
  EXPECT_EQ(publish("urn:a:2", "urn:a:3"), 200U);
  const auto size = entries();
  const auto refused = world_.post(kService + "Publish", R"({"id":"urn:a:3","purpose":"Marketing","parent":"urn:a:1"})");
  EXPECT_EQ(refused.status, 400U);
  EXPECT_NE(refused.body.find("part of itself"), std::string::npos) << refused.body;
  EXPECT_EQ(entries(), size);
  EXPECT_EQ(publish("urn:a:3", "urn:elsewhere"), 200U);
  const std::string head = "dplCoreProcessingActivityId,parent,purpose\n";
  const auto import = [&](const std::string& rows) {
    return world_.post(kService + "Import", body(head + rows)).status;
  };
  EXPECT_EQ(import("urn:b:1,urn:b:2,dpv:Marketing\nurn:b:2,urn:b:1,dpv:Marketing\n"), 400U);
  EXPECT_EQ(import("urn:b:1,urn:b:2,dpv:Marketing\nurn:b:2,urn:a:1,dpv:Marketing\n"), 200U);
}

TEST_F(Activities, AnImportIsOneActOfAPersonAndMayBeRepeated) {
  const std::string rows =
      "urn:a:1,dpv:Marketing,one,2026-01-01,2026-06-01\nurn:a:1,urn:f:CrowdManagement,two,2026-06-01,\n"
      "urn:a:2,Marketing,other,,\n";
  EXPECT_EQ(take(rows, true), "added, new version, added");
  EXPECT_EQ(entries(), 0U);
  EXPECT_EQ(listed("{}"), 0U);
  EXPECT_EQ(take(rows), "added, new version, added");
  EXPECT_EQ(entries(), 3U);
  EXPECT_EQ(listed("{}"), 2U);
  EXPECT_EQ(listed(R"({"allVersions":true})"), 3U);
  EXPECT_EQ(listed(R"({"at":"2026-05-31T00:00:00Z"})"), 1U);
  EXPECT_EQ(title_at("2026-05-31T23:59:59Z"), "one");
  EXPECT_EQ(title_at("2026-06-01T00:00:00Z"), "two");
  EXPECT_EQ(title_at("2025-06-01T00:00:00Z"), "404");
  EXPECT_EQ(take("urn:a:1,dpv:Marketing,one,2026-01-01,2026-06-01\n"), "unchanged");
  EXPECT_EQ(entries(), 3U);
  const auto log = world_.answer("/sluis.v1.AuditService/Log", R"({"kinds":["activity"]})", "dpo");
  for (const auto& entry : *log.find("entries")->if_array()) {
    EXPECT_EQ(*entry.find("person")->if_string(), "A. Bakker");
    EXPECT_EQ(*entry.find("event")->if_string(), "registered");
  }
}

TEST_F(Activities, AFileThatIsWrongAnywhereChangesNothing) {
  const std::string good = "urn:a:1,dpv:Marketing,one,2026-01-01,2026-06-01\n";
  expect_refused(good + "urn:a:2,dpv:Marketting,x,,\n", 3, 9, "Marketting");
  expect_refused(good + "urn:a:1,dpv:Marketing,one,2026-01-01,2026-06-01\n", 3, 27, "twice");
  expect_refused(good + "urn:a:1,dpv:Marketing,two,2026-05-01,\n", 3, 27, "overlaps");
  expect_refused(good + "urn:a:1,dpv:Marketing,two,2025-05-01,2025-06-01\n", 3, 27, "stands below");
  expect_refused("urn:a:1,dpv:Marketing,one,2026-01-01,\nurn:a:1,dpv:Marketing,two,2026-06-01,\n", 3, 27, "overlaps");
  expect_refused(good + "urn:a:1,dpv:Marketing,x\n", 3, 1, "row 3");
  EXPECT_EQ(take(good), "added");
  expect_refused("urn:a:2,dpv:Marketing,x,,\nurn:a:1,dpv:Marketing,other,2026-01-01,2026-06-01\n", 3, 29, "has begun");
  expect_refused("urn:a:1,dpv:Marketing,two,2026-07-01,\n", 2, 27, "would change what held");
  expect_refused("urn:a:1,dpv:Marketing,one,2026-01-01,2026-05-01\n", 2, 38, "another end in the past");
  EXPECT_EQ(take("urn:a:1,dpv:Marketing,two,2027-01-01,\n"), "new version");
  expect_refused("urn:a:1,dpv:Marketing,three,2026-12-01,\n", 2, 29, "overlaps");
}

TEST_F(Activities, MoreThanOneCommitHoldsIsRefusedWhole) {
  const std::string text(500, 'x');
  std::string rows;
  for (int i = 0; i < 900; ++i) rows += "urn:a:" + std::to_string(i) + ",dpv:Marketing," + text + ",,\n";
  const auto response = world_.post(kService + "Import", body(kHead + rows));
  EXPECT_EQ(response.status, 429U) << response.body.substr(0, 300);
  EXPECT_EQ(entries(), 0U);
  EXPECT_EQ(take(rows.substr(0, rows.find("urn:a:300,"))).find("added"), 0U);
}

TEST_F(Activities, APublishedVersionHasAllFieldsAndChangesFromNowOn) {
  const std::string all =
      R"("id":"urn:a:1","purpose":"Marketing","title":"one","parent":"urn:a:0","legalBasis":["dpv-gdpr:A6-1-e"],)"
      R"("dataSubjectCategories":["Visitors"],"personalDataCategories":["Location"],"recipientsCategories":["Municipalities"],)"
      R"("envisagedTimeLimit":"P7D","controller":"Waterrijk","processors":["Wolk NV"],"owner":"Verkeer",)"
      R"("dataProtectionOfficer":"fg@waterrijk.example","recipients":["did:web:duinmeer"],"measures":["Encryption"],"impactAssessment":"DPIA 2026-14")";
  world_.answer(kService + "Publish", "{" + all + R"(,"from":"2026-01-01T00:00:00Z"})");
  EXPECT_NE(world_.answer(kService + "Publish", "{" + all + R"(,"from":"2026-01-01T00:00:00Z"})").find("unchanged"), nullptr);
  const auto shown = world_.answer(kService + "Show", R"({"id":"urn:a:1"})", "dpo");
  for (const char* field : {"parent", "legalBasis", "dataSubjectCategories", "personalDataCategories", "recipientsCategories",
                            "envisagedTimeLimit", "controller", "processors", "owner", "dataProtectionOfficer", "recipients",
                            "measures", "impactAssessment"}) {
    EXPECT_NE(shown.find("activity")->find(field), nullptr) << field;
  }
  const std::string before = format_time(world_.clock.now());
  world_.clock.advance(std::chrono::hours(1));
  world_.answer(kService + "Publish", R"({"id":"urn:a:1","purpose":"Marketing","title":"two","from":"2026-01-01T00:00:00Z"})");
  EXPECT_EQ(title_at(before), "one") << "what held stays as it was";
  EXPECT_EQ(title_at(format_time(world_.clock.now())), "two");
  world_.answer(kService + "Publish", R"({"id":"urn:a:1","purpose":"Marketing","title":"two","until":"2027-01-01T00:00:00Z"})");
  EXPECT_EQ(listed(R"({"allVersions":true})"), 2U) << "another end is no new version";
  EXPECT_EQ(title_at("2027-01-01T00:00:00Z"), "404");
  EXPECT_EQ(world_.post(kService + "Publish", R"({"id":"urn:a:1","purpose":"Marketing","title":"two","until":"2026-02-01T00:00:00Z"})").status, 400U);
  EXPECT_EQ(world_.post(kService + "Publish", R"({"id":"urn:a:1","purpose":"Marketing","owner":"a\nb"})").status, 400U);
}

}  // namespace
}  // namespace sluis::management::test
