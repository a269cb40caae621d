#include "connector/identity/scheme.hpp"

#include <algorithm>

namespace sluis::identity {

std::string_view to_string(Assurance assurance) {
  switch (assurance) {
    case Assurance::organisation: return "organisation";
    case Assurance::written_down: return "written down";
  }
  return "none";
}

Result<http::Headers> MutualTls::credentials_for(const ParticipantId& peer, const MessageContext&) {
  SLUIS_CHECK(directory_.find(peer));
  return http::Headers();
}

Result<VerifiedPeer> MutualTls::verify(const http::Headers&, const http::TlsPeer& tls) {
  const Timestamp now = clock_.now();
  const auto list = directory_.list();
  SLUIS_TRY(PartyPtr party, directory_.party_by_certificate(tls, now));
  Timestamp expires = list ? list->valid_until : now;
  for (const CertificateRule& rule : party->certificates) {
    if (rule.window.holds(now) && rule.window.until) expires = std::min(expires, *rule.window.until);
  }
  return verified_peer(std::move(party), expires);
}

VerifiedPeer verified_peer(PartyPtr party, Timestamp expires) {
  VerifiedPeer peer;
  peer.participant = party->participant;
  peer.claims.push_back({"classOfRecipient", party->class_of_recipient, expires});
  if (!party->oin.empty()) peer.claims.push_back({"oin", party->oin, expires});
  peer.party = std::move(party);
  return peer;
}

}  // namespace sluis::identity
