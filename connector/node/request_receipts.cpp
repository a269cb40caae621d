#include "connector/node/request_receipts.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/gate/evidence.hpp"
#include "connector/gate/running.hpp"
#include "connector/node/known_request.hpp"
#include "connector/node/one_sided.hpp"
#include "connector/node/request_evidence.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluis::node {
namespace {

using provenance::EntryKind;
using provenance::Receipt;

constexpr std::string_view kProcess = "data-requests";   ///< of the outbox: what waits for one peer stands in one row
constexpr std::string_view kService = "acknowledgement";
constexpr std::chrono::days kLate{30};                   ///< what comes after its time is taken so long
constexpr std::chrono::days kAnswers{60};                ///< an end is proven so long: longer than any node waits for it
constexpr std::chrono::hours kAgain{24};                 ///< what is damaged is looked at once a day

}  // namespace

struct RequestReceipts::Notes : ReceiptNotes {
  Notes(const RequestReceipts& of, const ParticipantId& peer) : ReceiptNotes(of.with_, of.channel_, of.options_.self, peer) {}

  std::uint64_t taken = 0;    ///< requests that what came proves, once the commit is durable
  std::uint64_t missing = 0;  ///< that it does not
};

/// A message that waits, with what it says.
struct RequestReceipts::Waiting {
  std::string item;  ///< key in the outbox
  std::string key;   ///< of what is known of the request
  KnownRequest known;
  Receipt receipt;   ///< of this node's entry
  v1::Shared end;    ///< what that says
};

RequestReceipts::RequestReceipts(Options options, EvidenceDependencies with, const EvidenceChannel& channel,
                                 std::function<void(std::string_view, std::string_view)> notify)
    : options_(std::move(options)), with_(std::move(with)), channel_(channel), notify_(std::move(notify)) {}

bool RequestReceipts::has_evidence(const ParticipantId& peer) const {
  const Timestamp now = with_.clock.now();
  return with_.directory.keeps_evidence(peer, now) && with_.directory.keeps_evidence(options_.self, now);
}

std::string RequestReceipts::new_id(std::string_view what) const { return std::string(what) + "-" + to_hex(with_.random.bytes(16)); }

/// Sealed, with the condition that no erasure gave the month another key meanwhile.
Result<void> RequestReceipts::keep(const std::string& key, const std::string& text, Timestamp now, Commit& commit) const {
  SLUIS_TRY(std::optional<std::string> epoch, with_.store.get(gate::kPayloadEpoch));  // before the key is taken
  SLUIS_TRY(std::string sealed, with_.payload_keys.seal(text, gate::bound_to(key), now, with_.random));
  commit.preconditions.push_back({std::string(gate::kPayloadEpoch), std::move(epoch)});
  commit.changes.push_back({key, std::move(sealed)});
  return {};
}

std::string RequestReceipts::decided(Commit& commit, const v1::Shared& decision, bool permit) {
  const ParticipantId peer(decision.counterparty());
  if (!has_evidence(peer)) return {};
  std::string name = name_of_request(peer, decision.transaction());
  const std::string key = std::string(kReleased) + name;
  commit.id = new_id("decision");
  KnownRequest known{commit.id, "", RequestState::running, with_.clock.now() + options_.within};
  if (!permit) {
    known.state = RequestState::taken;  // nothing more is awaited
    known.due = with_.clock.now() + kAnswers;
  }
  commit.changes.push_back({receipt_due_key(known.due, key), ""});
  commit.preconditions.push_back({key, std::nullopt});
  commit.preconditions.push_back({std::string(kHeldAsProvider) + name, std::nullopt});
  commit.changes.push_back({key, known.encode()});
  return name;
}

