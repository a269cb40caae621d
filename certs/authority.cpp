#include "certs/authority.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluis::certs {
namespace {

constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-*:";

Result<void> write_new(const std::filesystem::path& path, std::string_view bytes, mode_t mode) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (file < 0) {
    return Error(ErrorCode::storage_unavailable, "cannot make `" + path.string() + "`: " + std::strerror(errno));
  }
  bool good = true;
  for (std::size_t done = 0; good && done < bytes.size();) {
    const ssize_t wrote = ::write(file, bytes.data() + done, bytes.size() - done);
    good = wrote > 0;
    if (good) done += static_cast<std::size_t>(wrote);
  }
  good = good && ::fsync(file) == 0;
  ::close(file);
  if (!good) return Error(ErrorCode::storage_unavailable, "cannot write `" + path.string() + "`: " + std::strerror(errno));
  return {};
}

crypto::CertificateRequest authority_request(std::string name, Timestamp from, Timestamp until) {
  crypto::CertificateRequest request;
  request.organisation = "Sluis development";
  request.common_name = std::move(name);
  request.from = from;
  request.until = until;
  request.authority = true;
  return request;
}

}  // namespace

Result<void> write_secret(const std::filesystem::path& path, std::string_view bytes) { return write_new(path, bytes, 0600); }
Result<void> write_public(const std::filesystem::path& path, std::string_view bytes) { return write_new(path, bytes, 0644); }

Result<std::string> read_file(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const auto failed = [&] {
    return Error(errno == ENOENT ? ErrorCode::not_found : ErrorCode::storage_unavailable,
                 "cannot read `" + path.string() + "`: " + std::strerror(errno));
  };
  if (file < 0) return failed();
  std::string bytes;
  char chunk[16U << 10U];
  ssize_t got = 0;
  while ((got = ::read(file, chunk, sizeof chunk)) > 0) bytes.append(chunk, static_cast<std::size_t>(got));
  const Error error = failed();
  ::close(file);
  if (got < 0) return error;
  return bytes;
}

Result<void> make_authority(const std::filesystem::path& folder, Timestamp from, Timestamp until, Random& random) {
  std::error_code ec;
  std::filesystem::create_directories(folder, ec);
  const auto root_key = crypto::Key::generate(crypto::Key::Kind::p256);
  const auto root = crypto::issue_certificate(authority_request("Sluis development root", from, until), root_key, nullptr,
                                              root_key, random);
  const auto key = crypto::Key::generate(crypto::Key::Kind::p256);
  const auto intermediate = crypto::issue_certificate(authority_request("Sluis development services", from, until), key,
                                                      &root, root_key, random);
  SLUIS_CHECK(write_secret(folder / "root.key", root_key.private_pem()));
  SLUIS_CHECK(write_secret(folder / "intermediate.key", key.private_pem()));
  SLUIS_CHECK(write_public(folder / "intermediate.pem", intermediate.pem()));
  return write_public(folder / "root.pem", root.pem());
}

Result<Leaf> issue(const std::filesystem::path& folder, crypto::CertificateRequest request, Random& random) {
  SLUIS_TRY(const std::string issuer_pem, read_file(folder / "intermediate.pem"));
  SLUIS_TRY(const crypto::Certificate issuer, crypto::Certificate::from_pem(issuer_pem));
  SLUIS_TRY(const std::string key_pem, read_file(folder / "intermediate.key"));
  SLUIS_TRY(const crypto::Key issuer_key, crypto::Key::from_pem(key_pem));
  request.authority = false;
  for (const std::string& name : request.dns_names) {
    if (name.empty() || name.size() > 253 || name.find_first_not_of(kNameCharacters) != std::string::npos) {
      return Error(ErrorCode::invalid_argument, "`" + name + "` is no name or address for a certificate")
          .mended_by("write a host name or an IP address");
    }
  }
  if (request.until <= request.from) return Error(ErrorCode::invalid_argument, "the certificate would end before it begins");
  const auto key = crypto::Key::generate(crypto::Key::Kind::p256);
  const auto leaf = crypto::issue_certificate(request, key, &issuer, issuer_key, random);
  return Leaf{leaf.pem() + issuer.pem(), key.private_pem()};
}

}  // namespace sluis::certs
