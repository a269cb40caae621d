#pragma once

#include "connector/gate/alarm.hpp"
#include "connector/node/contradiction.hpp"
#include "connector/node/evidence_channel.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <set>

namespace sluis::node {

/// Holds what other parties' logs sign against what they signed before (decision 38). Every note of a log that the membership list has for a party is
/// told here, wherever it came with: a claim, an answer, a receipt. Two of one size with other roots contradict each other, and that is proof for
/// anybody. Others are asked of the party itself, in a thread of its own and many at once: that the log as it is now holds them all. A smaller one that
/// comes late is no fault then: the order in which notes come says nothing. What does not hold is recorded once, and stands until a person settles it.
/// Thread-safe.
class PeerLogs {
 public:
  PeerLogs(ParticipantId self, EvidenceDependencies with);
  ~PeerLogs();
  PeerLogs(const PeerLogs&) = delete;
  PeerLogs& operator=(const PeerLogs&) = delete;

  /// Begins to ask. Before, what is heard waits.
  void start();
  void stop();
  /// What is due now; for the thread, and before it. When there may be more.
  std::optional<Timestamp> round(Timestamp now);

  /// A note that was opened with the key that the list has for its origin, with that signature alone: what it holds is small, as it goes into entries.
  /// Waits for nothing.
  void heard(const ParticipantId& peer, const std::string& note, const provenance::Checkpoint& checkpoint);
  /// Of a note that came with a claim or an answer, whether it is one of the party's log. The same note again costs a comparison. A log that the list
  /// does not have, or not yet, says nothing. permission_denied: it is too large, no note, or not signed with the log's key.
  Result<void> check(const ParticipantId& peer, const std::string& note);

  /// `POST /evidence/v1/consistency`: `{"origin", "sizes"}` gives `{"checkpoint", "proofs"}`: of this node's log, that its newest checkpoint holds those
  /// of these sizes. 409 with the checkpoint: it has fewer entries. 404: this node has no such log.
  std::vector<http::Route> routes(const std::function<std::string()>& newest, const std::function<std::string()>& own_key);

  /// What stands against a party, found otherwise: by comparing both logs. Errors: those of CommitPort.
  Result<void> contradicted(const ParticipantId& peer, const std::string& held, const std::string& shown);
  /// A person takes the party's log as it is now: it is asked for its newest checkpoint, which it is held to from then on; where
  /// it has that log no more, to the one that contradicted. not_found: nothing stands against it. peer_unavailable: it does not show it, and nothing is taken. Errors: those of CommitPort.
  Result<void> accept(const ParticipantId& peer, const std::string& why, const std::string& person);
  /// The newest note that the party's log proved; empty: none yet. Errors: the store's.
  Result<std::string> newest(const ParticipantId& peer) const;
  /// A sentence for each party whose log contradicts itself, shows no proofs for long, or showed notes that are none of its log.
  std::vector<std::string> findings() const;

  static constexpr std::size_t kNoteBytes = EvidenceChannel::kNoteBytes;

 private:
  struct Heard {
    std::string note;
    provenance::Checkpoint checkpoint;
  };
  /// Of one log.
  struct Log {
    std::string last;                       ///< the note that came last
    std::map<std::uint64_t, Heard> seen;    ///< by size: the largest, so many
    std::map<std::uint64_t, Heard> waiting; ///< to be proven
    std::optional<std::pair<Heard, Heard>> conflict;
    Timestamp next{};                       ///< not asked before
    std::optional<Timestamp> unanswered;    ///< since when it gives no answer that says anything
    std::optional<Timestamp> shorter;       ///< since when it shows less than it signed, where the list has a log behind it
  };
  using Name = std::pair<ParticipantId, std::string>;  ///< party and origin

  void judge(const Name& name, Timestamp now);
  void prove(const Name& name, const std::map<std::uint64_t, Heard>& notes, Timestamp now, std::uint64_t accepted);
  void forget(const Name& name);
  bool is_listed(const Name& name, Timestamp now) const;
  enum class Behind : std::uint8_t { none, listed, shown };
  Behind behind(const Name& name) const;
  Result<http::PeerResponse> ask(const Name& name, json::Array sizes, Timestamp now) const;
  /// `accepted`: what it was when that began which led to this. Else it is of before, and nothing is recorded.
  Result<void> record(const ParticipantId& peer, std::string what, const std::string& held, const std::string& shown, std::optional<std::uint64_t> accepted = {});
  std::uint64_t accepted(const ParticipantId& peer) const;
  Result<Heard> open(const ParticipantId& peer, const std::string& note) const;

  ParticipantId self_;
  EvidenceDependencies with_;
  mutable std::mutex mutex_;
  std::map<Name, Log> logs_;
  std::map<ParticipantId, std::string> good_;          ///< the note that `check` took last
  std::map<ParticipantId, std::string> false_;         ///< why one was refused, last; none: a good one came behind it
  std::map<ParticipantId, std::uint64_t> accepted_;    ///< how often a person took the log as it is
  std::mutex settling_;                                ///< what is recorded against a log, and that it is taken as it is: one at a time
  std::atomic<bool> stopping_ = false;
  std::mutex alarm_mutex_;
  std::unique_ptr<gate::Alarm> alarm_;                 ///< null: it is not running
};

}  // namespace sluis::node
