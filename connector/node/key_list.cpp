#include "connector/node/key_list.hpp"

#include "certs/authority.hpp"
#include "connector/base/private_file.hpp"
#include "connector/base/suggest.hpp"
#include "connector/crypto/x509.hpp"
#include "connector/http/channel.hpp"
#include "connector/json/json.hpp"
#include "connector/node/config.hpp"
#include "connector/node/offline.hpp"
#include "connector/node/own_keys.hpp"
#include "connector/node/role_file.hpp"
#include "connector/node/secrets.hpp"
#include "connector/node/succession.hpp"
#include "connector/provenance/note.hpp"
#include "connector/storage/rocks_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace sluis::node {
namespace {

namespace fs = std::filesystem;
using provenance::Signer;
using provenance::VerifierKey;

constexpr std::chrono::days kSoon{30};

/// What is the same of every key of a kind.
struct Kind {
  std::string_view name;
  std::string_view what;
  std::string_view lost;   ///< what breaks without it
  std::string_view plan;   ///< how it is changed: a line a step
};
constexpr std::array<Kind, 12> kKinds{{
    {"log", "signs the checkpoints of this node's log",
     "nothing more can be signed: entries stay readable, the node is down for exchanges",
     "sluis log next --config {config}: makes the next log's key, and prints its line\n"
     "have that put in the membership list beside the old one, which keeps its time until then (party.json has both)\n"
     "give it to your witnesses and to who verifies the log\n"
     "sluis log follow --config {config}: the old log ends with the name of the new key, the new one begins with the old checkpoint; the node is away for a moment, and who asks then asks again\n"
     "or, where the node stands still anyhow: sluis log rotate-key --config {config} does all this with a key that is listed afterwards\n"
     "see that `sluis status` says the new log; destroy the old key when no open receipt needs it"},
    {"claim", "signs the claims of purpose of this node's requests (ES256)",
     "no data can be pulled from other nodes until the list has a new one; what others pull from here goes on",
     "make a key: openssl ecparam -name prime256v1 -genkey -noout, in a file of its own (0600)\n"
     "add its public half under a new kid to `claim_keys` of party.json, and have it put in the membership list beside the old one\n"
     "once your counterparties have that list, name file and `claim_kid` in [keys] of {config}, and start the node anew\n"
     "have the old one end in the list: claims are accepted for 30 seconds, so nothing needs it longer"},
    {"node", "seals the handles of transfers that this node uses, and is the root of pseudonyms, of counts by lot and of the marks of persons in the log",
     "running transfers must be started anew; persons who were marked in the log are not found any more; a series of pseudonyms goes on under a new epoch only, which is refused until it is agreed",
     "agree a new epoch with everybody who gets pseudonyms, or they are refused\n"
     "complete or terminate the transfers in which this node is the consumer\n"
     "stop the node, put 32 random bytes (0600) in the file, and an empty file beside it that is called as it is with `.changed` behind: the node takes that away\n"
     "start it"},
    {"payloads", "wrap the payloads of the log, a key a month",
     "what that month's entries say cannot be read any more; their proofs hold",
     "a new one begins with each month by itself\n"
     "sluis audit erase gives the months concerned a next key, wraps what stays, and destroys the old one"},
    {"tls", "shows who this node is, as server and as client",
     "no exchange at all: others do not know it",
     "get a certificate with the same organisation's number from the authority\n"
     "if the membership list names certificates or issuers of yours, have the new one put beside the old one\n"
     "put certificate and key in the files that [tls] names, each written beside and moved there: a running node uses them from the next connection on\n"
     "see that `sluis doctor` names neither of them, and that sluis_tls_certificate_end_seconds of /metrics is the new one's\n"
     "have the old one end in the list, and revoked as superseded: what runs with it goes on"},
    {"management", "shows operators that they talk to this node",
     "no management but over loopback or a Unix socket",
     "put certificate and key in the files that [management.tls] names, each written beside and moved there: a running node uses them from the next connection on\n"
     "see that `sluis doctor` names neither of them"},
    {"witness", "cosigns the logs of others",
     "a new witness has to be named by everybody: what this one cosigned stays valid",
     "sluis membership key FILE makes a new one: a witness's key is never copied\n"
     "name it in [keys] of {config}, and start the node anew\n"
     "tell its verification key, which the node says when it starts, to whose logs you watch; they name both for a while"},
    {"membership", "public keys of those who sign the membership list; the private ones are not here",
     "no list can be checked: no new negotiation or pull once the present one is over",
     "have the federation sign a list with enough of the old signatures that names the new signers, and with enough of theirs: from then on they sign the next\n"
     "add the new public key to [membership] of {config}, with a threshold that both meet, and start the node anew\n"
     "take the old one out once every list in use is signed by the new, and start the node anew"},
    {"roles", "hashes of the tokens and certificates of those who manage this node",
     "nobody manages the node until the file is there again; exchanges go on",
     "sluis role add --role ROLE --person NAME --token-file FILE makes a new token\n"
     "sluis role end --role ROLE --person NAME takes everything of a person; a running node reads it at once"},
    {"collector", "shows a collector of records who sends them",
     "the collector takes no records; they wait in the log, and exchanges go on; the node does not start without it",
     "get a new credential from whoever runs the collector\n"
     "put it in the file that `credential` of its [[collector]] names (0600): it is read for each request\n"
     "have the old one taken away"},
    {"webhook", "signs the events that a webhook gets",
     "the webhook gets no events; they wait in the log, and exchanges go on; the node does not start without it",
     "have the receiver accept a second secret beside the old one\n"
     "put the new one in the file that `secret` of its [[webhook]] names (0600): it is read for each request\n"
     "have the receiver take the old one out"},
    {"proxy", "lets this node through the proxy by which it calls peers and witnesses",
     "no peer is called: messages wait, no pulls; what others ask of this node goes on; the node does not start without it",
     "get a new credential from whoever runs the proxy\n"
     "put it in the file that `credential` of [proxy] names (0600): it is read for each connection\n"
     "have the old one taken away"},
}};

const Kind& kind_of(std::string_view name) {
  return *std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& one) { return one.name == name; });
}

