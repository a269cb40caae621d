#include "connector/gate/evidence.hpp"

#include "connector/base/limits.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/json/json.hpp"
#include "policy/odrl/terms.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace sluis::gate {
namespace {

std::string serialise(const google::protobuf::MessageLite& message) {
  std::string out;
  {
    google::protobuf::io::StringOutputStream stream(&out);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return out;
}

std::string encode(const OpenProcess& process) {
  json::Value out = json::object({{"shared", to_base64(serialise(process.shared))},
                                  {"end", to_base64(serialise(process.end))},
                                  {"offer_hash", to_hex(process.offer_hash)}});
  if (process.delete_after) out.set("delete_after", format_duration(*process.delete_after));
  return json::serialise(out);
}

/// One that a program of before kept is in clear.
Result<std::string> opened(std::string_view key, std::string_view bytes, provenance::PayloadKeys& keys) {
  if (bytes.starts_with('{')) return std::string(bytes);
  return keys.unseal(bytes, {0, bound_to(key)});
}

}  // namespace

EntryDraft make_entry(provenance::EntryKind kind, const Hash& offer_hash, const v1::Shared& shared,
                      const v1::Internal& internal) {
  return {static_cast<std::uint8_t>(kind), offer_hash, serialise(shared), serialise(internal)};
}

v1::DecisionReason to_proto(const policy::Reason& reason, bool permit) {
  v1::DecisionReason out;
  out.set_permit(permit);
  out.set_code(reason.code);
  for (const auto& [name, value] : reason.parameters) {
    (*out.mutable_parameters())[name] = valid_text(value, limits::kReasonBytes);
  }
  out.set_sentence(valid_text(reason.sentence, 4 * limits::kReasonBytes));
  return out;
}

void set_time(v1::Shared& shared, Timestamp time) { shared.set_time_us(time.time_since_epoch().count()); }

void set_step(v1::Internal& internal, const Trace& step) {
  internal.set_trace_id(step.trace_id);
  internal.set_span_id(step.span_id);
  internal.set_parent_span_id(step.parent_span_id);
}

void set_evidence(v1::Shared& shared, bool two_sided) {
  if (!two_sided) shared.set_evidence(std::string(policy::kOneSided));
}

void set_known(v1::Internal& internal, const Verdict& verdict) {
  if (!verdict.terms) return;
  v1::KnownThen& known = *internal.mutable_known();
  known.set_class_of_recipient(verdict.class_of_recipient);
  known.set_evidence(std::string(verdict.two_sided ? policy::kTwoSided : policy::kOneSided));
  if (verdict.uses_asked) known.set_uses(static_cast<std::uint64_t>(*verdict.uses_asked));
  if (verdict.says && verdict.terms->named.activity) {
    known.set_activity_known(true);
    for (const std::string& basis : verdict.says->legal_basis) known.add_legal_basis(basis);
    known.set_impact_assessment(verdict.says->impact_assessment);
  }
  if (verdict.declared != Verdict::Looked::no) known.set_declarations(verdict.declared == Verdict::Looked::known ? "known" : "unknown");
  known.set_vocabulary_hash(std::string(view(verdict.terms->vocabulary_hash)));
}

std::optional<identity::ActivitySays> says_of(const v1::KnownThen& known) {
  if (!known.activity_known()) return std::nullopt;
  return identity::ActivitySays{{known.legal_basis().begin(), known.legal_basis().end()}, known.impact_assessment()};
}

void set_rests_on(v1::Shared& shared, const std::vector<RestsOn>& declarations) {
  for (const RestsOn& one : declarations) {
    v1::RestsOn& added = *shared.add_rests_on();
    added.set_id(one.id);
    added.set_entry(one.entry);
  }
}

std::string open_process_key(std::string_view prefix, Random& random) {
  return std::string(prefix) + to_hex(random.bytes(16));
}

Hash bound_to(std::string_view key) { return crypto::sha256(key); }

Result<void> keep_open(const std::string& key, const OpenProcess& process, const storage::Reader& store, provenance::PayloadKeys& keys,
                       Timestamp now, Random& random, Commit& commit) {
  SLUIS_TRY(std::optional<std::string> epoch, store.get(kPayloadEpoch));  // before the key is taken
  SLUIS_TRY(std::string sealed, keys.seal(encode(process), bound_to(key), now, random));
  commit.preconditions.push_back({std::string(kPayloadEpoch), std::move(epoch)});
  commit.changes.push_back({key, std::move(sealed)});
  return {};
}

namespace {

Result<OpenProcess> decode_open_process(std::string_view key, std::string_view bytes, provenance::PayloadKeys& keys) {
  const auto read = [&]() -> Result<OpenProcess> {
    SLUIS_TRY(const std::string text, opened(key, bytes, keys));
    SLUIS_TRY(const json::Value value, json::parse(text));
    OpenProcess out;
    SLUIS_TRY(const std::string encoded, json::required_string(value, "shared"));
    SLUIS_TRY(const std::string shared, from_base64(encoded));
    if (!out.shared.ParseFromString(shared)) return Error(ErrorCode::corruption, "no evidence record");
    // One that a program of before left says no more.
    SLUIS_TRY(const std::optional<std::string> end_encoded, json::optional_string(value, "end"));
    if (end_encoded) {
      SLUIS_TRY(const std::string end, from_base64(*end_encoded));
      if (!out.end.ParseFromString(end)) return Error(ErrorCode::corruption, "no evidence record");
    }
    SLUIS_TRY(const std::string hex, json::required_string(value, "offer_hash"));
    SLUIS_TRY(const std::string hash, from_hex(hex));
    SLUIS_TRY(out.offer_hash, to_hash(hash));
    SLUIS_TRY(const std::optional<std::string> period, json::optional_string(value, "delete_after"));
    if (period) {
      SLUIS_TRY(out.delete_after, parse_duration(*period));
    }
    return out;
  };
  auto out = read();
  if (!out && out.error().code == ErrorCode::not_found) return OpenProcess{};
  if (!out) return Error(ErrorCode::corruption, "an open process cannot be read: " + out.error().message);
  return out;
}

}  // namespace

Result<std::vector<std::pair<std::string, OpenProcess>>> open_processes(const storage::Reader& store, std::string_view prefix,
                                                                        provenance::PayloadKeys& keys) {
  std::vector<std::pair<std::string, OpenProcess>> out;
  std::optional<Error> failed;
  SLUIS_CHECK(store.scan(prefix, prefix, [&](std::string_view key, std::string_view value) {
    auto process = decode_open_process(key, value, keys);
    if (!process) {
      failed = process.error();
      return false;
    }
    out.emplace_back(std::string(key), std::move(*process));
    return true;
  }));
  if (failed) return *failed;
  return out;
}

v1::Shared end_of(const v1::Shared& begin, Timestamp now) {
  v1::Shared out = begin;
  out.clear_decision();
  out.clear_peer_checkpoint();
  out.clear_rests_on();
  set_time(out, now);
  return out;
}

}  // namespace sluis::gate
