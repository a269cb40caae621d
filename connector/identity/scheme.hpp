#pragma once

#include "connector/identity/directory.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluis::identity {

/// How well a caller is known.
enum class Assurance : std::uint8_t {
  organisation,  ///< a certificate of a listed issuer with the organisation's number, or a listed certificate
  written_down,  ///< a fixed value, which proves little
};
std::string_view to_string(Assurance assurance);

/// Something that was proved about a caller, for the policy.
struct ProvenClaim {
  std::string name;
  std::string value;
  Timestamp expires;
};

struct VerifiedPeer {
  ParticipantId participant;
  PartyPtr party;
  std::vector<ProvenClaim> claims;
  Assurance assurance = Assurance::organisation;
};
/// With the claims that the list makes about the party: `classOfRecipient`, and `oin` where there is one.
VerifiedPeer verified_peer(PartyPtr party, Timestamp expires);

/// A message that is about to be sent.
struct MessageContext {
  std::string_view method;
  std::string_view url;
  std::string_view body;
};

/// One way of saying and checking who sends a message (D12). Both may block (worker threads only). Thread-safe.
class Identity {
 public:
  virtual ~Identity() = default;
  /// The headers that say who we are. not_found: an unknown peer; peer_unavailable.
  virtual Result<http::Headers> credentials_for(const ParticipantId& peer, const MessageContext& message) = 0;
  /// unauthenticated, with the reason for the operator's log, never for the caller.
  virtual Result<VerifiedPeer> verify(const http::Headers& headers, const http::TlsPeer& tls) = 0;
};

/// Mutual TLS with certificates that the membership list names. It sends no headers: the connection says it.
class MutualTls final : public Identity {
 public:
  MutualTls(const Directory& directory, const Clock& clock) : directory_(directory), clock_(clock) {}
  Result<http::Headers> credentials_for(const ParticipantId& peer, const MessageContext& message) override;
  /// Claims end with the list or with the certificate's rule.
  Result<VerifiedPeer> verify(const http::Headers& headers, const http::TlsPeer& tls) override;

 private:
  const Directory& directory_;
  const Clock& clock_;
};

}  // namespace sluis::identity
