#include "connector/node/witness_service.hpp"

#include "certs/authority.hpp"
#include "connector/base/log.hpp"
#include "connector/base/toml.hpp"
#include "connector/http/loopback.hpp"
#include "connector/http/server.hpp"
#include "connector/node/held_folder.hpp"
#include "connector/node/own_memory.hpp"
#include "connector/node/secrets.hpp"
#include "connector/node/stop_signal.hpp"
#include "connector/node/witness_routes.hpp"
#include "connector/node/witness_counts.hpp"
#include "connector/provenance/witness.hpp"

#include <unistd.h>

#include <cstdio>

namespace sluis::node {
namespace {

constexpr std::size_t kCallers = 64;
constexpr std::size_t kScrapers = 4;

Result<void> read_tls(TomlTable table, const std::filesystem::path& folder, WitnessConfig& config) {
  TlsConfig tls;
  SLUIS_TRY(const std::string chain, table.string("certificate"));
  SLUIS_TRY(const std::string key, table.string("key"));
  tls.chain = folder / chain;
  tls.key = folder / key;
  SLUIS_TRY(tls.allow_tls_1_2, read_min_version(table));
  config.tls = std::move(tls);
  return {};
}

/// The process of one witness.
class Service {
 public:
  Result<void> start(const WitnessConfig& config) {
    SLUIS_TRY(crypto::Key key, read_private_key(config.key));
    if (key.kind() != crypto::Key::Kind::ed25519) {
      return Error(ErrorCode::invalid_argument, "`" + config.key.string() + "` is no Ed25519 key").mended_by("make one with sluis membership key");
    }
    SLUIS_CHECK(hold(config.state));
    provenance::Witness::Options options{config.name, std::move(key), config.state, {}};
    options.keys_of = [logs = config.logs](std::string_view origin) {
      std::vector<provenance::VerifierKey> keys;
      for (const auto& one : logs) {
        if (one.name() == origin) keys.push_back(one);
      }
      return keys;
    };
    for (const auto& one : config.logs) origins_.push_back(one.name());
    witness_ = std::make_unique<provenance::Witness>(std::move(options), clock_);
    http::ServerOptions listener;
    listener.name = "witness";
    listener.address = config.listen.address;
    listener.port = config.listen.port;
    listener.connections = kCallers;
    if (config.tls) listener.tls = http::TlsFiles{config.tls->chain.string(), config.tls->key.string(), "", "", config.tls->allow_tls_1_2};
    counts_ = std::make_unique<WitnessCounts>(origins_, clock_);
    server_ = std::make_unique<http::Server>(std::move(listener), routes(), clock_, random_);
    SLUIS_TRY(const std::uint16_t port, server_->start());
    if (config.metrics) SLUIS_CHECK(tell_numbers(*config.metrics));
    log::info("witness", {{"key", witness_->key().text()}, {"port", std::to_string(port)}});
    return {};
  }
  void stop() {
    if (server_) server_->stop(std::chrono::seconds(5));
    if (numbers_) numbers_->stop(std::chrono::milliseconds(100));
  }

 private:
  /// Two witnesses on one state would each go on from what the other does not know.
  Result<void> hold(const std::filesystem::path& state) {
    std::error_code ec;
    std::filesystem::create_directories(state, ec);
    held_ = std::make_unique<HeldFolder>(state, false);
    if (held_->held()) return {};
    if (!held_->is_there()) return Error(ErrorCode::storage_unavailable, "cannot open `" + state.string() + "`");
    return Error(ErrorCode::conflict, "`" + state.string() + "` is another witness's that runs").mended_by("stop that one first");
  }

