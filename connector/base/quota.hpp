#pragma once

#include "connector/base/time.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace sluis {

/// How much of something each of several may do: a bucket of tokens a name, full at first, that fills up again with time (D13, D23).
/// Names come from a bounded list, as buckets are kept for good. Thread-safe.
class Quota {
 public:
  struct Rate {
    double per_minute = 0;
    double burst = 0;  ///< at once, after a quiet time; at least one
  };

  Quota(const Clock& clock, Rate rate) : clock_(clock), rate_(rate) {}

  /// Takes one. False: there is none, and nothing is taken.
  bool take(std::string_view who);
  /// One that was taken is not owed after all: what it was for did not happen.
  void give_back(std::string_view who);
  /// Whole seconds until the next one can be taken; at least one.
  std::chrono::seconds wait(std::string_view who);

 private:
  struct Bucket {
    double tokens = 0;
    Timestamp at{};
  };
  Bucket& filled(std::string_view who);

  const Clock& clock_;
  Rate rate_;
  std::mutex mutex_;
  std::map<std::string, Bucket, std::less<>> buckets_;
};

}  // namespace sluis
