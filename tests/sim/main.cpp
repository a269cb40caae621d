// usage: sluis_sim [--seeds N] [--first K] [--trace] [--soak] [--canary NAME | --canaries | --replay]
#include "tests/sim/world.hpp"

#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <string>

using namespace sluis::sim;

namespace {

constexpr std::uint64_t kSeeds = 5000;
constexpr std::uint64_t kCanarySeeds = 2000;
constexpr std::uint64_t kSoakFaults = 1'000'000;

struct Options {
  std::uint64_t seeds = kSeeds;
  std::uint64_t first = 1;
  Canary canary = Canary::none;
  bool trace = false;
  bool soak = false;
  bool canaries = false;
  bool replay = false;
};

std::optional<Canary> canary_of(std::string_view name) {
  for (std::size_t i = 0; i < kCanaries; ++i) {
    if (to_string(static_cast<Canary>(i)) == name) return static_cast<Canary>(i);
  }
  return std::nullopt;
}

std::optional<Options> read(int argc, char** argv) {
  Options options;
  options.soak = std::getenv("SLUIS_SOAK") != nullptr;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (word == "--trace") {
      options.trace = true;
    } else if (word == "--soak") {
      options.soak = true;
    } else if (word == "--canaries") {
      options.canaries = true;
    } else if (word == "--replay") {
      options.replay = true;
    } else if (value == nullptr) {
      return std::nullopt;
    } else if (word == "--seeds") {
      options.seeds = std::stoull(value);
      ++i;
    } else if (word == "--first") {
      options.first = std::stoull(value);
      ++i;
    } else if (const auto canary = canary_of(value); word == "--canary" && canary) {
      options.canary = *canary;
      ++i;
    } else {
      return std::nullopt;
    }
  }
  return options;
}

unsigned long long wide(std::uint64_t number) { return number; }

void tell(const World& world, std::uint64_t seed) {
  const std::string_view name = to_string(world.broken());
  std::printf("seed %llu, event %llu: %.*s does not hold: %s\n", wide(seed), wide(world.events()), static_cast<int>(name.size()), name.data(),
              world.what().c_str());
  std::printf("  again: sluis_sim --first %llu --seeds 1 --trace%s%s\n", wide(seed), world.canary == Canary::none ? "" : " --canary ",
              world.canary == Canary::none ? "" : std::string(to_string(world.canary)).c_str());
}

int finish(std::uint64_t passed, std::uint64_t failed) {
  std::printf("%llu passed, %llu failed\n", wide(passed), wide(failed));
  return failed == 0 ? 0 : 1;
}

int run_seeds(const Options& options, Fibers& fibers) {
  Report report;
  std::uint64_t failed = 0;
  std::uint64_t seed = options.first;
  const auto more = [&] {
    if (!options.soak || options.trace) return seed < options.first + options.seeds;
    return std::accumulate(report.fired.begin(), report.fired.end(), std::uint64_t{0}) < kSoakFaults;
  };
  for (; more(); ++seed) {
    World world(seed, options.canary, options.trace, fibers, report);
    world.run();
    if (options.trace) std::printf("seed %llu: %llu events, hash %016llx\n", wide(seed), wide(world.events()), wide(world.hash()));
    if (!world.failed()) continue;
    ++failed;
    if (failed <= 400) tell(world, seed);
  }
  const std::uint64_t ran = seed - options.first;
  if (options.trace || options.canary != Canary::none) return finish(ran - failed, failed);
  const int missing = report.print();
  if (missing != 0) std::printf("\n%d things never happened: more seeds, or a hole in the simulation\n", missing);
  return finish(ran - failed + (missing == 0 ? 1 : 0), failed + (missing == 0 ? 0 : 1));
}

/// Each known bug must be found by the invariant that is meant for it.
int run_canaries(const Options& options, Fibers& fibers) {
  std::uint64_t failed = 0;
  for (std::size_t i = 1; i < kCanaries; ++i) {
    const Canary canary = static_cast<Canary>(i);
    const std::string name(to_string(canary));
    const Invariant wanted = meant_for(canary);
    Report report;
    std::string others;
    std::uint64_t seed = options.first;
    bool caught = false;
    for (; !caught && seed < options.first + kCanarySeeds; ++seed) {
      World world(seed, canary, false, fibers, report);
      world.run();
      caught = world.failed() && world.broken() == wanted;
      if (world.failed() && !caught && others.find(to_string(world.broken())) == std::string::npos) {
        others += " " + std::string(to_string(world.broken()));
      }
    }
    failed += caught ? 0 : 1;
    std::printf("%-26s %s by %s after %llu seeds%s%s\n", name.c_str(), caught ? "caught" : "NOT CAUGHT", std::string(to_string(wanted)).c_str(),
                wide(seed - options.first), others.empty() ? "" : "; before that by", others.c_str());
  }
  return finish(kCanaries - 1 - failed, failed);
}

/// The same seed twice is the same trace; with a canary as well, up to where it is caught.
int run_replay(const Options& options, Fibers& fibers) {
  constexpr std::uint64_t kReplayed = 100;
  std::uint64_t failed = 0;
  std::uint64_t last = 0;
  for (std::uint64_t seed = options.first; seed < options.first + kReplayed; ++seed) {
    const Canary canary = static_cast<Canary>(seed % kCanaries);
    std::uint64_t hashes[2];
    for (std::uint64_t& hash : hashes) {
      Report report;
      World world(seed, canary, false, fibers, report);
      world.run();
      hash = world.hash();
    }
    if (hashes[0] != hashes[1] || hashes[0] == last) {
      ++failed;
      std::printf("seed %llu: %016llx, then %016llx\n", wide(seed), wide(hashes[0]), wide(hashes[1]));
    }
    last = hashes[0];
  }
  return finish(kReplayed - failed, failed);
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read(argc, argv);
  if (!options) {
    std::fprintf(stderr, "usage: sluis_sim [--seeds N] [--first K] [--trace] [--soak] [--canary NAME | --canaries | --replay]\n");
    return 2;
  }
  Fibers fibers;
  if (options->canaries) return run_canaries(*options, fibers);
  if (options->replay) return run_replay(*options, fibers);
  return run_seeds(*options, fibers);
}
