#include "connector/provenance/passing.hpp"

#include <algorithm>

namespace sluis::provenance {

Result<std::optional<Leaf>> leaf_in_pass(const LogReader& log, std::uint64_t number) {
  auto leaf = log.leaf(number);
  if (leaf) return std::optional(std::move(*leaf));
  if (leaf.error().code != ErrorCode::not_found) return leaf.error();
  SLUIS_TRY(const std::vector<Pruned> pruned, log.pruned());
  if (number_there(pruned, number) == number) return leaf.error();  // of no pruned log, or kept there: its loss is another matter
  return std::optional<Leaf>();
}

Result<std::optional<Leaf>> leaf_or_skip(const LogReader& log, std::uint64_t& number) {
  SLUIS_TRY(std::optional<Leaf> leaf, leaf_in_pass(log, number));
  if (leaf) return leaf;
  SLUIS_TRY(const std::uint64_t first_kept, log.first_kept());
  number = std::max(number, first_kept - 1);  // something was pruned: it is more than 0
  return leaf;
}

Result<Leaf> first_leaf(const LogReader& log) {
  for (;;) {  // a log is pruned once
    SLUIS_TRY(const std::uint64_t first_kept, log.first_kept());
    SLUIS_TRY(const std::optional<Leaf> leaf, leaf_in_pass(log, first_kept));
    if (leaf) return *leaf;
  }
}

}  // namespace sluis::provenance
