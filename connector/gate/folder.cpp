#include "connector/gate/folder.hpp"

#include "connector/base/utf8.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/gate/reason.hpp"
#include "policy/minimise/limits.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sluis::gate {
namespace {

constexpr std::size_t kNameShown = 256;  ///< bytes of a name in an error
constexpr std::string_view kMark = "\xEF\xBB\xBF";

Error malformed(std::string message) { return {ErrorCode::invalid_argument, std::move(message)}; }

bool wanted(std::string_view name, const NameRange& names) {
  if (!names.from.empty() && name < names.from) return false;
  return names.to.empty() || name <= names.to || name.starts_with(names.to);
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

/// Whether it is neither a file nor a link. A link is not passed over: whoever put it there meant it to be read.
bool is_no_file(int folder, const dirent& one) {
  if (one.d_type != DT_UNKNOWN) return one.d_type != DT_REG && one.d_type != DT_LNK;
  struct stat found{};
  return ::fstatat(folder, one.d_name, &found, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(found.st_mode) && !S_ISLNK(found.st_mode);
}

/// Names that fit and are wanted, in their order. What is no file is passed over, unless nothing else fits.
Result<std::vector<std::string>> names_in(const std::filesystem::path& root, const catalog::FolderSource& from, const NameRange& names) {
  SLUIS_TRY(const int folder, open_folder(root, from.folder));
  DIR* list = ::fdopendir(folder);
  if (list == nullptr) return Error(ErrorCode::storage_unavailable, "the folder `" + from.folder + "` cannot be listed");
  std::vector<std::string> found;
  std::size_t seen = 0;
  std::string unreadable, no_file;
  const dirent* one = nullptr;
  while (errno = 0, (one = ::readdir(list)) != nullptr) {
    const std::string_view name = one->d_name;
    if (++seen > kFolderNames) break;
    if (name == "." || name == ".." || !fits(name, from.pattern) || !wanted(name, names)) continue;
    if (is_no_file(::dirfd(list), *one)) no_file = name;
    else if (!is_utf8(name)) unreadable = name;
    else found.emplace_back(name);
  }
  const bool failed = one == nullptr && errno != 0;
  ::closedir(list);
  if (failed) return Error(ErrorCode::storage_unavailable, "the folder `" + from.folder + "` cannot be listed");
  if (seen > kFolderNames) {
    return Error(ErrorCode::invalid_state, "the folder `" + from.folder + "` has more than " + std::to_string(kFolderNames) + " names")
        .mended_by("move what is not of this dataset elsewhere");
  }
  if (!unreadable.empty()) {  // the record names the files, in UTF-8
    return malformed("the name `" + valid_text(unreadable, kNameShown) + "` in the folder `" + from.folder + "` is not UTF-8").mended_by("rename the file");
  }
  if (found.empty() && !no_file.empty()) {
    return malformed("`" + from.folder + "/" + valid_text(no_file, kNameShown) + "` is not a regular file, and nothing else fits");
  }
  std::sort(found.begin(), found.end());
  if (from.choose == catalog::FolderSource::Choose::newest && !found.empty()) found.erase(found.begin(), found.end() - 1);
  return found;
}

}  // namespace

std::optional<NameRange> name_range(std::string_view query) {
  auto pairs = read_query(query);
  if (!pairs) return std::nullopt;
  NameRange range;
  for (auto& [key, value] : *pairs) {
    if ((key != "from" && key != "to") || value.empty()) return std::nullopt;
    (key == "from" ? range.from : range.to) = std::move(value);
  }
  return range;
}

bool fits(std::string_view name, std::string_view pattern) {
  std::size_t at = 0, star = std::string_view::npos, again = 0, p = 0;
  while (at < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      again = at;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[at])) {
      ++p;
      ++at;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      at = ++again;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

FolderSource::FolderSource(std::filesystem::path root, const policy::CsvFormat& format)
    : root_(std::move(root)), csv_(format.form == policy::Form::csv), quote_(format.quote) {}

Result<std::unique_ptr<FolderSource>> FolderSource::open(const std::filesystem::path& root, const catalog::FolderSource& from,
                                                         const NameRange& names, const policy::CsvFormat& format) {
  SLUIS_TRY(const std::vector<std::string> found, names_in(root, from, names));
  if (found.empty()) return Error(ErrorCode::not_found, "no file of `" + from.folder + "` is of this choice");
  if (found.size() > kFolderFiles) {
    return Error(ErrorCode::limit_exceeded, std::to_string(found.size()) + " files are of this choice, and " + std::to_string(kFolderFiles) +
                                                " is the most");
  }
  std::unique_ptr<FolderSource> source(new FolderSource(root, format));
  std::string all;
  for (const std::string& name : found) {
    source->files_.push_back(from.folder + "/" + name);
    SLUIS_TRY(const FileSource file, FileSource::open(root, source->files_.back()));
    source->versions_.push_back(file.version());
    put_sized(all, name);
    put_sized(all, source->versions_.back());
  }
  source->version_ = from.folder + "/" + from.pattern + " files=" + std::to_string(found.size()) + " first=" + found.front() +
                     " last=" + found.back() + " sha256=" + to_hex(crypto::sha256(all));
  return source;
}

Result<void> FolderSource::begin_file() {
  SLUIS_TRY(FileSource file, FileSource::open(root_, files_[next_]));
  if (file.version() != versions_[next_]) return Error(ErrorCode::invalid_state, "`" + files_[next_] + "` changed before it was read");
  now_ = std::move(file);
  in_header_ = csv_;
  fresh_ = true;
  quoted_ = line_quoted_ = false;
  line_.clear();
  return {};
}

Result<void> FolderSource::end_file() {
  if (in_header_ && next_ > 0 && line_ != header_) return malformed("a file of the folder has another header than the first");
  if (in_header_ && next_ == 0) header_ = line_;
  if (csv_ && fresh_) return malformed("a file of the folder has no header");
  if (quoted_) return malformed("a file of the folder ends within quotes");
  now_.reset();
  ++next_;
  return {};
}

/// Where the header ends in this block, after its line end; npos: further on. Takes it into `line_`.
std::size_t FolderSource::header_end(std::string_view block) {
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (quote_ != '\0' && block[i] == quote_) line_quoted_ = !line_quoted_;
    if (block[i] != '\n' || line_quoted_) continue;
    line_ += block.substr(0, i);
    return i + 1;
  }
  line_ += block;
  return std::string_view::npos;
}

/// What is passed on of a block: nothing of the header of a later file.
Result<std::string_view> FolderSource::taken(std::string_view block) {
  if (csv_ && quote_ != '\0' && std::count(block.begin(), block.end(), quote_) % 2 != 0) quoted_ = !quoted_;
  std::string_view rest = block;
  if (std::exchange(fresh_, false) && block.starts_with(kMark)) {
    block.remove_prefix(kMark.size());
    if (next_ > 0) rest = block;
  }
  if (!in_header_) return rest;
  const std::size_t end = header_end(block);
  if (line_.size() > policy::limits::kRowBytes) return malformed("the header of a file of the folder is too long");
  if (end == std::string_view::npos) return next_ > 0 ? std::string_view() : rest;
  in_header_ = false;
  if (line_.ends_with('\r')) line_.pop_back();
  if (next_ == 0) {
    header_ = std::move(line_);
    return rest;
  }
  if (line_ != header_) return malformed("a file of the folder has another header than the first");
  return block.substr(end);
}

Result<std::string_view> FolderSource::read() {
  while (next_ < files_.size()) {
    if (!now_) SLUIS_CHECK(begin_file());
    SLUIS_TRY(const std::string_view block, now_->read());
    if (block.empty()) {
      SLUIS_CHECK(end_file());
      if (std::exchange(last_, '\n') != '\n' && next_ < files_.size()) return std::string_view("\n");
      continue;
    }
    SLUIS_TRY(const std::string_view rest, taken(block));
    if (rest.empty()) continue;
    last_ = rest.back();
    return rest;
  }
  return std::string_view();
}

}  // namespace sluis::gate
