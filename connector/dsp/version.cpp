#include "connector/dsp/version.hpp"

#include "connector/dsp/wire.hpp"

namespace sluis::dsp {

json::Value version_document(std::string_view path, std::string_view service_id) {
  json::Value entry = json::object({{"version", kVersion}, {"path", path}, {"binding", "HTTPS"}});
  if (!service_id.empty()) entry.set("serviceId", service_id);
  return json::object({{"protocolVersions", json::array({std::move(entry)})}});
}

Result<std::string> version_path(const json::Value& document) {
  const json::Value* versions = document.find("protocolVersions");
  if (!versions || !versions->if_array()) {
    return Error(ErrorCode::invalid_argument, "`protocolVersions` must be an array").at_pointer("/protocolVersions");
  }
  for (std::size_t i = 0; i < versions->if_array()->size(); ++i) {
    const json::Value& entry = (*versions->if_array())[i];
    const std::string place = json::pointer_to("/protocolVersions", i);
    SLUIS_TRY(const std::string version, json::required_string(entry, "version", place));
    SLUIS_TRY(const std::string binding, json::required_string(entry, "binding", place));
    if (version != kVersion || binding != "HTTPS") continue;
    Result<std::string> path = json::required_string(entry, "path", place);
    // Behind an address that is in the membership list: `.example` or `0` would make another host or port of it.
    if (!path || path->empty() || path->starts_with('/')) return path;
    return Error(ErrorCode::invalid_argument, "`path` must begin with a slash").at_pointer(place + "/path");
  }
  return Error(ErrorCode::not_found, "the other party does not speak version `2025-1` over HTTPS");
}

}  // namespace sluis::dsp
