#include "connector/provenance/entry.hpp"

#include "connector/crypto/crypto.hpp"

namespace sluis::provenance {

std::string_view kind_name(std::uint8_t kind) {
  switch (static_cast<EntryKind>(kind)) {
    case EntryKind::node_started: return "node-started";
    case EntryKind::node_stopped: return "node-stopped";
    case EntryKind::published: return "published";
    case EntryKind::retracted: return "retracted";
    case EntryKind::membership: return "membership";
    case EntryKind::purposes: return "purposes";
    case EntryKind::negotiation: return "negotiation";
    case EntryKind::agreement: return "agreement";
    case EntryKind::agreement_ended: return "agreement-ended";
    case EntryKind::transfer: return "transfer";
    case EntryKind::decision: return "decision";
    case EntryKind::intent: return "intent";
    case EntryKind::stream_end: return "stream-end";
    case EntryKind::cut: return "cut";
    case EntryKind::received: return "received";
    case EntryKind::open_hour: return "open-hour";
    case EntryKind::open_total: return "open-total";
    case EntryKind::refused_count: return "refused-count";
    case EntryKind::retention_confirmed: return "retention-confirmed";
    case EntryKind::activity: return "activity";
    case EntryKind::receipt: return "receipt";
    case EntryKind::declaration: return "declaration";
    case EntryKind::log_ended: return "log-ended";
    case EntryKind::log_begun: return "log-begun";
    case EntryKind::reconciled: return "reconciled";
    case EntryKind::backup: return "backup";
    case EntryKind::erasure: return "erasure";
    case EntryKind::looked: return "looked";
    case EntryKind::findings_signed: return "findings-signed";
    case EntryKind::package: return "package";
    case EntryKind::pruned: return "pruned";
    case EntryKind::receipt_missing: return "receipt-missing";
  }
  return "";
}

std::string Leaf::bytes() const {
  std::string out;
  out.reserve(kLeafBytes);
  out += static_cast<char>(kLeafVersion);
  out += static_cast<char>(kind);
  put_u32(out, hours);
  out += view(policy_digest);
  out += view(commitment);
  return out;
}

Result<Leaf> Leaf::parse(std::string_view bytes) {
  if (bytes.size() != kLeafBytes || static_cast<std::uint8_t>(bytes[0]) != kLeafVersion) {
    return Error(ErrorCode::corruption, "not an entry of version 1");
  }
  Leaf leaf;
  leaf.kind = static_cast<std::uint8_t>(bytes[1]);
  leaf.hours = get_u32(bytes, 2);
  SLUIS_TRY(leaf.policy_digest, to_hash(bytes.substr(6, 32)));
  SLUIS_TRY(leaf.commitment, to_hash(bytes.substr(38, 32)));
  return leaf;
}

Hash Payload::inner() const { return crypto::hmac_sha256(k2, internal); }

std::string Payload::bytes() const {
  std::string out;
  out.reserve(shared.size() + internal.size() + 96);
  put_sized(out, shared);
  put_sized(out, internal);
  put_sized(out, k);
  put_sized(out, k2);
  return out;
}

Result<Payload> Payload::parse(std::string_view bytes) {
  Payload payload;
  SLUIS_TRY(payload.shared, take_sized(bytes));
  SLUIS_TRY(payload.internal, take_sized(bytes));
  SLUIS_TRY(payload.k, take_sized(bytes));
  SLUIS_TRY(payload.k2, take_sized(bytes));
  if (!bytes.empty() || payload.k.size() != 32 || payload.k2.size() != 32) {
    return Error(ErrorCode::corruption, "a payload has the wrong length");
  }
  return payload;
}

Hash commitment(const Leaf& leaf, std::string_view shared, std::string_view k, const Hash& inner) {
  std::string bytes = leaf.bytes().substr(0, 38);
  bytes += view(crypto::sha256(shared));
  bytes += view(inner);
  return crypto::hmac_sha256(k, bytes);
}

Entry make_entry(const EntryDraft& draft, Timestamp recorded, Random& random) {
  Entry entry;
  entry.leaf.kind = draft.kind;
  entry.leaf.hours = hours_of(recorded);
  entry.leaf.policy_digest = draft.policy_digest;
  const std::string keys = random.bytes(64);
  entry.payload = Payload{draft.shared, draft.internal, keys.substr(0, 32), keys.substr(32)};
  entry.leaf.commitment = commitment(entry.leaf, draft.shared, entry.payload.k, entry.payload.inner());
  return entry;
}

}  // namespace sluis::provenance
