#include "catalog/catalog.hpp"

#include "catalog/offer.hpp"
#include "connector/base/limits.hpp"
#include "policy/odrl/match.hpp"
#include "tests/unit/catalog/support.hpp"

namespace sluis::catalog {
namespace {

using namespace test;

const std::string kCounts = "urn:waterrijk:dataset:counts";
const std::string kBikes = "urn:waterrijk:dataset:bikes";
const std::string kBoth = "urn:waterrijk:dataset:both";

class MadeFromTest : public ::testing::Test {
 protected:
  Result<Dataset> read(const std::string& text) {
    DatasetContext context;
    context.vocabulary = vocabulary();
    context.now = now_;
    context.source = [this](const DatasetId& id) { return catalog_.source(id, now_); };
    return parse_dataset(text, "both.toml", context);
  }
  void publish(const std::string& text) {
    const auto dataset = read(text);
    ASSERT_TRUE(dataset) << describe(dataset.error());
    const auto commit = catalog_.publish(*dataset, 3, now_);
    ASSERT_TRUE(commit) << describe(commit.error());
    ASSERT_TRUE(apply(store_, *commit));
  }
  static std::string named(const std::string& id, std::string text = agreement_file()) { return with(std::move(text), kCounts, id); }
  /// A dataset that is made from others, on terms of its own that are as wide as they can be.
  static std::string made_from(const std::string& list, const std::string& id = kBoth) {
    std::string text = with(named(id), "[personal]", "made_from = [" + list + "]\n[personal]");
    return with(text, R"(purposes = ["urn:f:CrowdManagement"])", R"(purposes = ["dpv:PublicBenefit"])");
  }
  static std::string both() { return made_from("\"" + kCounts + "\", \"" + kBikes + "\""); }
  void expect_refused(const std::string& text, const std::string& why) {
    const auto dataset = read(text);
    ASSERT_FALSE(dataset) << why;
    EXPECT_EQ(dataset.error().place.file, "both.toml");
    EXPECT_GT(dataset.error().place.line, 0U);
    EXPECT_NE(describe(dataset.error()).find(why), std::string::npos) << describe(dataset.error());
  }
  std::string forbidden(const std::string& id) {
    const auto published = catalog_.show(DatasetId(id));
    EXPECT_TRUE(published);
    const auto standing = catalog_.standing(*published, now_);
    EXPECT_TRUE(standing);
    EXPECT_EQ(catalog_.on_offer(*published, now_), standing->forbidden.empty());
    return standing->forbidden;
  }
  static bool permits(const Dataset& dataset, const std::string& purpose, const std::string& party) {
    const auto compiled = compile_offer(dataset.offer, vocabulary());
    EXPECT_TRUE(compiled) << describe(compiled.error());
    policy::Request request;
    request.purpose = vocabulary()->lookup(purpose);
    request.class_of_recipient = compiled->program.class_of_recipient(party);
    request.now = request.agreed = kNow;
    return compiled->program.decide(request).permit;
  }

