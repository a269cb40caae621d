#pragma once

#include "connector/base/random.hpp"
#include "connector/base/time.hpp"

#include <filesystem>
#include <map>
#include <mutex>
#include <string>

namespace sluis::provenance {

/// The keys that wrap each payload's own key: one a month, each in a small file of its own (D30), 0600, on the disk before
/// its first use. A key that is gone makes its payloads unreadable for ever; their proofs stay valid. Thread-safe.
class PayloadKeys {
 public:
  PayloadKeys(std::filesystem::path folder, Random& random) : folder_(std::move(folder)), random_(random) {}

  /// Encrypts under a fresh key, wrapped by the key of the month of `recorded`. `index` is bound in.
  Result<std::string> seal(std::string_view payload, std::uint64_t index, Timestamp recorded) {
    return seal(payload, index, recorded, random_);
  }
  /// The same with randomness that the caller brings.
  Result<std::string> seal(std::string_view payload, std::uint64_t index, Timestamp recorded, Random& random);
  /// not_found: the month's key is gone. corruption: altered.
  Result<std::string> unseal(std::string_view sealed, std::uint64_t index);

 private:
  Result<std::string> key(const std::string& month, bool make);

  std::filesystem::path folder_;
  Random& random_;
  std::mutex mutex_;
  std::map<std::string, std::string> keys_;
};

}  // namespace sluis::provenance
