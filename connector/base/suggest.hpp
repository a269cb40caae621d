#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluis {

/// The candidate nearest to `word` by edit distance, if one is near enough to be a typing error; else empty.
std::string nearest(std::string_view word, std::span<const std::string_view> candidates);

/// "did you mean `x`?" for the nearest candidate, else "known are `a`, `b`, …".
std::string suggestion(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace sluis
