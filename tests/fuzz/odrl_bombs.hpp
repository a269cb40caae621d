#pragma once

#include <string>
#include <vector>

namespace sluis::test {

/// A policy whose meaning is larger than its text.
struct Bomb {
  std::string name;
  std::string text;
};
/// Of about that many bytes at most.
std::vector<Bomb> bombs(std::size_t bytes);

}  // namespace sluis::test
