#include "policy/odrl/memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace sluis::policy {
namespace {

constexpr std::size_t kPage = std::size_t{2} << 20U;
constexpr std::size_t kLine = 64;

/// Large requests come as whole large pages, where the system has them to give; it is a hint.
class LargePages final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    const bool large = bytes >= kPage / 4;
    const std::size_t rounded = large ? (bytes + kPage - 1) / kPage * kPage : bytes;
    void* memory = ::operator new(rounded, std::align_val_t(large ? kPage : alignment));
    if (large) ::madvise(memory, rounded, MADV_HUGEPAGE);
    return memory;
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
    ::operator delete(memory, std::align_val_t(bytes >= kPage / 4 ? kPage : alignment));
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

/// Pools of sizes that differ little, so that little is wasted; each over the same large pages.
class ProgramMemory final : public std::pmr::memory_resource {
 public:
  ProgramMemory() : pool_({kPage / 512, 16U << 10U}, &pages_) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t) override { return pool_.allocate(bytes, kLine); }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t) override { pool_.deallocate(memory, bytes, kLine); }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  LargePages pages_;
  std::pmr::synchronized_pool_resource pool_;
};

}  // namespace

std::shared_ptr<std::pmr::memory_resource> program_memory() { return std::make_shared<ProgramMemory>(); }

Block::Block(std::span<const std::uint64_t> words, std::shared_ptr<std::pmr::memory_resource> memory)
    : memory_(std::move(memory)), size_(words.size()) {
  if (size_ == 0) return;
  words_ = static_cast<std::uint64_t*>(resource().allocate(size_ * sizeof(std::uint64_t), kLine));
  std::copy(words.begin(), words.end(), words_);
}

Block::~Block() {
  if (words_ != nullptr) resource().deallocate(words_, size_ * sizeof(std::uint64_t), kLine);
}

}  // namespace sluis::policy
