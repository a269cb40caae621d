#include "connector/node/secrets.hpp"

#include "certs/authority.hpp"
#include "connector/base/private_file.hpp"
#include "connector/crypto/secret.hpp"

#include <algorithm>

namespace sluis::node {

Result<std::string> read_secret(const std::filesystem::path& path) {
  SLUIS_CHECK(check_private_file(path));
  return certs::read_file(path);
}

Result<crypto::Key> read_private_key(const std::filesystem::path& path) {
  SLUIS_TRY(std::string pem, read_secret(path));
  auto key = crypto::Key::from_pem(pem);
  crypto::wipe(pem);
  return key;
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
