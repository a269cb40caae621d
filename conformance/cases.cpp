#include "conformance/suites.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>

namespace sluis::conformance {

void Tally::fail(const std::string& name, const std::string& why) {
  ++failed;
  std::printf("FAILED %s: %s\n", name.c_str(), why.c_str());
}

void Tally::skip(const std::string& name, const std::string& why) {
  ++skipped;
  std::printf("skipped %s: %s\n", name.c_str(), why.c_str());
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string text_of(const json::Value& value, std::string_view key) {
  const json::Value* found = value.find(key);
  return found != nullptr && found->if_string() != nullptr ? *found->if_string() : "";
}

std::vector<json::Value> read_cases(const std::filesystem::path& folder, Tally& tally) {
  std::vector<std::filesystem::path> files;
  if (!std::filesystem::is_directory(folder)) return {};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<json::Value> cases;
  json::Bounds bounds;
  bounds.bytes = 64U << 20U;
  bounds.values = 10'000'000;
  for (const auto& file : files) {
    const auto value = json::parse(read_file(file), bounds);
    if (!value) {
      tally.fail(file.string(), describe(value.error()));
      continue;
    }
    const json::Array single{*value};
    for (json::Value one : value->if_array() != nullptr ? *value->if_array() : single) {
      one.set("file", file.stem().string());
      cases.push_back(std::move(one));
    }
  }
  return cases;
}

}  // namespace sluis::conformance
