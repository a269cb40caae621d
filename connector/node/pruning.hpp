#pragma once

#include "connector/base/random.hpp"
#include "connector/node/runs.hpp"
#include "connector/node/writer.hpp"
#include "connector/provenance/log_store.hpp"
#include "sluis/v1/audit.pb.h"

#include <functional>
#include <mutex>
#include <optional>

/// Pruning: the entries of an older log go when all of them are older than the node keeps them. What proofs need stays.
namespace sluis::node {

/// Asked for by one person, and waiting for another. One a log.
struct Prune {
  std::string id;
  std::string origin;
  std::string basis;     ///< the ground, and nobody's name: it stays
  std::string asked_by;
  Timestamp asked{};
  std::uint32_t log = 0;
  std::uint64_t first = 0;  ///< its entries: [first, end)
  std::uint64_t end = 0;
  std::uint64_t count = 0;  ///< of those that go
  std::set<std::uint64_t> kept = {};  ///< that something rests on
  std::uint64_t sealed = 0; ///< size of its last checkpoint
  Hash root{};              ///< of that
  bool before = false;      ///< it was asked for before, and waits
};

struct PruningDependencies {
  CommitPort& commits;
  const storage::KvStore& store;
  const provenance::LogReader& log;
  provenance::PayloadKeys& keys;
  const Clock& clock;
  Random& random;
  const Writer& writer;
  std::optional<std::chrono::days> keeps;  ///< none: nothing may go
  /// The entry of a commit that is durable. not_found.
  std::function<Result<std::uint64_t>(const std::string& commit_id)> entry_of;
  /// Digests of publications and declarations that are in force.
  std::function<Result<std::set<Hash>>()> in_force;
  /// Whether an erasure is confirmed and not done.
  std::function<Result<bool>()> erasing;
  std::mutex& turn;  ///< of all who take entries away
};

/// Thread-safe; worker threads only. Errors of all: those of CommitPort and of the store.
class Pruning {
 public:
  explicit Pruning(PruningDependencies with) : with_(std::move(with)) {}

  /// What would go. not_found: no such log; invalid_state: it may not go now, with the reason; invalid_argument.
  Result<Prune> find(const std::string& origin, const std::string& basis, const std::string& person) const;
  /// The same, recorded; it waits for a second person for thirty days. What waits already is given as it is.
  Result<Prune> ask(const std::string& origin, const std::string& basis, const std::string& person);
  /// Removes. Gives the entry that records it, which is durable before anything goes. not_found; permission_denied: the same person asked for it.
  Result<std::uint64_t> confirm(const std::string& id, const std::string& person);
  /// What waits. not_found.
  Result<Prune> show(const std::string& id) const;
  /// Goes on with what was confirmed and then broken off.
  Result<void> go_on();
  /// Origins of logs whose entries are being removed.
  Result<std::vector<std::string>> unfinished() const;

 private:
  Result<std::optional<Prune>> waiting(std::uint32_t log) const;
  Result<void> look_through(Prune& prune) const;
  Result<void> drop_receipts(std::uint64_t number, Commit& commit) const;
  Result<void> run(provenance::Pruned pruned);
  EntryDraft entry(const Prune& prune, std::string_view event, const std::string& person) const;

  PruningDependencies with_;
};

void put(v1::AuditPruneResponse& response, const Prune& prune);

}  // namespace sluis::node
