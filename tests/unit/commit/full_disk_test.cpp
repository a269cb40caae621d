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

}  // namespace
}  // namespace sluis::commit
