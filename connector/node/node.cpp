#include "connector/node/node.hpp"

#include "connector/base/log.hpp"
#include "connector/node/own_memory.hpp"
#include "connector/node/parts.hpp"
#include "connector/node/stop_signal.hpp"
#include "connector/node/succession.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace sluis::node {
namespace {

constexpr std::chrono::milliseconds kLookEach{500};
constexpr std::chrono::hours kNotAgainFor{1};
constexpr std::chrono::seconds kTryAgain{10};  ///< after what failed between two logs, as on a full disk
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
  parts_->none_followed = none_followed_;
  auto started = parts_->start();
  if (!started) stop(std::chrono::milliseconds(0));  // threads of its first parts may run
  return started;
}

void Node::stop(std::chrono::milliseconds grace) {
  if (!parts_) return;
  if (parts_->streams) parts_->streams->cut_endless(gate::make_reason("node.stopping"));  // no grace would see their end
  parts_->stop(grace);
  parts_.reset();
}

std::string Node::why_log_is_over() const { return parts_ ? parts_->why_log_is_over() : std::string(); }

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
  guard_memory();
  allow_open_files();
  const StopSignal signal;
  Node node(*config);
  const auto start = [&]() -> Result<void> {
    const auto started = node.start();
    if (started) return started;
    const auto half_way = is_half_way(*config);  // a crash on the way from one log to the next, which no start passes over
    if (!half_way || !*half_way) return started;
    SLUIS_CHECK(follow_prepared(*config));
    node.none_followed({});
    return node.start();
  };
  Timestamp not_before{};  // what failed is not tried again at once
  std::string failed;      // why that was tried: what there is another reason for does not wait
  bool served = false;
  while (true) {
    if (const auto started = start(); !started) {
      if (!served) {
        std::fprintf(stderr, "sluis serve: %s\n", describe(started.error()).c_str());
        return 1;
      }
      // It served a moment ago and goes from one log to the next: what hinders it may pass, or be mended while it waits.
      log::error("the node does not start again yet", {{"what", describe(started.error())}, {"next_try_in_s", std::to_string(kTryAgain.count())}});
      if (signal.wait_for(kTryAgain)) return 0;
      continue;
    }
    served = true;
    bool told = false;
    std::string over;
    while (!(told = signal.wait_for(kLookEach))) {
      over = node.why_log_is_over();
      if (!over.empty() && (over != failed || SystemClock().now() >= not_before)) break;
    }
    log::info(told ? "stopping" : over);
    node.stop(std::chrono::seconds(10));
    if (told) return 0;
    if (const auto followed = follow_prepared(*config); !followed) {
      log::error("no other log could follow", {{"what", describe(followed.error())}});
      failed = over;
      not_before = SystemClock().now() + kNotAgainFor;
      node.none_followed("no other log could follow (" + over + "), and the old one goes on: " + describe(followed.error()) + "; it is tried again after " +
                         format_time(not_before).substr(0, 16) + "Z");
    } else {
      failed.clear();
      node.none_followed({});
    }
  }
}

}  // namespace sluis::node
