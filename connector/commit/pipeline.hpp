#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace sluis::commit {

/// Which step of which batch may be taken now, and what a step that ended means for the others (D1, D4, D10). A pure machine: the
/// sequencer's threads drive it in production, a seeded simulation in the tests. Not thread-safe.
///
/// One batch at a time is prepared and written. Behind it one checkpoint at a time is kept, which covers every batch written
/// before; a batch is durable once both are done. After a failure nothing is begun until all that was under way has ended,
/// and the store is recovered first.
class Pipeline {
 public:
  struct Settled {
    std::uint64_t batch = 0;
    bool durable = false;  ///< else it is not known, or nothing was written
  };
  /// What the driver has to do: answer these batches, in this order, then keep the checkpoint of that batch.
  struct Actions {
    std::vector<Settled> complete;
    std::optional<std::uint64_t> keep;
  };

  /// Batches that are written and wait for their checkpoint; more would only wait longer.
  static constexpr std::size_t kAhead = 4;

  bool may_begin() const { return !leading_ && (broken_ ? waiting_.empty() : waiting_.size() < kAhead); }
  /// Whether the batch that is begun next must recover the store before anything else.
  bool must_recover() const { return broken_; }
  bool idle() const { return !leading_ && waiting_.empty(); }

  /// Needs `may_begin`. Returns the batch's number; numbers rise by one.
  std::uint64_t begin();
  /// The begun batch has recovered the store.
  void recovered() { broken_ = false; }
  /// Nothing of the begun batch was to be written.
  Actions abandoned();
  /// The store has the begun batch on the disk.
  Actions written();
  /// What the store holds of the begun batch is not known. Batches before it are not touched.
  Actions write_failed();
  /// The checkpoint last asked for is on the disk.
  Actions kept();
  /// It is not: that batch and all behind it are unknown.
  Actions keep_failed();

 private:
  std::uint64_t last_ = 0;
  std::optional<std::uint64_t> leading_;
  std::deque<std::uint64_t> waiting_;  ///< written, not yet covered by a kept checkpoint
  std::optional<std::uint64_t> keeping_;
  bool broken_ = false;
  bool lead_is_lost_ = false;  ///< a checkpoint before the begun batch failed
};

}  // namespace sluis::commit
