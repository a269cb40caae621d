#include "connector/base/limits.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/handlers.hpp"
#include "policy/odrl/program.hpp"

#include <fmt/core.h>

namespace sluis::management {
namespace {

using transfer::TransferProcess;

template <class Request>
outbox::Reason reason_of(const Request& request, const char* otherwise) {
  outbox::Reason reason;
  reason.code = request.code().empty() ? otherwise : request.code();
  if (!request.sentence().empty()) reason.sentences.push_back(request.sentence());
  return outbox::bounded(std::move(reason));
}

bool settled(const TransferProcess& process) {
  return process.state && *process.state != transfer::State::requested && !process.pending;
}

Result<TransferProcess> wait_for(Backend& backend, const ProcessId& id, std::uint32_t seconds) {
  SLUIS_TRY(auto current, backend.transfers.show(id));
  SLUIS_CHECK(wait_until(backend, seconds, [&]() -> Result<bool> {
    SLUIS_TRY(current, backend.transfers.show(id));
    return settled(current);
  }));
  return current;
}

/// What is asked for is checked here as a pull's is at the intake: the provider has only our word for the activity. None: a pull.
Result<std::optional<transfer::PushRequest>> push_of(const Backend& backend, const v1::StartTransferRequest& request) {
  if (request.push_to().empty()) {
    if (request.purpose().empty() && request.activity().empty()) return std::optional<transfer::PushRequest>();
    return Error(ErrorCode::invalid_argument, "a purpose and an activity are named here for a push only").mended_by("name the address with `--push`; a pull names them each time");
  }
  const std::string& to = request.push_to();
  if (!to.starts_with("https://") || to.size() > limits::kIdBytes) {
    return Error(ErrorCode::invalid_argument, "`" + to.substr(0, 200) + "` is no address that data can be pushed to").mended_by("it begins with https://, and has at most " + std::to_string(limits::kIdBytes) + " characters");
  }
  const Timestamp now = backend.clock.now();
  if (!backend.directory.origin_allowed(backend.self, to, now)) {
    return Error(ErrorCode::invalid_argument, "the membership list has no endpoint of ours at the origin of `" + to + "`")
        .mended_by("name an address with scheme, host and port of one of our endpoints, or have the federation list another");
  }
  transfer::PushRequest push{to, policy::expand_purpose(request.purpose()), request.activity(), {}};
  if (push.purpose.empty() || push.activity.empty()) {
    return Error(ErrorCode::invalid_argument, "a push needs a purpose and a processing activity").mended_by("name them with `--purpose` and `--activity`");
  }
  if (!backend.activity_allows) return Error(ErrorCode::invalid_state, "this node has no register to look the activity up in");
  SLUIS_CHECK(backend.activity_allows(push.activity, push.purpose, now));
  return std::optional(std::move(push));
}

/// This node does not see what is pushed, so nothing here would say when it is to be deleted.
Result<void> check_no_deletion_duty(const Backend& backend, const AgreementId& agreement) {
  SLUIS_TRY(const auto record, backend.negotiations.agreement(agreement));
  SLUIS_TRY(const policy::Policy terms, policy::parse_policy(record.agreement));
  if (!policy::retention(terms)) return {};
  return Error(ErrorCode::permission_denied, "the terms of agreement `" + agreement.str() +
                                                 "` have the data deleted after a time, and this node does not see when pushed data come")
      .mended_by("start it without `--push`, and pull the data through this node");
}

Result<v1::StartTransferResponse> start(Backend& backend, const v1::StartTransferRequest& request, const std::string& person) {
  SLUIS_CHECK(require_id(request.agreement(), "agreement"));
  SLUIS_CHECK(backend.directory.allows_new(backend.clock.now()));
  const AgreementId agreement(request.agreement());
  SLUIS_TRY(std::optional<transfer::PushRequest> push, push_of(backend, request));
  if (push) {
    SLUIS_CHECK(check_no_deletion_duty(backend, agreement));
    push->person = person;
  }
  v1::StartTransferResponse response;
  response.set_dry_run(request.dry_run());
  if (request.dry_run()) {
    SLUIS_TRY(const auto record, backend.negotiations.agreement(agreement));
    if (!record.active() || record.role != negotiation::Role::consumer) {
      return Error(ErrorCode::invalid_state, record.active() ? "we are the provider in this agreement"
                                                             : "the agreement has ended");
    }
    response.mutable_transfer()->set_agreement(agreement.str());
    response.mutable_transfer()->set_peer(record.peer.str());
    response.mutable_transfer()->set_dataset(record.dataset.str());
    if (push) response.mutable_transfer()->mutable_push()->set_to(transfer::without_query(push->endpoint));
    return response;
  }
  SLUIS_TRY(auto begun, backend.transfers.start(agreement, std::move(push)));
  if (request.wait_seconds() > 0) {
    SLUIS_TRY(begun, wait_for(backend, begun.own_pid, request.wait_seconds()));
  }
  *response.mutable_transfer() = to_proto(begun);
  return response;
}

Result<v1::ListTransfersResponse> list(const Backend& backend, const v1::ListTransfersRequest& request) {
  SLUIS_TRY(const auto before, catalog::read_page_token(request.page_token()));
  v1::ListTransfersResponse response;
  const std::size_t wanted = page_size(request.page_size());
  ProcessId after(before);
  while (true) {
    SLUIS_TRY(const auto found, backend.transfers.list(after, limits::kPageDefault));
    for (const auto& process : found) {
      if (static_cast<std::size_t>(response.transfers_size()) == wanted) {
        response.set_next_page_token(catalog::page_token(after.str()));
        return response;
      }
      after = process.own_pid;
      if (request.open_only() && process.state && transfer::is_final(*process.state)) continue;
      if (!request.agreement().empty() && process.agreement.str() != request.agreement()) continue;
      *response.add_transfers() = to_proto(process);
    }
    if (found.size() < limits::kPageDefault) return response;
  }
}

Result<v1::ShowTransferResponse> show(Backend& backend, const v1::ShowTransferRequest& request) {
  SLUIS_CHECK(require_id(request.id(), "id"));
  SLUIS_TRY(const auto process, wait_for(backend, ProcessId(request.id()), request.wait_seconds()));
  v1::ShowTransferResponse response;
  *response.mutable_transfer() = to_proto(process);
  for (const auto& stream : backend.streams ? backend.streams(process.own_pid) : std::vector<gate::StreamProgress>()) {
    auto* told = response.mutable_transfer()->add_streams();
    told->set_rows(stream.rows);
    told->set_bytes(stream.bytes);
    told->set_endless(stream.endless);
  }
  if (process.pending) tell_dead(backend, process.own_pid, process.pending->delivery, *response.mutable_transfer()->mutable_delivery());
  return response;
}

/// The four steps that a person takes with a transfer. A dry run looks whether there is such a one, and whether it is
/// over.
template <class Response, class Request, class Step>
Result<Response> take(Backend& backend, const Request& request, const Step& step) {
  SLUIS_CHECK(require_id(request.id(), "id"));
  const ProcessId id(request.id());
  SLUIS_TRY(auto process, backend.transfers.show(id));
  if (request.dry_run()) {
    if (process.state && transfer::is_final(*process.state)) {
      return Error(ErrorCode::invalid_state, fmt::format("transfer `{}` is over", id.str()));
    }
  } else {
    SLUIS_TRY(process, step(id));
  }
  Response response;
  response.set_dry_run(request.dry_run());
  *response.mutable_transfer() = to_proto(process);
  return response;
}

}  // namespace

void add_transfers(Methods& methods, Backend& backend) {
  methods.add<v1::StartTransferRequest, v1::StartTransferResponse>(
      "TransferService.Start", [&backend](const auto& request, const Caller& caller) { return start(backend, request, caller.person); });
  methods.add<v1::ListTransfersRequest, v1::ListTransfersResponse>(
      "TransferService.List", [&backend](const auto& request, const Caller&) { return list(backend, request); });
  methods.add<v1::ShowTransferRequest, v1::ShowTransferResponse>(
      "TransferService.Show", [&backend](const auto& request, const Caller&) { return show(backend, request); });
  methods.add<v1::SuspendTransferRequest, v1::SuspendTransferResponse>(
      "TransferService.Suspend", [&backend](const auto& request, const Caller& caller) {
        return take<v1::SuspendTransferResponse>(backend, request, [&](const ProcessId& id) {
          return backend.transfers.suspend(id, reason_of(request, "suspended"), caller.person);
        });
      });
  methods.add<v1::ResumeTransferRequest, v1::ResumeTransferResponse>(
      "TransferService.Resume", [&backend](const auto& request, const Caller& caller) {
        return take<v1::ResumeTransferResponse>(
            backend, request, [&](const ProcessId& id) { return backend.transfers.resume(id, caller.person); });
      });
  methods.add<v1::CompleteTransferRequest, v1::CompleteTransferResponse>(
      "TransferService.Complete", [&backend](const auto& request, const Caller& caller) {
        return take<v1::CompleteTransferResponse>(
            backend, request, [&](const ProcessId& id) { return backend.transfers.complete(id, caller.person); });
      });
  methods.add<v1::TerminateTransferRequest, v1::TerminateTransferResponse>(
      "TransferService.Terminate", [&backend](const auto& request, const Caller& caller) {
        return take<v1::TerminateTransferResponse>(backend, request, [&](const ProcessId& id) {
          return backend.transfers.terminate(id, reason_of(request, "terminated"), caller.person);
        });
      });
}

}  // namespace sluis::management
