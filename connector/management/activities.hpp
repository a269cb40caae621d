#pragma once

#include "connector/base/time.hpp"
#include "connector/storage/kv_store.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluis::management {

/// A processing activity, in one of its versions. `act/<id>` holds all versions, oldest first, as a JSON list.
struct ActivityVersion {
  std::string id;       ///< URI
  std::string purpose;  ///< full IRI
  std::string title;
  Timestamp from;
  std::optional<Timestamp> until;
  std::uint32_t version = 1;
  Timestamp recorded;

  bool holds(Timestamp now) const { return from <= now && (!until || now < *until); }
};

inline constexpr std::string_view kActivityPrefix = "act/";
std::string activity_key(std::string_view id);
std::string encode(const std::vector<ActivityVersion>& versions);
/// corruption.
Result<std::vector<ActivityVersion>> decode_activity(std::string_view bytes);
/// The newest version. not_found.
Result<ActivityVersion> read_activity(const storage::Reader& store, std::string_view id);

}  // namespace sluis::management
