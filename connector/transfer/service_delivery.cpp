#include "connector/base/limits.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/negotiation/agreement.hpp"
#include "connector/outbox/due.hpp"
#include "connector/transfer/service.hpp"

#include <algorithm>

/// The Service's other half: delivery, handles, listings and the end of agreements.
namespace sluis::transfer {
namespace {

/// Ended before its request had left: there is nothing to send.
bool abandoned(const TransferProcess& process, bool maybe_sent) {
  return process.state == State::terminated && process.pending->kind == MessageKind::request && !maybe_sent &&
         !process.pending->delivery.uncertain;
}

}  // namespace

/// Commits the hash of a new handle and puts the handle into the message (D27).
Result<std::string> Service::fill_handle(Stored& stored, const std::string& body) {
  const std::size_t mark = body.find(kHandleMark);
  if (mark == std::string::npos) return body;
  const std::string handle = to_base64url(with_.random.bytes(32));
  Transition transition;
  transition.next = with_handle(stored.value, crypto::sha256(handle), with_.clock.now());
  SLUIS_CHECK(commit(stored, transition, {}));
  stored.value = transition.next;
  stored.bytes = encode(stored.value);
  return std::string(body).replace(mark, kHandleMark.size(), handle);
}

outbox::Verdict Service::settle(const Stored& before, const DeliveryStep& step, const std::string& item_key) {
  const bool done = step.next == DeliveryStep::Next::done;
  Commit changes;
  if (done) changes.changes.push_back({item_key, std::nullopt});
  // What could not be recorded is found out again by reading the peer's process.
  if (!commit(before, step.transition, std::move(changes))) return outbox::Verdict::retry_uncertain;
  return done ? outbox::Verdict::done : outbox::Verdict::retry;
}

outbox::Verdict Service::deliver(const outbox::OutboxItem& item, const outbox::Envelope& envelope,
                                 Timestamp retry_at) {
  Result<std::optional<Stored>> loaded = load(ProcessId(item.process));
  if (!loaded) return outbox::Verdict::retry;
  if (!*loaded || !(*loaded)->value.pending || (*loaded)->value.pending->delivery.id != envelope.id) {
    // Overtaken: a later message proved its arrival, or the process was ended.
    Commit drop;
    drop.changes.push_back({item.key, std::nullopt});
    return with_.commits.commit_and_wait(std::move(drop)) ? outbox::Verdict::done : outbox::Verdict::retry;
  }
  Stored before = std::move(**loaded);
  if (abandoned(before.value, item.maybe_sent)) {
    DeliveryStep step{{}, DeliveryStep::Next::done};
    step.transition.next = before.value;
    step.transition.next.pending.reset();
    return settle(before, step, item.key);
  }
  const auto around = [&] { return surroundings_of(before.value.role, before.value.dataset, before.value.agreement); };
  const bool resend = item.maybe_sent || before.value.pending->delivery.uncertain;
  if (resend && !before.value.peer_pid.empty()) {
    const DeliveryStep step = on_peer_state(before.value, with_.peers.read(before.value), std::nullopt, true,
                                            around(), with_.clock.now(), retry_at);
    if (step.next != DeliveryStep::Next::send) return settle(before, step, item.key);
  }
  outbox::Envelope filled = envelope;
  Result<std::string> body = fill_handle(before, envelope.body);
  if (!body) return outbox::Verdict::retry;
  filled.body = std::move(*body);
  const outbox::SendOutcome outcome = with_.peers.send(before.value.peer, filled);
  DeliveryStep step = on_sent(before.value, outcome, resend, around(), with_.clock.now(), retry_at);
  if (step.next == DeliveryStep::Next::read_peer) {
    step = on_peer_state(step.transition.next, with_.peers.read(before.value), outcome, resend, around(),
                         with_.clock.now(), retry_at);
  }
  return settle(before, step, item.key);
}

Result<std::optional<Timestamp>> Service::on_timer() {
  const Timestamp now = with_.clock.now();
  SLUIS_TRY(const outbox::Due due, outbox::read_due(with_.store, kDuePrefix, now));
  std::optional<Error> failed;
  for (const std::string& pid : due.processes) {
    const Step step = [&](const TransferProcess& before, const Surroundings& around) -> Result<Transition> {
      std::optional<Transition> t = transfer::on_timer(before, around, now);
      if (!t) return Error(ErrorCode::invalid_state, "the transfer went on");
      return std::move(*t);
    };
    const Result<TransferProcess> done = change(ProcessId(pid), step, {});
    if (!done && done.error().code != ErrorCode::invalid_state && !failed) failed = done.error();  // the others go on
  }
  if (failed) return *failed;
  return due.next;
}

Result<void> Service::terminate_all_of(const AgreementId& agreement, const Reason& reason) {
  std::vector<ProcessId> pids;
  const std::string prefix = agreement_prefix(agreement);
  SLUIS_CHECK(with_.store.scan(prefix, prefix, [&](std::string_view, std::string_view pid) {
    pids.emplace_back(std::string(pid));
    return true;
  }));
  for (const ProcessId& pid : pids) {
    const Result<TransferProcess> done = terminate(pid, reason);
    if (!done && done.error().code != ErrorCode::invalid_state) return done.error();
  }
  return {};
}

Result<void> Service::recover() {
  std::vector<negotiation::AgreementRecord> ended;
  std::optional<Error> failed;
  SLUIS_CHECK(with_.store.scan(negotiation::kAgreementPrefix, negotiation::kAgreementPrefix,
                               [&](std::string_view, std::string_view value) {
                                 Result<negotiation::AgreementRecord> record = negotiation::decode_agreement(value);
                                 if (!record) failed = record.error();
                                 if (record && !record->active()) ended.push_back(std::move(*record));
                                 return !failed;
                               }));
  if (failed) return *failed;
  for (const negotiation::AgreementRecord& record : ended) {
    SLUIS_CHECK(terminate_all_of(record.id, record.ended->reason));
  }
  return {};
}

Result<TransferProcess> Service::show(const ProcessId& own_pid) const {
  SLUIS_TRY(Stored stored, required(own_pid));
  return std::move(stored.value);
}

Result<std::vector<TransferProcess>> Service::list(const ProcessId& after, std::size_t count) const {
  std::vector<TransferProcess> out;
  std::optional<Error> failed;
  const std::size_t most = std::min(count, limits::kPageMax);
  const std::string after_key = transfer_key(after);
  SLUIS_CHECK(with_.store.scan(kTransferPrefix, after_key, [&](std::string_view key, std::string_view value) {
    if (out.size() >= most) return false;
    if (key == after_key) return true;
    Result<TransferProcess> decoded = decode_transfer(value);
    if (!decoded) {
      failed = decoded.error();
      return false;
    }
    out.push_back(std::move(*decoded));
    return true;
  }));
  if (failed) return *failed;
  return out;
}

Result<TransferView> Service::find_by_handle(std::string_view handle) const {
  const Hash hash = crypto::sha256(handle);
  SLUIS_TRY(const std::optional<std::string> pid, with_.store.get(handle_key(hash)));
  if (!pid) return Error(ErrorCode::not_found, "this handle opens nothing");
  SLUIS_TRY(Stored stored, required(ProcessId(*pid)));
  const TransferProcess& process = stored.value;
  if (!opens(process, hash)) {
    return Error(ErrorCode::invalid_state,
                 "the transfer is `" + std::string(to_string(visible_state(process))) + "`, not started");
  }
  return TransferView{process.own_pid, process.peer_pid, process.peer, process.agreement, process.dataset};
}

Result<Access> Service::access(const ProcessId& own_pid) const {
  SLUIS_TRY(const Stored stored, required(own_pid));
  const TransferProcess& process = stored.value;
  if (process.role == Role::consumer && process.state == State::started && process.sealed_handle.empty()) {
    return Error(ErrorCode::invalid_state, "the provider said where the data are, and not what opens them: they cannot be fetched from here");
  }
  if (process.role != Role::consumer || process.state != State::started) {
    return Error(ErrorCode::invalid_state,
                 "the transfer is `" + std::string(to_string(visible_state(process))) + "`: no data can be fetched");
  }
  auto handle = crypto::unseal(options_.node_key, process.sealed_handle, process.own_pid.str());
  if (!handle) return Error(ErrorCode::invalid_state, "what opens the data was sealed with another key of this node: the transfer has to be started anew");
  return Access{process.peer,    process.agreement, process.dataset, process.own_pid, process.peer_pid,
                process.endpoint, std::move(*handle)};
}

}  // namespace sluis::transfer
