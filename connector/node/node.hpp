#pragma once

#include "connector/node/config.hpp"

#include <memory>

namespace sluis::node {

/// One running node. `start` wires everything, in the order of the file node.cpp, and recovers what a crash left open.
class Node {
 public:
  explicit Node(NodeConfig config);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  Result<void> start();
  /// Takes no more requests, lets those that are under way finish for so long, cuts the rest, closes the log.
  void stop(std::chrono::milliseconds grace);
  /// Why another log is to follow now: the period of the newest is over, and the next is prepared and listed, or a person asked for it. Empty:
  /// it goes on. Between `start` and `stop`.
  std::string why_log_is_over() const;
  /// From the next `start` on a finding: why no other log could follow. Empty: none.
  void none_followed(std::string why) { none_followed_ = std::move(why); }

 private:
  struct Parts;
  NodeConfig config_;
  std::string none_followed_;
  std::unique_ptr<Parts> parts_;
};

/// Runs until SIGTERM or SIGINT. When another log is to follow it stops all parts, lets the prepared log follow and starts them again. The
/// exit code.
int serve(const std::filesystem::path& config_file);

}  // namespace sluis::node
