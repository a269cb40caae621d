#include "tests/sim/commits.hpp"

#include "connector/base/limits.hpp"
#include "tests/sim/node.hpp"
#include "tests/sim/world.hpp"

#include <algorithm>

namespace sluis::sim {
namespace {

constexpr std::chrono::seconds kTryEvery{1};  ///< as in commit/sequencer.cpp
constexpr std::size_t kGroup = 6;             ///< small, so that groups are cut
constexpr std::chrono::milliseconds kGather{3};
constexpr std::chrono::milliseconds kKeep{4};

Error unknown(const std::string& why) { return Error(ErrorCode::outcome_unknown, "it is not known whether this was recorded: " + why); }

std::string marker(std::uint64_t number) { return "sim-commit/" + std::to_string(number); }

}  // namespace

Commits::Commits(World& world, Node& node, Disk& disk)
    : world_(world),
      node_(node),
      disk_(disk),
      store_([this]() -> Result<std::unique_ptr<storage::KvStore>> { return disk_.open(); }),
      no_keys_("unused", world.dice),
      log_(no_keys_, world.dice) {}

Result<void> Commits::open() {
  SLUIS_CHECK(store_.reopen());
  SLUIS_CHECK(log_.recover(store_));
  SLUIS_TRY(const std::optional<std::string> sequence, store_.get("meta/outbox-sequence"));
  sequence_ = sequence ? get_u64(*sequence) : 0;
  world_.invariants.on_opened(node_.index(), disk_.inside);
  return {};
}

Timestamp Commits::decision_time() const { return std::max(node_.clock_time(), log_.recorded()); }

Commits::Ticket Commits::ticket_of(Commit commit) {
  Ticket ticket;
  Asked& asked = ticket.asked;
  asked.number = node_.next_commit();
  asked.id = commit.id;
  asked.preconditions = commit.preconditions;
  asked.changes = commit.changes;
  const Handling handling = Handling::of(world_.fibers.message());
  asked.message = handling.message;
  asked.handling = handling.arrival;
  asked.from = handling.from;
  asked.late = handling.late();
  for (const EntryDraft& entry : commit.entries) {
    const std::size_t space = entry.shared.find(' ');
    commit.changes.push_back({"sim-log/" + entry.shared.substr(0, space), entry.shared.substr(space + 1)});
  }
  commit.entries.clear();
  commit.changes.push_back({marker(asked.number), std::string()});
  if (!asked.message.empty()) commit.changes.push_back({"sim-acted/" + asked.message, asked.handling});
  ticket.commit = std::move(commit);
  if (world_.canary != Canary::none) {
    tamper(world_, node_.index(), ticket.commit);
    asked.changes = ticket.commit.changes;
  }
  return ticket;
}

Result<CommitReceipt> Commits::commit_and_wait(Commit commit) {
  std::optional<Result<CommitReceipt>> result;
  Ticket ticket = ticket_of(std::move(commit));
  ticket.answer = &result;
  ticket.waiter = world_.fibers.token();
  queues_[static_cast<std::size_t>(ticket.commit.commit_class)].push_back(std::move(ticket));
  ++queued_;
  plan_lead(world_.dice.between(Duration(0), kGather));
  world_.fibers.wait();
  return std::move(*result);
}

void Commits::plan_lead(Duration delay) {
  if (lead_planned_ || !pipeline_.may_begin()) return;
  lead_planned_ = true;
  world_.after(delay, [this, alive = alive_] { return *alive && lead(); });
}

std::vector<Commits::Ticket> Commits::take() {
  std::vector<Ticket> taken;
  for (auto& queue : queues_) {
    while (!queue.empty() && taken.size() < kGroup) {
      taken.push_back(std::move(queue.front()));
      queue.pop_front();
      --queued_;
    }
  }
  return taken;
}

/// One batch, from its preparation to its write, as Sequencer::lead.
bool Commits::lead() {
  lead_planned_ = false;
  if (!pipeline_.may_begin() || (queued_ == 0 && !pipeline_.must_recover())) return false;
  const bool recover_first = pipeline_.must_recover();
  const std::uint64_t number = pipeline_.begin();
  Flight& flight = flights_[number];
  flight.tickets = take();
  flight.indexes.resize(flight.tickets.size());
  if (recover_first) {
    if (const Result<void> opened = open(); !opened) {
      flight.error = Error(ErrorCode::storage_unavailable, opened.error().message);
      perform(pipeline_.abandoned());
      plan_lead(kTryEvery);
      return true;
    }
    pipeline_.recovered();
    node_.store_came_back();
  }
  if (world_.faults.happens(Fault::crash_before_write)) {
    node_.crash_now();
    return true;
  }
  if (write(flight)) {
    perform(pipeline_.written());
  } else if (flight.error) {
    perform(pipeline_.write_failed());
    plan_lead(kTryEvery);
  } else {
    perform(pipeline_.abandoned());
  }
  return true;
}

bool Commits::write(Flight& flight) {
  const Timestamp clock = node_.clock_time();
  const Timestamp recorded = world_.canary == Canary::time_set_back ? clock : std::max(clock, log_.recorded());
  const bool barred = log_.recorded() - clock > limits::kClockBehindLog;
  commit::Batch batch(store_, log_, recorded, sequence_);
  std::vector<const Asked*> added;
  for (std::size_t i = 0; i < flight.tickets.size(); ++i) {
    Ticket& ticket = flight.tickets[i];
    if (barred && ticket.commit.commit_class != CommitClass::revoke) {
      answer(ticket, Error(ErrorCode::storage_unavailable, "this node's clock is behind its log"));
      continue;
    }
    if (world_.canary == Canary::group_loses_precondition && !added.empty()) ticket.commit.preconditions.clear();
    const Result<std::size_t> index = batch.add(ticket.commit);
    if (index) {
      flight.indexes[i] = *index;
      added.push_back(&ticket.asked);
    } else if (index.error().code == ErrorCode::conflict || index.error().code == ErrorCode::limit_exceeded) {
      if (world_.canary == Canary::refused_but_written) {
        Commit anyway = ticket.commit;
        anyway.preconditions.clear();
        (void)batch.add(anyway);
      }
      answer(ticket, index.error());
    } else {
      flight.error = index.error();
      return false;
    }
  }
  if (batch.empty()) return false;
  const std::vector<storage::Change> changes = batch.finish();
  if (world_.faults.happens(Fault::write_lost)) {
    disk_.next = Disk::Write::fails_lost;
  } else if (world_.faults.happens(Fault::write_kept)) {
    disk_.next = Disk::Write::fails_kept;
  }
  const bool lost = disk_.next == Disk::Write::fails_lost;
  const Result<void> written = store_.write(changes, true);
  if (!lost) world_.invariants.on_written(node_.index(), changes, added);
  if (!written) {
    flight.error = unknown(written.error().message);
    return false;
  }
  if (world_.canary == Canary::sync_forgotten) node_.remember_unsynced(changes);
  sequence_ = batch.sequence();
  for (const auto& index : flight.indexes) flight.receipts.push_back(index ? batch.receipt(*index) : CommitReceipt{});
  return true;
}

bool Commits::keep() {
  if (world_.faults.happens(Fault::crash_after_write)) {
    node_.crash_now();
  } else if (world_.faults.happens(Fault::keep_fails)) {
    perform(pipeline_.keep_failed());
    plan_lead(kTryEvery);
  } else if (world_.faults.happens(Fault::crash_before_answer)) {
    node_.crash_now();
  } else {
    perform(pipeline_.kept());
  }
  return true;
}

void Commits::perform(const commit::Pipeline::Actions& actions) {
  for (const auto& [number, durable] : actions.complete) {
    auto flight = flights_.extract(number);
    std::vector<Ticket>& tickets = flight.mapped().tickets;
    for (std::size_t i = 0; i < tickets.size(); ++i) {
      if (durable) {
        answer(tickets[i], flight.mapped().receipts[i]);
      } else {
        answer(tickets[i], flight.mapped().error.value_or(unknown("an earlier batch failed")));
      }
    }
  }
  if (actions.keep) {
    world_.after(world_.dice.between(Duration(0), kKeep), [this, alive = alive_] { return *alive && keep(); });
  }
  if (queued_ != 0) plan_lead(Duration(0));
  else if (pipeline_.must_recover()) plan_lead(kTryEvery);  // also where nothing else comes, as Sequencer::run
}

void Commits::answer(Ticket& ticket, Result<CommitReceipt> result) {
  if (ticket.answer == nullptr) return;
  if (result) {
    world_.invariants.on_durable(node_.index(), ticket.asked, result->time);
  } else if (result.error().code != ErrorCode::outcome_unknown) {
    world_.invariants.on_refused(node_.index(), ticket.asked);
  }
  world_.note(result ? "durable" : "not recorded", node_.index(), result ? std::string_view() : to_string(result.error().code));
  *std::exchange(ticket.answer, nullptr) = std::move(result);
  world_.after(Duration(0), [this, alive = alive_, waiter = ticket.waiter] { return *alive && world_.fibers.wake(waiter); });
}

}  // namespace sluis::sim
