#pragma once

#include "certs/authority.hpp"
#include "connector/crypto/x509.hpp"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string>
#include <vector>

namespace sluis::test {

/// The list of an authority (`authority`: the path of its files without .pem and .key), with these certificates in it: good from an hour before `now`.
inline std::string revocation_list(const std::string& authority, const std::vector<std::string>& revoked, Timestamp now, Duration until) {
  const auto at = [](Timestamp time) { return ASN1_TIME_set(nullptr, std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count()); };
  X509_CRL* list = X509_CRL_new();
  const auto issuer = crypto::Certificate::from_pem(*certs::read_file(authority + ".pem"));
  X509_CRL_set_version(list, 1);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->native()));
  ASN1_TIME* from = at(now - std::chrono::hours(1));
  ASN1_TIME* to = at(now + until);
  X509_CRL_set1_lastUpdate(list, from);
  X509_CRL_set1_nextUpdate(list, to);
  for (const std::string& pem : revoked) {
    X509_REVOKED* one = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(one, X509_get_serialNumber(crypto::Certificate::from_pem(pem)->native()));
    X509_REVOKED_set_revocationDate(one, from);
    X509_CRL_add0_revoked(list, one);
  }
  BIO* in = BIO_new_file((authority + ".key").c_str(), "r");
  EVP_PKEY* key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  X509_CRL_sign(list, key, EVP_sha256());
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_X509_CRL(out, list);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(out);
  BIO_free(in);
  EVP_PKEY_free(key);
  ASN1_TIME_free(from);
  ASN1_TIME_free(to);
  X509_CRL_free(list);
  return pem;
}

}  // namespace sluis::test
