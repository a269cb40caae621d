#pragma once

#include "connector/base/time.hpp"

#include <array>
#include <cstdint>
#include <filesystem>

namespace sluis {

/// Which state of a file one sees: device, inode, size, and when anything of it was changed last (another owner or mode counts too, and
/// nobody can set that time back). Taken before the file is read: what is written meanwhile gives another one.
using FileVersion = std::array<std::int64_t, 4>;

/// Of what a link leads to. not_found, with the system's reason.
Result<FileVersion> file_version(const std::filesystem::path& file);

/// Whether another version will follow each later change. The system counts such times in ticks: what was changed just now may change
/// again within the same one, so that it is to be read once more. `now`: of the machine.
bool is_settled(const FileVersion& version, Timestamp now);

}  // namespace sluis
