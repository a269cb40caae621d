#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/error.hpp"

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace sluis::gate {

/// Which versions of files leave a column plan byte for byte as they are: only of those are there ranges. That is not to be seen
/// from the plan (a column that is not declared is dropped, quotes that are not needed go, a last line gets its end), so each
/// version is tried once, in whole; what was found is kept for as many as `kKept`. Thread-safe; one is tried at a time, and nobody waits for
/// it who asks for what is known.
class Verbatim {
 public:
  static constexpr std::size_t kKept = 256;
  using Try = std::function<Result<std::optional<Hash>>()>;

  /// The SHA-256 of the whole; nothing: it is changed by the plan. `tag` names version and plan. Errors of `attempt`; they are not kept.
  /// invalid_state: stopped.
  Result<std::optional<Hash>> look(const std::string& tag, const Try& attempt);
  /// Whether it is known that the plan changes it.
  bool changes(const std::string& tag) const;
  /// Nothing is tried from now on. An attempt that runs looks at `stopped` between its blocks.
  void stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }

 private:
  /// Nothing: not known yet.
  std::optional<std::optional<Hash>> known(const std::string& tag) const;

  std::atomic<bool> stopped_ = false;
  std::mutex trying_;
  mutable std::mutex mutex_;
  std::map<std::string, std::optional<Hash>> known_;
  std::deque<std::string> order_;
};

}  // namespace sluis::gate
