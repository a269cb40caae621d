#pragma once

#include "connector/identity/directory.hpp"
#include "connector/negotiation/service.hpp"

#include <set>

/// What ends when a membership does (decision 40).
namespace sluis::node {

/// What ending it needs; all of it outlives it.
struct LeavingDependencies {
  const storage::Reader& store;
  CommitPort& commits;
  negotiation::Service& negotiations;
  /// The membership list in force; null: there is none, or it expired, and who is not on it has not left.
  std::function<std::shared_ptr<const identity::MembershipList>()> list;
};

/// Ends the agreements and negotiations with parties that a list in force does not have any more, each with an entry and the reason
/// `membership`; transfers end with their agreements. A page at a time; who left stands in the store until all of that was done, so that no
/// restart forgets it, and a party that comes back meanwhile finds an end all the same. `go_on`: from one thread at a time.
class Leaving {
 public:
  Leaving(ParticipantId self, LeavingDependencies with) : self_(std::move(self)), with_(std::move(with)) {}

  /// Into the commit by which a list comes into force. Errors: the store's, and corruption.
  Result<void> note(Commit& commit, const identity::MembershipList* before, const identity::MembershipList& after) const;

  /// Ends a page of it. False: there is more. In a store of before this was noted, all is looked through once, as soon as there is a list.
  Result<bool> go_on();

 private:
  Result<void> end_agreements(std::size_t& seen);
  Result<void> end_negotiations(std::size_t& seen);
  bool has_left(const ParticipantId& peer) const;
  outbox::Reason reason_for(const ParticipantId& peer) const;

  const ParticipantId self_;
  const LeavingDependencies with_;
  std::optional<std::string> noted_;  ///< as in the store when this pass began
  std::set<std::string> left_;        ///< what it says
  std::shared_ptr<const identity::MembershipList> list_;
  AgreementId agreement_;             ///< the last that was looked at
  ProcessId negotiation_;             ///< likewise
  bool negotiations_done_ = false;
};

}  // namespace sluis::node
