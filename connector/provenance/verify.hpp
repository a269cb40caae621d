#pragma once

#include "connector/provenance/note.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// What the DPO runs on her laptop: no node, no network, no trust in the folder (D21).
namespace sluis::provenance {

/// One thing that is not as it should be.
struct Damage {
  std::string file;         ///< relative to the folder
  std::uint64_t first = 0;  ///< entries that it covers: [first, end)
  std::uint64_t end = 0;
  std::string what;
};

struct VerifyReport {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
  bool signature_good = false;
  std::uint64_t payloads_checked = 0;
  std::uint64_t payloads_erased = 0;
  std::optional<std::uint64_t> anchor_size;
  bool anchor_good = false;
  std::vector<Damage> damage;  ///< of files
  std::vector<std::string> findings;  ///< of the log as a whole: forks, cuts

  bool consistent() const { return signature_good && damage.empty() && findings.empty(); }
  /// 0 consistent, authentic, complete up to the anchor; 3 consistent but no anchor; 1 not so.
  int exit_code() const { return !consistent() ? 1 : anchor_good ? 0 : 3; }
};

/// Checks every file of an exported log. `anchor` is a signed checkpoint that was kept from before.
VerifyReport verify_export(const std::filesystem::path& folder, const VerifierKey& key,
                           const std::optional<std::string>& anchor);
/// The report in lines of plain English.
std::string to_text(const VerifyReport& report);

}  // namespace sluis::provenance
