#include "connector/http/shares.hpp"

#include <arpa/inet.h>

#include <map>
#include <mutex>

namespace sluis::http {

struct Shares::Held {
  std::mutex mutex;
  std::size_t free = 0;
  std::map<std::string, std::size_t> of;
};

Shares::Shares(std::size_t places) : held_(std::make_shared<Held>()) { held_->free = places; }

std::shared_ptr<const void> Shares::take(const std::string& who) {
  {
    const std::lock_guard lock(held_->mutex);
    const auto found = held_->of.find(who);
    if ((found == held_->of.end() ? 0 : found->second) >= held_->free) return nullptr;
    ++held_->of[who];
    --held_->free;
  }
  const auto give_back = [held = held_, who](const Held*) {
    const std::lock_guard lock(held->mutex);
    const auto found = held->of.find(who);
    if (--found->second == 0) held->of.erase(found);
    ++held->free;
  };
  return std::shared_ptr<const Held>(held_.get(), give_back);
}

std::string neighbourhood(const std::string& address) {
  constexpr std::size_t kNetworkBytes = 8;
  unsigned char six[16];
  if (::inet_pton(AF_INET6, address.c_str(), six) != 1) return address;
  in6_addr all{};
  for (std::size_t i = 0; i < sizeof six; ++i) all.s6_addr[i] = six[i];
  char text[INET6_ADDRSTRLEN] = "";
  if (IN6_IS_ADDR_V4MAPPED(&all)) return ::inet_ntop(AF_INET, six + 12, text, sizeof text) == nullptr ? address : text;
  for (std::size_t i = kNetworkBytes; i < sizeof six; ++i) all.s6_addr[i] = 0;
  return ::inet_ntop(AF_INET6, &all, text, sizeof text) == nullptr ? address : text;
}

}  // namespace sluis::http
