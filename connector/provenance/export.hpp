#pragma once

#include "connector/provenance/log_store.hpp"

#include <filesystem>

namespace sluis::provenance {

/// Whether the folder is empty or new.
Result<void> may_export_to(const std::filesystem::path& folder);

/// Writes the standard tree (D22): `checkpoint`, `tile/…`, `tile/entries/…` and, on request, `payloads/…` in clear: one
/// file for 256 entries, each with a 32-bit length; an erased payload has length 0. The folder must be empty or new.
/// `note` is a signed checkpoint of this log, at most as large as the reader's.
Result<void> export_log(const LogReader& log, const std::string& note, const VerifierKey& key,
                        const std::filesystem::path& folder, bool with_payloads);

/// `payloads/<index>`.
std::string payload_path(std::uint64_t index);

}  // namespace sluis::provenance
