#include "connector/management/activities.hpp"

#include "connector/json/json.hpp"
#include "connector/outbox/outcome.hpp"

#include <fmt/core.h>

namespace sluis::management {
namespace {

Error corrupt() { return {ErrorCode::corruption, "a stored processing activity is not readable"}; }

Result<ActivityVersion> read_version(const json::Value& value) {
  ActivityVersion version;
  SLUIS_TRY(version.id, json::required_string(value, "id"));
  SLUIS_TRY(version.purpose, json::required_string(value, "purpose"));
  SLUIS_TRY(version.title, json::required_string(value, "title"));
  SLUIS_TRY(version.from, outbox::required_time(value, "from"));
  SLUIS_TRY(version.until, outbox::optional_time(value, "until"));
  SLUIS_TRY(version.recorded, outbox::required_time(value, "recorded"));
  const auto* number = value.find("version");
  if (number == nullptr || number->if_number() == nullptr) return corrupt();
  SLUIS_TRY(const auto count, json::to_integer(*number->if_number()));
  version.version = static_cast<std::uint32_t>(count);
  return version;
}

}  // namespace

std::string activity_key(std::string_view id) { return std::string(kActivityPrefix) + std::string(id); }

std::string encode(const std::vector<ActivityVersion>& versions) {
  json::Array list;
  for (const auto& version : versions) {
    auto value = json::object({{"id", version.id},
                               {"purpose", version.purpose},
                               {"title", version.title},
                               {"from", outbox::time_value(version.from)},
                               {"version", static_cast<std::uint64_t>(version.version)},
                               {"recorded", outbox::time_value(version.recorded)}});
    if (version.until) value.set("until", outbox::time_value(*version.until));
    list.push_back(std::move(value));
  }
  return json::serialise(json::Value(std::move(list)));
}

Result<std::vector<ActivityVersion>> decode_activity(std::string_view bytes) {
  const auto value = json::parse(bytes);
  if (!value || value->if_array() == nullptr) return corrupt();
  std::vector<ActivityVersion> versions;
  for (const auto& item : *value->if_array()) {
    auto version = read_version(item);
    if (!version) return corrupt();
    versions.push_back(std::move(*version));
  }
  if (versions.empty()) return corrupt();
  return versions;
}

Result<ActivityVersion> read_activity(const storage::Reader& store, std::string_view id) {
  SLUIS_TRY(const auto bytes, store.get(activity_key(id)));
  if (!bytes) {
    return Error(ErrorCode::not_found, fmt::format("processing activity `{}` is not registered", id))
        .mended_by("register it: activity publish");
  }
  SLUIS_TRY(auto versions, decode_activity(*bytes));
  return std::move(versions.back());
}

}  // namespace sluis::management
