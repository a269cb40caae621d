#include "connector/transfer/service.hpp"

#include "connector/base/limits.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/negotiation/agreement.hpp"
#include "connector/outbox/due.hpp"
#include "connector/outbox/keys.hpp"
#include "connector/storage/hold.hpp"

#include <set>

namespace sluis::transfer {
namespace {


outbox::Envelope envelope_of(const OutboundMessage& message, std::string body, Timestamp now) {
  outbox::Envelope envelope;
  envelope.service = "transfer";
  envelope.id = message.id;
  envelope.kind = to_string(message.kind);
  envelope.role = negotiation::to_string(message.role);
  envelope.url = message.peer_url;
  envelope.peer_pid = message.peer_pid.str();
  envelope.body = std::move(body);
  envelope.queued = now;
  return envelope;
}

std::set<std::string> handle_keys(const TransferProcess* process) {
  std::set<std::string> keys;
  if (process && process->newest_handle) keys.insert(handle_key(*process->newest_handle));
  if (process && process->acked_handle) keys.insert(handle_key(*process->acked_handle));
  return keys;
}

/// The index of handles follows the record: those that are no longer valid are gone with the same commit.
void index_handles(const TransferProcess* before, const TransferProcess& after, Commit& commit) {
  const std::set<std::string> old = handle_keys(before);
  const std::set<std::string> now = handle_keys(&after);
  for (const std::string& key : old) {
    if (!now.contains(key)) commit.changes.push_back({key, std::nullopt});
  }
  for (const std::string& key : now) {
    if (!old.contains(key)) commit.changes.push_back({key, after.own_pid.str()});
  }
}

/// A held transfer may end and be suspended, and what waits of it may be given up: nothing else.
bool narrows(const TransferProcess& before, const Transition& transition) {
  const TransferProcess& next = transition.next;
  if (next.state && is_final(*next.state)) return true;
  if (before.state == State::started && next.state == State::suspended) return true;
  return next.state == before.state && transition.events.empty() && !transition.message;
}

/// What a peer may still tell of a held transfer.
bool narrows(MessageKind kind) {
  return kind == MessageKind::suspension || kind == MessageKind::completion || kind == MessageKind::termination;
}

/// Its terms permit nothing any more, though the end may not be recorded yet.
Error over(const negotiation::AgreementRecord& record) {
  return Error(ErrorCode::invalid_state, "the agreement is over: since " + format_time(*record.over) + " its terms permit nothing any more");
}

CommitClass class_of(const Transition& transition) {
  for (const State event : transition.events) {
    if (event == State::terminated || event == State::suspended) return CommitClass::revoke;
  }
  return CommitClass::exchange;
}

}  // namespace

Service::Service(Options options, Dependencies dependencies)
    : options_(std::move(options)), with_(std::move(dependencies)) {}

Surroundings Service::surroundings() const {
  Surroundings around;
  around.fresh_pid = ProcessId(with_.random.uuid_urn());
  around.message_id = to_hex(with_.random.bytes(16));
  around.data_endpoint = options_.data_endpoint;
  return around;
}

Surroundings Service::surroundings_of(Role role, const DatasetId& dataset, const AgreementId& agreement) const {
  Surroundings around = surroundings();
  around.script = options_.script.find(role, dataset, agreement.str());
  return around;
}

Result<std::optional<Service::Stored>> Service::load(const ProcessId& own_pid) const {
  SLUIS_TRY(std::optional<std::string> bytes, with_.store.get(transfer_key(own_pid)));
  if (!bytes) return std::optional<Stored>();
  SLUIS_TRY(TransferProcess value, decode_transfer(*bytes));
  return std::optional<Stored>(Stored{std::move(value), std::move(*bytes)});
}

Result<Service::Stored> Service::required(const ProcessId& own_pid) const {
  SLUIS_TRY(std::optional<Stored> stored, load(own_pid));
  if (!stored) return Error(ErrorCode::not_found, "there is no transfer `" + own_pid.str() + "`");
  return std::move(*stored);
}

Result<void> Service::commit(const std::optional<Stored>& before, const Transition& transition, Commit commit,
                             const std::string& person) {
  const TransferProcess& next = transition.next;
  const std::string key = transfer_key(next.own_pid);
  commit.commit_class = class_of(transition);
  commit.preconditions.push_back({key, before ? std::optional(before->bytes) : std::nullopt});
  commit.changes.push_back({key, encode(next)});
  if (before) {
    SLUIS_TRY(const std::optional<Timestamp> held, storage::held_since(with_.store, key));
    if (held && !narrows(before->value, transition)) {
      return Error(ErrorCode::invalid_state, "the transfer is held " + storage::told(*held) + ": it can be suspended or ended, no more")
          .mended_by("`sluis audit reconcile` with the other party settles it");
    }
    if (held && next.state && is_final(*next.state)) commit.changes.push_back({storage::hold_key(key), std::nullopt});
  }
  if (!before) {
    commit.changes.push_back({agreement_prefix(next.agreement) + outbox::key_part(next.own_pid.str()),
                              next.own_pid.str()});
  }
  if (!next.peer_pid.empty() && (!before || before->value.peer_pid.empty())) {
    const std::string index = peer_key(next.peer, next.peer_pid);
    if (!before) commit.preconditions.push_back({index, std::nullopt});
    commit.changes.push_back({index, next.own_pid.str()});
  }
  index_handles(before ? &before->value : nullptr, next, commit);
  // With its party as the value, so that who looks for what is due reads no records.
  const auto push_at = [](const TransferProcess& p) { return is_push_due(p) ? push_key(p) : std::string(); };
  const std::string pushed_before = before ? push_at(before->value) : std::string(), pushed_after = push_at(next);
  if (pushed_before != pushed_after) {
    if (!pushed_before.empty()) commit.changes.push_back({pushed_before, std::nullopt});
    if (!pushed_after.empty()) commit.changes.push_back({pushed_after, next.own_pid.str() + "\n" + next.peer.str()});
  }
  const auto due_at = [](const TransferProcess& p) { return p.planned ? std::optional(p.planned->due) : std::nullopt; };
  outbox::index_due(commit, kDuePrefix, next.own_pid.str(), before ? due_at(before->value) : std::nullopt, due_at(next));
  for (const State event : transition.events) {
    const bool with_reason = (event == State::terminated || event == State::suspended) && next.reason;
    commit.entries.push_back(
        with_.evidence.transfer_entry(next, to_string(event), with_reason ? &*next.reason : nullptr));
  }
  for (EntryDraft& entry : commit.entries) with_.evidence.name_person(entry, person);
  if (transition.message) {
    std::string body = with_.peers.body(*transition.message);
    commit.messages.push_back({next.peer.str(), next.own_pid.str(),
                               outbox::encode(envelope_of(*transition.message, std::move(body), with_.clock.now()))});
  }
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  if (transition.message && with_.notify) with_.notify(next.peer.str(), next.own_pid.str());
  if (next.planned && with_.planned) with_.planned();
  return {};
}

/// A request needs an agreement of this party that is active, also at the moment of the commit.
Result<void> Service::admit(const IncomingMessage& message, Surroundings& around, Commit& commit) const {
  const std::string key = negotiation::agreement_key(message.agreement);
  SLUIS_TRY(const std::optional<std::string> bytes, with_.store.get(key));
  const Error unknown(ErrorCode::not_found, "there is no agreement `" + message.agreement.str() + "`");
  if (!bytes) return unknown;
  SLUIS_TRY(const negotiation::AgreementRecord record, negotiation::decode_agreement(*bytes));
  if (record.peer != message.from || record.role != Role::provider) return unknown;
  if (!record.active()) {
    std::string why = "the agreement was ended at " + format_time(record.ended->when);
    for (const std::string& sentence : record.ended->reason.sentences) why += ": " + sentence;
    return Error(ErrorCode::invalid_state, std::move(why));
  }
  if (record.held) return Error(ErrorCode::storage_unavailable, "the agreement is held " + storage::told(*record.held) + ": ask again later");
  if (record.is_over(with_.clock.now())) return over(record);
  around.dataset = record.dataset;
  around.script = options_.script.find(Role::provider, record.dataset, record.id.str());
  commit.preconditions.push_back({key, *bytes});
  return {};
}

Result<Reply> Service::receive_once(const IncomingMessage& message) {
  ProcessId own_pid = message.own_pid;
  if (own_pid.empty()) {
    SLUIS_TRY(std::optional<std::string> known, with_.store.get(peer_key(message.from, message.peer_pid)));
    if (known) own_pid = ProcessId(std::move(*known));
  }
  std::optional<Stored> before;
  if (!own_pid.empty()) {
    SLUIS_TRY(before, load(own_pid));
  }
  if (before && !message.own_pid.empty() && before->value.peer == message.from && !narrows(message.kind)) {
    SLUIS_TRY(const std::optional<Timestamp> held, storage::held_since(with_.store, transfer_key(own_pid)));
    if (held) return Error(ErrorCode::storage_unavailable, "the transfer is held " + storage::told(*held) + ": ask again later");
  }
  Surroundings around = before ? surroundings_of(before->value.role, before->value.dataset, before->value.agreement) : surroundings();
  Commit changes;
  if (!before && message.kind == MessageKind::request && message.own_pid.empty()) {
    SLUIS_CHECK(admit(message, around, changes));
  }
  if (message.address && !message.address->handle.empty()) {
    const ProcessId& bound_to = before ? before->value.own_pid : around.fresh_pid;
    around.sealed_handle = crypto::seal(with_.random, options_.node_key, message.address->handle, bound_to.str());
  }
  const std::optional<TransferProcess> value = before ? std::optional(before->value) : std::nullopt;
  SLUIS_TRY(const Transition transition, transfer::receive(value, message, around, with_.clock.now()));
  if (transition.changed) SLUIS_CHECK(commit(before, transition, std::move(changes)));
  return Reply{transition.reply == Transition::Reply::created, transition.next};
}

Result<Reply> Service::receive(IncomingMessage message) {
  for (int attempt = 1;; ++attempt) {
    Result<Reply> reply = receive_once(message);
    if (reply || reply.error().code != ErrorCode::conflict || attempt == kTries) return reply;
  }
}

Result<TransferProcess> Service::shown_to(const ParticipantId& peer, const ProcessId& own_pid) const {
  SLUIS_TRY(Stored stored, required(own_pid));
  if (stored.value.peer != peer) return Error(ErrorCode::not_found, "there is no transfer `" + own_pid.str() + "`");
  return std::move(stored.value);
}

Result<TransferProcess> Service::start(const AgreementId& agreement, std::optional<PushRequest> push) {
  const std::string key = negotiation::agreement_key(agreement);
  SLUIS_TRY(const std::optional<std::string> bytes, with_.store.get(key));
  if (!bytes) return Error(ErrorCode::not_found, "there is no agreement `" + agreement.str() + "`");
  SLUIS_TRY(const negotiation::AgreementRecord record, negotiation::decode_agreement(*bytes));
  if (record.role != Role::consumer) {
    return Error(ErrorCode::invalid_argument,
                 "under agreement `" + agreement.str() + "` it is the other party that asks");
  }
  if (!record.active()) {
    return Error(ErrorCode::invalid_state, "the agreement was ended at " + format_time(record.ended->when));
  }
  if (record.held) {
    return Error(ErrorCode::invalid_state, "the agreement is held " + storage::told(*record.held))
        .mended_by("`sluis audit reconcile` with the other party settles it");
  }
  if (record.is_over(with_.clock.now())) return over(record);
  Commit changes;
  changes.preconditions.push_back({key, *bytes});
  const Surroundings around = surroundings();
  if (push) {
    if (!with_.sign_push) return Error(ErrorCode::invalid_state, "this node asks for no push");
    SLUIS_TRY(push->claim, with_.sign_push(record.peer, agreement, around.fresh_pid, *push));
  }
  const Transition transition =
      begin(record.peer, record.peer_url, agreement, record.dataset, around, with_.clock.now(), std::move(push));
  SLUIS_CHECK(commit(std::nullopt, transition, std::move(changes)));
  return transition.next;
}

Result<TransferProcess> Service::change(const ProcessId& own_pid, const Step& step, const std::string& person) {
  for (int attempt = 1;; ++attempt) {
    SLUIS_TRY(const Stored before, required(own_pid));
    SLUIS_TRY(const Transition transition, step(before.value, surroundings_of(before.value.role, before.value.dataset, before.value.agreement)));
    const Result<void> done = commit(before, transition, {}, person);
    if (done) return transition.next;
    if (done.error().code != ErrorCode::conflict || attempt == kTries) return done.error();
  }
}

Result<TransferProcess> Service::suspend(const ProcessId& own_pid, Reason reason, const std::string& person) {
  const Step step = [&](const TransferProcess& before, const Surroundings& around) {
    return transfer::suspend(before, reason, around, with_.clock.now());
  };
  return change(own_pid, step, person);
}

Result<TransferProcess> Service::resume(const ProcessId& own_pid, const std::string& person) {
  const Step step = [&](const TransferProcess& before, const Surroundings& around) {
    return transfer::resume(before, around, with_.clock.now());
  };
  return change(own_pid, step, person);
}

Result<TransferProcess> Service::complete(const ProcessId& own_pid, const std::string& person) {
  const Step step = [&](const TransferProcess& before, const Surroundings& around) {
    return transfer::complete(before, around, with_.clock.now());
  };
  return change(own_pid, step, person);
}

Result<TransferProcess> Service::terminate(const ProcessId& own_pid, Reason reason, const std::string& person) {
  const Step step = [&](const TransferProcess& before, const Surroundings& around) {
    return transfer::terminate(before, reason, around, with_.clock.now());
  };
  return change(own_pid, step, person);
}

}  // namespace sluis::transfer
