#include "connector/commit/sequencer.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"

#include <algorithm>
#include <exception>

namespace sluis::commit {
namespace {

constexpr std::chrono::minutes kPruneEvery{1};
constexpr std::chrono::seconds kTryEvery{1};  ///< to open a store that failed, and to take a reserve that was given back
constexpr std::size_t kBulkBytes = 128U << 10U;  ///< of a batch that bulk commits fill

Error unknown(const std::string& why) {
  return Error(ErrorCode::outcome_unknown, "it is not known whether this was recorded: " + why)
      .mended_by("ask again with the same commit id");
}

}  // namespace

Sequencer::Sequencer(storage::ReopeningStore& store, provenance::PayloadKeys& keys, Clock& clock, Random& random,
                     Options options)
    : store_(store), clock_(clock), source_(random), random_(random), options_(std::move(options)), log_(keys, random_), keys_(keys) {}

Sequencer::~Sequencer() { stop(); }

Result<void> Sequencer::open() {
  SLUIS_CHECK(recover());
  take_reserve();
  thread_ = std::thread([this] { run(); });
  keeper_ = std::thread([this] { run_keeper(); });
  return {};
}

void Sequencer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  keeper_wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (keeper_.joinable()) keeper_.join();
}

std::string Sequencer::quarantine() const {
  const std::lock_guard lock(state_mutex_);
  return given_up_.empty() ? quarantine_ : given_up_;
}

std::string Sequencer::trouble() const {
  const std::lock_guard lock(state_mutex_);
  return trouble_;
}

/// Throws nothing: a batch is begun while it is called.
void Sequencer::set_trouble(const std::string& why) try {
  std::string before = why;
  {
    const std::lock_guard lock(state_mutex_);
    std::swap(trouble_, before);
  }
  // By the time that was recorded last, so it is not told again and again while nothing is.
  if (before == why || !told_.now(Timestamp(Duration(recorded_us_.load())))) return;
  if (why.empty()) {
    log::info("all is recorded again", {});
  } else {
    log::error("exchanges are not recorded, and refused", {{"what", why}});
  }
} catch (const std::exception&) {
}

void Sequencer::give_up(const std::string& why) {
  log::error("the log is given up", {{"why", why}});
  {
    const std::lock_guard lock(state_mutex_);
    given_up_ = why;
  }
  // For every later start, too: who proved it may be away then.
  if (const auto kept = store_.write({{std::string(kGivenUpMark), why}}, true); !kept) {
    log::error("that it is given up is not kept", {{"what", kept.error().message}});
  }
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
    SLUIS_TRY(const Hash root, provenance::LogReader(store_, keys_, log_.shards()).root(kept->size));
    if (root != kept->root) why = "the log has another root than the kept checkpoint at " + std::to_string(kept->size);
  }
  const std::lock_guard lock(state_mutex_);
  quarantine_ = why;
  checkpoint_ = kept ? note : std::string();  // another log's is never given out
  return {};
}

/// What the store itself and the folders beside it say against going on; empty: nothing.
Result<std::string> Sequencer::why_not_newest() const {
  SLUIS_TRY(const std::optional<std::string> restored, store_.get(kRestoredMark));
  if (restored) return "it was restored from a backup of " + *restored + ": `sluis log recover` lets a new log follow";
  SLUIS_TRY(const std::optional<std::string> given_up, store_.get(kGivenUpMark));
  if (given_up) return *given_up;
  if (const auto later = provenance::unknown_slots(options_.checkpoint_folder, log_.shards())) {
    return "another log followed this one, and the store does not know of it: `" + later->string() + "`";
  }
  return std::string();
}

