#include "connector/storage/memory_store.hpp"
#include "connector/storage/reopening_store.hpp"
#include "connector/storage/rocks_backup.hpp"
#include "connector/storage/rocks_store.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/perf_context.h>
#include <rocksdb/perf_level.h>

#include <atomic>
#include <fstream>
#include <thread>

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

/// A store either says that it has no copies, or gives back what it held, in all its families, damaged or not at all.
TEST_P(KvStoreContract, ACopyIsWhatTheStoreWas) {
  ASSERT_TRUE(store_->write({{"a", "1"}, {"log/e/1", "leaf"}, {"log/p/1", "payload"}}, true));
  const std::filesystem::path copies = folder_.path() / "copies";
  const auto first = store_->back_up(copies, "the first");
  if (!first) {
    EXPECT_EQ(first.error().code, ErrorCode::invalid_state);
    return;
  }
  ASSERT_TRUE(store_->write({{"a", "2"}, {"log/e/2", "leaf"}}, true));
  const auto second = store_->back_up(copies, "the second");
  ASSERT_TRUE(second);
  const auto all = list_backups(copies);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ((*all)[0].about, "the first");
  ASSERT_TRUE(verify_backup(copies, *first));
  ASSERT_TRUE(restore_backup(copies, *first, folder_.path() / "again"));
  EXPECT_FALSE(restore_backup(copies, *first, folder_.path() / "again")) << "over something";
  const auto again = open_rocks_store(folder_.path() / "again", false);
  ASSERT_TRUE(again);
  EXPECT_EQ(*(*again)->get("a"), "1");
  EXPECT_EQ(*(*again)->get("log/p/1"), "payload");
  EXPECT_EQ(*(*again)->get("log/e/2"), std::nullopt);
  EXPECT_EQ(*purge_backups(copies, 1), 1U);
  EXPECT_FALSE(verify_backup(copies, *first));
  EXPECT_TRUE(verify_backup(copies, *second));
  EXPECT_EQ(list_backups(folder_.path() / "nowhere").error().code, ErrorCode::not_found);
}

