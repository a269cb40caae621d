#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/time.hpp"
#include "connector/crypto/crypto.hpp"

#include <memory>
#include <string>
#include <vector>

struct x509_st;

/// X.509 certificates with an organisation's number, as PKIoverheid has them (OIN in `subject.serialNumber`).
namespace sluis::crypto {

/// A certificate. Copies share it. Thread-safe.
class Certificate {
 public:
  static Result<Certificate> from_pem(std::string_view pem);
  static Result<Certificate> from_der(std::string_view der);
  /// Takes over the reference that the caller holds, in every case.
  static Result<Certificate> adopt(x509_st* x509) { return wrap(x509, "not a certificate"); }

  std::string der() const;
  std::string pem() const;
  Hash fingerprint() const { return sha256(der()); }
  /// The subject's and the issuer's entries; empty where there is none, or more than one.
  std::string common_name() const;
  std::string organisation() const;
  std::string oin() const;
  std::string issuer_name() const;
  /// Subject alternative names: DNS names as written, addresses in their usual text.
  std::vector<std::string> dns_names() const;
  std::vector<std::string> addresses() const;
  /// Whether the extended key usage names it. No such extension: neither.
  bool for_client() const;
  bool for_server() const;
  /// The subject's key; invalid_argument for algorithms that this node does not use.
  Result<Key> public_key() const;
  /// SubjectPublicKeyInfo, DER.
  std::string spki() const;
  Timestamp not_before() const;
  Timestamp not_after() const;
  x509_st* native() const { return x509_.get(); }
  std::shared_ptr<const x509_st> shared() const { return x509_; }

 private:
  explicit Certificate(std::shared_ptr<x509_st> x509) : x509_(std::move(x509)) {}
  static Result<Certificate> wrap(x509_st* x509, const char* form);
  std::shared_ptr<x509_st> x509_;
};

/// All certificates of a PEM text, in their order.
Result<std::vector<Certificate>> certificates_from_pem(std::string_view pem);

enum class CertificateUse { client, server };
/// permission_denied with the reason: expired, not yet valid, unsuitable purpose, untrusted root, unknown issuer, …; each
/// has its own text. `at` alone decides on validity.
Result<void> verify_chain(const Certificate& leaf, const std::vector<Certificate>& intermediates,
                          const std::vector<Certificate>& roots, CertificateUse use, Timestamp at);

/// What a new certificate shall say.
struct CertificateRequest {
  std::string organisation;
  std::string common_name;
  std::string oin;                     ///< empty: no serialNumber in the subject
  std::vector<std::string> dns_names;  ///< an IP address goes in as an address
  Timestamp from;
  Timestamp until;
  bool authority = false;
  bool client = true;
  bool server = true;
};
/// `issuer` null: signed by itself.
Certificate issue_certificate(const CertificateRequest& request, const Key& subject_key, const Certificate* issuer,
                              const Key& issuer_key, Random& random);

}  // namespace sluis::crypto
