#pragma once

#include "connector/storage/kv_store.hpp"

#include <map>
#include <mutex>

namespace sluis::storage {

/// A store in memory, for tests and simulation. Keeps the contract of KvStore; nothing survives it.
class MemoryStore final : public KvStore {
 public:
  Result<std::optional<std::string>> get(std::string_view key) const override;
  Result<void> scan(std::string_view prefix, std::string_view from,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const override;
  Result<void> write(const std::vector<Change>& changes, bool sync) override;
  std::unique_ptr<Reader> snapshot() const override;
  Result<void> purge() const override { return {}; }

 private:
  using Map = std::map<std::string, std::string, std::less<>>;
  class Snapshot;

  std::shared_ptr<const Map> current() const;

  mutable std::mutex mutex_;
  std::shared_ptr<Map> map_ = std::make_shared<Map>();  ///< copied before a write while a reader holds it
};

}  // namespace sluis::storage
