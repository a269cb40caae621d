#pragma once

#include "connector/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace sluis::gate {

inline constexpr std::size_t kSourceBlock = 128U << 10U;

/// A file of a dataset, pinned while it is read: a change of its size, time or inode ends it with an error.
/// One thread at a time.
class FileSource {
 public:
  /// Opens beneath the folder, without following any link. Refused (invalid_argument): absolute paths, `..`, NUL,
  /// links, anything but a regular file. not_found. Never blocks on a FIFO.
  static Result<FileSource> open(const std::filesystem::path& folder, const std::string& file);

  FileSource(FileSource&& other) noexcept;
  FileSource& operator=(FileSource&& other) noexcept;
  ~FileSource();

  /// The next block, valid until the next call; empty at the end, when the path still names the same file.
  /// invalid_state: the file was changed meanwhile.
  Result<std::string_view> read();
  std::uint64_t size() const { return pin_.size; }
  /// Names this version of the file, for the log.
  std::string version() const;

 private:
  struct Pin {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    friend bool operator==(const Pin&, const Pin&) = default;
  };

  FileSource(int folder, int file, std::string name) : folder_(folder), file_(file), name_(std::move(name)) {}
  static Result<Pin> pin(int file, const std::string& name);
  Result<void> check_unchanged() const;
  Result<void> check_same_name() const;
  void close();

  int folder_ = -1;
  int file_ = -1;
  std::string name_;
  Pin pin_;
  std::uint64_t at_ = 0;
  std::string block_;
};

}  // namespace sluis::gate
