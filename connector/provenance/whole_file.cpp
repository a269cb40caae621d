#include "connector/provenance/whole_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace sluis::provenance {

Result<void> write_whole_file(const std::filesystem::path& path, std::string_view bytes, unsigned mode) {
  const auto failed = [&path](const char* what) {
    return Error(ErrorCode::storage_unavailable, std::string("cannot ") + what + " `" + path.string() + "`: " + std::strerror(errno));
  };
  const std::filesystem::path part = path.string() + ".part";
  const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) return failed("create");
  const bool written = ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && ::fsync(file) == 0;
  ::close(file);
  if (!written) return failed("write");
  if (::rename(part.c_str(), path.c_str()) != 0) return failed("rename");
  const int folder = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return failed("sync");
  const bool synced = ::fsync(folder) == 0;
  ::close(folder);
  if (!synced) return failed("sync");
  return {};
}

std::optional<std::string> read_regular_file(const std::filesystem::path& path, std::uint64_t most) {
  std::error_code ec;
  if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(path, ec)) || std::filesystem::file_size(path, ec) > most) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (in.bad()) return std::nullopt;
  return bytes;
}

}  // namespace sluis::provenance
