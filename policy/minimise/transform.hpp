#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluis::policy {

/// Columns of which one is published as the sum of the others: `total = in + out`.
struct SumGroup {
  std::string total;
  std::vector<std::string> parts;  ///< two or more
  friend bool operator==(const SumGroup&, const SumGroup&) = default;
};

/// `suppressSmallCells`: a count below `threshold` becomes `x`, and whatever would let it be computed back.
/// Without columns and groups of its own it takes those that the dataset declares.
struct SuppressSmallCells {
  std::int64_t threshold = 10;
  std::vector<std::string> columns;
  std::vector<SumGroup> groups;
  friend bool operator==(const SuppressSmallCells&, const SuppressSmallCells&) = default;
};

/// What the provider's gate does to a release; one kind so far.
using Transform = SuppressSmallCells;

}  // namespace sluis::policy
