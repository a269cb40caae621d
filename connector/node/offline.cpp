#include "connector/node/offline.hpp"

#include "certs/authority.hpp"
#include "connector/base/random.hpp"
#include "connector/crypto/x509.hpp"
#include "connector/identity/membership.hpp"
#include "connector/identity/roles.hpp"
#include "connector/identity/static_scheme.hpp"
#include "connector/node/config.hpp"
#include "connector/node/held_folder.hpp"
#include "connector/node/pinned_purposes.hpp"
#include "connector/node/scripts.hpp"
#include "connector/node/secrets.hpp"
#include "connector/node/succession.hpp"
#include "connector/provenance/export.hpp"
#include "connector/provenance/slots.hpp"
#include "connector/provenance/witness.hpp"
#include "connector/storage/rocks_store.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace sluis::node {
namespace {

using std::chrono::days;

constexpr days kRefreshAfter{60};
constexpr days kValidUntil{90};

/// What a dry run says of a file.
int would_write(const std::filesystem::path& path) {
  std::fprintf(stderr, "%s would be written; nothing was changed: this was a dry run\n", path.c_str());
  return 0;
}

/// What hinders a file from being made.
Result<void> may_make(const std::filesystem::path& path) {
  std::error_code ec;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, ec))) {
    return Error(ErrorCode::conflict, "`" + path.string() + "` is there already").mended_by("name a new file");
  }
  return may_write_in(path.parent_path());
}

Error cannot_write(const std::filesystem::path& path, const std::string& why) {
  return Error(ErrorCode::storage_unavailable, "cannot write `" + path.string() + "`: " + why);
}

/// Whole or not at all, durably; owner and mode stay as they were.
Result<void> replace_file(const std::filesystem::path& path, const std::string& text, const HeldFolder& folder) {
  if (!folder.held()) return cannot_write(path, "its folder cannot be held");
  const std::filesystem::path part = path.string() + ".part";
  std::error_code ec;
  std::filesystem::remove(part, ec);
  SLUIS_CHECK(certs::write_public(part, text));
  struct stat before{};
  if (::stat(path.c_str(), &before) == 0 &&
      (::chown(part.c_str(), before.st_uid, before.st_gid) != 0 || ::chmod(part.c_str(), before.st_mode & 07777U) != 0)) {
    const std::string why = std::strerror(errno);
    std::filesystem::remove(part, ec);
    return cannot_write(path, "another owner's: " + why).mended_by("run this as the file's owner, or as root");
  }
  std::filesystem::rename(part, path, ec);
  if (ec) return cannot_write(path, ec.message());
  if (!folder.sync()) return cannot_write(path, std::strerror(errno));
  return {};
}

Result<void> replace_file(const std::filesystem::path& path, const std::string& text) {
  return replace_file(path, text, HeldFolder(path.parent_path()));
}

Result<crypto::Key> read_key(const std::filesystem::path& path) {
  SLUIS_TRY(const std::string pem, certs::read_file(path));
  return crypto::Key::from_pem(pem);
}

Result<void> compose(const std::vector<std::filesystem::path>& parties, const std::vector<std::filesystem::path>& signers,
                     const std::string& federation, std::uint64_t version, std::uint64_t threshold,
                     const std::filesystem::path& out, bool dry_run) {
  const Timestamp now = std::chrono::floor<std::chrono::seconds>(SystemClock().now());
  identity::MembershipList list;
  list.version = version;
  list.federation = federation;
  list.issued = now;
  list.refresh_after = now + kRefreshAfter;
  list.valid_until = now + kValidUntil;
  list.threshold = threshold;
  for (const auto& file : signers) {
    SLUIS_TRY(const crypto::Key key, read_key(file));
    list.signers.push_back({identity::key_id(key), key.public_raw()});
  }
  json::Value value = identity::to_json(list);
  json::Array all;
  for (const auto& file : parties) {
    SLUIS_TRY(const std::string text, certs::read_file(file));
    auto party = json::parse(text);
    if (!party) return std::move(party).error().at({file.string(), party.error().place.line, party.error().place.column, ""});
    all.push_back(std::move(*party));
  }
  value.set("parties", json::Value(std::move(all)));
  const std::string text = json::serialise_pretty(value);
  SLUIS_CHECK(identity::parse_membership(text, out.string()));
  return dry_run ? may_write_in(out.parent_path()) : replace_file(out, text);
}

