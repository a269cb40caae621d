#include "connector/storage/rocks_store.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <atomic>
#include <charconv>

namespace sluis::storage {
namespace {

constexpr std::string_view kFormatKey = "meta/format";

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view text(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

Error to_error(const rocksdb::Status& status) {
  if (status.IsCorruption()) return Error(ErrorCode::corruption, "the store is damaged: " + status.ToString());
  return Error(ErrorCode::storage_unavailable, "the store does not answer: " + status.ToString());
}

Result<std::optional<std::string>> get_from(rocksdb::DB& db, const rocksdb::ReadOptions& options, std::string_view key) {
  std::string value;
  const rocksdb::Status status = db.Get(options, slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return to_error(status);
  return std::optional<std::string>(std::move(value));
}

/// The least key behind all that begin with `prefix`; empty: there is none.
std::string end_of(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

Result<void> scan_from(rocksdb::DB& db, rocksdb::ReadOptions options, std::string_view prefix,
                       std::string_view from, const std::function<bool(std::string_view, std::string_view)>& visit) {
  // Without a bound the search for the next key goes on through all that is deleted behind the prefix.
  const std::string end = end_of(prefix);
  const rocksdb::Slice bound(end);
  if (!end.empty()) options.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(options));
  for (it->Seek(slice(std::max(prefix, from))); it->Valid() && text(it->key()).starts_with(prefix); it->Next()) {
    if (!visit(text(it->key()), text(it->value()))) return {};
  }
  if (!it->status().ok()) return to_error(it->status());
  return {};
}

class Snapshot final : public Reader {
 public:
  explicit Snapshot(std::shared_ptr<rocksdb::DB> db) : db_(std::move(db)), snapshot_(db_->GetSnapshot()) {
    options_.snapshot = snapshot_;
  }
  ~Snapshot() override { db_->ReleaseSnapshot(snapshot_); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  Result<std::optional<std::string>> get(std::string_view key) const override { return get_from(*db_, options_, key); }
  Result<void> scan(std::string_view prefix, std::string_view from,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return scan_from(*db_, options_, prefix, from, visit);
  }

 private:
  std::shared_ptr<rocksdb::DB> db_;
  const rocksdb::Snapshot* snapshot_;
  rocksdb::ReadOptions options_;
};

class RocksStore final : public KvStore {
 public:
  explicit RocksStore(std::shared_ptr<rocksdb::DB> db) : db_(std::move(db)) {}

  Result<std::optional<std::string>> get(std::string_view key) const override { return get_from(*db_, {}, key); }
  Result<void> scan(std::string_view prefix, std::string_view from,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return scan_from(*db_, {}, prefix, from, visit);
  }
  Result<void> write(const std::vector<Change>& changes, bool sync) override {
    if (failed_) {
      return Error(ErrorCode::storage_unavailable, "the store failed earlier and must be opened again");
    }
    rocksdb::WriteBatch batch;
    for (const Change& change : changes) {
      if (change.value) {
        batch.Put(slice(change.key), slice(*change.value));
      } else {
        batch.Delete(slice(change.key));
      }
    }
    rocksdb::WriteOptions options;
    options.sync = sync;
    if (const rocksdb::Status status = db_->Write(options, &batch); !status.ok()) {
      // What reached the disk is not known after a failed write or sync (RocksDB PR 15193): never go on, open again.
      failed_ = true;
      return Error(ErrorCode::outcome_unknown, "the store could not write: " + status.ToString());
    }
    return {};
  }
  std::unique_ptr<Reader> snapshot() const override { return std::make_unique<Snapshot>(db_); }

 private:
  std::shared_ptr<rocksdb::DB> db_;
  std::atomic<bool> failed_ = false;
};

rocksdb::Options store_options(bool create) {
  rocksdb::Options options;
  options.create_if_missing = create;
  options.paranoid_checks = true;
  // A torn tail is normal after a crash. This mode also drops acknowledged writes after a damaged record in the middle,
  // silently: the checkpoint slot finds that (D10).
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.recycle_log_file_num = 0;
  options.manual_wal_flush = false;
  options.unordered_write = false;
  options.write_buffer_size = 16U << 20U;
  options.max_write_buffer_number = 3;
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 1U << 20U;
  options.max_total_wal_size = 64U << 20U;
  options.compression = rocksdb::kNoCompression;  // payloads are encrypted
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(8U << 20U);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

Error open_error(const std::filesystem::path& folder, const rocksdb::Status& status) {
  const std::string why = status.ToString();
  if (why.find("lock") != std::string::npos) {
    return Error(ErrorCode::storage_unavailable, "the store `" + folder.string() + "` is in use by another process")
        .mended_by("stop that process, or give this node a folder of its own");
  }
  if (status.IsCorruption()) {
    return Error(ErrorCode::corruption, "the store `" + folder.string() + "` is damaged: " + why)
        .mended_by("keep the folder as evidence and restore a backup");
  }
  return Error(ErrorCode::storage_unavailable, "the store `" + folder.string() + "` does not open: " + why);
}

/// Only this program's format is read: format 1 is the first, and a later one brings the migration of each before it.
Result<void> check_format(const Reader& store) {
  SLUIS_TRY(const std::optional<std::string> found, store.get(kFormatKey));
  if (!found) return {};
  int format = 0;
  const auto [end, ec] = std::from_chars(found->data(), found->data() + found->size(), format);
  if (ec != std::errc() || end != found->data() + found->size() || format < kStoreFormat) {
    return Error(ErrorCode::corruption, "`meta/format` holds `" + *found + "`");
  }
  if (format > kStoreFormat) {
    return Error(ErrorCode::invalid_state, "the store has format " + *found + ", this program knows up to " +
                                               std::to_string(kStoreFormat))
        .mended_by("start the newer program that wrote it");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<KvStore>> open_rocks_store(const std::filesystem::path& folder, bool create) {
  rocksdb::DB* db = nullptr;
  if (const rocksdb::Status status = rocksdb::DB::Open(store_options(create), folder.string(), &db); !status.ok()) {
    return open_error(folder, status);
  }
  std::unique_ptr<KvStore> store = std::make_unique<RocksStore>(std::shared_ptr<rocksdb::DB>(db));
  SLUIS_CHECK(check_format(*store));
  SLUIS_TRY(const std::optional<std::string> found, store->get(kFormatKey));
  if (!found) SLUIS_CHECK(store->write({{std::string(kFormatKey), std::to_string(kStoreFormat)}}, true));
  return store;
}

Result<std::unique_ptr<Reader>> open_rocks_reader(const std::filesystem::path& folder) {
  rocksdb::DB* db = nullptr;
  if (const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(store_options(false), folder.string(), &db);
      !status.ok()) {
    return open_error(folder, status);
  }
  std::unique_ptr<Reader> store = std::make_unique<RocksStore>(std::shared_ptr<rocksdb::DB>(db));
  SLUIS_CHECK(check_format(*store));
  return store;
}

}  // namespace sluis::storage
