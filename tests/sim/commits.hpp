#pragma once

#include "connector/commit/batch.hpp"
#include "connector/commit/pipeline.hpp"
#include "connector/provenance/payload_keys.hpp"
#include "connector/storage/reopening_store.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/fibers.hpp"
#include "tests/sim/invariants.hpp"

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>

namespace sluis::sim {

class World;
class Node;

/// What Sequencer does with its threads, done by events: the same Batch, the same Pipeline, the same order of steps and answers.
/// An entry of the log is kept as a change `sim-log/<process>`: its cryptography is tested elsewhere.
class Commits final : public CommitPort {
 public:
  /// Lives as long as one run of the node; the disk outlives it.
  Commits(World& world, Node& node, Disk& disk);

  /// Opens the store and finds out what was recorded last.
  Result<void> open();
  void submit(Commit commit, Completion done) override { done(commit_and_wait(std::move(commit))); }
  Result<CommitReceipt> commit_and_wait(Commit commit) override;
  /// max(now, last recorded time): the time that decisions use (D14).
  Timestamp decision_time() const;
  bool idle() const { return queued_ == 0 && pipeline_.idle() && !pipeline_.must_recover(); }
  storage::ReopeningStore& store() { return store_; }

 private:
  struct Ticket {
    Asked asked;
    Commit commit;
    Fibers::Token waiter;
    std::optional<Result<CommitReceipt>>* answer = nullptr;  ///< in the waiter's frame
  };
  struct Flight {
    std::vector<Ticket> tickets;
    std::vector<std::optional<std::size_t>> indexes;
    std::vector<CommitReceipt> receipts;
    std::optional<Error> error;
  };

  Ticket ticket_of(Commit commit);
  void plan_lead(Duration delay);
  bool lead();
  /// Whether the batch was written; else its flight has the error.
  bool write(Flight& flight);
  bool keep();
  void perform(const commit::Pipeline::Actions& actions);
  void answer(Ticket& ticket, Result<CommitReceipt> result);
  std::vector<Ticket> take();

  World& world_;
  Node& node_;
  Disk& disk_;
  storage::ReopeningStore store_;
  provenance::PayloadKeys no_keys_;
  provenance::LogAppender log_;
  commit::Pipeline pipeline_;
  std::array<std::deque<Ticket>, 3> queues_;
  std::size_t queued_ = 0;
  std::map<std::uint64_t, Flight> flights_;
  std::uint64_t sequence_ = 0;
  bool lead_planned_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< events outlive a crash

 public:
  ~Commits() override { *alive_ = false; }
};

}  // namespace sluis::sim
