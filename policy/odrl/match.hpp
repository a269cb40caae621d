#pragma once

#include "policy/odrl/explain.hpp"

namespace sluis::policy {

/// Whether the policy could permit that party something at some time. What is not given could be anything.
bool could_permit(const Program& program, std::string_view class_of_recipient, std::string_view recipient,
                  std::optional<PurposeIndex> purpose = {}, std::optional<Timestamp> now = {}, std::optional<bool> two_sided = {},
                  std::optional<bool> impact_assessed = {});

/// Whether anybody could be permitted anything by these terms from now on: each purpose that the program knows is asked for, by each
/// party and class that the terms name, and by others, at each time at which something changes. None: there are too many of those to ask.
std::optional<bool> could_ever_permit(const Policy& policy, const Program& program, Timestamp now);

/// From when on the policy can permit nothing any more, whoever asks and whatever for; none: there is no such time, or it never could.
std::optional<Timestamp> over_from(const Program& program, Timestamp agreed);

/// The first difference between what was published and what is proposed, as a reason whose code is `purpose`, `time`,
/// `recipient`, `class`, `duty` or `other`; nothing if there is none. Spelling and order make no difference; parties,
/// target and timestamp of the policy itself are not compared.
std::optional<Reason> compare(const Policy& published, const Policy& proposed);

/// Where in `asked`, which stands at `place` of a larger document, the terms first say something else than the published ones do, as a JSON pointer;
/// nothing: both say the same, however they are written. Every member of the model counts, ids too, and so does order.
std::optional<std::string> first_difference(const Policy& published, const Policy& asked, const std::string& place);

}  // namespace sluis::policy
