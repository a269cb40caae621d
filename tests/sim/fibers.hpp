#pragma once

#include <ucontext.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluis::sim {

/// Thrown into a fiber whose node has crashed: its stack is unwound, and nothing of it happens any more.
struct Killed {};

/// What production does on a worker thread is done on a fiber here: blocking code that another piece of work can overtake wherever
/// it waits, in the order that the seed says. One thread; a fiber runs until it waits or ends.
class Fibers {
 public:
  /// Names one wait of one fiber; a wake that comes too late finds nobody.
  struct Token {
    std::size_t fiber = 0;
    std::uint64_t wait = 0;
  };

  Fibers() = default;
  ~Fibers();
  Fibers(const Fibers&) = delete;
  Fibers& operator=(const Fibers&) = delete;

  /// Runs `body` until it waits first. `message`: whose work it is, for `message`. Not from within a fiber.
  void spawn(std::size_t owner, std::string message, std::function<void()> body);
  /// For the next `wait` of the running fiber.
  Token token();
  /// Within a fiber: until `wake` with the token. Throws Killed.
  void wait();
  /// Runs the fiber on; false: it does not wait for this. Not from within a fiber.
  bool wake(const Token& token);
  /// Unwinds all fibers of that owner. Not from within a fiber.
  void kill(std::size_t owner);
  /// How many of that owner have not ended.
  std::size_t running(std::size_t owner) const;
  bool inside() const { return current_ != nullptr; }
  /// As given to `spawn` or `set_message`; empty: no fiber runs.
  const std::string& message() const;
  void set_message(std::string message) { current_->message = std::move(message); }

 private:
  struct Fiber {
    ucontext_t context{};
    void* stack = nullptr;
    std::function<void()> body;
    std::string message;
    std::size_t number = 0;
    std::size_t owner = 0;
    std::uint64_t wait = 0;  ///< 0: does not wait
    bool alive = false;
    bool killed = false;
  };

  static void enter(unsigned high, unsigned low);
  Fiber& unused();
  void run(Fiber& fiber);

  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<std::size_t> free_;
  Fiber* current_ = nullptr;
  ucontext_t main_{};
  std::uint64_t waits_ = 0;
};

}  // namespace sluis::sim
