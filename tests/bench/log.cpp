// The log. How many entries a second are acknowledged as durable, each with a checkpoint, at so many callers: beside the limit of the
// same disk in turn (a raw synced batch of the same size with one synced write of 4 KiB), and beside RocksDB's own grouping of synced
// writes; then without a thread for each caller; how long a revocation takes while an import runs. Then a log of so many entries: how fast it opens, a proof, and its verification offline. One JSON object a line; medians.
#include "connector/commit/sequencer.hpp"
#include "connector/provenance/export.hpp"
#include "connector/provenance/receipt.hpp"
#include "connector/provenance/verify.hpp"
#include "connector/storage/rocks_store.hpp"
#include "tests/support/doubles.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <thread>

using namespace sluis;
using Steady = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kRun{700};
constexpr int kRuns = 5;

double milliseconds(Steady::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

struct Measured {
  double per_second = 0;
  double p99_ms = 0;
};

/// So many callers, each with the next as soon as the last is acknowledged, for a while.
template <class Act>
Measured run(unsigned callers, const Act& act) {
  std::atomic<bool> stop = false;
  std::vector<std::vector<double>> times(callers);
  std::vector<std::thread> threads;
  const auto begin = Steady::now();
  for (unsigned t = 0; t < callers; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; !stop; ++i) {
        const auto asked = Steady::now();
        if (!act(t, i)) std::exit(1);
        times[t].push_back(milliseconds(Steady::now() - asked));
      }
    });
  }
  std::this_thread::sleep_for(kRun);
  stop = true;
  for (auto& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(Steady::now() - begin).count();
  std::vector<double> all;
  for (const auto& some : times) all.insert(all.end(), some.begin(), some.end());
  std::sort(all.begin(), all.end());
  return {static_cast<double>(all.size()) / seconds, all[all.size() * 99 / 100]};
}

/// A log in a folder, open for appending.
struct Log {
  explicit Log(const std::filesystem::path& folder, const crypto::Key& key)
      : store([folder] { return storage::open_rocks_store(folder / "store", true); }),
        keys(folder / "keys", random),
        sequencer(store, keys, clock, random, {"bench/log", key, folder / "slots"}) {
    if (!sequencer.open()) std::exit(1);
  }
  SystemClock clock;
  SystemRandom random;
  storage::ReopeningStore store;
  provenance::PayloadKeys keys;
  commit::Sequencer sequencer;
};

EntryDraft entry() { return {20, {}, std::string(200, 's'), std::string(100, 'i')}; }

Measured ours(unsigned callers, const std::filesystem::path& folder) {
  Log log(folder, crypto::Key::generate(crypto::Key::Kind::ed25519));
  return run(callers, [&](unsigned t, std::uint64_t i) {
    Commit commit;
    commit.changes.push_back({"bench/" + std::to_string(t), std::to_string(i)});
    commit.entries.push_back(entry());
    return log.sequencer.commit_and_wait(std::move(commit)).has_value();
  });
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
    if (!(*store)->write(changes, true) || ::pwrite(file, page.data(), page.size(), 0) != 4096 || ::fdatasync(file) != 0) std::exit(1);
    done += batch;
  }
  ::close(file);
  return static_cast<double>(done) / std::chrono::duration<double>(Steady::now() - begin).count();
}

