#pragma once

#include "connector/base/log.hpp"
#include "connector/base/random.hpp"
#include "connector/commit/batch.hpp"
#include "connector/commit/drawn_random.hpp"
#include "connector/commit/pipeline.hpp"
#include "connector/commit/wake_word.hpp"
#include "connector/provenance/slots.hpp"
#include "connector/storage/disk_reserve.hpp"
#include "connector/storage/reopening_store.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace sluis::commit {

/// In the store once a checkpoint was kept beside it: from then on a store without one has lost it.
inline constexpr std::string_view kKeptMark = "meta/checkpoint-kept";
/// In a store that was put back from a backup: when that was made. What was signed since is not in it, so it signs nothing.
inline constexpr std::string_view kRestoredMark = "meta/restored";
/// In a store that others proved not to be what this log was: why.
inline constexpr std::string_view kGivenUpMark = "meta/given-up";

/// Order of an append (D10): batch synced, then its checkpoint signed into a slot, then acknowledged.
/// While one batch's checkpoint is kept, the next is prepared and written; `Pipeline` says which step may be taken.
/// After a failed write or sync everything in that batch and all behind it is *outcome unknown*, and the store is opened
/// anew before the next one; without one it is tried once a second, as nothing can be read meanwhile. On a full disk the reserve is
/// given back, and revocations only are recorded until it can be taken again (D23). A log that is shorter than its newest slot, or has
/// another root there, is quarantined: readable, never signing.
class Sequencer final : public CommitPort {
 public:
  struct Options {
    std::string origin;  ///< of the newest log in the store
    crypto::Key key;     ///< Ed25519, private
    std::filesystem::path checkpoint_folder;  ///< of all logs of this node
    storage::DiskReserve* reserve = nullptr;  ///< of the store's disk; null: none. Outlives this, and is used by it alone
  };

  Sequencer(storage::ReopeningStore& store, provenance::PayloadKeys& keys, Clock& clock, Random& random, Options options);
  ~Sequencer() override;

  /// Opens store and slots and recovers the log. A quarantined log is no error: see `quarantine`.
  Result<void> open();
  /// The same without recording or signing anything: what `quarantine` says then is whether `open` may go on. May be followed by it.
  Result<void> look();
  /// Lets what is queued finish, then refuses.
  void stop();

  void submit(Commit commit, Completion done) override;
  Result<CommitReceipt> commit_and_wait(Commit commit) override;

  /// Called after each durable batch that had messages; from the committing thread, must not block.
  void on_messages(std::function<void()> listener) { on_messages_ = std::move(listener); }
  /// Called after the store was opened anew: what was answered *outcome unknown* may be there, and nobody has acted on it. Before `open`
  /// only; from the committing thread, must not block.
  void on_recovered(std::function<void()> listener) { on_recovered_ = std::move(listener); }

  /// Why nothing is signed any more; empty in health.
  std::string quarantine() const;
  /// Why nothing, or revocations only, can be recorded at present; empty in health.
  std::string trouble() const;
  /// Others hold proof that this store is not what this log was: nothing is signed any more, until it is opened again.
  void give_up(const std::string& why);
  /// The newest signed checkpoint; empty before the first.
  std::string checkpoint() const;
  std::string verifier_key() const;
  /// max(now, last recorded time): the time that decisions use (D14).
  Timestamp decision_time() const;
  /// Whether the clock is so far behind the log that exchanges are refused (D14).
  bool clock_behind() const;

 private:
  /// A thread that waits for its commit, in `commit_and_wait`.
  struct Waiter {
    std::optional<Result<CommitReceipt>> result;
    std::atomic<bool> answered = false;
  };
  struct Ticket {
    Commit commit;
    Completion done;           ///< or
    Waiter* waiter = nullptr;  ///< outlives its answer
    std::uint8_t bell = 0;     ///< which of `bells_` wakes the waiter
    std::vector<provenance::PreparedEntry> prepared = {};  ///< all of the commit's entries, or none
  };
  using Tickets = std::vector<Ticket>;
  using Lock = std::unique_lock<std::mutex>;

  /// What is known of a batch from its preparation to its answers.
  struct Flight {
    Tickets tickets;                      ///< those that are answered are empty
    std::vector<CommitReceipt> receipts;  ///< of each ticket, once it is written
    std::uint64_t size = 0;               ///< the log's, with this batch
    Hash root{};
    bool messages = false;
    std::optional<Error> error;
  };
  enum class Led { nothing, written, failed };

  void run();
  void run_keeper();
  bool full(CommitClass commit_class) const;
  void enqueue(Ticket ticket);
  Tickets take_batch();
  static std::size_t unprepared(const Tickets& tickets);
  std::vector<provenance::PreparedEntry> prepare(const Commit& commit);
  /// `keeps`: the caller keeps the checkpoint itself, with `keep_due`.
  void lead_next(Lock& lock, Tickets tickets, bool keeps);
  Led lead(Flight& flight, bool recover_first);
  Led prepare_and_write(Flight& flight);
  std::optional<Error> why_only_revocations() const;
  void prune(Batch& batch, Timestamp recorded);
  Result<void> make_ready(bool recover_first);
  Result<void> recover();
  void take_reserve();
  bool troubled() const { return pipeline_.must_recover() || !has_reserve_; }
  void set_trouble(const std::string& why);
  Result<void> sign_what_is_there();
  Result<void> check_slot(const std::string& note);
  Result<std::string> why_not_newest() const;
  Result<void> keep(std::uint64_t size, const Hash& root);
  void keep_due(Lock& lock);
  void perform(Lock& lock, const Pipeline::Actions& actions, bool keeps);
  void settle(Flight& flight, bool durable);
  /// Gives the answer; the bells of the waiters are collected, to be rung once.
  void answer(Ticket& ticket, Result<CommitReceipt> result, unsigned& bells) const;
  void ring(unsigned bells);

  storage::ReopeningStore& store_;
  Clock& clock_;
  Random& source_;
  DrawnRandom random_;  ///< for the one batch that is prepared
  Options options_;
  provenance::LogAppender log_;
  provenance::PayloadKeys& keys_;
  std::unique_ptr<provenance::CheckpointSlots> slots_;
  std::uint64_t sequence_ = 0;
  Timestamp prune_next_;         ///< no receipts are pruned before
  std::uint64_t kept_size_ = 0;  ///< of the newest checkpoint that this process kept
  std::atomic<bool> kept_once_ = false;  ///< a checkpoint is beside the store, and
  bool marked_ = false;                  ///< the store knows that there must be one
  std::function<void()> on_messages_;
  std::function<void()> on_recovered_;
  std::atomic<std::int64_t> recorded_us_ = 0;
  std::atomic<bool> has_reserve_ = true;  ///< or wants none
  Timestamp reserve_tried_;
  log::Seldom told_;

  mutable std::mutex state_mutex_;
  std::string quarantine_;
  std::string given_up_;
  std::string trouble_;
  std::string checkpoint_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable keeper_wake_;
  std::array<std::deque<Ticket>, 3> queues_;
  std::size_t queued_ = 0;
  Pipeline pipeline_;
  std::map<std::uint64_t, Flight> flights_;
  std::optional<std::uint64_t> keep_due_;  ///< asked for, and taken by no thread yet
  std::optional<Error> keep_error_;
  bool stopping_ = false;
  std::uint8_t bell_ = 0;
  std::array<WakeWord, 4> bells_;
  std::thread thread_;
  std::thread keeper_;
};

}  // namespace sluis::commit
