#pragma once

#include "connector/base/time.hpp"

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>

namespace sluis::cli {

/// What a command touches of the machine. All of it outlives the commands.
struct Surroundings {
  std::ostream& out;  ///< data
  std::ostream& err;  ///< messages
  const Clock& clock;
  bool terminal = false;                 ///< a person sits there: questions may be asked
  std::function<std::string()> read_line;
  std::filesystem::path contexts;        ///< where contexts.toml is unless `--contexts` says otherwise
};

}  // namespace sluis::cli