  /// Apart from what others reach: how often who asked is the operator's.
  Result<void> tell_numbers(const ListenerConfig& where) {
    http::ServerOptions listener;
    listener.name = "metrics";
    listener.address = where.address;
    listener.port = where.port;
    listener.connections = kScrapers;
    const auto metrics = [this](const http::Request&) {
      std::string text = counts_->text(witness_->conflicts().size());
      if (const auto state = server_->tls_state()) text += tls_text(*state);
      return http::Response{200, {{"content-type", "text/plain; version=0.0.4"}}, std::move(text), {}};
    };
    numbers_ = std::make_unique<http::Server>(std::move(listener), std::vector<http::Route>{{"GET", "/metrics", metrics, 0}}, clock_, random_);
    SLUIS_CHECK(numbers_->start());
    return {};
  }
  /// Under the names that a node has for them.
  static std::string tls_text(const http::TlsState& state) {
    const auto ends = std::chrono::floor<std::chrono::seconds>(state.ends).time_since_epoch().count();
    return "# HELP sluis_tls_files_refused 1 while changed TLS files are not used, and those before still are\n# TYPE sluis_tls_files_refused gauge\n"
           "sluis_tls_files_refused " + std::string(state.trouble.empty() ? "0" : "1") +
           "\n# HELP sluis_tls_certificate_end_seconds When the certificate in use is over, since 1970\n# TYPE sluis_tls_certificate_end_seconds gauge\n"
           "sluis_tls_certificate_end_seconds " + std::to_string(ends) + "\n";
  }

  std::vector<http::Route> routes() {
    const auto alive = [](const http::Request&) { return http::Response{200, {{"content-type", "text/plain; charset=utf-8"}}, "ok\n", {}}; };
    const auto everybody = [](const http::Request&) { return true; };
    std::vector<http::Route> routes = witness_routes(*witness_, everybody, [this] { return origins_; });
    counts_->listen_to(routes);
    routes.push_back({"GET", "/livez", alive, 0});
    return routes;
  }

  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<HeldFolder> held_;
  std::vector<std::string> origins_;
  std::unique_ptr<provenance::Witness> witness_;
  std::unique_ptr<WitnessCounts> counts_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Server> numbers_;
};

}  // namespace

Result<WitnessConfig> read_witness_config(const std::filesystem::path& file) {
  SLUIS_TRY(const std::string text, certs::read_file(file));
  SLUIS_TRY(TomlTable root, TomlTable::parse(text, file.string()));
  WitnessConfig config;
  std::error_code ec;
  const auto folder = std::filesystem::absolute(file, ec).parent_path();
  SLUIS_TRY(config.name, root.string("name"));
  if (!provenance::may_be_origin(config.name)) return root.refused("name", "a witness's name has no space and no `+`");
  SLUIS_TRY(const std::string key, root.string("key"));
  SLUIS_TRY(const std::string state, root.string("state"));
  config.key = folder / key;
  config.state = folder / state;
  SLUIS_TRY(config.listen, read_listener(root));
  SLUIS_TRY(std::optional<TomlTable> tls, root.optional_table("tls"));
  if (tls) SLUIS_CHECK(read_tls(std::move(*tls), folder, config));
  if (!tls && !http::is_loopback(config.listen.address)) {
    return root.refused("listen", "without TLS a witness listens on loopback only").mended_by("add [tls] with certificate and key, or a proxy that has them");
  }
  SLUIS_TRY(std::optional<TomlTable> metrics, root.optional_table("metrics"));
  if (metrics) {
    SLUIS_TRY(config.metrics, read_listener(*metrics));
    if (!http::is_loopback(config.metrics->address)) return metrics->refused("listen", "numbers are told on loopback only").mended_by("write 127.0.0.1:9444");
  }
  SLUIS_TRY(const std::vector<std::string> logs, root.strings("logs"));
  for (std::size_t i = 0; i < logs.size(); ++i) {
    auto parsed = provenance::VerifierKey::parse(logs[i]);
    if (!parsed) return Error(parsed.error()).at(root.place("logs", i));
    config.logs.push_back(std::move(*parsed));
  }
  if (config.logs.empty()) return root.refused("logs", "there is no log to witness").mended_by("name the keys of logs: what `log.vkey` of a node holds");
  SLUIS_CHECK(root.finish());
  return config;
}

int witness(const std::filesystem::path& config_file) {
  const auto failed = [](const Error& why) {
    std::fprintf(stderr, "sluis witness: %s\n", describe(why).c_str());
    return 1;
  };
  if (::geteuid() == 0) return failed(Error(ErrorCode::permission_denied, "a witness never runs as root").mended_by("start it as a user of its own"));
  const auto config = read_witness_config(config_file);
  if (!config) return failed(config.error());
  guard_memory();
  const StopSignal signal;
  Service service;
  if (const auto started = service.start(*config); !started) return failed(started.error());
  signal.wait();
  service.stop();
  return 0;
}

}  // namespace sluis::node
