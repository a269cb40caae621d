#pragma once

#include "connector/base/error.hpp"

#include <functional>
#include <memory>
#include <thread>

namespace sluis {

/// What tells of a step of the wall clock: the kernel in production, a test's own descriptor in tests.
class StepSource {
 public:
  virtual ~StepSource() = default;
  /// Becomes readable when there may have been a step.
  virtual int file() const = 0;
  /// Takes what was readable; whether the clock was stepped.
  virtual bool take() = 0;
};

/// A timer on CLOCK_REALTIME that is never due and is cancelled by every step (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET).
/// storage_unavailable where the kernel gives none.
Result<std::unique_ptr<StepSource>> kernel_steps();

/// Calls `on_step` soon after the wall clock was set, from a thread of its own, until it is destroyed (D14): deadlines of terms,
/// retention, membership and certificates are then evaluated again. What only drifts or is slewed is no step.
class StepWatch {
 public:
  StepWatch(std::unique_ptr<StepSource> source, std::function<void()> on_step);
  ~StepWatch();
  StepWatch(const StepWatch&) = delete;
  StepWatch& operator=(const StepWatch&) = delete;

 private:
  void run();

  std::unique_ptr<StepSource> source_;
  std::function<void()> on_step_;
  int stop_;  ///< an eventfd
  std::thread thread_;
};

}  // namespace sluis
