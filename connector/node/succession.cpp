#include "connector/node/succession.hpp"

#include "catalog/catalog.hpp"
#include "catalog/keys.hpp"
#include "certs/authority.hpp"
#include "connector/base/log.hpp"
#include "connector/commit/sequencer.hpp"
#include "connector/declaration/register.hpp"
#include "connector/identity/roles.hpp"
#include "connector/json/json.hpp"
#include "connector/negotiation/agreement.hpp"
#include "connector/node/clocks.hpp"
#include "connector/node/offline.hpp"
#include "connector/node/secrets.hpp"
#include "connector/node/writer.hpp"
#include "connector/provenance/slots.hpp"
#include "connector/provenance/whole_file.hpp"
#include "connector/storage/disk_reserve.hpp"
#include "connector/storage/hold.hpp"
#include "connector/storage/rocks_store.hpp"
#include "connector/transfer/model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <set>

namespace sluis::node {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBeginning = "meta/log-begins";  ///< what the first entry will say
constexpr std::string_view kNext = "meta/log-next";         ///< origin of the log that follows, once the old one says so
constexpr std::size_t kHeldAtOnce = 1000;  ///< changes in one commit

/// A node's store and newest log, looked at as the node does when it starts: nobody else writes meanwhile, and nothing is signed.
struct Stopped {
  NodeConfig config;
  NodeClock clock;
  SystemRandom random;
  storage::ReopeningStore store{[this] { return storage::open_rocks_store(config.store, false); }};
  std::unique_ptr<provenance::PayloadKeys> keys;
  std::vector<provenance::Shard> logs;
  std::unique_ptr<storage::DiskReserve> reserve;  ///< as when it serves: a log that has ended needs room for the next
  std::unique_ptr<commit::Sequencer> sequencer;

