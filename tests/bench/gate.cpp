// Pulls over mutual TLS through the gate, each with a signed claim, decided, recorded before release and at its end; the same with a
// commit port that keeps nothing; and the same file from another server: in turn, from one load generator. One JSON object a line.
// usage: sluis_bench_gate TLS_FOLDER OTHER_PORT DATA_FOLDER: TLS_FOLDER has server.pem, server.key, client.pem, client.key and
// roots.pem; DATA_FOLDER small.csv and large.csv, which the other server has below its root.
#include "connector/crypto/crypto.hpp"
#include "connector/http/client.hpp"
#include "connector/http/server.hpp"
#include "connector/storage/rocks_store.hpp"
#include "tests/unit/gate/gate_world.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

using namespace sluis;
using Steady = std::chrono::steady_clock;

namespace {

constexpr unsigned kConnections = 64;
constexpr std::size_t kPulls = 3000;
constexpr int kRuns = 3;

/// What recording would cost nothing.
struct NothingKept final : CommitPort {
  void submit(Commit, Completion done) override { done(CommitReceipt{}); }
  Result<CommitReceipt> commit_and_wait(Commit) override { return CommitReceipt{}; }
};

double seconds_since(Steady::time_point begin) { return std::chrono::duration<double>(Steady::now() - begin).count(); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

/// Waterrijk's gate on a store of its own on the disk, listening.
class Provider : public test::GateWorld {
 public:
  Provider(const std::filesystem::path& tls, const std::filesystem::path& data) : tls_(tls), data_(data) {
    GateWorld::SetUp();
    if (!disk_log_.open()) throw std::runtime_error("the log cannot be opened");
    test::World::datasets_.plan.folder = data_;
    test::World::datasets_.plan.columns.columns = {{"time", policy::ColumnAction::keep, false},
                                                   {"counter", policy::ColumnAction::keep, false},
                                                   {"total", policy::ColumnAction::keep, true},
                                                   {"in", policy::ColumnAction::keep, true},
                                                   {"out", policy::ColumnAction::keep, true}};
    Commit agreement;
    agreement.changes.push_back({negotiation::agreement_key(record_.id), negotiation::encode(record_)});
    if (!disk_log_.commit_and_wait(std::move(agreement))) throw std::runtime_error("no agreement");
  }
  void TestBody() override {}

  std::uint16_t listen(bool recorded) {
    server_.reset();
    auto with = dependencies();
    CommitPort& commits = recorded ? static_cast<CommitPort&>(disk_log_) : nothing_;
    gate_ = std::make_unique<gate::Gate>(
        ParticipantId("urn:waterrijk"),
        gate::GateDependencies{commits, disk_, with.clock, with.decision_clock, system_random_, with.datasets, with.membership, with.programs,
                               with.streams, with.refusals, with.payload_keys, with.mistakes, with.vocabulary, with.authenticate, with.find_by_handle, with.claim_key});
    std::vector<http::Route> routes = gate_->routes();
    for (http::Route& route : routes) {
      route.handler = [handler = route.handler](const http::Request& request) {
        http::Request known = request;  // the members' list would say whose certificate it is
        if (request.tls.certificate) known.tls = presented_by("urn:duinmeer");
        return handler(known);
      };
    }
    http::ServerOptions options;
    options.name = "bench";
    options.address = "127.0.0.1";
    options.tls = http::TlsFiles{tls_ / "server.pem", tls_ / "server.key", tls_ / "roots.pem"};
    options.request_client_certificate = true;
    server_ = std::make_unique<http::Server>(options, std::move(routes), system_clock_, system_random_);
    return *server_->start();
  }
  void serve(const std::string& file) { test::World::datasets_.plan.file = file; }
  http::PeerRequest pull(std::uint16_t port) {
    http::PeerRequest out;
    out.method = "GET";
    out.url = "https://localhost:" + std::to_string(port) + "/data";
    out.headers = {{"authorization", "Bearer handle-1"}, {"sluis-claim", identity::make_claim(claim(), "k1", key_)}};
    out.timeout = std::chrono::minutes(5);
    return out;
  }

 private:
  std::filesystem::path tls_, data_;
  SystemClock system_clock_;
  SystemRandom system_random_;
  storage::ReopeningStore disk_{[this] { return storage::open_rocks_store(folder_.path() / "disk", true); }};
  commit::Sequencer disk_log_{disk_, keys_, clock_, system_random_,
                              {"waterrijk.example/log", crypto::Key::generate(crypto::Key::Kind::ed25519), folder_.path() / "disk-slots"}};
  NothingKept nothing_;
  std::unique_ptr<http::Server> server_;
};

std::unique_ptr<http::Client> consumer(const std::filesystem::path& tls, const Clock& clock) {
  http::ClientOptions options;
  options.tls = {tls / "client.pem", tls / "client.key", tls / "roots.pem"};
  options.idle_connections = kConnections;
  return *http::Client::make(std::move(options), clock);
}

/// All requests over so many kept connections; how many a second. Ends the program when one is not answered whole.
double rate(http::Client& client, const std::vector<http::PeerRequest>& requests, std::size_t least) {
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < requests.size(); i = next++) {
      const auto answer = client.send(requests[i]);
      if (!answer || answer->status != 200 || answer->body.size() < least) {
        std::fprintf(stderr, "not answered: %s\n", answer ? answer->body.substr(0, 200).c_str() : describe(answer.error()).c_str());
        std::_Exit(1);
      }
    }
  };
  std::vector<std::thread> threads;
  const auto begin = Steady::now();
  for (unsigned i = 0; i < kConnections; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(requests.size()) / seconds_since(begin);
}

double megabytes_a_second(http::Client& client, const http::PeerRequest& request) {
  std::size_t bytes = 0;
  const auto begin = Steady::now();
  const auto end = client.get(request, {[](unsigned status, const http::Headers&) { return status == 200; },
                                        [&](std::string_view part) {
                                          bytes += part.size();
                                          return true;
                                        }});
  if (!end || !end->complete) {
    std::fprintf(stderr, "the large pull did not come whole: %s\n", end ? "cut" : describe(end.error()).c_str());
    std::_Exit(1);
  }
  return static_cast<double>(bytes) / 1e6 / seconds_since(begin);
}

double peak_mebibytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

void say(const char* name, double value, const char* unit, double against) {
  std::printf("{\"name\":\"%s\",\"value\":%.1f,\"unit\":\"%s\",\"against\":\"the other server: %.1f\",\"ratio\":%.2f}\n", name, value, unit,
              against, against > 0 ? value / against : 0);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::filesystem::path tls = argv[1];
  const std::filesystem::path data = argv[3];
  const auto other = [&](const std::string& file) {
    http::PeerRequest out;
    out.method = "GET";
    out.url = "https://localhost:" + std::string(argv[2]) + "/" + file;
    out.timeout = std::chrono::minutes(5);
    return out;
  };
  const SystemClock clock;
  Provider provider(tls, data);
  // What a run measures: recorded, with nothing kept, the other server.
  std::vector<double> large[3], small[3];
  for (int run = 0; run < kRuns; ++run) {
    for (int which = 0; which < 3; ++which) {
      const std::uint16_t port = which < 2 ? provider.listen(which == 0) : 0;
      provider.serve("large.csv");
      large[which].push_back(megabytes_a_second(*consumer(tls, clock), which < 2 ? provider.pull(port) : other("large.csv")));
    }
  }
  say("gate.1_GB_pull", median(large[0]), "MB/s", median(large[2]));
  say("gate.1_GB_pull, nothing recorded", median(large[1]), "MB/s", median(large[2]));
  std::printf("{\"name\":\"gate.1_GB_pull, peak memory of both ends\",\"value\":%.1f,\"unit\":\"MiB\",\"against\":\"64\",\"ratio\":%.2f}\n",
              peak_mebibytes(), peak_mebibytes() / 64);
  provider.serve("small.csv");
  for (int run = 0; run < kRuns; ++run) {
    for (int which = 0; which < 3; ++which) {
      const std::uint16_t port = which < 2 ? provider.listen(which == 0) : 0;
      std::vector<http::PeerRequest> requests;
      for (std::size_t i = 0; i < kPulls; ++i) requests.push_back(which < 2 ? provider.pull(port) : other("small.csv"));
      small[which].push_back(rate(*consumer(tls, clock), requests, 90'000));
    }
  }
  say("gate.100_kB_64_connections", median(small[0]), "pulls/s", median(small[2]));
  say("gate.100_kB_64_connections, nothing recorded", median(small[1]), "pulls/s", median(small[2]));
  return 0;
}