struct Row {
  std::string kind;
  std::string file;
  std::string shown;    ///< what others know it by
  std::string until;    ///< RFC 3339; empty: no end of its own
  std::string trouble;  ///< empty: in order
};

class Lister {
 public:
  Lister(const NodeConfig& config, Timestamp now) : config_(config), now_(now) {}

  std::vector<Row> all() {
    logs();
    claim([&](const crypto::Key& key) { return config_.claim_kid + " " + to_hex(crypto::sha256(key.public_pem())).substr(0, 16); });
    node_key();
    payloads();
    certificate("tls", config_.tls);
    if (config_.management_tls) certificate("management", *config_.management_tls);
    if (!config_.witness_key.empty()) {
      private_key("witness", config_.witness_key, [&](const crypto::Key& key) { return VerifierKey::of(config_.log_origin + "/witness", key, Signer::witness).text(); });
    }
    for (const fs::path& one : config_.membership_keys) membership(one);
    roles();
    for (const NodeConfig::Collector& one : config_.collectors) {
      if (!one.credential.empty()) collector(one);
    }
    for (const NodeConfig::Collector& one : config_.webhooks) webhook(one);
    if (config_.proxy && !config_.proxy->credential.empty()) credential("proxy", config_.proxy->credential, http::host_and_port(config_.proxy->host, config_.proxy->port));
    return std::move(rows_);
  }

 private:
  Row& add(std::string_view kind, const fs::path& file) {
    rows_.push_back({std::string(kind), file.string(), {}, {}, {}});
    return rows_.back();
  }

  template <class Show>
  void private_key(std::string_view kind, const fs::path& file, const Show& show) {
    Row& row = add(kind, file);
    const auto key = read_private_key(file);
    if (key) row.shown = show(*key);
    else row.trouble = describe(key.error());
  }

  void secret(std::string_view kind, const fs::path& file, std::size_t size) {
    Row& row = add(kind, file);
    const auto bytes = read_secret(file);
    if (!bytes) row.trouble = describe(bytes.error());
    else if (bytes->size() != size) row.trouble = fmt::format("it is not {} bytes", size);
  }

