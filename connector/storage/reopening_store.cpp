#include "connector/storage/reopening_store.hpp"

namespace sluis::storage {
namespace {

Error closed() { return Error(ErrorCode::storage_unavailable, "the store is closed"); }

/// What a snapshot of a closed store answers.
class ClosedReader final : public Reader {
 public:
  Result<std::optional<std::string>> get(std::string_view) const override { return closed(); }
  Result<void> scan(std::string_view, std::string_view,
                    const std::function<bool(std::string_view, std::string_view)>&) const override {
    return closed();
  }
};

}  // namespace

std::shared_ptr<KvStore> ReopeningStore::current() const {
  const std::lock_guard lock(mutex_);
  return store_;
}

Result<void> ReopeningStore::reopen() {
  const std::lock_guard lock(mutex_);
  if (store_) store_->stop_back_up();  // it would hold the store open
  store_.reset();
  auto opened = open_();
  if (!opened) return std::move(opened).error();
  store_ = std::move(*opened);
  return {};
}

Result<std::optional<std::string>> ReopeningStore::get(std::string_view key) const {
  const auto store = current();
  if (!store) return closed();
  return store->get(key);
}

Result<void> ReopeningStore::scan(std::string_view prefix, std::string_view from,
                                  const std::function<bool(std::string_view, std::string_view)>& visit) const {
  const auto store = current();
  if (!store) return closed();
  return store->scan(prefix, from, visit);
}

Result<void> ReopeningStore::write(const std::vector<Change>& changes, bool sync) {
  const auto store = current();
  if (!store) return closed();
  return store->write(changes, sync);
}

std::unique_ptr<Reader> ReopeningStore::snapshot() const {
  const auto store = current();
  if (!store) return std::make_unique<ClosedReader>();
  return store->snapshot();
}

Result<void> ReopeningStore::purge() const {
  const auto store = current();
  if (!store) return closed();
  return store->purge();
}

Result<std::uint32_t> ReopeningStore::back_up(const std::filesystem::path& folder, const std::string& about) const {
  const auto store = current();
  if (!store) return closed();
  return store->back_up(folder, about);
}

void ReopeningStore::stop_back_up() const {
  if (const auto store = current()) store->stop_back_up();
}

}  // namespace sluis::storage