void RequestReceipts::released(Commit& commit, const v1::Shared& end) {
  const std::string key = std::string(kReleased) + name_of_request(ParticipantId(end.counterparty()), end.transaction());
  auto known = KnownRequest::read(with_.store, key);
  if (!known) {
    log::error("no acknowledgement can be expected", {{"transaction", end.transaction()}, {"what", known.error().message}});
    return;
  }
  if (!*known) return;  // it was of a party without evidence, or not named by its claim
  commit.id = (*known)->end = new_id("release");
  (*known)->state = RequestState::open;
  commit.changes.push_back({receipt_due_key((*known)->due, key), std::nullopt});
  (*known)->due = with_.clock.now() + options_.within;
  commit.changes.push_back({key, (*known)->encode()});
  commit.changes.push_back({receipt_due_key((*known)->due, key), ""});
}

void RequestReceipts::received(Commit& commit, const v1::Shared& end) {
  const ParticipantId peer(end.counterparty());
  if (!has_evidence(peer) || is_one_sided(with_.store, with_.directory, peer, with_.clock.now())) return;
  const std::string key = std::string(kPulled) + name_of_request(peer, end.transaction());
  commit.id = new_id("pull");
  const KnownRequest known{"", commit.id, RequestState::open, with_.clock.now() + options_.within};
  commit.changes.push_back({key, known.encode()});
  commit.changes.push_back({receipt_due_key(known.due, key), ""});
  outbox::Envelope envelope;
  envelope.service = kService;
  envelope.id = to_hex(with_.random.bytes(16));
  envelope.kind = kService;
  envelope.body = key;
  envelope.queued = with_.clock.now();
  commit.messages.push_back({peer.str(), std::string(kProcess), outbox::encode(envelope)});
}

void RequestReceipts::recorded(const v1::Shared& end) { notify_(end.counterparty(), kProcess); }

Result<Receipt> RequestReceipts::receipt_of(std::string_view commit_id, Notes& notes) const {
  SLUIS_TRY(const std::uint64_t entry, channel_.first_entry(commit_id));
  return notes.make(entry);
}

std::vector<http::Route> RequestReceipts::routes() {
  const auto take = [this](const http::Request& request) {
    return take_receipts(with_, request, [this](const ParticipantId& peer, const json::Array& receipts) { return take_all(peer, receipts); });
  };
  return {{"POST", "/evidence/v1/acknowledgements", take, kReceiptRouteBytes}};
}

Result<std::string> RequestReceipts::take_all(const ParticipantId& peer, const json::Array& receipts) {
  Notes notes(*this, peer);
  Commit commit;
  std::vector<std::string> results;
  std::size_t bytes = 0;
  for (const json::Value& one : receipts) {  // what the answer has no room for is asked again
    results.push_back(bytes > kReceiptMessageBytes ? receipt_state("early") : take_one(notes, json::serialise(one), commit));
    bytes += results.back().size();
  }
  if (!commit.entries.empty()) {  // it has the software that takes them, then
    SLUIS_CHECK(forget_one_sided(with_.store, peer, notes.now(), commit));
    SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  }
  taken_ += notes.taken;
  missing_ += notes.missing;
  return json_list(results);
}

