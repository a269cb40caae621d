#include "connector/node/evidence_channel.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/node/contradiction.hpp"

#include <fmt/core.h>

#include <charconv>

namespace sluis::node {
namespace {

using provenance::EntryKind;
using provenance::Receipt;

constexpr std::size_t kReceiptBytes = 256U << 10U;
constexpr std::size_t kKeptProven = 10'000;  // then it begins anew
constexpr std::string_view kEntryMark = "entry:";  ///< before an index, in messages of before; else a commit's id

std::string receipts_of(const ParticipantId& peer) { return "receipt/" + to_hex(crypto::sha256(peer.str())) + "/"; }

}  // namespace

http::Response evidence_refusal(unsigned status, std::string_view code, std::string_view reason) {
  return http::json_response(status, json::serialise(json::object({{"code", code}, {"reason", json::array({reason})}})));
}

http::Response evidence_refusal(const Error& not_let_in) {
  if (not_let_in.code != ErrorCode::limit_exceeded) return evidence_refusal(404, "not_found", "nothing here");
  http::Response response = evidence_refusal(429, "limit_exceeded", not_let_in.message);
  response.headers["retry-after"] = "1";
  return response;
}

std::string EvidenceChannel::receipt_key(const ParticipantId& peer, const Receipt& receipt) {
  std::string key = receipts_of(peer);
  key += to_hex(crypto::sha256(provenance::origin_of(receipt.checkpoint))) + "/";
  put_u64(key, receipt.index);
  return key;
}

bool EvidenceChannel::may_prove(const ParticipantId& peer) const {
  const auto contradicts = Contradiction::read(with_.store, peer);
  return contradicts && !*contradicts;
}

void EvidenceChannel::remember(const provenance::Leaf& leaf, std::uint64_t number) {
  const auto of = static_cast<EntryKind>(leaf.kind);
  // The newest: an older one may stand behind the last checkpoint of a log that was lost.
  if (of == EntryKind::published || of == EntryKind::declaration) entries_.insert_or_assign(std::pair(of, leaf.policy_digest), number);
}

Result<std::uint64_t> EvidenceChannel::entry_of(EntryKind kind, const Hash& digest) {
  const std::lock_guard lock(mutex_);
  SLUIS_TRY(const std::uint64_t entries, with_.log.entries());
  SLUIS_TRY(const std::uint64_t first_kept, with_.log.first_kept());
  if (scanned_ < first_kept) {  // what is still needed of what was pruned
    SLUIS_TRY(const std::vector<provenance::Pruned> pruned, with_.log.pruned());
    for (const provenance::Pruned& log : pruned) {
      for (const std::uint64_t number : log.kept) {
        const auto leaf = with_.log.leaf(number);
        if (!leaf && leaf.error().code == ErrorCode::not_found) continue;  // it was pruned after all, just now
        if (!leaf) return leaf.error();
        remember(*leaf, number);
      }
    }
    scanned_ = first_kept;
  }
  for (; scanned_ < entries; ++scanned_) {
    SLUIS_TRY(const provenance::Leaf leaf, with_.log.leaf(scanned_));
    remember(leaf, scanned_);
  }
  const auto found = entries_.find({kind, digest});
  if (found == entries_.end()) return Error(ErrorCode::not_found, "the log has no such entry");
  return found->second;
}

/// Of who is not in the list any more, what its log showed before tells it.
bool EvidenceChannel::takes_receipts(const ParticipantId& peer) const {
  const auto party = with_.directory.find(peer);
  if (party) return (*party)->evidence;
  if (party.error().code != ErrorCode::not_found) return false;
  bool showed = false;
  for (const std::string& prefix : {known_checkpoints(peer), receipts_of(peer)}) {
    const auto read = with_.store.scan(prefix, prefix, [&](std::string_view, std::string_view) {
      showed = true;
      return false;
    });
    if (showed || !read) break;
  }
  return showed;
}

void EvidenceChannel::send_receipt(Commit& commit, const ParticipantId& peer, std::string_view process) {
  if (commit.id.empty()) commit.id = "receipt-" + to_hex(with_.random.bytes(16));
  if (!takes_receipts(peer)) return;
  outbox::Envelope envelope;
  envelope.service = "evidence";
  envelope.id = to_hex(with_.random.bytes(16));
  envelope.kind = "receipt";
  envelope.body = commit.id;
  envelope.queued = with_.clock.now();
  commit.messages.push_back({peer.str(), std::string(process), outbox::encode(envelope)});
}

Result<std::uint64_t> EvidenceChannel::first_entry(std::string_view commit_id) const {
  SLUIS_TRY(const std::optional<std::string> bytes, with_.store.get(commit::receipt_key(commit_id)));
  if (!bytes) return Error(ErrorCode::not_found, "there is no such commit");
  SLUIS_TRY(const CommitReceipt receipt, commit::decode_receipt(*bytes));
  return receipt.first_entry;
}

Result<Receipt> EvidenceChannel::receipt_of(std::uint64_t entry) const {
  SLUIS_TRY(const provenance::VerifierKey key, provenance::VerifierKey::parse(with_.sequencer.verifier_key()));
  return provenance::make_receipt(with_.log, entry, with_.sequencer.checkpoint(), key);
}

Result<provenance::Checkpoint> EvidenceChannel::open_note(const ParticipantId& peer, const std::string& note, Timestamp now) const {
  if (note.size() > kNoteBytes) return Error(ErrorCode::permission_denied, fmt::format("the checkpoint has {} bytes, and {} are the most", note.size(), kNoteBytes));
  SLUIS_TRY(const std::string vkey, with_.directory.log_key(peer, provenance::origin_of(note), now));
  SLUIS_TRY(const provenance::VerifierKey key, provenance::VerifierKey::parse(vkey));
  SLUIS_TRY(provenance::Checkpoint checkpoint, provenance::open_checkpoint(note, key));
  if (with_.heard) with_.heard(peer, provenance::with_signature_of(note, key), checkpoint);
  return checkpoint;
}

Result<void> EvidenceChannel::check_receipt(const ParticipantId& peer, const Receipt& receipt, Timestamp now) const {
  SLUIS_TRY(const provenance::Checkpoint checkpoint, open_note(peer, receipt.checkpoint, now));
  return provenance::check_receipt(receipt, checkpoint);
}

std::vector<http::Route> EvidenceChannel::routes() {
  return {
      {"GET", "/.well-known/sluis-evidence",
       [](const http::Request&) { return http::json_response(200, R"({"versions":["1"],"path":"/evidence/v1"})"); }, 0},
      {"GET", "/evidence/v1/offers/*", [this](const http::Request& request) { return offer_proof(request); }, 0},
      {"POST", "/evidence/v1/receipts", [this](const http::Request& request) { return take_receipt(request); }, kReceiptBytes},
  };
}

http::Response EvidenceChannel::offer_proof(const http::Request& request) {
  if (const auto peer = with_.authenticate(request); !peer) return evidence_refusal(peer.error());
  const auto bytes = from_hex(request.rest);
  const auto hash = bytes ? to_hash(*bytes) : Result<Hash>(bytes.error());
  const auto entry = hash ? entry_of(EntryKind::published, *hash) : Result<std::uint64_t>(hash.error());
  if (!entry) return evidence_refusal(404, "not_found", "no offer with this hash was published");
  const auto receipt = receipt_of(*entry);
  if (!receipt) {
    log::error("no proof of a publication", {{"what", receipt.error().message}});
    return evidence_refusal(503, "unavailable", "the proof cannot be made now");
  }
  return http::json_response(200, receipt->to_json());
}

Result<void> EvidenceChannel::check_offer(const ParticipantId& peer, const catalog::RemoteOffer& offer) {
  {
    const std::lock_guard lock(mutex_);
    if (proven_.contains({peer.str(), offer.hash})) return {};
  }
  const Timestamp now = with_.clock.now();
  SLUIS_TRY(const std::string base, with_.directory.endpoint(peer, now));
  http::PeerRequest request;
  request.peer = peer;
  request.method = "GET";
  request.url = base + "/evidence/v1/offers/" + to_hex(offer.hash);
  request.timeout = limits::kPeerTimeout;
  SLUIS_TRY(const http::PeerResponse response, with_.transport.send(request));
  if (response.status >= 500 || response.status == 429) {
    return Error(ErrorCode::peer_unavailable, "`" + peer.str() + "` cannot prove now that it published this offer");
  }
  if (response.status != 200) {
    return Error(ErrorCode::not_found, "`" + peer.str() + "` gives no proof that it published this offer");
  }
  SLUIS_TRY(const Receipt receipt, Receipt::from_json(response.body));
  SLUIS_CHECK(check_receipt(peer, receipt, now));
  if (receipt.leaf.kind != static_cast<std::uint8_t>(EntryKind::published) || receipt.leaf.policy_digest != offer.hash) {
    return Error(ErrorCode::permission_denied, "the proof is of another entry than this offer's publication");
  }
  const std::lock_guard lock(mutex_);
  if (proven_.size() >= kKeptProven) proven_.clear();
  proven_.emplace(peer.str(), offer.hash);
  return {};
}

/// Receipts are sent of ends and of deletions. One of an end that is known already adds nothing; of any other a party has its share of
/// mistakes, as whoever keeps a log can make as many as it likes.
Result<bool> EvidenceChannel::is_due(const ParticipantId& peer, const Receipt& receipt, const v1::Shared& shared) const {
  const auto kind = static_cast<EntryKind>(receipt.leaf.kind);
  if (kind != EntryKind::agreement_ended && kind != EntryKind::retention_confirmed) {
    return Error(ErrorCode::invalid_argument, "no receipt of such an entry is taken here");
  }
  if (receipt.shared.size() > limits::kEntryPayloadBytes) return Error(ErrorCode::limit_exceeded, "the receipt says too much");
  const auto record = negotiation::read_agreement(with_.store, AgreementId(shared.agreement()));
  if (!record && record.error().code != ErrorCode::not_found) return record.error();
  const bool known = record && record->peer == peer;
  if (known && kind == EntryKind::agreement_ended) return record->active();
  if (with_.mistakes != nullptr && !with_.mistakes->take(peer.str())) {
    return Error(ErrorCode::limit_exceeded, "too many receipts of this party concern nothing that is known here");
  }
  return true;
}

Result<void> EvidenceChannel::take(const ParticipantId& peer, const std::string& text) {
  SLUIS_TRY(const Receipt receipt, Receipt::from_json(text));
  const Timestamp now = with_.clock.now();
  SLUIS_CHECK(check_receipt(peer, receipt, now));
  v1::Shared shared;
  if (!shared.ParseFromString(receipt.shared) || shared.counterparty() != self_.str() || shared.self() != peer.str()) {
    return Error(ErrorCode::invalid_argument, "the receipt does not concern this node");
  }
  SLUIS_TRY(const bool due, is_due(peer, receipt, shared));
  if (!due) return {};
  Commit commit;
  commit.id = "received-" + to_hex(crypto::sha256(receipt.leaf.bytes()));
  const std::string key = receipt_key(peer, receipt);
  // Sealed, so that it goes with its key when what it says is erased.
  SLUIS_TRY(std::string sealed, with_.payload_keys.seal(text, gate::bound_to(key), now, with_.random));
  commit.changes.push_back({key, std::move(sealed)});
  v1::Shared own;
  gate::set_time(own, now);
  own.set_event(std::string(provenance::kind_name(receipt.leaf.kind)));
  own.set_self(self_.str());
  own.set_counterparty(peer.str());
  own.set_agreement(shared.agreement());
  own.set_dataset(shared.dataset());
  own.set_peer_checkpoint(receipt.checkpoint);
  commit.entries.push_back(gate::make_entry(EntryKind::receipt, receipt.leaf.policy_digest, own, {}));
  if (receipt.leaf.kind == static_cast<std::uint8_t>(EntryKind::agreement_ended)) {
    outbox::Reason reason{shared.decision().code(), {}};
    if (!shared.decision().sentence().empty()) reason.sentences.push_back(shared.decision().sentence());
    return with_.ended_by_peer(AgreementId(shared.agreement()), peer, reason, commit);
  }
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  return {};
}

http::Response EvidenceChannel::take_receipt(const http::Request& request) {
  const auto peer = with_.authenticate(request);
  if (!peer) return evidence_refusal(peer.error());
  if (const auto taken = take(*peer, request.body); !taken) {
    const ErrorCode code = taken.error().code;
    const bool ours = code == ErrorCode::storage_unavailable || code == ErrorCode::outcome_unknown;
    return evidence_refusal(ours ? 503 : code == ErrorCode::limit_exceeded ? 429 : 400, to_string(code), taken.error().message);
  }
  return http::json_response(200, "{}");
}

outbox::Delivered EvidenceChannel::deliver(const outbox::OutboxItem& item, const outbox::Envelope& envelope, Timestamp) {
  using outbox::Verdict;
  Result<std::uint64_t> entry = Error(ErrorCode::not_found, "it names no entry");
  if (envelope.body.starts_with(kEntryMark)) {
    std::uint64_t index = 0;
    const char* end = envelope.body.data() + envelope.body.size();
    if (std::from_chars(envelope.body.data() + kEntryMark.size(), end, index).ptr == end) entry = index;
  } else {
    entry = first_entry(envelope.body);
  }
  const auto receipt = entry ? receipt_of(*entry) : Result<Receipt>(entry.error());
  const auto base = with_.directory.endpoint(ParticipantId(item.peer), with_.clock.now());
  if (!receipt && receipt.error().code == ErrorCode::not_found) {  // no checkpoint of its log covers it, and none ever will: not so where it is only early
    return {Verdict::dead, {"no-receipt", {"it cannot be made any more: " + receipt.error().message}}};
  }
  if (!receipt) return Verdict::retry_untried;
  if (!base) return Verdict::away;
  http::PeerRequest request;
  request.peer = ParticipantId(item.peer);
  request.url = *base + "/evidence/v1/receipts";
  request.headers["content-type"] = "application/json";
  request.body = receipt->to_json();
  request.timeout = limits::kPeerTimeout;
  const auto response = with_.transport.send(request);
  if (!response || response->status >= 500 || response->status == 408 || response->status == 429) return Verdict::away;
  if (response->status >= 400) {
    return {Verdict::dead, {"refused", {fmt::format("the other party will not have it: status {}: {}", response->status, response->body)}}};
  }
  Commit done;
  done.changes.push_back({item.key, std::nullopt});
  return with_.commits.commit_and_wait(std::move(done)) ? Verdict::done : Verdict::retry_uncertain;
}

}  // namespace sluis::node
