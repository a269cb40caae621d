#include "connector/crypto/secret.hpp"

#include <openssl/crypto.h>

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace sluis::crypto {
namespace {

constexpr std::size_t kSmallest = 32;
std::atomic<KeyMemory> became = KeyMemory::not_asked;

}  // namespace

KeyMemory lock_key_memory() {
  if (became != KeyMemory::not_asked) return became;
  // 1: locked; 2: made, and the system refused a lock or a guard page; 0: there is none.
  became = CRYPTO_secure_malloc_init(kKeyMemoryBytes, kSmallest) == 1 ? KeyMemory::locked : KeyMemory::swappable;
  return became;
}

KeyMemory key_memory() { return became; }

bool keep_in_memory(const std::string& secret) {
  if (became == KeyMemory::not_asked || secret.empty()) return false;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(secret.data());
  const std::uintptr_t begin = address / page * page;
  const std::uintptr_t end = (address + secret.size() + page - 1) / page * page;
  void* at = reinterpret_cast<void*>(begin);
  (void)::madvise(at, end - begin, MADV_DONTDUMP);
  if (::mlock(at, end - begin) == 0) return true;
  became = KeyMemory::swappable;
  return false;
}

void wipe(std::string& bytes) { OPENSSL_cleanse(bytes.data(), bytes.size()); }

}  // namespace sluis::crypto
