#include "connector/base/file_version.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace sluis {
namespace {

constexpr std::chrono::milliseconds kTick{50};
constexpr std::chrono::seconds kAhead{5};  ///< a change of later than that is of before the clock was set back

}  // namespace

Result<FileVersion> file_version(const std::filesystem::path& file) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) return Error(ErrorCode::not_found, "`" + file.string() + "`: " + std::strerror(errno));
  return FileVersion{static_cast<std::int64_t>(info.st_dev), static_cast<std::int64_t>(info.st_ino), info.st_size,
                     info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec};
}

bool is_settled(const FileVersion& version, Timestamp now) {
  const Duration age = now - Timestamp{Duration(version[3] / 1000)};
  return age > kTick || age < -kAhead;
}

}  // namespace sluis
