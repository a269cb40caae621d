#pragma once

#include "connector/provenance/merkle.hpp"

#include <string>

/// C2SP tlog-tiles 0.1.0: how hashes and entries lie in files.
namespace sluis::provenance {

inline constexpr unsigned kTileHeight = 8;
inline constexpr std::uint64_t kTileWidth = 256;

/// `tile/<level>/<index>[.p/<width>]`; `width` 256 is a full tile.
std::string tile_path(unsigned level, std::uint64_t index, std::uint64_t width);
/// `tile/entries/<index>[.p/<width>]`.
std::string bundle_path(std::uint64_t index, std::uint64_t width);

/// How many hashes the tile has in a log of `size`: 256, fewer, or 0 where it is not there.
std::uint64_t tile_width(unsigned level, std::uint64_t index, std::uint64_t size);

/// A big-endian 16-bit length, then the entry.
void put_bundle_entry(std::string& out, std::string_view entry);
Result<std::vector<std::string>> parse_bundle(std::string_view bytes);

/// A full or partial tile's hashes.
using TileSource = std::function<Result<std::vector<Hash>>(unsigned level, std::uint64_t index, std::uint64_t width)>;
/// Proof nodes from tiles of a log of `size`. It keeps each tile that it read: one source for a proof or two, by one thread.
NodeSource nodes_from_tiles(TileSource tiles, std::uint64_t size);

/// The root of a perfect subtree given its 2^n hashes.
Hash perfect_root(std::span<const Hash> hashes);

}  // namespace sluis::provenance
