#include "connector/gate/source.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sluis::gate {
namespace {

int open_beneath(int folder, const std::string& name, std::uint64_t flags) {
  open_how how{};
  how.flags = flags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (int tries = 0;; ++tries) {
    const long fd = ::syscall(SYS_openat2, folder, name.c_str(), &how, sizeof how);
    if (fd >= 0 || tries == 8 || (errno != EINTR && errno != EAGAIN)) return static_cast<int>(fd);
  }
}

Result<void> check_name(const std::string& file) {
  if (file.empty()) return Error(ErrorCode::invalid_argument, "the source names no file");
  if (file.find('\0') != std::string::npos) {
    return Error(ErrorCode::invalid_argument, "the source's name has a NUL in it");
  }
  if (file.front() == '/') {
    return Error(ErrorCode::invalid_argument, "the source `" + file + "` is an absolute path").mended_by(
        "name it relative to the dataset's folder");
  }
  std::string_view rest = file;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    if (rest.substr(0, slash) == "..") {
      return Error(ErrorCode::invalid_argument, "the source `" + file + "` leaves the dataset's folder");
    }
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  }
  return {};
}

Error refused(const std::string& file, int why) {
  if (why == ENOENT || why == ENOTDIR) return {ErrorCode::not_found, "there is no file `" + file + "`"};
  if (why == ELOOP || why == EXDEV) {
    return {ErrorCode::invalid_argument, "the source `" + file + "` is or passes a link, or leaves the folder"};
  }
  if (why == ENXIO) return {ErrorCode::invalid_argument, "the source `" + file + "` is not a regular file"};
  return {ErrorCode::storage_unavailable, "the source `" + file + "` cannot be opened: " + std::strerror(why)};
}

}  // namespace

Result<int> open_folder(const std::filesystem::path& root, const std::string& folder) {
  SLUIS_CHECK(check_name(folder));
  const int root_fd = ::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root_fd < 0) return refused(root.string(), errno);
  const int opened = open_beneath(root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int why = errno;
  ::close(root_fd);
  if (opened < 0) return refused(folder, why);
  return opened;
}

Result<int> open_in(int folder, const std::string& name) {
  SLUIS_CHECK(check_name(name));
  const int file = open_beneath(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (file < 0) return refused(name, errno);
  struct stat found{};
  const bool known = ::fstat(file, &found) == 0;
  if (known && S_ISREG(found.st_mode)) return file;
  const int why = errno;
  ::close(file);
  if (!known) return refused(name, why);
  return Error(ErrorCode::invalid_argument, "the source `" + name + "` is not a regular file");
}

Result<FileSource> FileSource::open(const std::filesystem::path& folder, const std::string& file) {
  SLUIS_CHECK(check_name(file));
  const int folder_fd = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder_fd < 0) return refused(folder.string(), errno);
  FileSource source(folder_fd, -1, file);
  source.file_ = open_beneath(folder_fd, file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (source.file_ < 0) return refused(file, errno);
  struct stat found{};
  if (::fstat(source.file_, &found) != 0) return refused(file, errno);
  SLUIS_TRY(source.pin_, pin(found, file));
  source.changed_at_ = found.st_ctim.tv_sec * 1'000'000'000 + found.st_ctim.tv_nsec;
  source.end_ = source.pin_.size;
  return source;
}

FileSource::FileSource(FileSource&& other) noexcept
    : folder_(std::exchange(other.folder_, -1)), file_(std::exchange(other.file_, -1)), name_(std::move(other.name_)),
      pin_(other.pin_), changed_at_(other.changed_at_), at_(other.at_), end_(other.end_), block_(std::move(other.block_)) {}

FileSource& FileSource::operator=(FileSource&& other) noexcept {
  if (this == &other) return *this;
  close();
  folder_ = std::exchange(other.folder_, -1);
  file_ = std::exchange(other.file_, -1);
  name_ = std::move(other.name_);
  pin_ = other.pin_;
  changed_at_ = other.changed_at_;
  at_ = other.at_;
  end_ = other.end_;
  block_ = std::move(other.block_);
  return *this;
}

FileSource::~FileSource() { close(); }

void FileSource::close() {
  if (file_ >= 0) ::close(file_);
  if (folder_ >= 0) ::close(folder_);
}

Result<FileSource::Pin> FileSource::pin(int file, const std::string& name) {
  struct stat found{};
  if (::fstat(file, &found) != 0) return refused(name, errno);
  return pin(found, name);
}

Result<FileSource::Pin> FileSource::pin(const struct stat& found, const std::string& name) {
  if (!S_ISREG(found.st_mode)) {
    return Error(ErrorCode::invalid_argument, "the source `" + name + "` is not a regular file");
  }
  return Pin{found.st_dev, found.st_ino, static_cast<std::uint64_t>(found.st_size), found.st_mtim.tv_sec,
             found.st_mtim.tv_nsec};
}

Result<void> FileSource::check_unchanged() const {
  SLUIS_TRY(const Pin now, pin(file_, name_));
  if (now == pin_) return {};
  return Error(ErrorCode::invalid_state, "the source `" + name_ + "` changed while it was read");
}

Result<void> FileSource::check_same_name() const {
  const int again = open_beneath(folder_, name_, O_PATH | O_CLOEXEC);
  if (again < 0) return Error(ErrorCode::invalid_state, "the source `" + name_ + "` was taken away while it was read");
  const auto now = pin(again, name_);
  ::close(again);
  if (now && *now == pin_) return {};
  return Error(ErrorCode::invalid_state, "the source `" + name_ + "` was replaced while it was read");
}

void FileSource::only(std::uint64_t first, std::uint64_t length) {
  at_ = std::min(first, pin_.size);
  end_ = at_ + std::min(length, pin_.size - at_);
}

Result<std::string_view> FileSource::read() {
  const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kSourceBlock, end_ - at_));
  if (block_.size() < wanted) block_.resize(wanted);
  std::size_t got = 0;
  while (got < wanted) {
    const ssize_t n = ::pread(file_, block_.data() + got, wanted - got, static_cast<off_t>(at_ + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refused(name_, errno);
    if (n == 0) return Error(ErrorCode::invalid_state, "the source `" + name_ + "` became shorter while it was read");
    got += static_cast<std::size_t>(n);
  }
  SLUIS_CHECK(check_unchanged());
  if (wanted == 0) SLUIS_CHECK(check_same_name());
  at_ += got;
  return std::string_view(block_.data(), got);
}

std::string FileSource::version() const {
  return name_ + " size=" + std::to_string(pin_.size) + " mtime=" + std::to_string(pin_.seconds) + "." +
         std::to_string(pin_.nanoseconds) + " inode=" + std::to_string(pin_.inode);
}

}  // namespace sluis::gate
