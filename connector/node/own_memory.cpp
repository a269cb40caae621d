#include "connector/node/own_memory.hpp"

#include "connector/base/log.hpp"
#include "connector/crypto/secret.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

namespace sluis::node {

void guard_memory() {
  constexpr rlimit kNone{0, 0};
  if (::setrlimit(RLIMIT_CORE, &kNone) != 0) log::warning("core dumps are not switched off", {{"what", std::strerror(errno)}});
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) log::warning("this process stays dumpable", {{"what", std::strerror(errno)}});
  (void)crypto::lock_key_memory();
  if (const std::string why = why_keys_may_swap(); !why.empty()) log::warning(why);
}

std::string why_keys_may_swap() {
  if (crypto::key_memory() != crypto::KeyMemory::swappable) return {};
  rlimit allowed{};
  const bool known = ::getrlimit(RLIMIT_MEMLOCK, &allowed) == 0 && allowed.rlim_cur != RLIM_INFINITY;
  return "private keys may get into swap: the system locks no memory for this process (" + std::to_string(crypto::kKeyMemoryBytes >> 10U) + " KiB are needed" +
         (known ? ", RLIMIT_MEMLOCK is " + std::to_string(allowed.rlim_cur >> 10U) + " KiB" : std::string()) +
         "): raise it (LimitMEMLOCK= of systemd, `ulimit -l`), or have no swap that is not encrypted";
}

std::string keys_in_memory() {
  if (crypto::key_memory() == crypto::KeyMemory::locked) return "locked";
  return why_keys_may_swap();
}

}  // namespace sluis::node
