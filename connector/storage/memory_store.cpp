#include "connector/storage/memory_store.hpp"

#include <algorithm>

namespace sluis::storage {
namespace {

template <class Map>
void scan_map(const Map& map, std::string_view prefix, std::string_view from,
              const std::function<bool(std::string_view, std::string_view)>& visit) {
  for (auto it = map.lower_bound(std::max(prefix, from)); it != map.end() && it->first.starts_with(prefix); ++it) {
    if (!visit(it->first, it->second)) return;
  }
}

}  // namespace

class MemoryStore::Snapshot final : public Reader {
 public:
  explicit Snapshot(std::shared_ptr<const Map> map) : map_(std::move(map)) {}
  Result<std::optional<std::string>> get(std::string_view key) const override {
    const auto found = map_->find(key);
    return found == map_->end() ? std::optional<std::string>() : std::optional<std::string>(found->second);
  }
  Result<void> scan(std::string_view prefix, std::string_view from,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    scan_map(*map_, prefix, from, visit);
    return {};
  }

 private:
  std::shared_ptr<const Map> map_;
};

std::shared_ptr<const MemoryStore::Map> MemoryStore::current() const {
  const std::lock_guard lock(mutex_);
  return map_;
}

Result<std::optional<std::string>> MemoryStore::get(std::string_view key) const { return Snapshot(current()).get(key); }

Result<void> MemoryStore::scan(std::string_view prefix, std::string_view from,
                               const std::function<bool(std::string_view, std::string_view)>& visit) const {
  return Snapshot(current()).scan(prefix, from, visit);
}

Result<void> MemoryStore::write(const std::vector<Change>& changes, bool) {
  const std::lock_guard lock(mutex_);
  if (map_.use_count() > 1) map_ = std::make_shared<Map>(*map_);
  for (const Change& change : changes) {
    if (change.value) {
      (*map_)[change.key] = *change.value;
    } else {
      map_->erase(change.key);
    }
  }
  return {};
}

std::unique_ptr<Reader> MemoryStore::snapshot() const { return std::make_unique<Snapshot>(current()); }

}  // namespace sluis::storage
