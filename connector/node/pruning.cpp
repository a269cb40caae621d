#include "connector/node/pruning.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/json/json.hpp"
#include "connector/management/convert.hpp"
#include "connector/node/known_request.hpp"
#include "connector/provenance/passing.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluis::node {
namespace {

using provenance::EntryKind;
using provenance::Pruned;

constexpr std::string_view kPrefix = "pruning/";
constexpr std::string_view kDone = "pruned";        ///< event of the entry that a verifier reads by its digest
constexpr std::chrono::days kWaits{30};
constexpr std::uint64_t kAtOnce = 1000;             ///< entries of one commit
constexpr std::size_t kTold = 16U << 10U;           ///< of the numbers that are kept
constexpr std::size_t kKeptBytes = 512U << 10U;     ///< the same, in the store

std::string key_of(std::uint32_t log) { return std::string(kPrefix) + fmt::format("{:08x}", log); }

std::string encode(const Prune& prune) {
  return json::serialise(json::object({{"id", prune.id}, {"origin", prune.origin}, {"basis", prune.basis}, {"asked_by", prune.asked_by},
                                       {"asked", format_time(prune.asked)}, {"log", std::uint64_t{prune.log}}}));
}

Result<Prune> decode(std::string_view bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  Prune prune;
  SLUIS_TRY(prune.id, json::required_string(value, "id"));
  SLUIS_TRY(prune.origin, json::required_string(value, "origin"));
  SLUIS_TRY(prune.basis, json::required_string(value, "basis"));
  SLUIS_TRY(prune.asked_by, json::required_string(value, "asked_by"));
  SLUIS_TRY(const std::string asked, json::required_string(value, "asked"));
  SLUIS_TRY(prune.asked, parse_time(asked));
  SLUIS_TRY(const std::uint64_t log, json::required_count(value, "log"));
  prune.log = static_cast<std::uint32_t>(log);
  prune.before = true;
  return prune;
}

Error may_not(std::string why, std::string mend) { return Error(ErrorCode::invalid_state, std::move(why)).mended_by(std::move(mend)); }

}  // namespace

void put(v1::AuditPruneResponse& response, const Prune& prune) {
  response.set_id(prune.id);
  response.set_origin(prune.origin);
  response.set_entries(prune.count);
  response.set_kept(prune.kept.size());
  const std::string numbers = provenance::number_ranges(prune.kept);
  response.set_kept_entries(numbers.size() <= kTold ? numbers : numbers.substr(0, numbers.rfind(',', kTold)) + ",…");
  response.set_basis(prune.basis);
  response.set_asked_by(prune.asked_by);
  management::put_time(response.mutable_asked(), prune.asked);
  response.set_unchanged(prune.before);
}

/// Nothing of a log goes before all of it may, and none before those that went before it.
Result<Prune> Pruning::find(const std::string& origin, const std::string& basis, const std::string& person) const {
  if (basis.empty() || basis.size() > limits::kReasonBytes) {
    return Error(ErrorCode::invalid_argument, "pruning needs its ground").at_pointer("/basis").mended_by("say which rule lets these entries go; name nobody, as it stays");
  }
  const auto& logs = with_.log.shards();
  const auto log = std::find_if(logs.begin(), logs.end(), [&](const provenance::Shard& one) { return one.origin == origin; });
  if (log == logs.end()) {
    std::string known;
    for (const provenance::Shard& one : logs) known += (known.empty() ? "`" : ", `") + one.origin + "`";
    return Error(ErrorCode::not_found, "this node has no log `" + origin + "`").at_pointer("/origin").mended_by("it has " + known);
  }
  if (log->number == logs.back().number) {
    return may_not("`" + origin + "` is the newest log, and goes on", "only a log that another followed can be pruned: `sluis log rotate-key` lets one follow");
  }
  Prune prune;
  prune.origin = origin;
  prune.basis = basis;
  prune.asked_by = person;
  prune.asked = with_.clock.now();
  prune.log = log->number;
  SLUIS_CHECK(look_through(prune));
  return prune;
}

