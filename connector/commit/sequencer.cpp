#include "connector/commit/sequencer.hpp"

#include "connector/base/limits.hpp"

#include <algorithm>
#include <future>

namespace sluis::commit {

Sequencer::Sequencer(storage::ReopeningStore& store, provenance::PayloadKeys& keys, Clock& clock, Random& random,
                     Options options)
    : store_(store), clock_(clock), random_(random), options_(std::move(options)), log_(keys, random_), keys_(keys) {}

Sequencer::~Sequencer() { stop(); }

Result<void> Sequencer::open() {
  SLUIS_TRY(slots_, provenance::CheckpointSlots::open(options_.checkpoint_folder));
  SLUIS_CHECK(recover());
  thread_ = std::thread([this] { run(); });
  return {};
}

void Sequencer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::string Sequencer::quarantine() const {
  const std::lock_guard lock(state_mutex_);
  return quarantine_;
}

std::string Sequencer::checkpoint() const {
  const std::lock_guard lock(state_mutex_);
  return checkpoint_;
}

std::string Sequencer::verifier_key() const {
  return provenance::VerifierKey::of(options_.origin, options_.key).text();
}

Timestamp Sequencer::decision_time() const {
  return std::max(clock_.now(), Timestamp(Duration(recorded_us_.load())));
}

bool Sequencer::clock_behind() const {
  return Timestamp(Duration(recorded_us_.load())) - clock_.now() > limits::kClockBehindLog;
}

Result<void> Sequencer::check_slot(const std::string& note) {
  const auto key = provenance::VerifierKey::of(options_.origin, options_.key);
  const auto kept = provenance::open_checkpoint(note, key);
  std::string why;
  if (!kept) {
    why = "the kept checkpoint is not of this log: " + describe(kept.error());
  } else if (kept->size > log_.size()) {
    why = "the log has " + std::to_string(log_.size()) + " entries, the kept checkpoint signs " + std::to_string(kept->size);
  } else {
    SLUIS_TRY(const Hash root, provenance::LogReader(store_, keys_).root(kept->size));
    if (root != kept->root) why = "the log has another root than the kept checkpoint at " + std::to_string(kept->size);
  }
  const std::lock_guard lock(state_mutex_);
  quarantine_ = why;
  checkpoint_ = note;
  return {};
}

Result<void> Sequencer::recover() {
  ready_ = false;
  SLUIS_CHECK(store_.reopen());
  SLUIS_CHECK(log_.recover(store_));
  recorded_us_ = log_.recorded().time_since_epoch().count();
  SLUIS_TRY(const std::optional<std::string> sequence, store_.get("meta/outbox-sequence"));
  sequence_ = sequence && sequence->size() == 8 ? get_u64(*sequence) : 0;
  if (slots_->newest()) SLUIS_CHECK(check_slot(*slots_->newest()));
  if (quarantine().empty()) SLUIS_CHECK(sign_and_keep());
  ready_ = true;
  return {};
}

Result<void> Sequencer::make_ready() {
  if (!ready_) SLUIS_CHECK(recover());
  if (const std::string why = quarantine(); !why.empty()) {
    return Error(ErrorCode::storage_unavailable, "the log is quarantined: " + why)
        .mended_by("restore the store that belongs to the checkpoint, or keep both as evidence");
  }
  return {};
}

Result<void> Sequencer::sign_and_keep() {
  if (log_.size() == 0) return {};
  const std::string note = provenance::sign_checkpoint({options_.origin, log_.size(), log_.root()}, options_.key);
  if (slots_->newest() != note) SLUIS_CHECK(slots_->write(note));
  const std::lock_guard lock(state_mutex_);
  checkpoint_ = note;
  return {};
}

bool Sequencer::queue_empty() const { return queued_ == 0; }

void Sequencer::enqueue(Ticket ticket) {
  queues_[static_cast<std::size_t>(ticket.commit.commit_class)].push_back(std::move(ticket));
  ++queued_;
}

void Sequencer::submit(Commit commit, Completion done) {
  std::unique_lock lock(mutex_);
  if (stopping_ || (queued_ >= limits::kQueuedCommits && commit.commit_class != CommitClass::revoke)) {
    const Error error = stopping_ ? Error(ErrorCode::storage_unavailable, "the node is stopping")
                                  : Error(ErrorCode::limit_exceeded, "too many commits are waiting");
    lock.unlock();
    done(error);
    return;
  }
  enqueue({std::move(commit), std::move(done)});
  lock.unlock();
  wake_.notify_one();
}

Result<CommitReceipt> Sequencer::commit_and_wait(Commit commit) {
  std::unique_lock lock(mutex_);
  if (!stopping_ && !leading_ && queue_empty()) {
    leading_ = true;
    lock.unlock();
    Result<CommitReceipt> result = Error(ErrorCode::internal, "no answer");
    Tickets alone;
    alone.push_back({std::move(commit), [&](Result<CommitReceipt> done) { result = std::move(done); }});
    lead(std::move(alone));
    lock.lock();
    leading_ = false;
    const bool more = !queue_empty() || stopping_;
    lock.unlock();
    if (more) wake_.notify_one();
    return result;
  }
  lock.unlock();
  std::promise<Result<CommitReceipt>> promise;
  auto future = promise.get_future();
  submit(std::move(commit), [&](Result<CommitReceipt> done) { promise.set_value(std::move(done)); });
  return future.get();
}

Sequencer::Tickets Sequencer::take_batch() {
  Tickets batch;
  std::size_t bytes = 0;
  for (auto& queue : queues_) {
    while (!queue.empty() && batch.size() < limits::kBatchCommits) {
      const std::size_t size = size_of(queue.front().commit);
      if (!batch.empty() && bytes + size > limits::kBatchBytes) return batch;
      bytes += size;
      batch.push_back(std::move(queue.front()));
      queue.pop_front();
      --queued_;
    }
  }
  return batch;
}

void Sequencer::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return (!queue_empty() && !leading_) || (stopping_ && queue_empty() && !leading_); });
    if (queue_empty()) return;
    leading_ = true;
    Tickets batch = take_batch();
    lock.unlock();
    lead(std::move(batch));
    lock.lock();
    leading_ = false;
  }
}

