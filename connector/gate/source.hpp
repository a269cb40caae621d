#pragma once

#include "connector/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

struct stat;

namespace sluis::gate {

/// Read at a time. Each stream has such a block, the row reader's and what it made of it. While something is on its way out come the buffers of
/// the sink and of TLS's collector; a stream that waits for its reader has neither (`http/sink.cpp`), and is below 256 KiB.
inline constexpr std::size_t kSourceBlock = 16U << 10U;

/// Where a release reads. One thread at a time.
class Source {
 public:
  virtual ~Source() = default;
  /// The next block, valid until the next call; empty at the end, when all is still what was opened.
  /// invalid_state: it was changed meanwhile. invalid_argument: it is not written as was declared.
  virtual Result<std::string_view> read() = 0;
  /// Names this version of it, for the log.
  virtual std::string version() const = 0;
};

/// A folder beneath another, opened for listing without following any link. The caller closes it. Errors as FileSource::open.
Result<int> open_folder(const std::filesystem::path& root, const std::string& folder);

/// A regular file in an opened folder, for reading. The caller closes it. Errors as FileSource::open.
Result<int> open_in(int folder, const std::string& name);

/// A file of a dataset, pinned while it is read: a change of its size, time or inode ends it with an error.
/// One thread at a time.
class FileSource final : public Source {
 public:
  /// Opens beneath the folder, without following any link. Refused (invalid_argument): absolute paths, `..`, NUL,
  /// links, anything but a regular file. not_found. Never blocks on a FIFO.
  static Result<FileSource> open(const std::filesystem::path& folder, const std::string& file);

  FileSource(FileSource&& other) noexcept;
  FileSource& operator=(FileSource&& other) noexcept;
  ~FileSource() override;

  /// At the end the path still names the same file.
  Result<std::string_view> read() override;
  std::uint64_t size() const { return pin_.size; }
  std::string version() const override;
  /// When anything of it last changed, its times included, as the file system has it (st_ctim), in nanoseconds: nobody sets that.
  std::int64_t changed_at() const { return changed_at_; }
  /// Reads only these bytes, which are there. Before the first `read`.
  void only(std::uint64_t first, std::uint64_t length);

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
  static Result<Pin> pin(const struct stat& found, const std::string& name);
  Result<void> check_unchanged() const;
  Result<void> check_same_name() const;
  void close();

  int folder_ = -1;
  int file_ = -1;
  std::string name_;
  Pin pin_;
  std::int64_t changed_at_ = 0;
  std::uint64_t at_ = 0;
  std::uint64_t end_ = 0;
  std::string block_;
};

}  // namespace sluis::gate
