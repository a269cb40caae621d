#pragma once

#include "connector/gate/source.hpp"

#include <chrono>
#include <optional>

namespace sluis::gate {

inline constexpr std::size_t kFollowLine = 64U << 10U;  ///< bytes of a line, without its end
inline constexpr std::size_t kFollowBack = 1U << 20U;   ///< bytes that are looked through for last lines
inline constexpr std::uint32_t kFollowLast = 1000;      ///< lines that one may begin before the end

/// How long a follower waits for what.
struct FollowTimes {
  std::chrono::milliseconds look{1'000};       ///< it looks at the file so often without being told to
  std::chrono::milliseconds look_untold{100};  ///< and so often where the system does not tell of changes (inotify)
  std::chrono::milliseconds old{1'000};        ///< once the name is another file's, the old one is read until nothing came for so long
  std::chrono::milliseconds gone{10'000};      ///< and once it is no file's, until no other came for so long
};

/// A file that grows by lines, read as it does. Only whole lines are given. Once its name is that of another file, that one is followed from its
/// beginning after the old was read to its end; once no file has the name, that is the end. A last line without line end is a line then.
/// One thread at a time, but for `wake`.
class FollowedFile {
 public:
  /// Beneath the folder, without following any link. Begins behind the last line end that is there, or so many whole lines before it; where
  /// the file has fewer, at its beginning. Errors of FileSource::open; limit_exceeded: the last lines are longer than is looked through.
  static Result<std::unique_ptr<FollowedFile>> open(const std::filesystem::path& root, const std::string& file, std::uint32_t last = 0,
                                                    const FollowTimes& times = {});
  ~FollowedFile();
  FollowedFile(const FollowedFile&) = delete;
  FollowedFile& operator=(const FollowedFile&) = delete;

  /// Whole lines that are there, each with its end, valid until the next call; empty: none is now, or `ended`.
  /// invalid_state: the file became shorter. conflict: its name was another file's for a while, and that was not read.
  /// limit_exceeded: a line is longer than `kFollowLine`. Others: it cannot be read. After an error it stays failed.
  Result<std::string_view> read();
  /// All was read, and nothing will come.
  bool ended() const { return ended_ && given_ == buffer_.size(); }
  /// Until there may be more, `wake` was called, or that time has come.
  void wait(std::chrono::steady_clock::time_point until);
  /// From any thread: ends a wait, or the next one.
  void wake() const;
  /// The file, where it was begun, and how far it is; for the log.
  std::string version() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Identity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };

  FollowedFile(std::string name, const FollowTimes& times) : name_(std::move(name)), times_(times) {}
  Result<void> begin(std::uint32_t last);
  Result<std::string_view> next();
  Result<std::size_t> fill();
  Result<bool> turn_over();
  Result<void> change_over(int next);
  std::optional<Identity> named() const;
  void watch();
  void watch_file();
  bool drain();

  std::string name_;    ///< as the dataset has it
  std::string base_;    ///< in its folder
  FollowTimes times_;
  int folder_ = -1;
  int file_ = -1;
  int told_ = -1;       ///< inotify; none: it looks by itself
  int woken_ = -1;
  int of_folder_ = -1;  ///< its watches
  int of_file_ = -1;
  Identity identity_;
  std::uint64_t begun_ = 0;  ///< where, in the first file
  std::uint64_t at_ = 0;     ///< in this one
  std::uint64_t files_ = 1;
  std::uint64_t others_ = 0;  ///< how often the name became a file's since this one was opened, as far as was told
  bool untold_ = false;       ///< some changes were not told: how often is not known
  std::optional<Time> over_;  ///< the name is another file's, or none's: since when, or when this file last grew
  std::string buffer_;
  std::size_t given_ = 0;     ///< of it
  std::optional<Error> failed_;
  bool ended_ = false;
};

}  // namespace sluis::gate
