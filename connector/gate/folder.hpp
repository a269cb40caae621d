#pragma once

#include "catalog/source.hpp"
#include "connector/gate/source.hpp"
#include "connector/gate/wanted.hpp"
#include "policy/minimise/csv.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace sluis::gate {

inline constexpr std::size_t kFolderNames = 65'536;  ///< in a folder, whether they fit or not
inline constexpr std::size_t kFolderFiles = 1000;    ///< of one release

/// Which names of a folder are wanted, both included; a name that begins with `to` is. Empty: no bound.
struct NameRange {
  std::string from;
  std::string to;
};
/// What a query says of it, with `from` and `to`. Nothing: it says something else.
std::optional<NameRange> name_range(std::string_view query);
/// Whether a name fits a pattern, in which `*` stands for any characters and `?` for one.
bool fits(std::string_view name, std::string_view pattern);

/// Files of a folder, one after another as though they were one: of CSV the later ones without their header, which must be
/// that of the first, and each with an end to its last line. All are pinned before the first is read; a change of one before
/// its end was read ends it with an error. One thread at a time.
class FolderSource final : public Source {
 public:
  /// not_found: no name is wanted and fits. limit_exceeded: too many are. invalid_state: more names than are looked at.
  /// invalid_argument: a name that fits is not UTF-8, or what fits are folders and the like, which are passed over else.
  /// Errors of FileSource::open for one that fits, so that a link among them is refused.
  static Result<std::unique_ptr<FolderSource>> open(const std::filesystem::path& root, const catalog::FolderSource& from,
                                                    const NameRange& names, const policy::CsvFormat& format);

  Result<std::string_view> read() override;
  /// The folder, the pattern, how many files, and a SHA-256 of their names and versions.
  std::string version() const override { return version_; }
  const std::vector<std::string>& files() const { return files_; }

 private:
  FolderSource(std::filesystem::path root, const policy::CsvFormat& format);
  Result<void> begin_file();
  Result<void> end_file();
  Result<std::string_view> taken(std::string_view block);
  std::size_t header_end(std::string_view block);

  std::filesystem::path root_;
  bool csv_;
  char quote_;
  std::vector<std::string> files_;     ///< relative to the root
  std::vector<std::string> versions_;
  std::string version_;
  std::optional<FileSource> now_;
  std::size_t next_ = 0;               ///< the one to open next
  std::string header_;                 ///< of the first file, without mark and line end
  std::string line_;                   ///< of this file's header, as far as it came
  bool in_header_ = false;
  bool fresh_ = false;                 ///< nothing of this file was read
  bool quoted_ = false;                ///< after the last byte, a quote is open
  bool line_quoted_ = false;
  char last_ = '\n';                  ///< of what was passed on
};

}  // namespace sluis::gate