  Result<void> open(const fs::path& file) {
    SLUIS_TRY(NodeConfig read, read_config(file));
    return open(std::move(read));
  }
  Result<void> open(NodeConfig of) {
    config = std::move(of);
    keys = std::make_unique<provenance::PayloadKeys>(config.payload_keys, random);
    reserve = std::make_unique<storage::DiskReserve>(config.store / "reserve", config.reserve_mib << 20U);
    auto opened = store.reopen();
    if (!opened && reserve->give_way()) opened = store.reopen();
    SLUIS_CHECK(opened);
    SLUIS_CHECK(clock.move_as_kept(store));
    SLUIS_TRY(logs, logs_of(config, store));
    SLUIS_TRY(crypto::Key key, read_private_key(log_key_file(config, logs.back())));
    logs.back().key = provenance::VerifierKey::of(logs.back().origin, key).text();
    sequencer = std::make_unique<commit::Sequencer>(
        store, *keys, clock, random, commit::Sequencer::Options{logs.back().origin, std::move(key), config.checkpoints, reserve.get()});
    return sequencer->look();
  }
  /// What a full disk must not hinder, as the sequencer no longer runs.
  Result<void> write(const std::vector<storage::Change>& changes) {
    auto written = store.write(changes, true);
    if (written || !reserve->give_way()) return written;
    SLUIS_CHECK(store.reopen());
    return store.write(changes, true);
  }
};

std::string beginning(const json::Value& document, const std::string& persons) {
  return json::serialise(json::object({{"document", document}, {"persons", persons}}));
}

/// A name that no other log of this node has or had: its second, or the next that is free.
std::string next_origin(const NodeConfig& config, const std::vector<provenance::Shard>& logs, Timestamp now) {
  for (;; now += std::chrono::seconds(1)) {
    std::string origin = config.log_origin + "/";
    for (const char c : format_time(std::chrono::floor<std::chrono::seconds>(now))) {
      if (c != '-' && c != ':') origin += c;
    }
    if (std::none_of(logs.begin(), logs.end(), [&](const provenance::Shard& one) { return one.origin == origin; })) return origin;
  }
}

/// The log that will follow under `origin`, with its key on the disk: made now or by an earlier try.
Result<provenance::Shard> successor(const NodeConfig& config, const provenance::Shard& old, const std::string& origin, std::uint64_t first, bool dry_run) {
  provenance::Shard next{old.number + 1, origin, first, {}, {}};
  const fs::path file = log_key_file(config, next);
  std::error_code ec;
  const bool there = fs::exists(file, ec);
  if (!there && !dry_run) SLUIS_CHECK(certs::write_secret(file, crypto::Key::generate(crypto::Key::Kind::ed25519).private_pem()));
  if (there || !dry_run) {
    SLUIS_TRY(const crypto::Key key, read_private_key(file));
    next.key = provenance::VerifierKey::of(next.origin, key).text();
  }
  return next;
}

void tell(const provenance::Shard& old, const provenance::Shard& next, std::uint64_t entries, bool dry_run) {
  std::fprintf(stderr, "`%s` %s with %llu entries; `%s` %s it\n", old.origin.c_str(), dry_run ? "would end" : "ended",
               static_cast<unsigned long long>(entries), next.origin.c_str(), dry_run ? "would follow" : "follows");
  if (dry_run) std::fprintf(stderr, "nothing was changed: this was a dry run\n");
  if (!dry_run) {
    std::printf("%s\n", next.key.c_str());
    std::fprintf(stderr, "have this key put in the membership list, beside the old one: {\"origin\": \"%s\", \"vkey\": \"%s\"}; then start the node\n",
                 next.origin.c_str(), next.key.c_str());
  }
}

/// Two persons, each by a token of a role that runs this node or watches it.
Result<std::vector<std::string>> two_persons(const NodeConfig& config, const std::vector<fs::path>& tokens, Timestamp now) {
  SLUIS_TRY(const std::string text, certs::read_file(config.roles));
  SLUIS_TRY(const identity::Roles roles, identity::Roles::parse(text, config.roles.string()));
  std::set<std::string> persons;
  std::vector<std::string> named;
  for (const fs::path& file : tokens) {
    SLUIS_TRY(const std::string token, identity::read_token_file(file.string()));
    const auto holder = roles.find(token, now);
    if (!holder) return Error(holder.error()).at({file.string(), 0, 0, {}});
    using identity::Role;
    if (holder->role != Role::steward && holder->role != Role::privacy_officer && holder->role != Role::dpo && holder->role != Role::operator_) {
      return Error(ErrorCode::permission_denied, "a " + std::string(identity::to_string(holder->role)) + " may not do this");
    }
    if (persons.insert(holder->person).second) named.push_back(holder->person + " (" + std::string(identity::to_string(holder->role)) + ")");
  }
  if (persons.size() < 2) {
    return Error(ErrorCode::permission_denied, "this takes two persons").mended_by("give --token-file twice: of two different people with a role at this node");
  }
  return named;
}

struct Known {
  std::string note;
  provenance::Checkpoint checkpoint;
};

/// The checkpoints of this log that are known here: beside the store, or brought along.
Result<std::vector<Known>> known_checkpoints(const NodeConfig& config, const provenance::Shard& old, const fs::path& brought) {
  SLUIS_TRY(const provenance::VerifierKey key, provenance::VerifierKey::parse(old.key));
  std::vector<Known> known;
  SLUIS_TRY(const std::optional<std::string> kept, provenance::read_newest_slot(provenance::slots_folder(config.checkpoints, old)));
  if (kept) {
    if (auto opened = provenance::open_checkpoint(*kept, key)) known.push_back({*kept, std::move(*opened)});
  }
  if (!brought.empty()) {
    SLUIS_TRY(const std::string note, certs::read_file(brought));
    auto opened = provenance::open_checkpoint(note, key);
    if (!opened) return Error(opened.error()).at({brought.string(), 0, 0, {}});
    known.push_back({note, std::move(*opened)});
  }
  return known;
}

/// The largest of them that the store holds: so far the old log is proven. None: nothing is.
Result<std::string> seal_of(const provenance::LogReader& log, const std::vector<Known>& known, std::uint64_t size) {
  const Known* best = nullptr;
  for (const Known& one : known) {
    if (one.checkpoint.size == 0 || one.checkpoint.size > size || (best != nullptr && best->checkpoint.size >= one.checkpoint.size)) continue;
    SLUIS_TRY(const Hash root, log.root(one.checkpoint.size));
    if (root == one.checkpoint.root) best = &one;
  }
  return best == nullptr ? std::string() : best->note;
}

/// The largest of them that the store does not hold: longer, or of another history.
Result<std::optional<Known>> not_held(const provenance::LogReader& log, const std::vector<Known>& known, std::uint64_t size) {
  std::optional<Known> largest;
  for (const Known& one : known) {
    if (one.checkpoint.size == 0 || (largest && largest->checkpoint.size >= one.checkpoint.size)) continue;
    if (one.checkpoint.size <= size) {
      SLUIS_TRY(const Hash root, log.root(one.checkpoint.size));
      if (root == one.checkpoint.root) continue;
    }
    largest = one;
  }
  return largest;
}

/// What `log recover` holds: what this node knew of it may be older than what became of it.
struct HeldCounts {
  std::uint64_t agreements = 0, negotiations = 0, transfers = 0, datasets = 0, declarations = 0;
};

/// Holds the records of a prefix of which `held` says so; in commits of a bounded size, and again from the start after a crash. `held` adds what
/// else changes, and counts.
Result<void> hold_records(storage::KvStore& store, std::string_view prefix, Timestamp now,
                          const std::function<Result<bool>(std::string_view key, std::string_view value, std::vector<storage::Change>& changes)>& held) {
  std::string from(prefix);
  for (bool more = true; more;) {
    std::vector<storage::Change> changes;
    Result<void> read = {};
    more = false;
    SLUIS_CHECK(store.scan(prefix, from, [&](std::string_view key, std::string_view value) {
      if (changes.size() >= kHeldAtOnce) {
        from = std::string(key);
        more = true;
        return false;
      }
      const Result<bool> is_held = held(key, value, changes);
      if (!is_held) {
        read = is_held.error();
        return false;
      }
      if (*is_held) changes.push_back(storage::hold(key, now));
      return true;
    }));
    SLUIS_CHECK(std::move(read));
    if (!changes.empty()) SLUIS_CHECK(store.write(changes, true));
  }
  return {};
}

/// Every agreement that runs, every negotiation and transfer that is open, whatever is on offer, and every declaration that is not over.
Result<HeldCounts> hold_all(storage::KvStore& store, Timestamp now) {
  using Changes = std::vector<storage::Change>;
  HeldCounts counts;
  const auto counted = [](std::uint64_t& count, bool held) {
    count += held ? 1 : 0;
    return held;
  };
  SLUIS_CHECK(hold_records(store, negotiation::kAgreementPrefix, now, [&](std::string_view key, std::string_view value, Changes& changes) -> Result<bool> {
    SLUIS_TRY(negotiation::AgreementRecord record, negotiation::decode_agreement(value));
    if (!record.active()) return false;
    record.held = now;  // what the gate reads of it says so, too
    changes.push_back({std::string(key), negotiation::encode(record)});
    return counted(counts.agreements, true);
  }));
  SLUIS_CHECK(hold_records(store, negotiation::kNegotiationPrefix, now, [&](std::string_view, std::string_view value, Changes&) -> Result<bool> {
    SLUIS_TRY(const negotiation::Negotiation record, negotiation::decode_negotiation(value));
    return counted(counts.negotiations, !record.state || !negotiation::is_final(*record.state));
  }));
  SLUIS_CHECK(hold_records(store, transfer::kTransferPrefix, now, [&](std::string_view, std::string_view value, Changes&) -> Result<bool> {
    SLUIS_TRY(const transfer::TransferProcess record, transfer::decode_transfer(value));
    return counted(counts.transfers, !record.state || !transfer::is_final(*record.state));
  }));
  std::set<std::string> offered;
  SLUIS_CHECK(catalog::Catalog(store, std::shared_ptr<const policy::Vocabulary>()).each("", [&](catalog::PublishedDataset&& one) {
    if (!one.retracted) offered.insert(catalog::dataset_key(one.dataset.id));
    return true;
  }));
  SLUIS_CHECK(hold_records(store, catalog::kDatasetPrefix, now, [&](std::string_view key, std::string_view, Changes&) -> Result<bool> {
    return counted(counts.datasets, offered.contains(std::string(key)));
  }));
  SLUIS_CHECK(hold_records(store, declaration::kPrefix, now, [&](std::string_view, std::string_view value, Changes&) -> Result<bool> {
    SLUIS_TRY(const declaration::Declaration record, declaration::decode(value));
    return counted(counts.declarations, !record.over(now));
  }));
  return counts;
}

void tell(const HeldCounts& held) {
  std::fprintf(stderr,
               "held until they are settled, so that nothing is released, sent or listed under them: %llu agreements, %llu negotiations, %llu transfers, "
               "%llu datasets, %llu situations and assessments. Once the node runs:\n"
               "  `sluis status` names what is held, and with whom\n"
               "  `sluis audit reconcile PEER --settle` compares both logs and each process with the other party's (`--apply ID`: what you are sure goes on)\n"
               "  `sluis dataset confirm ID` offers a dataset again that was not changed or taken off meanwhile; `sluis dataset retract ID` takes it off\n"
               "  `sluis situation renew` or `end` says what there is of a situation, and `sluis assessment` of an assessment\n",
               static_cast<unsigned long long>(held.agreements), static_cast<unsigned long long>(held.negotiations),
               static_cast<unsigned long long>(held.transfers), static_cast<unsigned long long>(held.datasets),
               static_cast<unsigned long long>(held.declarations));
}

Result<void> recover(const fs::path& file, const RecoverOrder& order, bool dry_run) {
  Stopped node;
  SLUIS_CHECK(node.open(file));
  std::string why = node.sequencer->quarantine();
  const Timestamp now = node.clock.now();
  if (order.reason.empty()) return Error(ErrorCode::invalid_argument, "a reason is missing").mended_by("say with --reason what happened");
  SLUIS_TRY(const std::vector<std::string> persons, two_persons(node.config, order.tokens, now));
  provenance::Shard old = node.logs.back();
  const provenance::LogReader log(node.store, *node.keys, node.logs);
  SLUIS_TRY(const provenance::LogHead head, log.head());
  const std::uint64_t size = head.frontier.size();
  SLUIS_TRY(const std::vector<Known> known, known_checkpoints(node.config, old, order.last_known));
  SLUIS_TRY(old.seal, seal_of(log, known, size));
  std::string named;  // in the part of the entry that stays here
  for (const std::string& person : persons) named += (named.empty() ? "" : ", ") + person;
  SLUIS_TRY(const std::optional<Known> lost, not_held(log, known, size));
  if (why.empty() && lost) why = "it signed a checkpoint of " + std::to_string(lost->checkpoint.size) + " entries that are not here";
  if (why.empty()) {
    return Error(ErrorCode::invalid_state, "this log is in order: there is nothing to recover from").mended_by("`sluis log rotate-key` lets another follow it");
  }
  json::Value document = json::object({{"previous", json::object({{"origin", old.origin}, {"size", size}, {"root", to_hex(head.frontier.root())},
                                                                  {"checkpoint", old.seal}})},
                                       {"found", why}, {"reason", order.reason}});
  if (lost) {
    document.set("last_known", lost->note);
    if (lost->checkpoint.size > size) document.set("lost", json::object({{"first", size}, {"end", lost->checkpoint.size}}));
  }
  SLUIS_TRY(const provenance::Shard next, successor(node.config, old, next_origin(node.config, node.logs, now), old.first + size, dry_run));
  HeldCounts held;
  if (!dry_run) {
    SLUIS_TRY(held, hold_all(node.store, now));
    document.set("held", held.agreements);
    document.set("held_besides", json::object({{"negotiations", held.negotiations}, {"transfers", held.transfers}, {"datasets", held.datasets},
                                               {"declarations", held.declarations}}));
    std::vector<storage::Change> changes = provenance::follow(old, next, head.recorded);
    changes.push_back({std::string(commit::kKeptMark), std::nullopt});
    changes.push_back({std::string(commit::kRestoredMark), std::nullopt});
    changes.push_back({std::string(commit::kGivenUpMark), std::nullopt});
    changes.push_back({std::string(kRotationAsked), std::nullopt});  // another log follows after all
    changes.push_back({std::string(kNext), std::nullopt});           // and not the one that its end named, where it came so far
    changes.push_back({std::string(kBeginning), beginning(document, named)});
    SLUIS_CHECK(node.store.write(changes, true));
  }
  tell(old, next, size, dry_run);
  if (!dry_run) tell(held);
  return {};
}

/// Of the two logs, and how many entries the first has.
struct Rotated {
  provenance::Shard old, next;
  std::uint64_t size = 0;
};

/// `origin`: of the one that follows, unless an earlier try has chosen; empty: a new one.
Result<Rotated> rotate(Stopped& node, const std::string& prepared, const std::string& reason, bool dry_run) {
  if (const std::string why = node.sequencer->quarantine(); !why.empty()) {
    return Error(ErrorCode::invalid_state, "the log is quarantined: " + why).mended_by("`sluis log recover` is for that");
  }
  SLUIS_TRY(const std::optional<std::string> pending, node.store.get(kBeginning));
  if (pending) return Error(ErrorCode::invalid_state, "the newest log has not begun yet").mended_by("start the node once");
  provenance::Shard old = node.logs.back();
  const provenance::LogReader log(node.store, *node.keys, node.logs);
  SLUIS_TRY(std::uint64_t size, log.size());
  SLUIS_TRY(const std::optional<std::string> chosen, node.store.get(kNext));  // by an earlier try
  SLUIS_TRY(const std::optional<RotationOrder> order, rotation_asked(node.store));
  const std::string origin = chosen ? *chosen : !prepared.empty() ? prepared : next_origin(node.config, node.logs, node.sequencer->decision_time());
  SLUIS_TRY(provenance::Shard next, successor(node.config, old, origin, old.first + size + 1, dry_run));
  const std::string person = order && order->origin == origin ? order->person : std::string();  // whoever asked for another did not ask for this one
  if (!dry_run) {
    Commit last;
    last.id = fmt::format("log-ended-{}", old.number);
    last.changes.push_back({std::string(kNext), origin});
    const json::Value named = json::object({{"next", json::object({{"origin", next.origin}, {"vkey", next.key}})}});
    last.entries.push_back(Writer(node.config.participant, node.clock).plain_entry(provenance::EntryKind::log_ended, "rotated", json::serialise(named)));
    SLUIS_CHECK(node.sequencer->open());
    SLUIS_CHECK(node.sequencer->commit_and_wait(std::move(last)));
    old.seal = node.sequencer->checkpoint();
    node.sequencer->stop();
    SLUIS_TRY(const provenance::LogHead head, log.head());
    size = head.frontier.size();
    next.first = old.first + size;
    const json::Value document = json::object({{"previous", json::object({{"origin", old.origin}, {"size", size}, {"root", to_hex(head.frontier.root())},
                                                                          {"checkpoint", old.seal}})},
                                               {"reason", reason}});
    std::vector<storage::Change> changes = provenance::follow(old, next, head.recorded);
    changes.push_back({std::string(commit::kKeptMark), std::nullopt});
    changes.push_back({std::string(kNext), std::nullopt});
    changes.push_back({std::string(kRotationAsked), std::nullopt});
    changes.push_back({std::string(kBeginning), beginning(document, person)});
    SLUIS_CHECK(node.write(changes));
  }
  return Rotated{std::move(old), std::move(next), size};
}

Result<void> rotate_key(const fs::path& file, bool dry_run) {
  Stopped node;
  SLUIS_CHECK(node.open(file));
  SLUIS_TRY(const Rotated done, rotate(node, {}, "a new key", dry_run));
  tell(done.old, done.next, done.size, dry_run);
  return {};
}

/// Which log is prepared: its origin, alone in a file beside the logs' keys.
fs::path prepared_file(const NodeConfig& config) {
  fs::path file = config.log_key;
  return file.replace_filename(file.stem().string() + "-next.origin");
}

Result<void> prepare_next(const fs::path& file, bool dry_run) {
  SLUIS_TRY(const NodeConfig config, read_config(file));
  SLUIS_TRY(const std::unique_ptr<storage::Reader> store, storage::open_rocks_reader(config.store));
  NodeClock clock;
  SLUIS_CHECK(clock.move_as_kept(*store));
  SLUIS_TRY(const std::vector<provenance::Shard> logs, logs_of(config, *store));
  SLUIS_TRY(std::optional<provenance::Shard> next, prepared_log(config, logs));
  if (!next) {
    // The origin first: a key whose origin nobody kept is of no use, and an origin without its key gets one.
    const std::string origin = next_origin(config, logs, clock.now());
    if (!dry_run) SLUIS_CHECK(provenance::write_whole_file(prepared_file(config), origin + "\n", 0644));
    SLUIS_TRY(next, successor(config, logs.back(), origin, 0, dry_run));
  }
  if (next->key.empty() && !dry_run) {
    SLUIS_TRY(next, successor(config, logs.back(), next->origin, 0, dry_run));
  }
  if (dry_run) {
    std::fprintf(stderr, "`%s` would be prepared; nothing was changed: this was a dry run\n", next->origin.c_str());
    return {};
  }
  std::printf("%s\n", next->key.c_str());
  std::fprintf(stderr, "have this key put in the membership list, beside the others: {\"origin\": \"%s\", \"vkey\": \"%s\"}; %s\n", next->origin.c_str(), next->key.c_str(),
               config.log_period ? "the node goes over to it when the period of its log is over, or by `sluis log follow`" : "then `sluis log follow` lets the node go over to it");
  return {};
}

}  // namespace