void Sequencer::fail(Tickets& tickets, const Error& error) {
  for (Ticket& ticket : tickets) ticket.done(error);
}

void Sequencer::lead(Tickets tickets) {
  if (const auto ready = make_ready(); !ready) return fail(tickets, ready.error());
  const Timestamp recorded = std::max(clock_.now(), log_.recorded());
  const bool behind = log_.recorded() - clock_.now() > limits::kClockBehindLog;
  Batch batch(store_, log_, recorded, sequence_);
  std::vector<std::pair<Ticket, std::size_t>> taken;
  for (std::size_t i = 0; i < tickets.size(); ++i) {
    Ticket& ticket = tickets[i];
    if (behind && ticket.commit.commit_class != CommitClass::revoke) {
      ticket.done(Error(ErrorCode::invalid_state, "this node's clock is behind its log")
                      .mended_by("set the clock; until then only revocations are recorded"));
      continue;
    }
    auto added = batch.add(ticket.commit);
    if (added) {
      taken.emplace_back(std::move(ticket), *added);
    } else if (added.error().code == ErrorCode::conflict || added.error().code == ErrorCode::limit_exceeded) {
      ticket.done(added.error());
    } else {  // nothing of the batch was written: every commit that was taken so far is refused, and so are the others
      ready_ = false;
      for (auto& [other, index] : taken) other.done(added.error());
      for (std::size_t k = i; k < tickets.size(); ++k) tickets[k].done(added.error());
      return;
    }
  }
  if (taken.empty()) return;
  auto kept = store_.write(batch.finish(), true);
  if (kept) kept = sign_and_keep();
  if (!kept) {
    ready_ = false;
    const Error unknown = Error(ErrorCode::outcome_unknown, "it is not known whether this was recorded: " + kept.error().message)
                              .mended_by("ask again with the same commit id");
    for (auto& [ticket, index] : taken) ticket.done(unknown);
    return;
  }
  sequence_ = batch.sequence();
  recorded_us_ = recorded.time_since_epoch().count();
  for (auto& [ticket, index] : taken) ticket.done(batch.receipt(index));
  if (batch.has_messages() && on_messages_) on_messages_();
}

}  // namespace sluis::commit
