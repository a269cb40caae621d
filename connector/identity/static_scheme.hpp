#pragma once

#include "connector/identity/scheme.hpp"

namespace sluis::identity {

/// Fixed values of the header `Authorization`, as two parties wrote them down. Proves little: whoever has read a value may use it. For
/// conformance kits and the mock identities of peers, on one machine.
struct StaticValues {
  struct Inbound {
    std::string authorization;  ///< as a whole, whatever its form: `Bearer …`, or a JSON text
    ParticipantId party;        ///< that is meant by it
  };
  struct Outbound {
    ParticipantId party;        ///< to whom it is sent
    std::string audience;       ///< the beginning of its addresses, up to a `/`; empty: all that have none of their own
    std::string authorization;
  };
  std::vector<Inbound> inbound;
  std::vector<Outbound> outbound;

  /// A TOML file of `[[inbound]]` and `[[outbound]]`. invalid_argument with file, line and column: a value that is no header's, one value
  /// for two parties, two values for one party and audience, an audience that is not on this machine.
  static Result<StaticValues> parse(std::string_view text, const std::string& file);
};

/// Scheme `static`: a caller is who its `Authorization` stands for, if the membership list has that party. Nothing is sent to an address
/// that is not on this machine (permission_denied).
class StaticScheme final : public Identity {
 public:
  StaticScheme(StaticValues values, const Directory& directory) : values_(std::move(values)), directory_(directory) {}
  Result<http::Headers> credentials_for(const ParticipantId& peer, const MessageContext& message) override;
  Result<VerifiedPeer> verify(const http::Headers& headers, const http::TlsPeer& tls) override;

 private:
  const StaticValues values_;
  const Directory& directory_;
};

}  // namespace sluis::identity
