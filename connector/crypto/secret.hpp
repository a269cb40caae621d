#pragma once

#include <cstddef>
#include <string>

/// Where secret bytes lie: outside swap and core dumps, as far as the system allows.
namespace sluis::crypto {

/// What became of `lock_key_memory`.
enum class KeyMemory {
  not_asked,  ///< this process does not lock: a tool that ends soon, or a test
  locked,     ///< private keys lie in memory that is never in swap or in a core dump
  swappable,  ///< the system did not lock it (RLIMIT_MEMLOCK): it is apart and left out of core dumps, and may get into swap
};

/// How much of RLIMIT_MEMLOCK it takes.
inline constexpr std::size_t kKeyMemoryBytes = std::size_t{1} << 20U;

/// Makes a heap of its own for private keys (OpenSSL's secure heap) and has the system lock it. Before the first key is read, once; the
/// answer stays the same. What is derived for a moment, as the key schedule of a cipher, and the text of a PEM file while it is read, lie
/// elsewhere. Not to be called from two threads at once.
KeyMemory lock_key_memory();
/// What it came to. Thread-safe.
KeyMemory key_memory();

/// Has the pages on which these secret bytes lie locked too, and left out of core dumps. They are to stay where they are until they are wiped. False:
/// the system did not, or this process does not lock (`key_memory`), and then nothing is done.
bool keep_in_memory(const std::string& secret);

/// Overwrites what is not needed any more. `bytes` stays as long as it was.
void wipe(std::string& bytes);

}  // namespace sluis::crypto
