#pragma once

#include "policy/odrl/explain.hpp"

namespace sluis::policy {

/// Whether the policy could permit that party something at some time. What is not given could be anything.
bool could_permit(const Program& program, std::string_view class_of_recipient, std::string_view recipient,
                  std::optional<PurposeIndex> purpose = {}, std::optional<Timestamp> now = {});

/// The first difference between what was published and what is proposed, as a reason whose code is `purpose`, `time`,
/// `recipient`, `class`, `duty` or `other`; nothing if there is none. Spelling and order make no difference.
/// With a vocabulary, a proposal may narrow: one purpose (`eq`) in place of a constraint that it satisfies, and fewer
/// permissions (what `with_purpose` makes).
std::optional<Reason> compare(const Policy& published, const Policy& proposed, const Vocabulary* narrowing = nullptr);

/// The offer with each purpose constraint of a permission replaced by `eq purpose`. Permissions that are not open to
/// that purpose are left out; if none is left, or the purpose is unknown: invalid_argument.
Result<json::Value> with_purpose(const json::Value& offer, std::string_view purpose, const Vocabulary& vocabulary);

/// Whether the rules of the agreement are those of the offer, apart from ids, target, parties and timestamp. Else
/// invalid_argument, naming the first difference.
Result<void> agreement_policy_equals_offer(const json::Value& agreement, const json::Value& offer);

}  // namespace sluis::policy
