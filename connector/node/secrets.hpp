#pragma once

#include "connector/crypto/crypto.hpp"

#include <filesystem>

namespace sluis::node {

/// A file of mode 0600, as everything that is secret. permission_denied: others can read it.
Result<std::string> read_secret(const std::filesystem::path& path);
/// A private key, from such a file.
Result<crypto::Key> read_private_key(const std::filesystem::path& path);

/// The value of an Authorization header, from such a file: one line of printable characters. invalid_argument: it is none.
Result<std::string> read_credential(const std::filesystem::path& path);
/// The secret of a webhook, from such a file: `whsec_` and base64 of 24 to 64 bytes, which are given. invalid_argument: it is none.
Result<std::string> read_webhook_secret(const std::filesystem::path& path);

}  // namespace sluis::node
