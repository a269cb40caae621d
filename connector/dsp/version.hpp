#pragma once

#include "connector/json/json.hpp"

#include <optional>
#include <string>

namespace sluis::dsp {

/// The version document of a node that speaks 2025-1 at `path` (DSP 2025-1, section 4.2).
json::Value version_document(std::string_view path, std::string_view service_id);
/// The path of 2025-1 over HTTPS in a peer's document. not_found: it does not speak it.
Result<std::string> version_path(const json::Value& document);

}  // namespace sluis::dsp