  /// By the membership list in force, as the others have it; its signatures are the node's matter.
  template <class Show>
  void claim(const Show& show) {
    private_key("claim", config_.claim_key, show);
    Row& row = rows_.back();
    const auto key = read_private_key(config_.claim_key);
    const auto kept = key && row.trouble.empty() ? in_store("membership/list") : std::nullopt;
    const auto envelope = kept ? identity::parse_envelope(*kept) : Result<identity::SignedMembership>(Error());
    const auto list = envelope ? identity::parse_membership(envelope->payload) : Result<identity::MembershipList>(envelope.error());
    const auto why = list ? why_not_listed(*list, config_, *key, now_) : std::nullopt;
    if (why) row.trouble = describe(*why);
  }

  void node_key() {
    secret("node", config_.node_key, 32);
    Row& row = rows_.back();
    const auto bytes = read_secret(config_.node_key);
    const auto mark = bytes && row.trouble.empty() ? in_store(kNodeKeyMark) : std::nullopt;
    if (mark && !opens_mark(*bytes, *mark, config_.participant)) row.trouble = "it is not the one that this node started with";
  }

  /// As the store stood; nothing where it has none of it, or cannot be read, which is told of the log.
  std::optional<std::string> in_store(std::string_view key) const {
    std::error_code ec;
    if (!fs::exists(config_.store, ec)) return std::nullopt;
    const auto store = storage::open_rocks_reader(config_.store);
    const auto found = store ? (*store)->get(key) : Result<std::optional<std::string>>(store.error());
    return found ? *found : std::nullopt;
  }

  /// Those of logs that have ended may be gone.
  void logs() {
    std::vector<provenance::Shard> logs{{0, config_.log_origin, 0, {}, {}}};
    if (std::error_code ec; fs::exists(config_.store, ec)) {
      const auto store = storage::open_rocks_reader(config_.store);
      const auto known = store ? logs_of(config_, **store) : Result<std::vector<provenance::Shard>>(store.error());
      if (known) logs = *known;
      else add("log", config_.store).trouble = describe(known.error());
    }
    for (const provenance::Shard& log : logs) {
      const bool newest = log.number == logs.back().number;
      const fs::path file = log_key_file(config_, log);
      if (std::error_code ec; !newest && !fs::exists(file, ec)) continue;
      private_key("log", file, [&](const crypto::Key& key) { return VerifierKey::of(log.origin, key).text() + (newest ? "" : " (its log has ended)"); });
    }
  }

  void payloads() {
    std::vector<fs::path> files;
    std::error_code ec;
    for (auto at = fs::directory_iterator(config_.payload_keys, ec); !ec && at != fs::directory_iterator(); at.increment(ec)) {
      if (at->path().extension() == ".key") files.push_back(at->path());
    }
    std::sort(files.begin(), files.end());
    const auto folder = check_private_folder(config_.payload_keys);
    if (!folder) add("payloads", config_.payload_keys).trouble = describe(folder.error());
    for (const fs::path& one : files) secret("payloads", one, 32);
  }

  void certificate(std::string_view kind, const TlsConfig& tls) {
    Row& row = add(kind, tls.key);
    const auto text = certs::read_file(tls.chain);
    const auto chain = text ? crypto::certificates_from_pem(*text) : Result<std::vector<crypto::Certificate>>(text.error());
    if (!chain || chain->empty()) {
      row.trouble = chain ? "`" + tls.chain.string() + "` holds no certificate" : describe(chain.error());
      return;
    }
    const crypto::Certificate& leaf = chain->front();
    const auto pem = read_secret(tls.key);
    const auto key = pem ? crypto::Key::from_pem(*pem) : Result<crypto::Key>(pem.error());
    const auto certified = leaf.public_key();
    if (!key) row.trouble = describe(key.error());
    else if (certified && certified->public_pem() != key->public_pem()) row.trouble = "the certificate is of another key";
    row.shown = leaf.organisation() + " " + leaf.oin() + " " + to_hex(leaf.fingerprint()).substr(0, 16);
    row.until = format_time(leaf.not_after());
    if (!row.trouble.empty()) return;
    if (leaf.not_after() <= now_) row.trouble = "it is over";
    else if (leaf.not_after() <= now_ + kSoon) row.trouble = "it is over within 30 days";
  }

