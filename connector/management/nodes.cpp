#include "connector/base/limits.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/handlers.hpp"
#include "connector/management/retention_record.hpp"
#include "sluis/v1/node.pb.h"

namespace sluis::management {
namespace {

/// Calls `visit` for all items of a paged list.
template <class List, class Visit>
Result<void> each(const List& list, const Visit& visit) {
  std::string after;
  while (true) {
    SLUIS_TRY(const auto found, list(after, limits::kPageMax));
    for (const auto& item : found) after = visit(item);
    if (found.size() < limits::kPageMax) return {};
  }
}

Result<void> count_exchange(const Backend& backend, v1::NodeStatusResponse& status) {
  std::uint64_t open = 0;
  std::uint64_t waiting = 0;
  std::uint64_t active = 0;
  std::uint64_t transfers = 0;
  SLUIS_CHECK(each(
      [&](const std::string& after, std::size_t count) { return backend.negotiations.list(ProcessId(after), count); },
      [&](const negotiation::Negotiation& item) {
        if (!item.state || !negotiation::is_final(*item.state)) ++open;
        if (negotiation::waits_for(item) == negotiation::WaitsFor::steward) ++waiting;
        return item.own_pid.str();
      }));
  SLUIS_CHECK(each(
      [&](const std::string& after, std::size_t count) {
        return backend.negotiations.agreements(AgreementId(after), count);
      },
      [&](const negotiation::AgreementRecord& item) {
        if (item.active()) ++active;
        return item.id.str();
      }));
  SLUIS_CHECK(each(
      [&](const std::string& after, std::size_t count) { return backend.transfers.list(ProcessId(after), count); },
      [&](const transfer::TransferProcess& item) {
        if (!item.state || !transfer::is_final(*item.state)) ++transfers;
        return item.own_pid.str();
      }));
  status.set_negotiations_open(open);
  status.set_waiting_for_steward(waiting);
  status.set_agreements_active(active);
  status.set_transfers_open(transfers);
  return {};
}

Result<void> count_stored(const Backend& backend, v1::NodeStatusResponse& status) {
  const auto now = backend.clock.now();
  std::uint64_t datasets = 0;
  std::uint64_t due = 0;
  SLUIS_CHECK(backend.catalog.each("", [&](catalog::PublishedDataset&& published) {
    if (backend.catalog.on_offer(published, now)) ++datasets;
    return true;
  }));
  SLUIS_CHECK(backend.store.scan(kRetentionPrefix, kRetentionPrefix, [&](std::string_view, std::string_view value) {
    const auto record = decode_retention(value);
    if (record && !record->confirmed && record->due <= now) ++due;
    return true;
  }));
  status.set_datasets(datasets);
  status.set_retention_due(due);
  return {};
}

Result<v1::NodeStatusResponse> status(const Backend& backend) {
  v1::NodeStatusResponse response;
  response.set_participant(backend.self.str());
  response.set_name(backend.name);
  response.set_version(backend.version);
  response.set_demo(backend.demo);
  response.set_log_origin(backend.log_origin);
  const auto now = backend.clock.now();
  put_time(response.mutable_now(), now);
  put_time(response.mutable_started(), backend.started);
  const auto findings = backend.findings ? backend.findings() : std::vector<std::string>();
  response.mutable_findings()->Assign(findings.begin(), findings.end());
  response.set_ready(!backend.ready || backend.ready());
  response.set_quarantine(backend.quarantine ? backend.quarantine() : std::string());
  SLUIS_TRY(const auto entries, backend.log.entries());
  response.set_log_size(entries);
  const auto list = backend.directory.list();
  response.set_membership_state(list ? std::string(identity::to_string(backend.directory.state(now))) : "none");
  if (list) response.set_membership_version(list->version);
  SLUIS_CHECK(count_exchange(backend, response));
  SLUIS_CHECK(count_stored(backend, response));
  if (backend.tell_status) backend.tell_status(response);
  return response;
}

Result<v1::NodeVersionResponse> version(const Backend& backend) {
  v1::NodeVersionResponse response;
  response.set_version(backend.version);
  response.set_api("sluis.v1");
  response.set_participant(backend.self.str());
  return response;
}

Result<v1::NodeDoctorResponse> doctor(const Backend& backend) {
  if (!backend.doctor) return not_here("checks of itself");
  v1::NodeDoctorResponse response;
  for (const auto& finding : backend.doctor()) {
    auto* check = response.add_checks();
    check->set_name(finding.name);
    check->set_good(finding.good);
    check->set_message(finding.message);
    check->set_mend(finding.mend);
  }
  return response;
}

Result<v1::NodeDoctorPeerResponse> doctor_peer(const Backend& backend, const v1::NodeDoctorPeerRequest& request) {
  if (!backend.doctor_peer) return not_here("checks of its peers");
  SLUIS_TRY(const ParticipantId peer, find_party(backend.directory, request.peer()));
  if (peer == backend.self) {
    return Error(ErrorCode::invalid_argument, "that is this node itself").at_pointer("/peer").mended_by("`sluis doctor` looks at this node");
  }
  return backend.doctor_peer(peer);
}

Result<v1::DemoClockResponse> demo_clock(const Backend& backend, const v1::DemoClockRequest& request) {
  if (!backend.demo || !backend.move_clock) {
    return Error(ErrorCode::invalid_state, "the clock of this node cannot be moved")
        .mended_by("only a node made with `sluis init --demo` has such a clock");
  }
  constexpr std::int64_t kCentury = 36'525LL * 86'400;
  if (request.by_seconds() <= 0 || request.by_seconds() > kCentury) {
    return Error(ErrorCode::invalid_argument, "a demonstration's clock moves forward, by at most a century")
        .at_pointer("/bySeconds");
  }
  const auto by = std::chrono::seconds(request.by_seconds());
  v1::DemoClockResponse response;
  response.set_dry_run(request.dry_run());
  Timestamp now = backend.clock.now() + by;
  if (!request.dry_run()) {
    SLUIS_TRY(now, backend.move_clock(by));
  }
  put_time(response.mutable_now(), now);
  return response;
}

}  // namespace

void add_nodes(Methods& methods, Backend& backend) {
  methods.add<v1::NodeStatusRequest, v1::NodeStatusResponse>(
      "NodeService.Status", [&backend](const auto&, const Caller&) { return status(backend); });
  methods.add<v1::NodeVersionRequest, v1::NodeVersionResponse>(
      "NodeService.Version", [&backend](const auto&, const Caller&) { return version(backend); });
  methods.add<v1::NodeDoctorRequest, v1::NodeDoctorResponse>(
      "NodeService.Doctor", [&backend](const auto&, const Caller&) { return doctor(backend); });
  methods.add<v1::NodeDoctorPeerRequest, v1::NodeDoctorPeerResponse>(
      "NodeService.DoctorPeer", [&backend](const auto& request, const Caller&) { return doctor_peer(backend, request); });
  methods.add<v1::NodeBackupRequest, v1::NodeBackupResponse>(
      "NodeService.Backup", [&backend](const auto& request, const Caller& caller) -> Result<v1::NodeBackupResponse> {
        if (!backend.back_up) return not_here("backups");
        return backend.back_up(request.dry_run(), caller.person);
      });
  methods.add<v1::RotateLogKeyRequest, v1::RotateLogKeyResponse>(
      "NodeService.RotateLogKey", [&backend](const auto& request, const Caller& caller) -> Result<v1::RotateLogKeyResponse> {
        if (!backend.rotate_log_key) return not_here("logs that follow");
        return backend.rotate_log_key(request.dry_run(), caller.person);
      });
  methods.add<v1::DemoClockRequest, v1::DemoClockResponse>(
      "NodeService.DemoClock", [&backend](const auto& request, const Caller&) { return demo_clock(backend, request); });
}

}  // namespace sluis::management
