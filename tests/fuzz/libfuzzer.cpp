#include "tests/fuzz/targets.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

/// One parser under libFuzzer: the build names it in SLUIS_FUZZ_TARGET.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const sluis::fuzz::Target kTarget = [] {
    for (auto& target : sluis::fuzz::targets()) {
      if (std::string_view(target.name) == SLUIS_FUZZ_TARGET) return std::move(target);
    }
    std::abort();
  }();
  kTarget.take(std::string(reinterpret_cast<const char*>(bytes), size));
  return 0;
}