  void membership(const fs::path& file) {
    Row& row = add("membership", file);
    const auto pem = certs::read_file(file);
    const auto key = pem ? crypto::Key::from_pem(*pem) : Result<crypto::Key>(pem.error());
    if (key) row.shown = to_hex(crypto::sha256(key->public_pem())).substr(0, 16);
    else row.trouble = describe(key.error());
  }

  void collector(const NodeConfig::Collector& one) { credential("collector", one.credential, one.url); }

  void credential(std::string_view kind, const fs::path& file, const std::string& shown) {
    Row& row = add(kind, file);
    row.shown = shown;
    if (const auto value = read_credential(file); !value) row.trouble = describe(value.error());
  }

  void webhook(const NodeConfig::Collector& one) {
    if (!one.credential.empty()) collector(one);
    Row& row = add("webhook", one.secret);
    row.shown = one.url;
    if (const auto secret = read_webhook_secret(one.secret); !secret) row.trouble = describe(secret.error());
  }

  void roles() {
    Row& row = add("roles", config_.roles);
    const auto text = certs::read_file(config_.roles);
    const auto roles = text ? identity::Roles::parse(*text, config_.roles.string()) : Result<identity::Roles>(text.error());
    if (!roles) {
      row.trouble = describe(roles.error());
      return;
    }
    const auto over = std::count_if(roles->holders().begin(), roles->holders().end(), [&](const identity::RoleHolder& one) { return one.until && *one.until <= now_; });
    row.shown = fmt::format("{} tokens and certificates, {} of them over", roles->holders().size(), over);
  }

  const NodeConfig& config_;
  Timestamp now_;
  std::vector<Row> rows_;
};

void print(const std::vector<Row>& rows, bool as_json) {
  json::Array list;
  for (const Row& one : rows) {
    const Kind& kind = kind_of(one.kind);
    if (as_json) {
      json::Value value = json::object({{"kind", one.kind}, {"file", one.file}, {"does", kind.what}, {"ifLost", kind.lost}});
      for (const auto& [name, text] : {std::pair("shownAs", &one.shown), std::pair("until", &one.until), std::pair("trouble", &one.trouble)}) {
        if (!text->empty()) value.set(name, *text);
      }
      list.push_back(std::move(value));
      continue;
    }
    std::printf("%-11s %s\n            %s\n", one.kind.c_str(), one.file.c_str(), std::string(kind.what).c_str());
    if (!one.shown.empty()) std::printf("            known as %s\n", one.shown.c_str());
    if (!one.until.empty()) std::printf("            good until %s\n", one.until.c_str());
    if (!one.trouble.empty()) std::printf("            ! %s\n", one.trouble.c_str());
    std::printf("            if it is lost: %s\n", std::string(kind.lost).c_str());
  }
  if (as_json) std::printf("%s\n", json::serialise_pretty(json::object({{"keys", std::move(list)}})).c_str());
}

}  // namespace

int key_list(const fs::path& file, bool as_json) {
  const auto config = read_config(file);
  if (!config) return fail(config.error());
  const SystemClock clock;
  const std::vector<Row> rows = Lister(*config, clock.now()).all();
  print(rows, as_json);
  return std::any_of(rows.begin(), rows.end(), [](const Row& one) { return !one.trouble.empty(); }) ? 1 : 0;
}

int key_rotation_plan(const fs::path& file, const std::string& name) {
  std::vector<std::string_view> known;
  for (const Kind& one : kKinds) known.push_back(one.name);
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    fail(Error(ErrorCode::invalid_argument, "`" + name + "` is no kind of key").mended_by(suggestion(name, known)));
    return 2;
  }
  if (const auto config = read_config(file); !config) return fail(config.error());
  std::string_view plan = kind_of(name).plan;
  for (int step = 1; !plan.empty(); ++step) {
    const std::string line(plan.substr(0, plan.find('\n')));
    plan.remove_prefix(std::min(plan.size(), line.size() + 1));
    const std::size_t at = line.find("{config}");
    std::printf("%d. %s\n", step, (at == std::string::npos ? line : line.substr(0, at) + file.string() + line.substr(at + 8)).c_str());
  }
  return 0;
}

}  // namespace sluis::node
