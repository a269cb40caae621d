#include "policy/odrl/names.hpp"

#include <mutex>

namespace sluis::policy {
namespace {

constexpr std::uint32_t kFirst = 2;  // after absent and other

}  // namespace

Interned Names::add(std::string_view name) {
  if (name.empty()) return Interned::absent;
  const std::unique_lock lock(mutex_);
  if (const auto found = numbers_.find(name); found != numbers_.end()) return static_cast<Interned>(found->second);
  const auto number = static_cast<std::uint32_t>(texts_.size()) + kFirst;
  numbers_.emplace(texts_.emplace_back(name), number);
  return static_cast<Interned>(number);
}

Interned Names::find(std::string_view name) const {
  if (name.empty()) return Interned::absent;
  const std::shared_lock lock(mutex_);
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? Interned::other : static_cast<Interned>(found->second);
}

std::string Names::text(Interned name) const {
  const auto number = static_cast<std::uint32_t>(name);
  const std::shared_lock lock(mutex_);
  return number < kFirst || number - kFirst >= texts_.size() ? std::string() : texts_[number - kFirst];
}

std::size_t Names::size() const {
  const std::shared_lock lock(mutex_);
  return texts_.size();
}

}  // namespace sluis::policy
