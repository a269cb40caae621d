#pragma once

#include <functional>
#include <string>
#include <vector>

/// Every parser of outside input: what the seeded driver and libFuzzer run.
namespace sluis::fuzz {

struct Target {
  const char* name;
  std::vector<std::string> examples;             ///< good ones: where mutation begins
  std::function<bool(const std::string&)> take;  ///< whether it was accepted; ends the program where a law is broken
};
std::vector<Target> targets();
/// Of these, those of `targets_wire.cpp` and `targets_policy.cpp`.
std::vector<Target> wire_targets();
std::vector<Target> policy_targets();

}  // namespace sluis::fuzz
