#include "connector/base/quota.hpp"

#include <algorithm>
#include <cmath>

namespace sluis {

/// A clock that is set back gives nothing and takes nothing.
Quota::Bucket& Quota::filled(std::string_view who) {
  const Timestamp now = clock_.now();
  auto found = buckets_.find(who);
  if (found == buckets_.end()) found = buckets_.emplace(std::string(who), Bucket{rate_.burst, now}).first;
  Bucket& bucket = found->second;
  const double minutes = std::chrono::duration<double, std::ratio<60>>(now - bucket.at).count();
  if (minutes > 0) bucket.tokens = std::min(rate_.burst, bucket.tokens + minutes * rate_.per_minute);
  bucket.at = now;
  return bucket;
}

bool Quota::take(std::string_view who) {
  const std::lock_guard lock(mutex_);
  Bucket& bucket = filled(who);
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

void Quota::give_back(std::string_view who) {
  const std::lock_guard lock(mutex_);
  Bucket& bucket = filled(who);
  bucket.tokens = std::min(rate_.burst, bucket.tokens + 1);
}

std::chrono::seconds Quota::wait(std::string_view who) {
  const std::lock_guard lock(mutex_);
  const double missing = 1 - filled(who).tokens;
  if (missing <= 0 || rate_.per_minute <= 0) return std::chrono::seconds(1);
  return std::chrono::seconds(std::max<std::int64_t>(1, std::llround(std::ceil(missing * 60 / rate_.per_minute))));
}

}  // namespace sluis