/// One acknowledgement; what it changes goes into the commit.
std::string RequestReceipts::take_one(Notes& notes, const std::string& text, Commit& commit) {
  const Timestamp now = notes.now();
  const auto state = receipt_state;
  if (!notes.goes_on()) return state("early");
  const auto receipt = Receipt::from_json(text);
  if (!receipt) return notes.refused(receipt.error());
  if (receipt->leaf.kind != static_cast<std::uint8_t>(EntryKind::received)) {
    return notes.refused(Error(ErrorCode::invalid_argument, "the receipt is not of what came of a data request"));
  }
  const auto said = notes.check(*receipt);
  if (!said && said.error().code == ErrorCode::not_found) return state("early");
  if (!said) return notes.refused(said.error());
  const std::string key = std::string(kReleased) + name_of_request(notes.peer(), said->transaction());
  if (!notes.first(key)) return state("early");
  const auto known = KnownRequest::read(with_.store, key);
  if (!known) return state("early");  // as it cannot be read now
  if (!*known) return state("unknown");
  if ((*known)->state == RequestState::running) return state("early");
  if ((*known)->state == RequestState::missing && (*known)->end.empty()) return state("gone");  // its end was never read
  const auto of = [&](const std::string& id) { return receipt_of(id, notes); };
  const auto later = [&](const Error& why) { return state(why.code == ErrorCode::storage_unavailable ? "early" : "gone"); };
  const auto decision = of((*known)->decision);
  if (!decision) return later(decision.error());
  if ((*known)->end.empty()) return fmt::format(R"({{"state":"proven","decision":{}}})", decision->to_json());
  const auto end = of((*known)->end);
  if (!end) return later(end.error());
  std::string out = fmt::format(R"({{"state":"proven","decision":{},"end":{}}})", decision->to_json(), end->to_json());
  if ((*known)->state == RequestState::taken) return out;

  v1::Shared sent;
  if (!sent.ParseFromString(end->shared)) return state("gone");
  const std::string kept_key = std::string(kHeldAsProvider) + name_of_request(notes.peer(), said->transaction());
  if (!keep(kept_key, json_list({receipt->to_json()}), now, commit)) return state("early");
  v1::Shared own = about(sent, provenance::kind_name(receipt->leaf.kind), now);
  own.set_end(said->end());
  own.set_digest(said->digest());
  own.set_rows(said->rows());
  own.set_bytes(said->bytes());
  own.set_peer_checkpoint(receipt->checkpoint);
  commit.entries.push_back(gate::make_entry(EntryKind::receipt, receipt->leaf.policy_digest, own, {}));
  if (!fit(*said, sent)) {
    ++notes.missing;
    commit.entries.push_back(missing_entry(sent, end->leaf.policy_digest, "contradicts", now));
  } else {
    ++notes.taken;
  }
  KnownRequest after = **known;
  after.state = RequestState::taken;
  after.due = now + kAnswers;
  move_request(commit, key, **known, after);
  return out;
}

/// What stands in the outbox from this message on, as far as one message of the channel holds it. What nothing can be said of any more is
/// removed.
Result<std::vector<RequestReceipts::Waiting>> RequestReceipts::waiting(Notes& notes, ReceiptDelivery& delivery, const std::string& from) const {
  SLUIS_TRY(auto found, delivery.waiting(kService, from));
  std::vector<Waiting> out;
  std::size_t bytes = 0;
  for (auto& [message, key] : found) {
    SLUIS_TRY(std::optional<KnownRequest> known, KnownRequest::read(with_.store, key));
    auto receipt = known ? receipt_of(known->end, notes) : Result<Receipt>(Error(ErrorCode::not_found, "its time is over"));
    v1::Shared end;
    if (receipt && !end.ParseFromString(receipt->shared)) receipt = Error(ErrorCode::corruption, "it cannot be read");
    if (!receipt && receipt.error().code == ErrorCode::storage_unavailable) break;  // no checkpoint covers it yet
    if (!receipt) {
      if (receipt.error().code != ErrorCode::not_found) log::error("nothing can be acknowledged", {{"peer", notes.peer().str()}, {"what", receipt.error().message}});
      delivery.remove(message);
      if (known && receipt.error().code == ErrorCode::not_found) forget_request(delivery.commit, key, *known);
      continue;
    }
    bytes += receipt->shared.size() + receipt->checkpoint.size();
    if (!out.empty() && 2 * bytes > kReceiptMessageBytes) break;
    out.push_back({std::move(message), std::move(key), std::move(*known), std::move(*receipt), std::move(end)});
  }
  return out;
}

