// Pulls over mutual TLS through the gate, each with a signed claim, decided, recorded before release and at its end: through the plan with
// the digest computed on the way, and of a pinned version that is known to pass the plan as it is, with its digest. And connections, new and resumed,
// with the smallest request on each. The same from another server: in turn, from one load generator. One JSON object a line.
// usage: sluis_bench_pull TLS_FOLDER OTHER_PORT DATA_FOLDER: TLS_FOLDER has server.pem, server.key, client.pem, client.key and
// roots.pem; DATA_FOLDER small.csv and large.csv, which the other server has below its root. It answers `/hello`, and resumes by tickets on OTHER_PORT
// and by sessions that it keeps on the port after it.
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
constexpr std::size_t kOpened = 2000;  ///< connections
constexpr unsigned kOpening = 8;       ///< at once
constexpr int kRuns = 3;

double seconds_since(Steady::time_point begin) { return std::chrono::duration<double>(Steady::now() - begin).count(); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

http::PeerRequest get(std::uint16_t port, const std::string& path) {
  http::PeerRequest out;
  out.method = "GET";
  out.url = "https://localhost:" + std::to_string(port) + "/" + path;
  out.timeout = std::chrono::minutes(5);
  return out;
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

  std::uint16_t listen() {
    auto with = dependencies();
    gate_ = std::make_unique<gate::Gate>(
        ParticipantId("urn:waterrijk"),
        gate::GateDependencies{disk_log_, disk_, with.clock, with.decision_clock, system_random_, with.datasets, with.membership, with.programs,
                               with.streams, with.refusals, with.payload_keys, with.mistakes, with.vocabulary, with.authenticate, with.find_by_handle, with.claim_key});
    std::vector<http::Route> routes = gate_->routes();
    for (http::Route& route : routes) {
      route.handler = [handler = route.handler](const http::Request& request) {
        http::Request known = request;  // the members' list would say whose certificate it is
        if (request.tls.certificate) known.tls = presented_by("urn:duinmeer");
        return handler(known);
      };
    }
    routes.push_back({"GET", "/hello", [](const http::Request&) { return http::json_response(200, "{}"); }, 0});
    http::ServerOptions options;
    options.name = "bench";
    options.address = "127.0.0.1";
    options.tls = http::TlsFiles{tls_ / "server.pem", tls_ / "server.key", tls_ / "roots.pem"};
    options.request_client_certificate = true;
    server_ = std::make_unique<http::Server>(options, std::move(routes), system_clock_, system_random_);
    return *server_->start();
  }
  void serve(const std::string& file) { test::World::datasets_.plan.file = file; }
  /// `known`: as a range over all of it, which leaves past the plan once the version is known to pass it unchanged.
  http::PeerRequest pull(std::uint16_t port, bool known) {
    http::PeerRequest out = get(port, "data");
    out.headers = {{"authorization", "Bearer handle-1"}, {"sluis-claim", identity::make_claim(claim(), "k1", key_)}};
    if (known) out.headers["range"] = "bytes=0-";
    return out;
  }

 private:
  std::filesystem::path tls_, data_;
  SystemClock system_clock_;
  SystemRandom system_random_;
  storage::ReopeningStore disk_{[this] { return storage::open_rocks_store(folder_.path() / "disk", true); }};
  commit::Sequencer disk_log_{disk_, keys_, clock_, system_random_,
                              {"waterrijk.example/log", crypto::Key::generate(crypto::Key::Kind::ed25519), folder_.path() / "disk-slots"}};
  std::unique_ptr<http::Server> server_;
};

std::unique_ptr<http::Client> consumer(const std::filesystem::path& tls, const Clock& clock, std::size_t kept = kConnections) {
  http::ClientOptions options;
  options.tls = {tls / "client.pem", tls / "client.key", tls / "roots.pem"};
  options.idle_connections = kept;
  return *http::Client::make(std::move(options), clock);
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "not answered: %s\n", why.c_str());
  std::_Exit(1);
}

