#include "policy/minimise/scan.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sluis::policy {
namespace {

void scan_scalar(const char* bytes, char delimiter, char quote, std::span<BlockMasks> masks) {
  for (BlockMasks& block : masks) {
    block = {};
    for (unsigned i = 0; i < 64; ++i) {
      const char c = *bytes++;
      const std::uint64_t bit = std::uint64_t{1} << i;
      if (c == delimiter) block.delimiter |= bit;
      if (c == quote) block.quote |= bit;
      if (c == '\n') block.line_feed |= bit;
      if (c == '\r') block.carriage_return |= bit;
      if (c == '\0') block.nul |= bit;
      if (static_cast<unsigned char>(c) >= 0x80) block.high |= bit;
    }
  }
}

#if defined(__x86_64__)

std::uint64_t equal_16(const __m128i* at, __m128i wanted) {
  std::uint64_t mask = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const auto part = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(at + i), wanted)));
    mask |= std::uint64_t{part} << (16U * i);
  }
  return mask;
}

void scan_sse2(const char* bytes, char delimiter, char quote, std::span<BlockMasks> masks) {
  for (BlockMasks& block : masks) {
    const auto* at = reinterpret_cast<const __m128i*>(bytes);
    block.delimiter = equal_16(at, _mm_set1_epi8(delimiter));
    block.quote = equal_16(at, _mm_set1_epi8(quote));
    block.line_feed = equal_16(at, _mm_set1_epi8('\n'));
    block.carriage_return = equal_16(at, _mm_set1_epi8('\r'));
    block.nul = equal_16(at, _mm_setzero_si128());
    block.high = 0;
    for (unsigned i = 0; i < 4; ++i) {
      block.high |= std::uint64_t{static_cast<unsigned>(_mm_movemask_epi8(_mm_loadu_si128(at + i)))} << (16U * i);
    }
    bytes += 64;
  }
}

__attribute__((target("avx2"))) inline std::uint64_t both(__m256i low, __m256i high) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(low)) |
         (std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(high))} << 32U);
}

__attribute__((target("avx2"))) inline std::uint64_t equal_32(__m256i low, __m256i high, __m256i wanted) {
  return both(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high, wanted));
}

__attribute__((target("avx2"))) void scan_avx2(const char* bytes, char delimiter, char quote,
                                               std::span<BlockMasks> masks) {
  for (BlockMasks& block : masks) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + 32));
    block.delimiter = equal_32(low, high, _mm256_set1_epi8(delimiter));
    block.quote = equal_32(low, high, _mm256_set1_epi8(quote));
    block.line_feed = equal_32(low, high, _mm256_set1_epi8('\n'));
    block.carriage_return = equal_32(low, high, _mm256_set1_epi8('\r'));
    block.nul = equal_32(low, high, _mm256_setzero_si256());
    block.high = both(low, high);
    bytes += 64;
  }
}

#endif

}  // namespace

bool available(ScanKind kind) {
#if defined(__x86_64__)
  return kind != ScanKind::avx2 || __builtin_cpu_supports("avx2") != 0;
#else
  return kind == ScanKind::scalar;
#endif
}

ScanKind best_scan() {
  for (const ScanKind kind : {ScanKind::avx2, ScanKind::sse2}) {
    if (available(kind)) return kind;
  }
  return ScanKind::scalar;
}

BlockScan block_scan(ScanKind kind) {
#if defined(__x86_64__)
  if (kind == ScanKind::avx2 && available(kind)) return scan_avx2;
  if (kind == ScanKind::sse2) return scan_sse2;
#endif
  (void)kind;
  return scan_scalar;
}

}  // namespace sluis::policy