/// Whether it may go now, and what stays.
Result<void> Pruning::look_through(Prune& prune) const {
  const auto& logs = with_.log.shards();
  if (prune.log + 1 >= logs.size() || logs[prune.log].origin != prune.origin) return Error(ErrorCode::not_found, "this node has no older log `" + prune.origin + "`");
  const provenance::Shard& log = logs[prune.log];
  prune.first = log.first;
  prune.end = logs[prune.log + 1].first;
  SLUIS_TRY(const bool erasing, with_.erasing());
  if (erasing) return may_not("an erasure is confirmed, and not done yet: it still reads the log", "`sluis audit erasures` shows it; have it done first");
  if (!with_.keeps) return may_not("it is not said how long this node keeps its log", "set `keep_log_days` in node.toml");
  if (log.seal.empty()) return may_not("`" + log.origin + "` ended without a checkpoint: nothing would be left that proves anything", "it stays as it is");
  SLUIS_TRY(const provenance::VerifierKey key, provenance::VerifierKey::parse(log.key));
  SLUIS_TRY(const provenance::Checkpoint sealed, provenance::open_checkpoint(log.seal, key));
  prune.sealed = sealed.size;
  prune.root = sealed.root;
  SLUIS_TRY(const std::vector<Pruned> pruned, with_.log.pruned());
  if (prune.log > pruned.size()) {
    return may_not("`" + logs[pruned.size()].origin + "` is older, and still has its entries", "the oldest log goes first");
  }
  SLUIS_TRY(const std::uint64_t first_kept, with_.log.first_kept());
  const Pruned* before = prune.log < pruned.size() ? &pruned[prune.log] : nullptr;
  if (before != nullptr && !before->done()) return may_not("the entries of `" + log.origin + "` are being removed", "wait; a start of the node goes on with it");
  if (before != nullptr && before->kept.empty()) return may_not("`" + log.origin + "` is pruned already: nothing of it is left", "its tiles and its checkpoint stay");
  if (before == nullptr && first_kept < prune.end) {
    SLUIS_TRY(const provenance::Leaf last, with_.log.leaf(prune.end - 1));
    const Timestamp newest = Timestamp(std::chrono::hours(last.hours + 1));
    const Timestamp may_go = newest + *with_.keeps;
    if (may_go > with_.clock.now()) {
      return may_not(fmt::format("the newest entry of `{}` is of {}, and this node keeps entries for {} days", log.origin, format_time(newest).substr(0, 10), with_.keeps->count()),
                     "it may go from " + format_time(may_go).substr(0, 10) + " on");
    }
  }
  SLUIS_TRY(const Runs runs, Runs::read(with_.store, with_.keys));
  SLUIS_TRY(std::set<Hash> in_force, with_.in_force());
  in_force.insert(runs.offers.begin(), runs.offers.end());
  const auto rests = [&](std::uint64_t number) -> Result<bool> {
    SLUIS_TRY(const provenance::Leaf leaf, with_.log.leaf(number));
    const auto kind = static_cast<EntryKind>(leaf.kind);
    if (kind == EntryKind::published || kind == EntryKind::declaration) return in_force.contains(leaf.policy_digest);
    if (kind == EntryKind::pruned && leaf.policy_digest != Hash{}) return true;  // all that is left of that log rests on it
    const auto payload = with_.log.payload(number);
    if (!payload && payload.error().code == ErrorCode::not_found) return false;  // erased
    if (!payload) return payload.error();                                        // what cannot be read now may still be needed
    v1::Shared shared;
    return !shared.ParseFromString(payload->shared) || runs.holds(kind, shared);
  };
  prune.kept.clear();
  prune.count = 0;
  const auto look = [&](std::uint64_t number) -> Result<void> {
    SLUIS_TRY(const bool stays, rests(number));
    if (stays) prune.kept.insert(prune.kept.end(), number);
    else ++prune.count;
    return {};
  };
  if (before != nullptr) {
    for (const std::uint64_t number : before->kept) SLUIS_CHECK(look(number));
    if (prune.count == 0) return may_not("something still rests on all that is left of `" + log.origin + "`", "entries " + provenance::number_ranges(prune.kept).substr(0, 200) + " stay until that is over");
  } else {
    for (std::uint64_t number = prune.first; number < prune.end; ++number) SLUIS_CHECK(look(number));
  }
  if (prune.kept.size() > provenance::kNumbersAtMost || provenance::number_ranges(prune.kept).size() > kKeptBytes) {
    return Error(ErrorCode::limit_exceeded, "too many entries of this log are still needed").mended_by("end agreements that have run too long, or renew them");
  }
  return {};
}