/// So many callers at once, until `count` requests are answered; how many a second. `client_of` and `request_of` get the caller's and the request's number.
template <class ClientOf, class RequestOf>
double rate(unsigned callers, std::size_t count, std::size_t least, const ClientOf& client_of, const RequestOf& request_of) {
  std::atomic<std::size_t> next = 0;
  const auto work = [&](unsigned caller) {
    for (std::size_t i = next++; i < count; i = next++) {
      const auto answer = client_of(caller).send(request_of(i));
      if (!answer) give_up(describe(answer.error()));
      if ((answer->status != 200 && answer->status != 206) || answer->body.size() < least) give_up(answer->body.substr(0, 200));
    }
  };
  std::vector<std::thread> threads;
  const auto begin = Steady::now();
  for (unsigned i = 0; i < callers; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(count) / seconds_since(begin);
}

/// Connections a second, each closed after one answer. A client offers a session to the party that gave it only, so a name for each request makes all
/// handshakes full; and where each caller has a client, all but its first are resumed.
double opened(const std::filesystem::path& tls, const Clock& clock, std::uint16_t port, bool resumed) {
  std::vector<std::unique_ptr<http::Client>> clients;
  for (unsigned i = 0; i < kOpening; ++i) clients.push_back(consumer(tls, clock, 0));
  const http::PeerRequest request = get(port, "hello");
  return rate(kOpening, kOpened, 1, [&](unsigned caller) -> http::Client& { return *clients[caller]; },
              [&](std::size_t number) {
                http::PeerRequest out = request;
                if (!resumed) out.peer = ParticipantId("urn:party:" + std::to_string(number));
                return out;
              });
}

double megabytes_a_second(http::Client& client, const http::PeerRequest& request) {
  std::size_t bytes = 0;
  const auto begin = Steady::now();
  const auto end = client.get(request, {[](unsigned status, const http::Headers&) { return status == 200 || status == 206; },
                                        [&](std::string_view part) {
                                          bytes += part.size();
                                          return true;
                                        }});
  if (!end || !end->complete) give_up(end ? "the large pull was cut" : describe(end.error()));
  return static_cast<double>(bytes) / 1e6 / seconds_since(begin);
}

double peak_mebibytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

/// Ours beside theirs, medians.
void say(const std::string& name, const std::vector<double>& ours, const char* unit, const std::vector<double>& theirs, const char* other = "nginx") {
  const double value = median(ours), against = median(theirs);
  std::printf("{\"name\":\"pull.%s\",\"value\":%.1f,\"unit\":\"%s\",\"against\":\"%s: %.1f\",\"ratio\":%.2f}\n", name.c_str(), value, unit, other, against,
              against > 0 ? value / against : 0);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::filesystem::path tls = argv[1];
  const std::filesystem::path data = argv[3];
  const auto other = static_cast<std::uint16_t>(std::stoul(argv[2]));
  const auto other_keeps = static_cast<std::uint16_t>(other + 1);
  const SystemClock clock;
  Provider provider(tls, data);
  const std::uint16_t port = provider.listen();
  enum Which : std::size_t { known, computed, theirs, kWhich };

  std::vector<double> large[kWhich], small[kWhich];
  const auto request_to = [&](std::size_t which, const char* file) { return which == theirs ? get(other, file) : provider.pull(port, which == known); };
  provider.serve("large.csv");
  (void)megabytes_a_second(*consumer(tls, clock), request_to(known, "large.csv"));  // from now on it is known
  for (int run = 0; run < kRuns; ++run) {
    for (std::size_t which = 0; which < kWhich; ++which) large[which].push_back(megabytes_a_second(*consumer(tls, clock), request_to(which, "large.csv")));
  }
  say("1_GB, digest known", large[known], "MB/s", large[theirs]);
  say("1_GB, digest computed", large[computed], "MB/s", large[theirs]);
  std::printf("{\"name\":\"pull.1_GB, peak memory of both ends\",\"value\":%.1f,\"unit\":\"MiB\",\"against\":\"64\",\"ratio\":%.2f}\n",
              peak_mebibytes(), peak_mebibytes() / 64);

  provider.serve("small.csv");
  for (int run = 0; run < kRuns; ++run) {
    for (std::size_t which = 0; which < kWhich; ++which) {
      const auto client = consumer(tls, clock);
      std::vector<http::PeerRequest> requests;  // claims are signed beforehand
      for (std::size_t i = 0; i < kPulls; ++i) requests.push_back(request_to(which, "small.csv"));
      small[which].push_back(rate(kConnections, kPulls, 90'000, [&](unsigned) -> http::Client& { return *client; }, [&](std::size_t i) { return requests[i]; }));
    }
  }
  say("100_kB_64_connections, digest known", small[known], "pulls/s", small[theirs]);
  say("100_kB_64_connections, digest computed", small[computed], "pulls/s", small[theirs]);

  std::vector<double> fresh[2], resumed[3];
  for (int run = 0; run < kRuns; ++run) {
    fresh[0].push_back(opened(tls, clock, port, false));
    fresh[1].push_back(opened(tls, clock, other, false));
    resumed[0].push_back(opened(tls, clock, port, true));
    resumed[1].push_back(opened(tls, clock, other, true));
    resumed[2].push_back(opened(tls, clock, other_keeps, true));
  }
  say("connections, new", fresh[0], "connections/s", fresh[1]);
  say("connections, resumed", resumed[0], "connections/s", resumed[1], "nginx, tickets");
  say("connections, resumed", resumed[0], "connections/s", resumed[2], "nginx, sessions kept");
  return 0;
}
