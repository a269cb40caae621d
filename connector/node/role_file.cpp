#include "connector/node/role_file.hpp"

#include "certs/authority.hpp"
#include "connector/base/log.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sluis::node {
namespace {

constexpr std::chrono::milliseconds kTick{50};

}  // namespace

Result<RoleFile::Version> RoleFile::version() const {
  struct stat info{};
  if (::stat(file_.c_str(), &info) != 0) {
    return Error(ErrorCode::not_found, "`" + file_.string() + "`: " + std::strerror(errno));
  }
  return Version{static_cast<std::int64_t>(info.st_dev), static_cast<std::int64_t>(info.st_ino), info.st_size,
                 info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec};
}

Result<std::shared_ptr<const identity::Roles>> RoleFile::current() {
  // Of the last change of anything: another owner or mode counts too, and nobody can set that time back. Taken before the file
  // is read: what is written meanwhile gives another version, and it is read again.
  SLUIS_TRY(const Version now, version());
  const std::lock_guard lock(mutex_);
  if (now == read_) return held_;
  const bool first = read_ == Version{};
  const auto text = certs::read_file(file_);
  if (!text) {  // perhaps in a moment
    if (!std::exchange(unreadable_, true)) {
      log::error("nobody has a role: the file cannot be read", {{"what", describe(text.error())}});
    }
    return text.error();
  }
  unreadable_ = false;
  // The system counts such times in ticks: what was changed just now may change again within the same one.
  const Timestamp changed{Duration(now[3] / 1000)};
  if (SystemClock().now() - changed > kTick) read_ = now;
  held_ = [&]() -> Result<std::shared_ptr<const identity::Roles>> {
    SLUIS_TRY(identity::Roles roles, identity::Roles::parse(*text, file_.string()));
    return std::make_shared<const identity::Roles>(std::move(roles));
  }();
  if (!held_) {
    log::error("nobody has a role: the file is not in order", {{"what", describe(held_.error())}});
  } else if (!first && read_ == now) {
    log::info("the roles' file was read again", {{"file", file_.string()}});
  }
  return held_;
}

}  // namespace sluis::node
