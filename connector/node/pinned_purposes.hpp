#pragma once

#include "connector/base/error.hpp"
#include "connector/node/config.hpp"
#include "policy/purpose/vocabulary.hpp"

#include <string_view>
#include <vector>

namespace sluis::node {

/// The pinned DPV purposes (policy/purpose/dpv-purposes.tsv), built into the program.
extern const std::string_view kPinnedPurposes;

/// A file of purposes as it was read.
struct PurposeFile {
  std::string text;
  std::string name;
};
/// The files of purposes that the configuration names, the pinned one first. invalid_argument at that file, with both hashes: it is neither
/// the one built in nor the one that `[data] purposes_sha256` names.
Result<std::vector<PurposeFile>> read_purpose_files(const NodeConfig& config);
/// What the operator should know of them while the node runs: files that are not as they were read. Empty: nothing.
std::string changed_purposes(const NodeConfig& config, const std::vector<PurposeFile>& read);
/// The project's ODRL profile (policy/odrl/profile.jsonld), which every node serves itself too.
extern const std::string_view kOdrlProfile;
/// The same in Turtle.
extern const std::string_view kOdrlProfileTurtle;

}  // namespace sluis::node
