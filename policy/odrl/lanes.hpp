#pragma once

#include "policy/odrl/program.hpp"

#include <vector>

/// What of a rule's conditions is decided without a branch: its lane, and atoms behind that. Private to the compiler.
namespace sluis::policy {

/// Decides the rule's action, target and assignee.
Program::Lane make_lane(const Program::Rule& rule);
/// What all the conditions `eq` and `isAnyOf` on recipient and class leave of their names, a request having at most one of each. The
/// lane decides them together, if it has room for these names, and none of them if not. Before `take_into`.
void meet_names(const std::vector<const Constraint*>& all, Names& names, Program::Lane& lane);
/// Lets the lane decide a condition, if it can; those on the purpose stand in the table.
bool take_into(Program::Lane& lane, const Constraint& one);

/// What an atom says of a condition, if it can: of a name, or of a name or a time. A time that is not known is not its affair.
std::optional<Program::Atom> as_atom(const Constraint& one, Names& names);
/// Says nothing.
Program::Atom always_true();

}  // namespace sluis::policy
