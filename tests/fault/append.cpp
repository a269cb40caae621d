// Appends to a store and log until it is killed, or so many times, and says on stdout, one line each, what was acknowledged: the
// commit's number and its entry, and where it ends by itself the published checkpoint. `check` opens the store again and prints the
// log's size, its quarantine if any, and whether each acknowledged commit and checkpoint that stdin names is there; `grow` also
// reads every entry and commits once more. The other modes are of witness.hpp.
//
//   append FOLDER THREADS FIRST [COUNT]    check FOLDER 1|grow    witness FOLDER COUNT    check-witness FOLDER    ask FOLDER WITNESS
#include "tests/fault/witness.hpp"

#include "connector/commit/sequencer.hpp"
#include "connector/provenance/log_store.hpp"
#include "connector/storage/rocks_store.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <iostream>
#include <set>
#include <thread>

using namespace sluis;

namespace fault {

void say(const std::string& line) {
  const auto size = static_cast<ssize_t>(line.size());
  ssize_t said = ::send(1, line.data(), line.size(), MSG_NOSIGNAL);
  if (said < 0 && errno == ENOTSOCK) said = ::write(1, line.data(), line.size());
  if (said != size) ::_exit(4);
}

std::string checkpoint_line(std::uint64_t size, const Hash& root) {
  return "checkpoint " + std::to_string(size) + " " + to_base64(view(root)) + "\n";
}

}  // namespace fault

namespace {

constexpr int kTries = 3;

Commit commit_of(const std::string& name) {
  Commit commit;
  commit.id = name;
  commit.changes.push_back({"state/" + name, name});
  commit.entries.push_back({20, {}, "shared " + name, "internal"});
  return commit;
}

/// Without a count the first failure ends the program; with one, what is unknown is asked for again by its id, then left.
int append(commit::Sequencer& sequencer, unsigned threads, std::uint64_t first, std::optional<std::uint64_t> count) {
  std::atomic<std::uint64_t> next = first;
  const auto key = provenance::VerifierKey::parse(sequencer.verifier_key());
  const auto work = [&] {
    for (;;) {
      const std::uint64_t number = next++;
      if (count && number >= first + *count) return;
      const std::string name = std::to_string(number);
      auto receipt = sequencer.commit_and_wait(commit_of(name));
      if (!receipt && !count) ::_exit(3);
      for (int tries = 1; !receipt && tries < kTries; ++tries) receipt = sequencer.commit_and_wait(commit_of(name));
      if (!receipt) continue;
      std::string lines = name + " " + std::to_string(receipt->first_entry) + "\n";
      if (count) {
        const auto published = provenance::open_checkpoint(sequencer.checkpoint(), *key);
        if (!published || published->size < receipt->log_size) ::_exit(5);  // acknowledged before its checkpoint is there
        lines += fault::checkpoint_line(published->size, published->root);
      }
      fault::say(lines);
    }
  };
  std::vector<std::thread> callers;
  if (threads == 1) {
    work();  // on the main thread: tools that count calls count those of each thread apart
  } else {
    for (unsigned t = 0; t < threads; ++t) callers.emplace_back(work);
  }
  for (auto& caller : callers) caller.join();
  return 0;
}

/// Why an acknowledged thing is not as it was. `gone`: nothing says that anything is wrong; else the store itself does.
struct Finding {
  bool gone = true;
  std::string what;
};

class Check {
 public:
  Check(const storage::KvStore& store, provenance::PayloadKeys& keys, commit::Sequencer& sequencer)
      : store_(store), log_(store, keys), sequencer_(sequencer) {}

  int run(bool grow) {
    const std::string quarantine = sequencer_.quarantine();
    if (!quarantine.empty()) std::printf("quarantined: %s\n", quarantine.c_str());
    if (!quarantine.empty() && !grow) return 1;
    std::string name;
    std::string root;
    std::uint64_t number = 0;
    while (std::cin >> name >> number) {
      if (name == "checkpoint") {
        std::cin >> root;
        ++checkpoints_;
        kept_ += note(checkpoint(number, root)) ? 1 : 0;
      } else {
        ++entries_;
        kept_ += note(entry(name, number)) ? 1 : 0;
      }
    }
    const std::uint64_t size = own_root();
    if (grow && quarantine.empty()) note(every_entry_once(size));
    if (worst_ && worst_->gone) std::printf("acknowledged and gone: %s\n", worst_->what.c_str());
    if (worst_ && !worst_->gone) std::printf("unreadable: %s\n", worst_->what.c_str());
    const bool signs = !grow || signs_on(size);
    std::printf("%llu acknowledged, %llu entries", static_cast<unsigned long long>(entries_), static_cast<unsigned long long>(size));
    if (grow) std::printf(", %llu checkpoints, %llu kept", static_cast<unsigned long long>(checkpoints_), static_cast<unsigned long long>(kept_));
    std::printf("\n");
    return quarantine.empty() && !worst_ && signs ? 0 : 1;
  }

