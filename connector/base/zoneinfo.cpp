#include "connector/base/zoneinfo.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace sluis {
namespace {

constexpr std::size_t kBytes = 64U << 10U;
constexpr const char* kFolder = "/usr/share/zoneinfo";

bool is_name(std::string_view name) {
  const bool known = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
           c == '_' || c == '/';
  });
  return known && !name.empty() && name.size() <= 64 && name.front() != '/';
}

}  // namespace

Result<std::string> read_zoneinfo(std::string_view name) {
  const std::string text(name.substr(0, 64));
  if (!is_name(name)) return Error(ErrorCode::invalid_argument, "`" + text + "` is not the name of a time zone");
  const std::filesystem::path path = std::filesystem::path(kFolder) / text;
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) {
    return Error(ErrorCode::not_found, "the time zone `" + text + "` is not known here")
        .mended_by("correct the name, or install the package `tzdata`");
  }
  std::ifstream in(path, std::ios::binary);
  std::string bytes(kBytes + 1, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  if (bytes.size() > kBytes) {
    return Error(ErrorCode::limit_exceeded, "the time zone `" + text + "` has more than 65536 bytes");
  }
  return bytes;
}

}  // namespace sluis
