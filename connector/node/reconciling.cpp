#include "connector/node/reconciling.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/gate/assess.hpp"
#include "connector/node/contradiction.hpp"
#include "connector/provenance/passing.hpp"

#include <algorithm>
#include <charconv>

namespace sluis::node {
namespace {

using provenance::EntryKind;
using provenance::Receipt;

constexpr std::size_t kQuestionBytes = 16U << 10U;
constexpr std::size_t kPageBytes = 640U << 10U;       // of receipts, within a JSON body
constexpr std::uint64_t kLookedAt = 20'000;           // entries for one page
constexpr std::size_t kPeerBytes = 96U << 20U;        // of receipts in one comparison: some 40,000
constexpr std::size_t kOwnEntries = 200'000;          // the same of this node's log
constexpr std::size_t kErasedEntries = 10'000;        // that may explain what is missing; they are anybody's
constexpr std::uint64_t kBehindAll = 999'999'999'999'999;  // an entry that no log has: to be shown a checkpoint alone
constexpr std::size_t kPeerFindings = 10'000;
constexpr std::size_t kPages = 10'000;
constexpr std::chrono::minutes kPatience{10};         // for all pages of a peer
constexpr std::size_t kServedAtOnce = 2;              // parties, as reading the log takes time from others
constexpr std::chrono::seconds kTurn{15};             // so long a party waits for its turn
constexpr std::chrono::hours kMargin{1};
constexpr Timestamp kAlways{Duration(0)};

/// 0 where there is none.
Result<std::uint64_t> number_at(const json::Value& value, std::string_view key) {
  const json::Value* member = value.find(key);
  if (member == nullptr || member->is_null()) return std::uint64_t{0};
  return json::required_count(value, key);
}

Result<Timestamp> time_at(const json::Value& value, std::string_view key, Timestamp otherwise) {
  SLUIS_TRY(const std::optional<std::string> text, json::optional_string(value, key));
  if (!text) return otherwise;
  return parse_time(*text);
}

bool leaf_within(const provenance::Leaf& leaf, Timestamp from, Timestamp until) {
  const Timestamp hour{std::chrono::hours(leaf.hours)};
  return hour + std::chrono::hours(2) > from && hour - std::chrono::hours(1) < until;
}

/// What this node's log can say of a checkpoint that it gave before: its newest, and that this holds that one.
Result<json::Value> continued(const provenance::LogReader& log, const std::string& newest, const std::string& own_key, const std::string& origin,
                              std::uint64_t size) {
  for (const provenance::Shard& shard : log.shards()) {
    const bool last = shard.number == log.shard().number;
    SLUIS_TRY(const provenance::VerifierKey key, provenance::VerifierKey::parse(last ? own_key : shard.key));
    if (key.name() != origin) continue;
    const std::string& note = last ? newest : shard.seal;
    SLUIS_TRY(const provenance::Checkpoint checkpoint, provenance::open_checkpoint(note, key));
    if (size > checkpoint.size) return Error(ErrorCode::conflict, "this log is shorter than that");
    const provenance::LogReader reader = log.at(shard);
    SLUIS_TRY(const std::vector<Hash> path, provenance::consistency_proof(size, checkpoint.size, reader.nodes(checkpoint.size)));
    return json::object({{"checkpoint", note}, {"proof", proof_to_json(path)}});
  }
  return Error(ErrorCode::not_found, "this node has no such log");
}

}  // namespace

/// What the peer showed, each of it proven.
struct Reconciling::Theirs {
  std::vector<SharedEntry> entries;
  std::vector<std::string> proofs;   ///< by SharedEntry::at
  std::size_t bytes = 0;             ///< of the proofs
  std::vector<Difference> findings;  ///< what it could not prove
  std::vector<std::string> notes;    ///< what it lost, and says so
  Shown newest;                      ///< of the newest page
  std::map<std::string, Shown> ended;  ///< by origin, of its logs that have ended: one each
  std::uint64_t next = 0;
  bool more = false;
  std::string held;   ///< a note that it signed before; the log that it shows now does not hold it
  std::string shown;  ///< the note of that log
  std::optional<Timestamp> pruned;  ///< it says that what was recorded before is not there any more

