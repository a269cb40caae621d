#include "connector/provenance/passing.hpp"

namespace sluis::provenance {

Result<std::optional<Leaf>> leaf_in_pass(const LogReader& log, std::uint64_t number) {
  auto leaf = log.leaf(number);
  if (leaf) return std::optional(std::move(*leaf));
  if (leaf.error().code != ErrorCode::not_found) return leaf.error();
  SLUIS_TRY(const std::uint64_t first_kept, log.first_kept());
  if (number >= first_kept) return leaf.error();
  return std::optional<Leaf>();
}

Result<Leaf> first_leaf(const LogReader& log) {
  for (;;) {  // a log is pruned once
    SLUIS_TRY(const std::uint64_t first_kept, log.first_kept());
    SLUIS_TRY(const std::optional<Leaf> leaf, leaf_in_pass(log, first_kept));
    if (leaf) return *leaf;
  }
}

}  // namespace sluis::provenance
