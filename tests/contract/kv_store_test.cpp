#include "connector/storage/memory_store.hpp"
#include "connector/storage/reopening_store.hpp"
#include "connector/storage/rocks_store.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>
#include <rocksdb/perf_context.h>
#include <rocksdb/perf_level.h>

#include <sys/wait.h>
#include <unistd.h>

namespace sluis::storage {
namespace {

using Make = std::unique_ptr<KvStore> (*)(const std::filesystem::path&);

std::unique_ptr<KvStore> make_memory(const std::filesystem::path&) { return std::make_unique<MemoryStore>(); }
std::unique_ptr<KvStore> make_rocks(const std::filesystem::path& folder) { return *open_rocks_store(folder, true); }
std::unique_ptr<KvStore> make_reopening(const std::filesystem::path& folder) {
  auto store = std::make_unique<ReopeningStore>([folder] { return open_rocks_store(folder, true); });
  EXPECT_TRUE(store->reopen());
  return store;
}

class KvStoreContract : public ::testing::TestWithParam<Make> {
 protected:
  test::TempFolder folder_;
  std::unique_ptr<KvStore> store_ = GetParam()(folder_.path() / "store");

  std::vector<std::string> keys(const Reader& reader, std::string_view prefix, std::string_view from = "") {
    std::vector<std::string> found;
    EXPECT_TRUE(reader.scan(prefix, from, [&](std::string_view key, std::string_view) {
      found.emplace_back(key);
      return true;
    }));
    return found;
  }
};

TEST_P(KvStoreContract, AMissingKeyIsNoError) { EXPECT_EQ(*store_->get("nothing"), std::nullopt); }

TEST_P(KvStoreContract, ABatchIsSeenWhole) {
  ASSERT_TRUE(store_->write({{"a", "1"}, {"b", "2"}}, true));
  ASSERT_TRUE(store_->write({{"a", std::nullopt}, {"b", "3"}, {"c", ""}}, true));
  EXPECT_EQ(*store_->get("a"), std::nullopt);
  EXPECT_EQ(*store_->get("b"), "3");
  EXPECT_EQ(*store_->get("c"), "");
}

TEST_P(KvStoreContract, TheLastOfTwoChangesOfAKeyHolds) {
  ASSERT_TRUE(store_->write({{"a", "1"}, {"a", "2"}}, false));
  EXPECT_EQ(*store_->get("a"), "2");
}

TEST_P(KvStoreContract, KeysAndValuesAreAnyBytes) {
  const std::string key("\x00\xFF\n", 3);
  ASSERT_TRUE(store_->write({{key, std::string("\x00", 1)}}, true));
  EXPECT_EQ(*store_->get(key), std::string("\x00", 1));
}

TEST_P(KvStoreContract, AScanIsInByteOrderWithinItsPrefix) {
  ASSERT_TRUE(store_->write({{"p/b", ""}, {"p/a", ""}, {"p0", ""}, {"o", ""}, {"p/\xFF", ""}}, true));
  EXPECT_EQ(keys(*store_, "p/"), (std::vector<std::string>{"p/a", "p/b", "p/\xFF"}));
  EXPECT_EQ(keys(*store_, "p/", "p/b"), (std::vector<std::string>{"p/b", "p/\xFF"}));
  EXPECT_EQ(keys(*store_, "p/\xFF"), std::vector<std::string>{"p/\xFF"});
  EXPECT_TRUE(keys(*store_, "\xFF\xFF").empty());
  EXPECT_GE(keys(*store_, "").size(), 5U);  // a store may hold keys of its own
}

TEST_P(KvStoreContract, AScanStopsWhenTold) {
  ASSERT_TRUE(store_->write({{"p/b", ""}, {"p/a", ""}}, true));
  int seen = 0;
  ASSERT_TRUE(store_->scan("p/", "", [&](auto, auto) { return ++seen < 1; }));
  EXPECT_EQ(seen, 1);
}

TEST_P(KvStoreContract, ASnapshotStaysAsItWas) {
  ASSERT_TRUE(store_->write({{"a", "1"}}, true));
  const auto snapshot = store_->snapshot();
  ASSERT_TRUE(store_->write({{"a", "2"}, {"b", "1"}}, true));
  EXPECT_EQ(*snapshot->get("a"), "1");
  EXPECT_TRUE(keys(*snapshot, "b").empty());
  EXPECT_EQ(*store_->get("a"), "2");
}

INSTANTIATE_TEST_SUITE_P(All, KvStoreContract, ::testing::Values(&make_memory, &make_rocks, &make_reopening));

TEST(RocksStore, KeepsWhatItWasGiven) {
  const test::TempFolder folder;
  ASSERT_TRUE((*open_rocks_store(folder.path() / "s", true))->write({{"a", "1"}}, true));
  EXPECT_EQ(*(*open_rocks_store(folder.path() / "s", false))->get("a"), "1");
}

TEST(RocksStore, AScanNeverReadsWhatIsDeletedBehindItsPrefix) {
  const test::TempFolder folder;
  const auto store = *open_rocks_store(folder.path() / "s", true);
  std::vector<Change> put;
  std::vector<Change> removed;
  for (int i = 0; i < 1000; ++i) {
    put.push_back({"queue/b/" + std::to_string(i), "message"});
    removed.push_back({put.back().key, std::nullopt});
  }
  ASSERT_TRUE(store->write(put, true));
  ASSERT_TRUE(store->write(removed, true));
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kEnableCount);
  rocksdb::get_perf_context()->Reset();
  ASSERT_TRUE(store->scan("queue/a/", "", [](auto, auto) { return true; }));
  EXPECT_LE(rocksdb::get_perf_context()->internal_delete_skipped_count, 1U);
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
}

TEST(RocksStore, AStoreThatIsNotThereIsNotMadeByAccident) {
  const test::TempFolder folder;
  EXPECT_FALSE(open_rocks_store(folder.path() / "s", false));
}

TEST(RocksStore, AFolderInUseByAnotherProcessIsRefusedWithTheReason) {
  const test::TempFolder folder;
  const auto path = folder.path() / "s";
  const auto held = open_rocks_store(path, true);
  ASSERT_TRUE(held);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto second = open_rocks_store(path, true);
    ::_exit(!second && second.error().message.find("in use by another process") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(RocksStore, AFormatFromTheFutureIsRefused) {
  const test::TempFolder folder;
  ASSERT_TRUE((*open_rocks_store(folder.path() / "s", true))->write({{"meta/format", "999"}}, true));
  const auto opened = open_rocks_store(folder.path() / "s", false);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::invalid_state);
  const auto read = open_rocks_reader(folder.path() / "s");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::invalid_state);
}

TEST(RocksStore, AFormatThatNeverWasIsRefused) {
  for (const char* format : {"0", "", "1x", "-1"}) {
    const test::TempFolder folder;
    ASSERT_TRUE((*open_rocks_store(folder.path() / "s", true))->write({{"meta/format", format}}, true));
    EXPECT_EQ(open_rocks_store(folder.path() / "s", false).error().code, ErrorCode::corruption) << format;
    EXPECT_EQ(open_rocks_reader(folder.path() / "s").error().code, ErrorCode::corruption) << format;
  }
}

}  // namespace
}  // namespace sluis::storage
