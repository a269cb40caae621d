#include "connector/node/config.hpp"

#include "certs/authority.hpp"
#include "connector/base/limits.hpp"
#include "connector/base/suggest.hpp"
#include "connector/base/toml.hpp"
#include "connector/http/loopback.hpp"
#include "connector/http/proxy_header.hpp"
#include "connector/identity/directory.hpp"
#include "connector/provenance/entry.hpp"
#include "connector/provenance/note.hpp"
#include "connector/provenance/witness_policy.hpp"

#include <algorithm>

namespace sluis::node {

namespace {

Result<void> check_url(const TomlTable& table, const std::string& url) {
  if (url.starts_with("https://") && !url.ends_with('/')) return {};
  return table.refused("url", "`" + url + "` must begin with https:// and not end with /");
}

Result<ListenerConfig> read_public_listener(TomlTable& root, std::string_view key) {
  SLUIS_TRY(TomlTable table, root.table(key));
  SLUIS_TRY(ListenerConfig listener, read_listener(table));
  SLUIS_TRY(listener.url, table.string("url"));
  SLUIS_CHECK(check_url(table, listener.url));
  SLUIS_TRY(listener.proxies, table.strings("proxy_protocol_from"));
  for (std::size_t i = 0; i < listener.proxies.size(); ++i) {
    if (const auto range = http::Network::parse(listener.proxies[i]); !range) return Error(range.error()).at(table.place("proxy_protocol_from", i));
  }
  return listener;
}

class Paths {
 public:
  Paths(TomlTable table, std::filesystem::path folder) : table_(std::move(table)), folder_(std::move(folder)) {}
  Result<void> read(std::string_view key, std::filesystem::path& into) {
    SLUIS_TRY(const std::string text, table_.string(key));
    into = folder_ / text;
    return {};
  }
  Result<void> read_list(std::string_view key, std::vector<std::filesystem::path>& into) {
    SLUIS_TRY(const std::vector<std::string> texts, table_.strings(key));
    for (const std::string& text : texts) into.push_back(folder_ / text);
    return {};
  }
  TomlTable& table() { return table_; }

