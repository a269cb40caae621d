#pragma once

#include "tests/sim/canaries.hpp"
#include "tests/sim/faults.hpp"
#include "tests/sim/fibers.hpp"
#include "tests/sim/invariants.hpp"
#include "tests/sim/report.hpp"

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluis::sim {

class Node;

/// Two to six nodes, the network between them, their clocks and their disks, from one seed: what happens, and in which order. One
/// thread, no socket, no clock of the machine.
class World {
 public:
  /// Whether something happened: what finds nothing to do is no event.
  using Action = std::function<bool()>;
  static constexpr std::uint64_t kEvents = 500;       ///< of a seed, at least
  static constexpr std::uint64_t kFaultEvents = 300;  ///< then its faults end

  World(std::uint64_t seed, Canary canary, bool trace, Fibers& fibers, Report& report);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Runs the seed to its end, or to the first thing that does not hold.
  void run();
  bool failed() const { return failed_; }
  Invariant broken() const { return broken_; }
  const std::string& what() const { return what_; }
  std::uint64_t events() const { return events_; }
  std::uint64_t hash() const { return hash_; }

  Timestamp now() const { return now_; }
  void after(Duration delay, Action action);
  /// One line of the trace: the same seed, the same lines.
  void note(std::string_view what, std::size_t node, std::string_view text = {});
  bool tracing() const { return trace_; }
  /// One more line for who reads a trace; no part of its hash.
  void detail(std::string_view what, std::size_t node, std::string_view text);
  void fail(Invariant invariant, const std::string& what);

  bool partitioned(std::size_t one, std::size_t other) const { return cut_[one][other]; }
  Node* node_of(std::string_view url);
  Node& node(std::size_t index) { return *nodes_[index]; }
  std::size_t size() const { return nodes_.size(); }
  bool lies(std::size_t index) const { return index == liar_; }

  Dice dice;
  Faults faults;
  Fibers& fibers;
  Report& report;
  const Canary canary;
  Invariants invariants;

 private:
  struct Event {
    Timestamp when;
    std::uint64_t order = 0;
    Action action;
  };
  struct Later {
    bool operator()(const Event& one, const Event& other) const {
      return one.when != other.when ? one.when > other.when : one.order > other.order;
    }
  };

  bool step();
  void trouble();
  bool cut_somewhere();
  bool set_a_clock();
  void wake_persons();
  bool act(std::size_t index, std::uint64_t morning);
  void settle();
  void pass_deadlines();
  void run_for(Duration time);
  bool at_rest() const;

  bool trace_;
  Timestamp now_ = Timestamp(std::chrono::seconds(1'800'000'000));
  std::vector<Event> queue_;  ///< a heap
  std::uint64_t order_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
  std::vector<std::unique_ptr<Node>> nodes_;
  bool awake_ = false;  ///< the persons
  std::uint64_t mornings_ = 0;
  std::array<std::array<bool, 6>, 6> cut_{};
  std::size_t liar_ = SIZE_MAX;
  bool failed_ = false;
  Invariant broken_ = Invariant::count_;
  std::string what_;
};

}  // namespace sluis::sim
