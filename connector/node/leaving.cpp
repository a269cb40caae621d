#include "connector/node/leaving.hpp"

#include "connector/base/limits.hpp"

namespace sluis::node {
namespace {

constexpr std::string_view kLeft = "membership/left";            ///< JSON: participants whose membership ended, until all with them has
constexpr std::string_view kLooked = "membership/looked-for-left";  ///< what was there before such was noted has been looked through

Result<std::set<std::string>> read_left(const std::optional<std::string>& bytes) {
  std::set<std::string> out;
  if (!bytes) return out;
  SLUIS_TRY(const json::Value value, json::parse(*bytes));
  const json::Array* all = value.if_array();
  if (all == nullptr) return Error(ErrorCode::corruption, "who is no member any more cannot be read");
  for (const json::Value& one : *all) {
    if (const std::string* id = one.if_string()) out.insert(*id);
  }
  return out;
}

/// What cannot be ended because it has ended already, or is gone, is done.
bool is_failure(const Error& error) { return error.code != ErrorCode::invalid_state && error.code != ErrorCode::not_found; }

}  // namespace

Result<void> Leaving::note(Commit& commit, const identity::MembershipList* before, const identity::MembershipList& after) const {
  if (before == nullptr) return {};
  SLUIS_TRY(const std::optional<std::string> kept, with_.store.get(kLeft));
  SLUIS_TRY(std::set<std::string> left, read_left(kept));
  const std::size_t known = left.size();
  for (const identity::Party& party : before->parties) {
    if (after.find(party.participant) == nullptr) left.insert(party.participant.str());
  }
  if (left.size() == known) return {};
  json::Array all;
  for (const std::string& one : left) all.emplace_back(one);
  commit.preconditions.push_back({std::string(kLeft), kept});
  commit.changes.push_back({std::string(kLeft), json::serialise(json::Value(std::move(all)))});
  return {};
}

/// A party is left as well where the list in force does not have it: it left before such was noted. This node's own membership ends when a
/// list takes it off: then nothing goes on with anybody.
bool Leaving::has_left(const ParticipantId& peer) const {
  return left_.contains(peer.str()) || left_.contains(self_.str()) || (list_ != nullptr && list_->find(peer) == nullptr);
}

outbox::Reason Leaving::reason_for(const ParticipantId& peer) const {
  const std::string who = left_.contains(self_.str()) ? self_.str() : peer.str();
  return {"membership", {"the membership of `" + who + "` has ended"}};
}

Result<void> Leaving::end_agreements(std::size_t& seen) {
  SLUIS_TRY(const auto page, with_.negotiations.agreements(agreement_, limits::kPageDefault));
  seen = page.size();
  for (const negotiation::AgreementRecord& record : page) {
    if (record.active() && has_left(record.peer)) {
      const auto done = with_.negotiations.terminate_agreement(record.id, reason_for(record.peer));
      if (!done && is_failure(done.error())) return done.error();
    }
    agreement_ = record.id;
  }
  return {};
}

Result<void> Leaving::end_negotiations(std::size_t& seen) {
  SLUIS_TRY(const auto page, with_.negotiations.list(negotiation_, limits::kPageDefault));
  seen = page.size();
  for (const negotiation::Negotiation& one : page) {
    if (!(one.state && negotiation::is_final(*one.state)) && has_left(one.peer)) {
      const auto done = with_.negotiations.refuse(one.own_pid, reason_for(one.peer));
      if (!done && is_failure(done.error())) return done.error();
    }
    negotiation_ = one.own_pid;
  }
  return {};
}

Result<bool> Leaving::go_on() {
  SLUIS_TRY(const std::optional<std::string> noted, with_.store.get(kLeft));
  SLUIS_TRY(const std::optional<std::string> looked, with_.store.get(kLooked));
  if (!noted && looked) return true;
  list_ = looked ? nullptr : with_.list();
  if (!noted && list_ == nullptr) return true;  // nobody can tell yet
  if (noted != noted_) {
    noted_ = noted;
    agreement_ = AgreementId();
    negotiation_ = ProcessId();
    negotiations_done_ = false;
  }
  SLUIS_TRY(left_, read_left(noted));
  std::size_t seen = 0;
  // Negotiations first: what one comes to while it is looked for is an agreement then, and is found among those.
  SLUIS_CHECK(negotiations_done_ ? end_agreements(seen) : end_negotiations(seen));
  if (seen >= limits::kPageDefault) return false;
  if (!std::exchange(negotiations_done_, true)) return false;
  Commit done;
  done.commit_class = CommitClass::bulk;
  done.preconditions.push_back({std::string(kLeft), noted});
  if (noted) done.changes.push_back({std::string(kLeft), std::nullopt});
  if (list_ != nullptr) done.changes.push_back({std::string(kLooked), std::string()});
  const auto written = with_.commits.commit_and_wait(std::move(done));
  negotiations_done_ = false;
  noted_.reset();
  agreement_ = AgreementId();
  negotiation_ = ProcessId();
  if (!written && written.error().code == ErrorCode::conflict) return false;  // more have left
  SLUIS_CHECK(written);
  return true;
}

}  // namespace sluis::node
