#include "connector/node/node.hpp"

#include "connector/base/log.hpp"
#include "connector/node/parts.hpp"
#include "connector/node/stop_signal.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace sluis::node {
namespace {

constexpr rlim_t kOpenFiles = 16'384;  ///< connections of all listeners, the store's files and what is fetched

/// A service gets 1024 by default, which its callers can use up; then the store could not open its own files.
void allow_open_files() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= kOpenFiles) return;
  files.rlim_cur = std::min(files.rlim_max, kOpenFiles);
  if (::setrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur == kOpenFiles) return;
  log::warning("few open files are allowed", {{"allowed", std::to_string(files.rlim_cur)}, {"wanted", std::to_string(kOpenFiles)}});
}

}  // namespace

Node::Node(NodeConfig config) : config_(std::move(config)) {}

Node::~Node() { stop(std::chrono::milliseconds(0)); }

Result<void> Node::start() {
  parts_ = std::make_unique<Parts>(config_);
  auto started = parts_->start();
  if (!started) stop(std::chrono::milliseconds(0));  // threads of its first parts may run
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
  allow_open_files();
  const StopSignal signal;
  Node node(std::move(*config));
  if (const auto started = node.start(); !started) {
    std::fprintf(stderr, "sluis serve: %s\n", describe(started.error()).c_str());
    return 1;
  }
  signal.wait();
  log::info("stopping");
  node.stop(std::chrono::seconds(10));
  return 0;
}

}  // namespace sluis::node
