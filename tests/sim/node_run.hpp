#pragma once

#include "tests/sim/node.hpp"

namespace sluis::sim {

/// What a crash takes with it.
struct Node::Run {
  Run(World& world, Node& node);
  ~Run() { *alive = false; }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Commits commits;
  LogClock clock{commits};
  Evidence evidence;
  NoCatalog catalog;
  dsp::Client client;
  transfer::Service transfers;
  negotiation::Service negotiations;
  std::vector<http::Route> routes;
  outbox::Dispatcher dispatcher;
  std::size_t sending = 0;
  std::uint64_t pump_plan = 0;   ///< the newest; older ones find nothing to do
  std::uint64_t alarm_plan = 0;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

}  // namespace sluis::sim
