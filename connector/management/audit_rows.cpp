#include "connector/management/audit_rows.hpp"

#include "connector/base/bytes.hpp"
#include "connector/base/limits.hpp"
#include "connector/base/suggest.hpp"
#include "connector/gate/reason.hpp"
#include "connector/management/convert.hpp"
#include "connector/provenance/passing.hpp"
#include "sluis/v1/evidence.pb.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace sluis::management {
namespace {

void put_shared(v1::AuditEntry& row, const v1::Shared& shared, std::string_view language) {
  put_time(row.mutable_time(), Timestamp(std::chrono::microseconds(shared.time_us())));
  row.set_event(shared.event());
  row.set_counterparty(shared.counterparty());
  row.set_dataset(shared.dataset());
  row.set_agreement(shared.agreement());
  row.set_purpose(shared.purpose());
  row.set_transaction(shared.transaction());
  row.set_negotiation(shared.negotiation());
  row.set_transfer(shared.transfer());
  row.set_end(shared.end());
  row.set_rows(shared.rows());
  row.set_bytes(shared.bytes());
  row.set_digest(to_hex(shared.digest()));
  row.set_count(shared.count());
  row.set_due(shared.due());
  row.set_evidence(shared.evidence());
  if (shared.document().size() <= limits::kReasonBytes) row.set_document(shared.document());
  for (const auto& one : shared.rests_on()) row.add_rests_on(fmt::format("{} {}", one.id(), one.entry()));
  if (!shared.has_decision()) return;
  const auto& decision = shared.decision();
  row.set_decision(decision.permit() ? "permit" : "refused");
  row.set_reason(decision.code());
  const std::map<std::string, std::string> parameters(decision.parameters().begin(), decision.parameters().end());
  if (const auto rule = parameters.find("rule"); rule != parameters.end()) row.set_rule(rule->second);
  row.set_sentence(gate::sentence_in(language, decision.code(), parameters).value_or(decision.sentence()));
}

void put_internal(v1::AuditEntry& row, const v1::Internal& internal) {
  row.set_activity(internal.activity());
  row.set_application(internal.application());
  row.set_person(internal.person());
  row.set_detail(internal.detail());
  row.set_request(internal.request());
  row.set_response(internal.response());
  row.set_decided_by(internal.decided_by());
  row.set_certificate(internal.certificate());
  row.set_claim_kid(internal.claim_kid());
  *row.mutable_legal_basis() = internal.known().legal_basis();
  row.set_impact_assessment(internal.known().impact_assessment());
}

/// As OpenSSL prints it, too.
std::string fingerprint(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != ':') digits += c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
  }
  return digits;
}

/// Entries that one call looks at.
constexpr std::uint64_t kLookedAt = 50'000;

Timestamp hour(std::uint32_t hours) { return Timestamp(std::chrono::hours(hours)); }

bool fits(const std::string& asked, const std::string& has) { return asked.empty() || asked == has; }

/// An event may be asked for with what it begins with, up to a dot.
bool event_fits(const std::string& asked, const std::string& has) {
  return fits(asked, has) || has.starts_with(asked + ".");
}

}  // namespace

Result<TimeSpan> TimeSpan::read(const google::protobuf::Timestamp* from, const google::protobuf::Timestamp* until) {
  TimeSpan span;
  if (from != nullptr) {
    SLUIS_TRY(span.from_, read_time(*from, "/from"));
  }
  if (until != nullptr) {
    SLUIS_TRY(span.until_, read_time(*until, "/until"));
  }
  if (span.from_ && span.until_ && *span.until_ <= *span.from_) {
    return Error(ErrorCode::invalid_argument, "`until` is not after `from`").at_pointer("/until");
  }
  return span;
}

bool TimeSpan::may_hold(const provenance::Leaf& leaf) const {
  // An entry's own time and the leaf's hour may lie on both sides of the hour.
  if (from_ && hour(leaf.hours + 2) <= *from_) return false;
  return !until_ || hour(leaf.hours) < *until_ + std::chrono::hours(1);
}

