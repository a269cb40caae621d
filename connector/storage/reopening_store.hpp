#pragma once

#include "connector/storage/kv_store.hpp"

#include <mutex>

namespace sluis::storage {

/// A store that can be closed and opened again beneath its users, as D4 asks after a failed write. A reader that was
/// taken before keeps the old store until it is dropped, so a caller holds none for long. Thread-safe.
class ReopeningStore final : public KvStore {
 public:
  using Open = std::function<Result<std::unique_ptr<KvStore>>()>;

  /// Not open until `reopen` has succeeded once.
  explicit ReopeningStore(Open open) : open_(std::move(open)) {}

  /// Closes the store (unless a reader still holds it: then storage_unavailable) and opens it anew.
  Result<void> reopen();

  Result<std::optional<std::string>> get(std::string_view key) const override;
  Result<void> scan(std::string_view prefix, std::string_view from,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const override;
  Result<void> write(const std::vector<Change>& changes, bool sync) override;
  std::unique_ptr<Reader> snapshot() const override;
  Result<void> purge() const override;
  Result<std::uint32_t> back_up(const std::filesystem::path& folder, const std::string& about) const override;
  void stop_back_up() const override;

 private:
  std::shared_ptr<KvStore> current() const;

  Open open_;
  mutable std::mutex mutex_;
  std::shared_ptr<KvStore> store_;
};

}  // namespace sluis::storage
