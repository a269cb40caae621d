#pragma once

#include "connector/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluis::storage {

/// One key, with its new value, or none to delete it.
struct Change {
  std::string key;
  std::optional<std::string> value;
};

/// A consistent view of the store at one moment. Thread-safe.
class Reader {
 public:
  virtual ~Reader() = default;
  /// storage_unavailable, corruption. A missing key is no error.
  virtual Result<std::optional<std::string>> get(std::string_view key) const = 0;
  /// Calls `visit(key, value)` in key order for keys that are >= `from` and start with `prefix`, until it returns
  /// false. The views are valid during the call only.
  virtual Result<void> scan(std::string_view prefix, std::string_view from,
                            const std::function<bool(std::string_view, std::string_view)>& visit) const = 0;
};

/// An ordered key-value store with atomic batches and snapshots (D3). Thread-safe. As a Reader it shows the newest
/// state. After an error of `write` the store takes no more writes: close and open it again (D4).
class KvStore : public Reader {
 public:
  /// All changes or none. With `sync` they are on the disk when this returns; without, a crash may lose them, but
  /// never out of order. The error of a failed sync is outcome_unknown; refused before anything was written:
  /// storage_unavailable.
  virtual Result<void> write(const std::vector<Change>& changes, bool sync) = 0;
  virtual std::unique_ptr<Reader> snapshot() const = 0;
  /// What was deleted or overwritten before this call is in no file of the store when it returns. Slow: files are written anew, while
  /// others read and write.
  virtual Result<void> purge() const = 0;
  /// Copies the store, as it is at some moment of this call, into a folder of such copies, while others read and write; on the disk when
  /// this returns. `about` is kept with it. The copy's id. invalid_state: a store without copies; storage_unavailable.
  virtual Result<std::uint32_t> back_up(const std::filesystem::path& folder, const std::string& about) const;
  /// Lets a copy that is being made fail, and waits for that: the store is to be closed. No other is begun.
  virtual void stop_back_up() const {}
};

}  // namespace sluis::storage
