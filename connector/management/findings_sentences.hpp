#pragma once

#include "policy/odrl/sentences.hpp"

#include <map>
#include <string>

namespace sluis::management {

/// What findings say, each row by the code of the finding; where one says different things, behind it `/` and which.
std::span<const policy::Sentence> finding_sentences();
/// With its parameters filled in.
std::string tell_finding(std::string_view key, const std::map<std::string, std::string>& parameters, policy::Language language);

}  // namespace sluis::management