  void rewritten(const ParticipantId& peer, const std::string& why) { findings.push_back({"rewritten", "log", peer.str(), why, {}, {}}); }
  /// What can be held against it: two notes of one log, the newest. That no answer came, or none that can be read, proves nothing.
  void contradicts(const Shown& before, const std::string& now, std::string_view rests_on) {
    const std::string& origin = before.checkpoint.origin;
    if (!held.empty() || origin != provenance::origin_of(now) || origin != provenance::origin_of(rests_on)) return;
    held = before.note;
    shown = now;
  }
};

/// A party's question, as long as it is being answered.
struct Reconciling::OneAtATime {
  OneAtATime(Reconciling& owner, const ParticipantId& who) : of(owner), peer(who) {
    std::unique_lock lock(of.mutex_);
    second = !of.asking_.insert(peer).second;
    if (second) return;
    // Others' questions are not told, but for a long wait.
    taken = of.turn_.wait_for(lock, kTurn, [&] { return of.served_ < kServedAtOnce; });
    if (taken) ++of.served_;
  }
  ~OneAtATime() {
    const std::lock_guard lock(of.mutex_);
    if (!second) of.asking_.erase(peer);
    if (taken) --of.served_;
    of.turn_.notify_all();
  }
  OneAtATime(const OneAtATime&) = delete;
  OneAtATime& operator=(const OneAtATime&) = delete;

