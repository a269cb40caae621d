#pragma once

#include "connector/base/time.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace sluis::gate {

/// A thread that calls when a wall-clock time has come. `ring(now)` does what is due and says when to be called next
/// (none: only after `wake`). Destroyed: the thread has ended.
class Alarm {
 public:
  using Ring = std::function<std::optional<Timestamp>(Timestamp now)>;

  Alarm(const Clock& clock, Ring ring);
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  /// Calls at once: an earlier time has come up, or the clock stepped.
  void wake();

 private:
  void run();

  const Clock& clock_;
  Ring ring_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluis::gate
