#include "tests/fault/witness.hpp"

#include <cstdio>
#include <iostream>

namespace fault {
namespace {

using namespace sluis;
using namespace sluis::provenance;

constexpr std::uint64_t kCommon = 3;  // entries that the log and its fork share
constexpr std::uint64_t kStep = 3;
constexpr int kTries = 4;

/// A log without a store. The fork has other entries from kCommon on.
class MadeLog {
 public:
  explicit MadeLog(bool fork) : fork_(fork) {}

  Hash root(std::uint64_t size) const { return *root_of(size, nodes()); }
  std::string note(std::uint64_t size) const { return sign_checkpoint({kOrigin, size, root(size)}, log_key()); }
  NodeSource nodes() const {
    return [this](unsigned height, std::uint64_t index) -> Result<Hash> {
      Frontier subtree;
      for (std::uint64_t i = index << height; i < (index + 1) << height; ++i) {
        subtree.append(leaf_hash((fork_ && i >= kCommon ? "other " : "entry ") + std::to_string(i)));
      }
      return subtree.root();
    };
  }

 private:
  bool fork_;
};

class Asking {
 public:
  explicit Asking(const std::filesystem::path& folder)
      : witness_({"test.example/witness", *crypto::Key::from_ed25519_seed(std::string(32, 'w')), folder,
                  [](std::string_view origin) {
                    return origin == kOrigin ? std::vector{VerifierKey::of(kOrigin, log_key())} : std::vector<VerifierKey>();
                  }},
                 clock_) {}

  /// As a log does: with the size that the witness names, once it is known; again where it could not be kept.
  Witness::Answer show(const std::string& note, std::uint64_t size, const NodeSource& nodes) {
    Witness::Answer answer;
    for (int tries = 0; tries < kTries; ++tries) {
      const auto proof = consistency_proof(seen_, size, nodes);
      if (!proof) return {503, "text/plain", describe(proof.error())};
      std::string request = "old " + std::to_string(seen_) + "\n";
      for (const Hash& hash : *proof) request += to_base64(view(hash)) + "\n";
      answer = witness_.add_checkpoint(request + "\n" + note);
      if (answer.status == 409) seen_ = std::stoull(answer.body);
      if (answer.status == 200) seen_ = size;
      if ((answer.status != 409 && answer.status != 503) || seen_ > size) break;
    }
    return answer;
  }
  Witness::Answer show(const MadeLog& log, std::uint64_t size) {
    seen_ = std::min(seen_, size);
    return show(log.note(size), size, log.nodes());
  }

  std::uint64_t seen() const { return seen_; }
  Result<std::optional<Checkpoint>> newest() {
    SLUIS_TRY(const auto note, witness_.newest(kOrigin));
    if (!note) return std::optional<Checkpoint>();
    SLUIS_TRY(const Checkpoint checkpoint, open_checkpoint(*note, VerifierKey::of(kOrigin, log_key())));
    return std::optional(checkpoint);
  }

 private:
  SystemClock clock_;
  Witness witness_;
  std::uint64_t seen_ = 0;
};

int wrong(const std::string& what) {
  std::printf("%s\n", what.c_str());
  return 1;
}

}  // namespace

crypto::Key log_key() { return *crypto::Key::from_ed25519_seed(std::string(32, 'k')); }

int show_to_witness(const std::filesystem::path& folder, std::uint64_t count) {
  const MadeLog log(false);
  const MadeLog fork(true);
  Asking asking(folder);
  const auto before = asking.newest();
  std::uint64_t size = before && *before ? (*before)->size : kCommon;
  bool cosigned = before && *before;
  for (std::uint64_t i = 0; i < count; ++i) {
    size += kStep;
    if (asking.show(log, size).status == 200) {
      cosigned = true;
      say(checkpoint_line(size, log.root(size)));
    }
    // Who never saw the log may well take the fork for it.
    if (cosigned && asking.show(fork, size).status == 200) say(checkpoint_line(size, fork.root(size)));
  }
  return 0;
}

int check_witness(const std::filesystem::path& folder) {
  const MadeLog log(false);
  const MadeLog fork(true);
  std::string word;
  std::string root;
  std::uint64_t size = 0;
  std::uint64_t largest = 0;
  std::uint64_t count = 0;
  while (std::cin >> word >> size >> root) {
    if (root != to_base64(view(log.root(size)))) return wrong("it cosigned a fork at " + std::to_string(size));
    largest = std::max(largest, size);
    ++count;
  }
  Asking asking(folder);
  const auto newest = asking.newest();
  if (!newest) return wrong("refused: " + describe(newest.error()));
  const std::uint64_t seen = *newest ? (*newest)->size : 0;
  if (seen < largest) return wrong("it cosigned " + std::to_string(largest) + " and remembers " + std::to_string(seen));
  if (seen != 0 && (*newest)->root != log.root(seen)) return wrong("it remembers a fork");
  for (const std::uint64_t at : {seen, seen + 1}) {
    const unsigned status = seen == 0 ? 422 : asking.show(fork, at).status;
    if (status != 422) return wrong("it answers a fork at " + std::to_string(at) + " with " + std::to_string(status));
  }
  if (const unsigned status = seen == 0 ? 409 : asking.show(log, seen - 1).status; status != 409) {
    return wrong("it answers less than it saw with " + std::to_string(status));
  }
  const auto grown = asking.show(log, seen + kCommon);
  if (grown.status != 200) return wrong("it does not go on: " + std::to_string(grown.status) + " " + grown.body);
  std::printf("%llu cosigned, it saw %llu\n", static_cast<unsigned long long>(count), static_cast<unsigned long long>(seen));
  return 0;
}

int ask_witness(const std::filesystem::path& folder, const std::string& note, const LogReader& log) {
  const auto checkpoint = open_checkpoint(note, VerifierKey::of(kOrigin, log_key()));
  if (!checkpoint) return wrong("no checkpoint: " + describe(checkpoint.error()));
  Asking asking(folder);
  const auto answer = asking.show(note, checkpoint->size, log.nodes(checkpoint->size));
  std::printf("%u the log has %llu, it saw %llu\n", answer.status, static_cast<unsigned long long>(checkpoint->size),
              static_cast<unsigned long long>(asking.seen()));
  return answer.status == 200 ? 0 : 1;
}

}  // namespace fault
