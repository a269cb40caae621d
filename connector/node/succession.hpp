#pragma once

#include "connector/node/config.hpp"
#include "connector/provenance/shard.hpp"
#include "connector/storage/commit_port.hpp"

#include <string>
#include <vector>

/// How one log of a node follows another (D31): an own origin and an own key, and a first entry that says which log went before, how far
/// that is proven, and why it ended. Commands of a node that does not run.
namespace sluis::node {

class Writer;

/// Where the private key of that log is; of the node's first: as the configuration says.
std::filesystem::path log_key_file(const NodeConfig& config, const provenance::Shard& log);
/// The logs of a store that is open, oldest first; what the configuration says where there never was another.
Result<std::vector<provenance::Shard>> logs_of(const NodeConfig& config, const storage::Reader& store);

/// The log that is to follow the newest of these: its origin and key, which lie beside the keys of the others. None: none was prepared.
Result<std::optional<provenance::Shard>> prepared_log(const NodeConfig& config, const std::vector<provenance::Shard>& logs);
/// In the store once a person asked the running node to go over to the log that is prepared: `{"origin", "person"}`. Gone with that step.
inline constexpr std::string_view kRotationAsked = "meta/log-rotation-asked";
struct RotationOrder {
  std::string origin;  ///< of the log that was prepared then: an order holds for no other
  std::string person;

  std::string encode() const;  ///< as `kRotationAsked` has it
};
/// None: nothing was asked for. corruption.
Result<std::optional<RotationOrder>> rotation_asked(const storage::Reader& store);
/// Whether a running node was on its way to the next log as it fell: the old one has ended, and the next was not made yet. Reads the store by
/// itself; false where it cannot be opened for reading.
Result<bool> is_half_way(const NodeConfig& config);
/// What `log rotate-key` does, on a node that stands still, to the log that was prepared.
Result<void> follow_prepared(const NodeConfig& config);

/// Whether no log is half way between its end and the next. invalid_state.
Result<void> check_finished(const storage::Reader& store);
/// The first entry of a new log, if it has not got it yet.
Result<void> record_beginning(const storage::Reader& store, CommitPort& commits, const Writer& writer);

/// After a backup was restored, or a log is quarantined: seals what is proven of it, and lets another follow. Two persons with a role,
/// by their tokens. `last_known`: a checkpoint that others still have of the old log, if any. Agreements are held until the logs of both
/// parties were compared.
struct RecoverOrder {
  std::vector<std::filesystem::path> tokens;
  std::string reason;
  std::filesystem::path last_known;
};
int log_recover(const std::filesystem::path& config, const RecoverOrder& order, bool dry_run);
/// Ends a log that is in order, with a last entry, and lets another follow under a new key.
int log_rotate_key(const std::filesystem::path& config, bool dry_run);
/// Prepares the log that follows when the period is over; again: the same. The node may run.
int log_next(const std::filesystem::path& config, bool dry_run);

}  // namespace sluis::node
