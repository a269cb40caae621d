#pragma once

#include "connector/base/error.hpp"

#include <cstdint>
#include <filesystem>

namespace sluis::storage {

/// Room on a disk, held by a file of real blocks in the store's folder (D23), whatever that is mounted on. On a full disk it is given back, so that what must be
/// recorded then, revocations, can be; and is taken again when there is room. Not thread-safe.
class DiskReserve {
 public:
  /// Of so many bytes; none: nothing is ever held, and nothing asked of the disk.
  DiskReserve(std::filesystem::path file, std::uint64_t bytes) : file_(std::move(file)), bytes_(bytes) {}

  bool wanted() const { return bytes_ != 0; }
  /// Takes the room, unless it is held already. storage_unavailable, with how much is free: nothing is taken where less than as much
  /// would stay free for others.
  Result<void> hold();
  /// Something could not be written: gives the room back where less than as much is free. Whether it did; false too where it held none.
  bool give_way();

 private:
  bool is_full() const;

  std::filesystem::path file_;
  std::uint64_t bytes_;
};

}  // namespace sluis::storage
