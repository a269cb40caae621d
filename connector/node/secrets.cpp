#include "connector/node/secrets.hpp"

#include "certs/authority.hpp"

#include <sys/stat.h>

namespace sluis::node {

Result<std::string> read_secret(const std::filesystem::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 077U) != 0) {
    return Error(ErrorCode::permission_denied, "others can read the secret `" + path.string() + "`")
        .mended_by("chmod 600 it, and think about who may have read it");
  }
  return certs::read_file(path);
}

Result<crypto::Key> read_private_key(const std::filesystem::path& path) {
  SLUIS_TRY(const std::string pem, read_secret(path));
  return crypto::Key::from_pem(pem);
}

}  // namespace sluis::node