Result<void> sign_file(const std::filesystem::path& file, const std::filesystem::path& key_file, bool dry_run) {
  SLUIS_TRY(const std::string text, certs::read_file(file));
  SLUIS_TRY(const crypto::Key key, read_key(key_file));
  auto envelope = identity::parse_envelope(text, file.string());
  if (!envelope) {
    SLUIS_TRY(const identity::MembershipList list, identity::parse_membership(text, file.string()));
    envelope = identity::wrap(list);
    if (!envelope) return envelope.error();
  }
  SLUIS_CHECK(identity::sign(*envelope, key));
  return dry_run ? may_write_in(file.parent_path()) : replace_file(file, identity::serialise(*envelope));
}

Result<identity::Roles> read_roles(const NodeConfig& config) {
  SLUIS_TRY(const std::string text, certs::read_file(config.roles));
  return identity::Roles::parse(text, config.roles.string());
}

/// What is written is what a node would read.
Result<void> write_roles(const NodeConfig& config, std::vector<identity::RoleHolder> holders, const HeldFolder& folder, bool dry_run) {
  const std::string text = identity::Roles(std::move(holders)).serialise();
  SLUIS_CHECK(identity::Roles::parse(text, config.roles.string()));
  return dry_run ? may_write_in(config.roles.parent_path()) : replace_file(config.roles, text, folder);
}

Result<identity::Role> role_named(const std::string& name) {
  if (const auto role = identity::role_from(name)) return *role;
  std::string all;
  for (std::size_t i = 0; i < identity::kRoles; ++i) {
    all += (i == 0 ? "" : ", ") + std::string(identity::to_string(static_cast<identity::Role>(i)));
  }
  return Error(ErrorCode::invalid_argument, "no role `" + name + "`").mended_by("one of " + all);
}

/// Whether the node would take this certificate of a client's, now.
Result<void> would_be_taken(const NodeConfig& config, const std::vector<crypto::Certificate>& chain) {
  if (!config.management_tls) {
    return Error(ErrorCode::invalid_argument, "the management interface has no TLS, so nobody can show a certificate there")
        .mended_by("add [management.tls] to node.toml, or give --token-file");
  }
  SLUIS_TRY(const std::string pem, certs::read_file(config.management_tls->roots));
  SLUIS_TRY(const auto roots, crypto::certificates_from_pem(pem));
  const std::vector<crypto::Certificate> between(chain.begin() + 1, chain.end());
  return crypto::verify_chain(chain.front(), between, roots, crypto::CertificateUse::client, SystemClock().now());
}

