#pragma once

#include "connector/base/ids.hpp"
#include "connector/base/time.hpp"
#include "connector/json/json.hpp"
#include "connector/provenance/note.hpp"
#include "connector/storage/commit_port.hpp"

#include <optional>
#include <string>
#include <vector>

/// That a party's log contradicts what it signed before (decision 38). It stands until a person settles it: until then nothing that the party's log
/// says is taken for evidence of two sides.
namespace sluis::node {

inline constexpr std::string_view kContradictionPrefix = "peer-contradiction/";  ///< and the participant

struct Contradiction {
  ParticipantId peer;
  Timestamp since;
  std::string origin;  ///< of the log
  std::string what;    ///< "conflict": two notes of one size; "shorter": fewer entries than it signed before; "rewritten": it cannot prove that it holds them
  std::string held;    ///< the note of before
  std::string shown;   ///< the one that contradicts

  std::string encode() const;
  static std::string key_of(const ParticipantId& peer) { return std::string(kContradictionPrefix) + peer.str(); }
  /// None: nothing stands against it. Errors: the store's, and corruption.
  static Result<std::optional<Contradiction>> read(const storage::Reader& store, const ParticipantId& peer);
  static Result<std::vector<Contradiction>> all(const storage::Reader& store);
  /// In words.
  std::string told() const;
  /// Both in one file, which proves it to anybody who has the log's key; empty: they are of different sizes.
  std::string proof() const;
};

/// Of each log of a peer the newest checkpoint that it showed and proved.
std::string known_checkpoints(const ParticipantId& peer);
std::string known_checkpoint_key(const ParticipantId& peer, std::string_view origin);

/// Hashes of a proof, as they go over the wire.
json::Value proof_to_json(const std::vector<Hash>& path);
/// permission_denied: these are none.
Result<std::vector<Hash>> proof_from_json(const json::Value* list);

}  // namespace sluis::node
