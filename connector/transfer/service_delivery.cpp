#include "connector/base/limits.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/negotiation/agreement.hpp"
#include "connector/negotiation/ending.hpp"
#include "connector/outbox/due.hpp"
#include "connector/storage/hold.hpp"
#include "connector/transfer/service.hpp"

#include <algorithm>

/// The Service's other half: delivery, handles, listings and the end of agreements.
namespace sluis::transfer {
namespace {

constexpr std::string_view kEndsAreMarked = "meta/agreement-ends-marked";

/// invalid_state: the transfer is held.
Result<void> check_free(const storage::Reader& store, const ProcessId& own_pid) {
  SLUIS_TRY(const std::optional<Timestamp> held, storage::held_since(store, transfer_key(own_pid)));
  if (!held) return {};
  return Error(ErrorCode::invalid_state, "the transfer is held " + storage::told(*held) + ", until it is compared with the other party's")
      .mended_by("`sluis audit reconcile` with that party settles it");
}

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

outbox::Verdict Service::settle(const Stored& before, const DeliveryStep& step, const std::string& item_key, outbox::Verdict done_as,
                                outbox::Verdict later) {
  const bool done = step.next == DeliveryStep::Next::done;
  Commit changes;
  if (done) changes.changes.push_back({item_key, std::nullopt});
  // What could not be recorded is found out again by reading the peer's process.
  if (!commit(before, step.transition, std::move(changes))) return outbox::Verdict::retry_uncertain;
  return done ? done_as : later;
}

outbox::Delivered Service::deliver(const outbox::OutboxItem& item, const outbox::Envelope& envelope,
                                   Timestamp retry_at) {
  using outbox::Verdict;
  const Result<std::optional<std::string>> bytes = with_.store.get(transfer_key(ProcessId(item.process)));
  if (!bytes) return Verdict::retry_untried;
  std::optional<Stored> found;
  if (*bytes) {
    Result<TransferProcess> value = decode_transfer(**bytes);
    if (!value) return {Verdict::dead, {"process-unreadable", {describe(value.error())}}};
    found = Stored{std::move(*value), **bytes};
  }
  if (!found || !found->value.pending || found->value.pending->delivery.id != envelope.id) {
    // Overtaken: a later message proved its arrival, or the process was ended.
    Commit drop;
    drop.changes.push_back({item.key, std::nullopt});
    return with_.commits.commit_and_wait(std::move(drop)) ? Verdict::dropped : Verdict::retry_untried;
  }
  // Nothing is sent of a held one. That its end lifts the hold is another commit's.
  const auto held = storage::held_since(with_.store, transfer_key(ProcessId(item.process)));
  if (!held || *held) return Verdict::retry_untried;
  Stored before = std::move(*found);
  if (abandoned(before.value, item.maybe_sent)) {
    DeliveryStep step{{}, DeliveryStep::Next::done};
    step.transition.next = before.value;
    step.transition.next.pending.reset();
    return settle(before, step, item.key, Verdict::dropped, Verdict::retry_untried);
  }
  const auto around = [&] { return surroundings_of(before.value.role, before.value.dataset, before.value.agreement); };
  const bool resend = item.maybe_sent || before.value.pending->delivery.uncertain;
  if (resend && !before.value.peer_pid.empty()) {
    const outbox::PeerView view = with_.peers.read(before.value);
    const DeliveryStep step = on_peer_state(before.value, view, std::nullopt, true, around(), with_.clock.now(), retry_at);
    if (step.next != DeliveryStep::Next::send) return settle(before, step, item.key, Verdict::done, outbox::later(view));
  }
  outbox::Envelope filled = envelope;
  Result<std::string> body = fill_handle(before, envelope.body);
  if (!body) return Verdict::retry_untried;
  filled.body = std::move(*body);
  const outbox::SendOutcome outcome = with_.peers.send(before.value.peer, filled);
  DeliveryStep step = on_sent(before.value, outcome, resend, around(), with_.clock.now(), retry_at);
  if (step.next == DeliveryStep::Next::read_peer) {
    step = on_peer_state(step.transition.next, with_.peers.read(before.value), outcome, resend, around(),
                         with_.clock.now(), retry_at);
  }
  return settle(before, step, item.key, Verdict::done, outbox::later(outcome.kind));
}

Result<void> Service::forget(const ProcessId& own_pid, std::string_view message, const Commit& dropped) {
  for (int attempt = 1;; ++attempt) {
    const Result<std::optional<Stored>> found = load(own_pid);  // one that cannot be read waits for nothing
    const TransferProcess* process = found && *found ? &(**found).value : nullptr;
    const bool waits = process != nullptr && process->pending && process->pending->delivery.id == message;
    if (!waits || !process->state || process->state == State::requested) {
      SLUIS_CHECK(with_.commits.commit_and_wait(dropped));
      return {};
    }
    Transition transition;
    transition.next = *process;
    transition.next.pending.reset();
    transition.next.updated = with_.clock.now();
    const Result<void> done = commit(*found, transition, dropped);
    if (done || done.error().code != ErrorCode::conflict || attempt == kTries) return done;
  }
}

Result<std::optional<Timestamp>> Service::on_timer() {
  const Timestamp now = with_.clock.now();
  return outbox::do_due(with_.store, kDuePrefix, now, [&](const std::string& pid) -> Result<void> {
    const Step step = [&](const TransferProcess& before, const Surroundings& around) -> Result<Transition> {
      std::optional<Transition> t = transfer::on_timer(before, around, now);
      if (!t) return Error(ErrorCode::invalid_state, "the transfer went on");
      return std::move(*t);
    };
    SLUIS_CHECK(change(ProcessId(pid), step, {}));
    return {};
  });
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
  const std::string ending = negotiation::ending_key(agreement);
  SLUIS_TRY(const std::optional<std::string> marked, with_.store.get(ending));
  if (!marked) return {};
  Commit commit;
  commit.commit_class = CommitClass::bulk;
  commit.changes.push_back({ending, std::nullopt});
  (void)with_.commits.commit_and_wait(std::move(commit));  // one that stays has them looked at once more, at the next start
  return {};
}

/// Ends are marked. In a store from before that, all agreements are looked through once.
Result<void> Service::recover() {
  SLUIS_TRY(const std::optional<std::string> marks, with_.store.get(kEndsAreMarked));
  const std::string_view prefix = marks ? negotiation::kEndingPrefix : negotiation::kAgreementPrefix;
  std::vector<AgreementId> ending;
  std::optional<Error> failed;
  SLUIS_CHECK(with_.store.scan(prefix, prefix, [&](std::string_view, std::string_view value) {
    if (marks) {
      ending.emplace_back(std::string(value));
      return true;
    }
    Result<negotiation::AgreementRecord> record = negotiation::decode_agreement(value);
    if (!record) failed = record.error();
    if (record && !record->active()) ending.push_back(record->id);
    return !failed;
  }));
  if (failed) return *failed;
  for (const AgreementId& id : ending) {
    SLUIS_TRY(const negotiation::AgreementRecord record, negotiation::read_agreement(with_.store, id));
    if (!record.active()) SLUIS_CHECK(terminate_all_of(id, record.ended->reason));
  }
  if (marks) return {};
  Commit commit;
  commit.commit_class = CommitClass::bulk;
  commit.changes.push_back({std::string(kEndsAreMarked), std::string()});
  (void)with_.commits.commit_and_wait(std::move(commit));  // else it is looked for again
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
  SLUIS_CHECK(check_free(with_.store, process.own_pid));
  if (!opens(process, hash)) {
    return Error(ErrorCode::invalid_state,
                 "the transfer is `" + std::string(to_string(visible_state(process))) + "`, not started");
  }
  return TransferView{process.own_pid, process.peer_pid, process.peer, process.agreement, process.dataset};
}

Result<std::vector<PushDue>> Service::pushes(Timestamp now) const {
  std::vector<PushDue> out;
  std::optional<Error> failed;
  SLUIS_CHECK(with_.store.scan(kPushPrefix, kPushPrefix, [&](std::string_view key, std::string_view value) {
    const std::size_t end = std::min(value.find('\n'), value.size());
    PushDue one{ProcessId(std::string(value.substr(0, end))), ParticipantId(std::string(value.substr(std::min(end + 1, value.size())))),
                outbox::due_time(kPushPrefix, key)};
    const auto held = storage::held_since(with_.store, transfer_key(one.own_pid));
    if (!held) failed = held.error();
    if (failed) return false;
    if (*held) return true;  // nobody's turn
    out.push_back(std::move(one));
    return out.back().at <= now;
  }));
  if (failed) return *failed;
  return out;
}

Result<PushJob> Service::begin_push(const ProcessId& own_pid, Duration (*pause_after)(std::uint32_t tries)) {
  SLUIS_CHECK(check_free(with_.store, own_pid));
  const Step step = [&](const TransferProcess& before, const Surroundings&) {
    const Timestamp now = with_.clock.now();
    return transfer::begin_push(before, now + pause_after(before.push ? before.push->tries + 1 : 1), now);
  };
  SLUIS_TRY(const TransferProcess process, change(own_pid, step, {}));
  PushJob job{{process.own_pid, process.peer_pid, process.peer, process.agreement, process.dataset}, process.endpoint, {}, process.push->claim,
              process.created, process.push->tries};
  if (process.sealed_handle.empty()) return job;
  auto handle = crypto::unseal(options_.node_key, process.sealed_handle, process.own_pid.str());
  if (!handle) return Error(ErrorCode::permission_denied, "what opens the receiver was sealed with another key of this node: the transfer has to be started anew");
  job.handle = std::move(*handle);
  return job;
}

Result<bool> Service::is_pushed(const ProcessId& own_pid) const {
  SLUIS_TRY(const std::optional<Stored> stored, load(own_pid));
  if (!stored || !is_to_be_pushed(stored->value)) return false;
  SLUIS_TRY(const std::optional<Timestamp> held, storage::held_since(with_.store, transfer_key(own_pid)));
  return !held;
}

Result<void> Service::put_off_push(const ProcessId& own_pid, Timestamp next) {
  const Step step = [&](const TransferProcess& before, const Surroundings&) { return transfer::put_off_push(before, next, with_.clock.now()); };
  SLUIS_CHECK(change(own_pid, step, {}));
  return {};
}

Result<void> Service::end_push(const ProcessId& own_pid, Timestamp next) {
  const Step step = [&](const TransferProcess& before, const Surroundings& around) { return transfer::end_push(before, next, around, with_.clock.now()); };
  SLUIS_CHECK(change(own_pid, step, {}));
  return {};
}

Result<void> Service::fail_push(const ProcessId& own_pid, Reason reason) {
  const Step step = [&](const TransferProcess& before, const Surroundings& around) { return transfer::fail_push(before, reason, around, with_.clock.now()); };
  SLUIS_CHECK(change(own_pid, step, {}));
  return {};
}

Result<Access> Service::access(const ProcessId& own_pid) const {
  SLUIS_TRY(const Stored stored, required(own_pid));
  const TransferProcess& process = stored.value;
  SLUIS_CHECK(check_free(with_.store, own_pid));
  if (process.role == Role::consumer && process.push) {
    return Error(ErrorCode::invalid_state, "its data are pushed to `" + process.endpoint + "`, and not fetched");
  }
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