Result<std::optional<provenance::Shard>> prepared_log(const NodeConfig& config, const std::vector<provenance::Shard>& logs) {
  const std::optional<provenance::Shard> none;
  std::error_code ec;
  if (!fs::exists(prepared_file(config), ec)) return none;
  SLUIS_TRY(std::string origin, certs::read_file(prepared_file(config)));
  while (!origin.empty() && origin.back() == '\n') origin.pop_back();
  if (!origin.starts_with(config.log_origin + "/") || !provenance::may_be_origin(origin) || origin.find('/', config.log_origin.size() + 1) != std::string::npos) {
    return Error(ErrorCode::invalid_argument, "it names no log that can follow").at({prepared_file(config).string(), 0, 0, {}}).mended_by("remove it, and prepare one anew: `sluis log next`");
  }
  for (const provenance::Shard& one : logs) {
    if (one.origin == origin) return none;  // it follows already
  }
  SLUIS_TRY(provenance::Shard next, successor(config, logs.back(), origin, 0, true));
  // It signed already, and this store has forgotten that: it never follows again.
  if (fs::exists(provenance::slots_folder(config.checkpoints, next), ec)) return none;
  return std::optional(std::move(next));
}

std::string RotationOrder::encode() const { return json::serialise(json::object({{"origin", origin}, {"person", person}})); }

