#pragma once

#include "connector/node/listener.hpp"
#include "connector/provenance/note.hpp"

#include <optional>
#include <vector>

namespace sluis::node {

/// What one witness.toml says. Relative paths are below the file's folder.
struct WitnessConfig {
  std::string name;                 ///< of the witness, as in its key: `panel.waterrijk.example/witness`
  std::filesystem::path key;        ///< Ed25519, used for nothing else
  std::filesystem::path state;      ///< what it saw last of each log
  ListenerConfig listen;
  std::optional<TlsConfig> tls;     ///< none: on loopback only; its roots are not used
  std::optional<ListenerConfig> metrics;  ///< in clear, on loopback only; none: it tells no numbers
  std::vector<provenance::VerifierKey> logs;
};
/// Every error has file, line and column; an unknown key is refused with the one that was meant.
Result<WitnessConfig> read_witness_config(const std::filesystem::path& file);

/// A witness alone: no data, no store, one key. Runs until SIGTERM or SIGINT; says its verification key when it listens. The exit code.
int witness(const std::filesystem::path& config_file);

}  // namespace sluis::node
