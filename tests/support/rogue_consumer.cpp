// A consumer that lies: with a stopped node's keys and the handle from its store it signs a claim for another purpose and asks the
// provider's gate itself, past its own node. Prints the status and the body; with `--times N` so often, and how often which status
// came. For tests and the demo; never in a release.
#include "certs/authority.hpp"
#include "connector/base/transaction_id.hpp"
#include "connector/base/bytes.hpp"
#include "connector/http/client.hpp"
#include "connector/identity/claim.hpp"
#include "connector/node/config.hpp"
#include "connector/storage/rocks_store.hpp"
#include "connector/transfer/model.hpp"

#include <cstdio>
#include <map>

using namespace sluis;

namespace {

Result<void> run(const std::map<std::string, std::string>& words) {
  SLUIS_TRY(const node::NodeConfig config, node::read_config(words.at("--config")));
  SLUIS_TRY(const std::unique_ptr<storage::Reader> store, storage::open_rocks_reader(config.store));
  SLUIS_TRY(const std::optional<std::string> bytes, store->get(transfer::transfer_key(ProcessId(words.at("--transfer")))));
  if (!bytes) return Error(ErrorCode::not_found, "no such transfer");
  SLUIS_TRY(const transfer::TransferProcess process, transfer::decode_transfer(*bytes));
  SLUIS_TRY(const std::string node_key, certs::read_file(config.node_key));
  SLUIS_TRY(const std::string handle, crypto::unseal(node_key, process.sealed_handle, process.own_pid.str()));
  SLUIS_TRY(const std::string claim_pem, certs::read_file(config.claim_key));
  SLUIS_TRY(const crypto::Key claim_key, crypto::Key::from_pem(claim_pem));
  // Its node's clock may have been moved, and a claim of another day is refused for its age, not for what it asks.
  SLUIS_TRY(const std::optional<std::string> offset, store->get("demo/clock"));
  Duration moved{offset && offset->size() == 8 ? static_cast<std::int64_t>(get_u64(*offset)) : 0};
  if (words.contains("--moved")) moved += std::chrono::seconds(std::stoi(words.at("--moved")));  // since this folder was copied
  const SystemClock clock;
  SystemRandom random;
  identity::Claim claim;
  claim.iss = config.participant;
  claim.aud = process.peer;
  claim.agreement = process.agreement;
  claim.transfer = process.peer_pid;
  claim.purpose = words.at("--purpose");
  claim.activity = words.at("--activity");
  claim.method = "GET";
  claim.path = process.endpoint.substr(process.endpoint.find('/', 8));
  http::ClientOptions options;
  options.tls = {config.tls.chain.string(), config.tls.key.string(), config.tls.roots.string()};
  SLUIS_TRY(const std::unique_ptr<http::Client> client, http::Client::make(std::move(options), clock));
  http::PeerRequest request;
  request.method = "GET";
  request.url = process.endpoint;
  request.headers["authorization"] = "Bearer " + handle;
  const bool once = !words.contains("--times");
  std::map<unsigned, unsigned> statuses;
  for (int left = once ? 1 : std::stoi(words.at("--times")); left > 0; --left) {
    claim.transaction = TransactionId(new_transaction_id(random, clock.now() + moved));
    claim.iat = std::chrono::floor<std::chrono::seconds>(clock.now() + moved);
    claim.jti = random.uuid_urn();
    request.headers[std::string(identity::kClaimHeader)] = identity::make_claim(claim, config.claim_kid, claim_key);
    SLUIS_TRY(const http::PeerResponse response, client->send(request));
    if (once) std::printf("%u %s\n", response.status, response.body.c_str());
    ++statuses[response.status];
  }
  for (const auto& [status, count] : statuses) {
    if (!once) std::printf("%u %u\n", status, count);
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> words;
  for (int i = 1; i + 1 < argc; i += 2) words[argv[i]] = argv[i + 1];
  if (words.size() != 4 + words.count("--times") + words.count("--moved")) {
    std::fputs("usage: sluis_rogue_consumer --config FILE --transfer ID --purpose URI --activity URI [--times N] [--moved SECONDS]\n", stderr);
    return 2;
  }
  if (const auto done = run(words); !done) {
    std::fprintf(stderr, "%s\n", describe(done.error()).c_str());
    return 1;
  }
  return 0;
}