Result<std::optional<RotationOrder>> rotation_asked(const storage::Reader& store) {
  SLUIS_TRY(const std::optional<std::string> asked, store.get(kRotationAsked));
  if (!asked) return std::optional<RotationOrder>();
  const auto value = json::parse(*asked);
  if (!value) return Error(ErrorCode::corruption, "who asked for another log cannot be read");
  RotationOrder order;
  SLUIS_TRY(order.origin, json::required_string(*value, "origin"));
  SLUIS_TRY(order.person, json::required_string(*value, "person"));
  return std::optional(std::move(order));
}

Result<bool> is_half_way(const NodeConfig& config) {
  std::error_code ec;
  if (!fs::exists(config.store / "CURRENT", ec)) return false;  // there is no store yet
  const auto store = storage::open_rocks_reader(config.store);
  if (!store) return false;  // of another format, or broken off while it was made: whoever opens it for writing mends it, or tells
  SLUIS_TRY(const std::optional<std::string> next, (*store)->get(kNext));
  if (!next) return false;
  SLUIS_TRY(const std::optional<RotationOrder> order, rotation_asked(**store));
  return config.log_period || (order && order->origin == *next);  // else it was `log rotate-key`, which goes on with its own
}

Result<void> follow_prepared(const NodeConfig& config) {
  Stopped node;
  SLUIS_CHECK(node.open(config));
  SLUIS_TRY(const std::optional<provenance::Shard> next, prepared_log(config, node.logs));
  SLUIS_TRY(const std::optional<std::string> chosen, node.store.get(kNext));
  if (!next && !chosen) return Error(ErrorCode::not_found, "no log is prepared").mended_by("`sluis log next` prepares one");
  SLUIS_TRY(const std::optional<RotationOrder> order, rotation_asked(node.store));
  const std::string origin = chosen ? *chosen : next->origin;
  SLUIS_TRY(const Rotated done, rotate(node, origin, order && order->origin == origin ? "a new key" : "its period is over", false));
  log::info("another log follows", {{"ended", done.old.origin}, {"entries", std::to_string(done.size)}, {"follows", done.next.origin}});
  return {};
}