outbox::Delivered RequestReceipts::deliver(const outbox::OutboxItem& item, const outbox::Envelope&, Timestamp) {
  using outbox::Verdict;
  Notes notes(*this, ParticipantId(item.peer));
  if (!notes.goes_on()) return Verdict::retry_untried;
  ReceiptDelivery delivery(with_, item);
  const auto some = waiting(notes, delivery, turns_.take(item.peer));
  if (!some) return Verdict::retry_untried;
  if (some->size() == kReceiptsAtOnce) turns_.put(item.peer, some->back().item);
  if (some->empty()) return delivery.finish(Verdict::retry_untried);
  std::vector<std::string> receipts;
  for (const Waiting& one : *some) receipts.push_back(one.receipt.to_json());
  const ReceiptDelivery::Answer answer = delivery.send("/evidence/v1/acknowledgements", receipts);
  if (answer.no_route) {
    const auto told = takes_none(notes.peer(), notes.now());
    if (!told) log::error("that a party takes no receipts cannot be recorded", {{"peer", item.peer}, {"what", told.error().message}});
  }
  if (!answer.results) return delivery.finish(answer.otherwise);
  for (std::size_t i = 0; i < some->size(); ++i) {
    const Waiting& one = (*some)[i];
    const std::size_t before = delivery.commit.changes.size();
    if (const auto settled = settle(one, (*answer.results)[i], notes, delivery.commit); !settled) {
      log::error("a receipt cannot be kept", {{"peer", item.peer}, {"what", settled.error().message}});
      continue;
    }
    if (delivery.commit.changes.size() != before) delivery.remove(one.item);  // else it is early
  }
  if (notes.taken > 0 && !forget_one_sided(with_.store, notes.peer(), notes.now(), delivery.commit)) return Verdict::retry_uncertain;
  const auto done = delivery.finish(Verdict::retry, true);
  if (done.verdict != Verdict::retry_uncertain) {
    taken_ += notes.taken;
    missing_ += notes.missing;
  }
  return done;
}

/// The peer answers as if it had no such route: noted, and recorded where that goes on. What waits is asked again in time, and is missed by nobody. A
/// node that does not let this one in answers the same; its first proof of what waits ends it.
Result<void> RequestReceipts::takes_none(const ParticipantId& peer, Timestamp now) {
  Commit commit;
  SLUIS_TRY(const bool news, mark_one_sided(with_.store, with_.directory, peer, now, commit));
  if (news) {
    v1::Shared own;
    own.set_self(options_.self.str());
    own.set_counterparty(peer.str());
    commit.entries.push_back(missing_entry(own, Hash{}, "one-sided", now));
  } else if (commit.changes.empty()) {
    return {};
  } else {
    commit.commit_class = CommitClass::bulk;
  }
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  return {};
}

/// Names of the requests whose release goes on.
Result<std::set<std::string>> RequestReceipts::running() const {
  SLUIS_TRY(const auto open, gate::open_processes(with_.store, gate::kReleasePrefix, with_.payload_keys));
  std::set<std::string> names;
  for (const auto& [_, one] : open) names.insert(name_of_request(ParticipantId(one.shared.counterparty()), one.shared.transaction()));
  return names;
}

/// When the newest log began that followed one that was lost, or was put back from a backup, and this entry is of before; none: it was not
/// so. What came after the backup is not here, and nobody can say of it that it did not come.
Result<std::optional<Timestamp>> RequestReceipts::recovered_since(std::uint64_t entry) const {
  const auto& logs = with_.log.shards();
  for (auto one = logs.rbegin(); one != logs.rend() && one->first > entry; ++one) {
    const auto payload = with_.log.payload(one->first);
    if (!payload && payload.error().code == ErrorCode::not_found) continue;
    if (!payload) return payload.error();
    v1::Shared begun;
    const auto document = begun.ParseFromString(payload->shared) ? json::parse(begun.document()) : Result<json::Value>(Error(ErrorCode::corruption, "no entry"));
    if (document && document->find("found") != nullptr) return std::optional(Timestamp(Duration(begun.time_us())));
  }
  return std::optional<Timestamp>();
}

