#include "connector/provenance/payload_keys.hpp"

#include "connector/base/bytes.hpp"
#include "connector/base/private_file.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/crypto/secret.hpp"
#include "connector/provenance/whole_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace sluis::provenance {
namespace {

// Versions of a record: version ‖ month ‖ (from 2 on) which of its keys (4) ‖ wrapped key ‖ payload.
constexpr char kFirstByNumber = 1;  ///< bound to the entry's number, under the month's first key
constexpr char kByCommitment = 2;
constexpr char kByNumber = 3;       ///< of version 1, wrapped again
constexpr std::size_t kMonthBytes = 7;  // 2026-11
constexpr std::size_t kKeyBytes = 32;

/// What a record of this version is bound to.
std::string bound_to(char version, const PayloadKeys::Owner& owner) {
  if (version == kByCommitment) return std::string(view(owner.commitment));
  std::string out;
  put_u64(out, owner.number);
  return out;
}

std::string month_of(Timestamp time) { return format_time(time).substr(0, kMonthBytes); }

/// What follows the name of the key.
std::string_view rest_of(std::string_view sealed) {
  return sealed.substr(1 + kMonthBytes + (sealed[0] == kFirstByNumber ? 0 : 4));
}

/// Into its place, where it stays until it is dropped; what it was read into is overwritten.
const std::string& remember(std::string& place, std::string& bytes) {
  place.assign(bytes, 0, kKeyBytes);
  crypto::keep_in_memory(place);
  crypto::wipe(bytes);
  return place;
}

Error file_error(const char* what, const std::filesystem::path& path) {
  return Error(ErrorCode::storage_unavailable, std::string("cannot ") + what + " the payload key `" + path.string() + "`: " + std::strerror(errno));
}

}  // namespace

std::string PayloadKeys::file(const Name& name) {
  return name.first + (name.second == 1 ? "" : "." + std::to_string(name.second)) + ".key";
}

Result<PayloadKeys::Name> PayloadKeys::name_of(std::string_view sealed) {
  const bool first = sealed.size() > 1 + kMonthBytes && sealed[0] == kFirstByNumber;
  const bool later = sealed.size() > 1 + kMonthBytes + 4 && (sealed[0] == kByCommitment || sealed[0] == kByNumber);
  if (!first && !later) return Error(ErrorCode::corruption, "a payload record of an unknown version");
  return Name(sealed.substr(1, kMonthBytes), first ? 1 : get_u32(sealed, 1 + kMonthBytes));
}

Result<std::string> PayloadKeys::file_of(std::string_view sealed) {
  SLUIS_TRY(const Name name, name_of(sealed));
  return file(name);
}

/// Oldest first.
Result<std::vector<std::string>> PayloadKeys::files_of_month(const std::string& month) const {
  std::vector<Name> found;
  std::error_code ec;
  auto at = std::filesystem::directory_iterator(folder_, ec);
  if (ec == std::errc::no_such_file_or_directory) return std::vector<std::string>{};
  for (; !ec && at != std::filesystem::directory_iterator(); at.increment(ec)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with(month) || !name.ends_with(".key")) continue;
    const std::string_view which = std::string_view(name).substr(kMonthBytes, name.size() - kMonthBytes - 4);
    std::uint32_t number = 1;
    if (!which.empty() && std::from_chars(which.data() + 1, which.data() + which.size(), number).ptr != which.data() + which.size()) continue;
    if (const Name one(month, number); file(one) == name) found.push_back(one);
  }
  if (ec) return Error(ErrorCode::storage_unavailable, "cannot read `" + folder_.string() + "`: " + ec.message());
  std::sort(found.begin(), found.end());
  std::vector<std::string> files;
  for (const Name& one : found) files.push_back(file(one));
  return files;
}

/// Needs the lock.
Result<std::uint32_t> PayloadKeys::newest(const std::string& month) {
  if (const auto found = newest_.find(month); found != newest_.end()) return found->second;
  SLUIS_TRY(const std::vector<std::string> files, files_of_month(month));
  std::uint32_t number = 1;
  while (!files.empty() && file({month, number}) != files.back()) ++number;
  return newest_[month] = number;
}

/// Needs the lock.
Result<std::string> PayloadKeys::key(const Name& name, bool make) {
  if (const auto found = keys_.find(name); found != keys_.end()) return found->second;
  const std::filesystem::path path = folder_ / file(name);
  SLUIS_CHECK(check_private_folder(folder_));
  SLUIS_CHECK(check_private_file(path));
  const int opened = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (opened >= 0) {
    std::string bytes(kKeyBytes + 1, '\0');
    const ssize_t got = ::read(opened, bytes.data(), bytes.size());
    ::close(opened);
    if (got != static_cast<ssize_t>(kKeyBytes)) {
      return Error(ErrorCode::corruption, "the payload key `" + path.string() + "` is not 32 bytes");
    }
    return remember(keys_[name], bytes);
  }
  if (errno != ENOENT) return file_error("read", path);
  if (!make) return Error(ErrorCode::not_found, "the payload key `" + file(name) + "` is gone: what it sealed is erased");
  std::error_code ec;
  if (std::filesystem::create_directories(folder_, ec)) std::filesystem::permissions(folder_, std::filesystem::perms::owner_all, ec);
  std::string fresh = random_.bytes(kKeyBytes);
  SLUIS_CHECK(write_whole_file(path, fresh, 0600));
  return remember(keys_[name], fresh);
}

