#pragma once

#include <cstdint>

namespace sluis::gate {

/// How far a stream has come.
struct StreamProgress {
  std::uint64_t rows = 0;   ///< of CSV, those that were made whole of what was read
  std::uint64_t bytes = 0;
  bool endless = false;     ///< it goes on as its source does
};

}  // namespace sluis::gate
