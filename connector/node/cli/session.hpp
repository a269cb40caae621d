#pragma once

#include "connector/http/client.hpp"
#include "connector/json/json.hpp"
#include "connector/node/cli/surroundings.hpp"

#include <map>
#include <memory>
#include <optional>

namespace sluis::cli {

/// The options that every command has.
struct Options {
  std::string output = "table";
  std::string context;
  std::string contexts;
  std::string url;
  std::string token_file;
  std::string certificate;  ///< and its key: instead of a token
  std::string key;
  std::string roots;
  std::string config;
  std::string role;
  std::string lang = "en";  ///< or "nl"
  bool no_input = false;
};

/// A node to ask, and as whom: by a token, or else by the certificate of `tls`.
struct Target {
  std::string url;  ///< of the management listener, without a trailing slash
  std::string token;
  http::TlsFiles tls;
  http::Headers headers() const {
    return token.empty() ? http::Headers() : http::Headers{{"authorization", "Bearer " + token}};
  }
};

/// `role` is what the command needs unless another was asked for. invalid_argument: no node is named.
Result<Target> find_target(const Options& options, const Surroundings& surroundings, const std::string& role);

/// One run of a command.
class Session {
 public:
  Session(Surroundings surroundings, int& code) : with(std::move(surroundings)), code_(code) {}

  /// Calls a method, as `DatasetService/List`. Errors as the node gave them.
  Result<json::Value> call(const std::string& method, const json::Value& request);
  /// The client and the node that it asks.
  Result<void> connect(const std::string& role = "steward");
  const Target& target() const { return *target_; }
  http::Client& client() { return *client_; }

  /// Prints what, where, how to mend and the code; the exit code becomes 1, or 2 where no node could be named.
  void fail(const Error& error, int exit_code = 1);
  void leave(int exit_code) { code_ = exit_code; }
  /// Whether a dangerous act may go on: asks on a terminal.
  bool confirmed(const std::string& question);

  Options options;
  Surroundings with;

 private:
  int& code_;
  bool named_none_ = false;
  std::optional<Target> target_;
  std::unique_ptr<http::Client> client_;
};

/// An error in Connect's form, as the node wrote it.
Error error_of(unsigned status, std::string_view body);
/// What, where, mend, code: one line each.
std::string to_text(const Error& error, const Options& options);

/// A request that says in which language sentences are wanted.
json::Value with_language(const Session& session);
/// A file as text. invalid_argument: it cannot be read, or is larger than `limit`.
Result<std::string> read_text(const std::string& file, std::size_t limit);
/// The same, without what ends its last line.
Result<std::string> read_line(const std::string& file, std::size_t limit);
/// Writes a file whole, by way of a temporary one beside it.
Result<void> write_text(const std::string& file, std::string_view text);

}  // namespace sluis::cli
