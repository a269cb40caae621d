#include "sluis/v1/evidence.pb.h"
#include "tests/unit/management/world.hpp"

namespace sluis::management::test {
namespace {

const std::string kPublish = "/sluis.v1.TermsService/Publish";

std::string offer(const std::string& id, const std::string& purpose, const std::string& more = "") {
  return R"({"@id":")" + id + R"(","@type":"Offer",)" + more +
         R"("permission":[{"action":"use","constraint":[{"leftOperand":"purpose","operator":"isA","rightOperand":")" +
         purpose + R"("}]}]})";
}

/// A dataset whose terms stand in a file of their own, as version 1.
struct Published : World {
  Published() {
    backend.read_beside = [](const std::string&) -> Result<std::string> { return offer("urn:w:1", "dpv:PublicBenefit"); };
    std::string text = catalog::test::agreement_file();
    text = "offer = \"offer.json\"\n" + text.substr(0, text.find("[terms]")) + "[terms]\nprocessing_activity = true\n";
    answer("/sluis.v1.DatasetService/Publish", json::serialise(json::object({{"toml", text}})));
  }
  static std::string request(const std::string& text, bool dry_run = false, const std::string& dataset = "") {
    return json::serialise(
        json::object({{"text", text}, {"file", "new.json"}, {"dryRun", dry_run}, {"dataset", dataset}}));
  }
  std::uint64_t entries() const { return log.head()->frontier.size(); }
  std::string id_on_offer() const {
    const auto shown = offered.show(DatasetId("urn:waterrijk:dataset:counts"));
    return *shown->dataset.offer.find("@id")->if_string() + " " + std::to_string(shown->version);
  }
};
const std::string kTarget = R"("target":"urn:waterrijk:dataset:counts",)";

TEST(TermsPublish, NewTermsAreANewVersionAndAnEntryOfTheLog) {
  Published world;
  EXPECT_EQ(world.id_on_offer(), "urn:w:1 1");
  const auto before = world.entries();
  world.answer(kPublish, Published::request(offer("urn:w:2", "urn:f:CrowdManagement", kTarget)));
  EXPECT_EQ(world.id_on_offer(), "urn:w:2 2");
  EXPECT_EQ(world.entries(), before + 1);
  v1::Internal internal;
  ASSERT_TRUE(internal.ParseFromString(world.log.payload(before)->internal));
  EXPECT_EQ(internal.person(), "A. Bakker");
  const auto again = world.answer(kPublish, Published::request(offer("urn:w:2", "urn:f:CrowdManagement", kTarget)));
  EXPECT_NE(again.find("unchanged"), nullptr);
  EXPECT_EQ(world.entries(), before + 1);
}

TEST(TermsPublish, ADryRunChangesNothing) {
  Published world;
  const auto before = world.entries();
  world.answer(kPublish, Published::request(offer("urn:w:2", "urn:f:CrowdManagement", kTarget), true));
  EXPECT_EQ(world.id_on_offer(), "urn:w:1 1");
  EXPECT_EQ(world.entries(), before);
}

TEST(TermsPublish, TheDatasetIsNamedByTheTargetOrBesideIt) {
  Published world;
  const std::string plain = offer("urn:w:2", "urn:f:CrowdManagement");
  EXPECT_EQ(world.post(kPublish, Published::request(plain)).status, 400U);
  EXPECT_EQ(world.post(kPublish, Published::request(plain, false, "urn:none")).status, 404U);
  const std::string aimed = offer("urn:w:2", "urn:f:CrowdManagement", kTarget);
  EXPECT_EQ(world.post(kPublish, Published::request(aimed, false, "urn:b")).status, 400U);
  world.answer(kPublish, Published::request(plain, false, "urn:waterrijk:dataset:counts"));
  EXPECT_EQ(world.id_on_offer(), "urn:w:2 2");
}

TEST(TermsPublish, OtherTermsNeedAnotherId) {
  Published world;
  EXPECT_EQ(world.post(kPublish, Published::request(offer("urn:w:1", "urn:f:CrowdManagement", kTarget))).status, 409U);
}

TEST(TermsPublish, WhatCannotBeReadIsRefusedAndChangesNothing) {
  Published world;
  const auto before = world.entries();
  for (const std::string& text : {std::string("{"), std::string("[]"), offer("urn:w:2", "dpv:Nothing", kTarget),
                                  offer("urn:w:2", "dpv:Purpose", kTarget + R"("porpose":1,)")}) {
    EXPECT_EQ(world.post(kPublish, Published::request(text)).status, 400U) << text;
  }
  EXPECT_EQ(world.entries(), before);
}

TEST(TermsPublish, TermsOfADatasetsOwnFileAreChangedThere) {
  World world;
  world.answer("/sluis.v1.DatasetService/Publish",
               json::serialise(json::object({{"toml", catalog::test::agreement_file()}})));
  const auto refused = world.post(kPublish, Published::request(offer("urn:w:2", "urn:f:CrowdManagement", kTarget)));
  EXPECT_EQ(refused.status, 400U);
  EXPECT_NE(refused.body.find("dataset file"), std::string::npos);
}

}  // namespace
}  // namespace sluis::management::test
