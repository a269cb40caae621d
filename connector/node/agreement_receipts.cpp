#include "connector/node/agreement_receipts.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/gate/evidence.hpp"
#include "connector/negotiation/model.hpp"
#include "connector/outbox/due.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sluis::node {
namespace {

using provenance::EntryKind;
using provenance::Receipt;
using State = AgreementProof::State;

constexpr std::string_view kProcess = "agreements";  ///< of the outbox: what waits for one peer stands in one row
constexpr std::string_view kService = "agreement";

/// As they are stored, and shown.
constexpr std::array<std::string_view, 5> kStates{"one-sided", "waiting", "two-sided", "missing", "contradicts"};

std::string_view name_of(State state) { return kStates.at(static_cast<std::size_t>(state)); }
std::string proof_key(const AgreementId& id) { return std::string(kAgreementProofPrefix) + id.str(); }

std::optional<Timestamp> awaited_until(const AgreementProof& proof) { return proof.state == State::waiting ? std::optional(proof.due) : std::nullopt; }

/// Goes over to another state, if it is still as it was.
void move_proof(Commit& commit, const AgreementId& id, const AgreementProof& before, const AgreementProof& after) {
  commit.preconditions.push_back({proof_key(id), before.encode()});
  commit.changes.push_back({proof_key(id), after.encode()});
  outbox::index_due(commit, kAgreementProofDue, id.str(), awaited_until(before), awaited_until(after));
}

}  // namespace

std::string AgreementProof::encode() const {
  json::Value value = json::object({{"state", name_of(state)}, {"commit", commit}, {"at", at}, {"due", format_time(due)}, {"asked", asked ? "yes" : ""}, {"theirs", to_hex(theirs)}});  // a key ends in bytes
  if (entry) value.set("entry", *entry);
  return json::serialise(value);
}

Result<AgreementProof> AgreementProof::decode(std::string_view bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  AgreementProof out;
  SLUIS_TRY(const std::string state, json::required_string(value, "state"));
  const auto found = std::find(kStates.begin(), kStates.end(), state);
  if (found == kStates.end()) return Error(ErrorCode::corruption, "an agreement is not proven as `" + state.substr(0, 40) + "`");
  out.state = static_cast<State>(found - kStates.begin());
  SLUIS_TRY(out.commit, json::required_string(value, "commit"));
  SLUIS_TRY(out.at, json::required_count(value, "at"));
  if (value.find("entry") != nullptr) {
    SLUIS_TRY(out.entry, json::required_count(value, "entry"));
  }
  SLUIS_TRY(const std::string due, json::required_string(value, "due"));
  SLUIS_TRY(out.due, parse_time(due));
  SLUIS_TRY(const std::string asked, json::required_string(value, "asked"));
  out.asked = !asked.empty();
  SLUIS_TRY(const std::string theirs, json::required_string(value, "theirs"));
  SLUIS_TRY(out.theirs, from_hex(theirs));
  return out;
}

Result<std::optional<AgreementProof>> AgreementProof::read(const storage::Reader& store, const AgreementId& id) {
  SLUIS_TRY(const std::optional<std::string> bytes, store.get(proof_key(id)));
  if (!bytes) return std::optional<AgreementProof>();
  SLUIS_TRY(AgreementProof proof, decode(*bytes));
  return std::optional(std::move(proof));
}

struct AgreementReceipts::Known {
  negotiation::AgreementRecord record;
  AgreementProof proof;
};

AgreementReceipts::AgreementReceipts(Options options, EvidenceDependencies with, const EvidenceChannel& channel,
                                     std::function<void(std::string_view, std::string_view)> notify)
    : options_(std::move(options)), with_(std::move(with)), channel_(channel), notify_(std::move(notify)) {}