Result<void> add_role(const std::filesystem::path& config_file, const NewRole& asked, bool dry_run) {
  if (asked.token.empty() == asked.certificate.empty()) {
    return Error(ErrorCode::invalid_argument, "a role is shown by a token or by a certificate")
        .mended_by("give --token-file, a new file, or --certificate");
  }
  SLUIS_TRY(const NodeConfig config, read_config(config_file));
  const HeldFolder folder(config.roles.parent_path());  // from before it is read
  SLUIS_TRY(const identity::Roles before, read_roles(config));
  identity::RoleHolder holder;
  SLUIS_TRY(holder.role, role_named(asked.role));
  holder.person = asked.person;
  holder.activities = asked.activities;
  if (!asked.until.empty()) {
    SLUIS_TRY(holder.until, parse_time(asked.until.find('T') == std::string::npos ? asked.until + "T00:00:00Z" : asked.until));
  }
  if (!asked.signing_key.empty()) {
    SLUIS_TRY(const crypto::Key key, read_key(asked.signing_key));
    if (key.is_private()) {
      return Error(ErrorCode::invalid_argument, "`" + asked.signing_key.string() + "` is a private key, which has no place here")
          .mended_by("give the one with .pub behind its name; whoever saw the private one can sign for " + asked.person);
    }
    if (key.kind() != crypto::Key::Kind::ed25519) return Error(ErrorCode::invalid_argument, "`" + asked.signing_key.string() + "` is no Ed25519 key").mended_by("sluis audit key FILE makes one");
    holder.key = key.public_raw();
  }
  std::string token;
  if (asked.token.empty()) {
    SLUIS_TRY(const std::string pem, certs::read_file(asked.certificate));
    SLUIS_TRY(const auto chain, crypto::certificates_from_pem(pem));
    if (chain.empty()) return Error(ErrorCode::invalid_argument, "`" + asked.certificate.string() + "` has no certificate");
    const crypto::Certificate& certificate = chain.front();
    SLUIS_CHECK(would_be_taken(config, chain));
    holder.shown = identity::Shown::certificate;
    holder.hash = certificate.fingerprint();
  } else {
    SLUIS_CHECK(may_make(asked.token));
    SystemRandom random;
    const identity::NewToken made = identity::make_token(random, holder.role, holder.person);
    token = made.token;
    holder.hash = made.holder.hash;
  }
  std::vector<identity::RoleHolder> holders = before.holders();
  holders.push_back(std::move(holder));
  SLUIS_CHECK(write_roles(config, holders, folder, true));
  // The token first: a token without a role opens nothing, a role without its token would have to be made again.
  if (!token.empty() && !dry_run) SLUIS_CHECK(identity::write_token_file(asked.token.string(), token));
  return write_roles(config, std::move(holders), folder, dry_run);
}

Result<void> end_role(const std::filesystem::path& config_file, const std::string& name, const std::string& person, bool dry_run) {
  SLUIS_TRY(const NodeConfig config, read_config(config_file));
  SLUIS_TRY(const identity::Role role, role_named(name));
  const HeldFolder folder(config.roles.parent_path());
  SLUIS_TRY(const identity::Roles before, read_roles(config));
  std::vector<identity::RoleHolder> holders = before.holders();
  if (std::erase_if(holders, [&](const auto& holder) { return holder.role == role && holder.person == person; }) == 0) {
    return Error(ErrorCode::not_found, "`" + person + "` is no " + name + " here").mended_by("sluis role list names them");
  }
  return write_roles(config, std::move(holders), folder, dry_run);
}

Result<void> list_roles(const std::filesystem::path& config_file) {
  SLUIS_TRY(const NodeConfig config, read_config(config_file));
  SLUIS_TRY(const identity::Roles roles, read_roles(config));
  for (const identity::RoleHolder& holder : roles.holders()) {
    std::string signs;
    if (!holder.key.empty()) {
      SLUIS_TRY(const crypto::Key key, crypto::Key::from_ed25519_public(holder.key));
      signs = "\tsigns with " + identity::key_id(key);
    }
    std::printf("%s\t%s\t%s\t%s%s\n", std::string(identity::to_string(holder.role)).c_str(), holder.person.c_str(),
                holder.shown == identity::Shown::token ? "token" : "certificate",
                holder.until ? ("until " + format_time(*holder.until)).c_str() : "without end", signs.c_str());
  }
  return {};
}

