#pragma once

#include <cstdint>
#include <string>

namespace sluis {

/// Where randomness comes from. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  /// `count` random bytes, fit for keys.
  virtual std::string bytes(std::size_t count) = 0;

  /// `urn:uuid:` with a version 4 UUID (RFC 9562).
  std::string uuid_urn();
};

/// The kernel's generator; ends the process if it fails, as nothing can be safe then.
class SystemRandom final : public Random {
 public:
  std::string bytes(std::size_t count) override;
};

}  // namespace sluis