OutgoingMessage AgreementReceipts::message(const ParticipantId& peer, const AgreementId& id) const {
  outbox::Envelope envelope;
  envelope.service = kService;
  envelope.id = to_hex(with_.random.bytes(16));
  envelope.kind = kService;
  envelope.body = id.str();
  envelope.queued = with_.clock.now();
  return {peer.str(), std::string(kProcess), outbox::encode(envelope)};
}

std::string AgreementReceipts::prepare(Commit& commit, const negotiation::AgreementRecord& record) {
  const Timestamp now = with_.clock.now();
  if (commit.id.empty()) commit.id = "agreement-" + to_hex(with_.random.bytes(16));
  AgreementProof proof;
  proof.commit = commit.id;
  const auto entry = std::find_if(commit.entries.begin(), commit.entries.end(), [](const EntryDraft& one) { return one.kind == static_cast<std::uint8_t>(EntryKind::agreement); });
  proof.at = static_cast<std::uint64_t>(entry - commit.entries.begin());
  const bool both = with_.directory.keeps_evidence(record.peer, now) && with_.directory.keeps_evidence(options_.self, now);
  if (both) {
    proof.state = State::waiting;
    proof.due = now + options_.within / 2;
    outbox::index_due(commit, kAgreementProofDue, record.id.str(), std::nullopt, proof.due);
  }
  commit.changes.push_back({proof_key(record.id), proof.encode()});
  // The consumer's entry is the later one: the provider has its own by then.
  if (!both || record.role != negotiation::Role::consumer) return {};
  commit.messages.push_back(message(record.peer, record.id));
  return std::string(kProcess);
}

Result<std::uint64_t> AgreementReceipts::entry_of(const AgreementProof& proof) const {
  if (proof.entry) return *proof.entry;
  SLUIS_TRY(const std::uint64_t first, channel_.first_entry(proof.commit));
  return first + proof.at;
}

Result<std::optional<AgreementReceipts::Known>> AgreementReceipts::known(const ParticipantId& peer, const AgreementId& id) const {
  auto record = negotiation::read_agreement(with_.store, id);
  if (!record && record.error().code == ErrorCode::not_found) return std::optional<Known>();
  if (!record) return record.error();
  if (record->peer != peer) return std::optional<Known>();
  SLUIS_TRY(std::optional<AgreementProof> proof, AgreementProof::read(with_.store, id));
  if (!proof || proof->state == State::one_sided) return std::optional<Known>();
  return std::optional(Known{std::move(*record), std::move(*proof)});
}

void AgreementReceipts::record_missing(const Known& known, std::string_view event, Timestamp now, Commit& commit) const {
  v1::Shared own;
  gate::set_time(own, now);
  own.set_event("agreement-" + std::string(event));
  own.set_self(options_.self.str());
  own.set_counterparty(known.record.peer.str());
  own.set_agreement(known.record.id.str());
  own.set_agreement_hash(std::string(view(known.record.agreement_hash)));
  own.set_dataset(known.record.dataset.str());
  own.set_offer_hash(std::string(view(known.record.offer_hash)));
  *own.mutable_decision() = gate::to_proto(gate::make_reason("receipt.agreement_" + std::string(event), {{"party", known.record.peer.str()}}), false);
  commit.entries.push_back(gate::make_entry(EntryKind::receipt_missing, known.record.offer_hash, own, {}));
}

