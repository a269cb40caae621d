#include "connector/identity/membership.hpp"
#include "connector/identity/object_reader.hpp"

#include <set>

namespace sluis::identity {
namespace {

/// Keeps these signatures from being taken for those of anything else that the key signs.
constexpr std::string_view kContext = "sluis membership list 1\n";

std::string signed_bytes(const SignedMembership& envelope) { return std::string(kContext) + envelope.payload; }

Result<SignedMembership> read_envelope(const json::Value& value) {
  SLUIS_TRY(ObjectReader reader, ObjectReader::open(value, ""));
  SignedMembership envelope;
  SLUIS_TRY(const auto payload, reader.string("payload"));
  auto bytes = from_base64url(payload);
  if (!bytes) return reader.refused("payload", "the payload is not base64url");
  envelope.payload = std::move(*bytes);
  SLUIS_TRY(const json::Array* signatures, reader.array("signatures"));
  for (std::size_t i = 0; i < signatures->size(); ++i) {
    const std::string at = json::pointer_to(reader.at("signatures"), i);
    SLUIS_TRY(ObjectReader one, ObjectReader::open((*signatures)[i], at));
    Signature signature;
    SLUIS_TRY(signature.key_id, one.string("keyid"));
    SLUIS_TRY(const auto text, one.string("sig"));
    auto raw = from_base64url(text);
    if (!raw || raw->size() != 64) return one.refused("sig", "a signature is 64 bytes in base64url");
    signature.bytes = std::move(*raw);
    SLUIS_CHECK(one.finish());
    envelope.signatures.push_back(std::move(signature));
  }
  SLUIS_CHECK(reader.finish());
  return envelope;
}

/// Different keys count, once each.
Result<void> check_signatures(const SignedMembership& envelope, const Trust& trust, const std::string& whose) {
  const std::string bytes = signed_bytes(envelope);
  std::set<std::string> valid;
  for (const crypto::Key& key : trust.keys) {
    if (key.kind() != crypto::Key::Kind::ed25519) continue;
    const std::string id = key_id(key);
    for (const Signature& one : envelope.signatures) {
      if (one.key_id == id && key.verify(bytes, one.bytes)) valid.insert(id);
    }
  }
  const std::uint64_t least = std::max<std::uint64_t>(trust.threshold, 1);
  if (valid.size() >= least) return {};
  return Error(ErrorCode::permission_denied, "the membership list has " + std::to_string(valid.size()) + " valid signatures of " + whose +
                                                 ", and needs " + std::to_string(least))
      .mended_by("get a list that its keepers signed, or check the trusted keys");
}

}  // namespace

std::string key_id(const crypto::Key& key) { return to_hex(crypto::sha256(key.public_raw())); }

Result<SignedMembership> parse_envelope(std::string_view text, std::string_view file) {
  auto value = json::parse(text);
  if (!value) return located(value.error(), text, file);
  auto envelope = read_envelope(*value);
  if (!envelope) return located(envelope.error(), text, file);
  return std::move(*envelope);
}

std::string serialise(const SignedMembership& envelope) {
  json::Array signatures;
  for (const Signature& one : envelope.signatures) {
    signatures.push_back(json::object({{"keyid", json::Value(one.key_id)},
                                       {"sig", json::Value(to_base64url(one.bytes))}}));
  }
  return json::serialise_pretty(json::object({{"payload", json::Value(to_base64url(envelope.payload))},
                                              {"signatures", json::Value(std::move(signatures))}}));
}

Result<SignedMembership> wrap(const MembershipList& list) {
  SignedMembership envelope;
  SLUIS_TRY(envelope.payload, json::canonical(to_json(list)));
  SLUIS_CHECK(parse_membership(envelope.payload));
  return envelope;
}

Result<void> sign(SignedMembership& envelope, const crypto::Key& key) {
  if (key.kind() != crypto::Key::Kind::ed25519 || !key.is_private()) {
    return Error(ErrorCode::invalid_argument, "a membership list is signed with a private Ed25519 key");
  }
  const std::string id = key_id(key);
  std::erase_if(envelope.signatures, [&](const Signature& one) { return one.key_id == id; });
  envelope.signatures.push_back({id, key.sign(signed_bytes(envelope))});
  return {};
}

std::string digest_of(const Trust& trust) {
  std::set<std::string> ids;
  for (const crypto::Key& key : trust.keys) ids.insert(key_id(key));
  std::string text = std::to_string(trust.threshold) + "\n";
  for (const std::string& id : ids) text += id + "\n";
  return to_hex(crypto::sha256(text));
}

Result<Trust> signers_of(const MembershipList& list) {
  Trust trust;
  trust.threshold = list.threshold;
  for (const Signer& one : list.signers) {
    SLUIS_TRY(crypto::Key key, crypto::Key::from_ed25519_public(one.public_key));
    trust.keys.push_back(std::move(key));
  }
  return trust;
}

Result<MembershipList> verify(const SignedMembership& envelope, const Trust& trust, std::string_view file) {
  // Nothing of the payload is read before somebody trusted has signed it.
  SLUIS_CHECK(check_signatures(envelope, trust, "trusted keys"));
  SLUIS_TRY(const auto value, json::parse(envelope.payload));
  SLUIS_TRY(const auto canonical, json::canonical(value));
  if (canonical != envelope.payload) {
    return Error(ErrorCode::invalid_argument, "the membership list is not in canonical form")
        .at({std::string(file), 0, 0, {}});
  }
  SLUIS_TRY(MembershipList list, parse_membership(envelope.payload, file));
  SLUIS_TRY(const Trust own, signers_of(list));
  SLUIS_CHECK(check_signatures(envelope, own, "the signers that it names"));
  return list;
}

}  // namespace sluis::identity
