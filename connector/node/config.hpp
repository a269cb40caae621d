#pragma once

#include "connector/base/error.hpp"
#include "connector/base/ids.hpp"
#include "connector/node/list_places.hpp"
#include "connector/node/listener.hpp"
#include "connector/node/outward.hpp"
#include "connector/node/periods.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sluis::node {

/// What one node.toml says. Relative paths are below the file's folder.
struct NodeConfig {
  std::filesystem::path file;
  std::filesystem::path folder;
  ParticipantId participant;
  std::string name;
  std::string class_of_party;
  std::string contact_email;

  ListenerConfig exchange;
  ListenerConfig open;        ///< the public listener
  ListenerConfig management;
  std::string management_grpc;  ///< address or unix: socket; empty: off
  std::optional<TlsConfig> management_tls;  ///< none: in clear, on loopback only

  TlsConfig tls;
  std::vector<std::string> inner;    ///< networks, as http::Network has them, in which peers may be: else they are at public addresses alone
  std::optional<ProxyConfig> proxy;  ///< none: peers and witnesses are called directly

  std::filesystem::path log_key;    ///< Ed25519, signs checkpoints of the node's first log; those of others lie beside it
  std::filesystem::path claim_key;  ///< P-256, signs claims
  std::string claim_kid;
  std::filesystem::path node_key;   ///< 32 bytes, seals handles
  std::filesystem::path payload_keys;
  std::optional<std::chrono::days> keeps_log;  ///< entries older than this are to be erased
  std::optional<Period> log_period; ///< after which another log follows, where one was prepared; none: none does by itself
  std::chrono::hours receipts_within{24};  ///< what the other party's log should say of a data request by then, is missing
  std::string log_origin;           ///< of the first log; those of others begin with it

  std::filesystem::path store;
  std::uint64_t reserve_mib = 64;   ///< of the store's disk, kept for revocations; none: no reserve
  std::filesystem::path checkpoints;
  std::filesystem::path datasets;
  std::filesystem::path roles;
  std::filesystem::path purposes;   ///< the pinned DPV file
  std::string purposes_sha256;      ///< of another version of it than the one built in, hex; empty: that one
  std::vector<std::filesystem::path> more_purposes;
  std::vector<std::filesystem::path> membership_keys;  ///< Ed25519 public keys that sign the list
  std::uint64_t membership_threshold = 1;
  ListPlaces membership_places;  ///< where newer lists are fetched; none: they are loaded by hand
  ListPlaces revocation_places;  ///< where lists of revoked certificates are fetched, into `tls.lists`

  /// Somebody who cosigns this node's public checkpoint.
  struct Witness {
    std::string key;  ///< verification key of a witness
    std::string url;
  };
  std::vector<Witness> witnesses;
  std::uint64_t witness_quorum = 0;      ///< so many; where there is no policy
  std::filesystem::path witness_policy;  ///< C2SP tlog-policy: who they are and which are enough; empty: `witness_quorum`
  std::filesystem::path witness_roots;  ///< who signs their certificates; empty: as of [tls]
  std::filesystem::path witness_key;    ///< with which this node cosigns the logs of others; empty: it does not

  /// Somebody to whom records are pushed as OTLP.
  struct Collector {
    std::string url;                   ///< before `/v1/traces`, without a slash at its end; https, or http on this machine
    std::vector<std::string> forms;    ///< `ldv`, `adl`
    std::filesystem::path roots;       ///< who signs its certificate; empty: as of [tls]
    std::filesystem::path credential;  ///< a file with the value of an Authorization header; empty: none is shown
    bool certificate = false;          ///< this node shows its own, as of [tls]
    std::filesystem::path secret;      ///< of a webhook: with which what it gets is signed
    std::vector<std::string> kinds;    ///< of a webhook: of which entries it hears; empty: of all
  };
  std::vector<Collector> collectors;
  std::vector<Collector> webhooks;     ///< with the one form `events`, and the whole address

  std::filesystem::path backup_store;  ///< empty: no backups
  std::filesystem::path backup_keys;   ///< apart, as they open what the other holds
  std::uint32_t backups_kept = 7;
  std::chrono::days backup_keys_age{30};  ///< an erased payload's key is gone for good after this

  std::chrono::days gives_up_after{30};  ///< a message that no peer took so long is a dead letter

  double requests_a_minute = 6000;  ///< of one party, on the exchange listener
  double refusals_a_minute = 60;    ///< of one party, that get an entry each; four minutes of it at once
  double negotiations_a_minute = 10;  ///< that one party begins; twenty minutes of it at once
  std::size_t releases_at_once = 768;  ///< on one listener; of its connections, the others are for messages
  bool refuse_unknown_offers = true;  ///< else they wait for the steward
  std::chrono::days negotiation_days{7};  ///< a negotiation that is not concluded by then is ended
  std::filesystem::path situations;   ///< the file that defines them; empty: none can be declared
  std::filesystem::path script;       ///< what the node does of itself in some negotiations and transfers; empty: as ever
  std::filesystem::path static_identity;  ///< scheme `static`: its values. Empty: peers are known by mutual TLS
};

/// Where a node that is a witness keeps what it saw of the logs of others.
inline std::filesystem::path witnessed_folder(const NodeConfig& config) { return config.checkpoints / "witnessed"; }

/// Every error has file, line and column; an unknown key is refused with the one that was meant.
Result<NodeConfig> read_config(const std::filesystem::path& file);

}  // namespace sluis::node
