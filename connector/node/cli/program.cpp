#include "connector/node/cli/special.hpp"

#include <fmt/core.h>

#include <ostream>

namespace sluis::cli {
namespace {

/// `noun: verb verb …` for each word that may follow.
std::vector<std::pair<std::string, std::string>> words_of(const CLI::App& app) {
  std::vector<std::pair<std::string, std::string>> words;
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    std::string verbs;
    for (const auto* below : sub->get_subcommands([](const CLI::App*) { return true; })) {
      verbs += (verbs.empty() ? "" : " ") + below->get_name();
    }
    words.emplace_back(sub->get_name(), verbs);
  }
  return words;
}

std::string bash_script(const CLI::App& app) {
  std::string nouns;
  std::string cases;
  for (const auto& [name, verbs] : words_of(app)) {
    nouns += (nouns.empty() ? "" : " ") + name;
    if (!verbs.empty()) cases += fmt::format("    {}) words='{}' ;;\n", name, verbs);
  }
  return fmt::format(
      "_sluis() {{\n  local words=''\n  case $COMP_CWORD in\n  1) words='{}' ;;\n"
      "  2) case ${{COMP_WORDS[1]}} in\n{}    esac ;;\n"
      "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"${{COMP_WORDS[COMP_CWORD]}}\"))\n"
      "  [ -n \"$words\" ] || COMPREPLY=($(compgen -f -- \"${{COMP_WORDS[COMP_CWORD]}}\"))\n}}\n"
      "complete -F _sluis sluis\n",
      nouns, cases);
}

std::string fish_script(const CLI::App& app) {
  std::string script = "complete -c sluis -f\n";
  for (const auto& [name, verbs] : words_of(app)) {
    script += fmt::format("complete -c sluis -n __fish_use_subcommand -a {}\n", name);
    if (!verbs.empty()) {
      script += fmt::format("complete -c sluis -n '__fish_seen_subcommand_from {}' -a '{}'\n", name, verbs);
    }
  }
  return script;
}

}  // namespace

void add_program(CLI::App& app, const SessionPtr& session) {
  auto& version = verb(app, "version", "", "the program's version");
  version.callback([session] { session->with.out << "sluis " << SLUIS_VERSION << '\n'; });

  auto shell = std::make_shared<std::string>();
  auto& completion = verb(app, "completion", "", "prints a script that completes commands, for the shell to source");
  completion.add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion.callback([session, shell, &app] {
    if (*shell == "zsh") session->with.out << "autoload -U +X bashcompinit && bashcompinit\n";
    session->with.out << (*shell == "fish" ? fish_script(app) : bash_script(app));
  });
}

}  // namespace sluis::cli
