#include "connector/node/role_file.hpp"

#include "certs/authority.hpp"
#include "connector/base/log.hpp"

#include <utility>

namespace sluis::node {

Result<std::shared_ptr<const identity::Roles>> RoleFile::current() {
  SLUIS_TRY(const FileVersion now, file_version(file_));
  const std::lock_guard lock(mutex_);
  if (now == read_) return held_;
  const bool first = read_ == FileVersion{};
  const auto text = certs::read_file(file_);
  if (!text) {  // perhaps in a moment
    if (!std::exchange(unreadable_, true)) {
      log::error("nobody has a role: the file cannot be read", {{"what", describe(text.error())}});
    }
    return text.error();
  }
  unreadable_ = false;
  if (is_settled(now, SystemClock().now())) read_ = now;
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
