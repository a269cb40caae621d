#pragma once

#include "connector/gate/means.hpp"
#include "connector/gate/ports.hpp"
#include "connector/gate/verbatim.hpp"
#include "policy/minimise/transformer.hpp"

#include <functional>
#include <span>

/// Going on behind a row, where the plan works row by row: the same version through the same plan gives the same rows (decision 33).
namespace sluis::gate {

class Source;

/// A strong entity tag of what leaves of this version: over the version, all that is declared of it and asked of it, and what minimising needs
/// (lookup tables as they stand, the keys of pseudonyms). For a recipient it is keyed, so that it tells nobody anything of what does not leave.
/// Errors: a lookup table cannot be read.
Result<std::string> tag_of_rows(const ReleasePlan& plan, const std::string& version, std::span<const policy::Transform> transforms,
                                const std::optional<Recipient>& recipient);

/// Reads all of a source through a plan of its own. Nothing: the plan refuses it. invalid_state: the node is stopping, or the source changed.
Result<std::optional<WholeRelease>> whole_release(Source& source, policy::Transformer transformer, const std::function<bool()>& stopped);

}  // namespace sluis::gate
