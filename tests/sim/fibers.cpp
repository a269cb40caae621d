#include "tests/sim/fibers.hpp"

#include <sys/mman.h>

#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace sluis::sim {
namespace {

constexpr std::size_t kStackBytes = 256U << 10U;

/// AddressSanitizer has to be told which stack is run on.
void leave_for([[maybe_unused]] void** keep, [[maybe_unused]] const void* stack, [[maybe_unused]] std::size_t size) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(keep, stack, size);
#endif
}
void arrive([[maybe_unused]] void* kept, [[maybe_unused]] const void** stack, [[maybe_unused]] std::size_t* size) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(kept, stack, size);
#endif
}

const void* main_stack = nullptr;
std::size_t main_size = 0;

/// Back to who started or woke the running fiber; returns when it is run again.
void leave(ucontext_t& from, ucontext_t& to) {
  void* kept = nullptr;
  leave_for(&kept, main_stack, main_size);
  ::swapcontext(&from, &to);
  arrive(kept, &main_stack, &main_size);
}

}  // namespace

Fibers::~Fibers() {
  for (const auto& fiber : fibers_) {
    if (fiber->alive) kill(fiber->owner);
    ::munmap(fiber->stack, kStackBytes);
  }
}

/// A fiber's stack serves one piece of work after the other.
void Fibers::enter(unsigned high, unsigned low) {
  arrive(nullptr, &main_stack, &main_size);
  auto* const self = reinterpret_cast<Fibers*>((static_cast<std::uintptr_t>(high) << 32U) | low);
  Fiber& fiber = *self->current_;
  for (;;) {
    try {
      fiber.body();
    } catch (const Killed&) {
    }
    fiber.body = nullptr;
    fiber.alive = false;
    self->free_.push_back(fiber.number);
    leave(fiber.context, self->main_);
  }
}

void Fibers::run(Fiber& fiber) {
  current_ = &fiber;
  void* kept = nullptr;
  leave_for(&kept, fiber.stack, kStackBytes);
  ::swapcontext(&main_, &fiber.context);
  arrive(kept, nullptr, nullptr);
  current_ = nullptr;
}

Fibers::Fiber& Fibers::unused() {
  if (!free_.empty()) {
    Fiber& fiber = *fibers_[free_.back()];
    free_.pop_back();
    return fiber;
  }
  auto made = std::make_unique<Fiber>();
  made->number = fibers_.size();
  made->stack = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made->stack == MAP_FAILED) throw std::bad_alloc();
  ::getcontext(&made->context);
  made->context.uc_stack.ss_sp = made->stack;
  made->context.uc_stack.ss_size = kStackBytes;
  const auto self = reinterpret_cast<std::uintptr_t>(this);
  // makecontext passes words of the size of an int only.
  ::makecontext(&made->context, reinterpret_cast<void (*)()>(&Fibers::enter), 2, static_cast<unsigned>(self >> 32U),
                static_cast<unsigned>(self));
  fibers_.push_back(std::move(made));
  return *fibers_.back();
}

void Fibers::spawn(std::size_t owner, std::string message, std::function<void()> body) {
  Fiber& fiber = unused();
  fiber.owner = owner;
  fiber.message = std::move(message);
  fiber.body = std::move(body);
  fiber.wait = 0;
  fiber.alive = true;
  fiber.killed = false;
  run(fiber);
}

Fibers::Token Fibers::token() {
  current_->wait = ++waits_;
  return {current_->number, current_->wait};
}

void Fibers::wait() {
  Fiber& self = *current_;
  if (self.killed) throw Killed();
  leave(self.context, main_);
  if (self.killed) throw Killed();
}

bool Fibers::wake(const Token& token) {
  Fiber& fiber = *fibers_[token.fiber];
  if (!fiber.alive || fiber.wait != token.wait) return false;
  fiber.wait = 0;
  run(fiber);
  return true;
}

void Fibers::kill(std::size_t owner) {
  for (std::size_t i = 0; i < fibers_.size(); ++i) {
    Fiber& fiber = *fibers_[i];
    if (!fiber.alive || fiber.owner != owner) continue;
    fiber.killed = true;
    run(fiber);
  }
}

std::size_t Fibers::running(std::size_t owner) const {
  std::size_t count = 0;
  for (const auto& fiber : fibers_) count += fiber->alive && fiber->owner == owner ? 1 : 0;
  return count;
}

const std::string& Fibers::message() const {
  static const std::string none;
  return current_ == nullptr ? none : current_->message;
}

}  // namespace sluis::sim
