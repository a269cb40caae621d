#include "connector/node/init.hpp"

#include "certs/authority.hpp"
#include "connector/http/loopback.hpp"
#include "connector/identity/membership.hpp"
#include "connector/identity/roles.hpp"
#include "connector/node/offline.hpp"
#include "connector/node/pinned_purposes.hpp"
#include "connector/provenance/note.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluis::node {
namespace {

namespace fs = std::filesystem;
using std::chrono::days;

constexpr days kCertificateLife{90};
constexpr std::string_view kRoles[] = {"steward", "privacy_officer", "dpo", "application", "operator"};

std::string host_of_participant(const std::string& participant) {
  const std::size_t colon = participant.rfind(':');
  return colon == std::string::npos ? participant : participant.substr(colon + 1);
}

/// As addresses have it before a port.
std::string with_brackets(const std::string& host) {
  return host.find(':') == std::string::npos || host.starts_with('[') ? host : "[" + host + "]";
}

/// Peers of a node that is reached on this machine alone are here as well.
std::string network_text(const InitOptions& o) {
  if (http::is_loopback(o.address)) return "[network]\ninner = [\"127.0.0.0/8\", \"::1\"]   # peers may be here: this node is reached on this machine alone\n";
  return "# [network]                     # peers are called at public addresses alone, and in networks that are named here\n# inner = [\"10.1.0.0/16\"]\n";
}

std::string config_text(const InitOptions& o) {
  return fmt::format(R"(# A node of Sluis. Paths are relative to this folder. `sluis config check node.toml` reads it as the node does.
[node]
participant = "{participant}"
name = "{name}"
class = "{party_class}"
contact = "{contact}"

[exchange]                      # other nodes; mutual TLS
listen = "{address}:{exchange}"
url = "https://{host}:{exchange}"
# proxy_protocol_from = ["10.1.2.3"]   # load balancers in front: each begins its connections with a PROXY header (v2); [public] may have some, too

[public]                        # everybody: open data, catalogue, the log's hashes
listen = "{address}:{open}"
url = "https://{host}:{open}"

[management]                    # role tokens; off loopback only with [management.tls]: connector/node/README.md
listen = "127.0.0.1:{management}"

[tls]
certificate = "tls/node.pem"
key = "tls/node.key"
roots = "tls/roots.pem"
# crl = "tls/crl.pem"             # revocation lists: one of each authority in the chains of others
# min_version = "1.2"           # else TLS 1.3 alone
# crl_sources = ["http://crl.example/services.crl"]  # fetched into that file, every crl_every = "PT15M": connector/node/README.md

[keys]
log = "keys/log.key"
claim = "keys/claim.key"
claim_kid = "claim-1"
node = "keys/node.key"
payloads = "payload_keys"

[data]
store = "store"
# reserve_mib = 64              # of its disk, kept for revocations when it is full; less is for tests; 0: none
checkpoints = "checkpoints"
datasets = "datasets"
roles = "roles.json"
purposes = "dpv-purposes.tsv"
more_purposes = [{purposes}]
# purposes_sha256 = "…"         # of another version of dpv-purposes.tsv than this program's, where it was agreed: connector/node/README.md
log_origin = "{origin}"
# keep_log_days = 1826          # older entries are a finding of `sluis audit findings`, until `sluis audit erase --before` has erased them, or `audit prune` removed their log

# [log]
# period = "year"               # or quarter, month: then another log follows, which `sluis log next` prepares and the membership list names
# receipts_within_hours = 24    # what the other party's log should prove of a data request or an agreement is missing after that

[membership]
keys = ["keys/federation.pub"]
threshold = 1
# sources = ["https://federation.example/list.json"]  # newer lists are fetched, every = "PT5M": connector/node/README.md

{network}
# [proxy]                       # peers and witnesses are called through it, by CONNECT: connector/node/README.md
# address = "proxy.waterrijk.example:3128"
# credential = "keys/proxy.credential"   # 0600: the value of Proxy-Authorization, as `Basic …`
# direct = [".waterrijk.example"]        # reached without it

# [[collector]]                 # gets records as they come (OTLP): connector/node/README.md
# url = "https://otel.example/"
# forms = ["ldv", "adl"]

# [[webhook]]                   # hears of events as they come (CloudEvents, signed): connector/node/README.md
# url = "https://zaken.example/hooks/sluis"
# secret = "keys/zaken.webhook"
# kinds = ["agreement", "agreement-ended"]

# [quota]                       # of each party; more is answered with 429, and counted in one entry a minute
# requests_per_minute = 6000    # a minute's worth at once
# refusals_per_minute = 60      # that get an entry each; four minutes' worth at once
# negotiations_per_minute = 10  # that it begins; twenty minutes' worth at once: 200
# releases_at_once = 768        # requests for data, of a listener's 1024 connections; of these a party, or an address, has as many as are free

# [outbox]
# give_up_after_days = 30       # a message that no peer took so long is a dead letter: `sluis outbox list`

[policy]
other_offers = "refuse"         # or "steward": proposals that differ from what is published wait for a person
# negotiation_days = 7            # one that is not concluded by then is ended
# situations = "situations.toml"  # what may be declared here, and by whom: connector/declaration/README.md
# script = "script.toml"          # what is done of itself in some negotiations and transfers: connector/negotiation/README.md
)",
                     fmt::arg("participant", o.participant), fmt::arg("name", o.name),
                     fmt::arg("party_class", o.class_of_party), fmt::arg("contact", o.contact),
                     fmt::arg("address", with_brackets(o.address)), fmt::arg("host", with_brackets(o.host)), fmt::arg("exchange", o.first_port),
                     fmt::arg("open", o.first_port + 1), fmt::arg("management", o.first_port + 2),
                     fmt::arg("network", network_text(o)),
                     fmt::arg("purposes", o.purposes.empty() ? "" : "\"purposes.tsv\""),
                     fmt::arg("origin", host_of_participant(o.participant) + "/log" + (o.demo ? "-demo" : "")));
}

