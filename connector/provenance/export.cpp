#include "connector/provenance/export.hpp"

#include <fstream>

namespace sluis::provenance {
namespace {

Result<void> write_file(const std::filesystem::path& folder, const std::string& name, std::string_view bytes) {
  const std::filesystem::path path = folder / name;
  std::error_code ec;
  std::filesystem::create_directories(path.parent_path(), ec);
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.flush();
  if (!out) return Error(ErrorCode::storage_unavailable, "cannot write `" + path.string() + "`");
  return {};
}

Result<void> write_tiles(const LogReader& log, std::uint64_t size, const std::filesystem::path& folder) {
  for (unsigned level = 0; size >> (level * kTileHeight) != 0; ++level) {
    for (std::uint64_t index = 0; const std::uint64_t width = tile_width(level, index, size); ++index) {
      SLUIS_TRY(const std::vector<Hash> hashes, log.tile(level, index, width));
      std::string bytes;
      for (const Hash& hash : hashes) bytes += view(hash);
      SLUIS_CHECK(write_file(folder, tile_path(level, index, width), bytes));
    }
  }
  return {};
}

Result<void> write_entries(const LogReader& log, std::uint64_t size, const std::filesystem::path& folder,
                           bool with_payloads) {
  for (std::uint64_t bundle = 0; const std::uint64_t width = tile_width(0, bundle, size); ++bundle) {
    std::string entries;
    std::string payloads;
    for (std::uint64_t i = bundle * kTileWidth; i < bundle * kTileWidth + width; ++i) {
      SLUIS_TRY(const std::string leaf, log.leaf_bytes(log.shard().first + i));
      put_bundle_entry(entries, leaf);
      if (!with_payloads) continue;
      auto payload = log.payload(log.shard().first + i);
      if (!payload && payload.error().code != ErrorCode::not_found) return payload.error();
      put_sized(payloads, payload ? payload->bytes() : std::string());
    }
    SLUIS_CHECK(write_file(folder, bundle_path(bundle, width), entries));
    if (with_payloads) SLUIS_CHECK(write_file(folder, payload_path(bundle), payloads));
  }
  return {};
}

}  // namespace

std::string payload_path(std::uint64_t index) { return "payloads/" + bundle_path(index, kTileWidth).substr(13); }

Result<void> may_export_to(const std::filesystem::path& folder) {
  std::error_code ec;
  if (std::filesystem::exists(folder, ec) && !std::filesystem::is_empty(folder, ec)) {
    return Error(ErrorCode::invalid_argument, "`" + folder.string() + "` is not empty")
        .mended_by("name a new folder: an old export beside a new one reads as damage");
  }
  return {};
}

Result<void> export_log(const LogReader& log, const std::string& note, const VerifierKey& key,
                        const std::filesystem::path& folder, bool with_payloads, const std::optional<std::string>& cosigned) {
  // A checkpoint that does not fit is evidence too: it goes with all that the log has, and no verifier calls it good.
  const Result<Checkpoint> checkpoint = open_checkpoint(note, key);
  SLUIS_TRY(const std::uint64_t held, log.size());
  const std::uint64_t size = checkpoint && checkpoint->size <= held ? checkpoint->size : held;
  SLUIS_CHECK(may_export_to(folder));
  SLUIS_CHECK(write_tiles(log, size, folder));
  SLUIS_CHECK(write_entries(log, size, folder, with_payloads));
  if (cosigned) SLUIS_CHECK(write_file(folder, kCosignedFile, *cosigned));
  return write_file(folder, "checkpoint", note);  // last: a folder without it is no export
}

}  // namespace sluis::provenance
