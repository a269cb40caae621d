#include "connector/identity/membership.hpp"

#include "connector/base/limits.hpp"
#include "connector/identity/directory.hpp"
#include "connector/identity/object_reader.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace sluis::identity {
namespace {

Result<Window> read_window(ObjectReader& reader) {
  Window window;
  SLUIS_TRY(window.from, reader.time("from"));
  SLUIS_TRY(window.until, reader.optional_time("until"));
  if (window.until && *window.until <= window.from) return reader.refused("until", "`until` is not after `from`");
  return window;
}

/// Reads each object of an array with `read(ObjectReader&)`.
template <class T, class Read>
Result<std::vector<T>> read_all(ObjectReader& parent, std::string_view key, const Read& read) {
  SLUIS_TRY(const json::Array* array, parent.array(key));
  std::vector<T> list;
  for (std::size_t i = 0; i < array->size(); ++i) {
    SLUIS_TRY(ObjectReader reader, ObjectReader::open((*array)[i], json::pointer_to(parent.at(key), i)));
    SLUIS_TRY(T one, read(reader));
    SLUIS_CHECK(reader.finish());
    list.push_back(std::move(one));
  }
  return list;
}

Result<Endpoint> read_endpoint(ObjectReader& reader) {
  Endpoint endpoint;
  SLUIS_TRY(endpoint.url, reader.string("url"));
  const bool https = endpoint.url.starts_with("https://") && origin_of(endpoint.url);
  if (!https && !is_local_http(endpoint.url)) {
    return reader.refused("url", "`" + endpoint.url.substr(0, 200) + "` is not an https address (nor, for tests, an http address of this machine)");
  }
  while (endpoint.url.ends_with('/')) endpoint.url.pop_back();
  SLUIS_TRY(endpoint.window, read_window(reader));
  return endpoint;
}

Result<CertificateRule> read_certificate(ObjectReader& reader) {
  CertificateRule rule;
  SLUIS_TRY(const auto fingerprint, reader.optional_string("sha256"));
  SLUIS_TRY(const auto issuer, reader.optional_string("issuer"));
  SLUIS_TRY(const auto oin, reader.optional_string("oin"));
  if (fingerprint.has_value() == (issuer || oin) || issuer.has_value() != oin.has_value()) {
    return Error(ErrorCode::invalid_argument, "a certificate is given by `sha256`, or by `issuer` and `oin`")
        .at_pointer(reader.pointer());
  }
  if (fingerprint) {
    const auto bytes = from_hex(*fingerprint);
    if (!bytes || bytes->size() != 32) return reader.refused("sha256", "a fingerprint has 64 hexadecimal digits");
    rule.sha256 = to_hex(*bytes);
  } else {
    rule.issuer = *issuer;
    rule.oin = *oin;
  }
  SLUIS_TRY(rule.window, read_window(reader));
  return rule;
}

Result<std::string> coordinate(ObjectReader& reader, std::string_view key) {
  SLUIS_TRY(const auto text, reader.string(key));
  auto bytes = from_base64url(text);
  if (!bytes || bytes->size() != 32) return reader.refused(key, "a coordinate is 32 bytes in base64url");
  return std::move(*bytes);
}

Result<ClaimKey> read_claim_key(ObjectReader& reader) {
  SLUIS_TRY(const auto kty, reader.string("kty"));
  if (kty != "EC") return reader.refused("kty", "unknown type of key `" + kty + "`").mended_by("known is `EC`");
  SLUIS_TRY(const auto curve, reader.string("crv"));
  if (curve != "P-256") return reader.refused("crv", "unknown curve `" + curve + "`").mended_by("known is `P-256`");
  SLUIS_TRY(const auto kid, reader.string("kid"));
  SLUIS_TRY(const auto x, coordinate(reader, "x"));
  SLUIS_TRY(const auto y, coordinate(reader, "y"));
  auto key = crypto::Key::from_p256_public(x, y);
  if (!key) return Error(key.error()).at_pointer(reader.pointer());
  SLUIS_TRY(const Window window, read_window(reader));
  return ClaimKey{kid, *key, window};
}

Result<LogOrigin> read_log_origin(ObjectReader& reader) {
  LogOrigin log;
  SLUIS_TRY(log.origin, reader.string("origin"));
  SLUIS_TRY(log.vkey, reader.string("vkey"));
  SLUIS_TRY(log.window, read_window(reader));
  return log;
}

bool is_class_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

Result<void> read_attributes(ObjectReader& reader, Party& party) {
  const json::Value* value = reader.optional("attributes");
  if (value == nullptr) return {};
  SLUIS_TRY(ObjectReader attributes, ObjectReader::open(*value, reader.at("attributes")));
  SLUIS_TRY(const auto oin, attributes.optional_string("oin"));
  SLUIS_TRY(const auto kvk, attributes.optional_string("kvk"));
  party.oin = oin.value_or("");
  party.kvk = kvk.value_or("");
  return attributes.finish();
}

Result<Party> read_party(ObjectReader& reader) {
  Party party;
  SLUIS_TRY(party.name, reader.string("name"));
  SLUIS_TRY(party.class_of_recipient, reader.string("class"));
  if (!is_class_name(party.class_of_recipient)) {
    return reader.refused("class", "a class is a word in lower case, like `municipality`");
  }
  SLUIS_TRY(const auto id, reader.string("participant_id"));
  // Ours are URIs; connectors of others call themselves what they like (DSP has any string).
  const bool visible = std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (id.size() > limits::kIdBytes || id.empty() || !visible) {
    return reader.refused("participant_id", "`" + id.substr(0, 200) + "` is neither a URI nor a name without spaces");
  }
  party.participant = ParticipantId(id);
  SLUIS_TRY(party.endpoints, read_all<Endpoint>(reader, "endpoints", read_endpoint));
  SLUIS_TRY(party.certificates, read_all<CertificateRule>(reader, "certificates", read_certificate));
  SLUIS_TRY(party.claim_keys, read_all<ClaimKey>(reader, "claim_keys", read_claim_key));
  SLUIS_TRY(party.log_origins, read_all<LogOrigin>(reader, "log_origins", read_log_origin));
  SLUIS_TRY(const auto evidence, reader.string("evidence"));
  if (evidence != "none" && evidence != "1") {
    return reader.refused("evidence", "unknown evidence `" + evidence + "`").mended_by("known are `none`, `1`");
  }
  party.evidence = evidence == "1";
  if (party.evidence && party.log_origins.empty()) {
    return reader.refused("evidence", "a party with evidence needs a log in `log_origins`");
  }
  SLUIS_CHECK(read_attributes(reader, party));
  return party;
}

Result<Signer> read_signer(ObjectReader& reader) {
  Signer signer;
  SLUIS_TRY(signer.key_id, reader.string("keyid"));
  SLUIS_TRY(const auto text, reader.string("key"));
  auto raw = from_base64url(text);
  if (!raw || raw->size() != 32) return reader.refused("key", "an Ed25519 key is 32 bytes in base64url");
  if (signer.key_id != to_hex(crypto::sha256(*raw))) {
    return reader.refused("keyid", "`keyid` is not the SHA-256 of `key`");
  }
  signer.public_key = std::move(*raw);
  return signer;
}

/// No participant, certificate, organisation number, key or log may stand for two at one time.
Result<void> check_unique(const MembershipList& list) {
  std::map<std::string, std::vector<Window>> taken;
  const auto take = [&](const std::string& what, const Window& window, std::size_t party) -> Result<void> {
    for (const Window& other : taken[what]) {
      if (other.overlaps(window)) {
        return Error(ErrorCode::invalid_argument, what + " is listed twice for the same time")
            .at_pointer("/parties/" + std::to_string(party));
      }
    }
    taken[what].push_back(window);
    return {};
  };
  for (std::size_t i = 0; i < list.parties.size(); ++i) {
    const Party& party = list.parties[i];
    SLUIS_CHECK(take("the participant `" + party.participant.str() + "`", {Timestamp::min(), {}}, i));
    for (const CertificateRule& rule : party.certificates) {
      const std::string what = rule.sha256.empty() ? "the number `" + rule.oin + "` of issuer `" + rule.issuer + "`"
                                                   : "the certificate `" + rule.sha256 + "`";
      SLUIS_CHECK(take(what, rule.window, i));
    }
    for (const ClaimKey& key : party.claim_keys) {
      SLUIS_CHECK(take("the claim key `" + key.kid + "` of `" + party.name + "`", key.window, i));
    }
    for (const LogOrigin& log : party.log_origins) SLUIS_CHECK(take("the log `" + log.origin + "`", log.window, i));
  }
  return {};
}

Result<MembershipList> read_list(const json::Value& value) {
  SLUIS_TRY(ObjectReader reader, ObjectReader::open(value, ""));
  MembershipList list;
  SLUIS_TRY(list.version, reader.count("version"));
  if (list.version == 0) return reader.refused("version", "versions count from 1");
  SLUIS_TRY(list.federation, reader.string("federation"));
  SLUIS_TRY(list.issued, reader.time("issued"));
  SLUIS_TRY(list.refresh_after, reader.time("refresh_after"));
  SLUIS_TRY(list.valid_until, reader.time("valid_until"));
  if (list.refresh_after < list.issued) return reader.refused("refresh_after", "`refresh_after` is before `issued`");
  if (list.valid_until < list.refresh_after) {
    return reader.refused("valid_until", "`valid_until` is before `refresh_after`");
  }
  SLUIS_TRY(list.threshold, reader.count("threshold"));
  SLUIS_TRY(list.signers, read_all<Signer>(reader, "signers", read_signer));
  std::set<std::string> ids;
  for (const Signer& signer : list.signers) {
    if (!ids.insert(signer.key_id).second) return reader.refused("signers", "a signer is listed twice");
  }
  if (list.threshold == 0 || list.threshold > list.signers.size()) {
    return reader.refused("threshold", "the threshold is not between 1 and the number of signers");
  }
  SLUIS_TRY(list.parties, read_all<Party>(reader, "parties", read_party));
  SLUIS_CHECK(reader.finish());
  SLUIS_CHECK(check_unique(list));
  return list;
}

json::Value windowed(json::Value value, const Window& window) {
  value.set("from", json::Value(format_time(window.from)));
  if (window.until) value.set("until", json::Value(format_time(*window.until)));
  return value;
}

json::Value party_json(const Party& party) {
  json::Array endpoints, certificates, claim_keys, logs;
  for (const Endpoint& one : party.endpoints) {
    endpoints.push_back(windowed(json::object({{"url", json::Value(one.url)}}), one.window));
  }
  for (const CertificateRule& one : party.certificates) {
    json::Value rule = one.sha256.empty() ? json::object({{"issuer", json::Value(one.issuer)},
                                                          {"oin", json::Value(one.oin)}})
                                          : json::object({{"sha256", json::Value(one.sha256)}});
    certificates.push_back(windowed(std::move(rule), one.window));
  }
  for (const ClaimKey& one : party.claim_keys) {
    const std::string raw = one.key.public_raw();
    claim_keys.push_back(windowed(json::object({{"kty", "EC"}, {"crv", "P-256"}, {"kid", json::Value(one.kid)},
                                                {"x", json::Value(to_base64url(raw.substr(0, 32)))},
                                                {"y", json::Value(to_base64url(raw.substr(32)))}}), one.window));
  }
  for (const LogOrigin& one : party.log_origins) {
    logs.push_back(windowed(json::object({{"origin", json::Value(one.origin)}, {"vkey", json::Value(one.vkey)}}),
                            one.window));
  }
  json::Value attributes = json::Value(json::Object());
  if (!party.oin.empty()) attributes.set("oin", json::Value(party.oin));
  if (!party.kvk.empty()) attributes.set("kvk", json::Value(party.kvk));
  return json::object({{"name", json::Value(party.name)},
                       {"class", json::Value(party.class_of_recipient)},
                       {"participant_id", json::Value(party.participant.str())},
                       {"endpoints", json::Value(std::move(endpoints))},
                       {"certificates", json::Value(std::move(certificates))},
                       {"claim_keys", json::Value(std::move(claim_keys))},
                       {"log_origins", json::Value(std::move(logs))},
                       {"evidence", party.evidence ? "1" : "none"},
                       {"attributes", std::move(attributes)}});
}

}  // namespace

