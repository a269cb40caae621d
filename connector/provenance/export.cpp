#include "connector/provenance/export.hpp"

#include "connector/provenance/receipt.hpp"

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

Result<std::string> tile_bytes(const LogReader& log, unsigned level, std::uint64_t index, std::uint64_t width) {
  SLUIS_TRY(const std::vector<Hash> hashes, log.tile(level, index, width));
  std::string bytes;
  for (const Hash& hash : hashes) bytes += view(hash);
  return bytes;
}

Result<std::string> bundle_bytes(const LogReader& log, std::uint64_t bundle, std::uint64_t width) {
  std::string bytes;
  for (std::uint64_t i = bundle * kTileWidth; i < bundle * kTileWidth + width; ++i) {
    SLUIS_TRY(const std::string leaf, log.leaf_bytes(log.shard().first + i));
    put_bundle_entry(bytes, leaf);
  }
  return bytes;
}

Result<std::string> payload_bytes(const LogReader& log, std::uint64_t bundle, std::uint64_t width, const PayloadFilter& shown) {
  std::string bytes;
  for (std::uint64_t i = bundle * kTileWidth; i < bundle * kTileWidth + width; ++i) {
    const std::uint64_t number = log.shard().first + i;
    const auto payload = log.payload(number);
    if (!payload && payload.error().code != ErrorCode::not_found) return payload.error();
    bool goes = payload.has_value();
    if (goes && shown) {
      SLUIS_TRY(const Leaf leaf, log.leaf(number));
      goes = shown(number, leaf, *payload);
    }
    put_sized(bytes, goes ? payload->bytes() : std::string());
  }
  return bytes;
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

Result<std::string> pruned_receipt(const LogReader& log, const Pruned& pruned, const std::string& note, const VerifierKey& key) {
  if (!pruned.entry) {
    return Error(ErrorCode::invalid_state, "the entries of `" + pruned.origin + "` are being removed").mended_by("a running node goes on with it; try again after that");
  }
  SLUIS_TRY(const Receipt receipt, make_receipt(log.at(log.shards().back()), *pruned.entry, note, key));
  return receipt.to_json();
}

std::vector<ExportFile> export_files(const LogReader& log, std::uint64_t size, bool with_payloads, const PayloadFilter& shown, bool pruned) {
  std::vector<ExportFile> files;
  for (unsigned level = 0; size >> (level * kTileHeight) != 0; ++level) {
    for (std::uint64_t index = 0; const std::uint64_t width = tile_width(level, index, size); ++index) {
      files.push_back({tile_path(level, index, width), [log, level, index, width] { return tile_bytes(log, level, index, width); }});
    }
  }
  if (pruned) return files;
  for (std::uint64_t bundle = 0; const std::uint64_t width = tile_width(0, bundle, size); ++bundle) {
    files.push_back({bundle_path(bundle, width), [log, bundle, width] { return bundle_bytes(log, bundle, width); }});
    if (!with_payloads) continue;
    files.push_back({payload_path(bundle), [log, bundle, width, shown] { return payload_bytes(log, bundle, width, shown); }});
  }
  return files;
}

Result<void> export_log(const LogReader& log, const std::string& note, const VerifierKey& key,
                        const std::filesystem::path& folder, bool with_payloads, const std::optional<std::string>& cosigned,
                        const std::optional<std::string>& pruned) {
  // A checkpoint that does not fit is evidence too: it goes with all that the log has, and no verifier calls it good.
  const Result<Checkpoint> checkpoint = open_checkpoint(note, key);
  SLUIS_TRY(const std::uint64_t held, log.size());
  const std::uint64_t size = checkpoint && checkpoint->size <= held ? checkpoint->size : held;
  SLUIS_CHECK(may_export_to(folder));
  for (const ExportFile& file : export_files(log, size, with_payloads, {}, pruned.has_value())) {
    SLUIS_TRY(const std::string bytes, file.make());
    SLUIS_CHECK(write_file(folder, file.name, bytes));
  }
  if (cosigned) SLUIS_CHECK(write_file(folder, kCosignedFile, *cosigned));
  if (pruned) SLUIS_CHECK(write_file(folder, kPrunedFile, *pruned));
  return write_file(folder, "checkpoint", note);  // last: a folder without it is no export
}

}  // namespace sluis::provenance
