#include "connector/node/erasing.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/gate/evidence.hpp"
#include "connector/gate/running.hpp"
#include "connector/intake/running.hpp"
#include "connector/management/convert.hpp"
#include "connector/node/known_request.hpp"
#include "connector/node/runs.hpp"
#include "connector/provenance/receipt.hpp"

#include <algorithm>

namespace sluis::node {
namespace {

using provenance::EntryKind;

constexpr std::string_view kPrefix = "erasure/";
constexpr std::string_view kLeftPrefix = "erased-in-copies/";
constexpr std::string_view kReceiptPrefix = "receipt/";
constexpr std::chrono::days kWaits{30};
constexpr std::size_t kNumbersBytes = 768U << 10U;  ///< of all that are erased at once
constexpr std::size_t kAtOnce = 512U << 10U;        ///< bytes of one commit
constexpr std::size_t kSealedAtOnce = 1000;
constexpr std::size_t kTold = 16U << 10U;           ///< of the numbers, in the entry

/// What others prove something with, or what is public by nature: it says nothing about anybody.
bool may_be_erased(EntryKind kind) {
  switch (kind) {
    case EntryKind::published: case EntryKind::retracted: case EntryKind::membership: case EntryKind::purposes:
    case EntryKind::activity: case EntryKind::declaration: case EntryKind::log_ended: case EntryKind::log_begun:
    case EntryKind::erasure: case EntryKind::findings_signed: case EntryKind::package: case EntryKind::pruned:
      return false;
    default: return true;
  }
}

/// Its key went long ago, or it is damaged: nobody can read it, and it is no reason to erase nothing else.
bool is_unreadable(const Error& error) { return error.code == ErrorCode::not_found || error.code == ErrorCode::corruption; }

std::string key_of(const std::string& id) { return std::string(kPrefix) + id; }
/// Done here, and its keys are still in copies: their files, and by whom.
std::string left_key(const std::string& id) { return std::string(kLeftPrefix) + id; }

bool waited_too_long(const Erasure& erasure, Timestamp now) { return erasure.confirmed_by.empty() && erasure.asked + kWaits < now; }

std::string month_of(std::uint32_t hours) { return format_time(Timestamp(std::chrono::hours(hours))).substr(0, 7); }

std::string encode(const Erasure& erasure) {
  return json::serialise(json::object({{"basis", erasure.basis}, {"asked_by", erasure.asked_by}, {"asked", format_time(erasure.asked)},
                                       {"confirmed_by", erasure.confirmed_by}, {"entries", erasure.numbers()}, {"kept", erasure.kept}}));
}

Result<Erasure> decode(std::string_view id, std::string_view bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  Erasure erasure;
  erasure.id = id;
  SLUIS_TRY(erasure.basis, json::required_string(value, "basis"));
  SLUIS_TRY(erasure.asked_by, json::required_string(value, "asked_by"));
  SLUIS_TRY(erasure.confirmed_by, json::required_string(value, "confirmed_by"));
  SLUIS_TRY(const std::string asked, json::required_string(value, "asked"));
  SLUIS_TRY(erasure.asked, parse_time(asked));
  SLUIS_TRY(const std::string numbers, json::required_string(value, "entries"));
  SLUIS_TRY(erasure.entries, provenance::parse_number_ranges(numbers));
  SLUIS_TRY(erasure.kept, json::required_count(value, "kept"));
  return erasure;
}

/// The first of them, where there are many.
std::string told_numbers(const Erasure& erasure) {
  const std::string numbers = erasure.numbers();
  return numbers.size() <= kTold ? numbers : numbers.substr(0, numbers.rfind(',', kTold)) + ",…";
}

Error nothing_named() {
  return Error(ErrorCode::invalid_argument, "it is not said what to erase").mended_by("name entries, a transaction, a party, or a time before which all goes");
}

}  // namespace

/// The months whose keys are exchanged, with the entries that were recorded in each.
struct Erasing::Months {
  struct One {
    std::string month;
    std::uint64_t first = 0, end = 0;
  };
  std::vector<One> all;
};

v1::AuditErasure to_proto(const Erasure& erasure) {
  v1::AuditErasure out;
  out.set_id(erasure.id);
  out.set_basis(erasure.basis);
  out.set_asked_by(erasure.asked_by);
  management::put_time(out.mutable_asked(), erasure.asked);
  out.set_confirmed_by(erasure.confirmed_by);
  out.set_count(erasure.entries.size());
  out.set_entries(told_numbers(erasure));
  out.set_kept(erasure.kept);
  return out;
}

/// Counts what fits and is kept.
Result<bool> Erasing::fits(const EraseOrder& order, std::uint64_t number, const Runs& open, Erasure& erasure) const {
  SLUIS_TRY(const provenance::Leaf leaf, with_.log.leaf(number));
  const bool named = !order.entries.empty();
  if (named && !std::binary_search(order.entries.begin(), order.entries.end(), number)) return false;
  const auto kind = static_cast<EntryKind>(leaf.kind);
  const auto refused = [&](const std::string& why) -> Result<bool> {
    if (!named) return false;
    return Error(ErrorCode::invalid_argument, "entry " + std::to_string(number) + " " + why).at_pointer("/entries");
  };
  if (!may_be_erased(kind)) return refused("is of kind `" + std::string(provenance::kind_name(leaf.kind)) + "`, which is public or proves something to others");
  const auto payload = with_.log.payload(number);
  if (!payload && is_unreadable(payload.error())) return refused("cannot be read: " + payload.error().message);
  if (!payload) return payload.error();
  v1::Shared shared;
  if (!shared.ParseFromString(payload->shared)) return refused("has a payload of another form");
  if (!order.transaction.empty() && shared.transaction() != order.transaction) return false;
  if (!order.party.empty() && shared.counterparty() != order.party) return false;
  if (order.before && Timestamp(Duration(shared.time_us())) >= *order.before) return false;
  if (!open.holds(kind, shared)) return true;
  ++erasure.kept;
  return refused("is about what still runs");
}

Result<Erasure> Erasing::find(const EraseOrder& order) const {
  EraseOrder sorted = order;
  std::sort(sorted.entries.begin(), sorted.entries.end());
  if (order.entries.empty() && order.transaction.empty() && order.party.empty() && !order.before) return nothing_named();
  if (order.basis.empty() || order.basis.size() > limits::kReasonBytes) {
    return Error(ErrorCode::invalid_argument, "an erasure needs its legal ground").at_pointer("/basis").mended_by("say which law asks for it; name nobody, as it stays");
  }
  Erasure erasure;
  erasure.basis = order.basis;
  erasure.asked_by = order.person;
  erasure.asked = with_.clock.now();
  SLUIS_TRY(const Runs open, Runs::read(with_.store, with_.keys));
  SLUIS_TRY(const std::uint64_t entries, with_.log.entries());
  if (!sorted.entries.empty() && sorted.entries.back() >= entries) {
    return Error(ErrorCode::invalid_argument, "there is no entry " + std::to_string(sorted.entries.back())).at_pointer("/entries");
  }
  SLUIS_TRY(const std::uint64_t first_kept, with_.log.first_kept());
  if (!sorted.entries.empty() && sorted.entries.front() < first_kept) {
    return Error(ErrorCode::invalid_argument, "entry " + std::to_string(sorted.entries.front()) + " is of a log that was pruned").at_pointer("/entries")
        .mended_by("what is left of that goes with `sluis audit prune`, asked for again, once nothing rests on it");
  }
  const std::uint64_t first = sorted.entries.empty() ? first_kept : sorted.entries.front();
  const std::uint64_t end = sorted.entries.empty() ? entries : sorted.entries.back() + 1;
  for (std::uint64_t number = first; number < end; ++number) {
    SLUIS_TRY(const bool fits_it, fits(sorted, number, open, erasure));
    if (fits_it) erasure.entries.insert(erasure.entries.end(), number);
  }
  if (sorted.entries.empty()) {  // what is left of logs that were pruned is needed, and goes with them
    SLUIS_TRY(const std::vector<provenance::Pruned> pruned, with_.log.pruned());
    for (const provenance::Pruned& log : pruned) {
      for (const std::uint64_t number : log.kept) {
        SLUIS_TRY(const bool fits_it, fits(sorted, number, open, erasure));
        erasure.kept += fits_it ? 1 : 0;
      }
    }
  }
  if (erasure.entries.empty()) {
    return Error(ErrorCode::not_found, erasure.kept == 0 ? "no entry fits that" : "all that fits is about what still runs")
        .mended_by("look with `sluis audit log`; what an agreement still needs can go once that has ended");
  }
  if (erasure.entries.size() > provenance::kNumbersAtMost || erasure.numbers().size() > kNumbersBytes) {
    return Error(ErrorCode::limit_exceeded, "these are too many entries at once").mended_by("take them in pieces: --before");
  }
  return erasure;
}

/// What began to run since it was asked for stays.
Result<void> Erasing::look_again(Erasure& erasure) const {
  SLUIS_TRY(const Runs open, Runs::read(with_.store, with_.keys));
  SLUIS_TRY(const std::uint64_t first_kept, with_.log.first_kept());
  erasure.entries.erase(erasure.entries.begin(), erasure.entries.lower_bound(first_kept));  // pruned meanwhile
  for (auto at = erasure.entries.begin(); at != erasure.entries.end();) {
    SLUIS_TRY(const provenance::Leaf leaf, with_.log.leaf(*at));
    const auto payload = with_.log.payload(*at);
    if (!payload && !is_unreadable(payload.error())) return payload.error();
    v1::Shared shared;
    const bool runs = payload && shared.ParseFromString(payload->shared) && open.holds(static_cast<EntryKind>(leaf.kind), shared);
    erasure.kept += runs ? 1 : 0;
    at = runs ? erasure.entries.erase(at) : std::next(at);
  }
  if (!erasure.entries.empty()) return {};
  return Error(ErrorCode::invalid_state, "all of it is about what runs now").mended_by("ask again once that has ended");
}

EntryDraft Erasing::entry(const Erasure& erasure, std::string_view event, const std::string& person) const {
  const json::Value told = json::object({{"id", erasure.id}, {"basis", erasure.basis}, {"entries", told_numbers(erasure)}, {"count", std::uint64_t{erasure.entries.size()}}});
  EntryDraft draft = with_.writer.plain_entry(EntryKind::erasure, event, json::serialise(told));
  with_.writer.name_person(draft, person);
  return draft;
}

Result<Erasure> Erasing::ask(const EraseOrder& order) {
  const std::lock_guard lock(mutex_);
  SLUIS_TRY(Erasure erasure, find(order));
  erasure.id = to_hex(with_.random.bytes(8));
  Commit commit;
  commit.commit_class = CommitClass::revoke;
  commit.preconditions.push_back({key_of(erasure.id), std::nullopt});
  commit.changes.push_back({key_of(erasure.id), encode(erasure)});
  commit.entries.push_back(entry(erasure, "asked", order.person));
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  return erasure;
}

Result<Erasure> Erasing::show(const std::string& id) const {
  SLUIS_TRY(const std::optional<std::string> bytes, with_.store.get(key_of(id)));
  if (!bytes) return Error(ErrorCode::not_found, "no erasure `" + id + "` waits");
  SLUIS_TRY(Erasure erasure, decode(id, *bytes));
  if (waited_too_long(erasure, with_.clock.now())) {
    return Error(ErrorCode::not_found, "the erasure `" + id + "` waited too long").mended_by("ask for it again");
  }
  return erasure;
}

Result<std::vector<Erasure>> Erasing::list() const {
  std::vector<std::string> ids;
  SLUIS_CHECK(with_.store.scan(kPrefix, kPrefix, [&](std::string_view key, std::string_view) {
    ids.emplace_back(key.substr(kPrefix.size()));
    return true;
  }));
  std::vector<Erasure> all;
  for (const std::string& id : ids) {
    auto one = show(id);
    if (!one && one.error().code != ErrorCode::not_found) return one.error();
    if (one) all.push_back(std::move(*one));
  }
  return all;
}

Result<bool> Erasing::under_way() const {
  SLUIS_TRY(const std::vector<Erasure> all, list());
  return std::any_of(all.begin(), all.end(), [](const Erasure& one) { return !one.confirmed_by.empty(); });
}

/// The new keys come before the word that it is confirmed: whoever goes on after that finds the newest key of each month to be the next.
Result<Erased> Erasing::confirm(const std::string& id, const std::string& person) {
  const std::lock_guard lock(mutex_);
  SLUIS_TRY(Erasure erasure, show(id));
  if (erasure.confirmed_by.empty()) {
    if (erasure.asked_by == person) {
      return Error(ErrorCode::permission_denied, "whoever asked for an erasure does not confirm it").mended_by("it takes a second person");
    }
    SLUIS_CHECK(look_again(erasure));
    SLUIS_TRY(const Months months, months_of(erasure));
    for (const Months::One& one : months.all) SLUIS_CHECK(with_.keys.begin_next(one.month));
    SLUIS_TRY(const std::optional<std::string> before, with_.store.get(key_of(id)));
    erasure.confirmed_by = person;
    Commit commit;
    commit.commit_class = CommitClass::revoke;
    commit.preconditions.push_back({key_of(id), before});
    commit.changes.push_back({key_of(id), encode(erasure)});
    commit.entries.push_back(entry(erasure, "confirmed", person));
    commit.changes.push_back({std::string(gate::kPayloadEpoch), id});
    // Entries that were sealed under an old key meanwhile stand before this one; what else is sealed has its epoch as a condition.
    SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  }
  return run(erasure);
}

Result<void> Erasing::go_on() {
  const std::lock_guard lock(mutex_);
  SLUIS_TRY(const std::vector<std::string> left, in_copies());
  SLUIS_TRY(const std::vector<Erasure> all, list());
  for (const Erasure& one : all) {
    if (one.confirmed_by.empty()) continue;
    SLUIS_CHECK(run(one));
  }
  SLUIS_CHECK(forget_expired());
  // One that cannot be reached holds up no other; each has told why.
  for (const std::string& id : left) (void)drop_from_copies(id, {});
  return {};
}

/// It names entries, and whoever asked: no longer than it can be confirmed.
Result<void> Erasing::forget_expired() {
  Commit commit;
  commit.commit_class = CommitClass::bulk;
  SLUIS_CHECK(with_.store.scan(kPrefix, kPrefix, [&](std::string_view key, std::string_view bytes) {
    const auto one = decode(std::string(key.substr(kPrefix.size())), bytes);
    if (one && waited_too_long(*one, with_.clock.now())) commit.changes.push_back({std::string(key), std::nullopt});
    return true;
  }));
  if (commit.changes.empty()) return {};
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  return {};
}

/// What entries said is gone when their keys are, and these go last: broken off anywhere, it is gone on with from the beginning.
Result<Erased> Erasing::run(const Erasure& erasure) {
  SLUIS_CHECK(forget_receipts(erasure));
  SLUIS_TRY(const Months months, months_of(erasure));
  std::vector<std::string> dropped;
  SLUIS_CHECK(rewrap_kept());
  for (const Months::One& one : months.all) {
    SLUIS_CHECK(rewrap(erasure, one.first, one.end));
    SLUIS_TRY(const std::vector<std::string> older, with_.keys.older(one.month));
    for (const std::string& file : older) SLUIS_CHECK(with_.keys.drop(file));
    dropped.insert(dropped.end(), older.begin(), older.end());
  }
  SLUIS_CHECK(with_.store.purge());
  SLUIS_TRY(const std::uint64_t entries, with_.log.entries());
  Commit commit;
  commit.commit_class = CommitClass::revoke;
  commit.changes.push_back({key_of(erasure.id), std::nullopt});
  if (with_.drop_copies) {
    json::Array files;
    for (const std::string& file : dropped) files.emplace_back(file);
    commit.changes.push_back({left_key(erasure.id), json::serialise(json::object({{"files", std::move(files)}, {"person", erasure.confirmed_by}, {"entry", entries}}))});
  }
  commit.entries.push_back(entry(erasure, "erased", erasure.confirmed_by));
  SLUIS_TRY(const CommitReceipt receipt, with_.commits.commit_and_wait(std::move(commit)));
  log::info("erased", {{"erasure", erasure.id}, {"entries", std::to_string(erasure.entries.size())}});
  Erased done{receipt.first_entry, {}};
  // After that word: a copy that is made now does not hold this erasure as one that is to be gone on with.
  if (const auto copies = drop_from_copies(erasure.id, {}); !copies) done.left = describe(copies.error());
  return done;
}

/// `copied`: how many entries a copy has that was just made; none: one is to be made. It needs none of the keys where it is of after the erasure.
Result<void> Erasing::drop_from_copies(const std::string& id, std::optional<std::uint64_t> copied) {
  SLUIS_TRY(const std::optional<std::string> kept, with_.store.get(left_key(id)));
  if (!kept || !with_.drop_copies) return {};  // without copies that are known, nobody can say that they are gone
  SLUIS_TRY(const json::Value left, json::parse(*kept));
  SLUIS_TRY(const std::uint64_t entry, json::required_count(left, "entry"));
  if (copied && *copied <= entry) return {};
  SLUIS_TRY(const std::string person, json::required_string(left, "person"));
  std::vector<std::string> files;
  if (const json::Value* named = left.find("files"); named != nullptr && named->if_array() != nullptr) {
    for (const json::Value& file : *named->if_array()) files.push_back(file.if_string() != nullptr ? *file.if_string() : "");
  }
  if (const auto dropped = with_.drop_copies(files, person, !copied); !dropped) {
    log::error("copies of erased keys are left", {{"erasure", id}, {"what", describe(dropped.error())}});
    return dropped.error();
  }
  Commit commit;
  commit.commit_class = CommitClass::bulk;
  commit.changes.push_back({left_key(id), std::nullopt});
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  return {};
}

Result<std::vector<std::string>> Erasing::in_copies() const {
  std::vector<std::string> ids;
  SLUIS_CHECK(with_.store.scan(kLeftPrefix, kLeftPrefix, [&](std::string_view key, std::string_view) {
    ids.emplace_back(key.substr(kLeftPrefix.size()));
    return true;
  }));
  return ids;
}

Result<void> Erasing::copied_anew(std::uint64_t entries) {
  const std::lock_guard lock(mutex_);
  SLUIS_TRY(const std::vector<std::string> ids, in_copies());
  for (const std::string& id : ids) (void)drop_from_copies(id, entries);
  return {};
}

/// Number of the first entry that was recorded in this hour or later. Recorded times only rise.
Result<std::uint64_t> Erasing::first_of(std::uint32_t hours) const {
  SLUIS_TRY(std::uint64_t behind, with_.log.entries());
  SLUIS_TRY(std::uint64_t at, with_.log.first_kept());
  while (at < behind) {
    const std::uint64_t middle = at + (behind - at) / 2;
    SLUIS_TRY(const provenance::Leaf leaf, with_.log.leaf(middle));
    if (leaf.hours < hours) at = middle + 1;
    else behind = middle;
  }
  return at;
}

Result<Erasing::Months> Erasing::months_of(const Erasure& erasure) const {
  Months months;
  for (const std::uint64_t number : erasure.entries) {
    if (!months.all.empty() && number < months.all.back().end) continue;
    SLUIS_TRY(const provenance::Leaf leaf, with_.log.leaf(number));
    const auto day = std::chrono::floor<std::chrono::days>(Timestamp(std::chrono::hours(leaf.hours)));
    const std::chrono::year_month_day date(day);
    const auto hours_of = [](std::chrono::year_month month) {
      return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::hours>(std::chrono::sys_days(month / 1).time_since_epoch()).count());
    };
    const std::chrono::year_month month = date.year() / date.month();
    Months::One one{month_of(leaf.hours), 0, 0};
    SLUIS_TRY(one.first, first_of(hours_of(month)));
    SLUIS_TRY(one.end, first_of(hours_of(month + std::chrono::months(1))));
    months.all.push_back(std::move(one));
  }
  return months;
}

