#include "connector/provenance/subject.hpp"

#include "connector/crypto/crypto.hpp"
#include "sluis/v1/evidence.pb.h"
#include "tests/unit/management/world.hpp"

namespace sluis::management::test {
namespace {

using provenance::DataSubject;
using provenance::EntryKind;

const std::string kKey(32, 'k');
const std::string kPerson = "123456782";

bool says(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

/// A log with entries about two persons and about nobody.
struct SubjectWorld : World {
  SubjectWorld() {
    backend.random = &random;
    backend.subject_mark = [](const DataSubject& subject) { return provenance::subject_mark(kKey, subject); };
    for (const char* id : {"123456782", "999999990", ""}) {
      act(EntryKind::intent, id);
      act(EntryKind::received, id);
    }
    act(EntryKind::decision, "123456782");
  }
  void act(EntryKind kind, const std::string& id) {
    v1::Shared shared;
    shared.set_event("intended");
    v1::Internal internal;
    if (!id.empty()) {
      internal.set_data_subject_type("BSN");
      internal.set_data_subject(provenance::subject_mark(kKey, {"BSN", id}));
    }
    Commit commit;
    commit.entries.push_back({static_cast<std::uint8_t>(kind), {}, shared.SerializeAsString(), internal.SerializeAsString()});
    ASSERT_TRUE(commits.commit_and_wait(std::move(commit)));
  }
  http::Response subject(const json::Value& request, const std::string& token) { return post("/sluis.v1.AuditService/Subject", json::serialise(request), token); }
  static json::Value about(const std::string& id) { return json::object({{"type", "BSN"}, {"id", id}, {"basis", "Request 2026-88"}}); }
  static json::Value confirming(const std::string& lookup, const std::string& id = kPerson, bool dry = false) {
    return json::object({{"confirm", lookup}, {"type", "BSN"}, {"id", id}, {"dryRun", dry}});
  }
  std::string ask(const std::string& id, const std::string& token = "privacy_officer:Anna") {
    const auto answer = json::parse(subject(about(id), token).body);
    return *answer->find("lookup")->find("id")->if_string();
  }
  /// Numbers of the entries of one page; and then `more`, where one follows.
  std::string read(const std::string& lookup, const std::string& token, const std::string& page = {}, std::uint32_t size = 100) {
    const auto answer = subject(json::object({{"read", lookup}, {"pageSize", std::uint64_t{size}}, {"pageToken", page}}), token);
    if (answer.status != 200) return std::to_string(answer.status);
    const auto told = json::parse(answer.body);
    std::string out;
    if (const auto* entries = told->find("entries")) {
      for (const auto& entry : *entries->if_array()) out += (entry.find("index") == nullptr ? "0" : *entry.find("index")->if_string()) + " ";
    }
    if (const auto* next = told->find("nextPageToken")) out += "more " + *next->if_string();
    return out;
  }
};

TEST(Subjects, TwoPersonsFindWhatTheLogSaysAboutOne) {
  SubjectWorld world;
  const std::string lookup = world.ask(kPerson);
  EXPECT_EQ(world.read(lookup, "dpo:Bo"), "") << "not confirmed: only who asks, and why";
  EXPECT_TRUE(says(world.subject(SubjectWorld::confirming(lookup), "dpo:Anna").body, "a second person")) << "in another role, and the same person";
  EXPECT_EQ(world.subject(SubjectWorld::confirming(lookup, kPerson, true), "dpo:Bo").status, 200U);
  EXPECT_EQ(world.read(lookup, "dpo:Bo"), "") << "that was a trial";
  EXPECT_EQ(world.subject(SubjectWorld::confirming(lookup), "dpo:Bo").status, 200U);
  EXPECT_EQ(world.read(lookup, "privacy_officer:Anna"), "0 1 6 ");
  EXPECT_EQ(world.read(lookup, "dpo:Bo", "", 2), "0 1 more 2");
  EXPECT_EQ(world.read(lookup, "dpo:Bo", "2"), "6 ");
  EXPECT_EQ(world.read(lookup, "dpo:Cato"), "403") << "one of the two";
  EXPECT_TRUE(says(world.subject(SubjectWorld::confirming(lookup), "dpo:Cato").body, "confirmed already"));
  world.clock.advance(std::chrono::hours(24));
  EXPECT_EQ(world.read(lookup, "dpo:Bo"), "404") << "for a day";
}

TEST(Subjects, EachStepIsAnEntryWithTheGroundAndNeverThePerson) {
  SubjectWorld world;
  const std::string lookup = world.ask(kPerson);
  EXPECT_EQ(world.subject(SubjectWorld::confirming(lookup), "dpo:Bo").status, 200U);
  world.read(lookup, "dpo:Bo");
  world.read(lookup, "dpo:Bo", "2");
  std::vector<std::string> told;
  const auto entries = world.log.entries();
  ASSERT_TRUE(entries);
  for (std::uint64_t i = 0; i < *entries; ++i) {
    const auto payload = world.log.payload(i);
    EXPECT_FALSE(says(payload->shared + payload->internal, kPerson));
    v1::Shared shared;
    v1::Internal internal;
    ASSERT_TRUE(shared.ParseFromString(payload->shared) && internal.ParseFromString(payload->internal));
    if (static_cast<EntryKind>(world.log.leaf(i)->kind) != EntryKind::looked) continue;
    told.push_back(shared.event() + " " + internal.person());
    EXPECT_TRUE(says(internal.request(), "Request 2026-88"));
    EXPECT_TRUE(internal.data_subject().empty());
  }
  EXPECT_EQ(told, (std::vector<std::string>{"subject.asked Anna", "subject.confirmed Bo", "subject.read Bo", "subject.read Bo"})) << "each page";
  ASSERT_TRUE(world.store.scan("", "", [&](std::string_view key, std::string_view value) {
    EXPECT_FALSE(says(std::string(key) + std::string(value), kPerson)) << key;
    return true;
  }));
}

TEST(Subjects, TheSecondPersonNamesTheSamePersonOrTheLookupIsOff) {
  SubjectWorld world;
  const std::string lookup = world.ask("999999990");
  const auto dry = world.subject(SubjectWorld::confirming(lookup, kPerson, true), "dpo:Bo");
  EXPECT_EQ(dry.status, 200U) << "a trial compares nothing, so that nobody finds out by trying";
  const auto differs = world.subject(SubjectWorld::confirming(lookup), "dpo:Bo");
  EXPECT_TRUE(says(differs.body, "not the person who was asked for") && !says(differs.body, kPerson)) << differs.body;
  EXPECT_TRUE(says(world.subject(SubjectWorld::confirming(lookup, "999999990"), "dpo:Bo").body, "waits")) << "no second guess";
  v1::Shared shared;
  ASSERT_TRUE(shared.ParseFromString(world.log.payload(*world.log.entries() - 1)->shared));
  EXPECT_EQ(shared.event(), "subject.differs");
}

TEST(Subjects, WhatIsAskedForSaysNothingOfTheMark) {
  SubjectWorld world;
  auto request = SubjectWorld::about(kPerson);
  request.set("dryRun", true);
  const auto dry = *json::parse(world.subject(request, "privacy_officer:Anna").body);
  EXPECT_EQ(dry.find("lookup")->find("id"), nullptr);
  EXPECT_NE(world.ask(kPerson), world.ask(kPerson)) << "by lot";
}

TEST(Subjects, WhatIsAskedForWrongly) {
  SubjectWorld world;
  const auto refused = [&](const json::Value& request, const std::string& token = "privacy_officer:Anna") {
    const auto answer = world.subject(request, token);
    EXPECT_NE(answer.status, 200U);
    return answer.body;
  };
  EXPECT_TRUE(says(refused(json::object({{"type", "BSN"}, {"id", kPerson}})), "/basis"));
  const std::string named = refused(json::object({{"type", "BSN"}, {"id", kPerson}, {"basis", "of " + kPerson}}));
  EXPECT_TRUE(says(named, "names the person") && !says(named, kPerson)) << named;
  EXPECT_TRUE(says(refused(json::object({{"type", "BSN"}, {"id", kPerson}, {"basis", "of 1234.56.782"}})), "names the person")) << "in parts";
  const std::string swapped = refused(json::object({{"type", kPerson}, {"id", "BSN"}, {"basis", "b"}}));
  EXPECT_FALSE(says(swapped, kPerson)) << "the kind stands in clear";
  const std::string several = refused(json::object({{"type", "BSN"}, {"id", kPerson + " 9"}, {"basis", "b"}}));
  EXPECT_TRUE(says(several, "one space between") && !says(several, kPerson)) << several;
  EXPECT_TRUE(says(refused(SubjectWorld::confirming("none")), "waits"));
  for (const char* role : {"steward", "operator", "auditor", "application", "panel_member", "council_clerk"}) refused(SubjectWorld::about(kPerson), role);
  EXPECT_EQ(*world.log.entries(), 7U) << "nothing of that is on record as a look";
  const std::string lookup = world.ask(kPerson);
  world.clock.advance(std::chrono::days(30));
  EXPECT_TRUE(says(refused(SubjectWorld::confirming(lookup), "dpo:Bo"), "waits"));
  world.ask("999999990");
  EXPECT_FALSE(*world.store.get("subject-lookup/" + lookup)) << "what nobody can confirm any more is forgotten";
}

TEST(Subjects, AMarkIsOfOneIdOfOneKindUnderOneKey) {
  using provenance::subject_mark;
  const std::string mark = subject_mark(kKey, {"BSN", kPerson});
  EXPECT_EQ(mark.size(), 32U);
  EXPECT_NE(mark, subject_mark(kKey, {"BSN", "123456783"}));
  EXPECT_NE(mark, subject_mark(kKey, {"KVK", kPerson}));
  EXPECT_NE(mark, subject_mark(std::string(32, 'l'), {"BSN", kPerson}));
  for (const char* wrong : {"", "BSN", "BSN ", " 1", "BSN 1 2", "BSN\t1", "BSN 1\n", "BSN \xc3\xa9"}) EXPECT_FALSE(provenance::read_subject(wrong)) << wrong;
  EXPECT_FALSE(provenance::read_subject("BSN " + std::string(257, '1')));
  for (const auto& [text, as] : {std::pair("BSN 1", "BSN|1"), {"bsn 12345678", "BSN|012345678"}, {"Kvk 12345678", "KVK|12345678"}}) {
    const auto read = provenance::read_subject(text);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->type + "|" + read->id, as);
  }
}

}  // namespace
}  // namespace sluis::management::test