Result<void> export_stopped(const std::filesystem::path& config_file, const std::filesystem::path& folder, const std::string& origin,
                            bool payloads, bool dry_run) {
  SLUIS_TRY(const NodeConfig config, read_config(config_file));
  SLUIS_TRY(const std::unique_ptr<storage::Reader> store, storage::open_rocks_reader(config.store));
  SLUIS_TRY(const std::vector<provenance::Shard> logs, logs_of(config, *store));
  const auto wanted = std::find_if(logs.rbegin(), logs.rend(), [&](const provenance::Shard& one) { return origin.empty() || one.origin == origin; });
  if (wanted == logs.rend()) {
    std::string known;
    for (const provenance::Shard& one : logs) known += (known.empty() ? "`" : ", `") + one.origin + "`";
    return Error(ErrorCode::not_found, "this node has no log `" + origin + "`").mended_by("it has " + known);
  }
  std::optional<std::string> note = wanted->seal;
  if (wanted->number == logs.back().number || wanted->seal.empty()) {
    SLUIS_TRY(note, provenance::read_newest_slot(provenance::slots_folder(config.checkpoints, *wanted)));
  }
  if (!note) return Error(ErrorCode::not_found, "this log has no signed checkpoint yet");
  std::string key_text = wanted->key;
  if (key_text.empty()) {
    SLUIS_TRY(const crypto::Key own, read_key(log_key_file(config, *wanted)));
    key_text = provenance::VerifierKey::of(wanted->origin, own).text();
  }
  SLUIS_TRY(const provenance::VerifierKey key, provenance::VerifierKey::parse(key_text));
  const std::filesystem::path cosigned_file = provenance::slots_folder(config.checkpoints, *wanted) / provenance::kCosignedFile;
  std::optional<std::string> cosigned;
  if (std::error_code ec; std::filesystem::exists(cosigned_file, ec)) {
    SLUIS_TRY(cosigned, certs::read_file(cosigned_file));
  }
  SLUIS_CHECK(provenance::may_export_to(folder));
  if (dry_run) return may_write_in(folder.parent_path());
  SystemRandom random;
  provenance::PayloadKeys keys(config.payload_keys, random);
  const provenance::LogReader log = provenance::LogReader(*store, keys, logs).at(*wanted);
  SLUIS_TRY(const std::optional<provenance::Pruned> gone, log.pruned_here());
  std::optional<std::string> pruned;
  if (gone) {
    SLUIS_TRY(const std::optional<std::string> newest, provenance::read_newest_slot(provenance::slots_folder(config.checkpoints, logs.back())));
    SLUIS_TRY(const crypto::Key own, read_key(log_key_file(config, logs.back())));
    SLUIS_TRY(pruned, provenance::pruned_receipt(log, *gone, newest.value_or(""), provenance::VerifierKey::of(logs.back().origin, own)));
    std::fprintf(stderr, "the entries of `%s` were pruned on %s: its tiles and its checkpoint are written, and who recorded that\n", gone->origin.c_str(),
                 format_time(gone->at).substr(0, 10).c_str());
  }
  return provenance::export_log(log, *note, key, folder, payloads, cosigned, pruned);
}

/// What a node would not start with.
Result<void> check_purposes(const NodeConfig& config) {
  SLUIS_TRY(const std::vector<PurposeFile> files, read_purpose_files(config));
  policy::Vocabulary words;
  for (const PurposeFile& one : files) {
    SLUIS_TRY(words, words.with(one.text, one.name));
  }
  return {};
}

}  // namespace

int fail(const Error& error) {
  std::fprintf(stderr, "sluis: %s\n", describe(error).c_str());
  return 1;
}

int finish(const Result<void>& result) { return result ? 0 : fail(result.error()); }

Result<void> may_write_in(std::filesystem::path folder) {
  if (folder.empty()) folder = ".";
  std::error_code ec;
  while (!std::filesystem::exists(folder, ec) && folder.has_relative_path()) folder = folder.has_parent_path() ? folder.parent_path() : ".";
  if (::access(folder.c_str(), W_OK) != 0) {
    return Error(ErrorCode::storage_unavailable, "cannot write in `" + folder.string() + "`: " + std::strerror(errno));
  }
  return {};
}

int config_check(const std::filesystem::path& file) {
  const auto config = read_config(file);
  if (!config) return fail(config.error());
  if (const auto scripts = Scripts::read(config->script); !scripts) return fail(scripts.error());
  if (!config->static_identity.empty()) {
    const auto text = read_secret(config->static_identity);
    if (!text) return fail(text.error());
    if (const auto values = identity::StaticValues::parse(*text, config->static_identity.string()); !values) return fail(values.error());
  }
  if (const auto read = check_purposes(*config); !read) return fail(read.error());
  std::printf("%s: in order\n", file.c_str());
  return 0;
}

