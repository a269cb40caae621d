// Every parser of outside input under seeded mutation of good examples: none may crash, hang or throw, and what is taken twice is
// taken alike. usage: fuzz [ROUNDS] [SEED] | --corpus DIR
#include "connector/base/bytes.hpp"
#include "tests/fuzz/targets.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>

using namespace sluis;

namespace {

std::string mutate(std::string text, std::mt19937_64& dice) {
  static const std::string kSpice = "{}[]\",:\\/%.\n\r\0\xFF\xC3+-eE0129 u#=;";
  const std::size_t changes = 1 + dice() % 4;
  for (std::size_t i = 0; i < changes; ++i) {
    const std::size_t at = text.empty() ? 0 : dice() % text.size();
    switch (dice() % 6) {
      case 0: text.insert(at, 1, kSpice[dice() % kSpice.size()]); break;
      case 1: if (!text.empty()) text.erase(at, 1 + dice() % 8); break;
      case 2: if (!text.empty()) text[at] = static_cast<char>(dice() & 0xFFU); break;
      case 3: text.insert(at, text.substr(at, dice() % 40)); break;
      case 4: text.resize(at); break;
      default: if (!text.empty()) text[at] = static_cast<char>(static_cast<unsigned char>(text[at]) ^ (1U << (dice() % 8)));
    }
  }
  return text;
}

/// The good examples as files, `DIR/<target>/<n>`: where libFuzzer begins.
int write_corpus(const std::filesystem::path& folder) {
  for (const fuzz::Target& target : fuzz::targets()) {
    std::filesystem::create_directories(folder / target.name);
    for (std::size_t i = 0; i < target.examples.size(); ++i) {
      std::ofstream(folder / target.name / std::to_string(i), std::ios::binary) << target.examples[i];
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--corpus") return write_corpus(argv[2]);
  const std::uint64_t rounds = argc > 1 ? std::stoull(argv[1]) : 20'000;
  const std::uint64_t seed = argc > 2 ? std::stoull(argv[2]) : std::random_device()();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  std::mt19937_64 dice(seed);
  for (const fuzz::Target& target : fuzz::targets()) {
    for (const std::string& example : target.examples) {
      if (target.take(example)) continue;
      std::printf("%s: a good example is refused: %s\n", target.name, example.c_str());
      return 1;
    }
    std::uint64_t accepted = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
      const std::string input = mutate(target.examples[i % target.examples.size()], dice);
      const bool first = target.take(input);
      if (i % 16 == 0 && target.take(input) != first) {
        std::printf("%s: taken once and refused once: %s\n", target.name, to_hex(input).c_str());
        return 1;
      }
      accepted += first;
    }
    std::printf("%-11s %llu inputs, %llu accepted\n", target.name, static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(accepted));
  }
}