Result<void> make_certificate(const InitOptions& options, const Clock& clock, Random& random) {
  const Timestamp now = clock.now();
  if (!fs::exists(options.authority / "root.pem")) {
    SLUIS_CHECK(certs::make_authority(options.authority, now - days(1), now + days(3650), random));
  }
  crypto::CertificateRequest request;
  request.organisation = options.name;
  request.common_name = host_of_participant(options.participant);
  request.oin = options.oin;
  request.dns_names = {http::without_brackets(options.host)};
  const std::string address = http::without_brackets(options.address);
  if (address != request.dns_names[0] && address != "0.0.0.0" && address != "::") request.dns_names.push_back(address);  // every address is nobody's name
  request.from = now - days(1);
  request.until = now + kCertificateLife;
  SLUIS_TRY(const certs::Leaf leaf, certs::issue(options.authority, request, random));
  SLUIS_TRY(const std::string roots, certs::read_file(options.authority / "root.pem"));
  SLUIS_CHECK(certs::write_public(options.folder / "tls/node.pem", leaf.chain_pem));
  SLUIS_CHECK(certs::write_secret(options.folder / "tls/node.key", leaf.key_pem));
  return certs::write_public(options.folder / "tls/roots.pem", roots);
}

Result<void> make_roles(const InitOptions& options, Random& random) {
  std::vector<identity::RoleHolder> holders;
  for (const std::string_view name : kRoles) {
    auto made = identity::make_token(random, *identity::role_from(name), std::string(name) + " of " + options.name);
    if (name == "application") made.holder.activities = options.activities;
    SLUIS_CHECK(identity::write_token_file((options.folder / "tokens" / name).string(), made.token));
    holders.push_back(std::move(made.holder));
  }
  return certs::write_public(options.folder / "roles.json", identity::Roles(std::move(holders)).serialise());
}


/// What the federation's list shall say of this node; the shape is that of identity's list.
Result<void> write_party(const InitOptions& options, const crypto::Key& claim, const crypto::Key& log, const std::string& origin,
                         Timestamp now) {
  identity::Party party;
  const identity::Window from{std::chrono::floor<std::chrono::seconds>(now - days(1)), std::nullopt};
  party.participant = ParticipantId(options.participant);
  party.name = options.name;
  party.class_of_recipient = options.class_of_party;
  party.endpoints = {{"https://" + with_brackets(options.host) + ":" + std::to_string(options.first_port), from}};
  SLUIS_TRY(const std::string pem, certs::read_file(options.folder / "tls/node.pem"));
  SLUIS_TRY(const crypto::Certificate certificate, crypto::Certificate::from_pem(pem));
  identity::CertificateRule rule;
  if (options.oin.empty()) {
    rule.sha256 = to_hex(certificate.fingerprint());
  } else {
    rule.issuer = certificate.issuer_name();
    rule.oin = options.oin;
  }
  rule.window = from;
  party.certificates = {rule};
  SLUIS_TRY(crypto::Key claim_public, crypto::Key::from_pem(claim.public_pem()));
  party.claim_keys = {{"claim-1", std::move(claim_public), from}};
  party.log_origins = {{origin, provenance::VerifierKey::of(origin, log).text(), from}};
  party.evidence = true;
  party.oin = options.oin;
  identity::MembershipList list;
  list.parties = {party};
  const json::Value whole = identity::to_json(list);
  const json::Value& mine = whole.find("parties")->if_array()->front();
  return certs::write_public(options.folder / "party.json", json::serialise_pretty(mine));
}