Result<void> Sequencer::look() {
  SLUIS_CHECK(store_.reopen());
  SLUIS_CHECK(log_.recover(store_));
  const provenance::Shard& shard = log_.shard();
  if (!shard.origin.empty() && shard.origin != options_.origin) {
    return Error(ErrorCode::invalid_state, "the store's newest log is `" + shard.origin + "`, not `" + options_.origin + "`");
  }
  if (!slots_) {
    SLUIS_TRY(slots_, provenance::CheckpointSlots::open(provenance::slots_folder(options_.checkpoint_folder, shard)));
  }
  recorded_us_ = log_.recorded().time_since_epoch().count();
  SLUIS_TRY(const std::optional<std::string> sequence, store_.get("meta/outbox-sequence"));
  sequence_ = sequence && sequence->size() == 8 ? get_u64(*sequence) : 0;
  SLUIS_TRY(const std::optional<std::string> kept, store_.get(kKeptMark));
  marked_ = kept.has_value();
  if (slots_->newest()) {
    SLUIS_CHECK(check_slot(*slots_->newest()));
  } else if (marked_) {
    const std::lock_guard lock(state_mutex_);
    quarantine_ = "its kept checkpoints are gone: nothing shows that this store is the newest";
  }
  SLUIS_TRY(const std::string why, why_not_newest());
  if (!why.empty()) {
    const std::lock_guard lock(state_mutex_);
    quarantine_ = why;
  }
  kept_size_ = 0;
  return {};
}

Result<void> Sequencer::sign_what_is_there() {
  if (quarantine().empty()) SLUIS_CHECK(keep(log_.size(), log_.root()));
  return {};
}

/// The store is opened anew, and what it holds is signed.
Result<void> Sequencer::recover() {
  const auto open = [this]() -> Result<void> {
    SLUIS_CHECK(look());
    return sign_what_is_there();
  };
  auto opened = open();
  if (!opened && options_.reserve != nullptr && options_.reserve->give_way()) opened = open();
  return opened;
}

void Sequencer::take_reserve() {
  Result<void> held = {};
  if (options_.reserve != nullptr) held = options_.reserve->hold();
  reserve_tried_ = clock_.now();
  has_reserve_ = held.has_value();
  set_trouble(held ? std::string() : "only revocations are recorded, as there is no room for others: " + held.error().message);
}

Result<void> Sequencer::make_ready(bool recover_first) {
  if (recover_first) {
    if (options_.reserve != nullptr) options_.reserve->give_way();
    SLUIS_CHECK(recover());
    {
      const std::lock_guard lock(mutex_);
      pipeline_.recovered();
    }
    take_reserve();
    if (on_recovered_) on_recovered_();
  } else if (const Duration since = clock_.now() - reserve_tried_; !has_reserve_ && (since >= kTryEvery || since < Duration(0))) {
    take_reserve();
  }
  if (const std::string why = quarantine(); !why.empty()) {
    return Error(ErrorCode::storage_unavailable, "the log is quarantined: " + why)
        .mended_by("restore the store that belongs to the checkpoint, or keep both as evidence");
  }
  return {};
}

Result<void> Sequencer::keep(std::uint64_t size, const Hash& root) {
  if (size == 0 || size == kept_size_) return {};
  if (const std::string why = quarantine(); !why.empty()) return Error(ErrorCode::storage_unavailable, "the log is quarantined: " + why);
  const std::string note = provenance::sign_checkpoint({options_.origin, size, root}, options_.key);
  if (slots_->newest() != note) SLUIS_CHECK(slots_->write(note));
  kept_size_ = size;
  kept_once_ = true;
  const std::lock_guard lock(state_mutex_);
  checkpoint_ = note;
  return {};
}

bool Sequencer::full(CommitClass commit_class) const {
  return queued_ >= limits::kQueuedCommits && commit_class != CommitClass::revoke;
}

void Sequencer::enqueue(Ticket ticket) {
  ticket.bell = bell_;
  queues_[static_cast<std::size_t>(ticket.commit.commit_class)].push_back(std::move(ticket));
  ++queued_;
}

