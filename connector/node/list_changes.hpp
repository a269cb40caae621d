#pragma once

#include "connector/identity/membership.hpp"
#include "sluis/v1/membership.pb.h"

namespace sluis::node {

/// What a membership list changes of the one before; null: it is the first. Bounded: of the parties at most kMostChanges are named. When and from
/// where it came is the caller's to say.
v1::MembershipChanges changes_between(const identity::MembershipList* before, const identity::MembershipList& after);

inline constexpr int kMostChanges = 500;

/// In one line, for a log: "version 4 (before: 3), added 1, removed 2, changed 1".
std::string summary(const v1::MembershipChanges& changes);

}  // namespace sluis::node
