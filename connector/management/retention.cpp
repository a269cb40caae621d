#include "connector/management/retention_record.hpp"

#include "connector/management/convert.hpp"
#include "connector/management/entries.hpp"
#include "connector/management/handlers.hpp"

#include <fmt/core.h>

namespace sluis::management {
namespace {

v1::Retention to_proto(const RetentionRecord& record, Timestamp now) {
  v1::Retention out;
  out.set_agreement(record.agreement.str());
  out.set_dataset(record.dataset.str());
  out.set_peer(record.peer.str());
  put_time(out.mutable_last_end(), record.last_end);
  put_time(out.mutable_due(), record.due);
  out.set_state(record.confirmed ? "confirmed" : record.due <= now ? "due" : "running");
  return out;
}

Result<v1::ListRetentionResponse> list(const Backend& backend, const v1::ListRetentionRequest& request) {
  SLUIS_TRY(const auto after, catalog::read_page_token(request.page_token()));
  v1::ListRetentionResponse response;
  const std::size_t wanted = page_size(request.page_size());
  const auto now = backend.clock.now();
  const std::string from =
      after.empty() ? std::string(kRetentionPrefix) : retention_key(AgreementId(after)) + '\0';
  std::optional<Error> failed;
  std::string last;
  SLUIS_CHECK(backend.store.scan(kRetentionPrefix, from, [&](std::string_view key, std::string_view value) {
    if (static_cast<std::size_t>(response.retention_size()) == wanted) {
      response.set_next_page_token(catalog::page_token(last));
      return false;
    }
    const auto record = decode_retention(value);
    if (!record) {
      failed = record.error();
      return false;
    }
    last = key.substr(kRetentionPrefix.size());
    const auto row = to_proto(*record, now);
    if (!request.due_only() || row.state() == "due") *response.add_retention() = row;
    return true;
  }));
  if (failed) return *failed;
  return response;
}

Commit confirmation(const Backend& backend, const Caller& caller, const RetentionRecord& record,
                    const std::string& before) {
  v1::Shared shared;
  shared.set_event("confirmed");
  shared.set_counterparty(record.peer.str());
  shared.set_dataset(record.dataset.str());
  shared.set_agreement(record.agreement.str());
  shared.set_due(format_time(record.due));
  Hash offer_hash{};
  if (const auto agreement = backend.negotiations.agreement(record.agreement)) {
    offer_hash = agreement->offer_hash;
    shared.set_agreement_hash(std::string(view(agreement->agreement_hash)));
    shared.set_offer_hash(std::string(view(agreement->offer_hash)));
  }
  const auto key = retention_key(record.agreement);
  Commit commit;
  commit.preconditions.push_back({key, before});
  commit.changes.push_back({key, encode(record)});
  commit.entries.push_back(make_entry(backend, caller, provenance::EntryKind::retention_confirmed, std::move(shared),
                                      offer_hash));
  if (backend.prepare_retention) backend.prepare_retention(commit, record);
  return commit;
}

Result<v1::ConfirmRetentionResponse> confirm(Backend& backend, const v1::ConfirmRetentionRequest& request,
                                             const Caller& caller) {
  SLUIS_CHECK(require_id(request.agreement(), "agreement"));
  const AgreementId id(request.agreement());
  SLUIS_TRY(const auto before, backend.store.get(retention_key(id)));
  if (!before) {
    return Error(ErrorCode::not_found, fmt::format("no duty to delete stands under agreement `{}`", id.str()))
        .mended_by("retention list shows those that stand");
  }
  SLUIS_TRY(auto record, decode_retention(*before));
  if (record.confirmed) {
    return Error(ErrorCode::invalid_state, fmt::format("the deletion under `{}` is confirmed already", id.str()));
  }
  const auto now = backend.clock.now();
  v1::ConfirmRetentionResponse response;
  response.set_dry_run(request.dry_run());
  if (!request.dry_run()) {
    record.confirmed = now;
    SLUIS_TRY(const auto receipt, backend.commits.commit_and_wait(confirmation(backend, caller, record, *before)));
    response.set_entry(receipt.first_entry);
    if (backend.retention_confirmed) backend.retention_confirmed(record, receipt);
  }
  *response.mutable_retention() = to_proto(record, now);
  return response;
}

}  // namespace

void add_retention(Methods& methods, Backend& backend) {
  methods.add<v1::ListRetentionRequest, v1::ListRetentionResponse>(
      "RetentionService.List", [&backend](const auto& request, const Caller&) { return list(backend, request); });
  methods.add<v1::ConfirmRetentionRequest, v1::ConfirmRetentionResponse>(
      "RetentionService.Confirm", [&backend](const auto& request, const Caller& caller) {
        return confirm(backend, request, caller);
      });
}

}  // namespace sluis::management
