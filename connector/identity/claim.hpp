#pragma once

#include "connector/base/ids.hpp"
#include "connector/base/time.hpp"
#include "connector/crypto/crypto.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluis::identity {

inline constexpr std::string_view kClaimHeader = "sluis-claim";

/// What a consumer's node says with one data request (D15): a compact JWS (RFC 7515), ES256, with the header
/// `{"alg":"ES256","kid":…,"typ":"sluis-claim+jwt"}` and nothing else.
/// Legal bases in one claim, at most.
inline constexpr std::size_t kClaimBases = 16;

/// What a party's own register says of the processing activity that it names.
struct ActivitySays {
  std::vector<std::string> legal_basis;  ///< IRIs of DPV
  std::string impact_assessment;         ///< which data protection impact assessment (GDPR art. 35); empty: none

  bool operator==(const ActivitySays&) const = default;
};

struct Claim {
  ParticipantId iss;
  ParticipantId aud;
  AgreementId agreement;
  ProcessId transfer;         ///< the consumer's or provider's pid, as the gate knows it
  TransactionId transaction;
  std::string purpose;        ///< IRI
  std::string activity;       ///< URI of the processing activity; empty: none stated
  ActivitySays says{};        ///< of the activity
  Timestamp iat{};            ///< whole seconds
  std::string jti;
  std::string method;
  std::string path;           ///< with query, as sent
  std::string checkpoint;     ///< the consumer's own newest signed checkpoint; empty: it has none
};

/// The header's value. `key` is a private P-256 key that the membership list has under `kid`.
std::string make_claim(const Claim& claim, std::string_view kid, const crypto::Key& key);

enum class ClaimFault : std::uint8_t {
  none, malformed, header, unknown_key, signature, payload, issuer, audience, agreement, transfer, method, path,
  too_old, from_future,
};
/// Stable: `claim.malformed`, `claim.header`, …; `claim.none` is no fault.
std::string_view to_string(ClaimFault fault);

/// What the claim has to say to be taken.
struct ClaimExpected {
  ParticipantId iss;          ///< whose certificate came with the request
  ParticipantId aud;          ///< this node
  AgreementId agreement;
  ProcessId transfer;
  std::string_view method;
  std::string_view path;      ///< with query, as received
  Timestamp now;
  ProcessId transfer_there = {};  ///< the other side's pid of it, which may be named in its place; empty: none
};

struct ClaimCheck {
  ClaimFault fault = ClaimFault::malformed;
  std::string detail;          ///< for the log; never for the caller
  std::optional<Claim> claim;  ///< there as soon as the signature is right, even when something else is not
  bool ok() const { return fault == ClaimFault::none; }
};

/// Finds a claim key of a party by its `kid`, valid now.
using ClaimKeyLookup = std::function<Result<crypto::Key>(const ParticipantId&, std::string_view kid)>;

/// Checks form, key, signature, then each member. Accepted for kClaimAge and at most kSkew more, and from kSkew before
/// its time. Replay is for the caller: a commit with the precondition that `replay_key` is absent, kept kReplayKept.
ClaimCheck check_claim(std::string_view token, const ClaimExpected& expected, const ClaimKeyLookup& key);

/// `jti/<iss>/<jti>`, both in hex of SHA-256 so that no id can reach into another's.
std::string replay_key(const Claim& claim);

}  // namespace sluis::identity
