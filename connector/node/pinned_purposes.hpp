#pragma once

#include <string_view>

namespace sluis::node {

/// The pinned DPV purposes (policy/purpose/dpv-purposes.tsv), built into the program.
extern const std::string_view kPinnedPurposes;

}  // namespace sluis::node
