#pragma once

#include "policy/odrl/explain.hpp"

namespace sluis::policy {

/// Whether the policy could permit that party something at some time. What is not given could be anything.
bool could_permit(const Program& program, std::string_view class_of_recipient, std::string_view recipient,
                  std::optional<PurposeIndex> purpose = {}, std::optional<Timestamp> now = {}, std::optional<bool> two_sided = {});

/// From when on the policy can permit nothing any more, whoever asks and whatever for; none: there is no such time, or it never could.
std::optional<Timestamp> over_from(const Program& program, Timestamp agreed);

/// The first difference between what was published and what is proposed, as a reason whose code is `purpose`, `time`,
/// `recipient`, `class`, `duty` or `other`; nothing if there is none. Spelling and order make no difference; parties,
/// target and timestamp of the policy itself are not compared.
std::optional<Reason> compare(const Policy& published, const Policy& proposed);

}  // namespace sluis::policy
