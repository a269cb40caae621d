#pragma once

#include "connector/provenance/log_store.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluis::provenance {

/// Whether the folder is empty or new.
Result<void> may_export_to(const std::filesystem::path& folder);

/// The newest checkpoint that enough witnesses cosigned: beside a log's slots, and in an export.
inline constexpr const char* kCosignedFile = "checkpoint.cosigned";

/// In an export of a log that was pruned, in place of its entries: the receipt of the entry of a later log that says so.
inline constexpr const char* kPrunedFile = "pruned";
/// What that file holds. `note` and `key` are of the newest log, as for `make_receipt`. invalid_state: it is being pruned.
Result<std::string> pruned_receipt(const LogReader& log, const Pruned& pruned, const std::string& note, const VerifierKey& key);

/// One file of an export: its name, and what makes its bytes out of the log. Errors are the store's.
struct ExportFile {
  std::string name;
  std::function<Result<std::string>()> make;
};
/// Whether a payload goes along; what does not looks like one that was erased.
using PayloadFilter = std::function<bool(std::uint64_t number, const Leaf& leaf, const Payload& payload)>;
/// The files of the first `size` entries of this log, but for its checkpoints. What `log` reads from outlives them. Without a filter all
/// payloads go along. Of a log that was pruned only tiles are left.
std::vector<ExportFile> export_files(const LogReader& log, std::uint64_t size, bool with_payloads, const PayloadFilter& shown = {}, bool pruned = false);

/// Writes the standard tree (D22): `checkpoint`, `tile/…`, `tile/entries/…` and, on request, `payloads/…` in clear: one
/// file for 256 entries, each with a 32-bit length; an erased payload has length 0. The folder must be empty or new.
/// `note` is a signed checkpoint of this log, at most as large as the reader's. `cosigned`: an older one, or the same, with
/// cosignatures, for `checkpoint.cosigned`; it is written as it is. `pruned`: of a log that was pruned, the content of that file.
Result<void> export_log(const LogReader& log, const std::string& note, const VerifierKey& key,
                        const std::filesystem::path& folder, bool with_payloads, const std::optional<std::string>& cosigned = std::nullopt,
                        const std::optional<std::string>& pruned = std::nullopt);

/// `payloads/<index>`.
std::string payload_path(std::uint64_t index);

}  // namespace sluis::provenance