void Sequencer::submit(Commit commit, Completion done) {
  Ticket ticket{std::move(commit), std::move(done)};
  ticket.prepared = prepare(ticket.commit);
  Lock lock(mutex_);
  if (stopping_ || full(ticket.commit.commit_class)) {
    const Error error = stopping_ ? Error(ErrorCode::storage_unavailable, "the node is stopping")
                                  : Error(ErrorCode::limit_exceeded, "too many commits are waiting");
    lock.unlock();
    ticket.done(error);
    return;
  }
  enqueue(std::move(ticket));
  const bool can_begin = pipeline_.may_begin();
  lock.unlock();
  if (can_begin) wake_.notify_one();
}

/// By who wants it, so that the one who writes has less to do. Whatever is wrong with an entry, its batch says it.
std::vector<provenance::PreparedEntry> Sequencer::prepare(const Commit& commit) {
  std::vector<provenance::PreparedEntry> all;
  if (commit.entries.empty()) return all;
  try {
    const Timestamp recorded = decision_time();
    DrawnRandom random(source_);
    random.draw(provenance::kRandomBytesPerEntry * commit.entries.size());
    for (const EntryDraft& draft : commit.entries) {
      auto one = provenance::prepare(draft, recorded, keys_, random);
      if (!one) return {};
      all.push_back(std::move(*one));
    }
  } catch (const std::exception&) {
    return {};
  }
  return all;
}

Result<CommitReceipt> Sequencer::commit_and_wait(Commit commit) {
  Waiter waiter;
  Ticket ticket{std::move(commit), {}, &waiter};
  ticket.prepared = prepare(ticket.commit);
  Lock lock(mutex_);
  if (stopping_) return Error(ErrorCode::storage_unavailable, "the node is stopping");
  if (full(ticket.commit.commit_class)) return Error(ErrorCode::limit_exceeded, "too many commits are waiting");
  if (queued_ == 0 && pipeline_.idle()) {
    Tickets alone;
    alone.push_back(std::move(ticket));
    lead_next(lock, std::move(alone), true);
    keep_due(lock);
    if (waiter.answered) return std::move(*waiter.result);
    ticket.bell = 0;  // the keeper was quicker and has it in hand
  } else {
    enqueue(std::move(ticket));
    ticket.bell = bell_;
    if (pipeline_.may_begin()) wake_.notify_one();
  }
  lock.unlock();
  const WakeWord& bell = bells_[ticket.bell];
  for (std::uint32_t seen = bell.now(); !waiter.answered; seen = bell.now()) bell.wait(seen);
  return std::move(*waiter.result);
}

std::size_t Sequencer::unprepared(const Tickets& tickets) {
  std::size_t entries = 0;
  for (const Ticket& ticket : tickets) entries += ticket.commit.entries.size() - ticket.prepared.size();
  return entries;
}

Sequencer::Tickets Sequencer::take_batch() {
  Tickets batch;
  batch.reserve(std::min(queued_, limits::kBatchCommits));
  std::size_t bytes = 0;
  bell_ = static_cast<std::uint8_t>((bell_ + 1U) % bells_.size());
  for (auto& queue : queues_) {
    // A revocation waits for the batch that is being written: one of bulk is short.
    const std::size_t most = &queue == &queues_[static_cast<std::size_t>(CommitClass::bulk)] ? kBulkBytes : limits::kBatchBytes;
    while (!queue.empty() && batch.size() < limits::kBatchCommits) {
      const std::size_t size = size_of(queue.front().commit);
      if (!batch.empty() && bytes + size > most) return batch;
      bytes += size;
      batch.push_back(std::move(queue.front()));
      queue.pop_front();
      --queued_;
    }
  }
  return batch;
}

