#include "tests/sim/world.hpp"

#include "tests/sim/node.hpp"

#include <algorithm>
#include <cstdio>

namespace sluis::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kSettleEvents = 20'000;
constexpr seconds kActs{2};  ///< between two acts at a node, at most
constexpr seconds kTroubles{8};

}  // namespace

World::World(std::uint64_t seed, Canary which, bool trace, Fibers& all_fibers, Report& counts)
    : dice(seed), faults(dice, counts.fired), fibers(all_fibers), report(counts), canary(which), invariants(*this), trace_(trace) {
  const std::size_t count = 2 + dice.below(5);
  if (count > 2 && dice.one_in(3)) liar_ = dice.below(count);
  for (std::size_t i = 0; i < count; ++i) {
    invariants.add_node();
    nodes_.push_back(std::make_unique<Node>(*this, i));
  }
}

World::~World() { nodes_.clear(); }

void World::after(Duration delay, Action action) {
  queue_.push_back({now_ + delay, ++order_, std::move(action)});
  std::push_heap(queue_.begin(), queue_.end(), Later());
}

void World::note(std::string_view what, std::size_t node, std::string_view text) {
  const auto add = [this](std::string_view bytes) {
    for (const char c : bytes) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  };
  add(what);
  add(text);
  const std::uint64_t numbers[] = {node, static_cast<std::uint64_t>(now_.time_since_epoch().count())};
  add({reinterpret_cast<const char*>(numbers), sizeof numbers});
  if (trace_) detail(what, node, text);
}

