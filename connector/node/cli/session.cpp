#include "connector/node/cli/session.hpp"

#include "connector/node/cli/words.hpp"

#include "connector/base/limits.hpp"
#include "connector/node/cli/output.hpp"
#include "connector/base/suggest.hpp"
#include "connector/base/toml.hpp"
#include "connector/http/loopback.hpp"
#include "connector/identity/roles.hpp"
#include "connector/management/status_codes.hpp"
#include "connector/node/config.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <ostream>
#include <sstream>

namespace sluis::cli {
namespace {

Error wrong_use(std::string message, std::string mend) {
  return Error(ErrorCode::invalid_argument, std::move(message)).mended_by(std::move(mend));
}

/// `http://<host>[:port]` on this machine.
bool on_loopback(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return false;
  url.remove_prefix(kScheme.size());
  const auto end = url.starts_with('[') ? url.find(']') + 1 : url.find_first_of(":/");
  const std::string_view host = url.substr(0, end);
  return host == "localhost" || http::is_loopback(host);
}

/// Either a token or a certificate with its key; nobody else may read the secret one.
Result<void> show(Target& target, const std::string& token_file, const std::string& certificate, const std::string& key) {
  if (certificate.empty() != key.empty()) {
    return wrong_use("a client certificate goes with its key", "give both --certificate and --key");
  }
  if (certificate.empty()) {
    SLUIS_TRY(target.token, identity::read_token_file(token_file));
    return {};
  }
  SLUIS_CHECK(identity::for_owner_only(key));
  target.tls.chain = certificate;
  target.tls.key = key;
  return {};
}

Result<Target> from_config(const Options& options, const std::string& role) {
  SLUIS_TRY(const auto config, node::read_config(options.config));
  Target target;
  target.url = options.url.empty() ? config.management.url : options.url;
  if (config.management_tls) target.tls.roots = config.management_tls->roots.string();
  const auto file = options.token_file.empty() ? (config.folder / "tokens" / role).string() : options.token_file;
  SLUIS_CHECK(show(target, file, options.certificate, options.key));
  return target;
}

Result<Target> from_contexts(const Options& options, const Surroundings& with) {
  const std::string file = options.contexts.empty() ? with.contexts.string() : options.contexts;
  auto text = read_text(file, limits::kTomlBytes);
  if (!text) {
    if (!options.context.empty() || !options.contexts.empty()) return text.error();
    return wrong_use("no node is named", "use --config node.toml, --url with --token-file, or --context");
  }
  SLUIS_TRY(auto root, TomlTable::parse(*text, file));
  SLUIS_TRY(const auto current, root.optional_string("current"));
  SLUIS_TRY(auto contexts, root.table("context"));
  const std::string name = options.context.empty() ? current.value_or("") : options.context;
  if (!contexts.has(name)) {
    const auto keys = contexts.keys();
    const std::vector<std::string_view> names(keys.begin(), keys.end());
    return wrong_use(fmt::format("no context `{}` in `{}`", name, file), suggestion(name, names));
  }
  for (const auto& key : contexts.keys()) {
    SLUIS_TRY(auto context, contexts.table(key));
    SLUIS_TRY(const auto url, context.string("url"));
    SLUIS_TRY(const auto token_file, context.optional_string("token_file"));
    SLUIS_TRY(const auto certificate, context.optional_string("certificate"));
    SLUIS_TRY(const auto private_key, context.optional_string("key"));
    SLUIS_TRY(const auto roots, context.optional_string("roots"));
    SLUIS_CHECK(context.finish());
    if (token_file.has_value() == certificate.has_value()) {
      return context.refused("url", "a context has a `token_file`, or a `certificate` with its `key`");
    }
    if (key != name) continue;
    const auto beside = [&file](const std::optional<std::string>& path) {  // an absolute one stays as it is
      return path ? (std::filesystem::path(file).parent_path() / *path).string() : std::string();
    };
    Target target{url, {}, {"", "", beside(roots)}};
    SLUIS_CHECK(show(target, beside(token_file), beside(certificate), beside(private_key)));
    return target;
  }
  return wrong_use(fmt::format("no context `{}` in `{}`", name, file), "");
}

}  // namespace

Result<Target> find_target(const Options& options, const Surroundings& surroundings, const std::string& role) {
  if (!options.token_file.empty() && !options.certificate.empty()) {
    return wrong_use("`--token-file` and `--certificate` are two ways to say who asks", "give one of them");
  }
  Result<Target> found = [&]() -> Result<Target> {
    if (!options.config.empty()) return from_config(options, options.role.empty() ? role : options.role);
    if (options.url.empty()) return from_contexts(options, surroundings);
    if (options.token_file.empty() && options.certificate.empty()) {
      return wrong_use("`--url` needs `--token-file`, or `--certificate` and `--key`", "name the file of a role's token");
    }
    Target target{options.url, {}, {}};
    SLUIS_CHECK(show(target, options.token_file, options.certificate, options.key));
    return target;
  }();
  if (!found) return found;
  if (!options.roots.empty()) found->tls.roots = options.roots;
  if (!found->token.empty() && !found->url.starts_with("https://") && !on_loopback(found->url)) {
    return wrong_use(fmt::format("a token would go to `{}` in clear", found->url), "use https, or a tunnel to this machine");
  }
  while (found->url.ends_with('/')) found->url.pop_back();
  return found;
}

Result<void> Session::connect(const std::string& role) {
  if (client_) return {};
  auto found = find_target(options, with, role);
  named_none_ = !found;
  if (!found) return std::move(found).error();
  target_ = std::move(*found);
  http::ClientOptions client;
  client.tls = target_->tls;
  client.allow_http = true;
  SLUIS_TRY(client_, http::Client::make(client, with.clock));
  return {};
}

Result<json::Value> Session::call(const std::string& method, const json::Value& request) {
  SLUIS_CHECK(connect());
  http::PeerRequest post;
  post.url = fmt::format("{}/sluis.v1.{}", target_->url, method);
  post.headers = target_->headers();
  post.headers["content-type"] = "application/json";
  post.headers["connect-protocol-version"] = "1";
  post.body = request.if_object() == nullptr ? "{}" : json::serialise(request);
  if (post.body.size() > limits::kJsonBytes) {
    return Error(ErrorCode::limit_exceeded, fmt::format("this is {} bytes as it is sent, and the node takes {}", post.body.size(), limits::kJsonBytes))
        .at({text_at(request, "file"), 0, 0, ""})
        .mended_by("send a smaller file, or what stands in it in parts");
  }
  post.timeout = std::chrono::minutes(30);  // an erasure, a copy or a comparison reads a whole log
  const auto answer = client_->send(post);
  if (!answer) {
    Error error = answer.error();
    if (error.mend.empty()) error.mend = fmt::format("is the node running, and does it listen on {}?", target_->url);
    return error;
  }
  if (answer->status != 200) return error_of(answer->status, answer->body);
  json::Bounds bounds;
  bounds.bytes = limits::kResponseBytes;
  bounds.values = limits::kResponseBytes;
  return json::parse(answer->body, bounds);
}

void Session::fail(const Error& error, int exit_code) {
  with.err << to_text(error, options);
  code_ = named_none_ ? 2 : exit_code;
}

bool Session::confirmed(const std::string& question) {
  if (!with.terminal || options.no_input || !with.read_line) return true;
  with.err << question << say(options, "yes-no") << std::flush;
  const std::string answer = with.read_line();
  if (options.lang == "nl" && (answer == "j" || answer == "J" || answer == "ja")) return true;
  return answer == "y" || answer == "Y" || answer == "yes";
}

Error error_of(unsigned status, std::string_view body) {
  Error error(ErrorCode::internal, fmt::format("the node answered with status {}", status));
  if (status == 413) error = Error(ErrorCode::limit_exceeded, "this is larger than the node takes").mended_by("send a smaller file");
  const auto value = json::parse(body);
  if (!value) return error;
  if (const auto* message = value->find("message"); message != nullptr && message->if_string() != nullptr) {
    error.message = *message->if_string();
  }
  const auto* details = value->find("details");
  const auto* list = details == nullptr ? nullptr : details->if_array();
  if (list == nullptr || list->empty()) return error;
  const auto* text = list->front().find("value");
  if (text == nullptr || text->if_string() == nullptr) return error;
  std::string padded = *text->if_string();
  while (padded.size() % 4 != 0) padded += '=';
  const auto bytes = from_base64(padded);
  v1::ErrorDetail detail;
  if (!bytes || !detail.ParseFromString(*bytes)) return error;
  return management::from_detail(detail);
}

std::string to_text(const Error& error, const Options& options) {
  const auto row = [&](std::string_view key, std::string_view value) {
    return fmt::format("  {:<7}{}\n", say(options, key) + ":", value);
  };
  std::string text = "sluis: " + say(options, to_string(error.code), error.message) + "\n";
  std::string place = error.place.file;
  if (error.place.line != 0) place += fmt::format(":{}:{}", error.place.line, error.place.column);
  if (!error.place.pointer.empty()) place += (place.empty() ? "" : " at ") + error.place.pointer;
  if (!place.empty()) text += row("error.where", place);
  if (!error.mend.empty()) text += row("error.mend", error.mend);
  return text + row("error.code", to_string(error.code));
}

Result<std::string> read_line(const std::string& file, std::size_t limit) {
  SLUIS_TRY(std::string text, read_text(file, limit));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

json::Value with_language(const Session& session) {
  json::Value request{json::Object{}};
  if (!session.options.lang.empty()) request.set("lang", session.options.lang);
  return request;
}

Result<std::string> read_text(const std::string& file, std::size_t limit) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  std::error_code ignored;
  if (!in || std::filesystem::is_directory(file, ignored)) {
    return Error(ErrorCode::invalid_argument, fmt::format("cannot read `{}`", file))
        .mended_by("is it there, and may you read it?");
  }
  std::string chunk(64U << 10U, '\0');
  while (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())), in.gcount() > 0) {
    text.write(chunk.data(), in.gcount());
    if (static_cast<std::size_t>(text.tellp()) > limit) {
      return Error(ErrorCode::limit_exceeded, fmt::format("`{}` is larger than {} bytes", file, limit))
          .mended_by("give a smaller file");
    }
  }
  return std::move(text).str();
}

Result<void> write_text(const std::string& file, std::string_view text) {
  const std::string part = file + ".part";
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  out << text << std::flush;
  std::error_code failed;
  if (out) std::filesystem::rename(part, file, failed);
  if (!out || failed) return Error(ErrorCode::storage_unavailable, fmt::format("cannot write `{}`", file));
  return {};
}

}  // namespace sluis::cli
