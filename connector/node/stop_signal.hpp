#pragma once

namespace sluis::node {

/// SIGTERM and SIGINT, for who runs until then. Made before any thread is, so that every thread leaves these signals to it.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  void wait() const;

 private:
  int descriptor_;
};

}  // namespace sluis::node
