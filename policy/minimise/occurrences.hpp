#pragma once

#include "policy/minimise/limits.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace sluis::policy {

/// SipHash-2-4 (Aumasson and Bernstein, 2012): with a secret key nobody writes texts that come together.
inline std::uint64_t sip_hash(const std::array<std::uint64_t, 2>& key, std::string_view text) {
  std::uint64_t a = key[0] ^ 0x736f6d6570736575U;
  std::uint64_t b = key[1] ^ 0x646f72616e646f6dU;
  std::uint64_t c = key[0] ^ 0x6c7967656e657261U;
  std::uint64_t d = key[1] ^ 0x7465646279746573U;
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      a += b;
      b = std::rotl(b, 13) ^ a;
      a = std::rotl(a, 32);
      c += d;
      d = std::rotl(d, 16) ^ c;
      a += d;
      d = std::rotl(d, 21) ^ a;
      c += b;
      b = std::rotl(b, 17) ^ c;
      c = std::rotl(c, 32);
    }
  };
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    word |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * (i % 8));
    if (i % 8 != 7) continue;
    d ^= word;
    rounds(2);
    a ^= word;
    word = 0;
  }
  word |= std::uint64_t{text.size() & 0xFFU} << 56U;
  d ^= word;
  rounds(2);
  a ^= word;
  c ^= 0xFFU;
  rounds(4);
  return a ^ b ^ c ^ d;
}

/// Memory out of one amount for all that is counted by lot at a time. Given back with it. Moved, never copied.
class LotMemory {
 public:
  LotMemory() = default;
  LotMemory(LotMemory&& other) noexcept : bytes_(std::exchange(other.bytes_, 0)) {}
  LotMemory& operator=(LotMemory&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~LotMemory() { taken() -= bytes_; }

  /// False: others have it.
  bool take(std::size_t bytes) {
    if (taken().fetch_add(bytes) + bytes > limits::kLotBytes) {
      taken() -= bytes;
      return false;
    }
    bytes_ += bytes;
    return true;
  }
  void give_back(std::size_t bytes) {
    taken() -= bytes;
    bytes_ -= bytes;
  }

 private:
  static std::atomic<std::size_t>& taken() {
    static std::atomic<std::size_t> all = 0;
    return all;
  }
  std::size_t bytes_ = 0;
};

/// How often each text came before. Keeps 64 bits of a hash for each and the number: 96 MiB at the limit. Of so many texts
/// two are taken for one once in a million readings, and then one row is drawn as another occurrence.
class Occurrences {
 public:
  explicit Occurrences(const std::array<std::uint64_t, 2>& key) : key_(key), hashes_(kSlots), counts_(kSlots) {}

  /// Which occurrence of the text this is, from 1; 0: one distinct text more than limits::kLotRows, or there is no memory for it now (`is_full`).
  std::uint64_t next(std::string_view text) {
    const std::uint64_t hash = sip_hash(key_, text);
    std::size_t at = place_of(hash);
    if (counts_[at] == 0) {
      if (used_ == limits::kLotRows) return 0;
      if (4 * (used_ + 1) > 3 * hashes_.size()) {
        if (!grow()) return 0;
        at = place_of(hash);
      }
      ++used_;
      hashes_[at] = hash;
    }
    if (counts_[at] == UINT32_MAX) return 0;
    return ++counts_[at];
  }
  /// That others have the memory, which they give back.
  bool is_full() const { return full_; }

 private:
  static constexpr std::size_t kSlots = 1024;  ///< to begin with; always a power of two
  static constexpr std::size_t kSlotBytes = sizeof(std::uint64_t) + sizeof(std::uint32_t);

  std::size_t place_of(std::uint64_t hash) const {
    const std::size_t mask = hashes_.size() - 1;
    std::size_t at = static_cast<std::size_t>(hash) & mask;
    while (counts_[at] != 0 && hashes_[at] != hash) at = (at + 1) & mask;
    return at;
  }
  bool grow() {
    const std::size_t before = hashes_.size() * kSlotBytes;
    if (!memory_.take(2 * before)) {
      full_ = true;
      return false;
    }
    const std::vector<std::uint64_t> hashes = std::exchange(hashes_, std::vector<std::uint64_t>(2 * hashes_.size()));
    const std::vector<std::uint32_t> counts = std::exchange(counts_, std::vector<std::uint32_t>(2 * counts_.size()));
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      if (counts[i] == 0) continue;
      const std::size_t at = place_of(hashes[i]);
      hashes_[at] = hashes[i];
      counts_[at] = counts[i];
    }
    if (before > kSlots * kSlotBytes) memory_.give_back(before);  // the first slots were never asked for
    return true;
  }

  std::array<std::uint64_t, 2> key_;
  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint32_t> counts_;  ///< 0: a free slot
  std::size_t used_ = 0;
  LotMemory memory_;
  bool full_ = false;
};

}  // namespace sluis::policy
