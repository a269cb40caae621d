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
  /// As its store says: of a demo node only.
  Result<void> move_as_kept(const storage::Reader& store) {
    SLUIS_TRY(const std::optional<std::string> demo, store.get("meta/demo"));
    SLUIS_TRY(const std::optional<std::string> offset, store.get("demo/clock"));
    if (demo == "yes" && offset && offset->size() == 8) set_offset(Duration(static_cast<std::int64_t>(get_u64(*offset))));
    return {};
  }

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
