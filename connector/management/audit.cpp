#include "connector/management/audit_export.hpp"
#include "connector/management/audit_report.hpp"
#include "connector/management/audit_rows.hpp"
#include "connector/management/audit_subject.hpp"

#include "connector/management/convert.hpp"
#include "connector/management/findings.hpp"
#include "connector/management/findings_signed.hpp"
#include "connector/management/handlers.hpp"
#include "connector/management/logbook.hpp"
#include "connector/management/package.hpp"
#include "connector/provenance/passing.hpp"
#include "connector/provenance/receipt.hpp"

#include <fmt/core.h>

namespace sluis::management {
namespace {

Result<v1::AuditLogResponse> read_log(const Backend& backend, const v1::AuditLogRequest& request) {
  SLUIS_TRY(const auto entries, backend.log.entries());
  v1::AuditLogResponse response;
  response.set_log_size(entries);
  SLUIS_TRY(const TimeSpan span, TimeSpan::read(request));
  SLUIS_TRY(const std::optional<std::string> gone, pruned_note(backend.log, span));
  if (gone) response.add_notes(*gone);
  SLUIS_TRY(*response.mutable_next_page_token(), visit_page(backend.log, entries, request, [&](v1::AuditEntry row) {
    *response.add_entries() = std::move(row);
    return Result<void>();
  }));
  return response;
}

Result<v1::AuditWatchResponse> watch(Backend& backend, const v1::AuditWatchRequest& request) {
  SLUIS_TRY(const auto kinds, kinds_named(request.kinds()));
  SLUIS_TRY(const auto now, backend.log.entries());
  std::uint64_t next = request.from_end() ? now : request.from();
  v1::AuditWatchResponse response;
  SLUIS_TRY(const std::uint64_t first_kept, backend.log.first_kept());
  if (next < first_kept) {
    SLUIS_TRY(const std::optional<std::string> gone, pruned_note(backend.log, TimeSpan()));
    response.add_notes(gone.value_or(""));
    next = first_kept;
  }
  SLUIS_CHECK(wait_until(backend, request.wait_seconds(), [&]() -> Result<bool> {
    SLUIS_TRY(const auto entries, backend.log.entries());
    for (; next < entries && response.entries_size() < 100; ++next) {
      SLUIS_TRY(const auto leaf, provenance::leaf_or_skip(backend.log, next));
      if (!leaf || (!kinds.empty() && !kinds.contains(leaf->kind))) continue;
      SLUIS_TRY(auto row, audit_row_in_pass(backend.log, next, request.lang()));
      if (row) *response.add_entries() = std::move(*row);
    }
    return response.entries_size() > 0;
  }));
  response.set_next(next);
  return response;
}

Result<provenance::VerifierKey> key_of(const Backend& backend) {
  if (!backend.verifier_key) return not_here("log key");
  return provenance::VerifierKey::parse(backend.verifier_key());
}

Result<std::string> note_of(const Backend& backend) {
  const std::string note = backend.checkpoint ? backend.checkpoint() : std::string();
  if (const std::string why = backend.quarantine ? backend.quarantine() : ""; note.empty() && !why.empty()) {
    return Error(ErrorCode::storage_unavailable, "the log is quarantined: " + why);
  }
  if (note.empty()) return Error(ErrorCode::invalid_state, "nothing has been recorded yet");
  return note;
}

Result<v1::AuditCheckpointResponse> checkpoint(const Backend& backend, const v1::AuditCheckpointRequest& request) {
  if (!request.peer().empty()) {
    if (!backend.peer_log) return not_here("counterparties");
    SLUIS_TRY(const auto peer, find_party(backend.directory, request.peer()));
    return backend.peer_log(peer);
  }
  SLUIS_TRY(const auto note, note_of(backend));
  SLUIS_TRY(const auto key, key_of(backend));
  SLUIS_TRY(const auto opened, provenance::open_checkpoint(note, key));
  v1::AuditCheckpointResponse response;
  response.set_note(note);
  response.set_origin(opened.origin);
  response.set_size(opened.size);
  response.set_root(to_hex(opened.root));
  response.set_verifier_key(key.text());
  response.set_first(backend.log.shard().first);
  return response;
}

/// The newest entry of a transaction; what tells of the other party's receipts comes long after it, and proves less.
Result<std::uint64_t> index_of_transaction(const Backend& backend, const std::string& transaction) {
  v1::AuditLogRequest request;
  request.set_transaction(transaction);
  request.set_newest_first(true);
  request.set_page_size(4);
  do {
    SLUIS_TRY(const auto page, read_log(backend, request));
    for (const auto& entry : page.entries()) {
      if (!entry.kind().starts_with("receipt")) return entry.index();
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  const Error none(ErrorCode::not_found, fmt::format("no entry has transaction `{}`", transaction));
  SLUIS_TRY(const std::optional<std::string> gone, pruned_note(backend.log, TimeSpan()));
  return gone ? Error(none).mended_by(*gone) : none;
}

/// The entry of an agreement.
Result<std::uint64_t> index_of_agreement(const Backend& backend, const negotiation::AgreementRecord& record) {
  if (backend.agreement_evidence) {
    SLUIS_TRY(const AgreementEvidence evidence, backend.agreement_evidence(record));
    if (evidence.entry) return *evidence.entry;
  }
  v1::AuditLogRequest request;
  request.set_agreement(record.id.str());
  request.add_kinds(std::string(provenance::kind_name(static_cast<std::uint8_t>(provenance::EntryKind::agreement))));
  request.set_page_size(1);
  do {
    SLUIS_TRY(const auto page, read_log(backend, request));
    if (page.entries_size() > 0) return page.entries(0).index();
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return Error(ErrorCode::not_found, fmt::format("the entry of agreement `{}` is not in this log any more", record.id.str()));
}

/// What proves the agreement of this entry besides this log.
Result<void> add_evidence(const Backend& backend, const v1::Shared& shared, v1::AuditProofResponse& response) {
  const auto record = backend.negotiations.agreement(AgreementId(shared.agreement()));
  if (!record && record.error().code == ErrorCode::not_found) return {};
  if (!record) return record.error();
  SLUIS_TRY(AgreementEvidence evidence, backend.agreement_evidence(*record));
  response.set_evidence(evidence.state);
  if (!evidence.theirs.empty()) response.add_others(std::move(evidence.theirs));
  return {};
}

Result<v1::AuditProofResponse> proof(const Backend& backend, const v1::AuditProofRequest& request) {
  std::uint64_t index = request.index();
  const std::string& named = request.agreement().empty() ? request.transaction() : request.agreement();
  const auto agreement = named.empty() ? Result<negotiation::AgreementRecord>(Error(ErrorCode::not_found, "none is named"))
                                       : backend.negotiations.agreement(AgreementId(named));
  if (!request.agreement().empty() && !agreement) return agreement.error();
  if (agreement) {
    SLUIS_TRY(index, index_of_agreement(backend, *agreement));
  } else if (!request.transaction().empty()) {
    SLUIS_TRY(index, index_of_transaction(backend, request.transaction()));
  }
  SLUIS_TRY(auto note, note_of(backend));
  SLUIS_TRY(const auto key, key_of(backend));
  // In a checkpoint that others vouch for, too, where one has the entry.
  const std::string cosigned = backend.cosigned ? backend.cosigned() : std::string();
  const auto older = provenance::open_checkpoint(cosigned, key);
  if (older && index >= backend.log.shard().first && index - backend.log.shard().first < older->size) note = cosigned;
  SLUIS_TRY(const auto receipt, provenance::make_receipt(backend.log, index, note, key));
  v1::AuditProofResponse response;
  response.set_index(index);
  response.set_proof(receipt.proof_text());
  response.set_receipt(receipt.to_json());
  v1::Shared shared;
  if (backend.agreement_evidence && receipt.leaf.kind == static_cast<std::uint8_t>(provenance::EntryKind::agreement) && shared.ParseFromString(receipt.shared)) {
    SLUIS_CHECK(add_evidence(backend, shared, response));
    return response;
  }
  if (!backend.receipts_of || !shared.ParseFromString(receipt.shared) || shared.transaction().empty()) return response;
  SLUIS_TRY(std::vector<std::string> others, backend.receipts_of(ParticipantId(shared.counterparty()), shared.transaction()));
  for (std::string& other : others) response.add_others(std::move(other));
  return response;
}

Result<v1::AuditSignResponse> sign(Backend& backend, const v1::AuditSignRequest& request, const Caller& caller) {
  v1::AuditSignResponse response;
  response.set_dry_run(request.dry_run());
  SLUIS_TRY(const std::uint64_t entry, record_statement(backend, request, caller));
  if (request.dry_run()) return response;
  v1::AuditProofRequest of;
  of.set_index(entry);
  SLUIS_TRY(const auto proven, proof(backend, of));
  response.set_entry(entry);
  response.set_receipt(proven.receipt());
  return response;
}

}  // namespace

void add_audit(Methods& methods, Backend& backend) {
  methods.add<v1::AuditLogRequest, v1::AuditLogResponse>(
      "AuditService.Log", [&backend](const auto& request, const Caller&) { return read_log(backend, request); });
  methods.add<v1::AuditLogRequest, v1::AuditReportResponse>(
      "AuditService.Report", [&backend](const auto& request, const Caller&) { return report_log(backend, request); });
  methods.add<v1::AuditWatchRequest, v1::AuditWatchResponse>(
      "AuditService.Watch", [&backend](const auto& request, const Caller&) { return watch(backend, request); });
  methods.add<v1::AuditCheckpointRequest, v1::AuditCheckpointResponse>(
      "AuditService.Checkpoint", [&backend](const auto& request, const Caller&) { return checkpoint(backend, request); });
  methods.add<v1::AuditReconcileRequest, v1::AuditReconcileResponse>(
      "AuditService.Reconcile", [&backend](const auto& request, const Caller& caller) -> Result<v1::AuditReconcileResponse> {
        if (!backend.reconcile) return not_here("counterparties");
        v1::AuditReconcileRequest asked = request;
        SLUIS_TRY(const ParticipantId peer, find_party(backend.directory, request.peer()));
        asked.set_peer(peer.str());
        return backend.reconcile(asked, caller.person);
      });
  methods.add<v1::AuditExportRequest, v1::AuditExportResponse>(
      "AuditService.Export", [&backend](const auto& request, const Caller&) { return export_records(backend, request); });
  methods.add<v1::AuditProcessingActivitiesRequest, v1::AuditProcessingActivitiesResponse>(
      "AuditService.ProcessingActivities", [&backend](const auto& request, const Caller& caller) { return read_logbook(backend, request, caller); });
  methods.add<v1::AuditEraseRequest, v1::AuditEraseResponse>(
      "AuditService.Erase", [&backend](const auto& request, const Caller& caller) -> Result<v1::AuditEraseResponse> {
        if (!backend.erase) return not_here("erasure");
        v1::AuditEraseRequest asked = request;
        // Somebody who is no member any more can be named by the id as well.
        if (const auto party = find_party(backend.directory, request.party()); party && !request.party().empty()) asked.set_party(party->str());
        return backend.erase(asked, caller.person);
      });
  methods.add<v1::AuditPruneRequest, v1::AuditPruneResponse>(
      "AuditService.Prune", [&backend](const auto& request, const Caller& caller) -> Result<v1::AuditPruneResponse> {
        if (!backend.prune) return not_here("pruning");
        // In two roles, so that neither who runs the node nor who watches it does this alone.
        const bool steward = caller.role == v1::STEWARD;
        if (request.confirm().empty() == steward) {
          return Error(ErrorCode::invalid_argument, steward ? "a steward confirms, and does not ask" : "a privacy officer asks, and does not confirm")
              .at_pointer("/confirm")
              .mended_by("a privacy officer asks: `audit prune ORIGIN --basis …`; a steward confirms: `audit prune --confirm ID`");
        }
        return backend.prune(request, caller.person);
      });
  methods.add<v1::AuditSubjectRequest, v1::AuditSubjectResponse>(
      "AuditService.Subject", [&backend](const auto& request, const Caller& caller) { return look_up_subject(backend, request, caller); });
  methods.add<v1::AuditErasuresRequest, v1::AuditErasuresResponse>(
      "AuditService.Erasures", [&backend](const auto&, const Caller&) -> Result<v1::AuditErasuresResponse> {
        if (!backend.erasures) return not_here("erasure");
        return backend.erasures();
      });
  methods.add<v1::AuditFindingsRequest, v1::AuditFindingsResponse>(
      "AuditService.Findings", [&backend](const auto& request, const Caller&) { return find_misfits(backend, request); });
  methods.add<v1::AuditSignRequest, v1::AuditSignResponse>(
      "AuditService.Sign", [&backend](const auto& request, const Caller& caller) { return sign(backend, request, caller); });
  const auto packages = std::make_shared<Packages>(backend);
  methods.add<v1::AuditPackageRequest, v1::AuditPackageResponse>(
      "AuditService.Package", [packages](const auto& request, const Caller& caller) { return packages->make(request, caller); });
  methods.add<v1::AuditPackageFileRequest, v1::AuditPackageFileResponse>(
      "AuditService.PackageFile", [packages](const auto& request, const Caller& caller) { return packages->file(request, caller); });
  methods.add<v1::AuditProofRequest, v1::AuditProofResponse>(
      "AuditService.Proof", [&backend](const auto& request, const Caller&) { return proof(backend, request); });
}

}  // namespace sluis::management
