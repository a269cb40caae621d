#pragma once

#include "connector/negotiation/model.hpp"
#include "connector/outbox/outcome.hpp"
#include "connector/storage/commit_port.hpp"
#include "connector/storage/hold.hpp"
#include "connector/transfer/model.hpp"
#include "sluis/v1/evidence.pb.h"

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace sluis::node {

/// What settling needs; all of it outlives it.
struct SettlingDependencies {
  CommitPort& commits;
  const storage::Reader& store;
  const Clock& clock;
  std::function<outbox::PeerView(const transfer::TransferProcess&)> read_transfer;
  std::function<outbox::PeerView(const negotiation::Negotiation&)> read_negotiation;
  /// By a person: of transfer::Service and negotiation::Service.
  std::function<Result<void>(const ProcessId&, const outbox::Reason&, const std::string& person)> suspend_transfer, end_transfer, end_negotiation;
  /// Nothing holds this process any more: what waits of it can go on.
  std::function<void(const std::string& peer, const std::string& process)> settled;
};

struct SettleOrder {
  ParticipantId peer;
  const std::set<std::string>& apply;  ///< ids that a person says go on as they stand here
  bool settle = false;                 ///< else they are looked at only
  bool dry_run = false;
  std::string person;
};
struct Settled {
  std::vector<std::string> settled;  ///< `transfer <id>`, `negotiation <id>`
  std::vector<std::string> held;     ///< likewise
  std::vector<std::string> notes;    ///< of each: what the other party says of it
};

/// Negotiations and transfers that are held since a recovery (decision 37), compared with the other party's, which is asked for each. Its word
/// makes things narrower at once: what it ended ends, what it suspended is suspended. It frees a process only where this node is the consumer and
/// both are in the same state; else, and always where this node is the provider, a person has to say so. Thread-safe; worker threads only.
class Settling {
 public:
  Settling(ParticipantId self, SettlingDependencies with) : self_(std::move(self)), with_(std::move(with)) {}

  /// Errors: those of the store and of CommitPort. A party that does not answer is a note.
  Result<Settled> settle(const SettleOrder& order) const;

 private:
  Result<void> transfer(const storage::Held& held, const SettleOrder& order, Settled& out) const;
  Result<void> negotiation(const storage::Held& held, const SettleOrder& order, Settled& out) const;
  Result<void> free(const storage::Held& held, std::string bytes, v1::Shared shared, const SettleOrder& order) const;

  ParticipantId self_;
  SettlingDependencies with_;
};

}  // namespace sluis::node
