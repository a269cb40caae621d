#include "connector/outbox/dispatcher.hpp"

#include "connector/base/bytes.hpp"

#include <algorithm>

namespace sluis::outbox {

Dispatcher::Dispatcher(Options options, Random& random) : options_(options), random_(random) {}

void Dispatcher::on_committed(OutboxItem item, Timestamp now) {
  Queue& queue = peers_[item.peer].queues[item.process];
  const auto place = std::lower_bound(
      queue.entries.begin(), queue.entries.end(), item.sequence,
      [](const Entry& entry, std::uint64_t sequence) { return entry.item.sequence < sequence; });
  if (place != queue.entries.end() && place->item.sequence == item.sequence) return;
  if (queue.in_flight) {
    queue.hurried = true;
  } else {
    queue.due = queue.entries.empty() ? now + options_.first_delay : now;
  }
  queue.entries.insert(place, {std::move(item), 0});
  ++size_;
}

Timestamp Dispatcher::retry_time(std::int64_t attempts, Timestamp now) {
  const auto doublings = std::min<std::int64_t>(attempts, 30);
  const auto full = std::min(options_.backoff_max.count(), options_.backoff_min.count() << doublings);
  const auto half = static_cast<std::uint64_t>(full) / 2;  // between half of it and all of it
  const std::uint64_t jitter = half == 0 ? 0 : get_u64(random_.bytes(8)) % (half + 1);
  return now + Duration(static_cast<std::int64_t>(half + jitter));
}

std::vector<Dispatcher::Send> Dispatcher::on_timer(Timestamp now, std::size_t at_most) {
  std::vector<Send> sends;
  for (auto& [name, peer] : peers_) {
    for (auto& [process, queue] : peer.queues) {
      if (sends.size() >= at_most) return sends;
      if (peer.in_flight >= options_.in_flight) break;
      if (queue.in_flight || queue.entries.empty()) continue;
      // A clock that was set back must not hold a message longer than the longest back-off.
      queue.due = std::min(queue.due, now + std::max(options_.backoff_max, options_.first_delay));
      if (queue.due > now) continue;
      Entry& head = queue.entries.front();
      queue.in_flight = true;
      ++peer.in_flight;
      queue.retry_at = retry_time(head.attempts, now);
      sends.push_back({head.item, head.attempts++, queue.retry_at});
    }
  }
  return sends;
}

void Dispatcher::on_reply(const OutboxItem& item, Verdict verdict, Timestamp now) {
  const auto peer = peers_.find(item.peer);
  if (peer == peers_.end()) return;
  const auto found = peer->second.queues.find(item.process);
  if (found == peer->second.queues.end() || !found->second.in_flight) return;
  Queue& queue = found->second;
  const auto entry = std::find_if(queue.entries.begin(), queue.entries.end(), [&](const Entry& candidate) {
    return candidate.item.sequence == item.sequence;
  });
  if (entry == queue.entries.end()) return;
  queue.in_flight = false;
  --peer->second.in_flight;
  if (verdict == Verdict::done) {
    queue.entries.erase(entry);
    --size_;
    queue.due = now;
  } else {
    if (verdict == Verdict::retry_uncertain) entry->item.maybe_sent = true;
    queue.due = queue.hurried ? now : std::max(queue.retry_at, now);
  }
  queue.hurried = false;
  if (queue.entries.empty()) peer->second.queues.erase(found);
  if (peer->second.queues.empty()) peers_.erase(peer);
}

std::optional<Timestamp> Dispatcher::next_due() const {
  std::optional<Timestamp> next;
  for (const auto& [name, peer] : peers_) {
    if (peer.in_flight >= options_.in_flight) continue;
    for (const auto& [process, queue] : peer.queues) {
      if (queue.in_flight || queue.entries.empty()) continue;
      if (!next || queue.due < *next) next = queue.due;
    }
  }
  return next;
}

std::size_t Dispatcher::size() const { return size_; }

}  // namespace sluis::outbox
