#pragma once

#include "connector/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace sluis::provenance {

/// The newest signed checkpoint, beside the store (D10): two preallocated files of 4 KiB, written in turn and synced, so
/// that one of them is whole after any crash. What they hold shows when the store has lost acknowledged entries.
class CheckpointSlots {
 public:
  /// Makes the folder's files where they are missing.
  static Result<std::unique_ptr<CheckpointSlots>> open(const std::filesystem::path& folder);
  ~CheckpointSlots();
  CheckpointSlots(const CheckpointSlots&) = delete;
  CheckpointSlots& operator=(const CheckpointSlots&) = delete;

  /// The newest whole note, if any was ever written.
  const std::optional<std::string>& newest() const { return newest_; }
  /// Whether something stands there and none of it is a whole note.
  bool damaged() const { return damaged_ && !newest_; }
  /// Durable when this returns. storage_unavailable: it is not known what is on the disk.
  Result<void> write(const std::string& note);

 private:
  CheckpointSlots() = default;

  int files_[2] = {-1, -1};
  std::uint64_t counter_ = 0;
  std::optional<std::string> newest_;
  bool damaged_ = false;
};

/// Reads the newest whole note of a folder without opening it for writing; none where there is none.
Result<std::optional<std::string>> read_newest_slot(const std::filesystem::path& folder);

}  // namespace sluis::provenance
