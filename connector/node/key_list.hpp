#pragma once

#include <filesystem>
#include <string>

/// Every key of a node (D31): where it lies, what shows it to others, until when it is good, how it is changed, and what breaks when it is lost.
/// For commands: they read the configuration and the files that it names, and change nothing.
namespace sluis::node {

/// One line a key, or JSON. 1: one of them cannot be read, is open to others, or is over.
int key_list(const std::filesystem::path& config, bool as_json);
/// The steps in which a kind of key is changed, in their order, with what overlaps. 2: an unknown kind.
int key_rotation_plan(const std::filesystem::path& config, const std::string& kind);

}  // namespace sluis::node
