#include "connector/gate/refusals.hpp"

#include "connector/base/log.hpp"
#include "connector/gate/evidence.hpp"

namespace sluis::gate {
namespace {
std::int64_t minute_of(Timestamp time) {
  return std::chrono::floor<std::chrono::minutes>(time).time_since_epoch().count();
}
}  // namespace

RefusalCounter::RefusalCounter(CommitPort& commits, const Clock& clock, ParticipantId self)
    : commits_(commits), clock_(clock), self_(std::move(self)),
      alarm_(clock, [this](Timestamp now) { return ring(now); }) {}

RefusalCounter::~RefusalCounter() = default;

void RefusalCounter::count(std::string_view reason, std::string_view party) {
  const What what(reason, party);
  const std::int64_t minute = minute_of(clock_.now());
  std::optional<Count> full;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    Count& count = counts_[what];
    if (count.count != 0 && count.minute != minute) full = std::exchange(count, {});
    first = count.count == 0;
    count.minute = minute;
    ++count.count;
  }
  if (full) write(what, *full);
  if (first) alarm_.wake();
}

void RefusalCounter::flush() {
  std::map<What, Count> counts;
  {
    const std::lock_guard lock(mutex_);
    counts.swap(counts_);
  }
  for (const auto& [what, count] : counts) write(what, count);
}

std::optional<Timestamp> RefusalCounter::ring(Timestamp now) {
  const std::int64_t minute = minute_of(now);
  std::map<What, Count> over;
  bool left = false;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = counts_.begin(); at != counts_.end();) {
      if (at->second.minute == minute) {
        left = true;
        ++at;
      } else {
        over.insert(*at);
        at = counts_.erase(at);
      }
    }
  }
  for (const auto& [what, count] : over) write(what, count);
  if (!left) return std::nullopt;
  return Timestamp(std::chrono::minutes(minute + 1));
}

void RefusalCounter::write(const What& what, const Count& count) {
  const auto& [reason, party] = what;
  v1::Shared shared;
  set_time(shared, Timestamp(std::chrono::minutes(count.minute)));
  shared.set_event("refused");
  shared.set_self(self_.str());
  shared.set_counterparty(party);
  shared.set_count(count.count);
  *shared.mutable_decision() = to_proto(make_reason(reason), false);
  Commit commit;
  commit.commit_class = CommitClass::bulk;
  commit.entries.push_back(make_entry(provenance::EntryKind::refused_count, {}, shared, {}));
  const std::string counted = std::to_string(count.count);
  commits_.submit(std::move(commit), [reason = reason, counted](const Result<CommitReceipt>& done) {
    if (done) return;
    log::error("refusals_not_recorded", {{"reason", reason}, {"count", counted}, {"error", done.error().message}});
  });
}

}  // namespace sluis::gate