/// The first entry that is there tells the hour up to which others may have been recorded: hours never fall.
Result<bool> reaches_pruned(const provenance::LogReader& log, const TimeSpan& span) {
  SLUIS_TRY(const std::uint64_t first_kept, log.first_kept());
  if (first_kept == 0) return false;
  SLUIS_TRY(const provenance::Leaf first, provenance::first_leaf(log));
  return span.begins_before(hour(first.hours) + std::chrono::hours(1));
}

Result<std::optional<std::string>> pruned_note(const provenance::LogReader& log, const TimeSpan& span) {
  SLUIS_TRY(const bool reaches, reaches_pruned(log, span));
  if (!reaches) return std::optional<std::string>();
  SLUIS_TRY(const std::vector<provenance::Pruned> all, log.pruned());
  std::string told;
  for (const provenance::Pruned& one : all) {
    told += fmt::format("{}entries {} to {} were pruned on {}, with log `{}`", told.empty() ? "" : "; ", one.first, one.end - 1, format_time(one.at).substr(0, 10), one.origin);
    if (!one.kept.empty()) told += fmt::format(" ({} that are still needed can be shown by their number)", one.kept.size());
  }
  return std::optional(told + ": what they said is not in this answer");
}

Result<std::uint64_t> page_begin(std::string_view token) {
  std::uint64_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  if (!token.empty() && (error != std::errc() || end != token.data() + token.size())) {
    return Error(ErrorCode::invalid_argument, "this is no token of a page").at_pointer("/pageToken");
  }
  return index;
}

Result<v1::AuditEntry> audit_row(const provenance::LogReader& log, std::uint64_t index,
                                 std::string_view language) {
  SLUIS_TRY(const auto leaf, log.leaf(index));
  v1::AuditEntry row;
  row.set_index(index);
  const provenance::Shard& shard = log.shard_of(index);
  row.set_log(shard.origin);
  row.set_leaf(index - shard.first);
  row.set_kind(std::string(provenance::kind_name(leaf.kind)));
  put_time(row.mutable_time(), hour(leaf.hours));
  const auto payload = log.payload(index);
  if (!payload && payload.error().code == ErrorCode::not_found) {
    row.set_erased(true);
    return row;
  }
  if (!payload) return payload.error();
  v1::Shared shared;
  v1::Internal internal;
  if (!shared.ParseFromString(payload->shared) || !internal.ParseFromString(payload->internal)) {
    row.set_detail("the entry's payload has another form");
    return row;
  }
  put_shared(row, shared, language);
  put_internal(row, internal);
  return row;
}

Result<std::optional<v1::AuditEntry>> audit_row_in_pass(const provenance::LogReader& log, std::uint64_t index, std::string_view language) {
  auto row = audit_row(log, index, language);
  if (row && !row->erased()) return std::optional(std::move(*row));
  if (!row && row.error().code != ErrorCode::not_found) return row.error();
  SLUIS_TRY(const std::optional<provenance::Leaf> still, provenance::leaf_in_pass(log, index));
  if (!still) return std::optional<v1::AuditEntry>();
  if (!row) return row.error();
  return std::optional(std::move(*row));
}

Result<std::set<std::uint8_t>> kinds_named(const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::vector<std::string_view> known;
  std::set<std::uint8_t> kinds;
  for (unsigned kind = 0; kind < 256; ++kind) {
    const auto name = provenance::kind_name(static_cast<std::uint8_t>(kind));
    if (!name.empty()) known.push_back(name);
  }
  for (const auto& name : names) {
    const auto before = kinds.size();
    for (unsigned kind = 0; kind < 256; ++kind) {
      if (provenance::kind_name(static_cast<std::uint8_t>(kind)) == name && !name.empty()) {
        kinds.insert(static_cast<std::uint8_t>(kind));
      }
    }
    if (kinds.size() == before && std::find(known.begin(), known.end(), name) == known.end()) {
      return Error(ErrorCode::invalid_argument, fmt::format("`{}` is not a kind of entry", name))
          .at_pointer("/kinds")
          .mended_by(suggestion(name, known));
    }
  }
  return kinds;
}

