#pragma once

#include "connector/base/log.hpp"
#include "connector/base/time.hpp"
#include "connector/outbox/dead_letter.hpp"
#include "connector/outbox/dispatcher.hpp"
#include "connector/outbox/envelope.hpp"
#include "connector/storage/commit_port.hpp"
#include "connector/storage/kv_store.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace sluis::outbox {

struct DriverOptions {
  Dispatcher::Options dispatcher = {};
  std::size_t threads = 32;
  Duration give_up_after = std::chrono::days(30);  ///< a message that waited longer is a dead letter
  Duration walk_every = std::chrono::hours(24);    ///< through all that waits: for what waited too long, and to count
};

/// What the Driver needs; all of it outlives it.
struct DriverDependencies {
  const storage::Reader& store;
  CommitPort& commits;
  const Clock& clock;
  Random& random;
  /// Who delivers, by the name in the Envelope.
  std::map<std::string, Deliver> services;
  /// Why nothing can be sent to this party any more; none: it can.
  std::function<std::optional<Reason>(const std::string& peer)> unreachable = {};
  /// Nothing is sent, as nothing that comes of it can be recorded.
  std::function<bool()> held = {};
  /// Until when the peer asked that no such message comes; none: it did not, or that is over.
  std::function<std::optional<Timestamp>(const std::string& peer, const Envelope& envelope)> waits_until = {};
  /// Services whose messages nobody has to decide on: what is not delivered is no dead letter, and gone.
  std::set<std::string, std::less<>> fleeting = {};
};

/// The threads that run the Dispatcher: they sleep until the next due time or a notification. Thread-safe.
class Driver {
 public:
  Driver(DriverOptions options, DriverDependencies dependencies);
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  /// Stops.
  ~Driver();

  /// Finds which peers have messages in the store (marked `maybe_sent`) and begins. Errors: those of the store.
  Result<void> start();
  /// Waits for sends that are under way. Nothing is lost: the rest stays in the store.
  void stop();
  /// A commit wrote one message for this process.
  void notify(std::string_view peer, std::string_view process);
  /// Messages of this process that are in the store, and counted, can go on.
  void wake(std::string_view peer, std::string_view process);
  /// A message came from this peer.
  void heard(std::string_view peer);
  /// There may be messages in the store of which nobody told: those of commits whose outcome was unknown. Waits for nothing. A store that
  /// cannot be read now is looked at again, once a second.
  void look_again();
  /// Has a dead letter sent again. Errors: those of CommitPort; conflict: it is one no more.
  Result<void> retry(const DeadLetter& letter);

  Standing standing() const;
  /// How many dead letters there are, up to `kMostDead`. They are counted only where they changed since.
  Result<std::size_t> dead_letters() const;
  static constexpr std::size_t kMostDead = 10'000;
  /// Somebody else changed them.
  void dead_changed() { dead_changed_ = true; }

 private:
  using Lock = std::unique_lock<std::mutex>;

  void run();
  bool look(Lock& lock);
  void walk_page(Lock& lock);
  struct Answered {
    Answered(Delivered d, Timestamp t = {}) : delivered(std::move(d)), not_before(t) {}  // NOLINT(google-explicit-constructor)
    Delivered delivered;
    Timestamp not_before;  ///< of what is tried again
  };
  /// None: it was not in the store.
  std::optional<Answered> deliver(const Dispatcher::Send& send);
  Verdict give_up(const OutboxItem& item, std::string bytes, const Envelope* envelope, std::optional<Timestamp> first_try, Reason reason);
  bool waited_too_long(std::optional<Timestamp> queued) const;
  bool walk_is_due(Timestamp now) const { return !walking_ && now >= next_walk_; }

  const DriverOptions options_;
  const DriverDependencies with_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Dispatcher dispatcher_;
  bool stopping_ = false;
  bool missed_ = false;     ///< the store may hold what the dispatcher does not know
  bool walking_ = false;    ///< one thread reads a page
  bool counted_ = false;
  std::string walked_;      ///< the last key of the walk that is under way; empty: it begins
  std::int64_t count_ = 0;     ///< messages that wait
  std::int64_t recount_ = 0;   ///< of the walk that is under way: up to `walked_`
  Timestamp next_walk_{};      ///< of the next page
  mutable std::atomic<bool> dead_changed_ = true;  ///< since they were counted
  mutable std::atomic<std::size_t> dead_ = 0;
  log::Seldom told_;
  std::vector<std::thread> threads_;
};

}  // namespace sluis::outbox
