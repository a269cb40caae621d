#pragma once

#include "policy/odrl/model.hpp"
#include "policy/odrl/sentences.hpp"

#include <set>
#include <string>
#include <vector>

/// Who sees to each part of a policy: what a node can keep by itself, what it must believe, and what nobody would keep.
namespace sluis::policy {

/// What a node's gate knows of a request, and does to a release.
struct Supplied {
  std::set<Operand> operands;     ///< known at every decision
  std::set<Action> transforms;    ///< done before data leave
  std::set<Action> watched;       ///< duties of the other party whose date the node watches
  bool duties = false;            ///< whether the states of duties of permissions are known

  /// What the gate of this release gives to a decision (gate/assess.cpp). Who makes it give more adds it here.
  static Supplied by_this_node();
};

enum class Keeper : std::uint8_t { enforced, promised, refused };
/// `enforced`, `promised`, `refused`.
std::string_view to_string(Keeper keeper);

/// A rule, condition, duty or obligation, and who sees to it.
struct PolicyPart {
  std::string pointer;
  Keeper keeper = Keeper::refused;
  std::string_view code;  ///< of a sentence: `part.enforced`, `part.unknowable`, …
  std::string what;       ///< its parameter `what`: an operand or action
};

/// Every part, in the policy's order. A rule about an action that the gate is never asked for (it is asked for `use`)
/// binds the other party only. A condition that the gate would need and cannot know is refused, with every operator
/// and wherever it stands: also in an `or`, as nobody can see that its alternative never counts.
std::vector<PolicyPart> enforcement(const Policy& policy, const Supplied& supplied);

/// The sentence of a part.
std::string tell(const PolicyPart& part, Language language);
/// The same as the message of an error: without a capital and a full stop.
std::string refusal(const PolicyPart& part);

}  // namespace sluis::policy
