#include "connector/identity/claim.hpp"

#include "connector/base/limits.hpp"
#include "connector/identity/jws.hpp"
#include "connector/identity/object_reader.hpp"

namespace sluis::identity {
namespace {

constexpr JwsForm kForm{"ES256", "sluis-claim+jwt", crypto::Key::Kind::p256};
constexpr std::size_t kTokenBytes = 8U << 10U;

std::int64_t seconds(Timestamp time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string payload_of(const Claim& claim) {
  json::Value value = json::object({{"iss", json::Value(claim.iss.str())},
                                    {"aud", json::Value(claim.aud.str())},
                                    {"agreement", json::Value(claim.agreement.str())},
                                    {"transfer", json::Value(claim.transfer.str())},
                                    {"transaction", json::Value(claim.transaction.str())},
                                    {"purpose", json::Value(claim.purpose)},
                                    {"iat", json::Value(seconds(claim.iat))},
                                    {"jti", json::Value(claim.jti)},
                                    {"method", json::Value(claim.method)},
                                    {"path", json::Value(claim.path)}});
  if (!claim.activity.empty()) value.set("activity", json::Value(claim.activity));
  if (!claim.says.legal_basis.empty()) {
    json::Array bases;
    for (const std::string& basis : claim.says.legal_basis) bases.emplace_back(basis);
    value.set("legal_basis", json::Value(std::move(bases)));
  }
  if (!claim.says.impact_assessment.empty()) value.set("impact_assessment", json::Value(claim.says.impact_assessment));
  if (!claim.checkpoint.empty()) value.set("checkpoint", json::Value(to_base64(claim.checkpoint)));
  return json::serialise(value);
}

Result<std::vector<std::string>> read_bases(ObjectReader& reader) {
  std::vector<std::string> out;
  const json::Value* value = reader.optional("legal_basis");
  if (value == nullptr) return out;
  const json::Array* list = value->if_array();
  if (list == nullptr || list->empty() || list->size() > kClaimBases) {
    return reader.refused("legal_basis", "`legal_basis` is a list of 1 to " + std::to_string(kClaimBases) + " names");
  }
  for (const json::Value& one : *list) {
    const std::string* name = one.if_string();
    if (name == nullptr || name->empty() || name->size() > limits::kIdBytes) return reader.refused("legal_basis", "a legal basis is its IRI");
    out.push_back(*name);
  }
  return out;
}

Result<Claim> read_payload(std::string_view text) {
  SLUIS_TRY(const auto value, json::parse(text));
  SLUIS_TRY(ObjectReader reader, ObjectReader::open(value, ""));
  Claim claim;
  const auto id = [&](std::string_view key) -> Result<std::string> {
    SLUIS_TRY(auto found, reader.string(key));
    if (found.size() > limits::kIdBytes) return reader.refused(key, "`" + std::string(key) + "` is too long");
    return found;
  };
  SLUIS_TRY(const auto iss, id("iss"));
  SLUIS_TRY(const auto aud, id("aud"));
  SLUIS_TRY(const auto agreement, id("agreement"));
  SLUIS_TRY(const auto transfer, id("transfer"));
  SLUIS_TRY(const auto transaction, id("transaction"));
  claim.iss = ParticipantId(iss);
  claim.aud = ParticipantId(aud);
  claim.agreement = AgreementId(agreement);
  claim.transfer = ProcessId(transfer);
  claim.transaction = TransactionId(transaction);
  SLUIS_TRY(claim.purpose, id("purpose"));
  SLUIS_TRY(claim.jti, id("jti"));
  SLUIS_TRY(claim.method, id("method"));
  SLUIS_TRY(claim.path, reader.string("path"));
  SLUIS_TRY(const auto activity, reader.optional_string("activity"));
  if (activity && activity->size() > limits::kIdBytes) return reader.refused("activity", "`activity` is too long");
  claim.activity = activity.value_or("");
  SLUIS_TRY(claim.says.legal_basis, read_bases(reader));
  SLUIS_TRY(const auto assessment, reader.optional_string("impact_assessment"));
  if (assessment && assessment->size() > limits::kIdBytes) return reader.refused("impact_assessment", "`impact_assessment` is too long");
  claim.says.impact_assessment = assessment.value_or("");
  SLUIS_TRY(const auto iat, reader.count("iat"));
  if (iat > 100'000'000'000) return reader.refused("iat", "`iat` is not in seconds since 1970");
  claim.iat = Timestamp(std::chrono::seconds(iat));
  SLUIS_TRY(const auto checkpoint, reader.optional_string("checkpoint"));
  if (checkpoint) {
    SLUIS_TRY(claim.checkpoint, from_base64(*checkpoint));
  }
  SLUIS_CHECK(reader.finish());
  return claim;
}

/// What the members say against what they have to say; `none` if all fits.
ClaimFault compare(const Claim& claim, const ClaimExpected& expected) {
  if (claim.iss != expected.iss) return ClaimFault::issuer;
  if (claim.aud != expected.aud) return ClaimFault::audience;
  if (claim.agreement != expected.agreement) return ClaimFault::agreement;
  const bool by_theirs = !expected.transfer_there.empty() && claim.transfer == expected.transfer_there;
  if (claim.transfer != expected.transfer && !by_theirs) return ClaimFault::transfer;
  if (claim.method != expected.method) return ClaimFault::method;
  if (claim.path != expected.path) return ClaimFault::path;
  if (expected.now - claim.iat > limits::kClaimAge + limits::kSkew) return ClaimFault::too_old;
  if (claim.iat - expected.now > limits::kSkew) return ClaimFault::from_future;
  return ClaimFault::none;
}

ClaimCheck failed(ClaimFault fault, std::string detail) { return {fault, std::move(detail), std::nullopt}; }

}  // namespace

std::string_view to_string(ClaimFault fault) {
  switch (fault) {
    case ClaimFault::none: return "claim.none";
    case ClaimFault::malformed: return "claim.malformed";
    case ClaimFault::header: return "claim.header";
    case ClaimFault::unknown_key: return "claim.unknown_key";
    case ClaimFault::signature: return "claim.signature";
    case ClaimFault::payload: return "claim.payload";
    case ClaimFault::issuer: return "claim.issuer";
    case ClaimFault::audience: return "claim.audience";
    case ClaimFault::agreement: return "claim.agreement";
    case ClaimFault::transfer: return "claim.transfer";
    case ClaimFault::method: return "claim.method";
    case ClaimFault::path: return "claim.path";
    case ClaimFault::too_old: return "claim.too_old";
    case ClaimFault::from_future: return "claim.from_future";
  }
  return "claim.malformed";
}

std::string make_claim(const Claim& claim, std::string_view kid, const crypto::Key& key) {
  return make_jws(kForm, kid, payload_of(claim), key);
}

ClaimCheck check_claim(std::string_view token, const ClaimExpected& expected, const ClaimKeyLookup& lookup) {
  const auto jws = split_jws(token, kTokenBytes);
  if (!jws) return failed(ClaimFault::malformed, describe(jws.error()));
  const auto kid = jws_key_id(kForm, *jws);
  if (!kid) return failed(ClaimFault::header, describe(kid.error()));
  // The key is looked for with the party whose certificate came, so nobody signs for another.
  const auto key = lookup(expected.iss, *kid);
  if (!key) return failed(ClaimFault::unknown_key, describe(key.error()));
  if (!is_signed_by(kForm, *jws, *key)) return failed(ClaimFault::signature, "the claim's signature does not verify");
  auto claim = read_payload(jws->payload);
  if (!claim) return failed(ClaimFault::payload, describe(claim.error()));
  ClaimCheck check;
  check.fault = compare(*claim, expected);
  if (!check.ok()) {
    check.detail = "the claim is not for this request: " + std::string(to_string(check.fault)) + ", made at " +
                   format_time(claim->iat);
  }
  check.claim = std::move(*claim);
  return check;
}

std::string replay_key(const Claim& claim) {
  return "jti/" + to_hex(crypto::sha256(claim.iss.str())) + "/" + to_hex(crypto::sha256(claim.jti));
}

}  // namespace sluis::identity
