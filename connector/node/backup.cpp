#include "connector/node/backup.hpp"

#include "catalog/catalog.hpp"
#include "certs/authority.hpp"
#include "connector/base/random.hpp"
#include "connector/commit/sequencer.hpp"
#include "connector/json/json.hpp"
#include "connector/node/offline.hpp"
#include "connector/node/succession.hpp"
#include "connector/provenance/log_store.hpp"
#include "connector/provenance/slots.hpp"
#include "connector/provenance/tiles.hpp"
#include "connector/provenance/whole_file.hpp"
#include "connector/storage/rocks_backup.hpp"
#include "connector/storage/rocks_store.hpp"

#include <fmt/format.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

namespace sluis::node {
namespace {

namespace fs = std::filesystem;

/// What the maker of a copy says of it.
struct About {
  std::string participant;
  std::string origin;
  std::uint32_t log = 0;    ///< number of the newest
  std::uint64_t first = 0;  ///< of that
  std::string key;
  std::string note;
  std::string time;
};

std::string encode(const About& about) {
  return json::serialise(json::object({{"participant", about.participant}, {"origin", about.origin}, {"log", std::uint64_t{about.log}},
                                       {"first", about.first}, {"key", about.key}, {"checkpoint", about.note}, {"time", about.time}}));
}

Result<About> decode(const storage::Backup& backup) {
  const auto read = [&]() -> Result<About> {
    SLUIS_TRY(const json::Value value, json::parse(backup.about));
    About about;
    SLUIS_TRY(about.participant, json::required_string(value, "participant"));
    SLUIS_TRY(about.origin, json::required_string(value, "origin"));
    SLUIS_TRY(about.key, json::required_string(value, "key"));
    SLUIS_TRY(about.note, json::required_string(value, "checkpoint"));
    SLUIS_TRY(about.time, json::required_string(value, "time"));
    SLUIS_TRY(const std::uint64_t log, json::required_count(value, "log"));
    about.log = static_cast<std::uint32_t>(log);
    SLUIS_TRY(about.first, json::required_count(value, "first"));
    return about;
  };
  auto about = read();
  if (!about) return Error(ErrorCode::corruption, "backup " + std::to_string(backup.id) + " is not one of a node: " + about.error().message);
  return about;
}

/// `id` 0: the newest.
Result<storage::Backup> find(const fs::path& folder, std::uint32_t id) {
  SLUIS_TRY(const std::vector<storage::Backup> all, storage::list_backups(folder));
  const auto found = std::find_if(all.rbegin(), all.rend(), [&](const storage::Backup& one) { return id == 0 || one.id == id; });
  if (found != all.rend()) return *found;
  return Error(ErrorCode::not_found, id == 0 ? "`" + folder.string() + "` holds no backup" : "`" + folder.string() + "` holds no backup " + std::to_string(id));
}

/// Below the folder, without a step up; empty: it lies elsewhere.
fs::path below(const fs::path& folder, const fs::path& path) {
  const fs::path relative = path.lexically_normal().lexically_relative(folder.lexically_normal());
  return relative.empty() || relative.begin()->string() == ".." ? fs::path() : relative;
}

/// Regular files in a folder, and in those below it where `deep`.
Result<std::vector<fs::path>> files_in(const fs::path& folder, bool deep) {
  std::vector<fs::path> files;
  std::error_code ec;
  auto at = fs::recursive_directory_iterator(folder, ec);
  for (; !ec && at != fs::recursive_directory_iterator(); at.increment(ec)) {
    if (at->is_regular_file(ec)) files.push_back(at->path());
    if (!deep) at.disable_recursion_pending();
  }
  if (ec) return Error(ErrorCode::storage_unavailable, "cannot read `" + folder.string() + "`: " + ec.message());
  return files;
}

/// All that was written to the disk on which a folder lies.
Result<void> sync_disk_of(const fs::path& folder) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = file >= 0 && ::syncfs(file) == 0;
  if (file >= 0) ::close(file);
  if (!synced) return Error(ErrorCode::storage_unavailable, "`" + folder.string() + "` is not on the disk for certain");
  return {};
}

Result<void> copy_whole(const fs::path& from, const fs::path& to) {
  struct stat info{};
  if (::stat(from.c_str(), &info) != 0) return Error(ErrorCode::not_found, "`" + from.string() + "` is not there");
  SLUIS_TRY(const std::string bytes, certs::read_file(from));
  std::error_code ec;
  fs::create_directories(to.parent_path(), ec);
  return provenance::write_whole_file(to, bytes, info.st_mode & 0777U);
}

/// Files that the configuration names; folders are taken with what lies in them.
std::vector<fs::path> named_files(const NodeConfig& config, const std::vector<provenance::Shard>& logs) {
  std::vector<fs::path> all{config.tls.chain, config.tls.key, config.tls.roots, config.claim_key, config.node_key, config.roles, config.purposes};
  for (const provenance::Shard& log : logs) all.push_back(log_key_file(config, log));
  if (config.management_tls) all.insert(all.end(), {config.management_tls->chain, config.management_tls->key, config.management_tls->roots});
  all.insert(all.end(), config.more_purposes.begin(), config.more_purposes.end());
  all.insert(all.end(), config.membership_keys.begin(), config.membership_keys.end());
  const fs::path lists = config.management_tls ? config.management_tls->lists : fs::path();
  for (const fs::path& one : {config.situations, config.script, config.static_identity, config.witness_roots, config.witness_policy, config.tls.lists, lists, config.membership_places.roots,
                              config.revocation_places.roots}) {
    if (!one.empty()) all.push_back(one);
  }
  for (const auto* receivers : {&config.collectors, &config.webhooks}) {
    for (const NodeConfig::Collector& receiver : *receivers) {
      for (const fs::path& one : {receiver.roots, receiver.credential, receiver.secret}) {
        if (!one.empty()) all.push_back(one);
      }
    }
  }
  const fs::path demo = config.folder / "demo";
  std::error_code ec;
  if (fs::exists(demo, ec)) all.push_back(demo);
  return all;
}

Result<void> copy_keys(const NodeConfig& config, const std::vector<provenance::Shard>& logs, const std::vector<fs::path>& more, const fs::path& to,
                       std::vector<std::string>& left_out) {
  std::error_code ec;
  fs::create_directories(to, ec);
  ::chmod(to.c_str(), 0700);
  std::vector<fs::path> named = named_files(config, logs);
  named.insert(named.end(), more.begin(), more.end());
  for (const fs::path& one : named) {
    const fs::path relative = below(config.folder, one);
    if (relative.empty()) {
      left_out.push_back(one.string());
    } else if (fs::exists(one, ec)) {  // the key of a log that has ended may be destroyed
      SLUIS_CHECK(copy_whole(one, to / relative));
    }
  }
  const fs::path payloads = below(config.folder, config.payload_keys);
  if (payloads.empty()) {
    left_out.push_back(config.payload_keys.string());
  } else {
    SLUIS_TRY(const std::vector<fs::path> files, files_in(config.payload_keys, false));
    for (const fs::path& one : files) {
      if (one.extension() == ".key") SLUIS_CHECK(copy_whole(one, to / payloads / one.filename()));
    }
  }
  return copy_whole(config.file, to / "node.toml");  // last: a copy without it is none
}

/// Newest first. Their names begin with their time.
std::vector<fs::path> copies_of_keys(const fs::path& folder) {
  std::vector<fs::path> all;
  std::error_code ec;
  for (auto at = fs::directory_iterator(folder, ec); !ec && at != fs::directory_iterator(); at.increment(ec)) {
    std::error_code none;
    if (fs::exists(at->path() / "node.toml", none)) all.push_back(at->path());
  }
  std::sort(all.rbegin(), all.rend());
  return all;
}

/// Those that are older than they may get, whole or broken off, but never the newest whole one.
void purge_keys(const fs::path& folder, Timestamp until) {
  const std::vector<fs::path> whole = copies_of_keys(folder);
  std::vector<fs::path> old;
  std::error_code ec;
  for (auto at = fs::directory_iterator(folder, ec); !ec && at != fs::directory_iterator(); at.increment(ec)) {
    const std::string name = at->path().filename().string();
    const bool ours = name.size() > 10 && name[0] >= '0' && name[0] <= '9';
    if (ours && name < format_time(until) && (whole.empty() || at->path() != whole.front())) old.push_back(at->path());
  }
  for (const fs::path& one : old) fs::remove_all(one, ec);
}

/// The entries of one log up to its checkpoint, and that the checkpoint is of them.
Result<void> check_log(const provenance::LogReader& log, const provenance::Checkpoint& checkpoint) {
  SLUIS_TRY(const std::uint64_t held, log.size());
  if (held < checkpoint.size) {
    return Error(ErrorCode::corruption, fmt::format("it holds {} entries of `{}`, whose checkpoint signs {}", held, checkpoint.origin, checkpoint.size));
  }
  SLUIS_TRY(const std::optional<provenance::Pruned> pruned, log.pruned_here());
  if (pruned) {
    provenance::Frontier of_tiles;
    for (std::uint64_t index = 0; const std::uint64_t width = provenance::tile_width(0, index, checkpoint.size); ++index) {
      SLUIS_TRY(const std::vector<Hash> hashes, log.tile(0, index, width));
      for (const Hash& hash : hashes) of_tiles.append(hash);
    }
    if (of_tiles.root() == checkpoint.root) return {};
    return Error(ErrorCode::corruption, "the tiles of `" + checkpoint.origin + "`, which was pruned, are not those that its checkpoint signs");
  }
  provenance::Frontier frontier;
  for (std::uint64_t i = 0; i < checkpoint.size; ++i) {
    SLUIS_TRY(const std::string leaf, log.leaf_bytes(log.shard().first + i));
    frontier.append(provenance::leaf_hash(leaf));
  }
  if (frontier.root() == checkpoint.root) return {};
  return Error(ErrorCode::corruption, "its entries of `" + checkpoint.origin + "` are not those that the checkpoint signs");
}

/// Every log of the copy; the newest by the checkpoint that was kept with it.
Result<std::uint64_t> check_entries(const fs::path& folder, const About& about, const std::string& key_text) {
  SLUIS_TRY(const provenance::VerifierKey key, provenance::VerifierKey::parse(key_text));
  SLUIS_TRY(const provenance::Checkpoint checkpoint, provenance::open_checkpoint(about.note, key));
  SLUIS_TRY(const std::unique_ptr<storage::Reader> store, storage::open_rocks_reader(folder));
  SystemRandom random;
  provenance::PayloadKeys no_keys(folder / "no-keys", random);
  SLUIS_TRY(std::vector<provenance::Shard> shards, provenance::read_shards(*store));
  const provenance::LogReader log(*store, no_keys, std::move(shards));
  if (log.shard().number != about.log) return Error(ErrorCode::corruption, "the copy's newest log is another than it says");
  for (const provenance::Shard& shard : log.shards()) {
    const bool newest = shard.number == log.shard().number;
    if (!newest && shard.seal.empty()) continue;  // it ended without a checkpoint: nothing is claimed of it
    provenance::Checkpoint sealed = checkpoint;
    if (!newest) {
      SLUIS_TRY(const provenance::VerifierKey old, provenance::VerifierKey::parse(shard.key));
      SLUIS_TRY(sealed, provenance::open_checkpoint(shard.seal, old));
    }
    SLUIS_CHECK(check_log(log.at(shard), sealed));
  }
  return log.shard().first + checkpoint.size;
}

/// A folder that goes when this goes.
struct Passing {
  explicit Passing(fs::path path) : at(std::move(path)) {}
  ~Passing() {
    std::error_code ec;
    fs::remove_all(at, ec);
  }
  Passing(const Passing&) = delete;
  Passing& operator=(const Passing&) = delete;
  fs::path at;
};

Result<int> verify(const fs::path& folder, std::uint32_t id, const std::string& key) {
  SLUIS_TRY(const storage::Backup backup, find(folder, id));
  SLUIS_TRY(const About about, decode(backup));
  SLUIS_CHECK(storage::verify_backup(folder, backup.id));
  const Passing there(folder / fmt::format(".verify-{}", ::getpid()));
  SLUIS_CHECK(storage::restore_backup(folder, backup.id, there.at));
  SLUIS_TRY(const std::uint64_t entries, check_entries(there.at, about, key.empty() ? about.key : key));
  std::printf("backup %u of %s, %s: %llu entries of `%s` are those that its checkpoint signs\n", backup.id, about.participant.c_str(),
              about.time.c_str(), static_cast<unsigned long long>(entries), about.origin.c_str());
  if (!key.empty()) return 0;
  std::printf("not proven authentic: the key came from the backup itself; name the log's key with --key\n");
  return 3;
}

Result<fs::path> newest_keys(const fs::path& keys) {
  std::error_code ec;
  if (fs::exists(keys / "node.toml", ec)) return keys;
  const std::vector<fs::path> all = copies_of_keys(keys);
  if (all.empty()) return Error(ErrorCode::not_found, "`" + keys.string() + "` holds no copy of a node's keys");
  return all.front();
}

/// In its place among all that a node has; read from its copy.
struct Places {
  fs::path store;
  fs::path checkpoints;
};
/// A place outside the node's folder may be that of the node which was copied, and runs.
Result<Places> places_in(const fs::path& keys, const fs::path& into) {
  SLUIS_TRY(const NodeConfig config, read_config(keys / "node.toml"));
  for (const fs::path& one : {config.store, config.checkpoints, config.payload_keys, config.log_key}) {
    if (below(config.folder, one).empty()) {
      return Error(ErrorCode::invalid_argument, "the copied configuration names `" + one.string() + "`, which may be another node's by now")
          .at({(keys / "node.toml").string(), 0, 0, {}})
          .mended_by("in a copy of that folder, change it to a path within the node's own, and name that copy with --keys");
    }
  }
  return Places{into / below(config.folder, config.store), into / below(config.folder, config.checkpoints)};
}

Result<void> restore(const fs::path& folder, std::uint32_t id, const fs::path& keys_folder, const fs::path& into, bool dry_run) {
  SLUIS_TRY(const storage::Backup backup, find(folder, id));
  SLUIS_TRY(const About about, decode(backup));
  SLUIS_TRY(const fs::path keys, newest_keys(keys_folder));
  std::error_code ec;
  if (fs::exists(into, ec) && !fs::is_empty(into, ec)) {
    return Error(ErrorCode::conflict, "`" + into.string() + "` is not empty").mended_by("name a new folder: nothing is written over");
  }
  SLUIS_TRY(const Places places, places_in(keys, fs::absolute(into)));
  SLUIS_CHECK(storage::verify_backup(folder, backup.id));
  if (dry_run) {
    SLUIS_CHECK(may_write_in(into));
    std::fprintf(stderr, "backup %u of %s would be put in %s; nothing was changed: this was a dry run\n", backup.id, about.time.c_str(), into.c_str());
    return {};
  }
  fs::create_directories(places.store.parent_path(), ec);
  SLUIS_CHECK(storage::restore_backup(folder, backup.id, places.store));
  {  // before the configuration is there, so that no node starts on it without
    SLUIS_TRY(const std::unique_ptr<storage::KvStore> store, storage::open_rocks_store(places.store, false));
    SLUIS_CHECK(store->write({{std::string(commit::kRestoredMark), about.time}}, true));
  }
  SLUIS_TRY(const auto slots, provenance::CheckpointSlots::open(provenance::slots_folder(places.checkpoints, {about.log, about.origin, 0, {}, {}})));
  SLUIS_CHECK(slots->write(about.note));
  SLUIS_TRY(const std::vector<fs::path> files, files_in(keys, true));
  for (const fs::path& one : files) {
    const fs::path relative = one.lexically_relative(keys);
    if (relative != "node.toml") SLUIS_CHECK(copy_whole(one, into / relative));
  }
  SLUIS_CHECK(sync_disk_of(into));
  SLUIS_CHECK(copy_whole(keys / "node.toml", into / "node.toml"));
  std::fprintf(stderr, "backup %u of %s is in %s; put its datasets there, look whether its roles are still those of today, then `sluis log recover --config %s`: until then it shows its log and signs nothing\n",
               backup.id, about.time.c_str(), into.c_str(), (into / "node.toml").c_str());
  return {};
}

}  // namespace

