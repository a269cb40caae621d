#include "connector/provenance/payload_keys.hpp"

#include "connector/base/bytes.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/provenance/whole_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluis::provenance {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kMonthBytes = 7;  // 2026-11
constexpr std::size_t kKeyBytes = 32;

std::string bound_to(std::uint64_t index) {
  std::string out;
  put_u64(out, index);
  return out;
}

}  // namespace

Result<std::string> PayloadKeys::key(const std::string& month, bool make) {
  const std::lock_guard lock(mutex_);
  if (const auto found = keys_.find(month); found != keys_.end()) return found->second;
  const std::filesystem::path path = folder_ / (month + ".key");
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    std::string bytes(kKeyBytes + 1, '\0');
    const ssize_t got = ::read(file, bytes.data(), bytes.size());
    ::close(file);
    if (got != static_cast<ssize_t>(kKeyBytes)) {
      return Error(ErrorCode::corruption, "the payload key `" + path.string() + "` is not 32 bytes");
    }
    bytes.resize(kKeyBytes);
    return keys_[month] = bytes;
  }
  if (errno != ENOENT) {
    return Error(ErrorCode::storage_unavailable, "cannot read the payload key `" + path.string() + "`: " + std::strerror(errno));
  }
  if (!make) return Error(ErrorCode::not_found, "the payload key of `" + month + "` is gone: what it sealed is erased");
  std::error_code ec;
  std::filesystem::create_directories(folder_, ec);
  const std::string fresh = random_.bytes(kKeyBytes);
  SLUIS_CHECK(write_whole_file(path, fresh, 0600));
  return keys_[month] = fresh;
}

Result<std::string> PayloadKeys::seal(std::string_view payload, std::uint64_t index, Timestamp recorded,
                                      Random& random) {
  const std::string month = format_time(recorded).substr(0, kMonthBytes);
  SLUIS_TRY(const std::string wrapping, key(month, true));
  const std::string own = random.bytes(kKeyBytes);
  std::string out(1, kVersion);
  out += month;
  put_sized(out, crypto::seal(random, wrapping, own, bound_to(index)));
  out += crypto::seal(random, own, payload, bound_to(index));
  return out;
}

Result<std::string> PayloadKeys::unseal(std::string_view sealed, std::uint64_t index) {
  if (sealed.size() < 1 + kMonthBytes || sealed[0] != kVersion) {
    return Error(ErrorCode::corruption, "a payload record of an unknown version");
  }
  SLUIS_TRY(const std::string wrapping, key(std::string(sealed.substr(1, kMonthBytes)), false));
  std::string_view rest = sealed.substr(1 + kMonthBytes);
  SLUIS_TRY(const std::string_view wrapped, take_sized(rest));
  SLUIS_TRY(const std::string own, crypto::unseal(wrapping, wrapped, bound_to(index)));
  return crypto::unseal(own, rest, bound_to(index));
}

}  // namespace sluis::provenance