/// Keeps the other party's receipt, sealed, and records that it is held. Also where it contradicts: that is what proves it.
Result<void> AgreementReceipts::hold(const Known& known, const Receipt& receipt, const v1::Shared& said, const ReceiptNotes& notes, Commit& commit) const {
  const bool same = said.agreement_hash() == view(known.record.agreement_hash) && said.dataset() == known.record.dataset.str();
  AgreementProof after = known.proof;
  after.state = same ? State::two_sided : State::contradicts;
  SLUIS_TRY(after.entry, entry_of(known.proof));
  after.theirs = EvidenceChannel::receipt_key(notes.peer(), receipt);
  SLUIS_TRY(std::optional<std::string> epoch, with_.store.get(gate::kPayloadEpoch));  // before the key is taken
  SLUIS_TRY(std::string sealed, with_.payload_keys.seal(receipt.to_json(), gate::bound_to(after.theirs), notes.now(), with_.random));
  commit.preconditions.push_back({std::string(gate::kPayloadEpoch), std::move(epoch)});
  commit.changes.push_back({after.theirs, std::move(sealed)});
  move_proof(commit, known.record.id, known.proof, after);
  v1::Shared own;
  gate::set_time(own, notes.now());
  own.set_event(std::string(provenance::kind_name(receipt.leaf.kind)));
  own.set_self(options_.self.str());
  own.set_counterparty(notes.peer().str());
  own.set_agreement(said.agreement());
  own.set_agreement_hash(said.agreement_hash());
  own.set_dataset(said.dataset());
  own.set_peer_checkpoint(receipt.checkpoint);
  commit.entries.push_back(gate::make_entry(EntryKind::receipt, receipt.leaf.policy_digest, own, {}));
  if (!same) record_missing(known, "contradicts", notes.now(), commit);
  return {};
}

/// What a receipt says of an agreement with this node. Errors: as ReceiptNotes::check.
Result<v1::Shared> AgreementReceipts::check(const Receipt& receipt, ReceiptNotes& notes) {
  if (receipt.leaf.kind != static_cast<std::uint8_t>(EntryKind::agreement)) return Error(ErrorCode::invalid_argument, "the receipt is not of an agreement");
  SLUIS_TRY(v1::Shared said, notes.check(receipt));
  if (said.event() != "agreed") return Error(ErrorCode::invalid_argument, "the receipt is not of an agreement that was negotiated");
  return said;
}

std::vector<http::Route> AgreementReceipts::routes() {
  const auto take = [this](const http::Request& request) {
    return take_receipts(with_, request, [this](const ParticipantId& peer, const json::Array& receipts) { return take_all(peer, receipts); });
  };
  return {{"POST", "/evidence/v1/agreements", take, kReceiptRouteBytes}};
}

Result<std::string> AgreementReceipts::take_all(const ParticipantId& peer, const json::Array& receipts) {
  ReceiptNotes notes(with_, channel_, options_.self, peer);
  Commit commit;
  std::vector<std::string> results;
  std::size_t bytes = 0;
  for (const json::Value& one : receipts) {  // what the answer has no room for is asked again
    results.push_back(bytes > kReceiptMessageBytes ? receipt_state("early") : take_one(notes, json::serialise(one), commit));
    bytes += results.back().size();
  }
  if (!commit.changes.empty()) SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  return json_list(results);
}

std::string AgreementReceipts::take_one(ReceiptNotes& notes, const std::string& text, Commit& commit) {
  if (!notes.goes_on()) return receipt_state("early");
  const auto receipt = Receipt::from_json(text);
  if (!receipt) return notes.refused(receipt.error());
  const auto said = check(*receipt, notes);
  if (!said && said.error().code == ErrorCode::not_found) return receipt_state("early");
  if (!said) return notes.refused(said.error());
  const AgreementId id(said->agreement());
  if (!notes.first(id.str())) return receipt_state("early");
  const auto found = known(notes.peer(), id);
  if (!found) return receipt_state("early");  // as it cannot be read now
  if (!*found) return receipt_state("unknown");
  const auto entry = entry_of((*found)->proof);
  const auto own = entry ? notes.make(*entry) : Result<Receipt>(entry.error());
  if (!own) return receipt_state(own.error().code == ErrorCode::storage_unavailable ? "early" : "gone");
  bool same = (*found)->proof.state != State::contradicts;
  if ((*found)->proof.state == State::waiting || (*found)->proof.state == State::missing) {
    same = said->agreement_hash() == view((*found)->record.agreement_hash) && said->dataset() == (*found)->record.dataset.str();
    if (!hold(**found, *receipt, *said, notes, commit)) return receipt_state("early");
  }
  return fmt::format(R"({{"state":"{}","receipt":{}}})", same ? "proven" : "contradicts", own->to_json());
}