Result<std::string> PayloadKeys::seal(std::string_view payload, const Hash& commitment, Timestamp recorded, Random& random) {
  Name name(month_of(recorded), 1);
  std::string wrapping;
  {
    const std::lock_guard lock(mutex_);
    SLUIS_TRY(name.second, newest(name.first));
    SLUIS_TRY(wrapping, key(name, true));
  }
  const std::string own = random.bytes(kKeyBytes);
  const std::string bound(view(commitment));
  std::string out(1, kByCommitment);
  out += name.first;
  put_u32(out, name.second);
  put_sized(out, crypto::seal(random, wrapping, own, bound));
  out += crypto::seal(random, own, payload, bound);
  return out;
}

Result<std::string> PayloadKeys::unseal(std::string_view sealed, const Owner& owner) {
  SLUIS_TRY(const Name name, name_of(sealed));
  std::string wrapping;
  {
    const std::lock_guard lock(mutex_);
    SLUIS_TRY(wrapping, key(name, false));
  }
  std::string_view rest = rest_of(sealed);
  SLUIS_TRY(const std::string_view own_wrapped, take_sized(rest));
  const std::string bound = bound_to(sealed[0], owner);
  SLUIS_TRY(const std::string own, crypto::unseal(wrapping, own_wrapped, bound));
  return crypto::unseal(own, rest, bound);
}

Result<std::vector<std::string>> PayloadKeys::older(const std::string& month) {
  const std::lock_guard lock(mutex_);
  SLUIS_TRY(const std::uint32_t number, newest(month));
  std::vector<std::string> files;
  for (std::uint32_t one = 1; one < number; ++one) files.push_back(file({month, one}));
  return files;
}

Result<void> PayloadKeys::begin_next(const std::string& month) {
  const std::lock_guard lock(mutex_);
  SLUIS_TRY(const std::uint32_t before, newest(month));
  SLUIS_CHECK(key({month, before + 1}, true));
  newest_[month] = before + 1;
  ++epoch_;
  return {};
}

Result<std::optional<std::string>> PayloadKeys::rewrap(std::string_view sealed, const Owner& owner) {
  SLUIS_TRY(Name name, name_of(sealed));
  std::string before, after;
  {
    const std::lock_guard lock(mutex_);
    SLUIS_TRY(const std::uint32_t number, newest(name.first));
    if (number == name.second) return std::optional<std::string>();
    SLUIS_TRY(before, key(name, false));
    name.second = number;
    SLUIS_TRY(after, key(name, false));
  }
  std::string_view rest = rest_of(sealed);
  SLUIS_TRY(const std::string_view own_wrapped, take_sized(rest));
  const std::string bound = bound_to(sealed[0], owner);
  SLUIS_TRY(const std::string own, crypto::unseal(before, own_wrapped, bound));
  std::string out(1, sealed[0] == kByCommitment ? kByCommitment : kByNumber);
  out += name.first;
  put_u32(out, name.second);
  put_sized(out, crypto::seal(random_, after, own, bound));
  out += rest;
  return std::optional(std::move(out));
}

Result<void> PayloadKeys::drop(const std::string& file_name) {
  const std::lock_guard lock(mutex_);
  SLUIS_CHECK(drop(folder_ / file_name));
  for (auto one = keys_.begin(); one != keys_.end();) {
    const bool goes = file(one->first) == file_name;
    if (goes) crypto::wipe(one->second);
    one = goes ? keys_.erase(one) : std::next(one);
  }
  return {};
}

/// Written over in place, so that on an ordinary disk the bytes themselves go; then the name.
Result<void> PayloadKeys::drop(const std::filesystem::path& path) {
  const int opened = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (opened < 0 && errno == ENOENT) return {};
  if (opened < 0) return file_error("erase", path);
  const std::string nothing(kKeyBytes, '\0');
  const bool over = ::pwrite(opened, nothing.data(), nothing.size(), 0) == static_cast<ssize_t>(nothing.size()) && ::fsync(opened) == 0;
  ::close(opened);
  if (!over || ::unlink(path.c_str()) != 0) return file_error("erase", path);
  const int folder = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = folder >= 0 && ::fsync(folder) == 0;
  if (folder >= 0) ::close(folder);
  if (!synced) return file_error("erase", path);
  return {};
}

}  // namespace sluis::provenance
