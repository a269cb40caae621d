#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluis {

/// How many bytes the character at the front has; 0: it is none, or the text is empty. No overlong forms, no
/// surrogates, nothing above U+10FFFF (RFC 3629).
std::size_t utf8_length(std::string_view text);
/// The text, with U+FFFD for each byte that is of no character.
std::string valid_utf8(std::string_view text);

}  // namespace sluis