int new_signing_key(const std::filesystem::path& file, bool dry_run) {
  for (const std::string& name : {file.string(), file.string() + ".pub"}) {
    if (const auto free = may_make(name); !free) return fail(free.error());
  }
  if (dry_run) return would_write(file);
  const auto key = crypto::Key::generate(crypto::Key::Kind::ed25519);
  if (const auto written = certs::write_secret(file, key.private_pem()); !written) return fail(written.error());
  return finish(certs::write_public(file.string() + ".pub", key.public_pem()));
}

int membership_compose(const std::vector<std::filesystem::path>& parties, const std::vector<std::filesystem::path>& signers,
                       const std::string& federation, std::uint64_t version, std::uint64_t threshold,
                       const std::filesystem::path& out, bool dry_run) {
  const auto made = compose(parties, signers, federation, version, threshold, out, dry_run);
  return made && dry_run ? would_write(out) : finish(made);
}

int membership_sign(const std::filesystem::path& file, const std::filesystem::path& key, bool dry_run) {
  const auto made = sign_file(file, key, dry_run);
  return made && dry_run ? would_write(file) : finish(made);
}

int membership_check(const std::filesystem::path& file, const std::vector<std::filesystem::path>& keys, std::uint64_t threshold) {
  const auto check = [&]() -> Result<identity::MembershipList> {
    SLUIS_TRY(const std::string text, certs::read_file(file));
    SLUIS_TRY(const identity::SignedMembership envelope, identity::parse_envelope(text, file.string()));
    identity::Trust trust;
    trust.threshold = threshold;
    for (const auto& path : keys) {
      SLUIS_TRY(crypto::Key key, read_key(path));
      trust.keys.push_back(std::move(key));
    }
    return identity::verify(envelope, trust, file.string());
  };
  const auto list = check();
  if (!list) return fail(list.error());
  std::printf("%s: version %llu of %s, %zu parties, valid until %s\n", file.c_str(), static_cast<unsigned long long>(list->version),
              list->federation.c_str(), list->parties.size(), format_time(list->valid_until).c_str());
  return 0;
}

int role_add(const std::filesystem::path& config, const NewRole& asked, bool dry_run) {
  const auto made = add_role(config, asked, dry_run);
  if (made && dry_run) std::fprintf(stderr, "%s would be %s; nothing was changed: this was a dry run\n", asked.person.c_str(), asked.role.c_str());
  return finish(made);
}

int role_end(const std::filesystem::path& config, const std::string& role, const std::string& person, bool dry_run) {
  const auto made = end_role(config, role, person, dry_run);
  if (made && dry_run) std::fprintf(stderr, "%s would not be %s any more; nothing was changed: this was a dry run\n", person.c_str(), role.c_str());
  return finish(made);
}

int role_list(const std::filesystem::path& config) { return finish(list_roles(config)); }

int audit_export(const std::filesystem::path& config, const std::filesystem::path& folder, const std::string& origin, bool payloads,
                 bool dry_run) {
  const auto made = export_stopped(config, folder, origin, payloads, dry_run);
  return made && dry_run ? would_write(folder) : finish(made);
}

int log_conflicts(const std::filesystem::path& config_file, std::uint32_t number, const std::filesystem::path& out) {
  const auto config = read_config(config_file);
  if (!config) return fail(config.error());
  const auto files = provenance::kept_conflicts(witnessed_folder(*config));
  if (number == 0) {
    for (std::size_t i = 0; i < files.size(); ++i) {
      const auto told = provenance::read_conflict_file(files[i]);
      std::printf("%zu  %s  %s\n", i + 1, told ? (told->origin + " signed two checkpoints of " + std::to_string(told->size) + " entries").c_str() : describe(told.error()).c_str(),
                  files[i].c_str());
    }
    if (files.empty()) std::fprintf(stderr, "none: no log contradicted itself before this node\n");
    return 0;
  }
  if (number > files.size()) {
    return fail(Error(ErrorCode::not_found, "there is no number " + std::to_string(number)).mended_by("`sluis log conflicts` without a number lists them"));
  }
  const auto told = provenance::read_conflict_file(files[number - 1]);
  if (!told) return fail(told.error());
  if (const auto may = may_make(out); !may) return fail(may.error());
  return finish(certs::write_public(out, told->text));
}

}  // namespace sluis::node
