#include "connector/node/receipt_messages.hpp"

#include "connector/base/limits.hpp"
#include "connector/outbox/due.hpp"
#include "connector/outbox/keys.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluis::node {
namespace {

constexpr int kTries = 3;

}  // namespace

std::string json_list(const std::vector<std::string>& texts) { return fmt::format("[{}]", fmt::join(texts, ",")); }
std::string receipt_state(std::string_view state) { return json::serialise(json::object({{"state", state}})); }

std::string ReceiptNotes::refused(const Error& why) {
  spent_ = with_.mistakes != nullptr && !with_.mistakes->take(peer_.str());
  return json::serialise(json::object({{"state", "refused"}, {"reason", why.message}}));
}

Result<v1::Shared> ReceiptNotes::check(const provenance::Receipt& receipt) {
  if (receipt.shared.size() > limits::kEntryPayloadBytes || receipt.checkpoint.size() > EvidenceChannel::kNoteBytes) {
    return Error(ErrorCode::limit_exceeded, "the receipt says too much");
  }
  if (note_ != receipt.checkpoint) {
    note_.reset();
    SLUIS_TRY(opened_, channel_.open_note(peer_, receipt.checkpoint, now_));
    note_ = receipt.checkpoint;
  }
  SLUIS_CHECK(provenance::check_receipt(receipt, opened_));
  v1::Shared shared;
  if (!shared.ParseFromString(receipt.shared) || shared.counterparty() != self_.str() || shared.self() != peer_.str()) {
    return Error(ErrorCode::invalid_argument, "the receipt does not concern this node");
  }
  return shared;
}

Result<provenance::Receipt> ReceiptNotes::make(std::uint64_t entry) {
  if (own_note_.empty()) {
    own_note_ = with_.sequencer.checkpoint();
    auto opened = provenance::read_own_checkpoint(own_note_);
    if (!opened) return Error(ErrorCode::storage_unavailable, "there is no checkpoint yet");
    own_ = std::move(*opened);
  }
  return provenance::make_receipt(with_.log, entry, own_note_, own_);
}

http::Response take_receipts(const EvidenceDependencies& with, const http::Request& request,
                             const std::function<Result<std::string>(const ParticipantId& peer, const json::Array& receipts)>& all) {
  const auto peer = with.authenticate(request);
  if (!peer) return evidence_refusal(peer.error());
  const auto body = json::parse(request.body);
  if (!body) return evidence_refusal(400, "invalid_argument", describe(body.error()));
  const json::Value* list = body->find("receipts");
  const auto* receipts = list == nullptr ? nullptr : list->if_array();
  if (receipts == nullptr || receipts->empty() || receipts->size() > kReceiptsAtOnce) {
    return evidence_refusal(400, "invalid_argument", fmt::format("`receipts` is a list of 1 to {} receipts", kReceiptsAtOnce));
  }
  for (int tries = 0;; ++tries) {
    const auto answer = all(*peer, *receipts);
    if (answer) return http::json_response(200, R"({"results":)" + *answer + "}");
    if (answer.error().code == ErrorCode::conflict && tries + 1 < kTries) continue;  // the timer, or the same message again
    return evidence_refusal(503, "unavailable", "the receipts cannot be recorded now");
  }
}

Result<std::vector<std::pair<std::string, std::string>>> ReceiptDelivery::waiting(std::string_view service, const std::string& from) const {
  std::vector<std::pair<std::string, std::string>> found;
  const auto read = [&](const std::string& first, std::size_t most) {
    return with_.store.scan(outbox::process_prefix(item_.peer, item_.process), first, [&](std::string_view key, std::string_view bytes) {
      if (found.size() == most) return false;
      const auto envelope = outbox::decode_envelope(bytes);
      if (!envelope || envelope->service != service) return false;  // whoever sends it next finds out
      found.emplace_back(key, envelope->body);
      return true;
    });
  };
  SLUIS_CHECK(read(item_.key, 1));
  SLUIS_CHECK(read(std::max(item_.key, from) + '\0', kReceiptsAtOnce));
  return found;
}

ReceiptDelivery::Answer ReceiptDelivery::send(std::string_view path, const std::vector<std::string>& receipts) const {
  using outbox::Verdict;
  const ParticipantId peer(item_.peer);
  const auto base = with_.directory.endpoint(peer, with_.clock.now());
  if (!base) return {std::nullopt, Verdict::away};
  http::PeerRequest request;
  request.peer = peer;
  request.url = *base + std::string(path);
  request.headers["content-type"] = "application/json";
  request.body = R"({"receipts":)" + json_list(receipts) + "}";
  request.timeout = limits::kPeerTimeout;
  const auto response = with_.transport.send(request);
  if (!response || response->status >= 500 || response->status == 408 || response->status == 429) return {std::nullopt, Verdict::away};
  const auto answer = response->status == 200 ? json::parse(response->body) : Result<json::Value>(Error(ErrorCode::not_found, "no answer"));
  const json::Value* list = answer ? answer->find("results") : nullptr;
  const auto* results = list == nullptr ? nullptr : list->if_array();
  if (results == nullptr || results->size() != receipts.size()) {  // it takes none: they are missing in their time
    return {std::nullopt, Verdict::retry, response->status == 404 || response->status == 405};
  }
  return {*results, Verdict::retry};
}

outbox::Delivered ReceiptDelivery::finish(outbox::Verdict otherwise, bool answered) {
  using outbox::Verdict;
  if (commit.changes.empty()) return otherwise;
  const bool first = std::any_of(commit.changes.begin(), commit.changes.end(), [&](const auto& change) { return change.key == item_.key; });
  if (!with_.commits.commit_and_wait(std::move(commit))) return answered ? Verdict::retry_uncertain : otherwise;
  // Where the peer gave no answer, that counts: the first one is gone from the store, and found so.
  outbox::Delivered out(!first || otherwise == Verdict::away ? otherwise : answered ? Verdict::done : Verdict::dropped);
  out.also = left_ - (first && out.verdict != otherwise ? 1 : 0);
  return out;
}

std::string ReceiptTurns::take(const std::string& peer) {
  const std::lock_guard lock(mutex_);
  const auto found = last_.extract(peer);
  return found.empty() ? std::string() : found.mapped();
}

void ReceiptTurns::put(const std::string& peer, std::string message) {
  const std::lock_guard lock(mutex_);
  last_[peer] = std::move(message);
}

Result<DueReceipts> due_receipts(const storage::Reader& store, std::string_view prefix, Timestamp now) {
  DueReceipts due;
  SLUIS_CHECK(store.scan(prefix, prefix, [&](std::string_view key, std::string_view value) {
    const Timestamp when = outbox::due_time(prefix, key);
    if (when > now || due.found.size() == kReceiptsDueAtOnce) {
      due.next = std::max(now, when);
      return false;
    }
    due.found.emplace_back(key, value);
    return true;
  }));
  return due;
}

}  // namespace sluis::node
