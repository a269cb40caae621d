#include "connector/identity/directory.hpp"

#include "connector/base/limits.hpp"
#include "connector/http/loopback.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

namespace sluis::identity {
namespace {

Error unauthenticated(std::string why) { return Error(ErrorCode::unauthenticated, std::move(why)); }

bool matches(const CertificateRule& rule, const http::PeerCertificate& certificate) {
  if (!rule.sha256.empty()) return rule.sha256 == certificate.sha256;
  return !rule.oin.empty() && rule.oin == certificate.oin && rule.issuer == certificate.issuer;
}

}  // namespace

std::string_view to_string(ListState state) {
  switch (state) {
    case ListState::fresh: return "fresh";
    case ListState::stale: return "stale";
    case ListState::expired: return "expired";
  }
  return "expired";
}

Result<Trust> Directory::trust() const {
  const auto held = list_.load();
  if (!held || !signers_hold_) return configured_;
  SLUIS_TRY(Trust next, signers_of(*held));
  next.threshold = std::max(next.threshold, configured_.threshold);
  return next;
}

Standing Directory::standing(const MembershipList& list, std::string_view payload) const {
  const auto held = list_.load();
  if (!held || list.version > held->version) return Standing::newer;
  if (list.version < held->version) return Standing::older;
  return payload == payload_ ? Standing::same : Standing::another;
}

Result<MembershipList> Directory::read(std::string_view envelope, std::string_view file) const {
  SLUIS_TRY(const SignedMembership parsed, parse_envelope(envelope, file));
  const std::lock_guard lock(mutex_);
  SLUIS_TRY(const Trust trusted, trust());
  return verify(parsed, trusted, file);
}

Result<Standing> Directory::standing(std::string_view envelope) const {
  SLUIS_TRY(const SignedMembership parsed, parse_envelope(envelope));
  const std::lock_guard lock(mutex_);
  SLUIS_TRY(const Trust trusted, trust());
  SLUIS_TRY(const MembershipList list, verify(parsed, trusted));
  return standing(list, parsed.payload);
}

Result<void> Directory::load(std::string_view envelope, Timestamp now, bool at_start) {
  SLUIS_TRY(const SignedMembership parsed, parse_envelope(envelope));
  const std::lock_guard lock(mutex_);
  SLUIS_TRY(const Trust trusted, trust());
  SLUIS_TRY(MembershipList list, verify(parsed, trusted));
  if (!at_start && list.issued > now + limits::kSkew) {
    return Error(ErrorCode::invalid_argument, "the membership list is issued at " + format_time(list.issued) +
                                                  ", which is yet to come");
  }
  if (!at_start && now >= list.valid_until) {
    return Error(ErrorCode::invalid_argument, "the membership list expired at " + format_time(list.valid_until))
        .mended_by("fetch a newer list");
  }
  if (!at_start && list.signers.size() < configured_.threshold) {
    return Error(ErrorCode::invalid_argument, "the membership list names " + std::to_string(list.signers.size()) +
                                                  " signers, and this node wants " + std::to_string(configured_.threshold) + " signatures: it could take no next one")
        .mended_by("have more signers named, or lower `threshold` of [membership]");
  }
  const std::string version = std::to_string(list.version);
  const Standing stands = standing(list, parsed.payload);
  switch (stands) {
    case Standing::newer: case Standing::same: break;
    case Standing::older:
      return Error(ErrorCode::conflict, "version " + version + " of the membership list is older than version " +
                                            std::to_string(list_.load()->version) + ", which this node holds");
    case Standing::another:
      return Error(ErrorCode::conflict, "another membership list with version " + version + " is held already");
  }
  if (const auto held = list_.load(); held && list.federation != held->federation) {
    return Error(ErrorCode::conflict, "the membership list is of federation `" + list.federation +
                                          "`, and this node is in `" + held->federation + "`");
  }
  payload_ = parsed.payload;
  signers_hold_ = signers_hold_ || (!at_start && stands == Standing::newer);
  list_.store(std::make_shared<const MembershipList>(std::move(list)));
  return {};
}

Result<void> Directory::load_kept(std::string_view envelope, std::string_view under) {
  if (under != digest_of(configured_)) return load(envelope, {}, true);
  SLUIS_TRY(const SignedMembership parsed, parse_envelope(envelope));
  SLUIS_TRY(const MembershipList claimed, parse_membership(parsed.payload));
  SLUIS_TRY(const Trust own, signers_of(claimed));  // it was verified by those before them when it was taken
  SLUIS_TRY(MembershipList list, verify(parsed, own));
  const std::lock_guard lock(mutex_);
  payload_ = parsed.payload;
  signers_hold_ = true;
  list_.store(std::make_shared<const MembershipList>(std::move(list)));
  return {};
}

void Directory::take_over(const Directory& other) {
  const std::scoped_lock lock(mutex_, other.mutex_);
  payload_ = other.payload_;
  signers_hold_ = other.signers_hold_;
  list_.store(other.list_.load());
}

ListState Directory::state(Timestamp now) const {
  const auto held = list();
  if (!held || now >= held->valid_until) return ListState::expired;
  return now < held->refresh_after ? ListState::fresh : ListState::stale;
}

Result<void> Directory::allows_new(Timestamp now) const {
  const auto held = list();
  if (!held) {
    return Error(ErrorCode::permission_denied, "this node has no membership list").mended_by("load one");
  }
  if (now >= held->valid_until) {
    return Error(ErrorCode::permission_denied, "the membership list expired at " + format_time(held->valid_until))
        .mended_by("load a newer list");
  }
  return {};
}

Result<PartyPtr> Directory::find(const ParticipantId& participant) const {
  const auto held = list();
  const Party* party = held ? held->find(participant) : nullptr;
  if (party == nullptr) {
    return Error(ErrorCode::not_found, "`" + participant.str().substr(0, 200) + "` is not in the membership list");
  }
  return PartyPtr(held, party);
}

Result<const http::PeerCertificate*> verified_certificate(const http::TlsPeer& peer, Timestamp now) {
  if (!peer.presented()) return unauthenticated("no client certificate was presented");
  if (!peer.verify_error.empty()) {
    return unauthenticated("the client certificate does not verify: " + peer.verify_error);
  }
  // The chain was verified at the handshake, which may be long ago on a connection that is kept.
  if (now < peer.certificate->not_before) return unauthenticated("the client certificate is not valid yet");
  if (now > peer.certificate->not_after) return unauthenticated("the client certificate has expired");
  return peer.certificate.get();
}

Result<PartyPtr> Directory::party_by_certificate(const http::TlsPeer& peer, Timestamp now) const {
  SLUIS_TRY(const http::PeerCertificate* shown, verified_certificate(peer, now));
  const http::PeerCertificate& certificate = *shown;
  const auto held = list();
  if (!held) return unauthenticated("this node has no membership list");
  bool at_another_time = false;
  for (const Party& party : held->parties) {
    for (const CertificateRule& rule : party.certificates) {
      if (!matches(rule, certificate)) continue;
      if (rule.window.holds(now)) return PartyPtr(held, &party);
      at_another_time = true;
    }
  }
  return unauthenticated(at_another_time ? "the client certificate is listed, but not for now"
                                         : "the client certificate `" + certificate.sha256 +
                                             "` is not in the membership list");
}

Result<crypto::Key> Directory::claim_key(const ParticipantId& participant, std::string_view kid, Timestamp now) const {
  SLUIS_TRY(const PartyPtr party, find(participant));
  for (const ClaimKey& one : party->claim_keys) {
    if (one.kid == kid && one.window.holds(now)) return one.key;
  }
  return Error(ErrorCode::not_found, "`" + std::string(kid.substr(0, 200)) + "` is no claim key of `" + party->name +
      "` now");
}

bool Directory::origin_allowed(const ParticipantId& participant, std::string_view url, Timestamp now) const {
  const auto asked = origin_of(url);
  const auto party = find(participant);
  if (!asked || !party) return false;
  return std::any_of((*party)->endpoints.begin(), (*party)->endpoints.end(), [&](const Endpoint& one) {
    const auto origin = origin_of(one.url);
    return one.window.holds(now) && origin && *origin == *asked;
  });
}

Result<std::string> Directory::endpoint(const ParticipantId& participant, Timestamp now) const {
  SLUIS_TRY(const PartyPtr party, find(participant));
  for (const Endpoint& one : party->endpoints) {
    if (one.window.holds(now)) return one.url;
  }
  return Error(ErrorCode::not_found, "`" + party->name + "` has no endpoint now");
}

Result<std::string> Directory::log_key(const ParticipantId& participant, std::string_view origin, Timestamp now) const {
  SLUIS_TRY(const PartyPtr party, find(participant));
  for (const LogOrigin& one : party->log_origins) {
    if (one.origin == origin && one.window.holds(now)) return one.vkey;
  }
  return Error(ErrorCode::not_found, "`" + std::string(origin.substr(0, 200)) + "` is no log of `" + party->name +
      "` now");
}

bool Directory::keeps_evidence(const ParticipantId& participant, Timestamp now) const {
  const auto party = find(participant);
  if (!party || !(*party)->evidence) return false;
  const std::vector<LogOrigin>& logs = (*party)->log_origins;
  return std::any_of(logs.begin(), logs.end(), [&](const LogOrigin& one) { return one.window.holds(now); });
}

json::Value legal_identity(const Party& party, const MembershipList& list, Timestamp now) {
  json::Value value = json::object({{"participant_id", json::Value(party.participant.str())},
                                    {"name", json::Value(party.name)},
                                    {"class", json::Value(party.class_of_recipient)}});
  if (!party.oin.empty()) value.set("oin", json::Value(party.oin));
  if (!party.kvk.empty()) value.set("kvk", json::Value(party.kvk));
  value.set("federation", json::Value(list.federation));
  value.set("membership_version", json::Value(list.version));
  value.set("taken", json::Value(format_time(now)));
  return value;
}

Result<std::string> origin_of(std::string_view url) {
  const Error bad(ErrorCode::invalid_argument, "`" + std::string(url.substr(0, 200)) + "` is not an http address");
  if (url.size() > 2048) return bad;
  const auto parsed = boost::urls::parse_uri(boost::core::string_view(url.data(), url.size()));
  if (!parsed || !parsed->has_authority() || parsed->has_userinfo() || parsed->host().empty()) return bad;
  if (http::begins_as_address(parsed->host())) return bad;
  if (const auto path = parsed->encoded_path(); !path.empty() && path.front() != '/') return bad;  // as some versions read the same
  const auto lower = [](std::string text) {
    for (char& c : text) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
  };
  const std::string scheme = lower(std::string(parsed->scheme()));
  if (scheme != "https" && scheme != "http") return bad;
  std::string origin = scheme + "://" + lower(std::string(parsed->encoded_host()));
  const std::string port(parsed->port());
  if (parsed->has_port() && !port.empty() && port != (scheme == "https" ? "443" : "80")) origin += ":" + port;
  return origin;
}

bool is_local_http(std::string_view url) {
  const auto origin = origin_of(url);
  constexpr std::string_view scheme = "http://";
  if (!origin || !origin->starts_with(scheme)) return false;
  const std::string_view authority = std::string_view(*origin).substr(scheme.size());
  const std::size_t port = authority.ends_with(']') ? std::string_view::npos : authority.rfind(':');
  return http::is_loopback(authority.substr(0, port));
}

}  // namespace sluis::identity
