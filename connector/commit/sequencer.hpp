#pragma once

#include "connector/base/random.hpp"
#include "connector/commit/batch.hpp"
#include "connector/provenance/slots.hpp"
#include "connector/storage/reopening_store.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace sluis::commit {

/// Order of an append (D10): batch synced, then its checkpoint signed into a slot, then acknowledged.
/// After a failed write or sync everything in that batch is *outcome unknown*, and the store is opened anew before the
/// next one. A log that is shorter than its newest slot, or has another root there, is quarantined: readable, never
/// signing.
class Sequencer final : public CommitPort {
 public:
  struct Options {
    std::string origin;
    crypto::Key key;  ///< Ed25519, private
    std::filesystem::path checkpoint_folder;
  };

  Sequencer(storage::ReopeningStore& store, provenance::PayloadKeys& keys, Clock& clock, Random& random, Options options);
  ~Sequencer() override;

  /// Opens store and slots and recovers the log. A quarantined log is no error: see `quarantine`.
  Result<void> open();
  /// Lets what is queued finish, then refuses.
  void stop();

  void submit(Commit commit, Completion done) override;
  Result<CommitReceipt> commit_and_wait(Commit commit) override;

  /// Called after each durable batch that had messages; from the committing thread, must not block.
  void on_messages(std::function<void()> listener) { on_messages_ = std::move(listener); }

  /// Why nothing is signed any more; empty in health.
  std::string quarantine() const;
  /// The newest signed checkpoint; empty before the first.
  std::string checkpoint() const;
  std::string verifier_key() const;
  /// max(now, last recorded time): the time that decisions use (D14).
  Timestamp decision_time() const;
  /// Whether the clock is so far behind the log that exchanges are refused (D14).
  bool clock_behind() const;

 private:
  struct Ticket {
    Commit commit;
    Completion done;
  };
  using Tickets = std::vector<Ticket>;

  void run();
  bool queue_empty() const;
  void enqueue(Ticket ticket);
  Tickets take_batch();
  void lead(Tickets tickets);
  Result<void> make_ready();
  Result<void> recover();
  Result<void> check_slot(const std::string& note);
  void fail(Tickets& tickets, const Error& error);
  Result<void> sign_and_keep();

  storage::ReopeningStore& store_;
  Clock& clock_;
  Random& random_;
  Options options_;
  provenance::LogAppender log_;
  provenance::PayloadKeys& keys_;
  std::unique_ptr<provenance::CheckpointSlots> slots_;
  std::uint64_t sequence_ = 0;
  bool ready_ = false;
  std::function<void()> on_messages_;
  std::atomic<std::int64_t> recorded_us_ = 0;

  mutable std::mutex state_mutex_;
  std::string quarantine_;
  std::string checkpoint_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::array<std::deque<Ticket>, 3> queues_;
  std::size_t queued_ = 0;
  bool leading_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluis::commit
