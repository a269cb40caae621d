// Appends to a store and log until it is killed, and says on stdout, one line each, what was acknowledged: the commit's
// number and its entry. `check` opens the store again and prints the log's size, its quarantine if any, and whether each
// acknowledged commit that stdin names is there.
#include "connector/commit/sequencer.hpp"
#include "connector/provenance/log_store.hpp"
#include "connector/storage/rocks_store.hpp"

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <thread>

using namespace sluis;

namespace {

int append(commit::Sequencer& sequencer, unsigned threads, std::uint64_t first) {
  std::atomic<std::uint64_t> next = first;
  std::vector<std::thread> callers;
  for (unsigned t = 0; t < threads; ++t) {
    callers.emplace_back([&] {
      for (;;) {
        const std::string name = std::to_string(next++);
        Commit commit;
        commit.id = name;
        commit.changes.push_back({"state/" + name, name});
        commit.entries.push_back({20, {}, "shared " + name, "internal"});
        const auto receipt = sequencer.commit_and_wait(std::move(commit));
        if (!receipt) ::_exit(3);
        const std::string line = name + " " + std::to_string(receipt->first_entry) + "\n";
        if (::write(1, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(4);
      }
    });
  }
  for (auto& caller : callers) caller.join();
  return 0;
}

int check(const storage::KvStore& store, provenance::PayloadKeys& keys, const commit::Sequencer& sequencer) {
  if (!sequencer.quarantine().empty()) {
    std::printf("quarantined: %s\n", sequencer.quarantine().c_str());
    return 1;
  }
  const provenance::LogReader log(store, keys);
  std::string name;
  std::uint64_t entry = 0;
  std::uint64_t count = 0;
  while (std::cin >> name >> entry) {
    const auto state = store.get("state/" + name);
    const auto payload = log.payload(entry);
    if (!state || *state != name || !payload || payload->shared != "shared " + name) {
      std::printf("acknowledged and gone: %s at %llu\n", name.c_str(), static_cast<unsigned long long>(entry));
      return 1;
    }
    ++count;
  }
  const auto head = log.head();
  const auto root = head ? log.root(head->frontier.size()) : Result<Hash>(head.error());
  if (!root || *root != head->frontier.root()) {
    std::printf("the root does not fit\n");
    return 1;
  }
  std::printf("%llu acknowledged, %llu entries\n", static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(head->frontier.size()));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const std::string mode = argv[1];
  const std::filesystem::path folder = argv[2];
  SystemClock clock;
  SystemRandom random;
  storage::ReopeningStore store([&] { return storage::open_rocks_store(folder / "store", true); });
  provenance::PayloadKeys keys(folder / "keys", random);
  const auto key = crypto::Key::from_ed25519_seed(std::string(32, 'k'));
  commit::Sequencer sequencer(store, keys, clock, random, {"test.example/log", *key, folder / "slots"});
  if (const auto opened = sequencer.open(); !opened) {
    std::printf("%s\n", describe(opened.error()).c_str());
    return 1;
  }
  return mode == "append" ? append(sequencer, static_cast<unsigned>(std::stoul(argv[3])), std::stoull(argv[4]))
                          : check(store, keys, sequencer);
}
