#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/gate/ending.hpp"
#include "connector/gate/running.hpp"

/// What the gate writes down: decisions, ends, and claims that were used.
namespace sluis::gate {
namespace {

constexpr std::size_t kPruneAtOnce = 1000;

std::string due_key(Timestamp due, std::string_view replay_key) {
  std::string time;
  put_u64(time, static_cast<std::uint64_t>(due.time_since_epoch().count()));
  return std::string(kReplayDuePrefix) + to_hex(time) + "/" + std::string(replay_key);
}

void set_end(v1::Shared& shared, const ReleaseEnd& end) {
  const bool complete = end.how == ReleaseEnd::How::complete;
  shared.set_event(complete ? "complete" : end.how == ReleaseEnd::How::cut ? "cut" : "failed");
  shared.set_end(complete ? "complete" : "cut");
  shared.set_digest(std::string(view(end.digest)));
  shared.set_rows(end.rows);
  shared.set_bytes(end.bytes);
  if (!complete) *shared.mutable_decision() = to_proto(end.reason, false);
}

}  // namespace

Commit Gate::decision(Asked& asked, const policy::Reason& reason, bool permit, const std::string& source) const {
  v1::Shared& shared = asked.begun;
  shared.Clear();
  set_time(shared, with_.decision_clock.now());
  shared.set_event(permit ? "permitted" : "refused");
  shared.set_self(self_.str());
  shared.set_counterparty(asked.party.id.str());
  shared.set_transaction(asked.transaction);
  shared.set_dataset(asked.transfer.dataset.str());
  shared.set_agreement(asked.transfer.agreement.str());
  shared.set_transfer(asked.transfer.own_pid.str());
  shared.set_purpose(asked.verdict.purpose.empty() ? asked.purpose : asked.verdict.purpose);
  shared.set_declared(asked.claim_header.empty() ? "by agreement" : asked.pushed ? "per transfer" : "per request");
  shared.set_peer_checkpoint(asked.peer_checkpoint);
  *shared.mutable_decision() = to_proto(reason, permit);
  Hash offer_hash{};
  if (asked.verdict.agreement) {
    offer_hash = asked.verdict.agreement->offer_hash;
    shared.set_offer_hash(std::string(view(offer_hash)));
    shared.set_agreement_hash(std::string(view(asked.verdict.agreement->agreement_hash)));
  }
  if (asked.verdict.terms) shared.set_program_hash(std::string(view(asked.verdict.terms->program_hash)));
  set_rests_on(shared, asked.verdict.rests_on);
  set_evidence(shared, is_two_sided(asked));

  v1::Internal internal;
  internal.set_activity(asked.activity);
  internal.set_certificate(asked.party.certificate);
  internal.set_claim_kid(asked.claim_kid);
  internal.set_source(source);
  if (!asked.pushed_to.empty()) internal.set_detail("pushed to " + asked.pushed_to);
  set_known(internal, asked.verdict);
  set_step(internal, asked.decided);
  Commit commit;
  commit.entries.push_back(make_entry(provenance::EntryKind::decision, offer_hash, shared, internal));
  return commit;
}

v1::Internal Gate::Asked::end() const {
  v1::Internal internal;
  set_step(internal, released);
  internal.set_begun_us(begun.time_us());
  internal.set_activity(activity);
  if (!pushed_to.empty()) internal.set_detail("pushed to " + pushed_to);
  if (plan) internal.set_processed_under(plan->processed_under);
  return internal;
}

/// The claim counts once: its key must be absent, and stays for ten minutes.
void Gate::guard_replay(Commit& commit, const Asked& asked) const {
  if (asked.replay_key.empty()) return;
  commit.preconditions.push_back({asked.replay_key, std::nullopt});
  commit.changes.push_back({asked.replay_key, "1"});
  commit.changes.push_back({due_key(with_.decision_clock.now() + limits::kReplayKept, asked.replay_key), ""});
}

/// The party's log can prove only what its node has named by a claim; of what is pushed it records nothing by itself.
bool Gate::is_two_sided(const Asked& asked) const {
  return !asked.pushed && !asked.claim_header.empty() && with_.membership.keeps_evidence(asked.party.id, with_.decision_clock.now());
}

/// Only of a request that the party's own claim names: of any other its node does not know the name.
void Gate::expect_receipts(Commit& commit, Asked& asked, bool permit) const {
  asked.receipts_key.clear();
  if (with_.receipts != nullptr && !asked.replay_key.empty()) asked.receipts_key = with_.receipts->decided(commit, asked.begun, permit);
}

void Gate::maybe_prune() {
  const std::int64_t minute =
      std::chrono::floor<std::chrono::minutes>(with_.decision_clock.now()).time_since_epoch().count();
  std::int64_t last = pruned_minute_.load();
  if (minute == last || !pruned_minute_.compare_exchange_strong(last, minute)) return;
  const auto pruned = prune_claims();
  if (!pruned) log::warning("claims_not_pruned", {{"error", pruned.error().message}});
}

Result<void> Gate::prune_claims() {
  const std::string end = due_key(with_.decision_clock.now(), "");
  Commit commit;
  commit.commit_class = CommitClass::bulk;
  SLUIS_CHECK(with_.store.scan(kReplayDuePrefix, kReplayDuePrefix, [&](std::string_view key, std::string_view) {
    if (key >= end || commit.changes.size() >= kPruneAtOnce) return false;
    commit.changes.push_back({std::string(key), std::nullopt});
    commit.changes.push_back({std::string(key.substr(end.size())), std::nullopt});
    return true;
  }));
  if (commit.changes.empty()) return {};
  with_.commits.submit(std::move(commit), [](const Result<CommitReceipt>& done) {
    if (!done) log::warning("claims_not_pruned", {{"error", done.error().message}});
  });
  return {};
}

Result<void> Gate::recover() {
  SLUIS_TRY(const auto left, open_processes(with_.store, kReleasePrefix, with_.payload_keys));
  for (const auto& [key, process] : left) {
    v1::Shared shared = end_of(process.shared, with_.decision_clock.now());
    shared.set_event("unknown");
    shared.set_end("unknown");
    Commit commit;
    commit.changes.push_back({key, std::nullopt});
    commit.entries.push_back(make_entry(provenance::EntryKind::stream_end, process.offer_hash, shared, process.end));
    if (with_.receipts != nullptr) with_.receipts->released(commit, shared);
    SLUIS_CHECK(commit_end(with_.commits, std::move(commit)));
  }
  return prune_claims();
}

void Gate::Running::run(http::ResponseSink& sink) {
  http::Headers headers{{std::string(kTransactionHeader), asked_->transaction}};
  if (const std::string note = with_.checkpoint(); !note.empty()) headers[std::string(kCheckpointHeader)] = to_base64(note);
  record(send(prepared_, *stream_, with_.decision_clock, sink, std::move(headers)));
}

Gate::Running::~Running() {
  if (recorded_) return;
  ReleaseEnd end;
  end.reason = stream_->cut_reason().value_or(make_reason("peer.gone"));
  if (stream_->cut_reason()) end.how = ReleaseEnd::How::cut;
  end.digest = crypto::sha256("");
  record(end);
}

void Gate::Running::record(const ReleaseEnd& end) {
  recorded_ = true;
  v1::Shared shared = end_of(asked_->begun, with_.decision_clock.now());
  set_end(shared, end);
  const bool cut = end.how == ReleaseEnd::How::cut;
  v1::Internal internal = asked_->end();
  internal.set_source(prepared_.version());
  if (cut) internal.set_decision_span_id(another_step(asked_->released, with_.random).span_id);
  Commit commit;
  if (cut) commit.commit_class = CommitClass::revoke;
  commit.changes.push_back({asked_->open_key, std::nullopt});
  commit.entries.push_back(make_entry(cut ? provenance::EntryKind::cut : provenance::EntryKind::stream_end,
                                      asked_->verdict.agreement->offer_hash, shared, internal));
  if (with_.receipts != nullptr) with_.receipts->released(commit, shared);
  const auto done = commit_end(with_.commits, std::move(commit));
  // It stays open in the store, and is closed as unknown at the next start.
  if (!done) log::error("end_not_recorded", {{"transaction", asked_->transaction}, {"error", done.error().message}});
}

}  // namespace sluis::gate