Result<void> may_begin(const InitOptions& options) {
  if (fs::exists(options.folder / "node.toml")) {
    return Error(ErrorCode::conflict, "`" + options.folder.string() + "` has a node already")
        .mended_by("name another folder; nothing was changed");
  }
  if (options.demo && !http::is_loopback(options.address)) {
    return Error(ErrorCode::invalid_argument, "a demo node's clock can be moved: it listens on loopback only");
  }
  return {};
}

}  // namespace

Result<void> init_node(const InitOptions& options, const Clock& clock, Random& random) {
  SLUIS_CHECK(may_begin(options));
  std::error_code ec;
  for (const char* name : {"tls", "keys", "tokens", "datasets", "payload_keys"}) fs::create_directories(options.folder / name, ec);
  fs::permissions(options.folder / "keys", fs::perms::owner_all, ec);
  fs::permissions(options.folder / "tokens", fs::perms::owner_all, ec);
  fs::permissions(options.folder / "payload_keys", fs::perms::owner_all, ec);
  SLUIS_CHECK(make_certificate(options, clock, random));
  const auto log = crypto::Key::generate(crypto::Key::Kind::ed25519);
  const auto claim = crypto::Key::generate(crypto::Key::Kind::p256);
  SLUIS_CHECK(certs::write_secret(options.folder / "keys/log.key", log.private_pem()));
  SLUIS_CHECK(certs::write_secret(options.folder / "keys/claim.key", claim.private_pem()));
  SLUIS_CHECK(certs::write_secret(options.folder / "keys/node.key", random.bytes(32)));
  const std::string origin = host_of_participant(options.participant) + "/log" + (options.demo ? "-demo" : "");
  SLUIS_CHECK(certs::write_public(options.folder / "log.vkey", provenance::VerifierKey::of(origin, log).text() + "\n"));
  if (!options.federation_key.empty()) {
    SLUIS_TRY(const std::string federation, certs::read_file(options.federation_key));
    SLUIS_CHECK(certs::write_public(options.folder / "keys/federation.pub", federation));
  }
  SLUIS_CHECK(certs::write_public(options.folder / "dpv-purposes.tsv", kPinnedPurposes));
  if (!options.purposes.empty()) {
    SLUIS_TRY(const std::string own, certs::read_file(options.purposes));
    SLUIS_CHECK(certs::write_public(options.folder / "purposes.tsv", own));
  }
  SLUIS_CHECK(make_roles(options, random));
  SLUIS_CHECK(write_party(options, claim, log, origin, clock.now()));
  if (options.demo) SLUIS_CHECK(certs::write_public(options.folder / "demo", "this node's clock can be moved\n"));
  return certs::write_public(options.folder / "node.toml", config_text(options));  // last: without it there is no node
}

Result<std::vector<fs::path>> try_init_node(const InitOptions& options, const Clock& clock, Random& random) {
  SLUIS_CHECK(may_begin(options));
  SLUIS_CHECK(may_write_in(options.folder));
  std::error_code ec;
  const fs::path scratch = fs::temp_directory_path(ec) / ("sluis-init-" + to_hex(random.bytes(16)));
  if (!fs::create_directory(scratch, ec)) {
    return Error(ErrorCode::storage_unavailable, "cannot make `" + scratch.string() + "`: " + ec.message());
  }
  fs::permissions(scratch, fs::perms::owner_all, ec);
  InitOptions there = options;
  there.folder = scratch / "node";
  if (!fs::exists(options.authority / "root.pem", ec)) there.authority = scratch / "authority";
  const Result<void> made = init_node(there, clock, random);
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator at(scratch, ec), end; !ec && at != end; at.increment(ec)) {
    const fs::path within = at->path().lexically_relative(scratch);
    const bool of_node = *within.begin() == "node";
    const fs::path real = (of_node ? options.folder : options.authority) / within.lexically_relative(*within.begin());
    if (at->is_regular_file()) files.push_back(real);
  }
  fs::remove_all(scratch, ec);
  if (!made) return made.error();
  for (const fs::path& file : files) {
    if (!fs::exists(file, ec)) continue;
    return Error(ErrorCode::conflict, "`" + file.string() + "` is there already").mended_by("name another folder");
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace sluis::node