fs::path log_key_file(const NodeConfig& config, const provenance::Shard& log) {
  if (log.number == 0) return config.log_key;
  fs::path file = config.log_key;
  return file.replace_filename(fmt::format("{}-{}{}", file.stem().string(), provenance::last_word(log), file.extension().string()));
}

Result<std::vector<provenance::Shard>> logs_of(const NodeConfig& config, const storage::Reader& store) {
  SLUIS_TRY(std::vector<provenance::Shard> logs, provenance::read_shards(store));
  if (logs.empty()) logs.push_back({0, config.log_origin, 0, {}, {}});
  return logs;
}

Result<void> check_finished(const storage::Reader& store) {
  SLUIS_TRY(const std::optional<std::string> next, store.get(kNext));
  if (!next) return {};
  return Error(ErrorCode::invalid_state, "the log says that `" + *next + "` follows it, and that one was not made").mended_by("`sluis log rotate-key` goes on where it was broken off");
}

Result<void> record_beginning(const storage::Reader& store, CommitPort& commits, const Writer& writer) {
  SLUIS_TRY(const std::optional<std::string> said, store.get(kBeginning));
  if (!said) return {};
  SLUIS_TRY(const json::Value beginning, json::parse(*said));
  SLUIS_TRY(const std::string persons, json::required_string(beginning, "persons"));
  const json::Value* document = beginning.find("document");
  if (document == nullptr) return Error(ErrorCode::corruption, "what the new log begins with cannot be read");
  Commit first;
  first.preconditions.push_back({std::string(kBeginning), *said});
  first.changes.push_back({std::string(kBeginning), std::nullopt});
  first.entries.push_back(writer.plain_entry(provenance::EntryKind::log_begun, "begun", json::serialise(*document)));
  writer.name_person(first.entries.back(), persons);
  SLUIS_CHECK(commits.commit_and_wait(std::move(first)));
  return {};
}

int log_recover(const fs::path& config, const RecoverOrder& order, bool dry_run) {
  return finish(recover(config, order, dry_run));
}

int log_rotate_key(const fs::path& config, bool dry_run) {
  return finish(rotate_key(config, dry_run));
}

int log_next(const fs::path& config, bool dry_run) {
  return finish(prepare_next(config, dry_run));
}

}  // namespace sluis::node
