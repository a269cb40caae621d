#pragma once

#include "connector/storage/kv_store.hpp"

#include <filesystem>

namespace sluis::storage {

/// Opens (and, if `create`, makes) a RocksDB store in `folder`, for this process alone.
/// A store of an older format is brought to this one first. Errors: storage_unavailable (in use by another process, no
/// permission, no space), invalid_state (a format newer than this program knows), corruption.
Result<std::unique_ptr<KvStore>> open_rocks_store(const std::filesystem::path& folder, bool create);

/// What it means to an operator that a store did not open; `why` as RocksDB says it. storage_unavailable: nobody may write there, another process
/// has it, or something else; corruption; invalid_state.
Error open_error(const std::filesystem::path& folder, const std::string& why);

/// Reads a store that another process may have open, as it was at that moment; for tools. Errors also: invalid_state, for a store of an
/// older format, which only opening it for writing changes.
Result<std::unique_ptr<Reader>> open_rocks_reader(const std::filesystem::path& folder);

/// The format of `meta/format` that this program writes. 1: one column family; 2: the log's leaves and payloads have their own; 3: payloads
/// may be bound to their commitment, under any key of their month.
inline constexpr int kStoreFormat = 3;

}  // namespace sluis::storage
