#include "connector/node/stop_signal.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace sluis::node {

StopSignal::StopSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  descriptor_ = ::signalfd(-1, &signals, SFD_CLOEXEC);
}

StopSignal::~StopSignal() { ::close(descriptor_); }

bool StopSignal::wait_for(std::chrono::milliseconds time) const {
  pollfd ready{descriptor_, POLLIN, 0};
  return ::poll(&ready, 1, static_cast<int>(time.count())) > 0;
}

void StopSignal::wait() const {
  signalfd_siginfo received{};
  while (::read(descriptor_, &received, sizeof received) < 0 && errno == EINTR) {
  }
}

}  // namespace sluis::node
