#pragma once

#include "policy/odrl/model.hpp"
#include "policy/purpose/vocabulary.hpp"

#include <span>

namespace sluis::policy {

/// The terms of one of the datasets that another is made from.
struct SourceTerms {
  std::string name;  ///< for messages
  Policy policy;
};

/// The terms of a dataset made from several: their intersection. Permissions meet, each with each; prohibitions, duties
/// and obligations join; a prohibition always wins. Permissions that exclude each other drop out.
/// Refused: if none is left (invalid_argument, naming the rules that exclude each other), and with more rules than a
/// policy may have (limit_exceeded). The result has no id, target or parties yet; its rules' pointers begin with the
/// sources' names.
Result<Policy> combine(std::span<const SourceTerms> sources, const Vocabulary& vocabulary);

}  // namespace sluis::policy
