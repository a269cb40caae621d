#pragma once

#include "policy/odrl/model.hpp"

namespace sluis::policy {

/// Whether the values of a policy are what their operands take: what publication asks, beyond what a program needs to compare them.
/// invalid_argument at the pointer of the first that is not, with the nearest known where there is one: a class that is no word of
/// `a-z 0-9 - _`; a party, an activity, a situation or an assessment that is no name in visible ASCII without spaces (so that nothing
/// looks like another); any other name outside ASCII; a legal basis that DPV does not have; a language that is no well-formed tag
/// (BCP 47); evidence and a unit that the profile does not know.
Result<void> check_values(const Policy& policy);

/// Whether it is a class of parties, by its form.
bool is_class_name(std::string_view text);
/// Whether it is a well-formed language tag (RFC 5646, section 2.2.9); letters in any case.
bool is_language_tag(std::string_view text);

}  // namespace sluis::policy
