#include "catalog/catalog.hpp"

#include "catalog/dcat.hpp"
#include "catalog/keys.hpp"
#include "connector/storage/hold.hpp"
#include "tests/unit/catalog/support.hpp"

namespace sluis::catalog {
namespace {

using namespace test;

class CatalogTest : public ::testing::Test {
 protected:
  void publish(const std::string& text, Timestamp now = kNow) {
    auto commit = catalog_.publish(good(text), 3, now);
    ASSERT_TRUE(commit) << describe(commit.error());
    ASSERT_TRUE(apply(store_, *commit));
  }
  static std::string numbered(int number) {
    return with(agreement_file(), "dataset:counts", "dataset:" + std::to_string(number));
  }

  storage::MemoryStore store_;
  Catalog catalog_{store_, vocabulary()};
  NodeDescription node_{ParticipantId("did:web:waterrijk.example"), "https://waterrijk.example/2025-1",
                        "https://open.waterrijk.example", {"Data of Waterrijk", "Data van Waterrijk"},
                        {"All data", "Alle data"}, {"Gemeente Waterrijk", "https://waterrijk.example/"},
                        {"Data desk", "data@waterrijk.example", ""}};
  Requester city_{ParticipantId("did:web:duinmeer.example"), "municipality"};
};

TEST_F(CatalogTest, PublishedDatasetIsFoundByIdHashAndOfferId) {
  const Dataset dataset = good(agreement_file());
  auto commit = catalog_.publish(dataset, 3, kNow);
  ASSERT_TRUE(commit);
  ASSERT_EQ(commit->entries.size(), 1U);
  EXPECT_EQ(commit->entries[0].kind, 3);
  EXPECT_EQ(commit->entries[0].policy_digest, dataset.offer_hash);
  EXPECT_NE(commit->entries[0].shared.find("\"offer\""), std::string::npos);
  EXPECT_EQ(commit->entries[0].shared.find("counts.csv"), std::string::npos);
  EXPECT_FALSE(catalog_.show(dataset.id));
  ASSERT_TRUE(apply(store_, *commit));
  const auto shown = catalog_.show(dataset.id);
  ASSERT_TRUE(shown) << describe(shown.error());
  EXPECT_EQ(shown->version, 1U);
  EXPECT_EQ(shown->dataset.offer_hash, dataset.offer_hash);
  EXPECT_EQ(shown->dataset.source.file, "counts.csv");
  EXPECT_EQ(catalog_.offer_by_hash(dataset.offer_hash)->dataset, dataset.id);
  EXPECT_EQ(catalog_.find_offer(OfferId(*dataset.offer.find("@id")->if_string()))->hash, dataset.offer_hash);
  EXPECT_TRUE(catalog_.current(dataset.offer_hash, kNow));
}

TEST_F(CatalogTest, WhatARecoveryHoldsIsNotOnOfferUntilItIsPublishedAgain) {
  publish(agreement_file());
  const Dataset dataset = good(agreement_file());
  const std::string key = dataset_key(dataset.id);
  ASSERT_TRUE(store_.write({storage::hold(key, kNow)}, true));
  EXPECT_FALSE(catalog_.on_offer(*catalog_.show(dataset.id), kNow));
  EXPECT_EQ(catalog_.current(dataset.offer_hash, kNow).error().code, ErrorCode::invalid_state);
  EXPECT_FALSE(catalog_.source(dataset.id, kNow)) << "nor is anything made from it";
  publish(agreement_file());  // unchanged
  EXPECT_TRUE(catalog_.on_offer(*catalog_.show(dataset.id), kNow));
  EXPECT_EQ(catalog_.show(dataset.id)->version, 2U);
  EXPECT_EQ(catalog_.publish(dataset, 3, kNow).error().code, ErrorCode::conflict) << "confirmed once";
  ASSERT_TRUE(store_.write({storage::hold(key, kNow)}, true));
  const auto taken_off = catalog_.retract(dataset.id, 4, kNow);
  ASSERT_TRUE(taken_off && apply(store_, *taken_off));
  EXPECT_FALSE(*storage::held_since(store_, key)) << "it is settled";
  EXPECT_FALSE(catalog_.on_offer(*catalog_.show(dataset.id), kNow));
}

TEST_F(CatalogTest, OfTwoPublicationsAtOnceOneWins) {
  const auto one = catalog_.publish(good(agreement_file()), 3, kNow);
  const auto two = catalog_.publish(good(agreement_file() + "delete_after = \"P7D\"\n"), 3, kNow);
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->id, two->id);
  EXPECT_TRUE(apply(store_, *one));
  EXPECT_FALSE(apply(store_, *two));
}

TEST_F(CatalogTest, NewTermsAreANewVersionAndOldOffersStay) {
  publish(agreement_file());
  const Dataset newer = good(agreement_file() + "delete_after = \"P7D\"\n");
  const Hash old = catalog_.show(newer.id)->dataset.offer_hash;
  publish(newer.toml);
  EXPECT_EQ(catalog_.show(newer.id)->version, 2U);
  EXPECT_EQ(catalog_.show(newer.id, 1)->dataset.offer_hash, old);
  EXPECT_TRUE(catalog_.offer_by_hash(old));
  EXPECT_FALSE(catalog_.current(old, kNow));
  EXPECT_TRUE(catalog_.current(newer.offer_hash, kNow));
}

TEST_F(CatalogTest, PublishingTheSameAgainIsRefused) {
  publish(agreement_file());
  const auto again = catalog_.publish(good(agreement_file()), 3, kNow);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
}

TEST_F(CatalogTest, AnOfferIdNeverStandsForAnotherOffer) {
  publish(agreement_file());
  Dataset other = good(agreement_file() + "delete_after = \"P7D\"\n");
  other.offer.set("@id", *good(agreement_file()).offer.find("@id"));
  const auto commit = catalog_.publish(other, 3, kNow);
  ASSERT_FALSE(commit);
  EXPECT_EQ(commit.error().code, ErrorCode::conflict);
}

TEST_F(CatalogTest, RetractedIsShownButNotOffered) {
  publish(agreement_file());
  const Dataset dataset = good(agreement_file());
  const auto commit = catalog_.retract(dataset.id, 4, kNow);
  ASSERT_TRUE(commit);
  ASSERT_TRUE(apply(store_, *commit));
  EXPECT_TRUE(catalog_.show(dataset.id)->retracted);
  EXPECT_FALSE(catalog_.current(dataset.offer_hash, kNow));
  EXPECT_FALSE(catalog_.retract(dataset.id, 4, kNow));
  EXPECT_FALSE(dsp_dataset(catalog_, node_, city_, dataset.id, kNow));
  EXPECT_FALSE(catalog_.retract(DatasetId("urn:none"), 4, kNow));
}

TEST_F(CatalogTest, ListAndDspCatalogueArePaged) {
  for (int i = 0; i < 5; ++i) publish(numbered(i));
  std::size_t seen = 0;
  std::string page;
  do {
    const auto found = catalog_.list(page, 2);
    ASSERT_TRUE(found);
    seen += found->datasets.size();
    page = found->next;
  } while (!page.empty());
  EXPECT_EQ(seen, 5U);
  seen = 0;
  do {
    const auto found = dsp_catalog(catalog_, node_, city_, page, 2, kNow);
    ASSERT_TRUE(found) << describe(found.error());
    seen += found->catalog.find("dataset")->if_array()->size();
    page = found->next;
  } while (!page.empty());
  EXPECT_EQ(seen, 5U);
  EXPECT_FALSE(catalog_.list("!", 2));
}

TEST_F(CatalogTest, ADatasetThatIsSentHasThatFormatToo) {
  publish("push = true\n" + agreement_file());
  const auto page = dsp_catalog(catalog_, node_, city_, "", 100, kNow);
  ASSERT_TRUE(page);
  const json::Array& distributions = *page->catalog.find("dataset")->if_array()->front().find("distribution")->if_array();
  ASSERT_EQ(distributions.size(), 2U);
  EXPECT_EQ(*distributions[0].find("format")->if_string(), "HttpData-PULL");
  EXPECT_EQ(*distributions[1].find("format")->if_string(), "HttpData-PUSH");
  EXPECT_EQ(*distributions[1].find("accessService"), *distributions[0].find("accessService"));
}

TEST_F(CatalogTest, DspCatalogueHasTheSchemasForm) {
  publish(agreement_file());
  const auto page = dsp_catalog(catalog_, node_, city_, "", 100, kNow);
  ASSERT_TRUE(page);
  const json::Value& dataset = page->catalog.find("dataset")->if_array()->front();
  EXPECT_EQ(*page->catalog.find("participantId")->if_string(), "did:web:waterrijk.example");
  const json::Value& offer = dataset.find("hasPolicy")->if_array()->front();
  EXPECT_EQ(offer, good(agreement_file()).offer);
  const json::Value& distribution = dataset.find("distribution")->if_array()->front();
  EXPECT_EQ(*distribution.find("format")->if_string(), "HttpData-PULL");
  EXPECT_EQ(*distribution.find("accessService"), *page->catalog.find("service")->if_array()->front().find("@id"));
  const auto alone = dsp_dataset(catalog_, node_, city_, DatasetId("urn:waterrijk:dataset:counts"), kNow);
  ASSERT_TRUE(alone);
  EXPECT_NE(alone->find("@context"), nullptr);
  EXPECT_NE(alone->find("distribution")->if_array()->front().find("accessService")->find("endpointURL"), nullptr);
}

TEST_F(CatalogTest, WhatAClassCanNeverGetIsHiddenAndNoArrayIsEmpty) {
  publish(agreement_file());
  const Requester panel{ParticipantId("did:web:panel.example"), "citizen-panel"};
  const auto page = dsp_catalog(catalog_, node_, panel, "", 100, kNow);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->catalog.find("dataset"), nullptr);
  EXPECT_EQ(json::serialise(page->catalog).find("[]"), std::string::npos);
  const auto hidden = dsp_dataset(catalog_, node_, panel, DatasetId("urn:waterrijk:dataset:counts"), kNow);
  ASSERT_FALSE(hidden);
  EXPECT_EQ(hidden.error().code, ErrorCode::not_found);
}