bool Window::overlaps(const Window& other) const {
  return (!until || other.from < *until) && (!other.until || from < *other.until);
}

const Party* MembershipList::find(const ParticipantId& participant) const {
  for (const Party& party : parties) {
    if (party.participant == participant) return &party;
  }
  return nullptr;
}

Result<MembershipList> parse_membership(std::string_view text, std::string_view file) {
  auto value = json::parse(text);
  if (!value) return located(value.error(), text, file);
  auto list = read_list(*value);
  if (!list) return located(list.error(), text, file);
  return std::move(*list);
}

json::Value to_json(const MembershipList& list) {
  json::Array signers, parties;
  for (const Signer& signer : list.signers) {
    signers.push_back(json::object({{"keyid", json::Value(signer.key_id)},
                                    {"key", json::Value(to_base64url(signer.public_key))}}));
  }
  for (const Party& party : list.parties) parties.push_back(party_json(party));
  return json::object({{"version", json::Value(list.version)},
                       {"federation", json::Value(list.federation)},
                       {"issued", json::Value(format_time(list.issued))},
                       {"refresh_after", json::Value(format_time(list.refresh_after))},
                       {"valid_until", json::Value(format_time(list.valid_until))},
                       {"threshold", json::Value(list.threshold)},
                       {"signers", json::Value(std::move(signers))},
                       {"parties", json::Value(std::move(parties))}});
}

}  // namespace sluis::identity
