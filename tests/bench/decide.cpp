// Decisions on 10,000 agreements of 50 constraints each, with 450 purposes, for 10,000 distinct requests in random order:
// time of one in nanoseconds, from blocks of 64 with the clock's own cost taken off. One JSON object a line.
#include "tests/bench/decide_recorded.hpp"
#include "tests/unit/policy/allocation_counter.hpp"

using namespace sluis;
using namespace sluis::bench;

namespace {

/// Everything that the caches hold is pushed out.
void flush(std::vector<char>& junk) {
  for (std::size_t i = 0; i < junk.size(); i += 64) junk[i] = static_cast<char>(junk[i] + 1);
}

/// The requests of the first agreements, again and again.
void print_some(const World& world, std::size_t agreements) {
  std::vector<const Asked*> some;
  for (std::size_t i = 0; i < kRequests; ++i) {
    if (world.spoken[i].agreement < agreements) some.push_back(&world.asked[i]);
  }
  const double cost = clock_cost();
  std::vector<double> times;
  std::size_t permits = 0, decisions = 0;
  for (int round = 0; round < 2'000; ++round) {
    for (std::size_t at = 0; at + kBlock <= some.size(); at += kBlock, decisions += kBlock) {
      const auto begin = Steady::now();
      for (std::size_t i = at; i < at + kBlock; ++i) permits += some[i]->program->decide(*some[i]->facts).permit;
      if (round > 10) times.push_back((nanoseconds(Steady::now() - begin) - cost) / kBlock);
    }
  }
  print("some agreements", times, static_cast<double>(permits) / static_cast<double>(decisions));
}

/// All requests, block by block: each decision by itself, then a block at once. False: something was allocated.
bool print_warm(const World& world) {
  constexpr int kRounds = 20;
  const double cost = clock_cost();
  const auto& asked = world.asked;
  std::vector<Question> questions;
  for (const Asked& one : asked) questions.push_back({one.program, &*one.facts});
  std::array<Decision, kBlock> decisions;
  const auto run = [&](const char* what, const auto& block) {
    std::vector<double> times;
    times.reserve(kRounds * kRequests / kBlock);
    std::size_t permits = 0, decided = 0;
    const std::size_t before = test::allocations();
    for (int round = 0; round < kRounds; ++round) {
      for (std::size_t at = 0; at + kBlock <= kRequests; at += kBlock, decided += kBlock) {
        const auto begin = Steady::now();
        permits += block(at);
        if (round != 0) times.push_back((nanoseconds(Steady::now() - begin) - cost) / kBlock);
      }
    }
    const std::size_t allocations = test::allocations() - before;
    print(what, times, static_cast<double>(permits) / static_cast<double>(decided), {50, 200});
    print(std::string(what) + ", allocations", static_cast<double>(allocations), "allocations");
    return allocations == 0 && before != 0;
  };
  const bool one_by_one = run("warm, one by one", [&](std::size_t at) {
    std::size_t permits = 0;
    for (std::size_t i = at; i < at + kBlock; ++i) permits += asked[i].program->decide(*asked[i].facts).permit;
    return permits;
  });
  const bool at_once = run("warm, 64 at once", [&](std::size_t at) {
    decide(std::span(questions).subspan(at, kBlock), decisions);
    return static_cast<std::size_t>(std::count_if(decisions.begin(), decisions.end(), [](const Decision& one) { return one.permit; }));
  });
  return one_by_one && at_once;
}

}  // namespace

int main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  const World world = make_world(argc > 1 ? argv[1] : "policy/purpose/dpv-purposes.tsv");
  const auto& [purposes, context, programs, compiling, spoken, asked, agreed] = world;
  if (argc > 3) {  // PURPOSES COUNT FILE: what peers are asked, and our own time for it
    const auto count = static_cast<std::size_t>(std::atoi(argv[2]));
    std::ofstream(argv[3]) << json::serialise(questions(world, argv[1], count));
    print_some(world, count);
    return 0;
  }
  std::size_t bytes = 0;
  for (const Program& program : programs) bytes += program.bytes();
  print("compile one", compiling, 0);
  print("memory of " + std::to_string(programs.size()) + " programs", static_cast<double>(bytes) / 1e6, "MB", 40);
  print("names", static_cast<double>(context->names->size()), "names");

  const double cost = clock_cost();
  if (!print_warm(world)) return 1;

  std::vector<double> texts;
  std::size_t permits = 0;
  for (std::size_t i = 0; i < kRequests; ++i) {
    Asked one;
    const Program& program = programs[spoken[i].agreement];
    const auto begin = Steady::now();
    intern(spoken[i], program, *purposes, agreed, one);
    permits += program.decide(*one.facts).permit;
    texts.push_back(nanoseconds(Steady::now() - begin) - cost);
  }
  print("from request strings", texts, static_cast<double>(permits) / kRequests, {std::nullopt, 2000});

  std::vector<char> junk(128U << 20U);
  std::vector<double> cold;
  permits = 0;
  for (std::size_t i = 0; i < 200; ++i) {
    flush(junk);
    const auto begin = Steady::now();
    permits += asked[i].program->decide(*asked[i].facts).permit;
    cold.push_back(nanoseconds(Steady::now() - begin) - cost);
  }
  print("cold", cold, static_cast<double>(permits) / 200);
  return print_recorded(world) ? 0 : 1;
}