/// What the provider said of one request; what follows goes into the commit, with its removal from what is awaited. Nothing: it is early.
Result<void> RequestReceipts::settle(const Waiting& one, const json::Value& result, Notes& notes, Commit& commit) {
  const Timestamp now = notes.now();
  const auto state = json::required_string(result, "state");
  if (state && *state == "early") return {};
  const auto over = [&](std::string_view event) -> Result<void> {
    // Of a request of which nothing came, the provider need not have anything. What is missing already is so once.
    if (!event.empty() && (came(one.end) || event == "contradicts") && (one.known.state != RequestState::missing || event == "contradicts")) {
      ++notes.missing;
      commit.entries.push_back(missing_entry(one.end, one.receipt.leaf.policy_digest, event, now));
    } else if (event.empty()) {
      ++notes.taken;
    }
    forget_request(commit, one.key, one.known);
    return {};
  };
  if (!state || (*state != "proven" && *state != "unknown" && *state != "gone")) return over("refused");
  if (*state != "proven") return over(*state);

  // The receipt, if it is one of this request and of these kinds.
  bool unlisted = false, faulty = false;
  const auto read = [&](std::string_view member, std::initializer_list<EntryKind> kinds, v1::Shared& shared) -> std::optional<Receipt> {
    const json::Value* value = result.find(member);
    if (value == nullptr) return std::nullopt;
    auto receipt = Receipt::from_json(json::serialise(*value));
    auto said = receipt ? notes.check(*receipt) : Result<v1::Shared>(receipt.error());
    if (!said && said.error().code == ErrorCode::not_found) unlisted = true;
    const bool right = said && said->transaction() == one.end.transaction() &&
                       std::find(kinds.begin(), kinds.end(), static_cast<EntryKind>(receipt->leaf.kind)) != kinds.end();
    if (!right) {
      faulty = true;
      return std::nullopt;
    }
    shared = std::move(*said);
    return std::move(*receipt);
  };
  v1::Shared decided, sent;
  const auto decision = read("decision", {EntryKind::decision}, decided);
  const auto end = read("end", {EntryKind::stream_end, EntryKind::cut}, sent);
  if (unlisted) return {};  // a newer list will have that log, or its time comes
  if (faulty || !decision) return over("refused");
  const bool right = came(one.end) ? end && decided.decision().permit() && same_request(one.end, decided) && fit(one.end, sent) : true;
  std::vector<std::string> kept{decision->to_json()};
  if (end) kept.push_back(end->to_json());
  // Also where they contradict: that is what proves it.
  SLUIS_CHECK(keep(std::string(kHeldAsConsumer) + name_of_request(notes.peer(), one.end.transaction()), json_list(kept), now, commit));
  if (right && one.known.state == RequestState::missing) {
    v1::Shared own = about(one.end, "late", now);
    own.set_peer_checkpoint(decision->checkpoint);
    commit.entries.push_back(gate::make_entry(EntryKind::receipt, decision->leaf.policy_digest, own, {}));
  }
  return over(right ? "" : "contradicts");
}

