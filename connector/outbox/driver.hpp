#pragma once

#include "connector/base/time.hpp"
#include "connector/outbox/dispatcher.hpp"
#include "connector/outbox/envelope.hpp"
#include "connector/storage/kv_store.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace sluis::outbox {

/// Sends one message and commits what came of it, with the removal of the item, in one commit. May block. `retry_at` is
/// when it will be asked again. Called for one item of a process at a time.
using Deliver = std::function<Verdict(const OutboxItem& item, const Envelope& envelope, Timestamp retry_at)>;

/// The threads that run the Dispatcher: they sleep until the next due time or a notification. Thread-safe.
class Driver {
 public:
  /// `services`: who delivers, by the name in the Envelope. An item of an unknown service, or one that cannot be read,
  /// stays in the store and is tried again, ever more rarely.
  Driver(const storage::Reader& store, const Clock& clock, Random& random, std::map<std::string, Deliver> services,
         Dispatcher::Options options, std::size_t threads);
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  /// Stops.
  ~Driver();

  /// Finds what is in the store (marked `maybe_sent`) and begins. Errors: those of the store.
  Result<void> start();
  /// Waits for sends that are under way. Nothing is lost: the rest stays in the store.
  void stop();
  /// A commit wrote messages for this process. A store that cannot be read now is looked at again, once a second.
  void notify(std::string_view peer, std::string_view process);
  /// There may be messages in the store of which nobody told: those of commits whose outcome was unknown. Waits for nothing.
  void look_again();
  /// Messages that are waiting or under way.
  std::size_t size() const;

 private:
  Result<void> collect(std::string_view prefix, bool maybe_sent);
  void run();
  Verdict deliver(const Dispatcher::Send& send);

  const storage::Reader& store_;
  const Clock& clock_;
  const std::map<std::string, Deliver> services_;
  const std::size_t thread_count_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Dispatcher dispatcher_;
  bool stopping_ = false;
  bool missed_ = false;  ///< the store may hold what the dispatcher does not know
  std::vector<std::thread> threads_;
};

}  // namespace sluis::outbox