Result<void> may_back_up(const NodeConfig& config) {
  if (!config.backup_store.empty()) return {};
  return Error(ErrorCode::invalid_state, "the configuration names no place for backups")
      .mended_by("add [backup] with `store` and `keys`, two folders, and start the node anew");
}

Result<std::vector<fs::path>> files_of_services(const NodeConfig& config, const catalog::Catalog& datasets) {
  std::set<fs::path> all;  // several datasets may name the same
  SLUIS_CHECK(datasets.each("", [&](catalog::PublishedDataset&& published) {
    const auto& service = published.dataset.source.http;
    for (const std::string& one : service && !published.retracted ? std::vector{service->roots, service->credential} : std::vector<std::string>()) {
      if (!one.empty()) all.insert(config.folder / one);
    }
    return true;
  }));
  return std::vector<fs::path>(all.begin(), all.end());
}

Result<BackupMade> make_backup(const NodeConfig& config, const storage::KvStore& store, const std::string& note, std::uint64_t entries,
                               const std::string& key, Timestamp now, const std::vector<fs::path>& more) {
  SLUIS_CHECK(may_back_up(config));
  std::error_code ec;
  fs::create_directories(config.backup_store, ec);
  ::chmod(config.backup_store.c_str(), 0700);  // what agreements say lies in it
  SLUIS_TRY(const std::vector<provenance::Shard> logs, logs_of(config, store));
  const provenance::Shard& newest = logs.back();
  const About about{config.participant.str(), newest.origin, newest.number, newest.first, key, note,
                    format_time(now)};
  purge_keys(config.backup_keys, now - config.backup_keys_age);  // first: whatever fails afterwards, no key gets older
  BackupMade made;
  made.folder = config.backup_store;
  made.entries = entries;
  SLUIS_TRY(made.id, store.back_up(config.backup_store, encode(about)));
  // The keys after the store: whatever an entry was sealed with is among them.
  made.keys = config.backup_keys / fmt::format("{}-{}", format_time(now), made.id);
  SLUIS_CHECK(copy_keys(config, logs, more, made.keys, made.left_out));
  SLUIS_TRY(made.removed, storage::purge_backups(config.backup_store, config.backups_kept));
  return made;
}

Result<void> drop_copied_keys(const NodeConfig& config, const std::vector<std::string>& key_files) {
  const fs::path payloads = below(config.folder, config.payload_keys);
  if (payloads.empty()) return {};  // they are copied nowhere
  std::error_code ec;
  for (auto at = fs::directory_iterator(config.backup_keys, ec); !ec && at != fs::directory_iterator(); at.increment(ec)) {
    for (const std::string& file : key_files) SLUIS_CHECK(provenance::PayloadKeys::drop(at->path() / payloads / file));
  }
  if (ec) return Error(ErrorCode::storage_unavailable, "cannot read `" + config.backup_keys.string() + "`: " + ec.message());
  return {};
}

int backup_verify(const fs::path& folder, std::uint32_t id, const std::string& key) {
  ::umask(077);  // what is copied is nobody else's
  const auto code = verify(folder, id, key);
  return code ? *code : fail(code.error());
}

int backup_restore(const fs::path& folder, std::uint32_t id, const fs::path& keys, const fs::path& into, bool dry_run) {
  ::umask(077);
  return finish(restore(folder, id, keys, into, dry_run));
}

}  // namespace sluis::node
