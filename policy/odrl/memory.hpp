#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <utility>

namespace sluis::policy {

/// Memory for many small programs that are decided on at random: pools within large pages, so that they share few
/// entries of the processor's table of pages. Thread-safe.
std::shared_ptr<std::pmr::memory_resource> program_memory();

/// Words from a resource, which they keep alive; none given: the default one.
class Block {
 public:
  Block() = default;
  Block(std::span<const std::uint64_t> words, std::shared_ptr<std::pmr::memory_resource> memory);
  Block(Block&& other) noexcept { *this = std::move(other); }
  Block& operator=(Block&& other) noexcept {
    std::swap(words_, other.words_);
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    return *this;
  }
  Block(const Block& other) : Block({other.words_, other.size_}, other.memory_) {}
  Block& operator=(const Block& other) { return *this = Block(other); }
  ~Block();

  const std::uint64_t* data() const noexcept { return words_; }
  std::size_t size() const noexcept { return size_; }

 private:
  std::pmr::memory_resource& resource() const noexcept {
    return memory_ ? *memory_ : *std::pmr::get_default_resource();
  }

  std::uint64_t* words_ = nullptr;
  std::shared_ptr<std::pmr::memory_resource> memory_;
  std::size_t size_ = 0;
};

}  // namespace sluis::policy