  Timestamp now_ = kNow;
  storage::MemoryStore store_;
  Catalog catalog_{store_, vocabulary()};
};

TEST_F(MadeFromTest, OnlyWhatItsOwnTermsAndAllSourcesPermitIsPermitted) {
  publish(agreement_file());  // crowd management, for municipalities and companies
  publish(named(kBikes, with(with(agreement_file(), R"(["municipality", "company"])", R"(["municipality"])"),
                             R"(purposes = ["urn:f:CrowdManagement"])", R"(purposes = ["dpv:PublicBenefit"])" "\ndelete_after = \"P7D\"")));
  const auto made = read(both());
  ASSERT_FALSE(made) << "its own purpose is wider than a source's";
  EXPECT_NE(made.error().message.find("is not left by"), std::string::npos) << made.error().message;
  const auto narrow = read(with(both(), R"(["dpv:PublicBenefit"])", R"(["urn:f:CrowdManagement"])"));
  ASSERT_TRUE(narrow) << describe(narrow.error());
  EXPECT_TRUE(permits(*narrow, "urn:f:CrowdManagement", "municipality"));
  EXPECT_FALSE(permits(*narrow, "urn:f:CrowdManagement", "company"));
  EXPECT_FALSE(permits(*narrow, "dpv:PublicBenefit", "municipality"));
  EXPECT_NE(json::serialise(narrow->offer).find("P7D"), std::string::npos) << "a source's duty is a duty here";
  EXPECT_EQ(narrow->made_from.size(), 2U);
  EXPECT_NE(json::serialise(public_json(*narrow)).find(R"("madeFrom":[")" + kCounts), std::string::npos);
}

TEST_F(MadeFromTest, SourcesThatExcludeEachOtherAreRefusedWithTheRules) {
  publish(agreement_file());
  publish(named(kBikes, with(agreement_file(), R"(["urn:f:CrowdManagement"])", R"(["dpv:Marketing"])")));
  expect_refused(with(both(), R"(["dpv:PublicBenefit"])", R"(["urn:f:CrowdManagement"])"), "exclude each other");
}

TEST_F(MadeFromTest, OnlyDatasetsThatAreOnOfferHereCanBeSources) {
  expect_refused(made_from("\"urn:uuid:an-agreement\""), "for this party alone");
  publish(agreement_file());
  expect_refused(made_from("\"" + kCounts + "\", \"" + kCounts + "\""), "named twice");
  expect_refused(made_from("\"\""), "empty string");
  expect_refused(made_from("\"" + kCounts + "\"", kCounts), "made from itself");
  EXPECT_FALSE(parse_dataset(made_from("\"" + kCounts + "\""), "both.toml", {vocabulary(), kNow}));
  ASSERT_TRUE(apply(store_, *catalog_.retract(DatasetId(kCounts), 4, kNow)));
  expect_refused(made_from("\"" + kCounts + "\""), "is retracted");
}

TEST_F(MadeFromTest, ACircleIsRefused) {
  publish(agreement_file());
  const std::string narrow = with(made_from("\"" + kCounts + "\""), R"(["dpv:PublicBenefit"])", R"(["urn:f:CrowdManagement"])");
  publish(narrow);
  expect_refused(with(with(narrow, kBoth, kCounts), "made_from = [\"" + kCounts, "made_from = [\"" + kBoth), "made from itself");
}

TEST_F(MadeFromTest, HasNoMoreSourcesThanTheLimit) {
  std::string list;
  for (std::size_t i = 0; i <= limits::kSourcesPerDataset; ++i) {
    const std::string id = kCounts + std::to_string(i);
    publish(named(id));
    list += (list.empty() ? "\"" : ", \"") + id + "\"";
  }
  expect_refused(made_from(list), "16 datasets at most");
  const std::string narrow = with(made_from(list.substr(0, list.rfind(','))), R"(["dpv:PublicBenefit"])", R"(["urn:f:CrowdManagement"])");
  EXPECT_TRUE(read(narrow)) << "as many as the limit";
}

TEST_F(MadeFromTest, HasNoMoreSourcesNearAndFarThanTheLimit) {
  // Five that are each made from sixteen of their own: 5 + 80 near and far; and four of them, 4 + 64.
  const auto narrow = [](std::string text) { return with(std::move(text), R"(["dpv:PublicBenefit"])", R"(["urn:f:CrowdManagement"])"); };
  std::string middle;
  for (int group = 0; group < 3; ++group) {
    std::string list;
    for (std::size_t i = 0; i < limits::kSourcesPerDataset; ++i) {
      const std::string id = kCounts + std::to_string(group) + "-" + std::to_string(i);
      publish(named(id));
      list += (list.empty() ? "\"" : ", \"") + id + "\"";
    }
    const std::string id = kBikes + std::to_string(group);
    publish(narrow(made_from(list, id)));
    middle += (middle.empty() ? "\"" : ", \"") + id + "\"";
  }
  std::string more;  // 3 + 48 so far, and as many near ones as fit
  for (std::size_t i = 3; i < limits::kSourcesPerDataset; ++i) {
    const std::string id = kBikes + std::to_string(i);
    publish(named(id));
    more += ", \"" + id + "\"";
  }
  EXPECT_TRUE(read(narrow(made_from(middle + more)))) << "3 x 16, 3 and 13: as many as the limit";
  publish(named(kCounts + "x"));
  publish(narrow(made_from("\"" + kCounts + "x\"", kBikes + "x")));
  const std::string without_one = more.substr(0, more.rfind(','));
  expect_refused(narrow(made_from(middle + without_one + ", \"" + kBikes + "x\"")), "more than 64 datasets");
}

TEST_F(MadeFromTest, WhatASourceAsksBesideItsPolicyIsAskedHereToo) {
  publish(with(agreement_file(), "processing_activity = true", "processing_activity = true\nsteward_approval = true"));
  const std::string narrow = with(made_from("\"" + kCounts + "\""), R"(["dpv:PublicBenefit"])", R"(["urn:f:CrowdManagement"])");
  expect_refused(narrow, "steward_approval = true");
  const std::string with_steward = with(narrow, "processing_activity = true", "processing_activity = true\nsteward_approval = true");
  EXPECT_TRUE(read(with_steward));
  expect_refused(with(with_steward, "processing_activity = true\n", ""), "processing_activity = true");
}

TEST_F(MadeFromTest, ItIsServedOnlyWhileItsSourcesStandAsTheyStood) {
  publish(agreement_file());
  publish(with(made_from("\"" + kCounts + "\""), R"(["dpv:PublicBenefit"])", R"(["urn:f:CrowdManagement"])"));
  EXPECT_EQ(forbidden(kBoth), "");
  publish(agreement_file() + "delete_after = \"P7D\"\n");
  EXPECT_NE(forbidden(kBoth).find("other terms now"), std::string::npos);
  publish(with(made_from("\"" + kCounts + "\""), R"(["dpv:PublicBenefit"])", R"(["urn:f:CrowdManagement"])"));
  EXPECT_EQ(forbidden(kBoth), "");
  now_ = at("2027-10-31T00:00:00Z");
  EXPECT_EQ(catalog_.standing(*catalog_.show(DatasetId(kBoth)), now_)->until, at("2027-11-01T00:00:00Z"));
  EXPECT_EQ(forbidden(kBoth), "");
  ASSERT_TRUE(apply(store_, *catalog_.retract(DatasetId(kCounts), 4, now_)));
  EXPECT_NE(forbidden(kBoth).find("is retracted"), std::string::npos);
}

TEST_F(MadeFromTest, ASourceThatIsReachedTwiceIsHeldAgainstBothItsTerms) {
  const auto narrow = [](const std::string& list, const std::string& id) {
    return with(made_from(list, id), R"(["dpv:PublicBenefit"])", R"(["urn:f:CrowdManagement"])");
  };
  const std::string counts = "\"" + kCounts + "\"";
  publish(agreement_file());
  publish(narrow(counts, kBikes));
  publish(narrow(counts + ", \"" + kBikes + "\"", kBoth));
  EXPECT_EQ(forbidden(kBoth), "");
  // The counts get other terms. What is made of them is published anew, but not what it is made of beside them.
  publish(agreement_file() + "delete_after = \"P7D\"\n");
  EXPECT_NE(forbidden(kBikes).find("other terms now"), std::string::npos);
  EXPECT_FALSE(read(narrow(counts + ", \"" + kBikes + "\"", kBoth))) << "bikes is not on offer";
  // As the store would have it if both had been published at once.
  auto both = *catalog_.show(DatasetId(kBoth));
  both.dataset.made_from[0].offer_hash = catalog_.show(DatasetId(kCounts))->dataset.offer_hash;
  EXPECT_NE(catalog_.standing(both, now_)->forbidden.find("other terms now"), std::string::npos);
}

TEST_F(MadeFromTest, ItsPullsAskForClaimsWhereASourceDoes) {
  const std::string alone = "processing_activity = true\nsingle_purpose_without_claim = true";
  const std::string made = with(with(made_from("\"" + kCounts + "\""), R"(["dpv:PublicBenefit"])", R"(["urn:f:CrowdManagement"])"),
                                "processing_activity = true", alone);
  publish(agreement_file());
  expect_refused(made, "wants a claim");
  publish(with(agreement_file(), "processing_activity = true", alone));
  const auto taken = read(made);
  EXPECT_TRUE(taken) << describe(taken.error());
}

TEST_F(MadeFromTest, WhatIsMadeFromBoundDataIsNotOpen) {
  publish(with(agreement_file(), "processing_activity = true\n", ""));
  expect_refused(with(named(kBoth, open_file()), "[personal]", "made_from = [\"" + kCounts + "\"]\n[personal]"), "bind nobody");
}

TEST_F(MadeFromTest, TheFirstAssessmentThatEndsEndsItToo) {
  publish(with(agreement_file(), "2027-11-01", "2027-01-01"));
  publish(with(made_from("\"" + kCounts + "\""), R"(["dpv:PublicBenefit"])", R"(["urn:f:CrowdManagement"])"));
  EXPECT_EQ(catalog_.standing(*catalog_.show(DatasetId(kBoth)), now_)->until, at("2027-01-01T00:00:00Z"));
  now_ = at("2027-01-01T00:00:00Z");
  EXPECT_NE(forbidden(kBoth).find("expired"), std::string::npos);
}

TEST_F(MadeFromTest, GroupsOfColumnsSurvive) {
  const std::string groups = "together = [\"in, out\"]\napart = [\"time, note\"]\n";
  publish(with(agreement_file(), "pace = \"16 KiB/s\"\n", "pace = \"16 KiB/s\"\n" + groups));
  const std::string narrow = with(made_from("\"" + kCounts + "\""), R"(["dpv:PublicBenefit"])", R"(["urn:f:CrowdManagement"])");
  publish(narrow);
  expect_refused(with(narrow, R"({ name = "out", action = "keep", counts = true },)", ""), "may only be read together with");
  expect_refused(with(narrow, R"({ name = "note", action = "drop" })", R"({ name = "note", action = "keep" })"), "may never be read together");
  // Through one that names no groups itself.
  const std::string further = with(with(narrow, kBoth, "urn:waterrijk:dataset:third"), "made_from = [\"" + kCounts, "made_from = [\"" + kBoth);
  EXPECT_TRUE(read(further));
  expect_refused(with(further, R"({ name = "note", action = "drop" })", R"({ name = "note", action = "keep" })"), "may never be read together");
}

TEST_F(MadeFromTest, AGroupNamesColumnsThatThereAre) {
  const auto grouped = [](const std::string& line) { return with(agreement_file(), "pace = \"16 KiB/s\"\n", "pace = \"16 KiB/s\"\n" + line + "\n"); };
  EXPECT_NE(describe(read(grouped(R"(apart = ["time, nothing"])")).error()).find("no column `nothing`"), std::string::npos);
  EXPECT_NE(describe(read(grouped(R"(together = ["time"])")).error()).find("two columns"), std::string::npos);
  EXPECT_FALSE(read(grouped(R"(apart = ["time, total"])"))) << "its own groups bind it too";
  EXPECT_TRUE(read(grouped(R"(apart = ["time, note"])")));
}

}  // namespace
}  // namespace sluis::catalog
