#pragma once

#include "connector/json/json.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sluis::conformance {

/// What a suite found. A case that fails prints a line on stdout at once.
struct Tally {
  int passed = 0;
  int failed = 0;
  int skipped = 0;

  void pass() { ++passed; }
  void fail(const std::string& name, const std::string& why);
  void skip(const std::string& name, const std::string& why);
  int cases() const { return passed + failed; }
};

struct Options {
  std::optional<std::filesystem::path> cases;    ///< another folder of the same shape
  std::optional<std::filesystem::path> vectors;  ///< the folder of test vectors, if there is one
  std::filesystem::path source;                  ///< the repository
  bool naive = false;                            ///< ask the naive interpreter in place of the engine
};

/// Merkle proofs and a log in C2SP's form.
void run_tlog(const Options& options, Tally& tally);
/// The community's test suite in suite mode, and our own cases.
void run_odrl(const Options& options, Tally& tally);
/// Our own cases of what is found at publication.
void run_odrl_static(const Options& options, Tally& tally);

/// All cases of the JSON files below a folder; a file holds one case or an array of them. Each gets `"file"`.
std::vector<json::Value> read_cases(const std::filesystem::path& folder, Tally& tally);
std::string read_file(const std::filesystem::path& path);
/// The member as text; empty if there is none.
std::string text_of(const json::Value& value, std::string_view key);

}  // namespace sluis::conformance
