#include "connector/provenance/shard.hpp"

#include "connector/json/json.hpp"
#include "connector/provenance/log_store.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluis::provenance {
namespace {

constexpr std::string_view kShards = "log/shard/";
constexpr std::string_view kSlots = "log-";

std::string shard_key(std::uint32_t number) {
  std::string key(kShards);
  put_u32(key, number);
  return key;
}

std::string encode(const Shard& shard) {
  return json::serialise(
      json::object({{"origin", shard.origin}, {"first", shard.first}, {"key", shard.key}, {"seal", shard.seal}}));
}

Result<Shard> decode(std::uint32_t number, std::string_view bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  Shard shard;
  shard.number = number;
  SLUIS_TRY(shard.origin, json::required_string(value, "origin"));
  SLUIS_TRY(shard.key, json::required_string(value, "key"));
  SLUIS_TRY(shard.seal, json::required_string(value, "seal"));
  SLUIS_TRY(shard.first, json::required_count(value, "first"));
  return shard;
}

}  // namespace

Result<std::vector<Shard>> read_shards(const storage::Reader& store) {
  std::vector<Shard> shards;
  Result<void> read = {};
  SLUIS_CHECK(store.scan(kShards, kShards, [&](std::string_view key, std::string_view value) {
    auto shard = decode(static_cast<std::uint32_t>(shards.size()), value);
    if (key != shard_key(static_cast<std::uint32_t>(shards.size()))) {
      read = Error(ErrorCode::corruption, "a log of this node is missing in the store");
    } else if (!shard) {
      read = Error(ErrorCode::corruption, "what the store says of a log cannot be read: " + shard.error().message);
    } else {
      shards.push_back(std::move(*shard));
    }
    return read.has_value();
  }));
  SLUIS_CHECK(std::move(read));
  return shards;
}

std::vector<storage::Change> follow(const Shard& old, const Shard& next, Timestamp recorded) {
  LogHead empty;
  empty.recorded = recorded;
  return {{shard_key(old.number), encode(old)},
          {shard_key(next.number), encode(next)},
          {std::string(kLogHead), empty.bytes()}};
}

std::string last_word(const Shard& shard) {
  return shard.number == 0 ? std::string() : shard.origin.substr(shard.origin.rfind('/') + 1);
}

std::string public_name(const Shard& shard) { return shard.number == 0 ? "first" : last_word(shard); }

std::filesystem::path slots_folder(const std::filesystem::path& checkpoints, const Shard& shard) {
  return shard.number == 0 ? checkpoints : checkpoints / (std::string(kSlots) + last_word(shard));
}

std::optional<std::filesystem::path> unknown_slots(const std::filesystem::path& checkpoints, const std::vector<Shard>& shards) {
  std::error_code ec;
  for (auto at = std::filesystem::directory_iterator(checkpoints, ec); !ec && at != std::filesystem::directory_iterator(); at.increment(ec)) {
    if (!at->path().filename().string().starts_with(kSlots)) continue;
    const auto is_its = [&](const Shard& shard) { return slots_folder(checkpoints, shard) == at->path(); };
    if (std::none_of(shards.begin(), shards.end(), is_its)) return at->path();
  }
  return std::nullopt;
}

std::string shard_prefix(std::uint32_t number) { return number == 0 ? "log/" : fmt::format("log/{:08x}/", number); }

}  // namespace sluis::provenance
