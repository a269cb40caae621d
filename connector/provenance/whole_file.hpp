#pragma once

#include "connector/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sluis::provenance {

/// Writes a new file, or in place of one: whole and on the disk with its name when this returns, or not there at all. `mode`: who may
/// read it. storage_unavailable. One writer of one path at a time.
Result<void> write_whole_file(const std::filesystem::path& path, std::string_view bytes, unsigned mode);

/// What a file of a folder from outside holds. Nothing where it is missing, a link or no regular file, larger than `most` bytes, or unreadable.
std::optional<std::string> read_regular_file(const std::filesystem::path& path, std::uint64_t most);

}  // namespace sluis::provenance
