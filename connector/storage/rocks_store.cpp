#include "connector/storage/rocks_store.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/backup_engine.h>

#include <array>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <set>

namespace sluis::storage {
namespace {

constexpr std::string_view kFormatKey = "meta/format";
constexpr int kFamilies = 2;  ///< the first format that has them

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view text(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

Error to_error(const rocksdb::Status& status) {
  if (status.IsCorruption()) return Error(ErrorCode::corruption, "the store is damaged: " + status.ToString());
  return Error(ErrorCode::storage_unavailable, "the store does not answer: " + status.ToString());
}

/// The least key behind all that begin with `prefix`; empty: there is none.
std::string end_of(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

/// Keys that are only ever added, in rising order, lie in a family each: files of one never overlap, so they are moved down as they
/// are and not written again. All others lie in the default family.
struct Rising {
  const char* family;
  std::string_view prefix;
};
constexpr std::array kRising{Rising{"leaves", "log/e/"}, Rising{"payloads", "log/p/"}};
static_assert(kRising[0].prefix < kRising[1].prefix);

/// An open database, and its families: the default one, then those of kRising.
class Families {
 public:
  Families(rocksdb::DB* db, std::vector<rocksdb::ColumnFamilyHandle*> handles) : db_(db), handles_(std::move(handles)) {}
  ~Families() {
    for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  }
  Families(const Families&) = delete;
  Families& operator=(const Families&) = delete;

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* by_default() const { return handles_.front(); }
  rocksdb::ColumnFamilyHandle* of(std::string_view key) const {
    for (std::size_t i = 0; i < kRising.size(); ++i) {
      if (key.starts_with(kRising[i].prefix)) return handles_[i + 1];
    }
    return by_default();
  }

  Result<std::optional<std::string>> get(const rocksdb::ReadOptions& options, std::string_view key) const {
    std::string value;
    const rocksdb::Status status = db_->Get(options, of(key), slice(key), &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    if (!status.ok()) return to_error(status);
    return std::optional<std::string>(std::move(value));
  }

  /// All tables are written anew, without what is behind the newest of each key; the write-ahead log begins anew with them.
  rocksdb::Status purge() const {
    rocksdb::Status status = db_->Flush({}, handles_);
    rocksdb::CompactRangeOptions all;
    all.exclusive_manual_compaction = false;
    all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      if (status.ok()) status = db_->CompactRange(all, handle, nullptr, nullptr);
    }
    return status;
  }

  using Visit = std::function<bool(std::string_view, std::string_view)>;

  /// In key order over all families: each of kRising holds all there is between its prefix and the end of that.
  Result<void> scan(const rocksdb::ReadOptions& options, std::string_view prefix, std::string_view from, const Visit& visit) const {
    const std::string end = end_of(prefix);
    std::string at(std::max(prefix, from));
    for (std::size_t i = 0; i < kRising.size(); ++i) {
      const std::string behind = end_of(kRising[i].prefix);
      if (at < kRising[i].prefix) {
        SLUIS_TRY(const bool more, scan(options, by_default(), at, least(end, std::string(kRising[i].prefix)), visit));
        if (!more) return {};
        at = kRising[i].prefix;
      }
      if (!end.empty() && at >= end) return {};
      if (at >= behind) continue;
      SLUIS_TRY(const bool more, scan(options, handles_[i + 1], at, least(end, behind), visit));
      if (!more) return {};
      at = behind;
    }
    if (end.empty() || at < end) SLUIS_CHECK(scan(options, by_default(), at, end, visit));
    return {};
  }

 private:
  /// The lesser of two ends, of which an empty one is behind everything.
  static std::string least(const std::string& a, const std::string& b) { return a.empty() ? b : b.empty() ? a : std::min(a, b); }

  /// Keys of one family in [from, end). False: `visit` wants no more.
  Result<bool> scan(rocksdb::ReadOptions options, rocksdb::ColumnFamilyHandle* family, std::string_view from, const std::string& end,
                    const Visit& visit) const {
    // Without a bound the search for the next key goes on through all that is deleted behind the end.
    const rocksdb::Slice bound(end);
    if (!end.empty()) options.iterate_upper_bound = &bound;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, family));
    for (it->Seek(slice(from)); it->Valid(); it->Next()) {
      if (!visit(text(it->key()), text(it->value()))) return false;
    }
    if (!it->status().ok()) return to_error(it->status());
    return true;
  }

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

class Snapshot final : public Reader {
 public:
  explicit Snapshot(std::shared_ptr<const Families> families) : families_(std::move(families)), snapshot_(families_->db().GetSnapshot()) {
    options_.snapshot = snapshot_;
  }
  ~Snapshot() override { families_->db().ReleaseSnapshot(snapshot_); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  Result<std::optional<std::string>> get(std::string_view key) const override { return families_->get(options_, key); }
  Result<void> scan(std::string_view prefix, std::string_view from,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return families_->scan(options_, prefix, from, visit);
  }

 private:
  std::shared_ptr<const Families> families_;
  const rocksdb::Snapshot* snapshot_;
  rocksdb::ReadOptions options_;
};

class RocksStore final : public KvStore {
 public:
  explicit RocksStore(std::shared_ptr<const Families> families) : families_(std::move(families)) {}

  Result<std::optional<std::string>> get(std::string_view key) const override { return families_->get({}, key); }
  Result<void> scan(std::string_view prefix, std::string_view from,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return families_->scan({}, prefix, from, visit);
  }
  Result<void> write(const std::vector<Change>& changes, bool sync) override {
    if (failed_) {
      return Error(ErrorCode::storage_unavailable, "the store failed earlier and must be opened again");
    }
    rocksdb::WriteBatch batch;
    for (const Change& change : changes) {
      rocksdb::ColumnFamilyHandle* family = families_->of(change.key);
      if (change.value) {
        batch.Put(family, slice(change.key), slice(*change.value));
      } else {
        batch.Delete(family, slice(change.key));
      }
    }
    rocksdb::WriteOptions options;
    options.sync = sync;
    if (const rocksdb::Status status = families_->db().Write(options, &batch); !status.ok()) {
      // What reached the disk is not known after a failed write or sync (RocksDB PR 15193): never go on, open again.
      failed_ = true;
      return Error(ErrorCode::outcome_unknown, "the store could not write: " + status.ToString());
    }
    return {};
  }
  std::unique_ptr<Reader> snapshot() const override { return std::make_unique<Snapshot>(families_); }
  Result<void> purge() const override {
    if (const rocksdb::Status status = families_->purge(); !status.ok()) return to_error(status);
    return {};
  }
  Result<std::uint32_t> back_up(const std::filesystem::path& folder, const std::string& about) const override {
    rocksdb::BackupEngine* opened = nullptr;
    rocksdb::Status status = rocksdb::BackupEngine::Open(rocksdb::Env::Default(), rocksdb::BackupEngineOptions(folder.string()), &opened);
    const std::unique_ptr<rocksdb::BackupEngine> engine(opened);
    rocksdb::BackupID id = 0;
    if (status.ok()) {
      std::unique_lock lock(backup_mutex_);
      if (backup_ != nullptr || closing_) return Error(ErrorCode::storage_unavailable, "another backup is being made, or the store is being closed");
      backup_ = engine.get();
      lock.unlock();
      status = engine->CreateNewBackupWithMetadata({}, &families_->db(), about, &id);
      lock.lock();
      backup_ = nullptr;
      backup_ended_.notify_all();
    }
    if (!status.ok()) return Error(ErrorCode::storage_unavailable, "no backup was made in `" + folder.string() + "`: " + status.ToString());
    return id;
  }

  void stop_back_up() const override {
    std::unique_lock lock(backup_mutex_);
    closing_ = true;
    if (backup_ != nullptr) backup_->StopBackup();
    backup_ended_.wait(lock, [this] { return backup_ == nullptr; });
  }

 private:
  std::shared_ptr<const Families> families_;
  std::atomic<bool> failed_ = false;
  mutable std::mutex backup_mutex_;
  mutable std::condition_variable backup_ended_;
  mutable rocksdb::BackupEngine* backup_ = nullptr;  ///< that is being made
  mutable bool closing_ = false;
};

/// RocksDB's own diary is not kept: a program whose diary cannot be written, as on a full disk, would end (an assertion of the builds of
/// distributions). What goes wrong comes back as a status.
class NoDiary final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::Options store_options(bool create) {
  rocksdb::Options options;
  options.create_if_missing = create;
  options.info_log = std::make_shared<NoDiary>();
  // The families are flushed together: after damage to the write-ahead log none of them is newer than the others. Of the manifest: see
  // check_manifest.
  options.atomic_flush = true;
  options.paranoid_checks = true;
  // A torn tail is normal after a crash. This mode also drops acknowledged writes after a damaged record in the middle,
  // silently: the checkpoint slot finds that (D10).
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.recycle_log_file_num = 0;
  options.manual_wal_flush = false;
  options.unordered_write = false;
  options.write_buffer_size = 16U << 20U;
  options.db_write_buffer_size = 16U << 20U;  // of all families together
  options.arena_block_size = 256U << 10U;
  options.max_write_buffer_number = 3;
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.max_total_wal_size = 64U << 20U;
  options.compression = rocksdb::kNoCompression;  // payloads are encrypted
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(8U << 20U);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

Error open_error(const std::filesystem::path& folder, const std::string& why) {
  const auto says = [&](std::string_view what) { return why.find(what) != std::string::npos; };
  // Whether it may be written, before who else has it: a lock is also refused where its file, `LOCK`, may not be opened for writing.
  if (says(std::strerror(EACCES)) || says(std::strerror(EPERM)) || says(std::strerror(EROFS))) {
    return Error(ErrorCode::storage_unavailable, "the store `" + folder.string() + "` cannot be written: " + why)
        .mended_by("give the folder and all in it to the user that this node runs as (chown -R, chmod -R u+rwX), on a disk that is not read-only");
  }
  if (says("While lock file") || says("lock hold by current process")) {
    return Error(ErrorCode::storage_unavailable, "the store `" + folder.string() + "` is in use by another process")
        .mended_by("stop that process, or give this node a folder of its own");
  }
  if (why.starts_with("Corruption")) {
    return Error(ErrorCode::corruption, "the store `" + folder.string() + "` is damaged: " + why)
        .mended_by("keep the folder as evidence and restore a backup");
  }
  if (says("olumn famil")) {
    return Error(ErrorCode::invalid_state, "the store `" + folder.string() + "` is of another format: " + why)
        .mended_by("start its node once, with the program that this one is of");
  }
  return Error(ErrorCode::storage_unavailable, "the store `" + folder.string() + "` does not open: " + why);
}

namespace {

Error open_error(const std::filesystem::path& folder, const rocksdb::Status& status) { return storage::open_error(folder, status.ToString()); }

/// The format of a store; none: it is new.
Result<std::optional<int>> format_of(const Reader& store) {
  SLUIS_TRY(const std::optional<std::string> found, store.get(kFormatKey));
  if (!found) return std::optional<int>();
  int format = 0;
  const auto [end, ec] = std::from_chars(found->data(), found->data() + found->size(), format);
  if (ec != std::errc() || end != found->data() + found->size() || format < 1) {
    return Error(ErrorCode::corruption, "`meta/format` holds `" + *found + "`");
  }
  if (format > kStoreFormat) {
    return Error(ErrorCode::invalid_state, "the store has format " + *found + ", this program knows up to " +
                                               std::to_string(kStoreFormat))
        .mended_by("start the newer program that wrote it");
  }
  return std::optional<int>(format);
}

/// Of format 1 everything lay in the default family. May be broken off anywhere, and goes on where it was.
Result<void> move_to_families(const Families& families) {
  constexpr std::size_t kAtOnce = 1024;
  rocksdb::WriteOptions synced;
  synced.sync = true;
  for (const Rising& rising : kRising) {
    const std::string end = end_of(rising.prefix);
    const rocksdb::Slice bound(end);
    rocksdb::ReadOptions options;
    options.iterate_upper_bound = &bound;
    const std::unique_ptr<rocksdb::Iterator> it(families.db().NewIterator(options, families.by_default()));
    it->Seek(slice(rising.prefix));
    while (it->Valid()) {
      rocksdb::WriteBatch batch;
      for (std::size_t i = 0; i < kAtOnce && it->Valid(); ++i, it->Next()) {
        batch.Put(families.of(text(it->key())), it->key(), it->value());
        batch.Delete(families.by_default(), it->key());
      }
      if (const rocksdb::Status status = families.db().Write(synced, &batch); !status.ok()) return to_error(status);
    }
    if (!it->status().ok()) return to_error(it->status());
  }
  return {};
}

std::vector<rocksdb::ColumnFamilyDescriptor> descriptors(const rocksdb::Options& options) {
  std::vector<rocksdb::ColumnFamilyDescriptor> all{{rocksdb::kDefaultColumnFamilyName, options}};
  for (const Rising& rising : kRising) all.emplace_back(rising.family, options);
  return all;
}

/// What lies in a store's folder: the numbers of its tables and of its write-ahead logs.
struct Files {
  bool current = false;
  std::set<std::uint64_t> tables;
  std::set<std::uint64_t> logs;
  bool has_content = false;  ///< a table, or a log that is not empty
};

Files files_in(const std::filesystem::path& folder) {
  Files files;
  std::error_code ec;
  for (auto at = std::filesystem::directory_iterator(folder, ec); !ec && at != std::filesystem::directory_iterator(); at.increment(ec)) {
    const std::string name = at->path().filename().string();
    const std::string kind = at->path().extension().string();
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    files.current = files.current || name == "CURRENT";
    if (error != std::errc() || end != name.data() + name.size() - kind.size()) continue;
    std::error_code unknown;
    if (kind == ".sst") files.tables.insert(number);
    if (kind == ".log") files.logs.insert(number);
    files.has_content = files.has_content || kind == ".sst" || (kind == ".log" && std::filesystem::file_size(at->path(), unknown) != 0);
  }
  return files;
}

/// RocksDB deletes the tables that its manifest does not name; and takes a manifest whose end is damaged for a
/// shorter one. Looked for before anything is written: a store whose CURRENT is gone, and a table that was added last, whose entries
/// are in no write-ahead log any more, and which no manifest names. corruption: it is so, and nothing was touched.
Result<void> check_manifest(const std::filesystem::path& folder) {
  const auto damaged = [&](const std::string& what) {
    return Error(ErrorCode::corruption, "the store `" + folder.string() + "` is damaged: " + what)
        .mended_by("keep the folder as evidence and restore a backup");
  };
  const Files files = files_in(folder);
  if (!files.current) {
    if (files.has_content) return damaged("its file CURRENT is gone");
    return {};
  }
  rocksdb::DB* opened = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const rocksdb::Options options = store_options(false);
  // What does not open so is told by whoever opens it for writing.
  if (!rocksdb::DB::OpenForReadOnly(options, folder.string(), descriptors(options), &handles, &opened).ok()) return {};
  const Families families(opened, std::move(handles));
  std::vector<rocksdb::LiveFileMetaData> live;
  families.db().GetLiveFilesMetaData(&live);
  std::uint64_t newest = 0;
  for (const rocksdb::LiveFileMetaData& table : live) newest = std::max(newest, table.file_number);
  for (auto table = files.tables.upper_bound(newest); table != files.tables.end(); ++table) {
    // One that a crash left behind was made from a write-ahead log that is older than it, and still there.
    if (files.logs.empty() || *files.logs.begin() > *table) return damaged("its manifest does not name the table " + std::to_string(*table));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<KvStore>> open_rocks_store(const std::filesystem::path& folder, bool create) {
  SLUIS_CHECK(check_manifest(folder));
  rocksdb::Options options = store_options(create);
  options.create_missing_column_families = true;  // of a store of format 1, too
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  if (const rocksdb::Status status = rocksdb::DB::Open(options, folder.string(), descriptors(options), &handles, &db); !status.ok()) {
    return open_error(folder, status);
  }
  const auto families = std::make_shared<const Families>(db, std::move(handles));
  std::unique_ptr<KvStore> store = std::make_unique<RocksStore>(families);
  SLUIS_TRY(const std::optional<int> format, format_of(*store));
  if (format && *format < kFamilies) SLUIS_CHECK(move_to_families(*families));
  if (format != kStoreFormat) SLUIS_CHECK(store->write({{std::string(kFormatKey), std::to_string(kStoreFormat)}}, true));
  return store;
}

Result<std::unique_ptr<Reader>> open_rocks_reader(const std::filesystem::path& folder) {
  const rocksdb::Options options = store_options(false);
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  if (const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, folder.string(), descriptors(options), &handles, &db);
      !status.ok()) {
    return open_error(folder, status);
  }
  std::unique_ptr<Reader> store = std::make_unique<RocksStore>(std::make_shared<const Families>(db, std::move(handles)));
  SLUIS_TRY(const std::optional<int> format, format_of(*store));
  if (format && *format < kFamilies) {
    return Error(ErrorCode::invalid_state, "the store has format " + std::to_string(*format) + ", and is being brought to " +
                                               std::to_string(kStoreFormat))
        .mended_by("start its node once");
  }
  return store;
}

}  // namespace sluis::storage
