#pragma once

#include <string_view>

namespace sluis::node {

/// The pinned DPV purposes (policy/purpose/dpv-purposes.tsv), built into the program.
extern const std::string_view kPinnedPurposes;
/// The project's ODRL profile (policy/odrl/profile.jsonld), which every node serves itself too.
extern const std::string_view kOdrlProfile;
/// The same in Turtle.
extern const std::string_view kOdrlProfileTurtle;

}  // namespace sluis::node
