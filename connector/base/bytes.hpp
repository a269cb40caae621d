#pragma once

#include "connector/base/error.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluis {

/// Bytes travel as std::string: that is what the store, the sockets and protobuf take.
using Hash = std::array<std::uint8_t, 32>;

inline std::string_view view(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}
/// Needs exactly 32 bytes.
Result<Hash> to_hash(std::string_view bytes);

std::string to_hex(std::string_view bytes);
inline std::string to_hex(const Hash& hash) { return to_hex(view(hash)); }
/// Lower or upper case, an even count of digits, nothing else.
Result<std::string> from_hex(std::string_view text);

/// RFC 4648 section 4, with padding. Decoding is strict: canonical padding, no spare bits, no white space.
std::string to_base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);
/// RFC 4648 section 5, without padding (as in JOSE).
std::string to_base64url(std::string_view bytes);
Result<std::string> from_base64url(std::string_view text);

/// Big-endian integers appended to and read from byte strings. Reading past the end is the caller's error:
/// check the size first.
void put_u16(std::string& out, std::uint16_t value);
void put_u32(std::string& out, std::uint32_t value);
void put_u64(std::string& out, std::uint64_t value);
std::uint16_t get_u16(std::string_view bytes, std::size_t at = 0);
std::uint32_t get_u32(std::string_view bytes, std::size_t at = 0);
std::uint64_t get_u64(std::string_view bytes, std::size_t at = 0);

/// A 32-bit length, then the bytes: an unambiguous concatenation.
void put_sized(std::string& out, std::string_view bytes);
/// Takes one such field off the front of `rest`.
Result<std::string_view> take_sized(std::string_view& rest);

}  // namespace sluis
