#include "connector/node/contradiction.hpp"

#include "connector/base/bytes.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/json/json.hpp"
#include "connector/provenance/witness.hpp"

#include <fmt/format.h>

#include <charconv>

namespace sluis::node {
namespace {

/// The size that a note says; nothing is checked.
std::string size_of(std::string_view note) {
  const std::size_t line = note.find('\n');
  return line == std::string_view::npos ? std::string() : std::string(note.substr(line + 1, note.find('\n', line + 1) - line - 1));
}

Result<Contradiction> decode(std::string_view key, std::string_view bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  Contradiction out;
  out.peer = ParticipantId(std::string(key.substr(kContradictionPrefix.size())));
  SLUIS_TRY(const std::string since, json::required_string(value, "since"));
  SLUIS_TRY(out.since, parse_time(since));
  SLUIS_TRY(out.origin, json::required_string(value, "origin"));
  SLUIS_TRY(out.what, json::required_string(value, "what"));
  SLUIS_TRY(out.held, json::required_string(value, "held"));
  SLUIS_TRY(out.shown, json::required_string(value, "shown"));
  return out;
}

}  // namespace

std::string Contradiction::encode() const {
  return json::serialise(json::object({{"since", format_time(since)}, {"origin", origin}, {"what", what}, {"held", held}, {"shown", shown}}));
}

Result<std::optional<Contradiction>> Contradiction::read(const storage::Reader& store, const ParticipantId& peer) {
  const std::string key = key_of(peer);
  SLUIS_TRY(const std::optional<std::string> bytes, store.get(key));
  if (!bytes) return std::optional<Contradiction>();
  SLUIS_TRY(Contradiction one, decode(key, *bytes));
  return std::optional(std::move(one));
}

Result<std::vector<Contradiction>> Contradiction::all(const storage::Reader& store) {
  std::vector<Contradiction> out;
  Result<void> read = {};
  SLUIS_CHECK(store.scan(kContradictionPrefix, kContradictionPrefix, [&](std::string_view key, std::string_view bytes) {
    auto one = decode(key, bytes);
    if (!one) read = one.error();
    else out.push_back(std::move(*one));
    return read.has_value();
  }));
  SLUIS_CHECK(std::move(read));
  return out;
}

std::string Contradiction::told() const {
  if (what == "conflict") return fmt::format("its log `{}` signed two different histories of {} entries", origin, size_of(held));
  if (what == "shorter") return fmt::format("its log `{}` signed {} entries before, and now {}", origin, size_of(held), size_of(shown));
  return fmt::format("its log `{}` cannot prove that its {} entries hold the {} that it signed before", origin, size_of(shown), size_of(held));
}

std::string Contradiction::proof() const { return what == "conflict" ? provenance::conflict_of(held, shown) : std::string(); }

std::string known_checkpoints(const ParticipantId& peer) { return "peer-checkpoint/" + to_hex(crypto::sha256(peer.str())) + "/"; }
std::string known_checkpoint_key(const ParticipantId& peer, std::string_view origin) { return known_checkpoints(peer) + to_hex(crypto::sha256(origin)); }

json::Value proof_to_json(const std::vector<Hash>& path) {
  json::Array hashes;
  for (const Hash& hash : path) hashes.emplace_back(to_base64(view(hash)));
  return json::Value(std::move(hashes));
}

Result<std::vector<Hash>> proof_from_json(const json::Value* list) {
  if (list == nullptr || list->if_array() == nullptr) return Error(ErrorCode::permission_denied, "it shows no proof");
  std::vector<Hash> path;
  for (const json::Value& one : *list->if_array()) {
    if (one.if_string() == nullptr) return Error(ErrorCode::permission_denied, "a hash is no text");
    SLUIS_TRY(const std::string bytes, from_base64(*one.if_string()));
    SLUIS_TRY(const Hash hash, to_hash(bytes));
    path.push_back(hash);
  }
  return path;
}

}  // namespace sluis::node