void World::detail(std::string_view what, std::size_t node, std::string_view text) {
  std::printf("%6llu %12.3f ms  n%zu %.*s %.*s\n", static_cast<unsigned long long>(events_),
              static_cast<double>((now_ - Timestamp(seconds(1'800'000'000))).count()) / 1000, node, static_cast<int>(what.size()), what.data(),
              static_cast<int>(text.size()), text.data());
}

void World::fail(Invariant invariant, const std::string& what) {
  if (failed_) return;
  failed_ = true;
  broken_ = invariant;
  what_ = what;
}

Node* World::node_of(std::string_view url) {
  constexpr std::string_view start = "https://n";
  if (!url.starts_with(start) || url.size() <= start.size()) return nullptr;
  const auto index = static_cast<std::size_t>(url[start.size()] - '0');
  return index < nodes_.size() ? nodes_[index].get() : nullptr;
}

bool World::step() {
  if (queue_.empty()) return false;
  std::pop_heap(queue_.begin(), queue_.end(), Later());
  const Event event = std::move(queue_.back());
  queue_.pop_back();
  now_ = std::max(now_, event.when);
  const bool happened = event.action();
  for (const auto& one : nodes_) one->reap();
  if (happened) ++events_;
  invariants.after_event();
  return true;
}

bool World::cut_somewhere() {
  const std::size_t one = dice.below(nodes_.size());
  const std::size_t other = dice.below(nodes_.size());
  if (one == other || cut_[one][other] || !faults.happens(Fault::partition)) return false;
  note("cut", one, std::to_string(other));
  cut_[one][other] = cut_[other][one] = true;
  after(dice.between(milliseconds(100), seconds(40)), [this, one, other] {
    note("joined", one, std::to_string(other));
    cut_[one][other] = cut_[other][one] = false;
    return true;
  });
  return true;
}

bool World::set_a_clock() {
  Node& one = *nodes_[dice.below(nodes_.size())];
  if (faults.happens(Fault::clock_forward)) {
    one.skew += dice.one_in(3) ? Duration(hours(24 * 8)) : dice.between(milliseconds(500), hours(2));
  } else if (faults.happens(Fault::clock_back)) {
    one.skew -= dice.between(milliseconds(500), hours(1));
  } else if (faults.happens(Fault::clock_skew)) {
    one.skew += dice.between(milliseconds(-2100), milliseconds(2100));
  } else {
    return false;
  }
  note("clock", one.index(), std::to_string(one.skew.count()));
  one.clock_stepped();
  return true;
}

/// What happens to the machines, again and again.
void World::trouble() {
  after(dice.between(milliseconds(50), kTroubles), [this] {
    if (!faults.on()) return false;
    trouble();
    bool happened = cut_somewhere();
    happened = set_a_clock() || happened;
    Node& one = *nodes_[dice.below(nodes_.size())];
    if (one.up() && faults.happens(Fault::crash_idle)) {
      one.crash_now();
      happened = true;
    }
    return happened;
  });
}

/// Persons and applications do something again and again, at every node, for as long as they are awake.
void World::wake_persons() {
  awake_ = true;
  const std::uint64_t morning = ++mornings_;
  for (std::size_t index = 0; index < nodes_.size(); ++index) after(milliseconds(20), [this, index, morning] { return act(index, morning); });
}

bool World::act(std::size_t index, std::uint64_t morning) {
  if (!awake_ || morning != mornings_) return false;
  after(dice.between(milliseconds(1), dice.one_in(4) ? Duration(kActs) : Duration(milliseconds(100))),
        [this, index, morning] { return act(index, morning); });
  return nodes_[index]->act();
}

void World::run() {
  for (const auto& one : nodes_) one->start(dice.between(Duration(0), milliseconds(20)));
  wake_persons();
  trouble();
  while (!failed_ && events_ < kFaultEvents && step()) {
  }
  if (!failed_) settle();
  // Few seeds come to rest so soon: they go on in good weather.
  while (!failed_ && events_ < kEvents) {
    wake_persons();
    while (!failed_ && events_ < kEvents && step()) {
    }
    if (!failed_) settle();
  }
  if (!failed_ && dice.one_in(4)) pass_deadlines();
  if (failed_) note("broken", 0, to_string(broken_));
  ++report.seeds;
  report.events += events_;
}

bool World::at_rest() const {
  return std::all_of(nodes_.begin(), nodes_.end(), [](const auto& one) { return one->quiet(); });
}

/// No faults and no persons from now on: all that is under way comes to its end by itself.
void World::settle() {
  faults.off();
  awake_ = false;
  note("faults end", 0);
  cut_ = {};
  // Clocks are set right, where the furthest of the logs is now.
  Timestamp latest = now_;
  for (const auto& one : nodes_) latest = std::max({latest, one->clock_time(), invariants.view(one->index()).recorded});
  for (const auto& one : nodes_) {
    one->skew = latest - now_;
    one->clock_stepped();
  }
  const std::uint64_t bound = events_ + kSettleEvents;
  while (!failed_ && !at_rest() && events_ < bound && step()) {
  }
  if (failed_) return;
  report.count(Invariant::settles);
  if (!at_rest()) {
    std::string who;
    for (const auto& one : nodes_) {
      if (!one->quiet()) who += " n" + std::to_string(one->index());
    }
    return fail(Invariant::settles, "not at rest after " + std::to_string(kSettleEvents) + " events:" + who);
  }
  // Everything that was on its way to a node comes, and deadlines are looked at once more (every ten minutes).
  run_for(seconds(660));
  if (!failed_) invariants.at_rest();
}

/// Every negotiation that is not over passes its deadline.
void World::pass_deadlines() {
  for (const auto& one : nodes_) {
    one->skew += hours(24 * 8);
    one->clock_stepped();
  }
  run_for(seconds(30));
  if (!failed_) invariants.at_rest();
}

/// So long, and until nothing is under way.
void World::run_for(Duration time) {
  const Timestamp until = now_ + time;
  const std::uint64_t bound = events_ + kSettleEvents;
  while (!failed_ && !queue_.empty() && queue_.front().when <= until && step()) {
  }
  while (!failed_ && !at_rest() && events_ < bound && step()) {
  }
  if (!failed_ && !at_rest()) fail(Invariant::settles, "work goes on without end");
}

}  // namespace sluis::sim
