#include "connector/declaration/register.hpp"
#include "connector/management/activities.hpp"
#include "connector/management/known_names.hpp"
#include "connector/storage/hold.hpp"
#include "tests/unit/management/terms_world.hpp"

/// Which assessments count for data that were gathered under an activity.
namespace sluis::management::test {
namespace {

/// What was gathered under that activity, on that basis, from an hour ago on.
void gathered_on(World& world, const std::string& activity, const std::string& basis, std::optional<Timestamp> until = std::nullopt) {
  ActivityVersion one;
  one.id = activity;
  one.purpose = "urn:f:CrowdManagement";
  one.from = world.clock.now() - std::chrono::hours(1);
  one.until = until;
  one.legal_basis = {basis};
  Commit commit;
  commit.changes = {{activity_key(activity), encode(std::vector{one})}};
  ASSERT_TRUE(world.commits.commit_and_wait(std::move(commit)));
}

void record_assessment(World& world, const std::string& id, const std::string& basis) {
  declaration::Declaration one;
  one.kind = declaration::Kind::assessment;
  one.id = id;
  one.opens = {"urn:f:CrowdManagement"};
  one.legal_basis = {basis};
  const Timestamp now = world.clock.now();
  one.acts.push_back({declaration::What::recorded, {}, now, now + std::chrono::hours(4), "compatible"});
  Commit commit;
  ASSERT_TRUE(declaration::put(commit, *declaration::read_open(world.store), nullptr, one, now));
  ASSERT_TRUE(world.commits.commit_and_wait(std::move(commit)));
}

std::string on_assessment(const std::string& id) {
  return offer_for("urn:f:CrowdManagement", R"(,{"leftOperand":"sluis:assessment","operator":"isAnyOf","rightOperand":")" + id + "\"}");
}

TEST(TermsAssessments, ATestCountsAnAssessmentOnlyWhereTheGateDoes) {
  TermsWorld world;
  record_assessment(world, "urn:assessment:1", "eu-gdpr:A6-1-e");
  const std::string dataset = catalog::test::with(TermsWorld::file(), "[personal]", "processed_under = \"urn:a:counts\"\n[personal]");
  world.offer = on_assessment("urn:assessment:1");
  const auto ask = [&](const std::string& method, const std::string& more = "") {
    return world.answer(kTerms + method, "{\"text\":" + as_json(dataset) + R"(,"file":"counts.toml")" + more + "}");
  };
  const auto tested = [&] { return ask("Test", R"(,"purpose":"urn:f:CrowdManagement")"); };
  const auto code = [&] { return text_of(*tested().find("decision"), "code"); };
  EXPECT_EQ(code(), "declarations.unknown") << "the activity is not in the register";
  gathered_on(world, "urn:a:counts", "eu-gdpr:A6-1-e");
  EXPECT_EQ(code(), "permitted");
  EXPECT_EQ(ask("Check").find("refused"), nullptr);
  gathered_on(world, "urn:a:counts", "eu-gdpr:A6-1-a");
  EXPECT_EQ(code(), "declarations.unknown");
  const auto checked = ask("Check");
  ASSERT_NE(checked.find("refused"), nullptr) << "as publication refuses it";
  EXPECT_NE(json::serialise(checked).find("consent"), std::string::npos) << json::serialise(checked);
  const Timestamp end = world.clock.now() + std::chrono::hours(1);
  gathered_on(world, "urn:a:counts", "eu-gdpr:A6-1-e", end);
  EXPECT_EQ(text_of(tested(), "validUntil"), "2026-11-26T10:00:00Z") << "then it is looked at anew";
  // A replay looks at the same, for the dataset that is published.
  world.answer(kTerms + "Publish", "{\"text\":" + as_json(dataset) + R"(,"file":"counts.toml"})");
  world.record("urn:t:1", "urn:f:CrowdManagement", true, "permitted");
  const auto replayed = [&](const std::string& member) {
    return text_of(world.answer(kTerms + "Replay", "{\"text\":" + as_json(world.offer) + R"(,"file":"offer.json","dataset":)" + as_json(kDataset) + "}"), member);
  };
  EXPECT_EQ(replayed("stillReleased"), "1");
  Commit commit;
  commit.changes = {storage::hold(declaration::record_key(declaration::Kind::assessment, "urn:assessment:1", 1), world.clock.now())};
  ASSERT_TRUE(world.commits.commit_and_wait(std::move(commit)));
  EXPECT_EQ(code(), "declarations.unknown") << "a recovery holds it";
  EXPECT_EQ(replayed("newlyRefused"), "1");
  record_assessment(world, "urn:assessment:old", "the visitors said yes");
  world.offer = on_assessment("urn:assessment:old");
  EXPECT_EQ(code(), "value") << "of before bases were checked: on none that can bear";
}

TEST(TermsAssessments, WhatIsMadeFromDataThatWereGatheredOnConsentIsOpenedByNoAssessmentEither) {
  World world;
  using catalog::test::with;
  const std::string made = "urn:waterrijk:dataset:made";
  const std::string source = with(catalog::test::agreement_file(), "[personal]", "processed_under = \"urn:a:asked\"\n[personal]");
  world.answer("/sluis.v1.DatasetService/Publish", "{\"toml\":" + as_json(source) + ",\"file\":\"counts.toml\"}");
  const std::string text = with(with(catalog::test::agreement_file(), kDataset, made), "[personal]",
                                "made_from = [\"" + kDataset + "\"]\nprocessed_under = \"urn:a:task\"\n[personal]");
  world.answer("/sluis.v1.DatasetService/Publish", "{\"toml\":" + as_json(text) + ",\"file\":\"made.toml\"}");
  const auto published = world.offered.show(DatasetId(made));
  ASSERT_TRUE(published);
  const Timestamp now = world.clock.now();
  gathered_on(world, "urn:a:task", "eu-gdpr:A6-1-e");
  gathered_on(world, "urn:a:asked", "eu-gdpr:A6-1-a");
  const auto consent = check_gathered(published->dataset, world.store, now);
  ASSERT_FALSE(consent);
  EXPECT_NE(consent.error().message.find("`" + kDataset + "`, which they are made from"), std::string::npos) << consent.error().message;
  gathered_on(world, "urn:a:asked", "eu-gdpr:A6-1-e", now + std::chrono::hours(1));
  std::vector<Precondition> as_read;
  Timestamp until = Timestamp::max();
  EXPECT_TRUE(check_gathered(published->dataset, world.store, now, &as_read, &until));
  ASSERT_EQ(as_read.size(), 3U) << "its own activity, the dataset it is made from, and that one's activity";
  EXPECT_EQ(as_read[2].key, activity_key("urn:a:asked"));
  EXPECT_EQ(until, now + std::chrono::hours(1));
}

}  // namespace
}  // namespace sluis::management::test
