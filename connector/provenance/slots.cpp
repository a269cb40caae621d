#include "connector/provenance/slots.hpp"

#include "connector/base/bytes.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/provenance/whole_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluis::provenance {
namespace {

constexpr std::size_t kSlotBytes = 4096;
constexpr std::string_view kMagic = "SLUISCP1";

Error io_error(const std::filesystem::path& path, const char* what) {
  return Error(ErrorCode::storage_unavailable,
               std::string("cannot ") + what + " `" + path.string() + "`: " + std::strerror(errno));
}

/// magic ‖ counter ‖ length ‖ note ‖ SHA-256 of all before, then zeros.
std::string encode(std::uint64_t counter, const std::string& note) {
  std::string out(kMagic);
  put_u64(out, counter);
  put_sized(out, note);
  out += view(crypto::sha256(out));
  out.resize(kSlotBytes, '\0');
  return out;
}

struct Slot {
  std::uint64_t counter = 0;
  std::string note;
};

std::optional<Slot> decode(std::string_view bytes) {
  if (bytes.size() != kSlotBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  Slot slot;
  slot.counter = get_u64(bytes, kMagic.size());
  std::string_view rest = bytes.substr(kMagic.size() + 8);
  const auto note = take_sized(rest);
  if (!note || rest.size() < 32) return std::nullopt;
  const std::string_view covered = bytes.substr(0, bytes.size() - rest.size());
  if (view(crypto::sha256(covered)) != rest.substr(0, 32)) return std::nullopt;
  slot.note = std::string(*note);
  return slot;
}

std::filesystem::path slot_path(const std::filesystem::path& folder, int index) {
  return folder / ("checkpoint-" + std::to_string(index));
}

Result<std::string> read_slot(int file, const std::filesystem::path& path) {
  std::string bytes(kSlotBytes, '\0');
  const ssize_t got = ::pread(file, bytes.data(), bytes.size(), 0);
  if (got < 0) return io_error(path, "read");
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return io_error(folder, "open");
  const bool synced = ::fsync(file) == 0;
  ::close(file);
  if (!synced) return io_error(folder, "sync");
  return {};
}

Result<void> write_all(int file, const std::string& bytes, const std::filesystem::path& path) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t wrote = ::pwrite(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (wrote < 0 && errno != EINTR) return io_error(path, "write");
    if (wrote > 0) done += static_cast<std::size_t>(wrote);
  }
  if (::fdatasync(file) != 0) return io_error(path, "sync");
  return {};
}

}  // namespace

Result<std::unique_ptr<CheckpointSlots>> CheckpointSlots::open(const std::filesystem::path& folder) {
  std::error_code ec;
  std::filesystem::create_directories(folder, ec);
  std::unique_ptr<CheckpointSlots> slots(new CheckpointSlots());
  for (int i = 0; i < 2; ++i) {
    const std::filesystem::path path = slot_path(folder, i);
    // Made whole or not at all: what is there and has another size was damaged.
    if (!std::filesystem::exists(path, ec)) SLUIS_CHECK(write_whole_file(path, std::string(kSlotBytes, '\0'), 0644));
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) return io_error(path, "open");
    slots->files_[i] = file;
    // What is believed must be on the disk: after a kill the last write may be in the kernel only, and after a failed sync the kernel shows
    // what the disk has not.
    if (::fdatasync(file) != 0) return io_error(path, "sync");
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    // What was there already and has another size stays as it is: it may be evidence.
    struct stat info{};
    if (::fstat(file, &info) != 0) return io_error(path, "read");
    slots->damaged_ = slots->damaged_ || info.st_size != static_cast<off_t>(kSlotBytes);
    SLUIS_TRY(const std::string bytes, read_slot(file, path));
    const auto slot = decode(bytes);
    if (!slot && bytes.find_first_not_of('\0') != std::string::npos) slots->damaged_ = true;
    if (slot && slot->counter >= slots->counter_) {
      slots->counter_ = slot->counter;
      slots->newest_ = slot->note;
    }
  }
  SLUIS_CHECK(sync_folder(folder));
  return slots;
}

CheckpointSlots::~CheckpointSlots() {
  for (const int file : files_) {
    if (file >= 0) ::close(file);
  }
}

Result<void> CheckpointSlots::write(const std::string& note) {
  if (note.size() > kSlotBytes - 64) return Error(ErrorCode::limit_exceeded, "a checkpoint of more than 4032 bytes");
  // After a failure the same file is written again, as the other may hold the only whole note.
  const std::uint64_t next = counter_ + 1;
  SLUIS_CHECK(write_all(files_[next % 2], encode(next, note), "the checkpoint slot"));
  counter_ = next;
  newest_ = note;
  return {};
}

Result<std::optional<std::string>> read_newest_slot(const std::filesystem::path& folder) {
  std::optional<Slot> newest;
  for (int i = 0; i < 2; ++i) {
    const std::filesystem::path path = slot_path(folder, i);
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    const auto bytes = read_slot(file, path);
    ::close(file);
    if (!bytes) return bytes.error();
    if (auto slot = decode(*bytes); slot && (!newest || slot->counter > newest->counter)) newest = std::move(slot);
  }
  return newest ? std::optional<std::string>(newest->note) : std::nullopt;
}

}  // namespace sluis::provenance
