#pragma once

#include "connector/negotiation/agreement.hpp"
#include "connector/storage/commit_port.hpp"
#include "connector/transfer/model.hpp"
#include "tests/sim/report.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace sluis::sim {

class World;

/// Ends the name of the arrival of a message that comes late.
inline constexpr std::string_view kLate = "-late";

/// A commit as the services asked for it, before anything between them and the store touched it.
struct Asked {
  std::uint64_t number = 0;
  std::string id;  ///< with one it may be answered with the receipt of an earlier one
  std::vector<Precondition> preconditions;
  std::vector<storage::Change> changes;
  std::string message;   ///< that led to it, of a peer; empty: none
  std::string handling;  ///< which arrival of that message
  std::size_t from = SIZE_MAX;
  bool late = false;     ///< it came when its sender did not wait for its delivery any more
};

/// What a node's store holds, decoded once for each change.
struct View {
  std::map<std::string, std::string, std::less<>> store;
  std::map<std::string, negotiation::Negotiation, std::less<>> negotiations;
  std::map<std::string, transfer::TransferProcess, std::less<>> transfers;
  std::map<std::string, negotiation::AgreementRecord, std::less<>> agreements;  ///< by their keys
  std::map<std::string, std::string, std::less<>> last_event;  ///< by process, as the log has it
  std::map<std::string, std::map<std::string, std::string>, std::less<>> outbox;  ///< process -> key -> id of the message
  std::map<std::string, std::size_t, std::less<>> handles;     ///< how many open a process
  std::map<std::string, std::string, std::less<>> acted;       ///< message -> the arrival that took effect
  std::multiset<std::string, std::less<>> sending;             ///< ids of the messages whose delivery is not known yet
  std::set<std::string, std::less<>> approved;  ///< negotiations that a person said yes to
  std::vector<std::uint64_t> acknowledged;
  std::set<std::uint64_t> refused;
  Timestamp recorded;
};

/// The referee: sees every write of every store, and says after every event whether all that must hold does. What did not change
/// since the last event is not looked at again, as each sentence is about one object and its counterpart.
class Invariants {
 public:
  explicit Invariants(World& world) : world_(world) {}
  void add_node() { views_.emplace_back(); }
  const View& view(std::size_t node) const { return views_[node]; }

  /// These changes are in the node's store now; `asked`: the commits among them, in order.
  void on_written(std::size_t node, const std::vector<storage::Change>& changes, const std::vector<const Asked*>& asked);
  /// A commit was answered.
  void on_durable(std::size_t node, const Asked& asked, Timestamp recorded);
  void on_refused(std::size_t node, const Asked& asked);
  /// The store was opened anew, and holds this.
  void on_opened(std::size_t node, const storage::Reader& store);
  /// A handle was shown, and did or did not open data under an agreement that was active.
  void on_pull(std::size_t node, const ProcessId& provider_pid, bool opened);
  /// The negotiations whose deadline has passed.
  std::vector<std::string> due(std::size_t node, Timestamp until) const;
  /// These were due, and were looked at.
  void on_deadlines(std::size_t node, const std::vector<std::string>& due, Timestamp until);

  /// What changed with this event.
  void after_event();
  /// Nothing is under way any more.
  void at_rest();
  /// Whether that message of a process is settled at its sender: whatever of it is still on its way comes late.
  bool settled(std::size_t node, std::string_view message) const {
    return !message.empty() && !message.starts_with("end-of-") && !views_[node].sending.contains(message);
  }

 private:
  struct Dirty {
    std::size_t node;
    char kind;  ///< n, t, a
    std::string id;
    auto operator<=>(const Dirty&) const = default;
  };

  bool hold(Invariant invariant, bool holds, std::size_t node, std::string_view about);
  bool honest(std::size_t node) const;
  std::size_t index_of(const ParticipantId& party) const;
  void apply(std::size_t node, const storage::Change& change);
  void took_event(std::size_t node, std::string_view process, const std::string& event);
  template <class Map, class Decode>
  void decoded(std::size_t node, char kind, Map& map, std::string_view id, const storage::Change& change, const Decode& decode);
  template <class Record>
  void describe(std::size_t node, const Record& record) const;
  void check_preconditions(std::size_t node, const std::vector<const Asked*>& asked);
  void check_actor(std::size_t node, const Asked& asked);
  template <class Process>
  void check_process(std::size_t node, const Process& process);
  void check_negotiation(std::size_t node, const std::string& pid);
  void check_transfer(std::size_t node, const std::string& pid);
  void check_agreement(std::size_t node, const std::string& key);
  void check_terms(std::size_t node, const negotiation::AgreementRecord& record);
  template <class Process, class Map>
  void check_counterpart(std::size_t node, const Process& process, Map View::* processes);
  template <class Process>
  void note_late(std::size_t node, const Process& process);
  bool was_overtaken(const ProcessId& one, const ProcessId& other) const;
  void rest_of_negotiations(std::size_t node);
  void rest_of_transfers(std::size_t node);
  void rest_of_agreements(std::size_t node);

  World& world_;
  std::vector<View> views_;
  std::set<Dirty> dirty_;
  std::set<std::string, std::less<>> sent_again_;  ///< provider's transfers whose start left with more than one handle
  std::set<std::string, std::less<>> overtaken_;  ///< processes that a late message changed
};

}  // namespace sluis::sim
