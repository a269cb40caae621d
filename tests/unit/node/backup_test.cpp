#include "connector/node/backup.hpp"

#include "connector/storage/rocks_store.hpp"
#include "tests/support/doubles.hpp"
#include "tests/unit/catalog/support.hpp"

#include <fstream>

namespace sluis::node {
namespace {

namespace fs = std::filesystem;

/// A node's folder with a store on the disk.
class BackupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(at() / "payload-keys");
    config_.folder = at();
    config_.participant = ParticipantId("did:web:waterrijk.example");
    config_.log_origin = "waterrijk.example/log";
    config_.payload_keys = at() / "payload-keys";
    config_.store = at() / "store";
    config_.backup_store = folder_.path() / "backup";
    config_.backup_keys = folder_.path() / "backup-keys";
    config_.file = put("node.toml");
    config_.tls = {put("tls/chain.pem"), put("tls/key.pem"), put("tls/roots.pem"), {}};
    config_.log_key = put("log.key");
    config_.claim_key = put("claim.key");
    config_.node_key = put("node.key");
    config_.roles = put("roles.toml");
    config_.purposes = put("purposes.tsv");
    auto store = storage::open_rocks_store(config_.store, true);
    ASSERT_TRUE(store) << describe(store.error());
    store_ = std::move(*store);
  }
  fs::path at() const { return folder_.path() / "waterrijk"; }
  fs::path put(const std::string& name) const {
    const fs::path file = at() / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << "of " << name;
    return file;
  }
  BackupMade made(const std::vector<fs::path>& more = {}) {
    auto done = make_backup(config_, *store_, "a note", 0, "a key", *parse_time("2026-11-26T09:00:00Z"), more);
    EXPECT_TRUE(done) << describe(done.error());
    return done ? std::move(*done) : BackupMade();
  }

  test::TempFolder folder_;
  NodeConfig config_;
  std::unique_ptr<storage::KvStore> store_;
};

TEST_F(BackupTest, WhatCollectorsAndWebhooksNeedIsInIt) {
  NodeConfig::Collector collector, webhook;
  collector.credential = put("collector.credential");
  webhook.secret = put("webhooks/permits.secret");
  webhook.credential = put("webhooks/permits.credential");
  webhook.roots = put("webhooks/roots.pem");
  config_.collectors = {collector};
  config_.webhooks = {webhook};
  const BackupMade copy = made();
  for (const char* name : {"collector.credential", "webhooks/permits.secret", "webhooks/permits.credential", "webhooks/roots.pem", "log.key"}) {
    EXPECT_TRUE(fs::exists(copy.keys / name)) << name;
  }
  EXPECT_TRUE(copy.left_out.empty());
  config_.webhooks.front().secret = folder_.path() / "elsewhere.secret";
  EXPECT_EQ(made().left_out, std::vector<std::string>{(folder_.path() / "elsewhere.secret").string()});
}

TEST_F(BackupTest, WhatServicesOfDatasetsNeedIsInIt) {
  using namespace catalog::test;
  storage::MemoryStore published;
  const catalog::Catalog datasets(published, vocabulary());
  EXPECT_TRUE(files_of_services(config_, datasets)->empty());
  const auto dataset = good(with(with(agreement_file(), "file = \"counts.csv\"\n", ""), "pace = \"16 KiB/s\"\n",
                                 "[source.http]\nurl = \"https://counts.waterrijk.example/api\"\nmethods = [\"GET\"]\npaths = [\"/counts\"]\n"
                                 "credential = \"services/counts.credential\"\nroots = \"services/roots.pem\"\n"));
  const auto commit = datasets.publish(dataset, 3, kNow);
  ASSERT_TRUE(commit) << describe(commit.error());
  ASSERT_TRUE(apply(published, *commit));
  put("services/counts.credential");
  put("services/roots.pem");
  const auto files = files_of_services(config_, datasets);
  ASSERT_TRUE(files) << describe(files.error());
  const BackupMade copy = made(*files);
  EXPECT_TRUE(fs::exists(copy.keys / "services/counts.credential"));
  EXPECT_TRUE(fs::exists(copy.keys / "services/roots.pem"));
}

}  // namespace
}  // namespace sluis::node
