#pragma once

#include "connector/management/activities.hpp"

#include <functional>

/// The register as a file that other systems read and write: CSV (RFC 4180) or JSON, with the canonical headings.
namespace sluis::management {

enum class ActivityFormat : std::uint8_t { csv, json };
/// By its name, or as the file's name ends. invalid_argument: neither says it.
Result<ActivityFormat> activity_format(std::string_view named, std::string_view file);

/// The heading of what the API names `id`.
inline constexpr std::string_view kActivityId = "dplCoreProcessingActivityId";

/// What to do with one version; its errors name the field with a pointer (`/legalBasis`), and get file, line and column.
using OnActivity = std::function<Result<void>(ActivityVersion version)>;

/// Reads versions in the file's order. One without `from` begins `now`. All errors have file, line and column:
/// invalid_argument for unknown, doubled or missing headings, what is no CSV or JSON, and times that cannot be read;
/// limit_exceeded for a file or a register that is too large. What was handed over before an error is to be dropped.
Result<void> read_activities(std::string_view text, const std::string& file, ActivityFormat format, Timestamp now,
                             const OnActivity& on_version);

/// Number and time of recording are left out: they are of this node's own count. Reading it again yields the same.
std::string write_activities(std::span<const ActivityVersion> versions, ActivityFormat format);

}  // namespace sluis::management
