#pragma once

#include "tests/bench/decide_world.hpp"

namespace sluis::bench {

/// The same decisions with the claim of the purpose checked (ES256), and with both that and a durable record: one by one, and
/// so many a second at 64 callers. False: something could not be made.
bool print_recorded(const World& world);

}  // namespace sluis::bench
