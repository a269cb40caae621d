#include "connector/node/secrets.hpp"

#include "certs/authority.hpp"

#include <sys/stat.h>

#include <algorithm>

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

Result<std::string> read_credential(const std::filesystem::path& path) {
  SLUIS_TRY(std::string text, read_secret(path));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 127; });
  if (text.empty() || !printable) {
    return Error(ErrorCode::invalid_argument, "`" + path.string() + "` holds no credential: it is one line of printable characters")
        .mended_by("write the whole value of the Authorization header, as `Bearer …`");
  }
  return text;
}

Result<std::string> read_webhook_secret(const std::filesystem::path& path) {
  constexpr std::string_view kPrefix = "whsec_";
  SLUIS_TRY(const std::string text, read_credential(path));
  const auto bytes = text.starts_with(kPrefix) ? from_base64(text.substr(kPrefix.size())) : Result<std::string>(Error(ErrorCode::invalid_argument, ""));
  if (!bytes || bytes->size() < 24 || bytes->size() > 64) {
    return Error(ErrorCode::invalid_argument, "`" + path.string() + "` holds no secret of a webhook: `whsec_` and base64 of 24 to 64 bytes")
        .mended_by("(umask 077; echo \"whsec_$(openssl rand -base64 32)\" > " + path.string() + ")");
  }
  return *bytes;
}

}  // namespace sluis::node
