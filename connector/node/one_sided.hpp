#pragma once

#include "connector/identity/directory.hpp"
#include "connector/storage/commit_port.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Parties that the membership list has with evidence, and whose nodes answer as if they had no route for receipts of data requests: older ones, or
/// another's (decision 34). One such answer is noted; another after an hour or more, with nothing proven between, makes the mark. While it holds
/// evidence of requests with them is one-sided: nothing is awaited of them, nothing of theirs is missing, and terms that require two-sided evidence
/// are not for them. They are asked again after a day, and once the list has other logs of theirs.
namespace sluis::node {

inline constexpr std::string_view kOneSidedPrefix = "one-sided/";  ///< and the participant
inline constexpr std::chrono::hours kOneSidedFor{24};     ///< so long the mark holds, and no other entry says it of the same logs
inline constexpr std::chrono::hours kOneSidedAfter{1};    ///< a first such answer may be for another reason, which passes

struct OneSided {
  ParticipantId peer;
  Timestamp since;        ///< of the first such answer of those that go on
  Timestamp until;        ///< it is marked from `since` to here, and asked again then; `since` itself: it was only noted
  Timestamp told{};       ///< of the newest entry that says so; the beginning of time: none does
  bool settled = false;   ///< it has shown since that it takes receipts
  std::string logs;       ///< digest of the logs that the list had of it

  bool marked() const { return until > since; }
  /// Whether it need not be asked now.
  bool holds(const identity::Directory& directory, Timestamp now) const;
  /// Whether the mark held at some time of these, also where it ended since.
  bool covered(Timestamp from, Timestamp to) const { return marked() && since <= to && from < until; }
};

/// None: nothing is known of it. Errors: the store's, and corruption.
Result<std::optional<OneSided>> read_one_sided(const storage::Reader& store, const ParticipantId& peer);
/// Whether `peer` need not be asked now; false also where that cannot be read.
bool is_one_sided(const storage::Reader& store, const identity::Directory& directory, const ParticipantId& peer, Timestamp now);
/// Adds to the commit that `peer` said so now; nothing where what is known of it is fresh. True: it is news, of which the log is to have an entry.
Result<bool> mark_one_sided(const storage::Reader& store, const identity::Directory& directory, const ParticipantId& peer, Timestamp now, Commit& commit);
/// Adds to the commit that `peer` showed now that it takes receipts, where it was known not to. When that was told last is kept.
Result<void> forget_one_sided(const storage::Reader& store, const ParticipantId& peer, Timestamp now, Commit& commit);
/// Whether evidence of what is exchanged with `peer` now is two-sided: the list has a log of it that does not contradict itself, and it is not
/// marked. False where that cannot be read:
/// terms may rest on it.
bool is_two_sided(const storage::Reader& store, const identity::Directory& directory, const ParticipantId& peer, Timestamp now);
/// A sentence for each that is marked now.
std::vector<std::string> one_sided_findings(const storage::Reader& store, const identity::Directory& directory, Timestamp now);

}  // namespace sluis::node