TEST_F(CatalogTest, SuspendedDatasetsAreNotOffered) {
  publish(agreement_file());
  const Timestamp later = at("2027-11-02T00:00:00Z");
  EXPECT_EQ(dsp_catalog(catalog_, node_, city_, "", 10, later)->catalog.find("dataset"), nullptr);
  EXPECT_EQ(dcat_catalog(catalog_, node_, later)->find("dcat:dataset"), nullptr);
  EXPECT_FALSE(catalog_.current(good(agreement_file()).offer_hash, later));
}

TEST_F(CatalogTest, DcatGivesOpenDataADownloadAndOthersTheirOffer) {
  publish(with(open_file(), "dataset:counts", "dataset:open"));
  publish(agreement_file());
  const auto dcat = dcat_catalog(catalog_, node_, kNow);
  ASSERT_TRUE(dcat);
  const json::Array& datasets = *dcat->find("dcat:dataset")->if_array();
  ASSERT_EQ(datasets.size(), 2U);
  const std::string closed = json::serialise(datasets[0]);
  const std::string open = json::serialise(datasets[1]);
  EXPECT_NE(open.find("https://open.waterrijk.example/open/urn%3awaterrijk%3adataset%3aopen"),
      std::string::npos) << open;
  EXPECT_NE(open.find("access-right/PUBLIC"), std::string::npos);
  EXPECT_EQ(closed.find("downloadURL"), std::string::npos);
  EXPECT_NE(closed.find("urn:sluis:offer:"), std::string::npos);
  EXPECT_NE(closed.find("access-right/RESTRICTED"), std::string::npos);
  for (const char* needed : {"dct:title", "dct:description", "dct:publisher", "dct:creator", "dcat:contactPoint",
                             "dct:identifier", "dcat:theme", "dct:accessRights", "dct:license", "dcat:accessURL"}) {
    EXPECT_NE(open.find(needed), std::string::npos) << needed;
  }
}

TEST_F(CatalogTest, AnAlteredRecordIsCorruption) {
  publish(agreement_file());
  const Dataset dataset = good(agreement_file());
  const std::string key = "offer/" + to_hex(dataset.offer_hash);
  const std::string held = **store_.get(key);
  ASSERT_TRUE(store_.write({{key, with(held, "municipality", "municipalitx")}}, true));
  EXPECT_EQ(catalog_.offer_by_hash(dataset.offer_hash).error().code, ErrorCode::corruption);
  ASSERT_TRUE(store_.write({{"dataset/" + dataset.id.str(), "{"}}, true));
  EXPECT_EQ(catalog_.show(dataset.id).error().code, ErrorCode::corruption);
  EXPECT_FALSE(catalog_.list("", 10));
}

}  // namespace
}  // namespace sluis::catalog
