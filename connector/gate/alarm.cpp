#include "connector/gate/alarm.hpp"

#include <algorithm>

namespace sluis::gate {
namespace {
/// Longer waits are cut into such parts, so that no sum of times overflows.
constexpr Duration kLongestWait = std::chrono::hours(24);
/// A clock that stands still, as one that is behind the log does, would be looked at without end.
constexpr Duration kShortestWait = std::chrono::milliseconds(5);
}  // namespace

Alarm::Alarm(const Clock& clock, Ring ring) : clock_(clock), ring_(std::move(ring)) {
  thread_ = std::thread([this] { run(); });
}

Alarm::~Alarm() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Alarm::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void Alarm::run() {
  std::optional<Timestamp> next;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto called = [this] { return woken_ || stopping_; };
    if (!woken_) {
      const Timestamp now = clock_.now();
      if (!next) changed_.wait(lock, called);
      else if (*next > now) changed_.wait_for(lock, std::clamp(Duration(*next - now), kShortestWait, kLongestWait), called);
    }
    if (stopping_) return;
    woken_ = false;
    lock.unlock();
    next = ring_(clock_.now());
    lock.lock();
  }
}

}  // namespace sluis::gate
