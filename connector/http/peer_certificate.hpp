#pragma once

#include "connector/crypto/x509.hpp"
#include "connector/http/port.hpp"

namespace sluis::http {

/// What the node keeps of a caller's certificate for as long as its connection lives.
inline std::shared_ptr<const PeerCertificate> peer_certificate(const crypto::Certificate& certificate) {
  return std::make_shared<const PeerCertificate>(PeerCertificate{to_hex(certificate.fingerprint()), certificate.oin(),
                                                                 certificate.issuer_name(), certificate.not_before(),
                                                                 certificate.not_after()});
}

}  // namespace sluis::http