/// What the other parties' receipts say of the same transactions. Before the entries themselves, which tell which those are.
Result<void> Erasing::forget_receipts(const Erasure& erasure) {
  std::set<std::string> transactions, hashes, keys;
  for (const std::uint64_t number : erasure.entries) {
    const auto payload = with_.log.payload(number);
    if (!payload && is_unreadable(payload.error())) continue;
    if (!payload) return payload.error();
    v1::Shared shared;
    if (!shared.ParseFromString(payload->shared)) continue;
    if (!shared.transaction().empty()) {
      transactions.insert(shared.transaction());
      // Also what is awaited: a receipt that comes meanwhile finds its request gone, and is not kept.
      for (std::string& key : keys_of_request(ParticipantId(shared.counterparty()), shared.transaction())) keys.insert(std::move(key));
      continue;
    }
    SLUIS_TRY(const provenance::Leaf leaf, with_.log.leaf(number));
    // A receipt that was taken: the entry says of which, by its place.
    if (static_cast<EntryKind>(leaf.kind) == EntryKind::receipt) hashes.insert(shared.peer_checkpoint() + shared.event() + shared.agreement());
  }
  std::vector<std::string> go(keys.begin(), keys.end());
  SLUIS_CHECK(with_.store.scan(kReceiptPrefix, kReceiptPrefix, [&](std::string_view key, std::string_view kept) {
    const auto text = kept.starts_with('{') ? Result<std::string>(std::string(kept)) : with_.keys.unseal(kept, {0, gate::bound_to(key)});
    const auto receipt = text ? provenance::Receipt::from_json(*text) : Result<provenance::Receipt>(text.error());
    v1::Shared shared;
    if (!receipt || !shared.ParseFromString(receipt->shared)) return true;
    const std::string taken = receipt->checkpoint + std::string(provenance::kind_name(receipt->leaf.kind)) + shared.agreement();
    if (transactions.contains(shared.transaction()) || hashes.contains(taken)) go.emplace_back(key);
    return true;
  }));
  while (!go.empty()) {  // in pieces: a commit has its bound
    Commit commit;
    commit.commit_class = CommitClass::bulk;
    for (; !go.empty() && commit.changes.size() < kSealedAtOnce; go.pop_back()) commit.changes.push_back({std::move(go.back()), std::nullopt});
    SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  }
  return {};
}

