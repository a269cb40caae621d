#include "connector/node/offline.hpp"

#include "certs/authority.hpp"
#include "connector/base/random.hpp"
#include "connector/identity/membership.hpp"
#include "connector/node/config.hpp"
#include "connector/provenance/export.hpp"
#include "connector/provenance/slots.hpp"
#include "connector/storage/rocks_store.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace sluis::node {
namespace {

using std::chrono::days;

constexpr days kRefreshAfter{60};
constexpr days kValidUntil{90};

int fail(const Error& error) {
  std::fprintf(stderr, "sluis: %s\n", describe(error).c_str());
  return 1;
}

int finish(const Result<void>& result) { return result ? 0 : fail(result.error()); }

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

/// Whole or not at all.
Result<void> replace_file(const std::filesystem::path& path, const std::string& text) {
  const std::filesystem::path part = path.string() + ".part";
  std::error_code ec;
  std::filesystem::remove(part, ec);
  SLUIS_CHECK(certs::write_public(part, text));
  std::filesystem::rename(part, path, ec);
  if (ec) return Error(ErrorCode::storage_unavailable, "cannot write `" + path.string() + "`: " + ec.message());
  return {};
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

Result<void> export_stopped(const std::filesystem::path& config_file, const std::filesystem::path& folder, bool payloads, bool dry_run) {
  SLUIS_TRY(const NodeConfig config, read_config(config_file));
  SLUIS_TRY(const std::unique_ptr<storage::Reader> store, storage::open_rocks_reader(config.store));
  SLUIS_TRY(const std::optional<std::string> note, provenance::read_newest_slot(config.checkpoints));
  if (!note) return Error(ErrorCode::not_found, "this node has no signed checkpoint yet");
  SLUIS_TRY(const crypto::Key key, read_key(config.log_key));
  SLUIS_CHECK(provenance::may_export_to(folder));
  if (dry_run) return may_write_in(folder.parent_path());
  SystemRandom random;
  provenance::PayloadKeys keys(config.payload_keys, random);
  return provenance::export_log(provenance::LogReader(*store, keys), *note, provenance::VerifierKey::of(config.log_origin, key),
                                folder, payloads);
}

}  // namespace

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
  std::printf("%s: in order\n", file.c_str());
  return 0;
}

int membership_key(const std::filesystem::path& file, bool dry_run) {
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

int audit_export(const std::filesystem::path& config, const std::filesystem::path& folder, bool payloads, bool dry_run) {
  const auto made = export_stopped(config, folder, payloads, dry_run);
  return made && dry_run ? would_write(folder) : finish(made);
}

}  // namespace sluis::node
