#include "connector/node/cli/cli.hpp"

#include "connector/node/cli/command.hpp"
#include "connector/node/cli/special.hpp"

#include <pwd.h>
#include <unistd.h>

#include <iostream>
#include <map>

namespace sluis::cli {
namespace {

const std::map<std::string_view, const char*> kNouns = {
    {"dataset", "what this node offers"},
    {"terms", "terms before anybody relies on them"},
    {"catalog", "what others offer"},
    {"membership", "who takes part"},
    {"purpose", "the purposes that terms may name"},
    {"activity", "the processing activities of this organisation"},
    {"agreement", "agreeing on terms with others"},
    {"negotiation", "what leads to agreements"},
    {"transfer", "access under an agreement"},
    {"outbox", "messages to other parties"},
    {"retention", "what must be deleted"},
    {"audit", "the provenance log"},
    {"backup", "copies of the node"},
    {"log", "the log as such"},
    {"demo", "nodes made for a demonstration"},
    {"config", "the node's configuration"},
};

void add_argument(CLI::App& command, const Argument& argument, Given& given, std::size_t at) {
  const std::string name(argument.name == "--until" ? "--until,--to" : argument.name);
  const std::string help(argument.help);
  CLI::Option* option = nullptr;
  if (argument.kind == Kind::flag) {
    option = command.add_flag_function(
        name, [&given, at](std::int64_t count) { given.flags[at] = count > 0; }, help);
  } else if (argument.kind == Kind::list) {
    option = command.add_option(name, given.lists[at], help)->allow_extra_args(false);
  } else {
    option = command.add_option(name, given.values[at], help);
  }
  if (argument.required) option->required();
}

void add_command(CLI::App& app, const SessionPtr& session, const Command& command) {
  auto& sub = verb(app, command.noun, command.verb, command.help);
  auto given = std::make_shared<Given>();
  given->values.resize(command.arguments.size());
  given->lists.resize(command.arguments.size());
  given->flags.resize(command.arguments.size());
  for (std::size_t i = 0; i < command.arguments.size(); ++i) add_argument(sub, command.arguments[i], *given, i);
  if (command.changes) sub.add_flag("--dry-run", given->dry_run, "says what would happen, and changes nothing");
  if (command.paged) sub.add_option("--limit", given->limit, "rows at most");
  if (command.waits != Waits::no) {
    sub.add_flag("--wait", given->wait, "until it is decided; exit 1 if it is refused");
    sub.add_option("--wait-seconds", given->wait_seconds, "how long at most; 60 unless given");
  }
  sub.callback([session, &command, given, &sub] {
    if (sub.get_subcommands().empty()) run(*session, command, *given);  // else `doctor` was written before `peer`
  });
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("-o,--output", options.output, "table, json, yaml or name")
      ->check(CLI::IsMember({"table", "json", "yaml", "name"}));
  app.add_option("--context", options.context, "which node of contexts.toml");
  app.add_option("--contexts", options.contexts, "the file of contexts; ~/.config/sluis/contexts.toml unless given");
  app.add_option("--url", options.url, "of a node's management listener");
  app.add_option("--token-file", options.token_file, "of a role's token");
  app.add_option("--certificate", options.certificate, "a client certificate that has a role, instead of a token");
  app.add_option("--key", options.key, "of that certificate; for its owner only");
  app.add_option("--roots", options.roots, "certificates that sign the management listener's, where it has TLS");
  app.add_option("--config", options.config, "a node.toml on this machine: its address, and its token of --role");
  app.add_option("--role", options.role, "which token of that node; steward unless given");
  app.add_option("--lang", options.lang, "the language of sentences: en or nl")->check(CLI::IsMember({"en", "nl"}));
  app.add_flag("--no-input", options.no_input, "asks nothing");
}

std::filesystem::path default_contexts() {
  const passwd* user = getpwuid(getuid());
  return std::filesystem::path(user == nullptr ? "" : user->pw_dir) / ".config/sluis/contexts.toml";
}

}  // namespace

CLI::App& noun(CLI::App& app, std::string_view name) {
  const std::string wanted(name);
  for (auto* there : app.get_subcommands([&](CLI::App* sub) { return sub->get_name() == wanted; })) return *there;
  const auto about = kNouns.find(name);
  auto* made = app.add_subcommand(wanted, about == kNouns.end() ? "" : about->second);
  made->require_subcommand(1);
  made->fallthrough();
  return *made;
}

CLI::App& verb(CLI::App& app, std::string_view noun_name, std::string_view name, std::string_view help) {
  CLI::App& above = name.empty() ? app : noun(app, noun_name);
  auto* made = above.add_subcommand(std::string(name.empty() ? noun_name : name), std::string(help));
  made->fallthrough();
  return *made;
}

void add_commands(CLI::App& app, int& code, const Surroundings& surroundings) {
  auto session = std::make_shared<Session>(surroundings, code);
  add_options(app, session->options);
  for (const auto& command : commands()) add_command(app, session, command);
  add_audit_asking(app, session);
  add_audit_papers(app, session);
  add_findings(app, session);
  add_package(app, session);
  add_audit_export(app, session);
  add_subject(app, session);
  add_reconcile(app, session);
  add_pull(app, session);
  add_register(app, session);
  add_terms(app, session);
  add_program(app, session);
}

void add_commands(CLI::App& app, int& code) {
  static const SystemClock kClock;
  const auto read_line = [] {
    std::string line;
    std::getline(std::cin, line);
    return line;
  };
  add_commands(app, code, Surroundings{std::cout, std::cerr, kClock, isatty(0) == 1 && isatty(2) == 1, read_line,
                                       default_contexts()});
}

}  // namespace sluis::cli
