#include "connector/gate/refusals.hpp"

#include "connector/base/log.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/gate/evidence.hpp"

#include <algorithm>

namespace sluis::gate {
namespace {

constexpr std::size_t kKinds = 10'000;  ///< reasons and parties; beyond that no party is told apart
constexpr std::size_t kUnsure = 100;

std::int64_t minute_of(Timestamp time) {
  return std::chrono::floor<std::chrono::minutes>(time).time_since_epoch().count();
}

std::string second(Timestamp time) { return format_time(std::chrono::floor<std::chrono::seconds>(time)); }

}  // namespace

RefusalCounter::RefusalCounter(CommitPort& commits, const Clock& clock, ParticipantId self)
    : commits_(commits), clock_(clock), self_(std::move(self)),
      alarm_(clock, [this](Timestamp now) { return ring(now); }) {}

RefusalCounter::~RefusalCounter() = default;

void RefusalCounter::count(std::string_view reason, std::string_view party) {
  What what(reason, party);
  const Timestamp now = clock_.now();
  const std::int64_t minute = minute_of(now);
  std::optional<Count> full;
  bool first = false;
  {
    const std::lock_guard lock(waiting_->mutex);
    auto& counts = waiting_->counts;
    if (counts.size() >= kKinds && !counts.contains(what)) what.second.clear();
    Count& count = counts[what];
    if (count.count != 0 && count.minute != minute) full = std::exchange(count, {});
    first = count.count == 0;
    if (first) count.first = now;
    count.minute = minute;
    count.last = now;
    ++count.count;
  }
  if (full) write(what, *full);
  if (first || full) alarm_.wake();
}

void RefusalCounter::flush() {
  std::map<What, Count> counts;
  {
    const std::lock_guard lock(waiting_->mutex);
    counts.swap(waiting_->counts);
  }
  for (const auto& [what, count] : counts) write(what, count);
  if (!counts.empty()) alarm_.wake();
}

std::optional<Timestamp> RefusalCounter::ring(Timestamp now) {
  const std::int64_t minute = minute_of(now);
  std::vector<std::pair<What, Count>> over;
  bool left = wrote_.exchange(false);
  {
    const std::lock_guard lock(waiting_->mutex);
    auto& counts = waiting_->counts;
    for (auto at = counts.begin(); at != counts.end();) {
      if (at->second.minute == minute) {
        left = true;
        ++at;
      } else {
        over.push_back(*at);
        at = counts.erase(at);
      }
    }
    auto& unsure = waiting_->unsure;
    const auto due = std::stable_partition(unsure.begin(), unsure.end(), [&](const auto& one) { return one.second.minute == minute; });
    left = left || due != unsure.begin();
    std::move(due, unsure.end(), std::back_inserter(over));
    unsure.erase(due, unsure.end());
  }
  for (const auto& [what, count] : over) write(what, count);
  if (!left && over.empty()) return std::nullopt;
  return Timestamp(std::chrono::minutes(minute + 1));
}

/// Of a minute, or of all the time in which it could not be written.
void RefusalCounter::write(const What& what, Count count) {
  const auto& [reason, party] = what;
  v1::Shared shared;
  set_time(shared, std::chrono::floor<std::chrono::minutes>(count.first));
  shared.set_event("refused");
  shared.set_self(self_.str());
  shared.set_counterparty(party);
  shared.set_count(count.count);
  std::map<std::string, std::string> period;
  if (reason.starts_with(kUndecided) || minute_of(count.first) != minute_of(count.last)) {
    period = {{"from", second(count.first)}, {"until", second(count.last)}};
  }
  *shared.mutable_decision() = to_proto(make_reason(reason, std::move(period)), false);
  Commit commit;
  const std::string named = reason + "/" + party + "/" + std::to_string(count.count) + format_time(count.first) + format_time(count.last);
  commit.id = "refused-count/" + to_hex(crypto::sha256(named));
  commit.commit_class = CommitClass::bulk;
  commit.entries.push_back(make_entry(provenance::EntryKind::refused_count, {}, shared, {}));
  count.minute = minute_of(clock_.now());
  wrote_ = true;
  commits_.submit(std::move(commit), [waiting = std::weak_ptr(waiting_), what, count](const Result<CommitReceipt>& done) {
    if (done) return;
    log::error("refusals_not_recorded", {{"reason", what.first}, {"count", std::to_string(count.count)}, {"error", done.error().message}});
    if (const auto still = waiting.lock()) still->again(what, count, done.error().code == ErrorCode::outcome_unknown);
  });
}

void RefusalCounter::Waiting::again(const What& what, const Count& count, bool unsure_of_it) {
  const std::lock_guard lock(mutex);
  if (unsure_of_it) {
    if (unsure.size() < kUnsure) unsure.emplace_back(what, count);
    return;
  }
  Count& now = counts[what];
  if (now.count == 0) {
    now = count;
    return;
  }
  now.first = std::min(now.first, count.first);
  now.last = std::max(now.last, count.last);
  now.count += count.count;
}

}  // namespace sluis::gate
