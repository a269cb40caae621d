#include "connector/base/bytes.hpp"

#include <algorithm>

namespace sluis {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::string encode(std::string_view bytes, std::string_view alphabet, bool pad) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = static_cast<std::uint32_t>(byte_at(bytes, i)) << 16U;
    if (have > 1) group |= static_cast<std::uint32_t>(byte_at(bytes, i + 1)) << 8U;
    if (have > 2) group |= byte_at(bytes, i + 2);
    for (std::size_t k = 0; k <= have; ++k) out += alphabet[(group >> (18 - 6 * k)) & 63U];
    if (pad) out.append(3 - have, '=');
  }
  return out;
}

Result<std::string> decode(std::string_view text, std::string_view alphabet, bool padded) {
  const Error bad(ErrorCode::invalid_argument, padded ? "not base64" : "not base64url");
  if (padded) {
    if (text.size() % 4 != 0) return bad;
    for (int k = 0; k < 2 && text.ends_with('='); ++k) text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return bad;
  std::array<std::int8_t, 256> value{};
  value.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    value[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::int8_t>(i);
  }
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const std::int8_t v = value[static_cast<std::uint8_t>(c)];
    if (v < 0) return bad;
    group = (group << 6U) | static_cast<std::uint32_t>(v);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>((group >> bits) & 0xFFU);
      group &= (1U << bits) - 1U;
    }
  }
  if (group != 0) return bad;
  return out;
}

template <class T>
void put(std::string& out, T value) {
  for (std::size_t k = sizeof(T); k-- > 0;) {
    out += static_cast<char>((static_cast<std::uint64_t>(value) >> (8 * k)) & 0xFFU);
  }
}

template <class T>
T get(std::string_view bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t k = 0; k < sizeof(T); ++k) value = (value << 8U) | byte_at(bytes, at + k);
  return static_cast<T>(value);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<Hash> to_hash(std::string_view bytes) {
  Hash hash{};
  if (bytes.size() != hash.size()) {
    return Error(ErrorCode::invalid_argument, "a hash has 32 bytes, this has " + std::to_string(bytes.size()));
  }
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(hash.data()));
  return hash;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out += digits[byte_at(bytes, i) >> 4U];
    out += digits[byte_at(bytes, i) & 15U];
  }
  return out;
}

Result<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return Error(ErrorCode::invalid_argument, "hexadecimal text of odd length");
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return Error(ErrorCode::invalid_argument, "not hexadecimal");
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string to_base64(std::string_view bytes) { return encode(bytes, kBase64, true); }
Result<std::string> from_base64(std::string_view text) { return decode(text, kBase64, true); }
std::string to_base64url(std::string_view bytes) { return encode(bytes, kBase64Url, false); }
Result<std::string> from_base64url(std::string_view text) { return decode(text, kBase64Url, false); }

void put_u16(std::string& out, std::uint16_t value) { put(out, value); }
void put_u32(std::string& out, std::uint32_t value) { put(out, value); }
void put_u64(std::string& out, std::uint64_t value) { put(out, value); }
std::uint16_t get_u16(std::string_view bytes, std::size_t at) { return get<std::uint16_t>(bytes, at); }
std::uint32_t get_u32(std::string_view bytes, std::size_t at) { return get<std::uint32_t>(bytes, at); }
std::uint64_t get_u64(std::string_view bytes, std::size_t at) { return get<std::uint64_t>(bytes, at); }

void put_sized(std::string& out, std::string_view bytes) {
  put_u32(out, static_cast<std::uint32_t>(bytes.size()));
  out.append(bytes);
}

Result<std::string_view> take_sized(std::string_view& rest) {
  if (rest.size() < 4) return Error(ErrorCode::corruption, "a length is cut short");
  const std::size_t size = get_u32(rest);
  if (rest.size() - 4 < size) return Error(ErrorCode::corruption, "a field is cut short");
  const std::string_view field = rest.substr(4, size);
  rest.remove_prefix(4 + size);
  return field;
}

}  // namespace sluis