/// Each caller a synced write of its own, which RocksDB puts together.
Measured grouped(unsigned callers, const std::filesystem::path& folder) {
  const auto store = storage::open_rocks_store(folder / "grouped", true);
  return run(callers, [&](unsigned t, std::uint64_t i) {
    return (*store)->write({{"raw/" + std::to_string(t) + "/" + std::to_string(i), std::string(300, 'x')}}, true).has_value();
  });
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print(const std::string& name, double value, const char* unit, const std::string& against, double ratio) {
  std::printf("{\"name\":\"%s\",\"value\":%.1f,\"unit\":\"%s\",\"against\":\"%s\",\"ratio\":%.2f}\n", name.c_str(), value, unit, against.c_str(), ratio);
  std::fflush(stdout);
}

void appends() {
  for (const unsigned callers : {1U, 16U, 64U, 256U, 1024U}) {
    std::vector<double> own, late, raw, group, of_raw, of_group;
    for (int i = 0; i < kRuns; ++i) {  // in turn: the machine's mood is shared
      const test::TempFolder folder;
      const Measured mine = ours(callers, folder.path());
      own.push_back(mine.per_second);
      late.push_back(mine.p99_ms);
      raw.push_back(limit(callers, folder.path()));
      group.push_back(grouped(callers, folder.path()).per_second);
      of_raw.push_back(own.back() / raw.back());
      of_group.push_back(own.back() / group.back());
    }
    const std::string name = "log." + std::to_string(callers) + "_callers";
    print(name, median(own), "entries/s", "a raw synced batch and 4 KiB fdatasync: " + std::to_string(static_cast<long>(median(raw))), median(of_raw));
    print(name, median(own), "entries/s", "RocksDB's grouping: " + std::to_string(static_cast<long>(median(group))), median(of_group));
    print(name + "_p99", median(late), "ms", "10", median(late) / 10);
  }
}

/// So many at once, and no thread waits for any of them: each that is acknowledged is followed by another, by one thread for all.
Measured outstanding(unsigned callers, const std::filesystem::path& folder) {
  Log log(folder, crypto::Key::generate(crypto::Key::Kind::ed25519));
  std::mutex mutex;
  std::condition_variable ready;
  std::vector<unsigned> done(callers);
  for (unsigned t = 0; t < callers; ++t) done[t] = t;
  std::vector<Steady::time_point> asked(callers);
  std::vector<double> times;
  std::uint64_t submitted = 0, answered = 0;
  const auto begin = Steady::now();
  std::vector<unsigned> now;
  while (Steady::now() - begin < kRun) {
    {
      std::unique_lock lock(mutex);
      ready.wait(lock, [&] { return !done.empty(); });
      now.swap(done);
    }
    for (const unsigned t : now) {
      Commit commit;
      commit.changes.push_back({"bench/" + std::to_string(t), std::to_string(submitted++)});
      commit.entries.push_back(entry());
      asked[t] = Steady::now();
      log.sequencer.submit(std::move(commit), [&, t](const Result<CommitReceipt>& receipt) {
        if (!receipt) std::exit(1);
        const std::lock_guard lock(mutex);
        times.push_back(milliseconds(Steady::now() - asked[t]));
        done.push_back(t);
        ++answered;
        ready.notify_one();
      });
    }
    now.clear();
  }
  const double seconds = std::chrono::duration<double>(Steady::now() - begin).count();
  std::unique_lock lock(mutex);
  const double per_second = static_cast<double>(answered) / seconds;
  ready.wait(lock, [&] { return answered == submitted; });
  std::sort(times.begin(), times.end());
  return {per_second, times[times.size() * 99 / 100]};
}

void without_threads() {
  for (const unsigned callers : {16U, 64U, 256U, 1024U}) {
    std::vector<double> own, late, of_raw, of_group;
    for (int i = 0; i < kRuns; ++i) {
      const test::TempFolder folder;
      const Measured mine = outstanding(callers, folder.path());
      own.push_back(mine.per_second);
      late.push_back(mine.p99_ms);
      of_raw.push_back(mine.per_second / limit(callers, folder.path()));
      of_group.push_back(mine.per_second / grouped(callers, folder.path()).per_second);
    }
    const std::string name = "log.without_threads_" + std::to_string(callers);
    print(name, median(own), "entries/s", "a raw synced batch and 4 KiB fdatasync", median(of_raw));
    print(name, median(own), "entries/s", "RocksDB's grouping, with threads", median(of_group));
    print(name + "_p99", median(late), "ms", "10", median(late) / 10);
  }
}

/// How long a revocation takes to be durable while an import keeps the log as busy as it can be.
void revocations() {
  const test::TempFolder folder;
  Log log(folder.path(), crypto::Key::generate(crypto::Key::Kind::ed25519));
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> imported = 0;
  std::vector<std::thread> importing;
  for (unsigned t = 0; t < 32; ++t) {
    importing.emplace_back([&, t] {
      for (std::uint64_t i = 0; !stop; ++i) {
        Commit commit;
        commit.commit_class = CommitClass::bulk;
        for (int n = 0; n < 20; ++n) {
          commit.changes.push_back({"import/" + std::to_string(t) + "/" + std::to_string(20 * i + static_cast<std::uint64_t>(n)), std::string(2000, 'x')});
          commit.entries.push_back(entry());
        }
        if (!log.sequencer.commit_and_wait(std::move(commit))) std::exit(1);
        imported += 20;
      }
    });
  }
  std::vector<double> times;
  for (int i = 0; i < 500; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    Commit commit;
    commit.commit_class = CommitClass::revoke;
    commit.changes.push_back({"agreement/" + std::to_string(i), "ended"});
    commit.entries.push_back(entry());
    const auto begin = Steady::now();
    if (!log.sequencer.commit_and_wait(std::move(commit))) std::exit(1);
    times.push_back(milliseconds(Steady::now() - begin));
  }
  stop = true;
  for (auto& thread : importing) thread.join();
  std::sort(times.begin(), times.end());
  const double late = times[times.size() * 99 / 100];
  print("log.revocation_p99_of_500", late, "ms", "50, while " + std::to_string(imported.load()) + " entries are imported", late / 50);
}

/// Fills a log, and looks at it as an auditor does.
void long_log(std::uint64_t entries) {
  constexpr std::uint64_t kAtOnce = 500;
  const test::TempFolder folder;
  const auto key = crypto::Key::generate(crypto::Key::Kind::ed25519);
  {
    Log log(folder.path(), key);
    std::vector<std::thread> threads;
    std::atomic<std::uint64_t> left = entries / kAtOnce;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (std::uint64_t now = left--; now != 0 && now <= entries; now = left--) {
          Commit commit;
          for (std::uint64_t i = 0; i < kAtOnce; ++i) commit.entries.push_back(entry());
          if (!log.sequencer.commit_and_wait(std::move(commit))) std::exit(1);
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }
  const std::string size = std::to_string(entries);
  std::vector<double> opened;
  for (int i = 0; i < 3; ++i) {
    const auto begin = Steady::now();
    const Log log(folder.path(), key);
    opened.push_back(milliseconds(Steady::now() - begin));
  }
  print("log.open_" + size, median(opened), "ms", "200", median(opened) / 200);

  Log log(folder.path(), key);
  const provenance::LogReader reader(log.store, log.keys);
  const auto own = provenance::VerifierKey::of("bench/log", key);
  std::vector<double> proofs;
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    const auto begin = Steady::now();
    if (!provenance::make_receipt(reader, i * 7919 % entries, log.sequencer.checkpoint(), own)) std::exit(1);
    proofs.push_back(milliseconds(Steady::now() - begin));
  }
  std::sort(proofs.begin(), proofs.end());
  const double late = proofs[proofs.size() * 99 / 100];
  print("log.proof_p99_" + size, late, "ms", "1", late);
  if (!provenance::export_log(reader, log.sequencer.checkpoint(), own, folder.path() / "export", false)) std::exit(1);
  const auto begin = Steady::now();
  const auto report = provenance::verify_export(folder.path() / "export", own, std::nullopt);
  if (!report.consistent() || report.size != entries) std::exit(1);
  const double seconds = milliseconds(Steady::now() - begin) / 1000;
  print("log.verify_" + size, seconds, "s", "5", seconds / 5);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string only = argc < 2 ? "" : argv[1];
  if (only.empty() || only == "appends") appends();
  if (only.empty() || only == "appends") without_threads();
  if (only.empty() || only == "revocations") revocations();
  if (only == "appends" || only == "revocations") return 0;
  long_log(only.empty() ? 1'000'000 : std::strtoull(argv[1], nullptr, 10));
}
