#pragma once

#include "connector/base/file_version.hpp"
#include "connector/identity/roles.hpp"

#include <memory>
#include <mutex>

namespace sluis::node {

/// The roles' file as it stands: read again once it was changed, so that who is put out of it is out at the next call.
/// Thread-safe.
class RoleFile {
 public:
  explicit RoleFile(std::filesystem::path file) : file_(std::move(file)) {}

  /// Whom the file names now. Refused where it cannot be read or is not in order: nobody has a role then.
  Result<std::shared_ptr<const identity::Roles>> current();

 private:
  std::filesystem::path file_;
  std::mutex mutex_;
  FileVersion read_{};
  bool unreadable_ = false;
  Result<std::shared_ptr<const identity::Roles>> held_ = Error(ErrorCode::not_found, "the roles' file was not read yet");
};

}  // namespace sluis::node
