#pragma once

#include "connector/storage/memory_store.hpp"

#include <functional>

namespace sluis::sim {

/// What survives a crash of one node. Opened as a store as often as needed; after an error of `write` that store takes no more.
class Disk {
 public:
  enum class Write : std::uint8_t { done, fails_lost, fails_kept };

  /// Asked before each read; its error is the read's.
  std::function<Result<void>()> on_read;
  /// What becomes of the next write.
  Write next = Write::done;
  storage::MemoryStore inside;

  std::unique_ptr<storage::KvStore> open() { return std::make_unique<Handle>(*this); }

 private:
  class Handle final : public storage::KvStore {
   public:
    explicit Handle(Disk& disk) : disk_(disk) {}
    Result<std::optional<std::string>> get(std::string_view key) const override {
      SLUIS_CHECK(disk_.on_read());
      return disk_.inside.get(key);
    }
    Result<void> scan(std::string_view prefix, std::string_view from,
                      const std::function<bool(std::string_view, std::string_view)>& visit) const override {
      SLUIS_CHECK(disk_.on_read());
      return disk_.inside.scan(prefix, from, visit);
    }
    Result<void> write(const std::vector<storage::Change>& changes, bool sync) override {
      if (failed_) return Error(ErrorCode::storage_unavailable, "the store failed earlier");
      if (disk_.next != Write::fails_lost) SLUIS_CHECK(disk_.inside.write(changes, sync));
      failed_ = disk_.next != Write::done;
      disk_.next = Write::done;
      if (failed_) return Error(ErrorCode::outcome_unknown, "the sync failed");
      return {};
    }
    std::unique_ptr<storage::Reader> snapshot() const override { return disk_.inside.snapshot(); }
    Result<void> purge() const override { return {}; }

   private:
    Disk& disk_;
    bool failed_ = false;
  };
};

}  // namespace sluis::sim
