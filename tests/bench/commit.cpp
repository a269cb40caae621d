// Commits a second at 1, 64 and 256 callers, beside the limit of the same disk in turn: a raw synced batch of the same size with
// one synced write of 4 KiB. One JSON object a line.
#include "connector/commit/sequencer.hpp"
#include "connector/storage/rocks_store.hpp"
#include "tests/support/doubles.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>

using namespace sluis;
using Steady = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kRun{700};

double ours(unsigned callers, const std::filesystem::path& folder) {
  SystemClock clock;
  SystemRandom random;
  storage::ReopeningStore store([&] { return storage::open_rocks_store(folder / "store", true); });
  provenance::PayloadKeys keys(folder / "keys", random);
  commit::Sequencer sequencer(store, keys, clock, random, {"bench/log", crypto::Key::generate(crypto::Key::Kind::ed25519), folder / "slots"});
  if (!sequencer.open()) return 0;
  std::atomic<std::uint64_t> done = 0;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  const auto begin = Steady::now();
  for (unsigned t = 0; t < callers; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; !stop; ++i) {
        Commit commit;
        commit.changes.push_back({"bench/" + std::to_string(t), std::to_string(i)});
        commit.entries.push_back({20, {}, std::string(200, 's'), std::string(100, 'i')});
        if (sequencer.commit_and_wait(std::move(commit))) ++done;
      }
    });
  }
  std::this_thread::sleep_for(kRun);
  stop = true;
  for (auto& thread : threads) thread.join();
  return static_cast<double>(done) / std::chrono::duration<double>(Steady::now() - begin).count();
}

/// Batches of as many 300-byte entries as there are callers, written and synced, then 4 KiB written and synced.
double limit(unsigned batch, const std::filesystem::path& folder) {
  const auto store = storage::open_rocks_store(folder / "raw", true);
  const int file = ::open((folder / "slot").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const std::string page(4096, 'p');
  std::uint64_t done = 0;
  const auto begin = Steady::now();
  while (Steady::now() - begin < kRun) {
    std::vector<storage::Change> changes;
    for (unsigned i = 0; i < batch; ++i) changes.push_back({"raw/" + std::to_string(done + i), std::string(300, 'x')});
    if (!(*store)->write(changes, true) || ::pwrite(file, page.data(), page.size(), 0) != 4096 || ::fdatasync(file) != 0) return 0;
    done += batch;
  }
  ::close(file);
  return static_cast<double>(done) / std::chrono::duration<double>(Steady::now() - begin).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main() {
  for (const unsigned callers : {1U, 64U, 256U}) {
    std::vector<double> own, raw, ratio;
    for (int run = 0; run < 5; ++run) {  // in turn: the machine's mood is shared
      const test::TempFolder folder;
      own.push_back(ours(callers, folder.path()));
      raw.push_back(limit(callers, folder.path()));
      ratio.push_back(own.back() / raw.back());
    }
    std::printf("{\"name\":\"commit.%u_callers\",\"value\":%.0f,\"unit\":\"commits/s\",\"against\":\"raw synced batch and 4 KiB fdatasync: %.0f\",\"ratio\":%.2f}\n",
                callers, median(own), median(raw), median(ratio));
    std::fflush(stdout);
  }
}
