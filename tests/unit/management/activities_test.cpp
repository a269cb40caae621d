#include "connector/management/activity_file.hpp"

#include <gtest/gtest.h>

namespace sluis::management::test {
namespace {

using std::chrono::days;

const Timestamp kNow = *parse_time("2026-11-26T12:00:00Z");

ActivityVersion version(Timestamp from, std::optional<Timestamp> until = {}, const std::string& title = "Crowds") {
  ActivityVersion made;
  made.id = "urn:a:1";
  made.purpose = "dpv:Marketing";
  made.title = title;
  made.from = from;
  made.until = until;
  made.recorded = kNow;
  return made;
}

struct Register {
  std::vector<ActivityVersion> versions;
  /// What it came to, or where it was refused.
  std::string take(ActivityVersion next) {
    const auto what = succeed(versions, next, versions.empty());
    return what ? std::string(to_string(*what)) : what.error().place.pointer;
  }
  std::string title_at(Timestamp when) const {
    const auto* held = held_at(versions, when);
    return held == nullptr ? "" : held->title;
  }
};

TEST(ActivityVersions, ALaterOneEndsTheOneBeforeAndWhatHeldCanBeAsked) {
  Register r;
  EXPECT_EQ(r.take(version(kNow - days(300), {}, "one")), "added");
  EXPECT_EQ(r.take(version(kNow, {}, "two")), "new version");
  EXPECT_EQ(r.take(version(kNow + days(30), {}, "three")), "new version");
  EXPECT_EQ(r.title_at(kNow - days(301)), "");
  EXPECT_EQ(r.title_at(kNow - Duration(1)), "one");
  EXPECT_EQ(r.title_at(kNow), "two");
  EXPECT_EQ(r.title_at(kNow + days(30) - Duration(1)), "two");
  EXPECT_EQ(r.title_at(kNow + days(30)), "three");
  EXPECT_EQ(r.versions[1].until, kNow + days(30));
  EXPECT_EQ(r.versions[2].version, 3U);
}

TEST(ActivityVersions, WhatHeldIsNeverChanged) {
  Register r;
  r.take(version(kNow - days(300), kNow - days(100), "one"));
  EXPECT_EQ(r.take(version(kNow - days(50), {}, "between")), "/from");
  EXPECT_EQ(r.take(version(kNow - days(400), kNow - days(300), "before")), "/from");
  EXPECT_EQ(r.take(version(kNow - days(300), kNow - days(100), "other")), "/from");
  EXPECT_EQ(r.take(version(kNow - days(300), kNow - days(90), "one")), "/until");
  EXPECT_EQ(r.take(version(kNow - days(300), kNow - days(100), "one")), "unchanged");
  EXPECT_EQ(r.take(version(kNow, {}, "now")), "new version");
  EXPECT_EQ(r.versions.size(), 2U);
}

TEST(ActivityVersions, AnEndMayMoveButNotIntoThePast) {
  Register r;
  r.take(version(kNow - days(300)));
  EXPECT_EQ(r.take(version(kNow - days(300), kNow - days(1))), "/until");
  EXPECT_EQ(r.take(version(kNow - days(300), kNow + days(10))), "ends otherwise");
  EXPECT_EQ(r.take(version(kNow - days(300), kNow + days(20))), "ends otherwise");
  EXPECT_EQ(r.versions.size(), 1U);
  EXPECT_EQ(r.versions[0].version, 3U);
}

TEST(ActivityVersions, TheyNeverOverlap) {
  Register r;
  r.take(version(kNow - days(300), {}, "one"));
  r.take(version(kNow + days(30), {}, "planned"));
  EXPECT_EQ(r.take(version(kNow + days(10), {}, "open")), "/from");
  EXPECT_EQ(r.take(version(kNow + days(10), kNow + days(31), "too long")), "/until");
  EXPECT_EQ(r.take(version(kNow - days(300), {}, "one")), "/from") << "it ends where the planned one begins";
  EXPECT_EQ(r.take(version(kNow + days(10), kNow + days(20), "fits")), "new version");
  EXPECT_EQ(r.take(version(kNow + days(30), kNow + days(40), "replaces")), "replaced");
  EXPECT_EQ(r.title_at(kNow + days(25)), "");
  EXPECT_EQ(r.title_at(kNow + days(35)), "replaces");
}

TEST(ActivityVersions, AreStoredWholeAndReadAsTheyWereBefore) {
  auto one = version(kNow - days(2), kNow, "one");
  one.legal_basis = {"dpv-gdpr:A6-1-e", "dpv-gdpr:A6-1-c"};
  one.measures = {"Encryption"};
  one.controller = "Gemeente Waterrijk";
  const auto read = decode_activity(encode(std::vector{one}));
  ASSERT_TRUE(read);
  EXPECT_TRUE(same_content(read->front(), one));
  EXPECT_EQ(read->front().until, one.until);
  const std::string old =
      R"([{"id":"urn:a:1","purpose":"p","title":"t","from":"2026-01-01T00:00:00Z","version":1,"recorded":"2026-02-01T00:00:00Z"},)"
      R"({"id":"urn:a:1","purpose":"q","title":"t","from":"2026-01-01T00:00:00Z","version":2,"recorded":"2026-03-01T00:00:00Z"}])";
  const auto ordered = decode_activity(old);
  ASSERT_TRUE(ordered);
  EXPECT_EQ(held_at(*ordered, *parse_time("2026-02-28T00:00:00Z"))->purpose, "p");
  EXPECT_EQ(held_at(*ordered, *parse_time("2026-03-01T00:00:00Z"))->purpose, "q");
  for (const char* bad : {"", "[]", "{}", R"([{"id":"urn:a:1"}])", R"([{"id":"urn:a:1","purpose":[]}])"}) {
    EXPECT_FALSE(decode_activity(bad)) << bad;
  }
}

TEST(ActivityVersions, HaveBounds) {
  const auto refused_at = [](const std::function<void(ActivityVersion&)>& change) {
    auto made = version(kNow);
    change(made);
    const auto done = check(made);
    return done ? std::string("good") : done.error().place.pointer;
  };
  EXPECT_EQ(refused_at([](auto&) {}), "good");
  EXPECT_EQ(refused_at([](auto& v) { v.id = "crowds"; }), "/id");
  EXPECT_EQ(refused_at([](auto& v) { v.id = "urn:a b"; }), "/id");
  EXPECT_EQ(refused_at([](auto& v) { v.id = "urn:a,urn:b"; }), "/id");
  EXPECT_EQ(refused_at([](auto& v) { v.id = "urn:" + std::string(600, 'a'); }), "/id");
  EXPECT_EQ(refused_at([](auto& v) { v.parent = v.id; }), "/parent");
  EXPECT_EQ(refused_at([](auto& v) { v.parent = "none"; }), "/parent");
  EXPECT_EQ(refused_at([](auto& v) { v.title = std::string(600, 'a'); }), "/title");
  EXPECT_EQ(refused_at([](auto& v) { v.owner = "a\nb"; }), "/owner");
  EXPECT_EQ(refused_at([](auto& v) { v.measures = {""}; }), "/measures");
  for (const char* nothing : {"n.v.t.", "none", " - ", "Geen"}) {
    EXPECT_EQ(refused_at([&](auto& v) { v.impact_assessment = nothing; }), "/impactAssessment") << nothing;
  }
  EXPECT_EQ(refused_at([](auto& v) { v.legal_basis = {"eu-gdpr:A6-1-e", "dpv-gdpr:A6-1-c"}; }), "good");
  EXPECT_EQ(refused_at([](auto& v) { v.legal_basis = {"eu-gdpr:A6-1-e", "eu-gdpr:A6-1-g"}; }), "/legalBasis");
  EXPECT_EQ(refused_at([](auto& v) { v.recipients = {"a|b"}; }), "/recipients");
  EXPECT_EQ(refused_at([](auto& v) { v.processors.assign(kActivityItems + 1, "p"); }), "/processors");
  EXPECT_EQ(refused_at([](auto& v) { v.processors.assign(kActivityItems, std::string(500, 'p')); }), "/id");
  EXPECT_EQ(refused_at([](auto& v) { v.until = v.from; }), "/until");
  Register r;
  for (std::size_t i = 0; i < kActivityVersions; ++i) {
    ASSERT_NE(r.take(version(kNow + days(i), {}, "v" + std::to_string(i))), "/id");
  }
  EXPECT_EQ(r.take(version(kNow + days(kActivityVersions), {}, "more")), "/id");
}

std::vector<ActivityVersion> some() {
  auto one = version(kNow - days(10), kNow, "Crowds, \"quoted\"");
  one.parent = "urn:a:0";
  one.legal_basis = {"dpv-gdpr:A6-1-e"};
  one.data_subject_categories = {"Visitors", "Residents"};
  one.personal_data_categories = {"Location; coarse"};
  one.recipients_categories = {"Municipalities"};
  one.envisaged_time_limit = "P7D";
  one.controller = "Gemeente Waterrijk";
  one.processors = {"Stroomplein B.V.", "Wolk NV"};
  one.owner = "Afdeling verkeer";
  one.data_protection_officer = "fg@waterrijk.example";
  one.recipients = {"did:web:data.duinmeer.example"};
  one.measures = {"Kleine aantallen weg", "Versleuteld"};
  one.impact_assessment = "DPIA 2026-14, 12 May 2026";
  auto two = version(kNow + Duration(1), {}, "Drukte é");
  return {one, two};
}

Result<std::vector<ActivityVersion>> read(const std::string& text, ActivityFormat format) {
  std::vector<ActivityVersion> versions;
  const auto done = read_activities(text, "register", format, kNow, [&](ActivityVersion one) -> Result<void> {
    SLUIS_CHECK(check(one));
    versions.push_back(std::move(one));
    return {};
  });
  if (!done) return done.error();
  return versions;
}

TEST(ActivityFile, ARoundTripLosesNothing) {
  for (const auto format : {ActivityFormat::csv, ActivityFormat::json}) {
    const auto text = write_activities(some(), format);
    const auto versions = read(text, format);
    ASSERT_TRUE(versions) << describe(versions.error());
    ASSERT_EQ(versions->size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(same_content((*versions)[i], some()[i])) << text;
      EXPECT_EQ((*versions)[i].from, some()[i].from);
      EXPECT_EQ((*versions)[i].until, some()[i].until);
    }
    EXPECT_EQ(write_activities(*versions, format), text);
  }
}

TEST(ActivityFile, TheHeadingsAreTheCanonicalOnes) {
  EXPECT_EQ(write_activities({}, ActivityFormat::csv),
            "dplCoreProcessingActivityId,parent,title,purpose,legalBasis,dataSubjectCategories,personalDataCategories,"
            "recipientsCategories,envisagedTimeLimit,controller,processors,owner,dataProtectionOfficer,recipients,"
            "measures,impactAssessment,from,until\r\n");
}

struct Bad {
  std::string text;
  std::uint32_t line;
  std::uint32_t column;
  std::string says;
};

void expect_refused(const Bad& bad, ActivityFormat format) {
  const auto versions = read(bad.text, format);
  ASSERT_FALSE(versions) << bad.text;
  const Error& error = versions.error();
  EXPECT_EQ(error.place.file, "register") << bad.text.substr(0, 200);
  EXPECT_EQ(error.place.line, bad.line) << describe(error);
  EXPECT_EQ(error.place.column, bad.column) << describe(error);
  EXPECT_NE(describe(error).find(bad.says), std::string::npos) << describe(error);
}

TEST(ActivityFile, ABadCsvIsRefusedWithLineAndColumn) {
  const std::string head = "dplCoreProcessingActivityId,purpose,from,until,measures\n";
  const Bad cases[] = {
      {"", 1, 1, "no activity"},
      {head, 1, 1, "no activity"},
      {"dplCoreProcessingActivityId,purpos\nurn:a:1,dpv:Marketing\n", 1, 29, "did you mean `purpose`?"},
      {"dplCoreProcessingActivityId,purpose,purpose\n", 1, 37, "twice"},
      {"dplCoreProcessingActivityId,from\nurn:a:1,2026-01-01\n", 1, 1, "no column `purpose`"},
      {head + "urn:a:1,dpv:Marketing,2026-13-01,,\n", 2, 23, "`2026-13-01` is no time"},
      {head + "urn:a:1,dpv:Marketing,2026-01-01,2026-01-01T10:00:00,\n", 2, 34, "is no time"},
      {head + "\"urn:a:1\",dpv:Marketing,,,\"a\"\nurn:a:2,dpv:Marketing,,2020-01-01,\n", 3, 24, "ends before it begins"},
      {head + "crowds,dpv:Marketing,,,\n", 2, 1, "is not a URI"},
      {head + "urn:a:1,dpv:Marketing,,,a||b\n", 2, 25, "is empty"},
      {head + "urn:a:1,dpv:Marketing,,,a|\n", 2, 25, "is empty"},
      {head + "urn:a:1,dpv:Marketing\n", 2, 1, "row 2"},
      {head + "urn:a:1,\"dpv:Marketing,,,\n", 3, 1, "row 2: a quote is never closed"},
      {std::string(kActivityFileBytes + 1, 'a'), 1, 1, "larger than"},
  };
  for (const auto& bad : cases) expect_refused(bad, ActivityFormat::csv);
}

TEST(ActivityFile, ABadJsonIsRefusedWithLineAndColumn) {
  const auto with = [](const std::string& members) {
    return "{\"processingActivities\": [\n  {\"dplCoreProcessingActivityId\": \"urn:a:1\", \"purpose\": \"p\"},\n  {" + members + "}\n]}";
  };
  const Bad cases[] = {
      {"{", 1, 2, ""},
      {"[]", 1, 1, "one key, `processingActivities`"},
      {"{\"activities\": []}", 1, 16, "unknown key `activities`"},
      {"{\"processingActivities\": []}", 1, 1, "no activity"},
      {"{\"processingActivities\": [1]}", 1, 27, "is an object"},
      {with("\"dplCoreProcessingActivityId\": \"urn:a:1\", \"dplCoreProcessingActivityId\": \"urn:a:2\""), 3, 0, "duplicate"},
      {with("\"dplCoreProcessingActivityID\": \"urn:a:1\""), 3, 35, "did you mean"},
      {with("\"dplCoreProcessingActivityId\": \"urn:a:2\", \"measures\": \"one\""), 3, 58, "array of strings"},
      {with("\"dplCoreProcessingActivityId\": \"urn:a:2\", \"measures\": [\"a\", 1]"), 3, 64, "is a string"},
      {with("\"dplCoreProcessingActivityId\": \"urn:a:2\", \"until\": \"never\""), 3, 55, "is no time"},
      {with("\"dplCoreProcessingActivityId\": \"urn:a:2\", \"title\": 7"), 3, 55, "must be a string"},
      {with("\"purpose\": \"p\""), 3, 3, "`id` is missing"},
  };
  for (auto bad : cases) {
    if (bad.column == 0) {
      const auto versions = read(bad.text, ActivityFormat::json);
      ASSERT_FALSE(versions);
      EXPECT_EQ(versions.error().place.line, bad.line);
      EXPECT_EQ(versions.error().place.file, "register");
      continue;
    }
    expect_refused(bad, ActivityFormat::json);
  }
}

TEST(ActivityFile, MoreVersionsThanAnImportMayHaveAreRefused) {
  std::string text = "dplCoreProcessingActivityId,purpose\n";
  for (std::size_t i = 0; i <= kActivitiesPerFile; ++i) text += "urn:a:" + std::to_string(i) + ",p\n";
  expect_refused({text, static_cast<std::uint32_t>(kActivitiesPerFile + 2), 1, "more than 1000"}, ActivityFormat::csv);
}

TEST(ActivityFile, TheFormIsNamedOrAsTheFilesNameEnds) {
  EXPECT_EQ(*activity_format("", "a.csv"), ActivityFormat::csv);
  EXPECT_EQ(*activity_format("", "a.json"), ActivityFormat::json);
  EXPECT_EQ(*activity_format("json", "a.csv"), ActivityFormat::json);
  EXPECT_FALSE(activity_format("", "a.toml"));
  EXPECT_FALSE(activity_format("xml", "a.csv"));
}

}  // namespace
}  // namespace sluis::management::test
