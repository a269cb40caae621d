#include "connector/base/random.hpp"

#include "connector/base/bytes.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace sluis {

std::string Random::uuid_urn() {
  std::string raw = bytes(16);
  raw[6] = static_cast<char>((static_cast<std::uint8_t>(raw[6]) & 0x0FU) | 0x40U);
  raw[8] = static_cast<char>((static_cast<std::uint8_t>(raw[8]) & 0x3FU) | 0x80U);
  const std::string hex = to_hex(raw);
  return "urn:uuid:" + hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20);
}

std::string SystemRandom::bytes(std::size_t count) {
  std::string out(count, '\0');
  for (std::size_t done = 0; done < count;) {
    const ssize_t got = ::getrandom(out.data() + done, count - done, 0);
    if (got < 0 && errno != EINTR) std::abort();
    if (got > 0) done += static_cast<std::size_t>(got);
  }
  return out;
}

}  // namespace sluis
