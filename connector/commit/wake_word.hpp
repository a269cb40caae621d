#pragma once

#include <atomic>
#include <cstdint>

namespace sluis::commit {

/// Many threads wait for a number to change, and one system call wakes them all. (`std::atomic::wait` of libstdc++ yields
/// several times before it sleeps, which with hundreds of waiters costs more than the sleep.) Thread-safe.
class WakeWord {
 public:
  std::uint32_t now() const { return word_.load(std::memory_order_acquire); }
  /// Returns once the number is no longer `seen`; may also return before.
  void wait(std::uint32_t seen) const;
  void wake_all();

 private:
  std::atomic<std::uint32_t> word_ = 0;
};

}  // namespace sluis::commit
