#include "connector/identity/static_scheme.hpp"

#include "connector/base/toml.hpp"
#include "connector/crypto/crypto.hpp"

#include <algorithm>

namespace sluis::identity {
namespace {

constexpr std::size_t kValueBytes = 4096;

/// RFC 9110, section 5.5: visible characters, with spaces within.
Result<std::string> read_value(TomlTable& table) {
  SLUIS_TRY(std::string value, table.string("authorization"));
  const bool visible = std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!visible || value.starts_with(' ') || value.ends_with(' ') || value.size() > kValueBytes) {
    return table.refused("authorization", "this is no value of a header: visible ASCII, no space around it, at most 4096 bytes");
  }
  return value;
}

Result<void> read_inbound(TomlTable& table, StaticValues& into) {
  StaticValues::Inbound one;
  SLUIS_TRY(const std::string party, table.string("party"));
  one.party = ParticipantId(party);
  SLUIS_TRY(one.authorization, read_value(table));
  const auto same = [&](const StaticValues::Inbound& other) { return other.authorization == one.authorization; };
  if (std::any_of(into.inbound.begin(), into.inbound.end(), same)) return table.refused("authorization", "this value stands for a party already");
  into.inbound.push_back(std::move(one));
  return {};
}

Result<void> read_outbound(TomlTable& table, StaticValues& into) {
  StaticValues::Outbound one;
  SLUIS_TRY(const std::string party, table.string("party"));
  one.party = ParticipantId(party);
  SLUIS_TRY(const std::optional<std::string> audience, table.optional_string("audience"));
  one.audience = audience.value_or("");
  while (one.audience.ends_with('/')) one.audience.pop_back();
  if (audience && !is_local_http(one.audience)) {
    return table.refused("audience", "`" + *audience + "` is not an http address of this machine")
        .mended_by("write http://127.0.0.1:PORT, with a path if wanted");
  }
  SLUIS_TRY(one.authorization, read_value(table));
  const auto same = [&](const StaticValues::Outbound& other) { return other.party == one.party && other.audience == one.audience; };
  if (std::any_of(into.outbound.begin(), into.outbound.end(), same)) {
    return table.refused("party", "there is a value for this party and audience already");
  }
  into.outbound.push_back(std::move(one));
  return {};
}

/// Whether the address lies at or below the audience's.
bool is_for(const StaticValues::Outbound& one, std::string_view url) {
  if (!url.starts_with(one.audience)) return false;
  const std::string_view rest = url.substr(one.audience.size());
  return one.audience.empty() || rest.empty() || rest.front() == '/' || rest.front() == '?';
}

}  // namespace

Result<StaticValues> StaticValues::parse(std::string_view text, const std::string& file) {
  SLUIS_TRY(TomlTable root, TomlTable::parse(text, file));
  StaticValues values;
  SLUIS_TRY(std::vector<TomlTable> inbound, root.tables("inbound"));
  for (TomlTable& table : inbound) SLUIS_CHECK(read_inbound(table, values));
  SLUIS_TRY(std::vector<TomlTable> outbound, root.tables("outbound"));
  for (TomlTable& table : outbound) SLUIS_CHECK(read_outbound(table, values));
  SLUIS_CHECK(root.finish());
  return values;
}

Result<http::Headers> StaticScheme::credentials_for(const ParticipantId& peer, const MessageContext& message) {
  SLUIS_CHECK(directory_.find(peer));
  if (!is_local_http(message.url)) {
    return Error(ErrorCode::permission_denied, "with the identity scheme `static` nothing is sent to `" + std::string(message.url.substr(0, 200)) +
                                                   "`: it is not an http address of this machine");
  }
  const StaticValues::Outbound* best = nullptr;
  for (const StaticValues::Outbound& one : values_.outbound) {
    if (one.party != peer || !is_for(one, message.url)) continue;
    if (best == nullptr || one.audience.size() > best->audience.size()) best = &one;
  }
  if (best == nullptr) return Error(ErrorCode::not_found, "no value is written down for `" + peer.str() + "` at this address");
  return http::Headers{{"authorization", best->authorization}};
}

Result<VerifiedPeer> StaticScheme::verify(const http::Headers& headers, const http::TlsPeer&) {
  const auto sent = headers.find("authorization");
  if (sent == headers.end()) return Error(ErrorCode::unauthenticated, "no Authorization was sent");
  const StaticValues::Inbound* meant = nullptr;
  for (const StaticValues::Inbound& one : values_.inbound) {  // all of them, whichever it is
    if (crypto::equal(one.authorization, sent->second)) meant = &one;
  }
  if (meant == nullptr) return Error(ErrorCode::unauthenticated, "the Authorization stands for nobody");
  const auto list = directory_.list();
  auto party = directory_.find(meant->party);
  if (!list || !party) return Error(ErrorCode::unauthenticated, "`" + meant->party.str() + "` is not in the membership list");
  VerifiedPeer peer = verified_peer(std::move(*party), list->valid_until);
  peer.assurance = Assurance::written_down;
  return peer;
}

}  // namespace sluis::identity
