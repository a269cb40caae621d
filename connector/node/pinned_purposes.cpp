#include "connector/node/pinned_purposes.hpp"

// The file's bytes, placed by the assembler; SLUIS_PURPOSES_FILE is set by CMake.
__asm__(
    ".section .rodata\n"
    ".balign 16\n"
    ".globl sluis_purposes_begin\n"
    "sluis_purposes_begin:\n"
    ".incbin \"" SLUIS_PURPOSES_FILE "\"\n"
    ".globl sluis_purposes_end\n"
    "sluis_purposes_end:\n"
    ".previous\n");

extern "C" {
extern const char sluis_purposes_begin[];
extern const char sluis_purposes_end[];
}

namespace sluis::node {

const std::string_view kPinnedPurposes(sluis_purposes_begin,
                                       static_cast<std::size_t>(sluis_purposes_end - sluis_purposes_begin));

}  // namespace sluis::node
