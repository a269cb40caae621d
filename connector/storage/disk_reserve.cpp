#include "connector/storage/disk_reserve.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <random>

namespace sluis::storage {
namespace {

constexpr std::uint64_t kLeast = 256U << 10U;  ///< bytes: with less than this nothing can be written

bool is_whole(const struct stat& info, std::uint64_t bytes) {
  return static_cast<std::uint64_t>(info.st_size) == bytes && static_cast<std::uint64_t>(info.st_blocks) * 512 >= bytes;
}

bool is_whole(const std::filesystem::path& path, std::uint64_t bytes) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && is_whole(info, bytes);
}

/// With what no file system makes smaller. 0, or why not.
int fill(int file, std::uint64_t bytes) {
  std::mt19937_64 noise;
  std::array<std::uint64_t, 8192> block{};
  for (std::uint64_t done = 0; done < bytes;) {
    std::generate(block.begin(), block.end(), std::ref(noise));
    const std::size_t next = std::min<std::uint64_t>(sizeof block, bytes - done);
    const ssize_t wrote = ::pwrite(file, block.data(), next, static_cast<off_t>(done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return wrote < 0 ? errno : ENOSPC;
    done += static_cast<std::uint64_t>(wrote);
  }
  return ::fsync(file) == 0 ? 0 : errno;
}

/// A file of just so many bytes, which has its blocks: not every file system gives them for the asking. 0, or why not.
int take(const std::filesystem::path& path, std::uint64_t bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return errno;
  int failed = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
  struct stat info{};
  if (failed == 0 && (::fstat(file, &info) != 0 || !is_whole(info, bytes))) failed = fill(file, bytes);
  ::close(file);
  if (failed != 0) ::unlink(path.c_str());
  return failed;
}

/// Bytes; none where it cannot be known.
std::uint64_t free_beside(const std::filesystem::path& path) {
  struct statvfs disk{};
  return ::statvfs(path.parent_path().c_str(), &disk) == 0 ? static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize : 0;
}

}  // namespace

Result<void> DiskReserve::hold() {
  if (!wanted()) {
    ::unlink(file_.c_str());  // of a time when there was one
    return {};
  }
  if (is_whole(file_, bytes_)) return {};
  // Looked at first: the try itself would leave nothing to others for a moment.
  const std::uint64_t free = free_beside(file_);
  int failed = free < 2 * bytes_ ? ENOSPC : take(file_, bytes_);
  if (failed == 0 && is_full()) {
    ::unlink(file_.c_str());
    failed = ENOSPC;
  }
  if (failed == 0) return {};
  return Error(ErrorCode::storage_unavailable, "the reserve `" + file_.string() + "` of " + std::to_string(bytes_ >> 20U) + " MiB cannot be taken: " +
                                                   std::strerror(failed) + ", " + std::to_string(free >> 20U) + " MiB are free")
      .mended_by("make room on the disk, for twice the reserve");
}

/// Tried, as what `statvfs` tells of a disk with quotas is not what may be written.
bool DiskReserve::is_full() const {
  const std::filesystem::path probe = file_.string() + ".probe";
  const int failed = take(probe, kLeast);
  if (failed == 0) ::unlink(probe.c_str());
  return failed == ENOSPC || failed == EDQUOT || failed == EFBIG;
}

bool DiskReserve::give_way() {
  std::error_code ec;
  return wanted() && std::filesystem::exists(file_, ec) && (is_full() || free_beside(file_) < bytes_) && ::unlink(file_.c_str()) == 0;
}

}  // namespace sluis::storage
