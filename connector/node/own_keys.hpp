#pragma once

#include "connector/base/random.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/identity/membership.hpp"
#include "connector/node/config.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

/// Whether a node's keys are its own: a file that was swapped for another node's is found before anything is done with it.
namespace sluis::node {

/// Where a store keeps the mark of its node key.
inline constexpr std::string_view kNodeKeyMark = "meta/node-key";
/// Says, by being there, that the node key was changed on purpose.
std::filesystem::path node_key_changed_file(const std::filesystem::path& node_key);

/// What this node key alone opens, for this participant.
std::string mark_of(std::string_view node_key, const ParticipantId& self, Random& random);
/// corruption: the mark is another key's.
Result<void> opens_mark(std::string_view node_key, std::string_view mark, const ParticipantId& self);

/// What is wrong with a claim key by the list that others have too; nothing: it is the one. conflict: under this node's kid the list has another key;
/// not_found: it has none under that kid now, or this node is not on it.
std::optional<Error> why_not_listed(const identity::MembershipList& list, const NodeConfig& config, const crypto::Key& claim_key, Timestamp now);

}  // namespace sluis::node
