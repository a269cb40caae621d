#include "connector/gate/verbatim.hpp"

namespace sluis::gate {

Result<std::optional<Hash>> Verbatim::look(const std::string& tag, const Try& attempt) {
  const std::lock_guard one(trying_);
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(tag);
    if (found != known_.end()) return found->second;
  }
  SLUIS_TRY(const std::optional<Hash> digest, attempt());
  const std::lock_guard lock(mutex_);
  if (order_.size() == kKept) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  known_.emplace(tag, digest);
  order_.push_back(tag);
  return digest;
}

bool Verbatim::changes(const std::string& tag) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(tag);
  return found != known_.end() && !found->second;
}

}  // namespace sluis::gate
