#pragma once

#include "connector/base/time.hpp"
#include "connector/node/config.hpp"
#include "connector/storage/kv_store.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluis::catalog {
class Catalog;
}

/// Copies of a node (D30): the store with its newest checkpoint in one folder, keys and configuration in another, as what may be kept for
/// how long differs. The data themselves stay where they are, and a witness's key too: one that forgot what it saw must not go on under it.
namespace sluis::node {

struct BackupMade {
  std::uint32_t id = 0;
  std::filesystem::path folder;
  std::filesystem::path keys;
  std::uint64_t entries = 0;          ///< that it certainly holds
  std::vector<std::string> left_out;  ///< of what the configuration and datasets name, outside the node's folder
  std::uint64_t removed = 0;          ///< older ones
};

/// Whether the configuration names a place. invalid_state.
Result<void> may_back_up(const NodeConfig& config);
/// Files below the node's folder without which its datasets' HTTP services are not asked: their credentials and roots.
Result<std::vector<std::filesystem::path>> files_of_services(const NodeConfig& config, const catalog::Catalog& datasets);
/// While the node works. `note`: the newest checkpoint, taken before this call, with the number of entries that it covers over all logs, and
/// the key that signed it. `more`: files to copy besides those that the configuration names.
Result<BackupMade> make_backup(const NodeConfig& config, const storage::KvStore& store, const std::string& note, std::uint64_t entries,
                               const std::string& key, Timestamp now, const std::vector<std::filesystem::path>& more = {});

/// Overwrites and removes these payload keys in all copies of keys: what older copies of the store hold of them is unreadable from then on.
Result<void> drop_copied_keys(const NodeConfig& config, const std::vector<std::string>& key_files);

/// The newest backup, or that `id`: every file, and every entry against its checkpoint. 3: in order, but the key came from the backup itself.
int backup_verify(const std::filesystem::path& folder, std::uint32_t id, const std::string& key);
/// A node from a backup and the newest keys of `keys`. It signs nothing until `log_recover`, as it cannot know what was signed since.
int backup_restore(const std::filesystem::path& folder, std::uint32_t id, const std::filesystem::path& keys,
                   const std::filesystem::path& into, bool dry_run);

}  // namespace sluis::node
