#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>

namespace sluis::node {

/// A folder, held against other processes that hold it in the same way, as long as this lives.
class HeldFolder {
 public:
  /// `wait`: until another lets it go; else it is not held then.
  explicit HeldFolder(const std::filesystem::path& folder, bool wait = true)
      : file_(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    held_ = file_ >= 0 && ::flock(file_, LOCK_EX | (wait ? 0 : LOCK_NB)) == 0;
  }
  ~HeldFolder() {
    if (file_ >= 0) ::close(file_);
  }
  HeldFolder(const HeldFolder&) = delete;
  HeldFolder& operator=(const HeldFolder&) = delete;

  bool is_there() const { return file_ >= 0; }
  bool held() const { return held_; }
  bool sync() const { return ::fsync(file_) == 0; }

 private:
  int file_;
  bool held_ = false;
};

}  // namespace sluis::node
