#pragma once

#include "connector/provenance/verify.hpp"
#include "connector/records/package.hpp"

#include <filesystem>

namespace sluis::records {

/// What was found of a package.
struct PackageReport {
  std::optional<Manifest> manifest;
  std::uint64_t entry = 0;                    ///< that records it
  std::vector<provenance::VerifyReport> logs; ///< as the manifest has them: oldest first
  std::vector<provenance::Damage> damage;     ///< of files of the package; that of its logs is there too
  std::uint64_t rows = 0;                     ///< of the report, each as its entry says
  std::uint64_t documents = 0;                ///< each with the hash that entries name
  std::uint64_t silent = 0;                   ///< entries recorded in the hours of the period that say nothing here: erased, or held back
  std::uint64_t perhaps = 0;                  ///< the same of hours that lie in the period in part

  /// 0 all of it holds, and the newest log is anchored; 3 all of it holds, and it is not; 1 not so.
  int exit_code() const;
};

/// Checks every file of a package against its manifest, the manifest against the entry that records it, each log as `verify_export` does, and
/// what stands beside the logs against their entries. No node, no network, no trust in the folder: `key` is that of the newest log, and comes
/// from elsewhere, as do the anchor and the policy. A log before the newest is known by what the next one begins with. `more` is asked of all
/// entries with a payload. Needs memory for the names of the files and for 65,536 rows.
PackageReport verify_package(const std::filesystem::path& folder, const provenance::VerifierKey& key, const std::optional<std::string>& anchor,
                             const std::optional<provenance::WitnessPolicy>& policy, const provenance::EntryCheck& more = {});

}  // namespace sluis::records
