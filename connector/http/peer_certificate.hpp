#pragma once

#include "connector/crypto/x509.hpp"
#include "connector/http/port.hpp"

namespace sluis::http {

/// What the node keeps of a caller's certificate for as long as its connection lives. `authorities`: above it.
inline std::shared_ptr<const PeerCertificate> peer_certificate(const crypto::Certificate& certificate, std::vector<std::shared_ptr<const x509_st>> authorities = {}) {
  authorities.insert(authorities.begin(), certificate.shared());
  return std::make_shared<const PeerCertificate>(PeerCertificate{to_hex(certificate.fingerprint()), certificate.oin(),
                                                                 certificate.issuer_name(), certificate.not_before(),
                                                                 certificate.not_after(), std::move(authorities)});
}

}  // namespace sluis::http
