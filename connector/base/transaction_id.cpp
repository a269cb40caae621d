#include "connector/base/transaction_id.hpp"

#include "connector/base/bytes.hpp"

#include <algorithm>

namespace sluis {

std::string new_transaction_id(Random& random, Timestamp now) {
  const auto since = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const auto milliseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(since, 0));
  std::string raw;
  put_u64(raw, milliseconds << 16U);
  raw.resize(6);
  raw += random.bytes(10);
  raw[6] = static_cast<char>((static_cast<std::uint8_t>(raw[6]) & 0x0FU) | 0x70U);
  raw[8] = static_cast<char>((static_cast<std::uint8_t>(raw[8]) & 0x3FU) | 0x80U);
  const std::string hex = to_hex(raw);
  return "urn:uuid:" + hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" + hex.substr(20);
}

}  // namespace sluis
