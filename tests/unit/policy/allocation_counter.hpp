#pragma once

#include <cstddef>

namespace sluis::policy::test {

/// How often this test program has called `operator new`.
std::size_t allocations();
/// False where a sanitizer keeps that to itself.
bool counts_allocations();

}  // namespace sluis::policy::test
