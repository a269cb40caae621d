#pragma once

#include "connector/provenance/entry.hpp"
#include "connector/provenance/note.hpp"
#include "connector/provenance/witness_policy.hpp"

#include <filesystem>
#include <functional>
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
  std::optional<std::uint64_t> anchor_size;  ///< of the largest that is good
  bool anchor_good = false;
  /// Where a policy was given: of the largest checkpoint that meets it; if none does, of that with most cosignatures.
  std::optional<Quorum> quorum;
  std::string quorum_file;  ///< which one that is; empty: the anchor that was kept
  /// Where its entries were pruned: origin of the later log whose entry says so.
  std::optional<std::string> pruned_by;
  bool pruned_proven = false;  ///< under a key that was given
  std::optional<Timestamp> pruned_at;  ///< the hour of that entry
  std::vector<Damage> damage;  ///< of files
  std::vector<std::string> findings;  ///< of the log as a whole: forks, cuts

  bool consistent() const { return signature_good && damage.empty() && findings.empty(); }
  bool quorum_missed() const { return quorum && !quorum->none && !quorum->vouches(); }
  bool pruned_unproven() const { return pruned_by && !pruned_proven; }
  /// 0 consistent, authentic, complete up to the anchor; 3 consistent but no anchor, the policy is not met, or it is not proven that it was the node
  /// that pruned it; 1 not so.
  int exit_code() const { return !consistent() ? 1 : anchor_good && !quorum_missed() && !pruned_unproven() ? 0 : 3; }
};

/// An entry, with a payload that fits it or without one.
struct CheckedEntry {
  const std::string& origin;  ///< of its log
  std::uint64_t index = 0;
  const Leaf& leaf;
  const Payload* payload = nullptr;  ///< null: erased, or held back
  std::function<Result<Hash>(std::uint64_t size)> root_at;  ///< of the log's first so many entries
};
/// What else is held against such an entry: what is wrong with it, or nothing.
using EntryCheck = std::function<std::optional<std::string>(const CheckedEntry& entry)>;

/// Checks every file of an exported log. `anchor` is a signed checkpoint that was kept from before. With a policy, cosignatures that meet
/// it anchor the log too, whichever of its checkpoints, or of the anchor, has them; then both must hold (D21). `more` is asked of each entry
/// of which there could be a payload, in their order; what it finds is damage of that payload's file. `later`: keys of later logs of the same
/// node, one of which says of a log without entries that it was pruned.
VerifyReport verify_export(const std::filesystem::path& folder, const VerifierKey& key, const std::optional<std::string>& anchor,
                           const std::optional<WitnessPolicy>& policy = std::nullopt, const EntryCheck& more = {}, const std::vector<VerifierKey>& later = {});
/// The report in lines of plain English.
std::string to_text(const VerifyReport& report);

}  // namespace sluis::provenance
