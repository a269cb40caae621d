#include "catalog/remote.hpp"

#include "catalog/dsp.hpp"
#include "tests/unit/catalog/support.hpp"

namespace sluis::catalog {
namespace {

using namespace test;

json::Value catalog_of(const std::string& policies) {
  return *json::parse(R"({"@context":["https://w3id.org/dspace/2025/1/context.jsonld"],"@type":"Catalog","@id":"c",
    "participantId":"did:web:waterrijk.example","dataset":[{"@id":"urn:d:1","@type":"Dataset","dct:title":"Counts",
    "hasPolicy":[)" + policies + R"(],
    "distribution":[{"@type":"Distribution","format":"HttpData-PULL","accessService":"s"}]}]})");
}
std::string offer(const std::string& id, const std::string& purpose = "dpv:PublicBenefit") {
  return R"({"@id":")" + id + R"(","@type":"Offer","permission":[{"action":"use","constraint":[
    {"leftOperand":"purpose","operator":"eq","rightOperand":")" + purpose + R"("}]}]})";
}
const ParticipantId kPeer("did:web:waterrijk.example");

TEST(RemoteCatalog, OursIsReadBackWithTheSameHash) {
  storage::MemoryStore store;
  Catalog catalog(store, vocabulary());
  const Dataset dataset = good(agreement_file());
  ASSERT_TRUE(apply(store, *catalog.publish(dataset, 3, kNow)));
  NodeDescription node;
  node.participant = kPeer;
  node.dsp_url = "https://waterrijk.example/2025-1";
  const auto page = dsp_catalog(catalog, node, {ParticipantId("urn:x"), "company"}, "", 10, kNow);
  const auto read = read_remote_catalog(*json::parse(json::serialise(page->catalog)));
  ASSERT_TRUE(read) << describe(read.error());
  ASSERT_EQ(read->offers.size(), 1U);
  EXPECT_EQ(read->offers[0].hash, dataset.offer_hash);
  EXPECT_EQ(read->offers[0].title, "Counts");
  EXPECT_EQ(read->participant, kPeer);
}

TEST(RemoteCatalog, AnOfferThatIsNotUnderstoodIsRefusedAlone) {
  const auto read = read_remote_catalog(catalog_of(
      offer("o1") + R"(,{"@id":"o2","@type":"Offer","permission":[{"action":"use","duty":[]}]})"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->offers.size(), 1U);
  ASSERT_EQ(read->refused.size(), 1U);
  EXPECT_EQ(read->refused[0].offer_id, "o2");
  EXPECT_TRUE(read->refused[0].reason.place.pointer.starts_with("/dataset/0/hasPolicy/1"));
}

TEST(RemoteCatalog, OneIdForTwoOffersIsRefused) {
  const auto read = read_remote_catalog(catalog_of(offer("o1") + "," + offer("o1", "dpv:Marketing")));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->offers.size(), 1U);
  EXPECT_EQ(read->refused.size(), 1U);
}

TEST(RemoteCatalog, WhatIsNoCatalogueIsRefused) {
  EXPECT_FALSE(read_remote_catalog(*json::parse("[]")));
  EXPECT_FALSE(read_remote_catalog(*json::parse(R"({"@type":"CatalogError"})")));
  EXPECT_FALSE(read_remote_catalog(*json::parse(R"({"@type":"Catalog"})")));
  EXPECT_FALSE(read_remote_catalog(*json::parse(R"({"@type":"Catalog","participantId":"p","dataset":"x"})")));
  EXPECT_FALSE(read_remote_catalog(*json::parse(R"({"@type":"Catalog","participantId":"p","dataset":[{}]})")));
  EXPECT_TRUE(read_remote_catalog(*json::parse(R"({"@type":"Catalog","participantId":"p"})")));
}

TEST(RemoteCatalog, AnOfferWithoutProofIsNotTaken) {
  auto read = read_remote_catalog(catalog_of(offer("o1") + "," + offer("o2")));
  ASSERT_TRUE(read);
  require_proofs(*read, kPeer, [](const ParticipantId& peer, const RemoteOffer& one) -> Result<void> {
    EXPECT_EQ(peer, kPeer);
    if (one.id.str() == "o1") return {};
    return Error(ErrorCode::corruption, "no proof");
  });
  ASSERT_EQ(read->offers.size(), 1U);
  EXPECT_EQ(read->offers[0].id.str(), "o1");
  EXPECT_EQ(read->refused.at(0).reason.message, "no proof");
}

TEST(RemoteOffers, AreKeptPerPeer) {
  storage::MemoryStore store;
  const RemoteOffers offers(store);
  const auto read = read_remote_catalog(catalog_of(offer("o1") + "," + offer("o2")));
  const auto commits = offers.remember(kPeer, *read, kNow);
  ASSERT_TRUE(commits);
  ASSERT_EQ(commits->size(), 1U);
  ASSERT_TRUE(apply(store, commits->front()));
  EXPECT_EQ(offers.find(kPeer, OfferId("o1"))->hash, read->offers[0].hash);
  EXPECT_EQ(offers.list(kPeer)->size(), 2U);
  EXPECT_FALSE(offers.find(ParticipantId("did:web:other.example"), OfferId("o1")));
  EXPECT_TRUE(offers.remember(kPeer, *read, kNow)->empty());
}

}  // namespace
}  // namespace sluis::catalog
