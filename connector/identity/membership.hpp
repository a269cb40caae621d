#pragma once

#include "connector/base/ids.hpp"
#include "connector/base/time.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/json/json.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

/// Who takes part, and how each proves that it is who it says (D12).
namespace sluis::identity {

/// From the first instant up to, and without, the last.
struct Window {
  Timestamp from{};
  std::optional<Timestamp> until;
  bool holds(Timestamp now) const { return from <= now && (!until || now < *until); }
  bool overlaps(const Window& other) const;
};

struct Endpoint {
  std::string url;  ///< base address of the exchange listener, https, without a trailing slash
  Window window;
};

/// Either one certificate, or all that an issuer gives to an organisation number.
struct CertificateRule {
  std::string sha256;  ///< of the DER, lower-case hex; else the next two
  std::string issuer;  ///< as crypto::Certificate::issuer_name says it
  std::string oin;     ///< `serialNumber` of the subject
  Window window;
};

/// A key that signs claims of purpose (D15): JWK, EC P-256, with `kid`.
struct ClaimKey {
  std::string kid;
  crypto::Key key;
  Window window;
};

/// A provenance log and the key that its checkpoints are verified with (C2SP signed note).
struct LogOrigin {
  std::string origin;
  std::string vkey;
  Window window;
};

struct Party {
  ParticipantId participant;       ///< opaque, never parsed
  std::string name;
  std::string class_of_recipient;  ///< `municipality`, `company`, …
  std::vector<Endpoint> endpoints;
  std::vector<CertificateRule> certificates;
  std::vector<ClaimKey> claim_keys;
  std::vector<LogOrigin> log_origins;
  bool evidence = false;           ///< speaks version 1 of the evidence channel (D20)
  std::string oin;                 ///< attributes; empty where there is none
  std::string kvk;
};

struct Signer {
  std::string key_id;
  std::string public_key;  ///< Ed25519, 32 raw bytes
};

struct MembershipList {
  std::uint64_t version = 0;
  std::string federation;
  Timestamp issued{};
  Timestamp refresh_after{};
  Timestamp valid_until{};
  std::uint64_t threshold = 1;
  std::vector<Signer> signers;
  std::vector<Party> parties;

  const Party* find(const ParticipantId& participant) const;
};

/// Reads the list itself. Refused (invalid_argument, with file, line and column): unknown or missing members, times
/// out of order, a participant, key id, certificate or organisation number that is there twice, addresses without
/// https, a threshold that the signers cannot meet.
Result<MembershipList> parse_membership(std::string_view text, std::string_view file = "membership list");
json::Value to_json(const MembershipList& list);

/// Names an Ed25519 key: SHA-256 of its raw bytes in hex.
std::string key_id(const crypto::Key& key);

struct Signature {
  std::string key_id;
  std::string bytes;
};
/// `{"payload": base64url of the canonical list, "signatures": [{"keyid", "sig"}]}`. Signed is
/// "sluis membership list 1\n" ‖ the payload's bytes, with Ed25519.
struct SignedMembership {
  std::string payload;
  std::vector<Signature> signatures;
};
Result<SignedMembership> parse_envelope(std::string_view text, std::string_view file = "membership list");
std::string serialise(const SignedMembership& envelope);

/// The list in an envelope, without signatures yet.
Result<SignedMembership> wrap(const MembershipList& list);
/// Adds this key's signature, or replaces its earlier one.
Result<void> sign(SignedMembership& envelope, const crypto::Key& key);

/// Who may sign a list: by this node's configuration, or by the list before it.
struct Trust {
  std::vector<crypto::Key> keys;
  std::uint64_t threshold = 1;
};
/// Names a trust: the same keys and threshold have the same digest, in hex.
std::string digest_of(const Trust& trust);
/// The keys that a list names, with its own threshold.
Result<Trust> signers_of(const MembershipList& list);

/// The list, when it is canonical, enough different trusted keys signed it, and as many of the signers that it names itself as its own
/// threshold says: whoever is to sign the next one has shown the key. permission_denied: too few; the message counts them. Time is
/// not looked at.
Result<MembershipList> verify(const SignedMembership& envelope, const Trust& trust,
                              std::string_view file = "membership list");

}  // namespace sluis::identity