Result<AuditFilter> AuditFilter::make(const v1::AuditLogRequest& request) {
  AuditFilter filter;
  filter.asked_ = request;
  filter.asked_.set_certificate(fingerprint(request.certificate()));
  filter.as_certificate_ = fingerprint(request.key());
  SLUIS_TRY(filter.kinds_, kinds_named(request.kinds()));
  const auto& decision = request.decision();
  if (!decision.empty() && decision != "permit" && decision != "refused") {
    return Error(ErrorCode::invalid_argument, fmt::format("`{}` is not a decision", decision))
        .at_pointer("/decision")
        .mended_by("known are `permit`, `refused`");
  }
  SLUIS_TRY(filter.span_, TimeSpan::read(request));
  return filter;
}

bool AuditFilter::may_match(const provenance::Leaf& leaf) const {
  return (kinds_.empty() || kinds_.contains(leaf.kind)) && span_.may_hold(leaf);
}

bool AuditFilter::matches(const v1::AuditEntry& row) const {
  if (!event_fits(asked_.event(), row.event()) || !fits(asked_.party(), row.counterparty()) || !fits(asked_.dataset(), row.dataset()) ||
      !fits(asked_.agreement(), row.agreement()) || !fits(asked_.purpose(), row.purpose()) ||
      !fits(asked_.decision(), row.decision()) || !fits(asked_.transaction(), row.transaction()) ||
      !fits(asked_.activity(), row.activity()) || !fits(asked_.certificate(), row.certificate())) {
    return false;
  }
  if (!asked_.key().empty() && row.certificate() != as_certificate_ && row.claim_kid() != asked_.key()) return false;
  const Timestamp time(std::chrono::seconds(row.time().seconds()) +
                       std::chrono::microseconds(row.time().nanos() / 1000));
  return span_.holds(time);
}

Result<std::string> visit_page(const provenance::LogReader& log, std::uint64_t size, const v1::AuditLogRequest& asked,
                               const std::function<Result<void>(v1::AuditEntry)>& visit) {
  SLUIS_TRY(const auto filter, AuditFilter::make(asked));
  if (size == 0) return std::string();
  SLUIS_TRY(const std::uint64_t first_kept, log.first_kept());
  std::uint64_t index = asked.newest_first() ? size - 1 : first_kept;
  if (!asked.page_token().empty()) {
    SLUIS_TRY(index, page_begin(asked.page_token()));
  }
  if (!asked.newest_first()) index = std::max(index, first_kept);
  const std::size_t wanted = page_size(asked.page_size());
  std::size_t found = 0;
  for (std::uint64_t looked = 0; index < size && index >= first_kept; ++looked) {
    if (looked == kLookedAt || found == wanted) return std::to_string(index);
    SLUIS_TRY(const std::optional<provenance::Leaf> leaf, provenance::leaf_in_pass(log, index));
    std::optional<v1::AuditEntry> row;
    if (leaf && filter.may_match(*leaf)) {
      SLUIS_TRY(row, audit_row_in_pass(log, index, asked.lang()));
    }
    if (row && filter.matches(*row)) {
      SLUIS_CHECK(visit(std::move(*row)));
      ++found;
    }
    if (!leaf) {  // it was pruned just now, with all before it
      if (asked.newest_first()) break;
      SLUIS_TRY(index, log.first_kept());
      continue;
    }
    if (asked.newest_first() && index == 0) break;
    index = asked.newest_first() ? index - 1 : index + 1;
  }
  return std::string();
}

}  // namespace sluis::management
