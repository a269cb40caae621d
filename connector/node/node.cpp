#include "connector/node/node.hpp"

#include "connector/base/log.hpp"
#include "connector/node/parts.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace sluis::node {

Node::Node(NodeConfig config) : config_(std::move(config)) {}

Node::~Node() { stop(std::chrono::milliseconds(0)); }

Result<void> Node::start() {
  parts_ = std::make_unique<Parts>(config_);
  auto started = parts_->start();
  if (!started) parts_.reset();
  return started;
}

void Node::stop(std::chrono::milliseconds grace) {
  if (!parts_) return;
  parts_->stop(grace);
  parts_.reset();
}

int serve(const std::filesystem::path& config_file) {
  if (::geteuid() == 0) {
    std::fprintf(stderr, "sluis serve: a node never runs as root; start it as a user of its own (setpriv --reuid=… or systemd's User=)\n");
    return 1;
  }
  auto config = read_config(config_file);
  if (!config) {
    std::fprintf(stderr, "sluis serve: %s\n", describe(config.error()).c_str());
    return 1;
  }
  // Blocked before any thread exists, so that every thread leaves these signals to the descriptor.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const int descriptor = ::signalfd(-1, &signals, SFD_CLOEXEC);
  Node node(std::move(*config));
  if (const auto started = node.start(); !started) {
    std::fprintf(stderr, "sluis serve: %s\n", describe(started.error()).c_str());
    return 1;
  }
  signalfd_siginfo received{};
  while (::read(descriptor, &received, sizeof received) < 0 && errno == EINTR) {
  }
  log::info("stopping");
  node.stop(std::chrono::seconds(10));
  ::close(descriptor);
  return 0;
}

}  // namespace sluis::node