  Reconciling& of;
  const ParticipantId peer;
  bool second = false;  ///< of the same party
  bool taken = false;
};

std::vector<http::Route> Reconciling::routes() {
  return {{"POST", "/evidence/v1/entries", [this](const http::Request& request) { return entries(request); }, kQuestionBytes}};
}

http::Response Reconciling::entries(const http::Request& request) {
  const auto peer = with_.authenticate(request);
  if (!peer) return evidence_refusal(peer.error());
  const OneAtATime turn(*this, *peer);
  if (turn.second) return evidence_refusal(429, "busy", "an earlier question of this party is being answered");
  if (!turn.taken) return evidence_refusal(503, "unavailable", "the log cannot be read now");
  const auto body = answer(*peer, request.body);
  if (body) return http::json_response(200, *body);
  const ErrorCode code = body.error().code;
  if (code == ErrorCode::invalid_argument || code == ErrorCode::conflict || code == ErrorCode::not_found) {
    return evidence_refusal(code == ErrorCode::conflict ? 409 : code == ErrorCode::not_found ? 404 : 400, to_string(code), body.error().message);
  }
  log::error("entries were not shown to a peer", {{"peer", peer->str()}, {"what", body.error().message}});
  return evidence_refusal(503, "unavailable", "the log cannot be read now");
}

Result<std::string> Reconciling::answer(const ParticipantId& peer, std::string_view body) const {
  SLUIS_TRY(const json::Value asked, json::parse(body));
  SLUIS_TRY(const Timestamp from, time_at(asked, "from", kAlways));
  SLUIS_TRY(const Timestamp until, time_at(asked, "until", with_.clock.now() + kMargin));
  SLUIS_TRY(std::uint64_t at, number_at(asked, "after"));
  SLUIS_TRY(const std::uint64_t entries, with_.log.entries());
  const std::string note = with_.sequencer.checkpoint();
  if (note.empty()) return Error(ErrorCode::storage_unavailable, "this log has no checkpoint yet");
  const std::string own_key = with_.sequencer.verifier_key();
  json::Value out = json::object({{"checkpoint", note}});
  if (const json::Value* known = asked.find("known"); known != nullptr && !known->is_null()) {
    SLUIS_TRY(const std::string origin, json::required_string(*known, "origin", "/known"));
    SLUIS_TRY(const std::uint64_t size, number_at(*known, "size"));
    SLUIS_TRY(json::Value proof, continued(with_.log, note, own_key, origin, size));
    out.set("known", std::move(proof));
  }
  SLUIS_TRY(const provenance::VerifierKey key, provenance::VerifierKey::parse(own_key));
  SLUIS_TRY(const provenance::Checkpoint newest, provenance::open_checkpoint(note, key));
  const std::uint64_t end = std::min(entries, with_.log.shard().first + newest.size);
  SLUIS_TRY(const std::optional<Timestamp> gone, pruned_until());
  SLUIS_TRY(const std::vector<provenance::Pruned> pruned, with_.log.pruned());
  json::Array receipts;
  std::size_t bytes = 0;
  at = provenance::number_there(pruned, at);
  for (std::uint64_t looked = 0; at < end && looked < kLookedAt && bytes < kPageBytes; at = provenance::number_there(pruned, at + 1), ++looked) {
    SLUIS_TRY(const std::optional<SharedEntry> entry, entry_at(at, peer, from, until));
    if (!entry) continue;
    const auto receipt = provenance::make_receipt(with_.log, at, note, key);
    if (!receipt && receipt.error().code == ErrorCode::not_found) continue;  // its log ended without a checkpoint over it
    if (!receipt) return receipt.error();
    receipts.emplace_back(receipt->to_json());
    bytes += receipts.back().if_string()->size() + 64;
  }
  if (gone) out.set("pruned", format_time(*gone));
  out.set("receipts", json::Value(std::move(receipts)));
  out.set("next", at < end ? json::Value(at) : json::Value());
  return json::serialise(out);
}

/// What was recorded before this may have been pruned here. Hours never fall.
Result<std::optional<Timestamp>> Reconciling::pruned_until() const {
  SLUIS_TRY(const std::uint64_t first_kept, with_.log.first_kept());
  if (first_kept == 0) return std::optional<Timestamp>();
  SLUIS_TRY(const provenance::Leaf first, provenance::first_leaf(with_.log));
  return std::optional(Timestamp(std::chrono::hours(first.hours + 1)));
}

Result<std::optional<SharedEntry>> Reconciling::entry_at(std::uint64_t number, const ParticipantId& peer, Timestamp from, Timestamp until) const {
  const std::optional<SharedEntry> none;
  SLUIS_TRY(const std::optional<provenance::Leaf> leaf, provenance::leaf_in_pass(with_.log, number));
  if (!leaf || !is_compared(static_cast<EntryKind>(leaf->kind)) || !leaf_within(*leaf, from, until)) return none;
  const auto payload = with_.log.payload(number);
  if (!payload && payload.error().code == ErrorCode::not_found) return none;
  if (!payload) return payload.error();
  SharedEntry entry{static_cast<EntryKind>(leaf->kind), {}, number};
  if (!entry.shared.ParseFromString(payload->shared) || entry.shared.counterparty() != peer.str()) return none;
  // What this organisation refused its own applications, or told them, is nobody else's: it names activities.
  v1::Internal internal;
  if (entry.kind == EntryKind::decision && (!internal.ParseFromString(payload->internal) || !internal.application().empty())) return none;
  const Timestamp time{Duration(entry.shared.time_us())};
  return time < from || time >= until ? none : std::optional(std::move(entry));
}

/// Whose entry an erased one was nobody knows any more.
Result<std::optional<ErasedEntry>> Reconciling::erased_at(std::uint64_t number, Timestamp from, Timestamp until) const {
  const std::optional<ErasedEntry> none;
  SLUIS_TRY(const std::optional<provenance::Leaf> leaf, provenance::leaf_in_pass(with_.log, number));
  if (!leaf || !is_compared(static_cast<EntryKind>(leaf->kind)) || !leaf_within(*leaf, from, until)) return none;
  const auto payload = with_.log.payload(number);
  if (payload) return none;
  if (payload.error().code != ErrorCode::not_found) return payload.error();
  SLUIS_TRY(const auto still, provenance::leaf_in_pass(with_.log, number));
  if (!still) return none;
  return std::optional<ErasedEntry>({static_cast<EntryKind>(leaf->kind), Timestamp{std::chrono::hours(leaf->hours)}, number});
}

Result<std::vector<SharedEntry>> Reconciling::ours(const ParticipantId& peer, Timestamp from, Timestamp until,
                                                   std::vector<ErasedEntry>& erased) const {
  SLUIS_TRY(const std::uint64_t entries, with_.log.entries());
  SLUIS_TRY(const std::vector<provenance::Pruned> pruned, with_.log.pruned());
  std::vector<SharedEntry> out;
  for (std::uint64_t at = provenance::number_there(pruned, 0); at < entries; at = provenance::number_there(pruned, at + 1)) {
    SLUIS_TRY(std::optional<SharedEntry> entry, entry_at(at, peer, from, until));
    if (entry) {
      out.push_back(std::move(*entry));
    } else if (erased.size() < kErasedEntries) {
      SLUIS_TRY(const std::optional<ErasedEntry> gone, erased_at(at, from, until));
      if (gone) erased.push_back(*gone);
    }
    if (out.size() > kOwnEntries) {
      return Error(ErrorCode::limit_exceeded, "this log has more than can be compared at once").mended_by("name a shorter time: --from, --until");
    }
  }
  return out;
}

Result<Reconciling::Shown> Reconciling::opened(const ParticipantId& peer, const std::string& note) const {
  SLUIS_TRY(provenance::Checkpoint checkpoint, evidence_.open_note(peer, note, with_.clock.now()));
  return Shown{note, std::move(checkpoint)};
}

/// What this peer is held to. A log that is not its own any more is nobody's.
Result<std::vector<Reconciling::Shown>> Reconciling::known_of(const ParticipantId& peer) const {
  std::vector<Shown> known;
  const std::string prefix = known_checkpoints(peer);
  SLUIS_CHECK(with_.store.scan(prefix, prefix, [&](std::string_view, std::string_view note) {
    if (auto shown = opened(peer, std::string(note))) known.push_back(std::move(*shown));
    return true;
  }));
  return known;
}

Result<http::PeerResponse> Reconciling::post(const json::Value& question, const ParticipantId& peer) const {
  SLUIS_TRY(const std::string base, with_.directory.endpoint(peer, with_.clock.now()));
  http::PeerRequest request;
  request.peer = peer;
  request.url = base + "/evidence/v1/entries";
  request.headers["content-type"] = "application/json";
  request.timeout = 4 * limits::kPeerTimeout;
  request.body = json::serialise(question);
  return with_.transport.send(request);
}

/// What the peer signs now of a log that is shorter than what it signed before, where it may be (decision 38): the peer went over to another, which it
/// shows and the list has behind this one. A recovered node lost its end, and its new log began by saying so. Nothing: that excuses it not.
Result<std::optional<Reconciling::Shown>> Reconciling::lost_its_end(const ParticipantId& peer, const Shown& known, const std::string& newest) const {
  const std::optional<Shown> none;
  SLUIS_TRY(const identity::PartyPtr party, with_.directory.find(peer));
  const auto end = party->log_origins.end();
  const auto named = [](std::string_view origin) { return [origin](const identity::LogOrigin& one) { return one.origin == origin; }; };
  const auto old = std::find_if(party->log_origins.begin(), end, named(known.checkpoint.origin));
  if (old == end || std::find_if(std::next(old), end, named(provenance::origin_of(newest))) == end || !opened(peer, newest)) return none;
  json::Value asked = json::object({{"after", kBehindAll}});
  asked.set("known", json::object({{"origin", known.checkpoint.origin}, {"size", std::uint64_t{1}}}));
  SLUIS_TRY(const http::PeerResponse response, post(asked, peer));
  const auto page = response.status == 200 ? json::parse(response.body) : Result<json::Value>(Error(ErrorCode::not_found, "no answer"));
  const json::Value* answer = page ? page->find("known") : nullptr;
  const auto note = answer != nullptr ? json::required_string(*answer, "checkpoint") : Result<std::string>(Error(ErrorCode::not_found, "no answer"));
  auto shown = note ? opened(peer, *note) : Result<Shown>(note.error());
  if (!shown || shown->checkpoint.origin != known.checkpoint.origin || shown->checkpoint.size >= known.checkpoint.size) return none;
  return std::optional(std::move(*shown));
}

/// One page. Where it does not hold what the peer is held to, that is a finding.
Result<json::Value> Reconciling::ask(const json::Value& question, const ParticipantId& peer, const Shown* known, Theirs& out) const {
  json::Value asked = question;
  if (known != nullptr) asked.set("known", json::object({{"origin", known->checkpoint.origin}, {"size", known->checkpoint.size}}));
  SLUIS_TRY(const http::PeerResponse response, post(asked, peer));
  if (response.status >= 400 && response.status < 500 && response.status != 408 && response.status != 429 && known != nullptr) {
    SLUIS_TRY(json::Value page, ask(question, peer, nullptr, out));
    SLUIS_TRY(const std::string newest, json::required_string(page, "checkpoint"));
    if (response.status == 409) {
      SLUIS_TRY(std::optional<Shown> end, lost_its_end(peer, *known, newest));
      if (end) {
        out.notes.push_back("the log `" + known->checkpoint.origin + "` of this party ended with " + std::to_string(end->checkpoint.size) +
                            " entries, and had signed " + std::to_string(known->checkpoint.size) +
                            ": it went on under another log, which the membership list has, as after a recovery");
        out.ended.insert_or_assign(known->checkpoint.origin, std::move(*end));
        return page;
      }
    }
    out.rewritten(peer, "the peer cannot show that its log holds a checkpoint that it signed: it answered " + std::to_string(response.status));
    if (response.status == 409) out.contradicts(*known, newest, newest);  // else it may be some server before it that speaks
    return page;
  }
  if (response.status != 200) {
    return Error(ErrorCode::peer_unavailable, "`" + peer.str() + "` does not show its entries: it answered " + std::to_string(response.status))
        .mended_by("a node of an older version cannot; else ask again later");
  }
  SLUIS_TRY(json::Value page, json::parse(response.body));
  if (known == nullptr) return page;
  SLUIS_TRY(const std::string newest, json::required_string(page, "checkpoint"));
  auto proven = check_known(peer, *known, page);
  if (!proven) {
    out.rewritten(peer, "the peer cannot prove that its log holds what it showed before: " + proven.error().message);
    if (proven.error().code == ErrorCode::conflict) {
      SLUIS_TRY(const std::string shown, json::required_string(*page.find("known"), "checkpoint"));
      out.contradicts(*known, shown, newest);
    }
    return page;
  }
  if (proven->checkpoint.origin != provenance::origin_of(newest)) out.ended.insert_or_assign(proven->checkpoint.origin, std::move(*proven));
  return page;
}

Result<Reconciling::Theirs> Reconciling::fetch(const ReconcileOrder& order, Timestamp from, Timestamp until) const {
  SLUIS_TRY(const identity::PartyPtr party, with_.directory.find(order.peer));
  if (!party->evidence) {
    return Error(ErrorCode::not_found, "`" + order.peer.str() + "` keeps no log that others can check")
        .mended_by("the membership list says `evidence` of those that do");
  }
  const auto question = [&](std::uint64_t after) {
    return json::object({{"from", format_time(from)}, {"until", format_time(until)}, {"after", after}});
  };
  Theirs out;
  std::optional<Shown> before;  // what each page rests on is held to the next
  SLUIS_TRY(const std::vector<Shown> known, known_of(order.peer));
  for (const Shown& one : known) {
    SLUIS_TRY(const json::Value page, ask(question(kBehindAll), order.peer, &one, out));
    SLUIS_TRY(const std::string note, json::required_string(page, "checkpoint"));
    SLUIS_TRY(before, opened(order.peer, note));
  }
  const auto until_when = std::chrono::steady_clock::now() + kPatience;
  for (std::size_t pages = 0; pages < kPages && std::chrono::steady_clock::now() < until_when; ++pages) {
    const std::uint64_t asked = out.next;
    SLUIS_TRY(const json::Value page, ask(question(asked), order.peer, before ? &*before : nullptr, out));
    SLUIS_CHECK(take_page(order.peer, page, out));
    if (!out.more) return out;
    if (out.next <= asked) return Error(ErrorCode::permission_denied, "the peer's pages do not end");
    if (out.bytes > kPeerBytes || out.findings.size() > kPeerFindings) {
      return Error(ErrorCode::limit_exceeded, "the peer's log has more than can be compared at once").mended_by("name a shorter time: --from, --until");
    }
    before = out.newest;
  }
  return Error(ErrorCode::limit_exceeded, "the peer's answers do not end").mended_by("name a shorter time: --from, --until");
}

/// That the peer's log still holds what it showed before, and that this page rests on the same log: what it shows of that log now. conflict: both
/// notes are good, and the proof is not.
Result<Reconciling::Shown> Reconciling::check_known(const ParticipantId& peer, const Shown& known, const json::Value& page) const {
  SLUIS_TRY(const std::string newest, json::required_string(page, "checkpoint"));
  const json::Value* answer = page.find("known");
  if (answer == nullptr) return Error(ErrorCode::permission_denied, "it shows no proof");
  SLUIS_TRY(const std::string note, json::required_string(*answer, "checkpoint"));
  SLUIS_TRY(Shown shown, opened(peer, note));
  if (shown.checkpoint.origin != known.checkpoint.origin) return Error(ErrorCode::permission_denied, "it shows another log");
  if (provenance::origin_of(newest) == shown.checkpoint.origin && newest != note) {
    return Error(ErrorCode::permission_denied, "it proves one checkpoint, and shows another");
  }
  if (shown.checkpoint == known.checkpoint) return shown;
  SLUIS_TRY(const std::vector<Hash> path, proof_from_json(answer->find("proof")));
  if (!provenance::verify_consistency(known.checkpoint.size, shown.checkpoint.size, path, known.checkpoint.root, shown.checkpoint.root)) {
    return Error(ErrorCode::conflict, "its log does not hold what it signed before");
  }
  return shown;
}

/// What is not proven counts as not there, and is a finding.
Result<void> Reconciling::take_page(const ParticipantId& peer, const json::Value& page, Theirs& out) const {
  SLUIS_TRY(const std::string note, json::required_string(page, "checkpoint"));
  SLUIS_TRY(out.newest, opened(peer, note));
  const json::Value* receipts = page.find("receipts");
  if (receipts == nullptr || receipts->if_array() == nullptr) return Error(ErrorCode::permission_denied, "the peer's answer holds no receipts");
  for (const json::Value& text : *receipts->if_array()) {
    if (text.if_string() == nullptr) return Error(ErrorCode::permission_denied, "the peer's answer holds no receipts");
    if (const auto taken = take_entry(peer, *text.if_string(), out); !taken) {
      out.findings.push_back({"not proven", "entry", peer.str(), taken.error().message, {}, {}});
    }
  }
  if (page.find("pruned") != nullptr) {
    SLUIS_TRY(out.pruned, time_at(page, "pruned", kAlways));
    if (*out.pruned > with_.clock.now()) return Error(ErrorCode::permission_denied, "the peer's answer says that it pruned what is not yet recorded");
  }
  SLUIS_TRY(out.next, number_at(page, "next"));
  out.more = out.next != 0;
  return {};
}

/// All that is shown of one log rests on one checkpoint, which was opened once: else each entry could be of another history.
Result<void> Reconciling::take_entry(const ParticipantId& peer, const std::string& text, Theirs& out) const {
  SLUIS_TRY(const Receipt receipt, Receipt::from_json(text));
  const std::string origin(provenance::origin_of(receipt.checkpoint));
  const Shown* rests_on = &out.newest;
  if (origin != out.newest.checkpoint.origin) {
    auto found = out.ended.find(origin);
    if (found == out.ended.end()) {
      SLUIS_TRY(Shown shown, opened(peer, receipt.checkpoint));
      found = out.ended.emplace(origin, std::move(shown)).first;
    }
    rests_on = &found->second;
  }
  if (receipt.checkpoint != rests_on->note) {
    out.rewritten(peer, "entry " + std::to_string(receipt.index) + " rests on another checkpoint of `" + origin + "` than the rest");
    return {};
  }
  SLUIS_CHECK(provenance::check_receipt(receipt, rests_on->checkpoint));
  SharedEntry entry{static_cast<EntryKind>(receipt.leaf.kind), {}, receipt.index, out.entries.size()};
  if (!entry.shared.ParseFromString(receipt.shared) || entry.shared.self() != peer.str() || entry.shared.counterparty() != self_.str()) {
    return Error(ErrorCode::permission_denied, "entry " + std::to_string(receipt.index) + " does not concern this node");
  }
  out.bytes += text.size();
  out.proofs.push_back(text);
  out.entries.push_back(std::move(entry));
  return {};
}

Result<Reconciled> Reconciling::reconcile(const ReconcileOrder& order) {
  if (order.settle && (order.from || order.until)) {
    return Error(ErrorCode::invalid_argument, "to settle, all of both logs is compared: without a time").at_pointer("/settle");
  }
  const Timestamp now = with_.clock.now();
  const Timestamp until = order.until.value_or(now);
  Timestamp from = order.from.value_or(kAlways);
  if (until <= from) return Error(ErrorCode::invalid_argument, "`until` is not after `from`").at_pointer("/until");
  const Timestamp first = from < kAlways + kMargin ? kAlways : from - kMargin;
  if (order.settle) {
    SLUIS_TRY(const identity::PartyPtr party, with_.directory.find(order.peer));
    if (!party->evidence) return settle_alone(order);
  }
  SLUIS_TRY(Theirs theirs, fetch(order, first, until + kMargin));
  std::vector<ErasedEntry> erased;
  SLUIS_TRY(const std::vector<SharedEntry> own, ours(order.peer, first, until + kMargin, erased));
  Reconciled out;
  // What one of both does not have any more is no difference, and is not called the same either.
  SLUIS_TRY(std::optional<Timestamp> pruned, pruned_until());
  if (theirs.pruned && (!pruned || *theirs.pruned > *pruned)) pruned = theirs.pruned;
  if (pruned && *pruned + kMargin > from) {
    from = *pruned + kMargin;
    out.pruned = from;
  }
  if (until <= from && theirs.findings.empty()) return Error(ErrorCode::invalid_state, "all of that time was pruned, here or there: nothing is left to compare").mended_by("what was recorded since " + format_time(from) + " can be compared");
  out.comparison = compare(own, theirs.entries, from, until);
  explain_erased(out.comparison, theirs.entries, std::move(erased));
  out.comparison.differences.insert(out.comparison.differences.begin(), theirs.findings.begin(), theirs.findings.end());
  out.ours = own.size();
  out.theirs = theirs.entries.size();
  out.peer_checkpoint = theirs.newest.note;
  out.held_checkpoint = theirs.held;
  out.shown_checkpoint = theirs.shown;
  out.notes = theirs.notes;
  if (order.settle && !theirs.findings.empty()) {
    return Error(ErrorCode::permission_denied, "the peer's log is not proven: " + theirs.findings.front().told).mended_by("compare without settling, and look at what it shows");
  }
  if (order.settle) SLUIS_CHECK(settle(order, own, theirs, out));
  SLUIS_TRY(const std::vector<negotiation::AgreementRecord> still, held(order.peer));
  for (const negotiation::AgreementRecord& one : still) out.held.push_back(one.id.str());
  SLUIS_CHECK(settle_processes(order, out));
  if (!order.dry_run) SLUIS_CHECK(record(order, theirs, out));
  out.peer_proofs = std::move(theirs.proofs);
  return out;
}

/// Held agreements: one that ended meanwhile ends here, too; one that both logs have, with the same hash, applies again, its uses counted
/// with those that only the peer's log has; where this node is the provider, if a person says so. Others stay held.
Result<void> Reconciling::settle(const ReconcileOrder& order, const std::vector<SharedEntry>& ours, const Theirs& theirs, Reconciled& out) {
  struct Seen {
    std::string hash;
    const SharedEntry* ended = nullptr;
    std::map<std::string, std::uint64_t> asked;  ///< by transaction
  };
  std::map<std::string, Seen> there;
  std::map<std::string, std::map<std::string, std::uint64_t>> here;
  // Uses of which this node pruned its own entries are in its count. Only its own word about that counts: a peer's would take uses away.
  SLUIS_TRY(const std::optional<Timestamp> pruned, pruned_until());
  const auto counted = [&](const SharedEntry& one) { return pruned && Timestamp(Duration(one.shared.time_us())) < *pruned; };
  for (const SharedEntry& one : theirs.entries) {
    Seen& seen = there[one.shared.agreement()];
    if (one.kind == EntryKind::agreement) seen.hash = one.shared.agreement_hash();
    if (tells_end(one)) seen.ended = &one;
    if (one.kind == EntryKind::intent && !counted(one)) ++seen.asked[one.shared.transaction()];
  }
  for (const SharedEntry& one : ours) {
    if (one.kind == EntryKind::decision && one.shared.decision().permit()) ++here[one.shared.agreement()][one.shared.transaction()];
  }
  SLUIS_TRY(const std::vector<negotiation::AgreementRecord> waiting, held(order.peer));
  for (const negotiation::AgreementRecord& record : waiting) {
    const auto found = there.find(record.id.str());
    if (found == there.end()) continue;
    const Seen& seen = found->second;
    if (seen.ended != nullptr) {
      out.settled.push_back(record.id.str());
      if (order.dry_run) continue;
      if (seen.ended->kind == EntryKind::agreement_ended) {
        SLUIS_CHECK(evidence_.take(order.peer, theirs.proofs.at(seen.ended->at)));
      } else {  // it has our own receipt of an end that this node has forgotten
        const outbox::Reason reason{"recovered", {"The agreement had ended before this node went on from a backup."}};
        SLUIS_CHECK(with_.end_agreement(record.id, reason, order.person));
      }
      continue;
    }
    if (seen.hash != view(record.agreement_hash)) continue;
    // That this node ended it is what its consumer would rather not show: of that a person has to be sure.
    if (record.role == negotiation::Role::provider && !order.apply.contains(record.id.str())) continue;
    out.settled.push_back(record.id.str());
    if (order.dry_run) continue;
    std::uint64_t lost = 0;
    if (record.role == negotiation::Role::provider) {
      for (const auto& [transaction, times] : seen.asked) {
        const std::uint64_t known = here[record.id.str()][transaction];
        lost += times > known ? times - known : 0;
      }
    }
    SLUIS_CHECK(apply_again(record, lost, order));
  }
  return {};
}

/// That it was done, with what came of it; and the checkpoints that the peer is held to next time.
Result<void> Reconciling::record(const ReconcileOrder& order, const Theirs& theirs, Reconciled& out) const {
  const auto& found = out.comparison.differences;
  v1::Shared shared;
  gate::set_time(shared, with_.clock.now());
  shared.set_event(found.empty() ? "same" : "different");
  shared.set_self(self_.str());
  shared.set_counterparty(order.peer.str());
  shared.set_peer_checkpoint(out.peer_checkpoint);
  shared.set_count(found.size());
  if (out.pruned) shared.set_document(json::serialise(json::object({{"compared_from", format_time(*out.pruned)}})));
  v1::Internal internal;
  internal.set_person(order.person);
  Commit commit;
  commit.entries.push_back(gate::make_entry(EntryKind::reconciled, Hash{}, shared, internal));
  // The older ones stay what it is held to while it contradicts.
  if (std::none_of(found.begin(), found.end(), [](const Difference& one) { return one.what == "rewritten"; })) {
    commit.changes.push_back({known_checkpoint_key(order.peer, theirs.newest.checkpoint.origin), theirs.newest.note});
    for (const auto& [origin, shown] : theirs.ended) commit.changes.push_back({known_checkpoint_key(order.peer, origin), shown.note});
  }
  SLUIS_TRY(const CommitReceipt receipt, with_.commits.commit_and_wait(std::move(commit)));
  out.entry = receipt.first_entry;
  return {};
}

}  // namespace sluis::node
