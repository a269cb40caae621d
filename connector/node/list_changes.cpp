#include "connector/node/list_changes.hpp"

#include <fmt/core.h>

#include <map>
#include <set>

namespace sluis::node {
namespace {

/// The parties as their list has them, by participant.
std::map<std::string, json::Value> parties_of(const identity::MembershipList& list) {
  std::map<std::string, json::Value> out;
  const json::Value whole = identity::to_json(list);
  const json::Value* parties = whole.find("parties");
  for (std::size_t i = 0; i < list.parties.size(); ++i) out.emplace(list.parties[i].participant.str(), (*parties->if_array())[i]);
  return out;
}

std::string text_of(const json::Value& value) { return json::serialise(value); }

/// Which members of the two differ.
std::vector<std::string> difference(const json::Value& before, const json::Value& after) {
  std::vector<std::string> out;
  for (const auto& [key, value] : *after.if_object()) {
    const json::Value* other = before.find(key);
    if (other == nullptr || text_of(*other) != text_of(value)) out.push_back(key);
  }
  return out;
}

std::set<std::string> key_ids(const identity::MembershipList& list) {
  std::set<std::string> out;
  for (const identity::Signer& one : list.signers) out.insert(one.key_id);
  return out;
}

}  // namespace

v1::MembershipChanges changes_between(const identity::MembershipList* before, const identity::MembershipList& after) {
  v1::MembershipChanges out;
  out.set_version(after.version);
  if (before != nullptr) out.set_before(before->version);
  const auto old = before != nullptr ? parties_of(*before) : std::map<std::string, json::Value>();
  const auto now = parties_of(after);
  const auto room = [&] {
    if (out.added_size() + out.removed_size() + out.changed_size() < kMostChanges) return true;
    out.set_left_out(out.left_out() + 1);
    return false;
  };
  for (const auto& [participant, _] : old) {  // first who is not there any more: that is what one looks for
    if (!now.contains(participant) && room()) out.add_removed(participant);
  }
  for (const auto& [participant, said] : now) {
    const auto known = old.find(participant);
    if (known == old.end()) {
      if (room()) out.add_added(participant);
      continue;
    }
    const std::vector<std::string> what = difference(known->second, said);
    if (what.empty() || !room()) continue;
    auto* changed = out.add_changed();
    changed->set_participant(participant);
    changed->set_name(after.find(ParticipantId(participant))->name);
    for (const std::string& one : what) changed->add_what(one);
  }
  const auto were = before != nullptr ? key_ids(*before) : std::set<std::string>();
  const auto are = key_ids(after);
  for (const std::string& one : are) {
    if (!were.contains(one)) out.add_signers_added(one);
  }
  for (const std::string& one : were) {
    if (!are.contains(one)) out.add_signers_removed(one);
  }
  if (before == nullptr || before->threshold != after.threshold) out.set_threshold(after.threshold);
  return out;
}

std::string summary(const v1::MembershipChanges& changes) {
  return fmt::format("version {} (before: {}), parties: {} added, {} removed, {} changed; signers: {} added, {} removed", changes.version(), changes.before(),
                     changes.added_size(), changes.removed_size(), changes.changed_size(), changes.signers_added_size(), changes.signers_removed_size());
}

}  // namespace sluis::node
