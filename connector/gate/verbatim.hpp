#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/error.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace sluis::gate {

/// What was found out of versions of sources by reading each once, in whole; kept for as many as `kKept`. Thread-safe; one is tried at a time:
/// who asks for what is known does not wait for it, and nobody waits longer than `kPatience`.
template <class Found>
class Tried {
 public:
  static constexpr std::size_t kKept = 256;
  static constexpr std::chrono::seconds kPatience{2};
  using Try = std::function<Result<std::optional<Found>>()>;

  /// What was found; nothing: there is nothing to be found in it. `tag` names version and plan. Errors of `attempt`; they are not kept.
  /// invalid_state: stopped; limit_exceeded: another one is being tried for so long.
  Result<std::optional<Found>> look(const std::string& tag, const Try& attempt) {
    if (const auto at_once = known(tag)) return *at_once;
    const std::unique_lock one(trying_, kPatience);
    if (!one) return Error(ErrorCode::limit_exceeded, "another version is being read through").mended_by("ask again in some seconds");
    if (const auto meanwhile = known(tag)) return *meanwhile;
    if (stopped_) return Error(ErrorCode::invalid_state, "the node is stopping");
    SLUIS_TRY(const std::optional<Found> found, attempt());
    keep(tag, found);
    return found;
  }
  /// What is known already; nothing: there is nothing to be found in it, or it was never tried.
  std::optional<Found> found(const std::string& tag) const { return known(tag).value_or(std::nullopt); }
  /// Found on the way, without an attempt.
  void learn(const std::string& tag, const Found& found) { keep(tag, found); }
  /// Whether it is known that there is nothing to be found in it.
  bool has_none(const std::string& tag) const {
    const auto found = known(tag);
    return found && !*found;
  }
  /// Nothing is tried from now on. An attempt that runs looks at `stopped` between its blocks.
  void stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }

 private:
  void keep(const std::string& tag, const std::optional<Found>& found) {
    const std::lock_guard lock(mutex_);
    if (!known_.emplace(tag, found).second) return;
    order_.push_back(tag);
    if (order_.size() <= kKept) return;
    known_.erase(order_.front());
    order_.pop_front();
  }
  /// Nothing: not known yet.
  std::optional<std::optional<Found>> known(const std::string& tag) const {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(tag);
    if (found == known_.end()) return std::nullopt;
    return std::optional<std::optional<Found>>(std::in_place, found->second);
  }

  std::atomic<bool> stopped_ = false;
  std::timed_mutex trying_;
  mutable std::mutex mutex_;
  std::map<std::string, std::optional<Found>> known_;
  std::deque<std::string> order_;
};

/// What leaves of a version through a plan, in whole.
struct WholeRelease {
  Hash digest{};           ///< SHA-256
  std::uint64_t rows = 0;
};

/// Which parts of versions of sources there are.
struct Verbatim {
  /// Versions that leave a column plan byte for byte as they are, each line end being that of a row: they may leave past it, and only of those are
  /// there ranges of bytes. That is not to be seen from the plan (a column that is not declared is dropped, quotes that are not needed go, a last
  /// line gets its end).
  Tried<WholeRelease> bytes;
  /// Of others, of which one may go on behind a row: what leaves in all. Nothing: the plan refuses it, so what would be cut as a whole does not
  /// leave in pieces.
  Tried<WholeRelease> rows;

  void stop() {
    bytes.stop();
    rows.stop();
  }
};

}  // namespace sluis::gate