/// What is due by this key. Errors: it cannot be looked at.
Result<void> RequestReceipts::miss(std::string_view due, Round& round) {
  Commit& commit = round.commit;
  const Timestamp now = round.now;
  const std::string key(due.substr(std::min(due.size(), kReceiptDueHead)));
  commit.changes.push_back({std::string(due), std::nullopt});
  SLUIS_TRY(const std::optional<KnownRequest> known, KnownRequest::read(with_.store, key));
  if (!known || receipt_due_key(known->due, key) > due) return {};  // or it has a later time
  if (known->state != RequestState::open && known->state != RequestState::running) {
    forget_request(commit, key, *known);
    return {};
  }
  const bool ended = known->state == RequestState::open;
  const auto entry = channel_.first_entry(ended ? known->end : known->decision);
  const auto payload = entry ? with_.log.payload(*entry) : Result<provenance::Payload>(entry.error());
  if (!payload && payload.error().code != ErrorCode::not_found) return payload.error();
  v1::Shared said;
  if (payload && !said.ParseFromString(payload->shared)) return Error(ErrorCode::corruption, "the entry of it cannot be read");
  if (!payload) {  // it was erased: nobody is told of it
    forget_request(commit, key, *known);
    return {};
  }
  KnownRequest after = *known;
  if (!ended) {
    if (!round.running) {
      SLUIS_TRY(round.running, running());
    }
    if (round.running->contains(name_of_request(ParticipantId(said.counterparty()), said.transaction()))) {
      after.due = now + options_.within;
      move_request(commit, key, *known, after);
      return {};
    }
  }
  SLUIS_TRY(const std::optional<Timestamp> recovered, recovered_since(*entry));
  if (recovered && now < *recovered + options_.within) {  // the other party is asked again first
    after.due = *recovered + options_.within;
    move_request(commit, key, *known, after);
    return {};
  }
  SLUIS_TRY(const std::optional<OneSided> one_sided, read_one_sided(with_.store, ParticipantId(said.counterparty())));
  const Timestamp awaited = std::max(known->due, Timestamp(Duration(said.time_us())) + options_.within);  // a due time may be missing
  if (one_sided && one_sided->covered(awaited - options_.within, awaited)) {  // which is recorded, of the party as a whole
    forget_request(commit, key, *known);
    return {};
  }
  const auto offer = to_hash(said.offer_hash());
  // Of a pull of which nothing came, the provider need not know; where this node crashed, something may have.
  const bool owed = !key.starts_with(kPulled) || came(said) || said.end() == "unknown";
  if (owed) commit.entries.push_back(missing_entry(said, offer ? *offer : Hash{}, recovered ? "restored" : "missing", now));
  if (owed && !recovered) ++round.missing;
  after.state = RequestState::missing;
  after.due = now + kLate;
  move_request(commit, key, *known, after);
  return {};
}

Result<std::optional<Timestamp>> RequestReceipts::on_timer() {
  const Timestamp now = with_.clock.now();
  SLUIS_TRY(const DueReceipts due, due_receipts(with_.store, kReceiptDue, now));
  Round round{now};
  Commit& commit = round.commit;
  for (const auto& [key, _] : due.found) {
    if (const auto looked = miss(key, round); !looked) {
      if (looked.error().code == ErrorCode::storage_unavailable) return looked.error();
      log::error("what is due cannot be read", {{"key", key}, {"what", looked.error().message}});
      commit.changes.push_back({key, std::nullopt});  // till tomorrow: it holds up nothing else
      commit.changes.push_back({receipt_due_key(now + kAgain, key.substr(std::min(key.size(), kReceiptDueHead))), ""});
    }
  }
  if (!commit.changes.empty()) {
    if (commit.entries.empty()) commit.commit_class = CommitClass::bulk;
    const auto done = with_.commits.commit_and_wait(std::move(commit));
    if (!done && done.error().code == ErrorCode::conflict) return std::optional(now);  // one came just now
    if (!done) return done.error();
    missing_ += round.missing;
  }
  return due.next;
}

Result<std::vector<std::string>> RequestReceipts::kept(const ParticipantId& peer, std::string_view transaction) const {
  std::vector<std::string> out;
  for (const std::string_view prefix : {kHeldAsProvider, kHeldAsConsumer}) {
    const std::string key = std::string(prefix) + name_of_request(peer, transaction);
    SLUIS_TRY(const std::optional<std::string> sealed, with_.store.get(key));
    const auto text = sealed ? with_.payload_keys.unseal(*sealed, {0, gate::bound_to(key)}) : Result<std::string>("[]");
    if (!text && text.error().code == ErrorCode::not_found) continue;  // erased
    if (!text) return text.error();
    SLUIS_TRY(const json::Value list, json::parse(*text));
    if (const auto* all = list.if_array()) {
      for (const json::Value& one : *all) out.push_back(json::serialise(one));
    }
  }
  return out;
}

}  // namespace sluis::node
