#include "connector/node/config.hpp"

#include "certs/authority.hpp"
#include "connector/base/toml.hpp"

#include <charconv>

namespace sluis::node {
namespace {

Result<ListenerConfig> read_listener(TomlTable& root, std::string_view key, bool public_url) {
  SLUIS_TRY(TomlTable table, root.table(key));
  SLUIS_TRY(const std::string listen, table.string("listen"));
  ListenerConfig listener;
  const std::size_t colon = listen.rfind(':');
  listener.address = listen.substr(0, colon);
  unsigned port = 0;
  const char* end = listen.data() + listen.size();
  if (colon == std::string::npos ||
      std::from_chars(listen.data() + colon + 1, end, port).ptr != end || port > 65535 || listener.address.empty()) {
    return table.refused("listen", "`" + listen + "` is not address:port");
  }
  listener.port = static_cast<std::uint16_t>(port);
  if (public_url) {
    SLUIS_TRY(listener.url, table.string("url"));
    if (!listener.url.starts_with("https://") || listener.url.ends_with('/')) {
      return table.refused("url", "`" + listener.url + "` must begin with https:// and not end with /");
    }
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

Result<void> read_keys(TomlTable& root, NodeConfig& config) {
  SLUIS_TRY(TomlTable tls_table, root.table("tls"));
  Paths tls(std::move(tls_table), config.folder);
  SLUIS_CHECK(tls.read("certificate", config.tls_chain));
  SLUIS_CHECK(tls.read("key", config.tls_key));
  SLUIS_CHECK(tls.read("roots", config.tls_roots));
  SLUIS_TRY(TomlTable keys_table, root.table("keys"));
  Paths keys(std::move(keys_table), config.folder);
  SLUIS_CHECK(keys.read("log", config.log_key));
  SLUIS_CHECK(keys.read("claim", config.claim_key));
  SLUIS_TRY(config.claim_kid, keys.table().string("claim_kid"));
  SLUIS_CHECK(keys.read("node", config.node_key));
  return keys.read("payloads", config.payload_keys);
}

Result<void> read_data(TomlTable& root, NodeConfig& config) {
  SLUIS_TRY(TomlTable data_table, root.table("data"));
  Paths data(std::move(data_table), config.folder);
  SLUIS_CHECK(data.read("store", config.store));
  SLUIS_CHECK(data.read("checkpoints", config.checkpoints));
  SLUIS_CHECK(data.read("datasets", config.datasets));
  SLUIS_CHECK(data.read("roles", config.roles));
  SLUIS_CHECK(data.read("purposes", config.purposes));
  SLUIS_CHECK(data.read_list("more_purposes", config.more_purposes));
  SLUIS_TRY(config.log_origin, data.table().string("log_origin"));
  SLUIS_TRY(TomlTable membership_table, root.table("membership"));
  Paths membership(std::move(membership_table), config.folder);
  SLUIS_CHECK(membership.read_list("keys", config.membership_keys));
  SLUIS_TRY(const std::int64_t threshold, membership.table().integer("threshold"));
  if (threshold < 1 || config.membership_keys.empty() ||
      threshold > static_cast<std::int64_t>(config.membership_keys.size())) {
    return membership.table().refused("threshold", "more signatures than there are keys, or none");
  }
  config.membership_threshold = static_cast<std::uint64_t>(threshold);
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
  SLUIS_TRY(const std::optional<std::string> situations, policy->optional_string("situations"));
  if (situations) config.situations = config.folder / *situations;
  return {};
}

}  // namespace

Result<NodeConfig> read_config(const std::filesystem::path& file) {
  SLUIS_TRY(const std::string text, certs::read_file(file));
  SLUIS_TRY(TomlTable root, TomlTable::parse(text, file.string()));
  NodeConfig config;
  std::error_code ec;
  config.folder = std::filesystem::absolute(file, ec).parent_path();
  SLUIS_CHECK(read_node(root, config));
  SLUIS_TRY(config.exchange, read_listener(root, "exchange", true));
  SLUIS_TRY(config.open, read_listener(root, "public", true));
  SLUIS_TRY(config.management, read_listener(root, "management", false));
  SLUIS_TRY(TomlTable management, root.table("management"));
  if (!config.management.address.starts_with("127.")) {
    return management.refused("listen", "the management interface has no TLS of its own: it listens on loopback only")
        .mended_by("listen on 127.0.0.1, and reach it through a tunnel or a proxy on the same machine");
  }
  SLUIS_TRY(const std::optional<std::string> grpc, management.optional_string("grpc"));
  config.management_grpc = grpc.value_or("");
  SLUIS_CHECK(read_keys(root, config));
  SLUIS_CHECK(read_data(root, config));
  SLUIS_CHECK(read_policy(root, config));
  SLUIS_CHECK(root.finish());
  return config;
}

}  // namespace sluis::node
