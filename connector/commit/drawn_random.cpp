#include "connector/commit/drawn_random.hpp"

#include <algorithm>

namespace sluis::commit {

void DrawnRandom::draw(std::size_t count) {
  if (drawn_.size() - given_ >= count) return;
  drawn_ = source_.bytes(count);
  given_ = 0;
}

std::string DrawnRandom::bytes(std::size_t count) {
  draw(count);
  const auto begin = drawn_.begin() + static_cast<std::ptrdiff_t>(given_);
  const auto end = begin + static_cast<std::ptrdiff_t>(count);
  std::string out(begin, end);
  std::fill(begin, end, '\0');
  given_ += count;
  return out;
}

}  // namespace sluis::commit
