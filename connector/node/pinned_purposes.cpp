#include "connector/node/pinned_purposes.hpp"

// The files' bytes, placed by the assembler; CMake sets SLUIS_PURPOSES_FILE and SLUIS_PROFILE.
__asm__(
    ".section .rodata\n"
    ".balign 16\n"
    ".globl sluis_purposes_begin\n"
    "sluis_purposes_begin:\n"
    ".incbin \"" SLUIS_PURPOSES_FILE "\"\n"
    ".globl sluis_purposes_end\n"
    "sluis_purposes_end:\n"
    ".globl sluis_profile_begin\n"
    "sluis_profile_begin:\n"
    ".incbin \"" SLUIS_PROFILE ".jsonld\"\n"
    ".globl sluis_profile_end\n"
    "sluis_profile_end:\n"
    ".incbin \"" SLUIS_PROFILE ".ttl\"\n"
    ".globl sluis_profile_ttl_end\n"
    "sluis_profile_ttl_end:\n"
    ".previous\n");

extern "C" {
extern const char sluis_purposes_begin[];
extern const char sluis_purposes_end[];
extern const char sluis_profile_begin[];
extern const char sluis_profile_end[];
extern const char sluis_profile_ttl_end[];
}

namespace sluis::node {

const std::string_view kPinnedPurposes(sluis_purposes_begin,
                                       static_cast<std::size_t>(sluis_purposes_end - sluis_purposes_begin));
const std::string_view kOdrlProfile(sluis_profile_begin, static_cast<std::size_t>(sluis_profile_end - sluis_profile_begin));
const std::string_view kOdrlProfileTurtle(sluis_profile_end,
                                          static_cast<std::size_t>(sluis_profile_ttl_end - sluis_profile_end));

}  // namespace sluis::node
