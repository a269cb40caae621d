#pragma once

#include "connector/json/json.hpp"
#include "policy/purpose/vocabulary.hpp"

#include <memory>

namespace sluis::management {

struct Proposal {
  json::Value offer;
  bool narrowed = false;  ///< not the published offer as it is
};

/// What is sent when an offer is asked for a purpose: the offer unchanged where the purpose satisfies it, else the same
/// offer with each purpose constraint of a permission replaced by `eq purpose`. invalid_argument: it cannot be read.
Result<Proposal> propose(const json::Value& offer, policy::PurposeIndex purpose,
                         const std::shared_ptr<const policy::Vocabulary>& vocabulary);

}  // namespace sluis::management