void Sequencer::run() {
  Lock lock(mutex_);
  const auto has_work = [this] { return queued_ != 0 && pipeline_.may_begin(); };
  const auto is_over = [this] { return stopping_ && queued_ == 0 && pipeline_.idle(); };
  while (!is_over()) {
    if (has_work()) {
      lead_next(lock, take_batch(), false);
    } else if (!troubled()) {
      wake_.wait(lock, [&] { return has_work() || is_over() || troubled(); });
    } else if (!wake_.wait_for(lock, kTryEvery, [&] { return has_work() || is_over(); }) && pipeline_.may_begin()) {
      lead_next(lock, {}, false);  // of nothing: it mends what it can
    }
  }
  keeper_wake_.notify_all();
}

void Sequencer::run_keeper() {
  Lock lock(mutex_);
  for (;;) {
    keeper_wake_.wait(lock, [this] { return keep_due_ || (stopping_ && queued_ == 0 && pipeline_.idle()); });
    if (!keep_due_) return;
    keep_due(lock);
  }
}

/// Takes one batch through preparation and write. The lock is held on entry and on return.
void Sequencer::lead_next(Lock& lock, Tickets tickets, bool keeps) {
  const bool recover_first = pipeline_.must_recover();
  const std::uint64_t number = pipeline_.begin();
  lock.unlock();
  Flight flight;
  flight.tickets = std::move(tickets);
  const Led led = lead(flight, recover_first);
  if (led == Led::failed) set_trouble(flight.error->message);
  lock.lock();
  flights_.emplace(number, std::move(flight));
  switch (led) {
    case Led::nothing: return perform(lock, pipeline_.abandoned(), keeps);
    case Led::written: return perform(lock, pipeline_.written(), keeps);
    case Led::failed: return perform(lock, pipeline_.write_failed(), keeps);
  }
}

/// Nothing that is thrown leaves a batch begun for ever: the worker's loop ends here.
Sequencer::Led Sequencer::lead(Flight& flight, bool recover_first) {
  try {
    if (const auto ready = make_ready(recover_first); !ready) {
      flight.error = ready.error();
      if (recover_first) set_trouble(ready.error().message);
      return Led::nothing;  // what must be recovered, still must
    }
    return prepare_and_write(flight);
  } catch (const std::exception& thrown) {
    log::error("a batch of commits was given up", {{"what", thrown.what()}});
    flight.error = unknown(thrown.what());
    return Led::failed;
  }
}

std::optional<Error> Sequencer::why_only_revocations() const {
  if (log_.recorded() - clock_.now() > limits::kClockBehindLog) {
    // Not `invalid_state`: a peer would take that for its own message's fault, and its resend for delivered (D19).
    return Error(ErrorCode::storage_unavailable, "this node's clock is behind its log").mended_by("set the clock; until then only revocations are recorded");
  }
  if (!has_reserve_) {
    return Error(ErrorCode::storage_unavailable, "the disk is full: only revocations are recorded").mended_by("make room on it");
  }
  return std::nullopt;
}

Sequencer::Led Sequencer::prepare_and_write(Flight& flight) {
  const Timestamp recorded = std::max(clock_.now(), log_.recorded());
  const std::optional<Error> barred = why_only_revocations();
  random_.draw(provenance::kRandomBytesPerEntry * unprepared(flight.tickets));
  Batch batch(store_, log_, recorded, sequence_);
  std::vector<std::optional<std::size_t>> indexes(flight.tickets.size());
  unsigned bells = 0;
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    Ticket& ticket = flight.tickets[i];
    if (barred && ticket.commit.commit_class != CommitClass::revoke) {
      answer(ticket, *barred, bells);
      continue;
    }
    const auto added = batch.add(ticket.commit, std::move(ticket.prepared));
    if (added) {
      indexes[i] = *added;
    } else if (added.error().code == ErrorCode::conflict || added.error().code == ErrorCode::limit_exceeded) {
      answer(ticket, added.error(), bells);
    } else {  // nothing of the batch was written: every commit that was taken so far is refused, and so are the others
      ring(bells);
      flight.error = added.error();
      return Led::failed;
    }
  }
  ring(bells);
  if (batch.empty()) return Led::nothing;
  if (recorded >= prune_next_) prune(batch, recorded);
  std::vector<storage::Change> changes = batch.finish();
  if (!marked_ && kept_once_) changes.push_back({std::string(kKeptMark), "yes"});
  if (const auto written = store_.write(changes, true); !written) {
    flight.error = unknown(written.error().message);
    return Led::failed;
  }
  marked_ = marked_ || kept_once_;
  sequence_ = batch.sequence();
  recorded_us_ = recorded.time_since_epoch().count();
  for (const auto& index : indexes) flight.receipts.push_back(index ? batch.receipt(*index) : CommitReceipt{});
  flight.size = log_.size();
  flight.root = log_.root();
  flight.messages = batch.has_messages();
  return Led::written;
}

