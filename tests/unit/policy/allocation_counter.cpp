#include "allocation_counter.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

// ThreadSanitizer brings operators of its own that nobody can replace.
#if defined(__SANITIZE_THREAD__)
#define SLUIS_COUNTS 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLUIS_COUNTS 0
#endif
#endif
#ifndef SLUIS_COUNTS
#define SLUIS_COUNTS 1
#endif

namespace {
std::atomic<std::size_t> count{0};
}

#if SLUIS_COUNTS
// A source of its own, so that the compiler does not see through the pair.
void* operator new(std::size_t size) {
  ++count;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {  // a sanitizer has one of its own
  ++count;
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

#endif

namespace sluis::policy::test {

bool counts_allocations() { return SLUIS_COUNTS != 0; }
std::size_t allocations() { return count.load(); }

}  // namespace sluis::policy::test
