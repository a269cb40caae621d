#include "connector/node/parts.hpp"

#include "connector/declaration/register.hpp"
#include "connector/management/convert.hpp"
#include "connector/node/succession.hpp"

/// What a node does for its own evidence: copies of it, and comparing it with others'.
namespace sluis::node {
namespace {

constexpr int kDifferencesShown = 500;
constexpr std::string_view kOrdered = "an operator wants another log";
/// In the store once a copy was begun.
constexpr std::string_view kCopiesMark = "meta/copied";

}  // namespace

/// Recorded before it is made: a copy of a node's log is something that was let out.
Result<v1::NodeBackupResponse> Node::Parts::back_up(bool dry_run, const std::string& person) {
  const std::lock_guard lock(backup_mutex);
  SLUIS_CHECK(may_back_up(config));
  v1::NodeBackupResponse response;
  response.set_dry_run(dry_run);
  response.set_folder(config.backup_store.string());
  response.set_keys_folder(config.backup_keys.string());
  if (dry_run) return response;
  if (const std::string why = sequencer->quarantine(); !why.empty()) {
    return Error(ErrorCode::storage_unavailable, "the log is quarantined: " + why).mended_by("keep the node's folder as it is: it is evidence");
  }
  Commit commit;
  commit.entries.push_back(writer->plain_entry(provenance::EntryKind::backup, "begun"));
  commit.changes.push_back({std::string(kCopiesMark), "yes"});
  writer->name_person(commit.entries.back(), person);
  SLUIS_CHECK(commits->commit_and_wait(std::move(commit)));
  const std::string note = sequencer->checkpoint();
  const std::string own = sequencer->verifier_key();
  SLUIS_TRY(const provenance::VerifierKey key, provenance::VerifierKey::parse(own));
  SLUIS_TRY(const provenance::Checkpoint checkpoint, provenance::open_checkpoint(note, key));
  SLUIS_TRY(const std::vector<std::filesystem::path> more, files_of_services(config, *datasets));
  SLUIS_TRY(const BackupMade made, make_backup(config, store, note, log->shard().first + checkpoint.size, own, log_clock->now(), more));
  response.set_id(made.id);
  response.set_keys_folder(made.keys.string());
  response.set_entries(made.entries);
  response.set_removed(made.removed);
  for (const std::string& one : made.left_out) response.add_left_out(one);
  return response;
}

/// Before the keys in copies go, a copy is made that needs none of them: what stays can be read from it.
Result<void> Node::Parts::drop_copies(const std::vector<std::string>& key_files, const std::string& person, bool copy_first) {
  if (copy_first) {
    SLUIS_TRY(const std::optional<std::string> before, store.get(kCopiesMark));
    SLUIS_TRY(const v1::NodeBackupResponse made, back_up(false, person));
    if (before && made.id() == 1) {
      return Error(ErrorCode::storage_unavailable, "`" + config.backup_store.string() + "` held no copy, and copies were made before: they are elsewhere")
          .mended_by("is its disk there? Put it back, then `sluis backup create`");
    }
  }
  const std::lock_guard lock(backup_mutex);
  return drop_copied_keys(config, key_files);
}

Result<v1::AuditEraseResponse> Node::Parts::erase(const v1::AuditEraseRequest& request, const std::string& person) {
  if (const std::string why = sequencer->quarantine(); !why.empty()) {
    return Error(ErrorCode::storage_unavailable, "the log is quarantined: " + why).mended_by("keep the node's folder as it is: it is evidence");
  }
  v1::AuditEraseResponse response;
  response.set_dry_run(request.dry_run());
  if (!request.confirm().empty()) {
    SLUIS_TRY(const Erasure erasure, erasing->show(request.confirm()));
    *response.mutable_erasure() = to_proto(erasure);
    if (request.dry_run()) return response;
    SLUIS_TRY(const Erased done, erasing->confirm(erasure.id, person));
    response.set_done(true);
    response.set_entry(done.entry);
    response.set_left(done.left);
    return response;
  }
  EraseOrder order;
  order.entries = {request.entries().begin(), request.entries().end()};
  order.transaction = request.transaction();
  order.party = request.party();
  if (request.has_before()) {
    SLUIS_TRY(order.before, management::read_time(request.before(), "/before"));
  }
  order.basis = request.basis();
  order.person = person;
  SLUIS_TRY(const Erasure erasure, request.dry_run() ? erasing->find(order) : erasing->ask(order));
  *response.mutable_erasure() = to_proto(erasure);
  return response;
}

/// What the newest log of a party has shown to this node, and whether that contradicts itself.
Result<v1::AuditCheckpointResponse> Node::Parts::checkpoint_of(const ParticipantId& peer) const {
  SLUIS_TRY(const std::optional<Contradiction> stands, Contradiction::read(store, peer));
  SLUIS_TRY(const std::string newest, peer_logs->newest(peer));
  const std::string& note = stands ? stands->held : newest;
  if (note.empty()) return Error(ErrorCode::not_found, "no log of `" + peer.str() + "` was proven to this node yet").mended_by("`sluis audit reconcile` asks for it");
  SLUIS_TRY(const std::string vkey, directory->log_key(peer, provenance::origin_of(note), log_clock->now()));
  SLUIS_TRY(const provenance::VerifierKey key, provenance::VerifierKey::parse(vkey));
  SLUIS_TRY(const provenance::Checkpoint opened, provenance::open_checkpoint(note, key));
  v1::AuditCheckpointResponse response;
  response.set_note(note);
  response.set_origin(opened.origin);
  response.set_size(opened.size);
  response.set_root(to_hex(opened.root));
  response.set_verifier_key(vkey);
  if (!stands) return response;
  response.set_contradicts(stands->told());
  response.set_shown(stands->shown);
  response.set_conflict(stands->proof());
  return response;
}

Result<v1::AuditReconcileResponse> Node::Parts::reconcile(const v1::AuditReconcileRequest& request, const std::string& person) {
  ReconcileOrder order;
  order.peer = ParticipantId(request.peer());
  if (request.has_from()) {
    SLUIS_TRY(order.from, management::read_time(request.from(), "/from"));
  }
  if (request.has_until()) {
    SLUIS_TRY(order.until, management::read_time(request.until(), "/until"));
  }
  order.settle = request.settle();
  order.dry_run = request.dry_run();
  order.apply = {request.apply().begin(), request.apply().end()};
  order.person = person;
  if (!request.accept().empty() && !request.dry_run()) SLUIS_CHECK(peer_logs->accept(order.peer, request.accept(), person));
  SLUIS_TRY(const Reconciled done, reconciling->reconcile(order));
  if (!done.held_checkpoint.empty() && !request.dry_run()) SLUIS_CHECK(peer_logs->contradicted(order.peer, done.held_checkpoint, done.shown_checkpoint));
  v1::AuditReconcileResponse response;
  response.set_found(done.comparison.differences.size());
  for (const Difference& one : done.comparison.differences) {
    if (response.differences_size() == kDifferencesShown) break;
    v1::AuditDifference& added = *response.add_differences();
    added.set_what(one.what);
    added.set_about(one.about);
    added.set_id(one.id);
    added.set_told(one.told);
    if (one.here) {
      added.set_entry(*one.here);
      // An entry whose log ended without a checkpoint over it has no proof of its own.
      if (const auto receipt = evidence->receipt_of(*one.here)) added.set_proof(receipt->to_json());
    }
    if (one.there) {
      added.set_peer_entry(*one.there);
      if (one.there_at) added.set_peer_proof(done.peer_proofs.at(*one.there_at));
    }
  }
  response.set_entries(done.ours);
  response.set_peer_entries(done.theirs);
  response.set_under_way(done.comparison.under_way);
  response.set_peer_checkpoint(done.peer_checkpoint);
  response.set_held_checkpoint(done.held_checkpoint);
  SLUIS_TRY(const std::optional<Contradiction> stands, Contradiction::read(store, order.peer));
  if (stands) {
    response.set_held_checkpoint(stands->held);
    response.set_conflict(stands->proof());
    response.add_notes("the log of this party contradicts itself: " + stands->told() + "; its proofs count for nothing until somebody accepts it as it is: --accept WHY");
  }
  if (!request.accept().empty() && request.dry_run()) response.add_notes("nothing was accepted: this only looks");
  for (const std::string& one : done.settled) response.add_settled(one);
  for (const std::string& one : done.held) response.add_held(one);
  response.set_entry(done.entry);
  response.set_dry_run(request.dry_run());
  for (const std::string& one : done.notes) response.add_notes(one);
  if (done.pruned) response.add_notes("what was recorded before " + format_time(*done.pruned) + " was not compared: it was pruned, here or there");
  return response;
}

Result<v1::AuditPruneResponse> Node::Parts::prune(const v1::AuditPruneRequest& request, const std::string& person) {
  if (const std::string why = sequencer->quarantine(); !why.empty()) {
    return Error(ErrorCode::storage_unavailable, "the log is quarantined: " + why).mended_by("keep the node's folder as it is: it is evidence");
  }
  v1::AuditPruneResponse response;
  response.set_dry_run(request.dry_run());
  if (request.confirm().empty()) {
    SLUIS_TRY(const Prune prune, request.dry_run() ? pruning->find(request.origin(), request.basis(), person)
                                                   : pruning->ask(request.origin(), request.basis(), person));
    put(response, prune);
  } else {
    SLUIS_TRY(const Prune prune, pruning->show(request.confirm()));
    put(response, prune);
    response.set_unchanged(false);
    if (request.dry_run()) return response;
    SLUIS_TRY(const std::uint64_t entry, pruning->confirm(prune.id, person));
    response.set_done(true);
    response.set_confirmed_by(person);
    response.set_entry(entry);
  }
  response.add_notes("copies that were made before still hold these entries, until they are too old: `sluis backup create` makes one without them");
  return response;
}

/// When the period of the newest log is over; none: it has none.
Result<std::optional<Timestamp>> Node::Parts::period_ends() const {
  if (!config.log_period) return std::optional<Timestamp>();
  SLUIS_TRY(const std::uint64_t size, log->size());
  if (size == 0) return std::optional<Timestamp>();
  SLUIS_TRY(const provenance::Leaf first, log->leaf(log->shard().first));
  return std::optional(end_of(*config.log_period, Timestamp(std::chrono::hours(first.hours))));
}

/// What is missing so that another log can follow; empty: nothing.
std::string Node::Parts::why_none_follows() const {
  const auto next = prepared_log(config, log->shards());
  if (!next) return describe(next.error());
  if (!*next || (*next)->key.empty()) return "none is prepared: `sluis log next`";
  const auto listed = directory->log_key(config.participant, (*next)->origin, log_clock->now());
  if (listed && *listed == (*next)->key) return "";
  return "the membership list in force does not name `" + (*next)->origin + "` with its key: `sluis log next` prints the line for it";
}

Result<std::optional<bool>> Node::Parts::is_order_for_next() const {
  if (!rotation_asked) return std::optional<bool>();
  SLUIS_TRY(const std::optional<RotationOrder> order, node::rotation_asked(store));
  if (!order) return std::optional<bool>();
  SLUIS_TRY(const std::optional<provenance::Shard> next, prepared_log(config, log->shards()));
  return std::optional(next && next->origin == order->origin);
}

std::string Node::Parts::why_log_is_over() const {
  if (!ready()) return {};
  const auto ordered = is_order_for_next();
  if (ordered && ordered->value_or(false) && why_none_follows().empty()) return std::string(kOrdered);
  const auto ends = period_ends();
  return ends && *ends && **ends <= log_clock->now() && why_none_follows().empty() ? "the log's period is over" : std::string();
}

/// Asks for it: whoever runs these parts stops them for it. As that is on the disk, a crash between here and there forgets nothing.
Result<v1::RotateLogKeyResponse> Node::Parts::rotate_log_key(bool dry_run, const std::string& person) {
  if (const std::string why = sequencer->quarantine(); !why.empty()) {
    return Error(ErrorCode::storage_unavailable, "the log is quarantined: " + why).mended_by("`sluis log recover` is for that");
  }
  if (const std::string why = why_none_follows(); !why.empty()) {
    return Error(ErrorCode::invalid_state, "no log can follow: " + why).mended_by("prepare one with `sluis log next`, and have its line in the membership list: others know its key then");
  }
  SLUIS_TRY(const auto next, prepared_log(config, log->shards()));
  if (!next) return Error(ErrorCode::conflict, "what is prepared changed just now").mended_by("ask again");
  v1::RotateLogKeyResponse response;
  response.set_dry_run(dry_run);
  response.set_ends(log->shard().origin);
  response.set_follows(next->origin);
  response.set_key(next->key);
  SLUIS_TRY(std::optional<std::string> before, store.get(kRotationAsked));
  SLUIS_TRY(const std::optional<RotationOrder> order, node::rotation_asked(store));
  const bool asked = order && order->origin == next->origin;
  response.set_unchanged(asked);
  if (asked) rotation_asked = true;  // also where nobody knew what became of it
  if (dry_run || asked) return response;
  Commit commit;
  commit.commit_class = CommitClass::revoke;  // a key that may be in other hands waits for nothing
  commit.preconditions.push_back({std::string(kRotationAsked), std::move(before)});  // an order for another log is over with this one
  commit.changes.push_back({std::string(kRotationAsked), RotationOrder{next->origin, person}.encode()});
  const auto done = commits->commit_and_wait(std::move(commit));
  if (done || done.error().code == ErrorCode::outcome_unknown) rotation_asked = true;  // the store tells
  if (!done) return done.error();
  return response;
}

/// Digests of what is published or declared now: entries that others may still ask the proof of.
Result<std::set<Hash>> Node::Parts::in_force() const {
  std::set<Hash> digests;
  SLUIS_CHECK(datasets->each("", [&](catalog::PublishedDataset&& one) {
    if (!one.retracted) digests.insert(one.dataset.offer_hash);
    return true;
  }));
  SLUIS_TRY(const declaration::Open open_now, declaration::read_open(store));
  for (const declaration::Stored& one : open_now.declarations) digests.insert(declaration::digest(one.declaration));
  return digests;
}

void Node::Parts::start_settling() {
  const auto by_service = [](auto&& act) {
    return [act](const ProcessId& pid, const outbox::Reason& reason, const std::string& person) -> Result<void> {
      SLUIS_CHECK(act(pid, reason, person));
      return {};
    };
  };
  SettlingDependencies with{*commits, store, *log_clock, {}, {}, {}, {}, {}, {}};
  with.read_transfer = [this](const transfer::TransferProcess& process) { return peers->read(process); };
  with.read_negotiation = [this](const negotiation::Negotiation& process) { return peers->read(process); };
  with.suspend_transfer = by_service([this](const ProcessId& pid, const outbox::Reason& why, const std::string& who) { return transfers->suspend(pid, why, who); });
  with.end_transfer = by_service([this](const ProcessId& pid, const outbox::Reason& why, const std::string& who) { return transfers->terminate(pid, why, who); });
  with.end_negotiation = by_service([this](const ProcessId& pid, const outbox::Reason& why, const std::string& who) { return negotiations->refuse(pid, why, who); });
  with.settled = [this](const std::string& peer, const std::string& process) {
    outbox->wake(peer, process);  // no message is new
    deadlines->wake();
    pushing->wake();
  };
  settling = std::make_unique<Settling>(config.participant, std::move(with));
}

void Node::Parts::start_outbox() {
  outbox::DriverOptions options;
  options.give_up_after = config.gives_up_after;
  outbox::DriverDependencies with{store, *commits, clock, random, {}, [this](const std::string& peer) { return unreachable(peer); },
                                  [this] { return !sequencer->quarantine().empty(); }};
  with.services["negotiation"] = [this](const outbox::OutboxItem& item, const outbox::Envelope& envelope, Timestamp retry_at) {
    return negotiations->deliver(item, envelope, retry_at);
  };
  with.services["transfer"] = [this](const outbox::OutboxItem& item, const outbox::Envelope& envelope, Timestamp retry_at) {
    return transfers->deliver(item, envelope, retry_at);
  };
  with.services["evidence"] = [this](const outbox::OutboxItem& item, const outbox::Envelope& envelope, Timestamp retry_at) {
    return evidence->deliver(item, envelope, retry_at);
  };
  with.fleeting.insert("acknowledgement");  // what is missing is an entry in its time
  with.fleeting.insert("agreement");
  with.services["agreement"] = [this](const outbox::OutboxItem& item, const outbox::Envelope& envelope, Timestamp retry_at) {
    return agreement_receipts->deliver(item, envelope, retry_at);
  };
  with.services["acknowledgement"] = [this](const outbox::OutboxItem& item, const outbox::Envelope& envelope, Timestamp retry_at) {
    return receipts->deliver(item, envelope, retry_at);
  };
  with.waits_until = [this](const std::string& peer, const outbox::Envelope& envelope) { return asked_to_wait->until(peer, kind_of(envelope)); };
  outbox = std::make_unique<outbox::Driver>(options, std::move(with));
}

/// A party that a list in force does not have any more. Without such a list nothing is known: its messages wait.
std::optional<outbox::Reason> Node::Parts::unreachable(const std::string& peer) const {
  if (!config.static_identity.empty() || directory->state(log_clock->now()) == identity::ListState::expired) return std::nullopt;
  const auto party = directory->find(ParticipantId(peer));
  if (party || party.error().code != ErrorCode::not_found) return std::nullopt;
  return outbox::Reason{"not-a-member", {"the membership list does not have this party any more"}};
}

Result<void> Node::Parts::drop_message(const outbox::DeadLetter& letter, const outbox::Reason& reason, const std::string& person) {
  Commit commit;
  outbox::discard(commit, letter);
  commit.entries.push_back(writer->dropped_entry(letter, reason, person));
  const auto envelope = outbox::decode_envelope(letter.bytes);
  Result<void> done;
  if (letter.service == "transfer" && envelope) {
    done = transfers->forget(ProcessId(letter.process), envelope->id, commit);
  } else if (const auto committed = commits->commit_and_wait(std::move(commit)); !committed) {
    done = committed.error();
  }
  outbox->dead_changed();
  return done;
}

}  // namespace sluis::node
