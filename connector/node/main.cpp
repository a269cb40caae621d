// The command line: what needs no running node stands here, what asks one is in cli/.
#include "connector/base/random.hpp"
#include "connector/node/backup.hpp"
#include "connector/node/init.hpp"
#include "connector/node/key_list.hpp"
#include "connector/node/node.hpp"
#include "connector/node/offline.hpp"
#include "connector/node/succession.hpp"
#include "connector/node/witness_service.hpp"
#ifdef SLUIS_CLI
#include "connector/node/cli/cli.hpp"
#endif

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <cstdio>

namespace {

using namespace sluis;
using namespace sluis::node;

struct Words {
  InitOptions init;
  NewRole role;
  std::string config = "node.toml";
  std::string file;
  std::string key;
  std::string folder;
  std::vector<std::string> keys;
  std::vector<std::string> parties;
  std::string federation;
  std::uint64_t version = 1;
  std::uint64_t threshold = 1;
  RecoverOrder recover;
  std::uint32_t number = 0;
  bool payloads = false;
  bool dry_run = false;
};

void add_dry_run(CLI::App& command, Words& words) {
  command.add_flag("--dry-run", words.dry_run, "says what would happen, and changes nothing");
}

std::vector<std::filesystem::path> paths(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

/// A noun that may be there already.
CLI::App& noun(CLI::App& app, const std::string& name, const std::string& about) {
  try {
    return *app.get_subcommand(name);
  } catch (const CLI::OptionNotFound&) {
    CLI::App* made = app.add_subcommand(name, about);
    made->require_subcommand(1);
    return *made;
  }
}

void add_init(CLI::App& app, Words& words, int& code) {
  CLI::App* init = app.add_subcommand("init", "a node's folder: configuration, keys, development certificate, role tokens");
  init->add_option("DIR", words.init.folder, "a folder without a node")->required();
  init->add_option("--participant", words.init.participant, "participant id, for ever: did:web:<host>")->required();
  init->add_option("--name", words.init.name, "the organisation's name")->required();
  init->add_option("--class", words.init.class_of_party, "municipality, company, …")->required();
  init->add_option("--oin", words.init.oin, "the organisation's number, if it has one");
  init->add_option("--contact", words.init.contact, "mail address for questions")->required();
  init->add_option("--host", words.init.host, "name in the certificate and in public addresses");
  init->add_option("--address", words.init.address, "to listen on");
  init->add_option("--port", words.init.first_port, "exchange; public and management take the next two");
  init->add_option("--authority", words.init.authority, "folder of the development authority; made when missing")->required();
  init->add_option("--federation-key", words.init.federation_key, "public key that signs the membership list")->required();
  init->add_option("--purposes", words.init.purposes, "the federation's own purposes");
  init->add_option("--activity", words.init.activities, "processing activity that the application's token may name; may be repeated");
  init->add_flag("--demo", words.init.demo, "its clock can be moved, for ever; loopback only");
  add_dry_run(*init, words);
  init->callback([&words, &code] {
    const SystemClock clock;
    SystemRandom random;
    if (words.dry_run) {
      const auto files = try_init_node(words.init, clock, random);
      if (files) {
        for (const auto& file : *files) std::printf("%s\n", file.c_str());
        std::fprintf(stderr, "these would be made; nothing was changed: this was a dry run\n");
      } else {
        std::fprintf(stderr, "sluis: %s\n", describe(files.error()).c_str());
        code = 1;
      }
      return;
    }
    if (const auto made = init_node(words.init, clock, random); !made) {
      std::fprintf(stderr, "sluis: %s\n", describe(made.error()).c_str());
      code = 1;
      return;
    }
    std::fprintf(stderr, "made %s; next: have party.json put in the federation's membership list, then sluis serve --config %s\n",
                 words.init.folder.c_str(), (words.init.folder / "node.toml").c_str());
  });
}

/// The program beside this one does just that, with a fifth of the memory; where it is not installed, this one does it.
int run_witness(const std::filesystem::path& config) {
  std::error_code ec;
  const std::filesystem::path small = std::filesystem::read_symlink("/proc/self/exe", ec).parent_path() / "sluis-witness";
  if (!ec && std::filesystem::exists(small, ec)) ::execl(small.c_str(), small.c_str(), "--config", config.c_str(), nullptr);
  return witness(config);
}

void add_offline(CLI::App& app, Words& words, int& code) {
  CLI::App* serve_command = app.add_subcommand("serve", "runs the node");
  serve_command->add_option("--config", words.config, "node.toml")->required();
  serve_command->callback([&] { code = serve(words.config); });
  CLI::App* watching = app.add_subcommand("witness", "a witness alone: cosigns the checkpoints of logs; no data, one key");
  watching->add_option("--config", words.config, "witness.toml")->required();
  watching->callback([&] { code = run_witness(words.config); });
  CLI::App* check = noun(app, "config", "the node's configuration").add_subcommand("check", "reads a configuration as the node does");
  check->add_option("FILE", words.file, "node.toml")->required();
  check->callback([&] { code = config_check(words.file); });
  CLI::App& membership = noun(app, "membership", "who takes part");
  CLI::App* key = membership.add_subcommand("key", "a new key that signs membership lists");
  key->add_option("FILE", words.file, "private; the public one gets .pub behind its name")->required();
  add_dry_run(*key, words);
  key->callback([&] { code = new_signing_key(words.file, words.dry_run); });
  CLI::App* compose = membership.add_subcommand("compose", "a list from the party.json of each party, not signed yet");
  compose->add_option("FILE", words.file, "the new list")->required();
  compose->add_option("--federation", words.federation, "its name")->required();
  compose->add_option("--list-version", words.version, "higher than the last");
  compose->add_option("--threshold", words.threshold, "signatures that it needs");
  compose->add_option("--signer", words.keys, "public keys of its signers")->required();
  compose->add_option("--party", words.parties, "party.json")->required();
  add_dry_run(*compose, words);
  compose->callback([&] {
    code = membership_compose(paths(words.parties), paths(words.keys), words.federation, words.version, words.threshold, words.file,
                              words.dry_run);
  });
  CLI::App* sign = membership.add_subcommand("sign", "signs a list, or adds a signature");
  sign->add_option("FILE", words.file, "the list")->required();
  sign->add_option("--key", words.key, "a signer's private key")->required();
  add_dry_run(*sign, words);
  sign->callback([&] { code = membership_sign(words.file, words.key, words.dry_run); });
}

void add_keys(CLI::App& app, Words& words, int& code) {
  CLI::App& keys = noun(app, "key", "the keys of a node: where they are, and how each is changed");
  CLI::App* list = keys.add_subcommand("list", "every key, until when it is good, and what breaks when it is lost; exit 1 if one is not in order");
  list->add_option("--config", words.config, "node.toml")->required();
  list->add_flag("--json", words.payloads, "as JSON");
  list->callback([&] { code = key_list(words.config, words.payloads); });
  CLI::App* rotate = keys.add_subcommand("rotate", "the steps in which a kind of key is changed; changes nothing itself");
  rotate->add_option("KIND", words.file, "log, claim, node, payloads, tls, management, witness, membership, roles, collector, webhook, proxy")->required();
  rotate->add_flag("--plan", words.dry_run, "says the steps")->required();
  rotate->add_option("--config", words.config, "node.toml")->required();
  rotate->callback([&] { code = key_rotation_plan(words.config, words.file); });
}

void add_backup(CLI::App& app, Words& words, int& code) {
  CLI::App& backup = noun(app, "backup", "copies of the node");
  CLI::App* verify = backup.add_subcommand("verify", "reads every file of a backup, and every entry against its checkpoint");
  verify->add_option("DIR", words.folder, "the folder of backups")->required();
  verify->add_option("--id", words.number, "which one; the newest unless given");
  verify->add_option("--key", words.key, "the log's verification key, from elsewhere");
  verify->callback([&] { code = backup_verify(words.folder, words.number, words.key); });
  CLI::App* restore = backup.add_subcommand("restore", "a node from a backup, in a new folder; it signs nothing until `log recover`");
  restore->add_option("DIR", words.folder, "the folder of backups")->required();
  restore->add_option("--id", words.number, "which one; the newest unless given");
  restore->add_option("--keys", words.key, "the folder of copies of keys, or one of them")->required();
  restore->add_option("--into", words.file, "a new folder, for the node")->required();
  add_dry_run(*restore, words);
  restore->callback([&] { code = backup_restore(words.folder, words.number, words.key, words.file, words.dry_run); });

  CLI::App& log = noun(app, "log", "the log as such");
  CLI::App* recover = log.add_subcommand("recover", "seals what is proven of a log that signs no more, and lets another follow; takes two persons");
  recover->add_option("--config", words.config, "node.toml")->required();
  recover->add_option("--token-file", words.recover.tokens, "of a role's token; twice, of two persons")->required()->allow_extra_args(false);
  recover->add_option("--reason", words.recover.reason, "what happened, for the log")->required();
  recover->add_option("--last-known", words.recover.last_known, "the newest checkpoint that others have of the old log: so it is named what is lost");
  add_dry_run(*recover, words);
  recover->callback([&] { code = log_recover(words.config, words.recover, words.dry_run); });
  CLI::App* rotate = log.add_subcommand("rotate-key", "ends the stopped node's log, and lets another follow under a new key; of a node that runs: log next, then log follow");
  rotate->add_option("--config", words.config, "node.toml")->required();
  add_dry_run(*rotate, words);
  rotate->callback([&] { code = log_rotate_key(words.config, words.dry_run); });
  CLI::App* conflicts = log.add_subcommand("conflicts", "what this node, as a witness, holds against logs of others: proof for `audit verify-proof`");
  conflicts->add_option("--config", words.config, "node.toml")->required();
  CLI::Option* which = conflicts->add_option("--number", words.number, "which one, as the list has it")->check(CLI::PositiveNumber);
  CLI::Option* where = conflicts->add_option("-O", words.file, "a new file that gets its bytes");
  which->needs(where);
  where->needs(which);
  conflicts->callback([&words, &code] { code = log_conflicts(words.config, words.number, words.file); });
  CLI::App* next = log.add_subcommand("next", "prepares the log that follows when the period of the newest is over; the node may run; again: the same");
  next->add_option("--config", words.config, "node.toml")->required();
  add_dry_run(*next, words);
  next->callback([&] { code = log_next(words.config, words.dry_run); });
}

void add_roles(CLI::App& app, Words& words, int& code) {
  CLI::App& roles = noun(app, "role", "who may manage this node; a running node reads changes by itself");
  const auto common = [&words](CLI::App& command) {
    // `--config` is also an option of the commands that ask a node.
    command.add_option("--config", words.config, "node.toml")->required();
    command.add_option("--role", words.role.role, "steward, privacy_officer, dpo, auditor, application, operator, …")->required();
    command.add_option("--person", words.role.person, "whose it is")->required();
    add_dry_run(command, words);
  };
  CLI::App* add = roles.add_subcommand("add", "gives a person a role, shown by a new token or by a client certificate");
  common(*add);
  add->add_option("--until", words.role.until, "when it ends: a day, or a time with its zone; an auditor always has an end");
  add->add_option("--activity", words.role.activities, "processing activity that an application may name; may be repeated");
  add->add_option("--token-file", words.role.token, "a new file that gets the token");
  add->add_option("--certificate", words.role.certificate, "the person's client certificate, signed by the roots of [management.tls]");
  add->add_option("--signing-key", words.role.signing_key, "of a dpo: the public key with which she signs findings; sluis audit key FILE makes FILE.pub");
  add->callback([&] { code = role_add(words.config, words.role, words.dry_run); });
  CLI::App* end = roles.add_subcommand("end", "takes a role from a person, with all its tokens and certificates");
  common(*end);
  end->callback([&] { code = role_end(words.config, words.role.role, words.role.person, words.dry_run); });
  CLI::App* list = roles.add_subcommand("list", "who has which role");
  list->add_option("--config", words.config, "node.toml")->required();
  list->callback([&] { code = role_list(words.config); });
}

#ifndef SLUIS_CLI
void add_audit(CLI::App& app, Words& words, int& code) {
  CLI::App* exporting = noun(app, "audit", "the provenance log").add_subcommand("export-log", "the stopped node's log as the standard tree");
  exporting->add_option("DIR", words.folder, "a new folder")->required();
  exporting->add_option("--config", words.config, "node.toml")->required();
  exporting->add_option("--origin", words.key, "which log, where one followed another; the newest unless given");
  exporting->add_flag("--payloads", words.payloads, "with what the entries say");
  add_dry_run(*exporting, words);
  exporting->callback([&] { code = audit_export(words.config, words.folder, words.key, words.payloads, words.dry_run); });
}
#endif

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Sluis: a data-space connector node"};
  app.require_subcommand(1);
  Words words;
  int code = 0;
  add_init(app, words, code);
#ifdef SLUIS_CLI
  cli::add_commands(app, code);
#endif
  add_offline(app, words, code);
  add_roles(app, words, code);
  add_keys(app, words, code);
  add_backup(app, words, code);
#ifndef SLUIS_CLI
  add_audit(app, words, code);
#endif
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return code;
}
