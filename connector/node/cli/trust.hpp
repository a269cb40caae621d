#pragma once

#include "connector/provenance/note.hpp"
#include "connector/provenance/witness_policy.hpp"

#include <optional>
#include <string>

/// What somebody who checks a log trusts; it comes from elsewhere than the log.
namespace sluis::cli {

/// The key itself, or the name of a file that holds it. invalid_argument.
Result<provenance::VerifierKey> read_log_key(const std::string& given);

/// The log's key, and whose cosignatures are enough, where a policy was given.
struct Trust {
  provenance::VerifierKey key;
  std::optional<provenance::WitnessPolicy> policy;
};

/// Both as given: `policy` is a file, or empty. The key may be left out where the policy names one log; of a policy that names logs it must be
/// one. invalid_argument.
Result<Trust> read_trust(const std::string& key, const std::string& policy);

}  // namespace sluis::cli