/// Files below a folder that hold this text.
std::vector<std::filesystem::path> holding(const std::filesystem::path& folder, const std::string& text) {
  std::vector<std::filesystem::path> found;
  if (!std::filesystem::exists(folder)) return found;
  for (const auto& one : std::filesystem::recursive_directory_iterator(folder)) {
    if (!one.is_regular_file()) continue;
    std::ifstream in(one.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    if (bytes.find(text) != std::string::npos) found.push_back(one.path());
  }
  return found;
}

TEST_P(KvStoreContract, WhatWasDeletedOrOverwrittenIsInNoFileAfterAPurge) {
  const std::string deleted = "a word that was deleted", over = "a word that was overwritten", stays = "a word that stays";
  for (const char* family : {"x/", "log/p/"}) {
    for (int i = 0; i < 300; ++i) {
      ASSERT_TRUE(store_->write({{family + std::to_string(i), deleted}, {std::string(family) + "over" + std::to_string(i), over}}, i % 100 == 0));
    }
    for (int i = 0; i < 300; ++i) {
      ASSERT_TRUE(store_->write({{family + std::to_string(i), std::nullopt}, {std::string(family) + "over" + std::to_string(i), stays}}, true));
    }
  }
  if (GetParam() != make_memory) {
    EXPECT_FALSE(holding(folder_.path() / "store", deleted).empty()) << "a search that finds nothing shows nothing";
  }
  ASSERT_TRUE(store_->purge());
  for (const std::string& word : {deleted, over}) EXPECT_TRUE(holding(folder_.path() / "store", word).empty()) << holding(folder_.path() / "store", word).front();
  EXPECT_EQ(*store_->get("log/p/over299"), stays);
  EXPECT_EQ(*store_->get("x/299"), std::nullopt);
}

TEST_P(KvStoreContract, AStoreThatIsToBeClosedBeginsNoCopy) {
  store_->stop_back_up();
  EXPECT_FALSE(store_->back_up(folder_.path() / "copies", "late"));
}

/// Whoever makes a copy holds the store; it is opened again all the same, at once and not when the copy is done.
TEST(ReopeningStoreTest, IsOpenedAgainWhileCopiesAreMade) {
  test::TempFolder folder;
  ReopeningStore store([&] { return open_rocks_store(folder.path() / "store", true); });
  ASSERT_TRUE(store.reopen());
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(store.write({{"k" + std::to_string(i), std::string(100'000, 'x')}}, false));
  std::atomic<bool> enough = false;
  std::atomic<int> made = 0;
  std::thread copying([&] {
    while (!enough) made += store.back_up(folder.path() / "copies", "again") ? 1 : 0;
  });
  while (made == 0) std::this_thread::yield();
  int opened = 0;
  for (int i = 0; i < 20; ++i) opened += store.reopen() ? 1 : 0;
  enough = true;
  copying.join();
  EXPECT_GT(opened, 0);
  ASSERT_TRUE(store.reopen());
  EXPECT_EQ(store.get("k63")->value().size(), 100'000U);
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

TEST_P(KvStoreContract, WhereverAKeyLiesItIsScannedInOrder) {
  const std::vector<std::string> all{"a",       "log/",    "log/d",  "log/e", "log/e/", "log/e/\x01", "log/e/\xFF\xFF", "log/e0",
                                     "log/head", "log/o/x", "log/p/", "log/p/1", "log/p/2", "log/p0",    "log/t",          "z"};
  std::vector<Change> changes;
  for (const std::string& key : all) changes.push_back({key, "1"});
  ASSERT_TRUE(store_->write(changes, true));
  const auto snapshot = store_->snapshot();
  ASSERT_TRUE(store_->write({{"log/e/\x02", "2"}, {"log/p/1", std::nullopt}, {"log/head", "2"}}, true));
  const Reader& before = *snapshot;
  for (const std::string prefix : {"", "l", "log/", "log/e", "log/e/", "log/p/", "log/p", "log/q", "log/t", "log/e/\xFF"}) {
    for (const std::string from : {"", "log/e", "log/e/", "log/e/\x01\x01", "log/e0", "log/f", "log/p/1", "log/p/9", "log/s", "zz"}) {
      std::vector<std::string> expected;
      for (const std::string& key : all) {
        if (key.starts_with(prefix) && key >= from) expected.push_back(key);
      }
      std::vector<std::string> found = keys(before, prefix, from);
      std::erase_if(found, [](const std::string& key) { return key.starts_with("meta/"); });
      EXPECT_EQ(found, expected) << "`" << prefix << "` from `" << from << "`";
    }
  }
  EXPECT_EQ(keys(*store_, "log/e/"), (std::vector<std::string>{"log/e/", "log/e/\x01", "log/e/\x02", "log/e/\xFF\xFF"}));
  EXPECT_EQ(*store_->get("log/p/1"), std::nullopt);
  EXPECT_EQ(*before.get("log/p/1"), "1");
  int seen = 0;  // stopped within one family, it does not go on in the next
  ASSERT_TRUE(store_->scan("log/", "log/e/", [&](auto, auto) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2);
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

TEST(RocksStore, AFolderThatMayNotBeWrittenIsRefusedWithThatReason) {
  namespace fs = std::filesystem;
  const test::TempFolder folder;
  const auto path = folder.path() / "s";
  ASSERT_TRUE((*open_rocks_store(path, true))->write({{"a", "1"}}, true));
  fs::permissions(folder.path(), fs::perms(0755));
  for (const auto& one : fs::recursive_directory_iterator(path)) fs::permissions(one.path(), one.is_directory() ? fs::perms(0555) : fs::perms(0444));
  fs::permissions(path, fs::perms(0555));
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(2);  // modes do not bind root
    const auto opened = open_rocks_store(path, true);
    const bool told = !opened && opened.error().code == ErrorCode::storage_unavailable && opened.error().message.find("cannot be written") != std::string::npos &&
                      opened.error().message.find(path.string()) != std::string::npos;
    if (!told) std::fprintf(stderr, "%s\n", opened ? "it opened" : describe(opened.error()).c_str());
    ::_exit(told ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  fs::permissions(path, fs::perms(0755));
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(RocksStore, WhyAStoreDoesNotOpenIsSaidByWhatFailed) {
  const auto said = [](const std::string& why) { return open_error("/store", why).message; };
  EXPECT_NE(said("IO error: While lock file: /store/LOCK: Resource temporarily unavailable").find("in use by another process"), std::string::npos);
  EXPECT_NE(said("IO error: lock hold by current process, acquire time 1 acquiring thread 2: /store/LOCK: No locks available").find("in use by another"), std::string::npos);
  EXPECT_NE(said("IO error: while open a file for lock: /store/LOCK: Permission denied").find("cannot be written"), std::string::npos);
  EXPECT_NE(said("IO error: While open a file for appending: /store/000009.log: Read-only file system").find("cannot be written"), std::string::npos);
  EXPECT_EQ(open_error("/store", "Corruption: block checksum mismatch in /store/000004.sst").code, ErrorCode::corruption);
  EXPECT_EQ(open_error("/block/LOCK", "IO error: No space left on device").message.find("another process"), std::string::npos);
}

std::string seven_digits(int number) {
  std::string text = std::to_string(number);
  return text.insert(0, 7 - text.size(), '0');
}

/// A store as the program that wrote format 1 left it; so many leaves are moved already, as if that had been broken off.
void write_format_1(const std::filesystem::path& folder, int entries, int moved) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* made = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, folder.string(), &made).ok());
  const std::unique_ptr<rocksdb::DB> db(made);
  const auto put = [&](const std::string& key, const std::string& value) { ASSERT_TRUE(db->Put({}, key, value).ok()); };
  put("meta/format", "1");
  put("log/head", "head");
  put("agreement/x", "y");
  for (int i = 0; i < entries; ++i) {
    if (i >= moved) put("log/e/" + seven_digits(i), "leaf " + std::to_string(i));
    put("log/p/" + seven_digits(i), "payload " + std::to_string(i));
  }
  if (moved == 0) return;
  rocksdb::ColumnFamilyHandle* leaves = nullptr;
  ASSERT_TRUE(db->CreateColumnFamily(options, "leaves", &leaves).ok());
  for (int i = 0; i < moved; ++i) ASSERT_TRUE(db->Put({}, leaves, "log/e/" + seven_digits(i), "leaf " + std::to_string(i)).ok());
  db->DestroyColumnFamilyHandle(leaves);
}

void expect_brought_over(int moved) {
  constexpr int kEntries = 3000;  // more than are moved at once
  const test::TempFolder folder;
  const auto path = folder.path() / "s";
  write_format_1(path, kEntries, moved);
  const auto too_early = open_rocks_reader(path);
  ASSERT_FALSE(too_early);
  EXPECT_EQ(too_early.error().code, ErrorCode::invalid_state);
  EXPECT_NE(describe(too_early.error()).find("start its node once"), std::string::npos);
  for (int opened = 0; opened < 3; ++opened) {  // the last time as a reader
    std::unique_ptr<Reader> store;
    if (opened < 2) store = *open_rocks_store(path, false);
    else store = *open_rocks_reader(path);
    EXPECT_EQ(*store->get("meta/format"), "3");
    EXPECT_EQ(*store->get("agreement/x"), "y");
    for (const auto& [prefix, word] : {std::pair{"log/e/", "leaf "}, {"log/p/", "payload "}}) {
      int next = 0;
      ASSERT_TRUE(store->scan(prefix, "", [&](std::string_view, std::string_view value) {
        EXPECT_EQ(value, word + std::to_string(next));
        return ++next <= kEntries;
      }));
      EXPECT_EQ(next, kEntries) << prefix;
    }
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* made = nullptr;
  ASSERT_TRUE(rocksdb::DB::OpenForReadOnly({}, path.string(), {{"default", {}}, {"leaves", {}}, {"payloads", {}}}, &handles, &made).ok());
  const std::unique_ptr<rocksdb::DB> db(made);
  std::string value;
  EXPECT_TRUE(db->Get({}, handles[0], "log/e/0000000", &value).IsNotFound());
  EXPECT_TRUE(db->Get({}, handles[1], "log/e/0000000", &value).ok());
  EXPECT_TRUE(db->Get({}, handles[2], "log/p/0002999", &value).ok());
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
}

TEST(RocksStore, AStoreOfFormat1IsBroughtToThisOne) { expect_brought_over(0); }
TEST(RocksStore, WhatWasBrokenOffWhileItWasBroughtOverGoesOn) { expect_brought_over(1500); }

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
