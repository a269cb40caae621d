#include "connector/commit/sequencer.hpp"
#include "connector/storage/rocks_store.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <csignal>

namespace sluis::commit {
namespace {

/// No file of this process grows beyond so many bytes, as on a disk without room; the destructor takes it back.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

Commit put(int i) {
  Commit commit;
  commit.changes.push_back({"key/" + std::to_string(i), std::string(500, 'v')});
  commit.entries.push_back({20, {}, "shared " + std::to_string(i), "internal"});
  return commit;
}

TEST(FullDisk, CommitsAreRefusedNothingAcknowledgedIsLostAndWithRoomItGoesOn) {
  const test::TempFolder folder;
  test::ManualClock clock;
  test::SeededRandom random;
  storage::ReopeningStore store([&] { return storage::open_rocks_store(folder.path() / "store", true); });
  provenance::PayloadKeys keys(folder.path() / "keys", random);
  Sequencer sequencer(store, keys, clock, random,
                      {"waterrijk.example/log", crypto::Key::generate(crypto::Key::Kind::ed25519), folder.path() / "slots"});
  ASSERT_TRUE(sequencer.open());
  std::vector<int> kept;
  int refused = 0;
  {
    const FileLimit limit(64U << 10U);
    for (int i = 0; i < 200; ++i) {
      const auto done = sequencer.commit_and_wait(put(i));
      if (done) {
        kept.push_back(i);
      } else {
        ++refused;
        EXPECT_TRUE(done.error().code == ErrorCode::outcome_unknown || done.error().code == ErrorCode::storage_unavailable)
            << describe(done.error());
      }
    }
  }
  ASSERT_GT(kept.size(), 10U);
  ASSERT_GT(refused, 0);  // opening again begins a new file, which has room of its own
  ASSERT_TRUE(sequencer.commit_and_wait(put(1000))) << "there is room again";
  EXPECT_EQ(sequencer.quarantine(), "");
  for (const int i : kept) EXPECT_TRUE(*store.get("key/" + std::to_string(i))) << i;
  const provenance::LogReader log(store, keys);
  const auto head = log.head();
  ASSERT_TRUE(head);
  EXPECT_GE(head->frontier.size(), kept.size() + 1);
  EXPECT_EQ(*log.root(head->frontier.size()), head->frontier.root());
}

Commit of_class(int i, CommitClass commit_class) {
  Commit commit = put(i);
  commit.commit_class = commit_class;
  return commit;
}

TEST(FullDisk, TheReserveLetsRevocationsThroughAndIsTakenAgain) {
  const test::TempFolder folder;
  test::ManualClock clock;
  test::SeededRandom random;
  storage::ReopeningStore store([&] { return storage::open_rocks_store(folder.path() / "store", true); });
  provenance::PayloadKeys keys(folder.path() / "keys", random);
  storage::DiskReserve reserve(folder.path() / "store.reserve", 1U << 20U);
  Sequencer sequencer(store, keys, clock, random,
                      {"waterrijk.example/log", crypto::Key::generate(crypto::Key::Kind::ed25519), folder.path() / "slots", &reserve});
  ASSERT_TRUE(sequencer.open());
  EXPECT_EQ(sequencer.trouble(), "");
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "store.reserve"), 1U << 20U);
  {
    const FileLimit limit(64U << 10U);
    int i = 0;
    while (i < 200 && sequencer.commit_and_wait(put(i))) ++i;
    ASSERT_LT(i, 200) << "the disk never was full";
    const auto barred = sequencer.commit_and_wait(put(1000));
    ASSERT_FALSE(barred);
    EXPECT_EQ(barred.error().code, ErrorCode::storage_unavailable);
    EXPECT_NE(barred.error().message.find("only revocations"), std::string::npos) << barred.error().message;
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "store.reserve"));
    EXPECT_NE(sequencer.trouble().find("only revocations"), std::string::npos) << sequencer.trouble();
    EXPECT_FALSE(sequencer.commit_and_wait(of_class(1001, CommitClass::bulk)));
    EXPECT_TRUE(sequencer.commit_and_wait(of_class(1002, CommitClass::revoke)));
    clock.advance(std::chrono::seconds(2));
    EXPECT_FALSE(sequencer.commit_and_wait(put(1003))) << "the disk is as full as it was";
  }
  clock.advance(std::chrono::seconds(2));
  ASSERT_TRUE(sequencer.commit_and_wait(put(1004)));
  EXPECT_EQ(sequencer.trouble(), "");
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "store.reserve"), 1U << 20U);
  EXPECT_FALSE(*store.get("key/1000"));
  EXPECT_FALSE(*store.get("key/1003"));
  EXPECT_TRUE(*store.get("key/1002"));
}

TEST(FullDisk, WithoutTheReserveOnlyRevocationsAreRecorded) {
  const test::TempFolder folder;
  test::ManualClock clock;
  test::SeededRandom random;
  storage::ReopeningStore store([&] { return storage::open_rocks_store(folder.path() / "store", true); });
  provenance::PayloadKeys keys(folder.path() / "keys", random);
  storage::DiskReserve reserve(folder.path() / "store.reserve", std::uint64_t{1} << 50U);
  Sequencer sequencer(store, keys, clock, random,
                      {"waterrijk.example/log", crypto::Key::generate(crypto::Key::Kind::ed25519), folder.path() / "slots", &reserve});
  ASSERT_TRUE(sequencer.open());
  EXPECT_NE(sequencer.trouble().find("are free"), std::string::npos) << sequencer.trouble();
  EXPECT_FALSE(sequencer.commit_and_wait(put(1)));
  EXPECT_TRUE(sequencer.commit_and_wait(of_class(2, CommitClass::revoke)));
}

/// Nobody records anything, as what wants to is refused before it comes so far: it cannot read.
TEST(FullDisk, AStoreThatFailedIsOpenedAgainByItself) {
  const test::TempFolder folder;
  test::ManualClock clock;
  test::SeededRandom random;
  std::atomic<bool> away = false;
  storage::ReopeningStore store([&]() -> Result<std::unique_ptr<storage::KvStore>> {
    if (away) return Error(ErrorCode::storage_unavailable, "away");
    return storage::open_rocks_store(folder.path() / "store", true);
  });
  provenance::PayloadKeys keys(folder.path() / "keys", random);
  Sequencer sequencer(store, keys, clock, random,
                      {"waterrijk.example/log", crypto::Key::generate(crypto::Key::Kind::ed25519), folder.path() / "slots"});
  ASSERT_TRUE(sequencer.open());
  {
    const FileLimit limit(64U << 10U);
    int i = 0;
    away = true;
    while (i < 200 && sequencer.commit_and_wait(put(i))) ++i;
    ASSERT_LT(i, 200);
    EXPECT_FALSE(sequencer.commit_and_wait(put(1000)));
    EXPECT_NE(sequencer.trouble(), "");
  }
  EXPECT_FALSE(store.get("key/0"));
  away = false;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!sequencer.trouble().empty() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(sequencer.trouble(), "");
  ASSERT_TRUE(store.get("key/0"));
  EXPECT_TRUE(*store.get("key/0"));
}

}  // namespace
}  // namespace sluis::commit