/// What is kept beside the log, and of logs that were pruned, stays readable under the newest key, too; what goes or changes meanwhile is so
/// anyhow.
Result<void> Erasing::rewrap_kept() {
  SLUIS_TRY(const std::vector<provenance::Pruned> pruned, with_.log.pruned());
  for (const provenance::Pruned& log : pruned) {
    for (const std::uint64_t number : log.kept) SLUIS_CHECK(rewrap({}, number, number + 1));
  }
  for (const std::string_view prefix : {gate::kReleasePrefix, intake::kIntentPrefix, kReceiptPrefix, kRequestReceiptsPrefix}) {
    std::string from(prefix);
    while (!from.empty()) {
      std::vector<std::pair<std::string, std::string>> some;
      std::string next;
      SLUIS_CHECK(with_.store.scan(prefix, from, [&](std::string_view key, std::string_view value) {
        if (some.size() == kSealedAtOnce) next = key;
        else if (!value.starts_with('{')) some.emplace_back(key, value);
        return next.empty();
      }));
      for (const auto& [key, sealed] : some) SLUIS_CHECK(rewrap_one(key, sealed));
      from = std::move(next);
    }
  }
  return {};
}

Result<void> Erasing::rewrap_one(const std::string& key, const std::string& sealed) {
  auto again = with_.keys.rewrap(sealed, {0, gate::bound_to(key)});
  if (!again && is_unreadable(again.error())) return {};
  if (!again) return again.error();
  if (!*again) return {};
  Commit commit;
  commit.commit_class = CommitClass::bulk;
  commit.preconditions.push_back({key, sealed});
  commit.changes.push_back({key, std::move(**again)});
  const auto done = with_.commits.commit_and_wait(std::move(commit));
  if (!done && done.error().code != ErrorCode::conflict) return done.error();
  return {};
}

