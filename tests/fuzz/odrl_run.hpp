#pragma once

#include "tests/fuzz/odrl_generate.hpp"
#include "tests/fuzz/odrl_shrink.hpp"
#include "tests/support/naive_odrl.hpp"
#include "tests/support/odrl_engine.hpp"
#include "tests/support/vectors.hpp"

#include <cstdio>
#include <cstdlib>

/// What the fuzz programs share: their two witnesses, and their command line.
namespace sluis::test {

struct Witnesses {
  std::shared_ptr<const policy::Vocabulary> vocabulary;
  naive::Purposes purposes;

  static Witnesses read() {
    const char* root = std::getenv("SLUIS_SOURCE_DIR");
    const std::string source = root != nullptr ? root : ".";
    auto vocabulary = read_vocabulary(source);
    auto purposes = naive::Purposes::read(read_file(source + "/policy/purpose/dpv-purposes.tsv"));
    if (!vocabulary || !purposes) {
      std::fprintf(stderr, "no purposes: run from the repository, or set SLUIS_SOURCE_DIR\n");
      std::exit(2);
    }
    return {std::move(*vocabulary), std::move(*purposes)};
  }
};

/// `[REQUESTS] [SEED]`; without, the small number or, under `--soak` (SLUIS_SOAK), the large one, and a fresh seed.
struct Rounds {
  std::uint64_t requests;
  std::uint64_t seed;

  static Rounds read(int argc, char** argv, std::uint64_t small, std::uint64_t large) {
    Rounds rounds{std::getenv("SLUIS_SOAK") != nullptr ? large : small, std::random_device()()};
    if (argc > 1) rounds.requests = std::strtoull(argv[1], nullptr, 10);
    if (argc > 2) rounds.seed = std::strtoull(argv[2], nullptr, 10);
    std::printf("seed %llu\n", static_cast<unsigned long long>(rounds.seed));
    std::fflush(stdout);
    return rounds;
  }
};

inline unsigned long long number(std::uint64_t value) { return value; }

}  // namespace sluis::test
