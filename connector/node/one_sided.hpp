#pragma once

#include "connector/identity/directory.hpp"
#include "connector/storage/commit_port.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Parties that the membership list has with evidence, and whose nodes have no route for receipts of data requests: older ones, or another's (decision
/// 35). Evidence of requests with them is one-sided: nothing is awaited of them, and nothing of theirs is missing. They are asked again after a
/// day, and once the list has other logs of theirs.
namespace sluis::node {

inline constexpr std::string_view kOneSidedPrefix = "one-sided/";  ///< and the participant
inline constexpr std::chrono::hours kOneSidedFor{24};

struct OneSided {
  ParticipantId peer;
  Timestamp since;
  Timestamp until;   ///< then it is asked again
  std::string logs;  ///< digest of the logs that the list had of it

  /// Whether it need not be asked now.
  bool holds(const identity::Directory& directory, Timestamp now) const;
};

/// None: nothing is known of it. Errors: the store's, and corruption.
Result<std::optional<OneSided>> read_one_sided(const storage::Reader& store, const ParticipantId& peer);
/// Whether `peer` need not be asked now; false also where that cannot be read.
bool is_one_sided(const storage::Reader& store, const identity::Directory& directory, const ParticipantId& peer, Timestamp now);
/// Adds to the commit that `peer` said so now. True: it is news, of which the log is to have an entry.
Result<bool> mark_one_sided(const storage::Reader& store, const identity::Directory& directory, const ParticipantId& peer, Timestamp now, Commit& commit);
/// Adds to the commit that `peer` took receipts, where it was known not to.
Result<void> forget_one_sided(const storage::Reader& store, const ParticipantId& peer, Commit& commit);
/// A sentence for each of them.
std::vector<std::string> one_sided_findings(const storage::Reader& store, const identity::Directory& directory);

}  // namespace sluis::node
