#pragma once

#include "connector/http/peer_certificate.hpp"
#include "connector/identity/directory.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

namespace sluis::identity::test {

inline Timestamp at(std::string_view text) { return *parse_time(text); }
inline const Timestamp kNow = at("2026-11-26T09:00:00Z");

/// A federation with two keepers and two parties.
struct Federation {
  crypto::Key keeper = crypto::Key::generate(crypto::Key::Kind::ed25519);
  crypto::Key second = crypto::Key::generate(crypto::Key::Kind::ed25519);
  crypto::Key claim = crypto::Key::generate(crypto::Key::Kind::p256);
  crypto::Key tls = crypto::Key::generate(crypto::Key::Kind::p256);
  sluis::test::SeededRandom random;
  crypto::Certificate by_hash = certificate("duinmeer.example", "00000099000000000002");
  crypto::Certificate by_number = certificate("waterrijk.example", "00000099000000000001");
  MembershipList list = make();

  crypto::Certificate certificate(const std::string& name, const std::string& oin) {
    crypto::CertificateRequest request;
    request.organisation = name;
    request.common_name = name;
    request.oin = oin;
    request.dns_names = {name};
    request.from = kNow - std::chrono::hours(24);
    request.until = kNow + std::chrono::hours(24 * 300);
    return crypto::issue_certificate(request, tls, nullptr, tls, random);
  }
  MembershipList make() {
    MembershipList made;
    made.version = 3;
    made.federation = "Waterland";
    made.issued = kNow - std::chrono::hours(1);
    made.refresh_after = kNow + std::chrono::hours(24 * 60);
    made.valid_until = kNow + std::chrono::hours(24 * 90);
    for (const crypto::Key& key : {keeper, second}) made.signers.push_back({key_id(key), key.public_raw()});
    const Window always{made.issued, {}};
    Party city;
    city.participant = ParticipantId("did:web:duinmeer.example");
    city.name = "Duinmeer";
    city.class_of_recipient = "municipality";
    city.endpoints = {{"https://duinmeer.example:8443/base", always}};
    city.certificates = {{to_hex(by_hash.fingerprint()), "", "", {made.issued, kNow + std::chrono::hours(10)}}};
    city.claim_keys = {{"k1", claim, always}};
    city.log_origins = {{"duinmeer.example/log", "duinmeer.example/log+abc+key", always}};
    city.evidence = true;
    city.oin = "00000099000000000002";
    Party other = city;
    other.participant = ParticipantId("did:web:waterrijk.example");
    other.name = "Waterrijk";
    other.endpoints = {{"https://waterrijk.example", always}};
    other.certificates = {{"", by_number.issuer_name(), by_number.oin(), always}};
    other.log_origins = {{"waterrijk.example/log", "waterrijk.example/log+abc+key", always}};
    made.parties = {city, other};
    return made;
  }
  std::string envelope(const MembershipList& of, std::vector<crypto::Key> keys) const {
    auto wrapped = wrap(of);
    EXPECT_TRUE(wrapped) << describe(wrapped.error());
    for (const crypto::Key& key : keys) EXPECT_TRUE(sign(*wrapped, key));
    return serialise(*wrapped);
  }
  std::string envelope() const { return envelope(list, {keeper}); }
};

inline http::TlsPeer presented(const crypto::Certificate& certificate) {
  return {http::peer_certificate(certificate), {}};
}

}  // namespace sluis::identity::test