 private:
  using Found = std::optional<Finding>;

  /// What is gone without a word is worse than what is said to be damaged.
  bool note(Found found) {
    const bool good = !found;
    if (found && (!worst_ || (found->gone && !worst_->gone))) worst_ = std::move(found);
    return good;
  }

  static Found failed(const std::string& what, const Error& error) {
    const bool erased = error.message.starts_with("the payload key ");  // D30: nobody can tell who did it
    return Finding{error.code == ErrorCode::not_found && !erased, what + ": " + describe(error)};
  }

  Found entry(const std::string& name, std::uint64_t at) const {
    const std::string what = name + " at " + std::to_string(at);
    const auto state = store_.get("state/" + name);
    if (!state) return failed(what, state.error());
    if (*state != name) return Finding{true, what};
    const auto payload = log_.payload(at);
    if (!payload) return failed(what, payload.error());
    if (payload->shared != "shared " + name) return Finding{true, what};
    return {};
  }

  Found checkpoint(std::uint64_t size, const std::string& root) const {
    const std::string what = "the checkpoint of " + std::to_string(size);
    const auto head = log_.head();
    if (!head) return failed(what, head.error());
    if (head->frontier.size() < size) return Finding{true, what + ", the log has " + std::to_string(head->frontier.size())};
    const auto now = log_.root(size);
    if (!now) return failed(what, now.error());
    if (to_base64(view(*now)) != root) return Finding{true, what + ", the log has another root there"};
    return {};
  }

  std::uint64_t own_root() {
    const auto head = log_.head();
    const auto root = head ? log_.root(head->frontier.size()) : Result<Hash>(head.error());
    if (!root) {
      note(failed("the root", root.error()));
    } else if (*root != head->frontier.root()) {
      note(Finding{true, "the root does not fit"});
    }
    return head ? head->frontier.size() : 0;
  }

  /// No commit stands twice, whatever was asked again.
  Found every_entry_once(std::uint64_t size) const {
    std::set<std::string> seen;
    for (std::uint64_t i = 0; i < size; ++i) {
      const auto payload = log_.payload(i);
      if (!payload) return failed("entry " + std::to_string(i), payload.error());
      if (!seen.insert(payload->shared).second) return Finding{true, "only one of two: " + payload->shared};
    }
    return {};
  }

  bool signs_on(std::uint64_t size) {
    const auto receipt = sequencer_.commit_and_wait(commit_of("grown-" + std::to_string(size)));
    if (!receipt) {
      std::printf("signs: no: %s\n", describe(receipt.error()).c_str());
      return false;
    }
    std::printf("signs: yes\n");
    return receipt->first_entry == size;
  }

  const storage::KvStore& store_;
  const provenance::LogReader log_;
  commit::Sequencer& sequencer_;
  std::uint64_t entries_ = 0;
  std::uint64_t checkpoints_ = 0;
  std::uint64_t kept_ = 0;  ///< of both, what is as acknowledged
  Found worst_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string mode = argv[1];
  const std::filesystem::path folder = argv[2];
  if (mode == "check-witness") return fault::check_witness(folder);
  if (argc < 4) return 2;
  if (mode == "witness") return fault::show_to_witness(folder, std::stoull(argv[3]));
  SystemClock clock;
  SystemRandom random;
  storage::ReopeningStore store([&] { return storage::open_rocks_store(folder / "store", true); });
  provenance::PayloadKeys keys(folder / "keys", random);
  commit::Sequencer sequencer(store, keys, clock, random, {fault::kOrigin, fault::log_key(), folder / "slots"});
  if (const auto opened = sequencer.open(); !opened) {
    std::fprintf(stderr, "refused: %s\n", describe(opened.error()).c_str());
    return 1;
  }
  if (mode == "ask") return fault::ask_witness(argv[3], sequencer.checkpoint(), provenance::LogReader(store, keys));
  if (mode == "check") return Check(store, keys, sequencer).run(std::string(argv[3]) == "grow");
  if (argc < 5) return 2;
  return append(sequencer, static_cast<unsigned>(std::stoul(argv[3])), std::stoull(argv[4]),
                argc > 5 ? std::optional<std::uint64_t>(std::stoull(argv[5])) : std::nullopt);
}
