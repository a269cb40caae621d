#include "connector/gate/follow.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sluis::gate {
namespace {

using Steady = std::chrono::steady_clock;

std::string in_backticks(const std::string& name) { return "`" + name + "`"; }

Result<struct stat> look_at(int file, const std::string& name) {
  struct stat found{};
  if (::fstat(file, &found) == 0) return found;
  return Error(ErrorCode::storage_unavailable, "the source " + in_backticks(name) + " cannot be looked at: " + std::strerror(errno));
}

/// So many bytes from there on, which are there; fewer where the file became shorter.
Result<std::size_t> read_at(int file, const std::string& name, char* into, std::size_t size, std::uint64_t at) {
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::pread(file, into + got, size - got, static_cast<off_t>(at + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error(ErrorCode::storage_unavailable, "the source " + in_backticks(name) + " cannot be read: " + std::strerror(errno));
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

/// An opened file by its own path, for who asks for one by name.
std::string path_of(int file) { return "/proc/self/fd/" + std::to_string(file); }

Error too_long(const std::string& name) {
  return {ErrorCode::limit_exceeded, "the source " + in_backticks(name) + " has a line of more than " + std::to_string(kFollowLine) + " bytes"};
}

}  // namespace

Result<std::unique_ptr<FollowedFile>> FollowedFile::open(const std::filesystem::path& root, const std::string& file, std::uint32_t last,
                                                         const FollowTimes& times) {
  std::unique_ptr<FollowedFile> made(new FollowedFile(file, times));
  const std::size_t slash = file.rfind('/');
  if (slash == std::string::npos) {
    made->base_ = file;
    made->folder_ = ::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (made->folder_ < 0) {
      return Error(errno == ENOENT ? ErrorCode::not_found : ErrorCode::storage_unavailable,
                   "the folder " + in_backticks(root.string()) + " cannot be opened: " + std::strerror(errno));
    }
  } else {
    made->base_ = file.substr(slash + 1);
    SLUIS_TRY(made->folder_, open_folder(root, file.substr(0, slash)));
  }
  made->woken_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (made->woken_ < 0) return Error(ErrorCode::storage_unavailable, std::string("no descriptor is left: ") + std::strerror(errno));
  made->watch();  // before the file is opened: what happens to its name afterwards is told
  SLUIS_TRY(made->file_, open_in(made->folder_, made->base_));
  SLUIS_CHECK(made->begin(last));
  return made;
}

FollowedFile::~FollowedFile() {
  for (const int each : {folder_, file_, told_, woken_}) {
    if (each >= 0) ::close(each);
  }
}

Result<void> FollowedFile::begin(std::uint32_t last) {
  watch_file();
  drain();
  others_ = 0;
  untold_ = false;
  SLUIS_TRY(const struct stat found, look_at(file_, name_));
  identity_ = {found.st_dev, found.st_ino};
  const auto size = static_cast<std::uint64_t>(found.st_size);
  std::string tail(std::min<std::uint64_t>(size, last == 0 ? kFollowLine + 1 : kFollowBack), '\0');
  SLUIS_TRY(const std::size_t got, read_at(file_, name_, tail.data(), tail.size(), size - tail.size()));
  if (got != tail.size()) return Error(ErrorCode::invalid_state, "the source " + in_backticks(name_) + " became shorter");
  std::size_t from = tail.size();
  std::uint32_t left = last + 1;
  while (left != 0 && from != 0) {
    const std::size_t end = std::string_view(tail).substr(0, from).rfind('\n');
    from = end == std::string::npos ? 0 : end;
    if (end == std::string::npos) break;
    if (--left == 0) ++from;
  }
  if (left != 0 && tail.size() != size) {
    if (last == 0) return too_long(name_);
    return Error(ErrorCode::limit_exceeded, "the last " + std::to_string(last) + " lines are more than the " + std::to_string(kFollowBack) +
                                                " bytes that are looked through");
  }
  if (left != 0) from = 0;
  begun_ = at_ = size - tail.size() + from;
  return {};
}

/// Of the folder, which tells of names; of the file, which tells of what is written. Without it the file is looked at more often.
void FollowedFile::watch() {
  told_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (told_ < 0) return;
  of_folder_ = ::inotify_add_watch(told_, path_of(folder_).c_str(), IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR);
  if (of_folder_ >= 0) return;
  ::close(told_);
  told_ = -1;
}

void FollowedFile::watch_file() {
  if (told_ < 0) return;
  if (of_file_ >= 0) ::inotify_rm_watch(told_, of_file_);
  of_file_ = ::inotify_add_watch(told_, path_of(file_).c_str(), IN_MODIFY);
}

/// Takes what was told meanwhile; whether it was about this file or its name.
bool FollowedFile::drain() {
  bool ours = false;
  alignas(inotify_event) char events[4096];
  while (told_ >= 0) {
    const ssize_t got = ::read(told_, events, sizeof events);
    if (got <= 0) break;
    for (const char* at = events; at < events + got;) {
      inotify_event event{};
      std::memcpy(&event, at, sizeof event);
      const char* name = at + sizeof event;
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) untold_ = ours = true;
      if (event.wd == of_file_) ours = true;
      if (event.wd != of_folder_ || event.len == 0 || base_ != name) continue;
      ours = true;
      if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0) ++others_;
    }
  }
  return ours;
}

std::optional<FollowedFile::Identity> FollowedFile::named() const {
  struct stat found{};
  if (::fstatat(folder_, base_.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return Identity{found.st_dev, found.st_ino};
}

Result<std::string_view> FollowedFile::read() {
  if (failed_) return *failed_;
  buffer_.erase(0, given_);
  given_ = 0;
  auto lines = next();
  if (!lines) failed_ = lines.error();
  return lines;
}

Result<std::string_view> FollowedFile::next() {
  for (;;) {
    SLUIS_TRY(const std::size_t got, fill());
    const std::size_t first = buffer_.find('\n');
    if (std::min(first, buffer_.size()) > kFollowLine) return too_long(name_);
    if (first != std::string::npos) {
      given_ = buffer_.rfind('\n') + 1;
      return std::string_view(buffer_).substr(0, given_);
    }
    if (got != 0) continue;
    SLUIS_TRY(const bool more, turn_over());
    if (!more) return std::string_view();
  }
}

/// The next block, behind what is there and not given yet.
Result<std::size_t> FollowedFile::fill() {
  if (ended_) return std::size_t{0};
  SLUIS_TRY(const struct stat found, look_at(file_, name_));
  const auto size = static_cast<std::uint64_t>(found.st_size);
  const auto shorter = [this] { return Error(ErrorCode::invalid_state, "the source " + in_backticks(name_) + " became shorter while it was followed"); };
  if (size < at_) return shorter();
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kSourceBlock, size - at_));
  if (wanted == 0) return std::size_t{0};
  const std::size_t before = buffer_.size();
  buffer_.resize(before + wanted);
  SLUIS_TRY(const std::size_t got, read_at(file_, name_, buffer_.data() + before, wanted, at_));
  if (got != wanted) return shorter();
  at_ += got;
  if (over_) over_ = Steady::now();
  return got;
}

/// At the end of this file: whether there is more to read, of the next one, or as its last line.
Result<bool> FollowedFile::turn_over() {
  if (ended_) return false;
  const auto now_named = named();
  if (now_named == identity_) {
    over_.reset();
    return false;
  }
  if (!over_) over_ = Steady::now();
  if (Steady::now() - *over_ < (now_named ? times_.old : times_.gone)) return false;
  const bool rest = !buffer_.empty();
  if (!now_named) {
    ended_ = true;
  } else {
    drain();
    const auto next = open_in(folder_, base_);
    if (!next && next.error().code == ErrorCode::not_found) return false;
    if (!next) return next.error();
    SLUIS_CHECK(change_over(*next));
  }
  if (rest) buffer_ += '\n';
  return true;
}

/// Takes the descriptor of the file that has the name now. Where the name became a file's more than once, one of them was never read.
Result<void> FollowedFile::change_over(int next) {
  ::close(file_);
  file_ = next;
  SLUIS_TRY(const struct stat found, look_at(file_, name_));
  identity_ = {found.st_dev, found.st_ino};
  watch_file();
  drain();
  if (named() == identity_ && (others_ > 1 || untold_)) {
    return Error(ErrorCode::conflict, "the source " + in_backticks(name_) + " was replaced more than once before it was read to its end");
  }
  if (others_ > 0) --others_;
  at_ = 0;
  over_.reset();
  ++files_;
  return {};
}

void FollowedFile::wait(Time until) {
  const auto often = told_ >= 0 ? times_.look : times_.look_untold;
  const auto begun = Steady::now();
  until = std::min(until, begun + often);
  if (over_) until = std::min(until, begun + std::max(std::chrono::milliseconds(1), times_.old / 4));
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now()).count();
    if (left <= 0) return;
    pollfd items[2] = {{woken_, POLLIN, 0}, {told_, POLLIN, 0}};  // a negative descriptor is passed over
    if (::poll(items, 2, static_cast<int>(left)) < 0 && errno != EINTR) return;
    std::uint64_t times = 0;
    const bool called = ::read(woken_, &times, sizeof times) > 0;
    if (drain() || called) return;
  }
}

void FollowedFile::wake() const {
  const std::uint64_t one = 1;
  (void)!::write(woken_, &one, sizeof one);
}

std::string FollowedFile::version() const {
  return name_ + " followed from=" + std::to_string(begun_) + (files_ == 1 ? "" : " files=" + std::to_string(files_)) +
         " to=" + std::to_string(at_ - std::min<std::uint64_t>(at_, buffer_.size() - given_)) + " inode=" + std::to_string(identity_.inode);
}

}  // namespace sluis::gate
