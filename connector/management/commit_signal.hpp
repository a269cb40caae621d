#pragma once

#include "connector/storage/commit_port.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

namespace sluis::management {

/// A CommitPort that tells when something became durable through it, so that who waits for a change need not ask again
/// and again (D2). The node hands it to its services in place of the sequencer. Thread-safe.
class CommitSignal final : public CommitPort {
 public:
  explicit CommitSignal(CommitPort& inner) : inner_(inner), state_(std::make_shared<State>()) {}
  ~CommitSignal() override { stop(); }

  void submit(Commit commit, Completion done) override;
  Result<CommitReceipt> commit_and_wait(Commit commit) override;

  /// Counts commits; to be read before looking at the store.
  std::uint64_t seen() const;
  /// Until the count is not `seen` any more, or the time has come: whether it changed. limit_exceeded: too many wait.
  Result<bool> wait(std::uint64_t seen, std::chrono::steady_clock::time_point until);
  /// The same for the node's own threads, which do not count among those.
  bool wait_uncounted(std::uint64_t seen, std::chrono::steady_clock::time_point until);
  /// Wakes all who wait, as a commit does.
  void wake() { state_->bump(); }
  /// Wakes all who wait, now and later.
  void stop();

 private:
  /// Outlives this object where a completion is still on its way.
  struct State {
    mutable std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t count = 0;
    unsigned waiting = 0;
    bool stopped = false;
    void bump();
    bool wait(std::unique_lock<std::mutex>& lock, std::uint64_t seen, std::chrono::steady_clock::time_point until);
  };

  CommitPort& inner_;
  std::shared_ptr<State> state_;
};

inline constexpr unsigned kMaxWaiting = 64;

}  // namespace sluis::management