EntryDraft Pruning::entry(const Prune& prune, std::string_view event, const std::string& person) const {
  const json::Value told = json::object({{"id", prune.id}, {"basis", prune.basis}, {"origin", prune.origin}, {"size", prune.sealed}, {"root", to_hex(prune.root)},
                                         {"first", prune.first}, {"count", prune.count}, {"kept", std::uint64_t{prune.kept.size()}}});
  EntryDraft draft = with_.writer.plain_entry(EntryKind::pruned, event, json::serialise(told));
  if (event == kDone) draft.policy_digest = crypto::sha256(provenance::checkpoint_body({prune.origin, prune.sealed, prune.root}));
  with_.writer.name_person(draft, person);
  return draft;
}

Result<std::optional<Prune>> Pruning::waiting(std::uint32_t log) const {
  SLUIS_TRY(const std::optional<std::string> bytes, with_.store.get(key_of(log)));
  if (!bytes) return std::optional<Prune>();
  SLUIS_TRY(Prune prune, decode(*bytes));
  if (prune.asked + kWaits < with_.clock.now()) return std::optional<Prune>();
  return std::optional(std::move(prune));
}

Result<Prune> Pruning::ask(const std::string& origin, const std::string& basis, const std::string& person) {
  const std::lock_guard lock(with_.turn);
  SLUIS_TRY(Prune prune, find(origin, basis, person));
  SLUIS_TRY(std::optional<Prune> known, waiting(prune.log));
  if (known) {
    SLUIS_CHECK(look_through(*known));
    return std::move(*known);
  }
  prune.id = to_hex(with_.random.bytes(8));
  Commit commit;
  commit.commit_class = CommitClass::revoke;
  commit.changes.push_back({key_of(prune.log), encode(prune)});
  commit.entries.push_back(entry(prune, "asked", person));
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  return prune;
}

Result<Prune> Pruning::show(const std::string& id) const {
  for (const provenance::Shard& log : with_.log.shards()) {
    SLUIS_TRY(std::optional<Prune> one, waiting(log.number));
    if (!one || one->id != id) continue;
    SLUIS_CHECK(look_through(*one));
    return std::move(*one);
  }
  return Error(ErrorCode::not_found, "no pruning `" + id + "` waits").mended_by("it waits for thirty days; ask for it with the log's origin");
}

