#pragma once

#include "connector/commit/sequencer.hpp"
#include "connector/gate/ports.hpp"

#include <atomic>

namespace sluis::node {

/// The machine's clock, moved by what a demo node was told (D14). Thread-safe.
class NodeClock final : public Clock {
 public:
  Timestamp now() const override { return system_.now() + Duration(offset_us_.load()); }
  void set_offset(Duration offset) { offset_us_ = offset.count(); }
  Duration offset() const { return Duration(offset_us_.load()); }

 private:
  SystemClock system_;
  std::atomic<std::int64_t> offset_us_ = 0;
};

/// Time for decisions: never before what the log has recorded.
class LogClock final : public Clock, public gate::DecisionClock {
 public:
  explicit LogClock(const commit::Sequencer& sequencer) : sequencer_(sequencer) {}
  Timestamp now() const override { return sequencer_.decision_time(); }
  bool behind() const override { return sequencer_.clock_behind(); }

 private:
  const commit::Sequencer& sequencer_;
};

}  // namespace sluis::node
