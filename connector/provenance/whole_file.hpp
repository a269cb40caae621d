#pragma once

#include "connector/base/error.hpp"

#include <filesystem>
#include <string_view>

namespace sluis::provenance {

/// Writes a new file, or in place of one: whole and on the disk with its name when this returns, or not there at all. `mode`: who may
/// read it. storage_unavailable. One writer of one path at a time.
Result<void> write_whole_file(const std::filesystem::path& path, std::string_view bytes, unsigned mode);

}  // namespace sluis::provenance
