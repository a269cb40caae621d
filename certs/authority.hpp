#pragma once

#include "connector/crypto/x509.hpp"

#include <filesystem>

/// A development authority in the shape of PKIoverheid: a root, an intermediate, and leaves with an organisation's number.
/// Made on the spot; no private key is ever committed. Not for production.
namespace sluis::certs {

struct Leaf {
  std::string chain_pem;  ///< the leaf, then the intermediate
  std::string key_pem;
};

/// Makes `root.pem`, `intermediate.pem` and their keys (0600) in a new or empty folder.
Result<void> make_authority(const std::filesystem::path& folder, Timestamp from, Timestamp until, Random& random);

/// A leaf for client and server, signed by the folder's intermediate. `request.authority` is ignored.
Result<Leaf> issue(const std::filesystem::path& folder, crypto::CertificateRequest request, Random& random);

/// Makes a file that did not exist, 0600, with just these bytes, synced.
Result<void> write_secret(const std::filesystem::path& path, std::string_view bytes);
/// The same, 0644, for what everybody may read.
Result<void> write_public(const std::filesystem::path& path, std::string_view bytes);
Result<std::string> read_file(const std::filesystem::path& path);

}  // namespace sluis::certs
