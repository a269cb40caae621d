#pragma once

#include "connector/base/random.hpp"
#include "connector/base/time.hpp"
#include "connector/storage/kv_store.hpp"

#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <random>

/// Stand-ins for what the machine gives: time, randomness, a disk that fails.
namespace sluis::test {

/// Stands still until it is told otherwise.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start = *parse_time("2026-11-26T09:00:00Z")) : now_(start) {}
  Timestamp now() const override { return now_.load(); }
  void set(Timestamp time) { now_ = time; }
  void advance(Duration by) { now_ = now_.load() + by; }

 private:
  std::atomic<Timestamp> now_;
};

/// The same seed, the same bytes.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed = 1) : engine_(seed) {}
  std::string bytes(std::size_t count) override {
    const std::lock_guard lock(mutex_);
    std::string out(count, '\0');
    for (char& c : out) c = static_cast<char>(engine_() & 0xFFU);
    return out;
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

/// A folder of its own that goes away with the test.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluis-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempFolder() {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A store that fails when told, in one of two ways, and then for ever until it is made anew.
class FailingStore final : public storage::KvStore {
 public:
  /// What the disk does, shared with the test; counted down at each write.
  struct Faults {
    std::atomic<int> writes_before_failure{-1};  ///< -1: never
    std::atomic<bool> lose_it{true};             ///< the failed batch is not there afterwards; else it is
    std::atomic<bool> disk_full{false};          ///< every write fails, nothing is written
  };

  FailingStore(std::shared_ptr<storage::KvStore> inner, Faults& faults) : inner_(std::move(inner)), faults_(faults) {}

  Result<std::optional<std::string>> get(std::string_view key) const override { return inner_->get(key); }
  Result<void> scan(std::string_view prefix, std::string_view from,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return inner_->scan(prefix, from, visit);
  }
  Result<void> write(const std::vector<storage::Change>& changes, bool sync) override {
    if (failed_) return Error(ErrorCode::storage_unavailable, "the store failed earlier");
    if (faults_.disk_full) {
      failed_ = true;
      return Error(ErrorCode::outcome_unknown, "no space left on the device");
    }
    if (faults_.writes_before_failure >= 0 && faults_.writes_before_failure-- == 0) {
      failed_ = true;
      if (!faults_.lose_it) (void)inner_->write(changes, sync);
      return Error(ErrorCode::outcome_unknown, "the sync failed");
    }
    return inner_->write(changes, sync);
  }
  std::unique_ptr<storage::Reader> snapshot() const override { return inner_->snapshot(); }
  Result<void> purge() const override { return inner_->purge(); }

 private:
  std::shared_ptr<storage::KvStore> inner_;
  Faults& faults_;
  bool failed_ = false;
};

}  // namespace sluis::test
