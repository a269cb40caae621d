// Cosignatures a second of one witness, each kept on the disk before it is given: for one log that many send to in turn, and for many
// logs at once; beside as many pairs of synced 4 KiB writes. One JSON object a line.
#include "connector/provenance/merkle.hpp"
#include "connector/provenance/witness.hpp"
#include "tests/support/doubles.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>

using namespace sluis;
using namespace sluis::provenance;
using Steady = std::chrono::steady_clock;

namespace {

constexpr std::uint64_t kSizes = 3'000;

/// The calls of one log that grows by an entry each time.
struct Log {
  VerifierKey key;
  std::vector<std::string> requests;
};

Log make_log(std::size_t number) {
  const std::string origin = "log" + std::to_string(number) + ".waterrijk.example";
  const auto key = crypto::Key::generate(crypto::Key::Kind::ed25519);
  Log log{VerifierKey::of(origin, key), {}};
  std::vector<std::vector<Hash>> levels(1);
  const NodeSource nodes = [&](unsigned height, std::uint64_t index) -> Result<Hash> { return levels[height][index]; };
  Frontier frontier;
  for (std::uint64_t size = 1; size <= kSizes; ++size) {
    frontier.append(leaf_hash(std::to_string(size)), [&](unsigned height, const Hash& hash) {
      if (levels.size() <= height) levels.resize(height + 1);
      levels[height].push_back(hash);
    });
    std::string body = "old " + std::to_string(size - 1) + "\n";
    if (size > 1) {
      for (const Hash& hash : *consistency_proof(size - 1, size, nodes)) body += to_base64(view(hash)) + "\n";
    }
    log.requests.push_back(body + "\n" + sign_checkpoint({origin, size, frontier.root()}, key));
  }
  return log;
}

double cosigned_a_second(const std::vector<Log>& logs) {
  const test::TempFolder folder;
  const SystemClock clock;
  Witness witness({"panel.waterrijk.example/witness", crypto::Key::generate(crypto::Key::Kind::ed25519), folder.path(), [&](std::string_view origin) {
    std::vector<VerifierKey> keys;
    for (const Log& log : logs) {
      if (log.key.name() == origin) keys.push_back(log.key);
    }
    return keys;
  }}, clock);
  std::vector<std::thread> threads;
  std::atomic<bool> good = true;
  const auto begin = Steady::now();
  for (const Log& log : logs) {
    threads.emplace_back([&] {
      for (const std::string& request : log.requests) good = witness.add_checkpoint(request).status == 200 && good;
    });
  }
  for (auto& thread : threads) thread.join();
  if (!good) std::exit(1);
  return static_cast<double>(logs.size() * kSizes) / std::chrono::duration<double>(Steady::now() - begin).count();
}

double pairs_a_second() {
  const test::TempFolder folder;
  const std::string page(4096, 'p');
  const int file = ::open((folder.path() / "page").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  constexpr int kPairs = 1'000;
  const auto begin = Steady::now();
  for (int i = 0; i < 2 * kPairs; ++i) {
    if (::pwrite(file, page.data(), page.size(), (i % 2) * 4096) != 4096 || ::fdatasync(file) != 0) std::exit(1);
  }
  ::close(file);
  return kPairs / std::chrono::duration<double>(Steady::now() - begin).count();
}

}  // namespace

int main() {
  for (const std::size_t count : {std::size_t{1}, std::size_t{16}}) {
    std::vector<Log> logs;
    for (std::size_t i = 0; i < count; ++i) logs.push_back(make_log(i));
    std::vector<double> own, raw;
    for (int run = 0; run < 3; ++run) {
      own.push_back(cosigned_a_second(logs));
      raw.push_back(pairs_a_second());
    }
    std::sort(own.begin(), own.end());
    std::sort(raw.begin(), raw.end());
    std::printf("{\"name\":\"witness.%zu_logs\",\"value\":%.0f,\"unit\":\"cosignatures/s\",\"against\":\"two synced writes of 4 KiB, one by one: %.0f\",\"ratio\":%.2f}\n",
                count, own[1], raw[1], own[1] / raw[1]);
  }
}
