#include "connector/node/own_keys.hpp"

namespace sluis::node {
namespace {

constexpr std::string_view kPurpose = "sluis node key mark";

std::string marking_key(std::string_view node_key) { return crypto::hkdf_sha256(node_key, "", kPurpose, 32); }

}  // namespace

std::filesystem::path node_key_changed_file(const std::filesystem::path& node_key) { return node_key.string() + ".changed"; }

std::string mark_of(std::string_view node_key, const ParticipantId& self, Random& random) {
  return crypto::seal(random, marking_key(node_key), kPurpose, self.str());
}

Result<void> opens_mark(std::string_view node_key, std::string_view mark, const ParticipantId& self) {
  SLUIS_CHECK(crypto::unseal(marking_key(node_key), mark, self.str()));
  return {};
}

std::optional<Error> why_not_listed(const identity::MembershipList& list, const NodeConfig& config, const crypto::Key& claim_key, Timestamp now) {
  const identity::Party* self = list.find(config.participant);
  if (self == nullptr || self->claim_keys.empty()) return std::nullopt;  // it sends no claims that anybody could check
  const std::string what = "the claim key `" + config.claim_key.string() + "`";
  bool over = false;
  for (const identity::ClaimKey& one : self->claim_keys) {
    if (one.kid != config.claim_kid) continue;
    if (one.key.public_raw() != claim_key.public_raw()) {
      return Error(ErrorCode::conflict, what + " is not the one that the membership list has as `" + one.kid + "`: nobody takes what it signs")
          .mended_by("put that one back from a copy of the keys; a new key gets a `claim_kid` of its own in [keys], and is listed under it");
    }
    if (one.window.holds(now)) return std::nullopt;
    over = true;
  }
  return Error(ErrorCode::not_found, what + " is " + (over ? "not good now by" : "not in") + " the membership list, as `" + config.claim_kid + "`: nobody takes what it signs")
      .mended_by("have it put in the list under that kid, as party.json has it");
}

}  // namespace sluis::node
