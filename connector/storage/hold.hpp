#pragma once

#include "connector/base/time.hpp"
#include "connector/storage/commit_port.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a recovery holds (decision 37): nothing is released, sent or listed under a held record, and nothing about it gets wider, until it is
/// settled. A hold is one key beside its record, `held/<key of the record>`, whose value says since when. `log recover` writes holds; who settles
/// or ends the record deletes its hold in the same commit. A running node makes none.
namespace sluis::storage {

inline constexpr std::string_view kHoldPrefix = "held/";

std::string hold_key(std::string_view record);
/// That the record is held since then.
Change hold(std::string_view record, Timestamp since);
/// Since when the record is held; none: it is not. Errors: those of the store. What cannot be read holds all the same.
Result<std::optional<Timestamp>> held_since(const Reader& store, std::string_view record);
/// Adds to a commit that settles or ends a record that its hold is gone, if it has one. Errors: those of the store.
Result<void> settle(const Reader& store, std::string_view record, Commit& commit);

struct Held {
  std::string record;  ///< its key
  Timestamp since;
};
/// Held records whose key begins with `prefix`, in order. Errors: those of the store.
Result<std::vector<Held>> all_held(const Reader& store, std::string_view prefix = {});

/// For people: `since the recovery of <time>`.
std::string told(Timestamp since);

}  // namespace sluis::storage
