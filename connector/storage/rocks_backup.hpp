#pragma once

#include "connector/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

/// Copies of a store in a folder of their own: what two copies have in common lies there once, each file with its checksum. They are made
/// by `KvStore::back_up`; the folder is read and written by one process at a time.
namespace sluis::storage {

struct Backup {
  std::uint32_t id = 0;
  std::string about;  ///< what its maker said of it
};

/// Oldest first. not_found: no folder of backups; storage_unavailable.
Result<std::vector<Backup>> list_backups(const std::filesystem::path& folder);
/// Reads every file of it. corruption: one is damaged, missing or too much.
Result<void> verify_backup(const std::filesystem::path& folder, std::uint32_t id);
/// Puts it where no store is yet.
Result<void> restore_backup(const std::filesystem::path& folder, std::uint32_t id, const std::filesystem::path& into);
/// Removes all but the newest `keep`; how many went.
Result<std::uint64_t> purge_backups(const std::filesystem::path& folder, std::uint32_t keep);

}  // namespace sluis::storage
