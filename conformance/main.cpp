// usage: sluis_conformance SUITE [--cases DIR] [--vectors DIR] [--source DIR] [--naive]
// Suites: tlog, odrl, odrl-static. The last line is `N passed, M failed, K skipped`. Exit 0: all held; 1: a
// failure, or fewer cases than the suite has; 2: wrong use, or no cases.
#include "conformance/suites.hpp"

#include <cstdio>
#include <map>
#include <string_view>

using namespace sluis::conformance;

namespace {

int usage() {
  std::fputs(
      "usage: sluis_conformance tlog|odrl|odrl-static [--cases DIR] [--vectors DIR] [--source DIR] [--naive]\n",
      stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  static const std::map<std::string_view, void (*)(const Options&, Tally&)> kSuites{
      {"tlog", run_tlog}, {"odrl", run_odrl}, {"odrl-static", run_odrl_static}};
  if (argc < 2) return usage();
  const auto suite = kSuites.find(argv[1]);
  if (suite == kSuites.end()) return usage();
  Options options;
  options.source = ".";
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--naive") {
      options.naive = true;
      continue;
    }
    if (i + 1 == argc) return usage();
    const std::string value = argv[++i];
    if (word == "--cases")
      options.cases = value;
    else if (word == "--vectors")
      options.vectors = value.empty() ? std::nullopt : std::optional<std::filesystem::path>(value);
    else if (word == "--source")
      options.source = value;
    else
      return usage();
  }
  Tally tally;
  suite->second(options, tally);
  if (tally.cases() == 0) {
    std::puts("skipped: no vectors");
    return 2;
  }
  std::printf("%d passed, %d failed, %d skipped\n", tally.passed, tally.failed, tally.skipped);
  return tally.failed == 0 ? 0 : 1;
}
