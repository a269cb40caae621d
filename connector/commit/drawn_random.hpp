#pragma once

#include "connector/base/random.hpp"

namespace sluis::commit {

/// Hands out slices of one large draw, so that a batch asks the kernel once. Every byte is given at most once and wiped here
/// as it is given: as good as separate draws. Not thread-safe, unlike its source.
class DrawnRandom final : public Random {
 public:
  explicit DrawnRandom(Random& source) : source_(source) {}

  /// Sees to it that `count` bytes are at hand.
  void draw(std::size_t count);
  /// Draws more where too few are at hand.
  std::string bytes(std::size_t count) override;

 private:
  Random& source_;
  std::string drawn_;
  std::size_t given_ = 0;
};

}  // namespace sluis::commit
