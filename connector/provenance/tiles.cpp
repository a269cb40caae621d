#include "connector/provenance/tiles.hpp"

#include <fmt/format.h>

#include <map>

namespace sluis::provenance {
namespace {

std::string indexed(std::uint64_t index, std::uint64_t width) {
  std::string text = fmt::format("{:03}", index % 1000);
  for (std::uint64_t rest = index / 1000; rest != 0; rest /= 1000) text = fmt::format("x{:03}/", rest % 1000) + text;
  return width == kTileWidth ? text : fmt::format("{}.p/{}", text, width);
}

}  // namespace

std::string tile_path(unsigned level, std::uint64_t index, std::uint64_t width) {
  return fmt::format("tile/{}/{}", level, indexed(index, width));
}

std::string bundle_path(std::uint64_t index, std::uint64_t width) { return "tile/entries/" + indexed(index, width); }

std::uint64_t tile_width(unsigned level, std::uint64_t index, std::uint64_t size) {
  const std::uint64_t hashes = level * kTileHeight >= 64 ? 0 : size >> (level * kTileHeight);
  if (index > hashes / kTileWidth) return 0;
  return index < hashes / kTileWidth ? kTileWidth : hashes % kTileWidth;
}

void put_bundle_entry(std::string& out, std::string_view entry) {
  put_u16(out, static_cast<std::uint16_t>(entry.size()));
  out += entry;
}

Result<std::vector<std::string>> parse_bundle(std::string_view bytes) {
  std::vector<std::string> entries;
  while (!bytes.empty()) {
    const std::size_t size = bytes.size() < 2 ? 0 : get_u16(bytes);
    if (bytes.size() < 2 + size) return Error(ErrorCode::corruption, "an entry bundle is cut short");
    entries.emplace_back(bytes.substr(2, size));
    bytes.remove_prefix(2 + size);
  }
  return entries;
}

Hash perfect_root(std::span<const Hash> hashes) {
  std::vector<Hash> row(hashes.begin(), hashes.end());
  while (row.size() > 1) {
    for (std::size_t i = 0; i < row.size() / 2; ++i) row[i] = node_hash(row[2 * i], row[2 * i + 1]);
    row.resize(row.size() / 2);
  }
  return row.front();
}

NodeSource nodes_from_tiles(TileSource tiles, std::uint64_t size) {
  using Held = std::map<std::pair<unsigned, std::uint64_t>, std::vector<Hash>>;
  return [tiles = std::move(tiles), size, held = std::make_shared<Held>()](unsigned height, std::uint64_t index) -> Result<Hash> {
    const unsigned level = height / kTileHeight;
    const std::uint64_t count = 1ULL << (height % kTileHeight);  // hashes of that level below the node
    const std::uint64_t tile = index * count / kTileWidth;
    const std::uint64_t first = index * count % kTileWidth;
    auto found = held->find({level, tile});
    if (found == held->end()) {
      SLUIS_TRY(std::vector<Hash> read, tiles(level, tile, tile_width(level, tile, size)));
      found = held->emplace(std::pair(level, tile), std::move(read)).first;
    }
    const std::vector<Hash>& hashes = found->second;
    if (first + count > hashes.size()) {
      return Error(ErrorCode::corruption, "the tile " + tile_path(level, tile, hashes.size()) + " is too narrow");
    }
    return perfect_root(std::span(hashes).subspan(first, count));
  };
}

}  // namespace sluis::provenance