Result<std::uint64_t> Pruning::confirm(const std::string& id, const std::string& person) {
  const std::lock_guard lock(with_.turn);
  SLUIS_TRY(const Prune prune, show(id));
  if (prune.asked_by == person) {
    return Error(ErrorCode::permission_denied, "whoever asked for this does not confirm it").mended_by("it takes a second person");
  }
  const provenance::LogReader log = with_.log.at(with_.log.shards()[prune.log]);
  SLUIS_TRY(const std::vector<Pruned> all, with_.log.pruned());
  Pruned pruned;
  pruned.log = prune.log;
  pruned.origin = prune.origin;
  pruned.first = prune.first;
  pruned.end = prune.end;
  pruned.at = with_.clock.now();
  pruned.commit = "pruned-" + prune.id;
  pruned.next = prune.first;
  pruned.kept = prune.kept;
  Commit commit;
  commit.id = pruned.commit;
  commit.commit_class = CommitClass::revoke;
  commit.changes.push_back({key_of(prune.log), std::nullopt});
  if (prune.log >= all.size()) {  // else they were made the first time
    SLUIS_TRY(commit.changes, log.edge());
    commit.changes.push_back({key_of(prune.log), std::nullopt});
  }
  commit.changes.push_back(pruned.change());
  commit.entries.push_back(entry(prune, kDone, person));
  SLUIS_TRY(const CommitReceipt receipt, with_.commits.commit_and_wait(std::move(commit)));
  SLUIS_CHECK(run(pruned));
  return receipt.first_entry;
}

Result<void> Pruning::go_on() {
  const std::lock_guard lock(with_.turn);
  SLUIS_TRY(const std::vector<Pruned> all, with_.log.pruned());
  for (const Pruned& one : all) {
    if (!one.done()) SLUIS_CHECK(run(one));
  }
  return {};
}

Result<std::vector<std::string>> Pruning::unfinished() const {
  SLUIS_TRY(const std::vector<Pruned> all, with_.log.pruned());
  std::vector<std::string> out;
  for (const Pruned& one : all) {
    if (!one.done()) out.push_back(one.origin);
  }
  return out;
}

/// What the other party's log proves of a data request goes with this log's own entry of its end. Of an entry that was erased, it went then.
Result<void> Pruning::drop_receipts(std::uint64_t number, Commit& commit) const {
  SLUIS_TRY(const std::optional<provenance::Leaf> leaf, provenance::leaf_in_pass(with_.log, number));
  if (!leaf) return {};  // an earlier run took it away
  const auto kind = static_cast<EntryKind>(leaf->kind);
  const bool consumer = kind == EntryKind::received;
  if (!consumer && kind != EntryKind::stream_end && kind != EntryKind::cut) return {};
  const auto payload = with_.log.payload(number);
  if (!payload && payload.error().code == ErrorCode::not_found) return {};
  if (!payload) return payload.error();
  v1::Shared shared;
  if (!shared.ParseFromString(payload->shared) || shared.transaction().empty()) return {};
  const std::string_view prefix = consumer ? kHeldAsConsumer : kHeldAsProvider;
  commit.changes.push_back({std::string(prefix) + name_of_request(ParticipantId(shared.counterparty()), shared.transaction()), std::nullopt});
  return {};
}

/// How far it came stands in the same commit as what went.
Result<void> Pruning::run(Pruned pruned) {
  SLUIS_TRY(pruned.entry, with_.entry_of(pruned.commit));
  while (pruned.next < pruned.end) {
    Commit commit;
    commit.commit_class = CommitClass::revoke;  // it makes room: on a full disk as well
    const std::uint64_t until = std::min(pruned.end, pruned.next + kAtOnce);
    for (std::uint64_t number = pruned.next; number < until; ++number) {
      if (pruned.kept.contains(number)) continue;
      SLUIS_CHECK(drop_receipts(number, commit));
      commit.changes.push_back({provenance::entry_key(number), std::nullopt});
      commit.changes.push_back({provenance::payload_key(number), std::nullopt});
    }
    pruned.next = until;
    Pruned mark = pruned;
    if (until == pruned.end) mark.entry.reset();  // done once the store is without it
    commit.changes.push_back(mark.change());
    SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  }
  SLUIS_CHECK(with_.store.purge());
  Commit done;
  done.commit_class = CommitClass::revoke;
  done.changes.push_back(pruned.change());
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(done)));
  log::info("pruned", {{"log", pruned.origin}, {"entries", std::to_string(pruned.end - pruned.first)}, {"kept", std::to_string(pruned.kept.size())}});
  return {};
}

}  // namespace sluis::node
