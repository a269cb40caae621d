#include "connector/storage/hold.hpp"

namespace sluis::storage {
namespace {

/// One whose time cannot be read is held since ever.
Timestamp read_since(std::string_view value) {
  const auto time = parse_time(value);
  return time ? *time : Timestamp{};
}

}  // namespace

std::string hold_key(std::string_view record) { return std::string(kHoldPrefix) + std::string(record); }

Change hold(std::string_view record, Timestamp since) { return {hold_key(record), format_time(since)}; }

Result<std::optional<Timestamp>> held_since(const Reader& store, std::string_view record) {
  SLUIS_TRY(const std::optional<std::string> value, store.get(hold_key(record)));
  return value ? std::optional(read_since(*value)) : std::nullopt;
}

Result<void> settle(const Reader& store, std::string_view record, Commit& commit) {
  std::string key = hold_key(record);
  SLUIS_TRY(const std::optional<std::string> value, store.get(key));
  if (value) commit.changes.push_back({std::move(key), std::nullopt});
  return {};
}

Result<std::vector<Held>> all_held(const Reader& store, std::string_view prefix) {
  std::vector<Held> out;
  const std::string from = hold_key(prefix);
  SLUIS_CHECK(store.scan(from, from, [&](std::string_view key, std::string_view value) {
    out.push_back({std::string(key.substr(kHoldPrefix.size())), read_since(value)});
    return true;
  }));
  return out;
}

std::string told(Timestamp since) { return "since the recovery of " + format_time(since); }

}  // namespace sluis::storage
