#pragma once

#include "connector/negotiation/script.hpp"

#include <filesystem>

namespace sluis::node {

/// What the stewards had written down for negotiations and for transfers: the file that `script` in node.toml names.
struct Scripts {
  negotiation::Script negotiations, transfers;

  /// No file: both say nothing. Errors of the file's content have line and column.
  static Result<Scripts> read(const std::filesystem::path& file);
};

}  // namespace sluis::node