/// What the other party answered of one agreement; what follows goes into the commit. Nothing where it is to be asked again.
Result<void> AgreementReceipts::settle(const Known& known, const json::Value& result, ReceiptNotes& notes, Commit& commit) const {
  const auto state = json::required_string(result, "state");
  if (state && *state == "early") return {};
  const auto missing = [&] {
    if (known.proof.state != State::waiting) return;
    AgreementProof after = known.proof;
    after.state = State::missing;
    move_proof(commit, known.record.id, known.proof, after);
    record_missing(known, "missing", notes.now(), commit);
  };
  const json::Value* member = result.find("receipt");
  if (!state || (*state != "proven" && *state != "contradicts") || member == nullptr) {
    // It may have lost what it had, and get it back: its time goes on. Else it says that it proves nothing.
    if (state && *state != "unknown" && *state != "gone") missing();
    return {};
  }
  const auto receipt = Receipt::from_json(json::serialise(*member));
  const auto said = receipt ? check(*receipt, notes) : Result<v1::Shared>(receipt.error());
  if (!said && said.error().code == ErrorCode::not_found) return {};  // a newer list will have that log, or its time comes
  if (!said || said->agreement() != known.record.id.str()) {
    missing();
    return {};
  }
  return hold(known, *receipt, *said, notes, commit);
}

outbox::Delivered AgreementReceipts::deliver(const outbox::OutboxItem& item, const outbox::Envelope&, Timestamp) {
  using outbox::Verdict;
  const ParticipantId peer(item.peer);
  ReceiptNotes notes(with_, channel_, options_.self, peer);
  if (!notes.goes_on()) return Verdict::retry_untried;
  ReceiptDelivery delivery(with_, item);
  const auto found = delivery.waiting(kService, turns_.take(item.peer));
  if (!found) return Verdict::retry_untried;
  std::vector<std::pair<std::string, Known>> sent;  // by message
  std::vector<std::string> receipts;
  std::size_t bytes = 0;
  std::set<std::string> named;
  for (const auto& [key, id] : *found) {
    auto one = known(peer, AgreementId(id));
    if (!one) return Verdict::retry_untried;
    const bool open = *one && ((*one)->proof.state == State::waiting || (*one)->proof.state == State::missing);
    const auto entry = open ? entry_of((*one)->proof) : Result<std::uint64_t>(Error(ErrorCode::not_found, "nothing is awaited"));
    const auto receipt = entry ? notes.make(*entry) : Result<Receipt>(entry.error());
    if (!receipt && receipt.error().code == ErrorCode::storage_unavailable) break;  // no checkpoint covers it yet
    if (!receipt || !named.insert(id).second) {
      delivery.remove(key);
      continue;
    }
    std::string text = receipt->to_json();
    bytes += text.size();
    if (!receipts.empty() && bytes > kReceiptMessageBytes) break;
    receipts.push_back(std::move(text));
    sent.emplace_back(key, std::move(**one));
  }
  if (sent.size() == kReceiptsAtOnce) turns_.put(item.peer, sent.back().first);
  if (sent.empty()) return delivery.finish(Verdict::retry_untried);
  const ReceiptDelivery::Answer answer = delivery.send("/evidence/v1/agreements", receipts);
  if (!answer.results) return delivery.finish(answer.otherwise);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const auto& [message, one] = sent[i];
    const json::Value& result = (*answer.results)[i];
    const auto state = json::required_string(result, "state");
    const std::size_t before = delivery.commit.changes.size();
    if (const auto settled = settle(one, result, notes, delivery.commit); !settled) {
      log::error("a receipt of an agreement cannot be kept", {{"peer", item.peer}, {"what", settled.error().message}});
      continue;
    }
    if (delivery.commit.changes.size() != before || (state && (*state == "unknown" || *state == "gone"))) delivery.remove(message);
  }
  return delivery.finish(Verdict::retry, true);
}

