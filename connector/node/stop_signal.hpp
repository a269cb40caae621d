#pragma once

#include <chrono>

namespace sluis::node {

/// SIGTERM and SIGINT, for who runs until then. Made before any thread is, so that every thread leaves these signals to it.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  void wait() const;
  /// Whether one came within this time.
  bool wait_for(std::chrono::milliseconds time) const;

 private:
  int descriptor_;
};

}  // namespace sluis::node
