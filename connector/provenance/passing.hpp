#pragma once

#include "connector/provenance/log_store.hpp"

/// For passes over a log that may be pruned meanwhile: what goes under a pass is passed over, as if the pass had begun after it.
namespace sluis::provenance {

/// The leaf of an entry that was there when the pass began. Nothing: it was pruned since. Of an entry whose payload is not there, this tells
/// again whether it was erased or pruned. Errors: as of LogReader::leaf for every other number.
Result<std::optional<Leaf>> leaf_in_pass(const LogReader& log, std::uint64_t number);

/// The same, for passes that step upwards: of nothing, `number` becomes the last one before those that are all there, so the next step leads to them.
Result<std::optional<Leaf>> leaf_or_skip(const LogReader& log, std::uint64_t& number);

/// Of the first entry that a pass meets. not_found: there is none.
Result<Leaf> first_leaf(const LogReader& log);

}  // namespace sluis::provenance
