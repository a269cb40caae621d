#include "connector/gate/verbatim.hpp"

namespace sluis::gate {

std::optional<std::optional<Hash>> Verbatim::known(const std::string& tag) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(tag);
  if (found == known_.end()) return std::nullopt;
  return std::optional<std::optional<Hash>>(std::in_place, found->second);
}

Result<std::optional<Hash>> Verbatim::look(const std::string& tag, const Try& attempt) {
  if (const auto at_once = known(tag)) return *at_once;
  const std::lock_guard one(trying_);
  if (const auto meanwhile = known(tag)) return *meanwhile;
  if (stopped_) return Error(ErrorCode::invalid_state, "the node is stopping");
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
  const auto found = known(tag);
  return found && !*found;
}

}  // namespace sluis::gate