/// What is due by this key.
Result<void> AgreementReceipts::look(const std::string& key, const AgreementId& id, Timestamp now, Commit& commit, std::vector<std::string>& asks) const {
  SLUIS_TRY(const std::optional<AgreementProof> proof, AgreementProof::read(with_.store, id));
  if (!proof || proof->state != State::waiting || outbox::due_key(kAgreementProofDue, proof->due, id.str()) != key) {
    commit.changes.push_back({key, std::nullopt});
    return {};
  }
  SLUIS_TRY(const negotiation::AgreementRecord record, negotiation::read_agreement(with_.store, id));
  const Known known{record, *proof};
  AgreementProof after = *proof;
  if (const auto entry = entry_of(*proof)) after.entry = *entry;
  SLUIS_TRY(const std::optional<std::string> bytes, with_.store.get(negotiation::negotiation_key(record.negotiation)));
  const auto process = bytes ? negotiation::decode_negotiation(*bytes) : Result<negotiation::Negotiation>(Error(ErrorCode::not_found, "there is none"));
  if (!record.active() && process && process->state == negotiation::State::terminated) {  // it never came to be on the other side
    after.state = State::one_sided;
  } else if (!proof->asked) {
    after.asked = true;
    after.due = now + options_.within / 2;
    commit.messages.push_back(message(record.peer, id));
    asks.push_back(record.peer.str());
  } else {
    after.state = State::missing;
    record_missing(known, "missing", now, commit);
  }
  move_proof(commit, id, *proof, after);
  return {};
}

Result<std::optional<Timestamp>> AgreementReceipts::on_timer() {
  const Timestamp now = with_.clock.now();
  SLUIS_TRY(const DueReceipts due, due_receipts(with_.store, kAgreementProofDue, now));
  Commit commit;
  std::vector<std::string> asks;  // one for each message
  for (const auto& [key, id] : due.found) {
    if (const auto looked = look(key, AgreementId(id), now, commit, asks); !looked) {
      if (looked.error().code == ErrorCode::storage_unavailable) return looked.error();
      log::error("what proves an agreement cannot be read", {{"key", key}, {"what", looked.error().message}});
      commit.changes.push_back({key, std::nullopt});  // it holds up nothing else
    }
  }
  if (commit.changes.empty()) return due.next;
  if (commit.entries.empty()) commit.commit_class = CommitClass::bulk;
  const auto done = with_.commits.commit_and_wait(std::move(commit));
  if (!done && done.error().code == ErrorCode::conflict) return std::optional(now);  // one came just now
  if (!done) return done.error();
  for (const std::string& peer : asks) notify_(peer, kProcess);
  return due.next;
}

Result<AgreementReceipts::Held> AgreementReceipts::held(const negotiation::AgreementRecord& record) const {
  if (record.imported) return Held{"imported, one-sided", {}, {}};
  SLUIS_TRY(const std::optional<AgreementProof> proof, AgreementProof::read(with_.store, record.id));
  if (!proof) return Held{};
  Held out{std::string(name_of(proof->state)), {}, {}};
  if (const auto entry = entry_of(*proof)) out.entry = *entry;
  if (proof->theirs.empty()) return out;
  SLUIS_TRY(const std::optional<std::string> sealed, with_.store.get(proof->theirs));
  const auto text = sealed ? with_.payload_keys.unseal(*sealed, {0, gate::bound_to(proof->theirs)}) : Result<std::string>(Error(ErrorCode::not_found, "it is not there"));
  if (!text && text.error().code != ErrorCode::not_found) return text.error();
  if (text) out.theirs = *text;
  return out;
}

}  // namespace sluis::node
