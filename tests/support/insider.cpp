// An insider with the node's folder. Who holds the signing key writes an export of a stopped node's log, cut to a smaller size and signed
// again (--config, --size, --out); anybody there counts the keys of the store that begin with a prefix (--config, --count).
// For tests and the demo; never in a release.
#include "certs/authority.hpp"
#include "connector/node/config.hpp"
#include "connector/provenance/export.hpp"
#include "connector/storage/rocks_store.hpp"

#include <cstdio>
#include <map>

using namespace sluis;

namespace {

Result<void> run(const std::map<std::string, std::string>& words) {
  SLUIS_TRY(const node::NodeConfig config, node::read_config(words.at("--config")));
  SLUIS_TRY(const std::unique_ptr<storage::Reader> store, storage::open_rocks_reader(config.store));
  if (const auto prefix = words.find("--count"); prefix != words.end()) {
    int count = 0;
    SLUIS_CHECK(store->scan(prefix->second, prefix->second, [&](std::string_view, std::string_view) { return ++count > 0; }));
    std::printf("%d\n", count);
    return {};
  }
  SLUIS_TRY(const std::string pem, certs::read_file(config.log_key));
  SLUIS_TRY(const crypto::Key key, crypto::Key::from_pem(pem));
  SystemRandom random;
  provenance::PayloadKeys keys(config.payload_keys, random);
  const provenance::LogReader log(*store, keys);
  const std::uint64_t size = std::stoull(words.at("--size"));
  SLUIS_TRY(const Hash root, log.root(size));
  const std::string note = provenance::sign_checkpoint({config.log_origin, size, root}, key);
  return provenance::export_log(log, note, provenance::VerifierKey::of(config.log_origin, key), words.at("--out"), false);
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> words;
  for (int i = 1; i + 1 < argc; i += 2) words[argv[i]] = argv[i + 1];
  if (words.size() != (words.contains("--count") ? 2U : 3U)) return 2;
  if (const auto done = run(words); !done) {
    std::fprintf(stderr, "%s\n", describe(done.error()).c_str());
    return 1;
  }
  return 0;
}
