#pragma once

#include "connector/base/file_version.hpp"
#include "connector/crypto/crl.hpp"
#include "connector/http/port.hpp"
#include "connector/identity/list_sources.hpp"

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace sluis::node {

/// The lists of revoked certificates that `crl` of [tls] names, as the file stands. New connections and requests are judged by TLS itself, which
/// reads the same file; this is for what runs, and for lists that are fetched. Thread-safe.
class RevocationFile {
 public:
  struct Files {
    std::filesystem::path lists;
    std::filesystem::path roots;
    std::filesystem::path chain;  ///< the node's own certificate, with the authorities above it
  };
  explicit RevocationFile(Files files) : files_(std::move(files)) {}

  /// Whether the file has other lists than when this was asked last. One that cannot be used changes nothing: TLS tells why.
  bool look();
  /// Names what the file holds; empty: it cannot be read.
  std::string held();
  /// permission_denied, with the reason: a list has it, or an authority above it, and not only because another took its place
  /// (`superseded`): with such a one nothing new begins, and what runs goes on, so that a certificate is renewed in mid-transfer (D27).
  Result<void> still_good(const http::PeerCertificate& certificate);

  /// Takes over those of the lists that are newer than the file's, each by itself: signed by an authority that `roots` or the node's own
  /// chain has and that leads to a root, of now, with an end, and neither of an earlier number nor of an earlier time. The file is replaced
  /// whole. What became of the worst of them is the answer.
  identity::Judged take(std::string_view bytes, Timestamp now);

  static constexpr std::size_t kMostBytes = 16U << 20U;  ///< of the file

 private:
  void refresh();  ///< under mutex_
  const Files files_;
  std::mutex mutex_;
  FileVersion read_{};
  std::string digest_;
  std::string seen_;  ///< by `look`
  std::vector<crypto::RevocationList> lists_;
};

}  // namespace sluis::node
