#include "catalog/keys.hpp"
#include "connector/storage/hold.hpp"
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

TEST(TermsPublish, EachHeldDatasetIsConfirmedForItself) {
  World world;
  const auto name = [](const char* one) { return std::string("urn:waterrijk:dataset:") + one; };
  for (const char* one : {"a", "b", "c"}) {
    std::string text = catalog::test::with(catalog::test::agreement_file(), name("counts"), name(one));
    if (*one == 'b') text += "until = \"2026-12-01\"\n";
    world.answer("/sluis.v1.DatasetService/Publish", json::serialise(json::object({{"toml", text}})));
    ASSERT_TRUE(world.store.write({storage::hold(catalog::dataset_key(DatasetId(name(one))), world.clock.now())}, true));
  }
  const auto held = [&](const char* one) { return storage::held_since(world.store, catalog::dataset_key(DatasetId(name(one))))->has_value(); };
  const auto confirm = [&](const std::string& what) { return world.post("/sluis.v1.DatasetService/Publish", R"({"confirm":[")" + what + "\"]}"); };
  world.clock.advance(std::chrono::days(10));  // the second's terms are over
  const auto all = confirm("*");
  EXPECT_EQ(all.status, 200U) << all.body;
  for (const std::string& note : {"\"confirmed: `" + name("a"), "\"not confirmed: `" + name("b"), "\"confirmed: `" + name("c")}) {
    EXPECT_NE(all.body.find(note), std::string::npos) << note << " in " << all.body;
  }
  EXPECT_NE(all.body.find("sluis dataset retract " + name("b")), std::string::npos) << all.body;
  const auto answer = json::parse(all.body);
  ASSERT_TRUE(answer && answer->find("notConfirmed") != nullptr) << all.body;
  EXPECT_EQ(*answer->find("notConfirmed"), json::array({name("b")}));
  EXPECT_FALSE(held("a") || held("c"));
  EXPECT_TRUE(held("b"));
  const auto alone = confirm(name("b"));
  EXPECT_EQ(alone.status, 400U);
  EXPECT_NE(alone.body.find("nothing can ever be permitted"), std::string::npos) << alone.body;
  world.answer("/sluis.v1.DatasetService/Retract", R"({"id":")" + name("b") + "\"}");
  EXPECT_FALSE(held("b"));
}

TEST(TermsPublish, WhatIsWrongWithTermsIsWhereTheyAreWritten) {
  World world;
  world.backend.read_beside = [](const std::string&) -> Result<std::string> {
    return "{\"@id\":\"urn:w:1\",\"@type\":\"Offer\",\n\"permission\":[\n{\"action\":\"use\"}],\n\"prohibition\":[{\"action\":\"use\",\"constraint\":[\n"
           "{\"leftOperand\":\"sluis:classOfRecipient\",\"operator\":\"eq\",\"rightOperand\":\"compnay\"}]}]}";
  };
  std::string text = catalog::test::agreement_file();
  text = "offer = \"offer.json\"\n" + text.substr(0, text.find("[terms]")) + "[terms]\nprocessing_activity = true\n";
  const auto refused = world.post("/sluis.v1.DatasetService/Publish", json::serialise(json::object({{"toml", text}, {"file", "counts.toml"}})));
  EXPECT_EQ(refused.status, 400U);
  EXPECT_NE(refused.body.find("no member has the class"), std::string::npos) << refused.body;
  EXPECT_NE(refused.body.find("offer.json:5:"), std::string::npos) << refused.body;
}

}  // namespace
}  // namespace sluis::management::test