/// Receipts that are too old go with this batch; when there are many, more go with the next. A failure costs nothing but room.
void Sequencer::prune(Batch& batch, Timestamp recorded) {
  const auto more = batch.prune(recorded - limits::kCommitReceiptKept);
  if (!more || !*more) prune_next_ = recorded + kPruneEvery;
}

/// Keeps the checkpoint that is due, if no other thread has taken it. The lock is held on entry and on return.
void Sequencer::keep_due(Lock& lock) {
  if (!keep_due_) return;
  const Flight& newest = flights_.at(*keep_due_);
  const std::uint64_t size = newest.size;
  const Hash root = newest.root;
  keep_due_.reset();
  lock.unlock();
  Result<void> kept = {};
  try {
    kept = keep(size, root);
  } catch (const std::exception& thrown) {
    kept = Error(ErrorCode::internal, thrown.what());
  }
  if (!kept) set_trouble(kept.error().message);
  lock.lock();
  if (!kept) keep_error_ = kept.error();
  perform(lock, kept ? pipeline_.kept() : pipeline_.keep_failed(), false);
}

void Sequencer::perform(Lock& lock, const Pipeline::Actions& actions, bool keeps) {
  std::vector<std::pair<Flight, bool>> settled;
  for (const auto& [batch, durable] : actions.complete) {
    auto flight = flights_.extract(batch);
    if (!durable && !flight.mapped().error) {
      flight.mapped().error = unknown(keep_error_ ? keep_error_->message : "an earlier batch failed");
    }
    settled.emplace_back(std::move(flight.mapped()), durable);
  }
  if (!settled.empty()) {
    lock.unlock();
    for (auto& [flight, durable] : settled) settle(flight, durable);
    lock.lock();
  }
  if (actions.keep) {
    keep_due_ = actions.keep;
    if (!keeps) keeper_wake_.notify_one();
  }
  if (pipeline_.may_begin() && (queued_ != 0 || stopping_ || troubled())) wake_.notify_one();
}

void Sequencer::settle(Flight& flight, bool durable) {
  unsigned bells = 0;
  for (std::size_t i = 0; i < flight.tickets.size(); ++i) {
    if (durable) {
      answer(flight.tickets[i], flight.receipts[i], bells);
    } else {
      answer(flight.tickets[i], *flight.error, bells);
    }
  }
  ring(bells);
  if (durable && flight.messages && on_messages_) on_messages_();
}

void Sequencer::answer(Ticket& ticket, Result<CommitReceipt> result, unsigned& bells) const {
  if (ticket.waiter != nullptr) {
    bells |= 1U << ticket.bell;
    Waiter& waiter = *std::exchange(ticket.waiter, nullptr);
    waiter.result = std::move(result);
    waiter.answered = true;  // it may be gone from here on
  } else if (ticket.done) {
    const Completion done = std::exchange(ticket.done, nullptr);
    try {
      done(std::move(result));
    } catch (const std::exception& thrown) {
      log::error("a commit's completion failed", {{"what", thrown.what()}});
    }
  }
}

void Sequencer::ring(unsigned bells) {
  for (std::size_t i = 0; i < bells_.size(); ++i) {
    if ((bells >> i) % 2 != 0) bells_[i].wake_all();
  }
}

}  // namespace sluis::commit
