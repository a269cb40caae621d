#pragma once

#include "connector/base/error.hpp"

#include <filesystem>

namespace sluis {

/// Whether a file that holds a secret is its owner's alone: permission_denied where its group or others may do anything with it. What is not
/// there is for whoever opens it to say.
Result<void> check_private_file(const std::filesystem::path& path);

/// Whether a folder of secrets is one where only its owner puts files: permission_denied where its group or others may write in it. One that is not
/// there is no error.
Result<void> check_private_folder(const std::filesystem::path& path);

}  // namespace sluis