 private:
  TomlTable table_;
  std::filesystem::path folder_;
};

Result<void> read_node(TomlTable& root, NodeConfig& config) {
  SLUIS_TRY(TomlTable node, root.table("node"));
  SLUIS_TRY(const std::string participant, node.string("participant"));
  config.participant = ParticipantId(participant);
  SLUIS_TRY(config.name, node.string("name"));
  SLUIS_TRY(config.class_of_party, node.string("class"));
  SLUIS_TRY(config.contact_email, node.string("contact"));
  return {};
}

Result<void> read_tls(TomlTable table, const std::filesystem::path& folder, TlsConfig& into) {
  Paths tls(std::move(table), folder);
  SLUIS_CHECK(tls.read("certificate", into.chain));
  SLUIS_CHECK(tls.read("key", into.key));
  if (tls.table().has("crl")) SLUIS_CHECK(tls.read("crl", into.lists));
  SLUIS_TRY(into.allow_tls_1_2, read_min_version(tls.table()));
  return tls.read("roots", into.roots);
}

/// Mutual TLS, or fixed values in clear: then the exchange listener is reached on this machine only, by its number.
Result<void> read_exchange(TomlTable& root, NodeConfig& config) {
  SLUIS_TRY(std::optional<TomlTable> identity, root.optional_table("identity"));
  if (identity) {
    SLUIS_TRY(const std::string scheme, identity->string("scheme"));
    if (scheme != "static" && scheme != "mutual-tls") return identity->refused("scheme", "`" + scheme + "` is neither `mutual-tls` nor `static`");
    if (scheme == "static") {
      SLUIS_TRY(const std::string file, identity->string("file"));
      config.static_identity = config.folder / file;
    }
  }
  if (config.static_identity.empty()) {
    SLUIS_TRY(config.exchange, read_public_listener(root, "exchange"));
    return {};
  }
  const std::string why = "with the identity scheme `static`, which proves nothing, the exchange listener is for this machine only: ";
  SLUIS_TRY(TomlTable table, root.table("exchange"));
  SLUIS_TRY(config.exchange, read_listener(table));
  SLUIS_TRY(config.exchange.url, table.string("url"));
  if (!http::is_loopback(config.exchange.address)) {
    return table.refused("listen", why + "`" + config.exchange.address + "` can be reached from elsewhere")
        .mended_by("listen on 127.0.0.1, or use mutual TLS");
  }
  if (!identity::is_local_http(config.exchange.url) || config.exchange.url.ends_with('/')) {
    return table.refused("url", why + "`" + config.exchange.url + "` is not `http://`, a loopback number and a port")
        .mended_by("write `http://127.0.0.1:" + std::to_string(config.exchange.port) + "`");
  }
  return {};
}

/// The management interface: in clear on loopback, else with TLS (D16).
Result<void> read_management(TomlTable& root, NodeConfig& config) {
  SLUIS_TRY(TomlTable table, root.table("management"));
  SLUIS_TRY(config.management, read_listener(table));
  SLUIS_TRY(std::optional<TomlTable> tls, table.optional_table("tls"));
  SLUIS_TRY(const std::optional<std::string> url, table.optional_string("url"));
  SLUIS_TRY(const std::optional<std::string> grpc, table.optional_string("grpc"));
  config.management_grpc = grpc.value_or("");
  const std::string& address = config.management.address;
  const std::string authority = address + ":" + std::to_string(config.management.port);
  if (tls) {
    config.management_tls.emplace();
    SLUIS_CHECK(read_tls(std::move(*tls), config.folder, *config.management_tls));
    if (!config.management_tls->lists.empty() && !config.management_grpc.empty() && !config.management_grpc.starts_with("unix:")) {
      return table.refused("grpc", "the gRPC listener looks at no revocation lists, and [management.tls] names some")
          .mended_by("let it listen on a Unix socket, `grpc = \"unix:…\"`, or leave it out");
    }
    if (!url && (address == "0.0.0.0" || address == "[::]")) {
      return table.refused("listen", "`" + address + "` is every address: others cannot tell from it how to reach the node")
          .mended_by("add `url = \"https://<name in the certificate>:" + std::to_string(config.management.port) + "\"`");
    }
    config.management.url = url.value_or("https://" + authority);
    return check_url(table, config.management.url);
  }
  if (!http::is_loopback(address)) {
    return table.refused("listen", "without TLS the management interface listens on loopback only")
        .mended_by("listen on 127.0.0.1, or add [management.tls] with certificate, key and roots");
  }
  if (url) return table.refused("url", "without TLS the management interface is reached as it listens").mended_by("leave `url` out");
  config.management.url = "http://" + authority;
  return {};
}

Result<void> read_keys(TomlTable& root, NodeConfig& config) {
  SLUIS_TRY(TomlTable tls, root.table("tls"));
  SLUIS_CHECK(read_tls(tls, config.folder, config.tls));
  SLUIS_TRY(config.revocation_places, read_list_places(tls, config.folder, kRevocationKeys));
  if (!config.revocation_places.places.empty() && config.tls.lists.empty()) {
    return tls.refused(kRevocationKeys.sources, "lists are fetched into the file that `crl` names, and none is named").mended_by("add `crl = \"tls/crl.pem\"`");
  }
  SLUIS_TRY(TomlTable keys_table, root.table("keys"));
  Paths keys(std::move(keys_table), config.folder);
  SLUIS_CHECK(keys.read("log", config.log_key));
  SLUIS_CHECK(keys.read("claim", config.claim_key));
  SLUIS_TRY(config.claim_kid, keys.table().string("claim_kid"));
  SLUIS_CHECK(keys.read("node", config.node_key));
  if (keys.table().has("witness")) SLUIS_CHECK(keys.read("witness", config.witness_key));
  return keys.read("payloads", config.payload_keys);
}

constexpr std::size_t kMostWitnesses = 15;  // a note has sixteen signatures at most, and one is the log's

/// The same file as `sluis audit verify --policy` takes, so that what this node calls enough is what its auditor calls enough.
Result<void> read_witness_policy(TomlTable& table, const std::filesystem::path& file, NodeConfig& config) {
  for (const char* key : {"quorum", "witness"}) {
    if (table.has(key)) return table.refused(key, "the policy says who the witnesses are, and which are enough").mended_by("leave `quorum` and [[witnesses.witness]] out, or `policy`");
  }
  SLUIS_TRY(const std::string text, certs::read_file(file));
  SLUIS_TRY(const provenance::WitnessPolicy policy, provenance::WitnessPolicy::parse(text, file.string()));
  const auto refused = [&](const std::string& what, const std::string& mend) { return table.refused("policy", "`" + file.string() + "`: " + what).mended_by(mend); };
  if (policy.fewest() == 0) return refused("its quorum is `none`", "name who is enough, or leave [witnesses] out");
  if (policy.witnesses().size() > kMostWitnesses) return refused("more than 15 witnesses", "a checkpoint has no room for more cosignatures");
  for (const provenance::WitnessPolicy::Witness& one : policy.witnesses()) {
    std::string url = one.url;
    if (url.ends_with('/')) url.pop_back();
    if (!identity::is_local_http(url) && !url.starts_with("https://")) {
      return refused("the witness `" + one.name + "` has no address that begins with https://", "write it behind its key, as `witness panel panel.waterrijk.example+… https://panel.waterrijk.example:9443`");
    }
    config.witnesses.push_back({one.key.text(), std::move(url)});
  }
  config.witness_policy = file;
  return {};
}

Result<void> read_witnesses(TomlTable& root, NodeConfig& config) {
  SLUIS_TRY(std::optional<TomlTable> table, root.optional_table("witnesses"));
  if (!table) return {};
  SLUIS_TRY(const std::optional<std::string> roots, table->optional_string("roots"));
  if (roots) config.witness_roots = config.folder / *roots;
  SLUIS_TRY(const std::optional<std::string> policy, table->optional_string("policy"));
  if (policy) return read_witness_policy(*table, config.folder / *policy, config);
  SLUIS_TRY(const std::int64_t quorum, table->integer("quorum"));
  SLUIS_TRY(std::vector<TomlTable> list, table->tables("witness"));
  for (TomlTable& one : list) {
    NodeConfig::Witness witness;
    SLUIS_TRY(witness.key, one.string("key"));
    if (const auto key = provenance::VerifierKey::parse(witness.key, provenance::Signer::witness); !key) {
      return Error(key.error()).at(one.place("key")).mended_by("it is what `sluis witness` says when it starts: name+hex+base64");
    }
    SLUIS_TRY(witness.url, one.string("url"));
    if (!identity::is_local_http(witness.url)) SLUIS_CHECK(check_url(one, witness.url));
    const auto same = [&](const NodeConfig::Witness& other) { return other.key == witness.key; };
    if (std::any_of(config.witnesses.begin(), config.witnesses.end(), same)) return one.refused("key", "this witness is named twice");
    config.witnesses.push_back(std::move(witness));
  }
  if (config.witnesses.size() > kMostWitnesses) return table->refused("witness", "more than 15 witnesses");
  if (quorum < 1 || quorum > static_cast<std::int64_t>(config.witnesses.size())) {
    return table->refused("quorum", "more cosignatures than there are witnesses, or none");
  }
  config.witness_quorum = static_cast<std::uint64_t>(quorum);
  return {};
}

/// What collectors and webhooks have in common: where they are, and how either side shows who it is.
Result<NodeConfig::Collector> read_receiver(TomlTable& one, const NodeConfig& config, const std::vector<NodeConfig::Collector>& others, const std::string& what) {
  constexpr std::size_t kMost = 8;  // each form of each has a thread
  NodeConfig::Collector receiver;
  SLUIS_TRY(receiver.url, one.string("url"));
  if (receiver.url.ends_with('/')) receiver.url.pop_back();
  if (receiver.url.find_first_of("?#@ ") != std::string::npos) {
    return one.refused("url", "a " + what + "'s address has no query, fragment or user").mended_by("a credential belongs in a file that `credential` names");
  }
  if (!identity::is_local_http(receiver.url) && !receiver.url.starts_with("https://")) {
    return one.refused("url", "`" + receiver.url + "` must begin with https://: records travel in clear on this machine only")
        .mended_by("give the " + what + " a certificate, or reach one on this machine as http://127.0.0.1:4318");
  }
  SLUIS_TRY(const std::optional<std::string> roots, one.optional_string("roots"));
  if (roots) receiver.roots = config.folder / *roots;
  SLUIS_TRY(const std::optional<std::string> credential, one.optional_string("credential"));
  if (credential) receiver.credential = config.folder / *credential;
  SLUIS_TRY(receiver.certificate, one.boolean_or("certificate", false));
  const auto same = [&](const NodeConfig::Collector& other) { return other.url == receiver.url; };
  if (std::any_of(others.begin(), others.end(), same)) return one.refused("url", "this " + what + " is named twice");
  if (others.size() == kMost) return one.refused("url", "more than 8 " + what + "s");
  return receiver;
}

/// Of a list of names, each known, and none twice.
Result<void> check_names(TomlTable& one, const char* key, const std::vector<std::string>& names, const std::vector<std::string_view>& known,
                         const std::string& unknown) {
  for (auto at = names.begin(); at != names.end(); ++at) {
    const auto place = one.place(key, static_cast<std::size_t>(at - names.begin()));
    if (std::find(known.begin(), known.end(), *at) == known.end()) {
      return Error(ErrorCode::invalid_argument, "`" + *at + "` is " + unknown).at(place).mended_by(suggestion(*at, known));
    }
    if (std::find(names.begin(), at, *at) != at) return Error(ErrorCode::invalid_argument, "`" + *at + "` is named twice").at(place);
  }
  return {};
}

/// Where records are pushed to (decision 19).
Result<void> read_collectors(TomlTable& root, NodeConfig& config) {
  SLUIS_TRY(std::vector<TomlTable> list, root.tables("collector"));
  for (TomlTable& one : list) {
    SLUIS_TRY(NodeConfig::Collector collector, read_receiver(one, config, config.collectors, "collector"));
    SLUIS_TRY(collector.forms, one.strings("forms"));
    SLUIS_CHECK(check_names(one, "forms", collector.forms, {"ldv", "adl"}, "no form that OTLP carries"));
    if (collector.forms.empty()) return one.refused("forms", "no form of records is named").mended_by("write `forms = [\"ldv\", \"adl\"]`");
    config.collectors.push_back(std::move(collector));
  }
  return {};
}

/// Who hears of events (decision 26).
Result<void> read_webhooks(TomlTable& root, NodeConfig& config) {
  std::vector<std::string_view> kinds;
  for (unsigned kind = 0; kind < 256; ++kind) {
    if (const std::string_view name = provenance::kind_name(static_cast<std::uint8_t>(kind)); !name.empty()) kinds.push_back(name);
  }
  SLUIS_TRY(std::vector<TomlTable> list, root.tables("webhook"));
  for (TomlTable& one : list) {
    SLUIS_TRY(NodeConfig::Collector webhook, read_receiver(one, config, config.webhooks, "webhook"));
    webhook.forms = {"events"};
    SLUIS_TRY(const std::string secret, one.string("secret"));
    webhook.secret = config.folder / secret;
    SLUIS_TRY(webhook.kinds, one.strings("kinds"));
    SLUIS_CHECK(check_names(one, "kinds", webhook.kinds, kinds, "no kind of entry"));
    config.webhooks.push_back(std::move(webhook));
  }
  return {};
}

Result<void> read_data(TomlTable& root, NodeConfig& config) {
  SLUIS_TRY(TomlTable data_table, root.table("data"));
  Paths data(std::move(data_table), config.folder);
  SLUIS_CHECK(data.read("store", config.store));
  if (data.table().has("reserve_mib")) {
    SLUIS_TRY(const std::int64_t reserve, data.table().integer("reserve_mib"));
    if (reserve < 0 || reserve > 65536) return data.table().refused("reserve_mib", "from 0 (no reserve) to 65536 MiB");
    config.reserve_mib = static_cast<std::uint64_t>(reserve);
  }
  SLUIS_CHECK(data.read("checkpoints", config.checkpoints));
  SLUIS_CHECK(data.read("datasets", config.datasets));
  SLUIS_CHECK(data.read("roles", config.roles));
  SLUIS_CHECK(data.read("purposes", config.purposes));
  if (data.table().has("purposes_sha256")) {
    SLUIS_TRY(config.purposes_sha256, data.table().string("purposes_sha256"));
    const auto raw = from_hex(config.purposes_sha256);
    if (!raw || raw->size() != sizeof(Hash) || to_hex(*raw) != config.purposes_sha256) {
      return data.table().refused("purposes_sha256", "a SHA-256 is 64 hexadecimal digits, in lower case").mended_by("`sha256sum` on the file says it");
    }
  }
  SLUIS_CHECK(data.read_list("more_purposes", config.more_purposes));
  SLUIS_TRY(config.log_origin, data.table().string("log_origin"));
  if (data.table().has("keep_log_days")) {
    SLUIS_TRY(const std::int64_t keep, data.table().integer("keep_log_days"));
    if (keep < 1 || keep > 36500) return data.table().refused("keep_log_days", "the log's entries are kept from 1 to 36500 days");
    config.keeps_log = std::chrono::days(keep);
  }
  if (!provenance::may_be_origin(config.log_origin)) {
    return data.table().refused("log_origin", "an origin is not empty, and has no space, plus sign or control character").mended_by("write it as `waterrijk.example/log`");
  }
  SLUIS_TRY(TomlTable membership_table, root.table("membership"));
  Paths membership(std::move(membership_table), config.folder);
  SLUIS_CHECK(membership.read_list("keys", config.membership_keys));
  SLUIS_TRY(const std::int64_t threshold, membership.table().integer("threshold"));
  if (threshold < 1 || config.membership_keys.empty() ||
      threshold > static_cast<std::int64_t>(config.membership_keys.size())) {
    return membership.table().refused("threshold", "more signatures than there are keys, or none");
  }
  config.membership_threshold = static_cast<std::uint64_t>(threshold);
  SLUIS_TRY(config.membership_places, read_list_places(membership.table(), config.folder, kMembershipKeys));
  return {};
}

Result<void> read_backup(TomlTable& root, NodeConfig& config) {
  SLUIS_TRY(std::optional<TomlTable> table, root.optional_table("backup"));
  if (!table) return {};
  const bool has_keep = table->has("keep");
  const bool has_age = table->has("keys_days");
  Paths backup(std::move(*table), config.folder);
  SLUIS_CHECK(backup.read("store", config.backup_store));
  SLUIS_CHECK(backup.read("keys", config.backup_keys));
  const std::string store = config.backup_store.lexically_normal().string();
  const std::string keys = config.backup_keys.lexically_normal().string();
  if (store == keys || (store + "/").starts_with(keys + "/") || (keys + "/").starts_with(store + "/")) {
    return backup.table().refused("keys", "keys and store lie in one another: whoever has one would have both").mended_by("name two folders, best on two disks");
  }
  if (has_keep) {
    SLUIS_TRY(const std::int64_t keep, backup.table().integer("keep"));
    if (keep < 1 || keep > 1000) return backup.table().refused("keep", "from 1 to 1000 backups are kept");
    config.backups_kept = static_cast<std::uint32_t>(keep);
  }
  if (has_age) {
    SLUIS_TRY(const std::int64_t age, backup.table().integer("keys_days"));
    if (age < 1 || age > 3650) return backup.table().refused("keys_days", "copies of keys are kept from 1 to 3650 days");
    config.backup_keys_age = std::chrono::days(age);
  }
  return {};
}

Result<void> read_policy(TomlTable& root, NodeConfig& config) {
  SLUIS_TRY(std::optional<TomlTable> policy, root.optional_table("policy"));
  if (!policy) return {};
  SLUIS_TRY(const std::string other, policy->string("other_offers"));
  if (other != "refuse" && other != "steward") {
    return policy->refused("other_offers", "`" + other + "` is neither `refuse` nor `steward`");
  }
  config.refuse_unknown_offers = other == "refuse";
  if (policy->has("negotiation_days")) {
    SLUIS_TRY(const std::int64_t days, policy->integer("negotiation_days"));
    if (days < 1 || days > 365) return policy->refused("negotiation_days", "a negotiation is to be concluded within 1 to 365 days");
    config.negotiation_days = std::chrono::days(days);
  }
  SLUIS_TRY(const std::optional<std::string> situations, policy->optional_string("situations"));
  if (situations) config.situations = config.folder / *situations;
  SLUIS_TRY(const std::optional<std::string> script, policy->optional_string("script"));
  if (script) config.script = config.folder / *script;
  return {};
}

/// What one party may do (D23); more is answered with 429 and counted.
Result<void> read_quota(TomlTable& root, NodeConfig& config) {
  SLUIS_TRY(std::optional<TomlTable> table, root.optional_table("quota"));
  if (!table) return {};
  for (const auto& [name, into] : {std::pair("requests_per_minute", &config.requests_a_minute), std::pair("refusals_per_minute", &config.refusals_a_minute),
                                   std::pair("negotiations_per_minute", &config.negotiations_a_minute)}) {
    if (!table->has(name)) continue;
    SLUIS_TRY(const std::int64_t given, table->integer(name));
    if (given < 1 || given > 100'000'000) return table->refused(name, "from 1 to 100 million a minute");
    *into = static_cast<double>(given);
  }
  if (table->has("releases_at_once")) {
    SLUIS_TRY(const std::int64_t given, table->integer("releases_at_once"));
    constexpr auto kMost = static_cast<std::int64_t>(limits::kConnections - limits::kConnections / 8);
    if (given < 2 || given > kMost) {
      return table->refused("releases_at_once", "from 2 to " + std::to_string(kMost) + ": the other connections of a listener are for messages");
    }
    config.releases_at_once = static_cast<std::size_t>(given);
  }
  return {};
}

/// Logs by period, and what others' logs should say.
Result<void> read_log(TomlTable& root, NodeConfig& config) {
  SLUIS_TRY(std::optional<TomlTable> table, root.optional_table("log"));
  if (!table) return {};
  if (table->has("period")) {
    SLUIS_TRY(const std::string period, table->string("period"));
    config.log_period = period_from(period);
    if (!config.log_period) return table->refused("period", "`month`, `quarter` or `year`");
  }
  if (table->has("receipts_within_hours")) {
    SLUIS_TRY(const std::int64_t hours, table->integer("receipts_within_hours"));
    if (hours < 1 || hours > 720) return table->refused("receipts_within_hours", "a receipt is awaited from 1 to 720 hours");
    config.receipts_within = std::chrono::hours(hours);
  }
  return {};
}

Result<void> read_outbox(TomlTable& root, NodeConfig& config) {
  SLUIS_TRY(std::optional<TomlTable> table, root.optional_table("outbox"));
  if (!table || !table->has("give_up_after_days")) return {};
  SLUIS_TRY(const std::int64_t days, table->integer("give_up_after_days"));
  if (days < 1 || days > 3650) return table->refused("give_up_after_days", "from 1 to 3650");
  config.gives_up_after = std::chrono::days(days);
  return {};
}

}  // namespace

Result<NodeConfig> read_config(const std::filesystem::path& file) {
  SLUIS_TRY(const std::string text, certs::read_file(file));
  SLUIS_TRY(TomlTable root, TomlTable::parse(text, file.string()));
  NodeConfig config;
  std::error_code ec;
  config.file = std::filesystem::absolute(file, ec);
  config.folder = config.file.parent_path();
  SLUIS_CHECK(read_node(root, config));
  SLUIS_CHECK(read_exchange(root, config));
  SLUIS_TRY(config.open, read_public_listener(root, "public"));
  SLUIS_CHECK(read_management(root, config));
  SLUIS_CHECK(read_keys(root, config));
  SLUIS_TRY(config.inner, read_inner(root));
  SLUIS_TRY(config.proxy, read_proxy(root, config.folder));
  SLUIS_CHECK(read_data(root, config));
  SLUIS_CHECK(read_policy(root, config));
  SLUIS_CHECK(read_backup(root, config));
  SLUIS_CHECK(read_quota(root, config));
  SLUIS_CHECK(read_log(root, config));
  SLUIS_CHECK(read_outbox(root, config));
  SLUIS_CHECK(read_witnesses(root, config));
  SLUIS_CHECK(read_collectors(root, config));
  SLUIS_CHECK(read_webhooks(root, config));
  SLUIS_CHECK(root.finish());
  return config;
}

}  // namespace sluis::node
