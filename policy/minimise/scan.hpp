#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluis::policy {

/// 64 bytes as bits: bit `i` is byte `i`.
struct BlockMasks {
  std::uint64_t delimiter = 0;
  std::uint64_t quote = 0;
  std::uint64_t line_feed = 0;
  std::uint64_t carriage_return = 0;
  std::uint64_t nul = 0;
  std::uint64_t high = 0;  ///< bytes of 0x80 and above
};

/// Fills one element of `masks` for each 64 bytes from `bytes`.
using BlockScan = void (*)(const char* bytes, char delimiter, char quote, std::span<BlockMasks> masks);

enum class ScanKind : std::uint8_t { scalar, sse2, avx2 };

/// Whether this machine has it.
bool available(ScanKind kind);
/// The widest that this machine has.
ScanKind best_scan();
/// All give the same masks. One that is not available is the scalar one.
BlockScan block_scan(ScanKind kind);

}  // namespace sluis::policy
