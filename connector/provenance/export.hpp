#pragma once

#include "connector/provenance/log_store.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace sluis::provenance {

/// Whether the folder is empty or new.
Result<void> may_export_to(const std::filesystem::path& folder);

/// The newest checkpoint that enough witnesses cosigned: beside a log's slots, and in an export.
inline constexpr const char* kCosignedFile = "checkpoint.cosigned";

/// Writes the standard tree (D22): `checkpoint`, `tile/…`, `tile/entries/…` and, on request, `payloads/…` in clear: one
/// file for 256 entries, each with a 32-bit length; an erased payload has length 0. The folder must be empty or new.
/// `note` is a signed checkpoint of this log, at most as large as the reader's. `cosigned`: an older one, or the same, with
/// cosignatures, for `checkpoint.cosigned`; it is written as it is.
Result<void> export_log(const LogReader& log, const std::string& note, const VerifierKey& key,
                        const std::filesystem::path& folder, bool with_payloads, const std::optional<std::string>& cosigned = std::nullopt);

/// `payloads/<index>`.
std::string payload_path(std::uint64_t index);

}  // namespace sluis::provenance
