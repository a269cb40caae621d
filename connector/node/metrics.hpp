#pragma once

#include "connector/http/tls.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace prometheus {
class Histogram;
}

namespace sluis::node {

/// How far one form is with one collector; counted since the start.
struct MeasuredCollector {
  std::string url;
  std::string form;
  std::uint64_t waiting = 0;         ///< entries whose records it did not acknowledge yet
  std::uint64_t records = 0;         ///< that it acknowledged, with those that it rejected
  std::uint64_t rejected = 0;
  std::uint64_t without_record = 0;  ///< entries that were erased, or say too little for one
  unsigned last_status = 0;          ///< of HTTP, of the last answer; 0: none came, or nothing was sent yet
  bool failing = false;              ///< the last request was not taken
};

/// Who watches this log.
struct MeasuredWitnesses {
  struct One {
    std::string name;       ///< with the key's id
    bool cosigned = false;  ///< the newest public checkpoint
    bool alarming = false;  ///< it says that this log is not what it was
    std::optional<Timestamp> signed_at = {};  ///< when last, by its clock; none: not since the start
    std::string trouble = {};                 ///< why it did not cosign; empty: nothing is known
  };
  std::uint64_t quorum = 0;  ///< so many should have cosigned, at least
  std::string quorum_name;   ///< of the policy
  bool met = false;          ///< enough cosigned the newest public checkpoint
  Timestamp since;           ///< it has been so, met or not, without a break
  bool completed = false;    ///< enough had cosigned once since the start
  Timestamp complete_at;     ///< when they last had; when the node started, where they have not since
  std::vector<One> witnesses;
};

/// A place from which lists are fetched.
struct MeasuredPlace {
  std::string list;   ///< "membership" or "revocations"
  std::string place;
  std::optional<Timestamp> succeeded;
  bool failing = false;
};

/// What a node measures of itself, at one moment.
struct Measured {
  std::uint64_t log_entries = 0;
  std::uint64_t outbox_waiting = 0;   ///< messages that no peer has taken yet
  std::uint64_t outbox_dead = 0;      ///< that wait for a person
  std::uint64_t outbox_away = 0;      ///< peers for whom messages wait and that cannot be reached
  std::uint64_t receipts = 0;          ///< data requests that the other party's log proves; since the start, as the next
  std::uint64_t receipts_missing = 0;  ///< that it did not prove in time, or not as they were here
  std::uint64_t streams = 0;          ///< running releases and receptions
  const prometheus::Histogram* cuts = nullptr;  ///< seconds that each took; null: none are counted
  Duration cut_bound{};               ///< within which each is to be done (D25)
  std::uint64_t findings = 0;
  bool quarantined = false;
  bool refusing = false;  ///< exchanges, as they cannot be recorded
  std::vector<MeasuredCollector> collectors;
  std::vector<http::TlsState> tls;
  std::vector<MeasuredPlace> places;
  std::vector<std::pair<std::string, Duration>> list_bounds;  ///< by list: from a new one at a place until its removals are effective here
  MeasuredWitnesses witnesses;  ///< none: nobody is named
  std::optional<std::uint64_t> conflicts;  ///< pairs of checkpoints that this node holds against logs of others; none: it is no witness
  bool keys_locked = false;     ///< private keys are in memory that is never in swap
  Timestamp started;
  std::string version;
};

/// In the text format of Prometheus, version 0.0.4. Numbers about the node alone: never a party, dataset or purpose. Collectors are
/// named by the address in its configuration, witnesses by their names.
std::string metrics_text(const Measured& measured);

}  // namespace sluis::node
