#pragma once

#include <cstddef>

namespace sluis::policy::test {

/// How often this test program has called `operator new`.
std::size_t allocations();

}  // namespace sluis::policy::test
