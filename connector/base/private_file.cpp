#include "connector/base/private_file.hpp"

#include <sys/stat.h>

namespace sluis {

Result<void> check_private_file(const std::filesystem::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || (info.st_mode & 077U) == 0) return {};
  return Error(ErrorCode::permission_denied, "others can read the secret `" + path.string() + "`").mended_by("chmod 600 it, and think about who may have read it");
}

Result<void> check_private_folder(const std::filesystem::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || (info.st_mode & 022U) == 0) return {};
  return Error(ErrorCode::permission_denied, "others can put keys in the folder `" + path.string() + "`").mended_by("chmod 700 it, and see that each file in it is yours");
}

}  // namespace sluis