/// What is erased goes, what stays goes under the newest key of its month.
Result<void> Erasing::rewrap(const Erasure& erasure, std::uint64_t first, std::uint64_t end) {
  Commit commit;
  std::size_t bytes = 0;
  const auto write = [&]() -> Result<void> {
    if (commit.changes.empty()) return {};
    commit.commit_class = CommitClass::bulk;
    SLUIS_CHECK(with_.commits.commit_and_wait(std::exchange(commit, {})));
    bytes = 0;
    return {};
  };
  for (std::uint64_t number = first; number < end; ++number) {
    const std::string key = provenance::payload_key(number);
    SLUIS_TRY(const std::optional<std::string> sealed, with_.store.get(key));
    if (!sealed) continue;
    if (erasure.entries.contains(number)) {
      commit.changes.push_back({key, std::nullopt});
      bytes += key.size();
    } else {
      SLUIS_TRY(const provenance::Leaf leaf, with_.log.leaf(number));
      auto again = with_.keys.rewrap(*sealed, {number, leaf.commitment});
      if (!again && is_unreadable(again.error())) continue;
      if (!again) return again.error();
      if (!*again) continue;
      bytes += key.size() + (*again)->size();
      commit.changes.push_back({key, std::move(**again)});
    }
    if (bytes > kAtOnce) SLUIS_CHECK(write());
  }
  return write();
}

}  // namespace sluis::node
