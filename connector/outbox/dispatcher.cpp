#include "connector/outbox/dispatcher.hpp"

#include "connector/base/bytes.hpp"
#include "connector/outbox/keys.hpp"

#include <algorithm>

namespace sluis::outbox {
namespace {

constexpr std::size_t kReadAtOnce = 1024;   ///< keys, when processes are looked for
constexpr std::int64_t kHurriedAtMost = 3;  ///< a message that had no answer so often while others had one waits for its own time
constexpr std::int64_t kFew = 3;            ///< tries, after which a message does not count against the window

}  // namespace

Dispatcher::Dispatcher(Options options, const storage::Reader& store, Random& random)
    : options_(options), store_(store), random_(random) {}

Timestamp Dispatcher::retry_time(std::int64_t attempts, Timestamp now) {
  const auto doublings = std::min<std::int64_t>(attempts, 30);
  const auto full = std::min(options_.backoff_max.count(), options_.backoff_min.count() << doublings);
  const auto half = static_cast<std::uint64_t>(full) / 2;  // between half of it and all of it
  const std::uint64_t jitter = half == 0 ? 0 : get_u64(random_.bytes(8)) % (half + 1);
  return now + Duration(static_cast<std::int64_t>(half + jitter));
}

/// A clock that was set back must not hold a message longer than the longest back-off.
Timestamp Dispatcher::capped(Timestamp due, Timestamp now) const {
  return std::min(due, now + std::max(options_.backoff_max, options_.first_delay));
}

Result<void> Dispatcher::look(Timestamp now) {
  SLUIS_TRY(const std::optional<std::string> sequence, store_.get(kSequenceKey));
  uncertain_until_ = sequence && sequence->size() == 8 ? get_u64(*sequence) : 0;
  std::string from(kPrefix);
  while (true) {
    std::string key;
    SLUIS_CHECK(store_.scan(kPrefix, from, [&](std::string_view found, std::string_view) {
      key = found;
      return false;
    }));
    if (key.empty()) return {};
    const std::optional<ItemKey> parsed = parse_item_key(key);
    if (!parsed) {
      from = key + '\0';
      continue;
    }
    on_found(parsed->peer);
    // Past all that begins like it. A peer whose id begins with this one and a slash is found by who walks through all keys.
    from = std::string(kPrefix) + parsed->peer + static_cast<char>('/' + 1);
    if (Peer& peer = peers_[parsed->peer]; peer.away) peer.due = capped(peer.due, now);
  }
}

void Dispatcher::on_found(const std::string& name) {
  Peer& peer = peers_[name];
  peer.again = peer.more;  // a lap that is under way may be past it
  peer.more = true;
}

/// The first message of a process in the store; none: there is none.
Result<std::optional<OutboxItem>> Dispatcher::first_of(std::string_view peer, std::string_view process) const {
  const std::string prefix = process_prefix(peer, process);
  std::optional<OutboxItem> found;
  SLUIS_CHECK(store_.scan(prefix, prefix, [&](std::string_view key, std::string_view) {
    std::optional<ItemKey> parsed = parse_item_key(key);
    if (!parsed || parsed->peer != peer) return true;
    found = OutboxItem{std::string(key), std::move(parsed->peer), std::move(parsed->process), parsed->sequence, maybe_sent(parsed->sequence)};
    return false;
  }));
  return found;
}

void Dispatcher::wait_until(Peer& peer, Head& head, Timestamp due) {
  peer.waiting.erase({head.due, head.item.process});
  head.due = due;
  peer.waiting.insert({due, head.item.process});
}

void Dispatcher::put(Peer& peer, OutboxItem item, Timestamp due) {
  std::string process = item.process;
  Head& head = peer.heads[process];
  if (!head.item.process.empty()) {
    peer.waiting.erase({head.due, process});
    if (head.attempts < kFew) --peer.fresh;
  }
  head = Head{};
  ++peer.fresh;
  head.item = std::move(item);
  wait_until(peer, head, due);
}

/// No process more may be in memory than these and so many.
bool Dispatcher::full(const Peer& peer, std::size_t more) const {
  return peer.fresh + more >= options_.window || peer.heads.size() + more >= options_.window + options_.tried;
}

/// There is something to read, and room for it. Of a peer that is away as well: it may be that only those in memory get no answer.
bool Dispatcher::wants(const Peer& peer) const { return peer.more && peer.fresh <= options_.window / 2 && !full(peer, 0); }

/// Reads on where it stopped, until the window is full. Each process once: what follows its first message waits for that.
Result<void> Dispatcher::refill(const std::string& name, Peer& peer, Timestamp now) {
  const std::string prefix = peer_prefix(name);
  const std::string from = peer.cursor.empty() ? prefix : peer.cursor + '\0';
  std::size_t read = 0;
  bool ended = true;
  std::vector<OutboxItem> found;
  const Result<void> scanned = store_.scan(prefix, from, [&](std::string_view key, std::string_view) {
    if (++read > kReadAtOnce || full(peer, found.size())) {
      ended = false;
      return false;
    }
    peer.cursor = key;
    std::optional<ItemKey> parsed = parse_item_key(key);
    if (!parsed || parsed->peer != name || peer.heads.contains(parsed->process)) return true;
    if (!found.empty() && found.back().process == parsed->process) return true;
    found.push_back({std::string(key), std::move(parsed->peer), std::move(parsed->process), parsed->sequence, maybe_sent(parsed->sequence)});
    return true;
  });
  for (OutboxItem& item : found) put(peer, std::move(item), now);  // also where it broke off: the cursor is past them
  SLUIS_CHECK(scanned);
  if (ended) {
    peer.more = std::exchange(peer.again, false);
    peer.cursor.clear();
  }
  return {};
}

void Dispatcher::on_committed(const std::string& name, const std::string& process, Timestamp now) {
  Peer& peer = peers_[name];
  const auto head = peer.heads.find(process);
  if (head != peer.heads.end() && head->second.in_flight) {
    head->second.hurried = true;
    return;
  }
  const bool known = head != peer.heads.end();
  if (!known && full(peer, 0)) {
    on_found(name);
    return;
  }
  Result<std::optional<OutboxItem>> first = first_of(name, process);
  if (!first) {
    on_found(name);
  } else if (*first && known && head->second.item.sequence == (*first)->sequence) {
    wait_until(peer, head->second, now);
  } else if (*first) {
    put(peer, std::move(**first), known ? now : now + options_.first_delay);
  }
  if (idle(peer)) peers_.erase(name);
}

bool Dispatcher::on_heard(const std::string& name, Timestamp now) {
  const auto found = peers_.find(name);
  if (found == peers_.end() || !found->second.away) return false;
  Peer& peer = found->second;
  const Timestamp soon = std::max(now, capped(peer.probed + options_.heard_pause, now));
  if (soon >= peer.due) return false;
  peer.due = soon;
  return true;
}

void Dispatcher::take(Peer& peer, Head& head, Timestamp now, std::vector<Send>& sends) {
  peer.waiting.erase({head.due, head.item.process});
  head.in_flight = true;
  ++peer.in_flight;
  if (!head.first_try) head.first_try = now;
  head.retry_at = retry_time(peer.away ? std::max(head.attempts, peer.failures) : head.attempts, now);
  sends.push_back({head.item, head.attempts++, head.retry_at, head.first_try});
  if (head.attempts == kFew) --peer.fresh;
}

/// By turns what was tried least and what is due first: messages that never get an answer hold up no other, nor do new ones.
Dispatcher::Head& Dispatcher::to_probe(Peer& peer) {
  Head* best = &peer.heads.find(peer.waiting.begin()->second)->second;
  if (peer.failures % 2 == 0) return *best;
  for (const auto& [due, process] : peer.waiting) {
    if (best->attempts == 0) break;
    Head& head = peer.heads.find(process)->second;
    if (head.attempts < best->attempts) best = &head;
  }
  return *best;
}

Result<std::vector<Dispatcher::Send>> Dispatcher::on_timer(Timestamp now, std::size_t at_most) {
  std::vector<Send> sends;
  if (peers_.empty()) return sends;
  auto turn = peers_.upper_bound(turn_);
  std::optional<Error> failed;
  for (std::size_t left = peers_.size(); left > 0 && sends.size() < at_most; --left, ++turn) {
    if (turn == peers_.end()) turn = peers_.begin();
    const std::string& name = turn->first;
    Peer& peer = turn->second;
    if (wants(peer)) {
      if (const auto read = refill(name, peer, now); !read) failed = read.error();  // what is in memory, and the other peers, go on
    }
    if (peer.away) {
      peer.due = capped(peer.due, now);
      if (!peer.probing.empty() || peer.due > now || probing_ >= options_.probes || peer.waiting.empty()) continue;
      Head& head = to_probe(peer);
      peer.probing = head.item.process;
      peer.probed = now;
      ++probing_;
      take(peer, head, now, sends);
      turn_ = name;
      continue;
    }
    while (sends.size() < at_most && peer.in_flight < options_.in_flight && !peer.waiting.empty()) {
      Head& head = peer.heads.find(peer.waiting.begin()->second)->second;
      wait_until(peer, head, capped(head.due, now));
      if (head.due > now) break;
      take(peer, head, now, sends);
      turn_ = name;
    }
  }
  std::erase_if(peers_, [this](const auto& one) { return idle(one.second); });
  if (failed && sends.empty()) return *failed;
  return sends;
}

/// After this one: when itself would be tried again, but for one that has been tried more often than the peer has failed.
Timestamp Dispatcher::next_probe(const Peer& peer, const Head& head, Timestamp now) {
  return head.attempts - 1 <= peer.failures ? std::max(head.retry_at, now) : retry_time(peer.failures, now);
}

/// No answer from the peer. What was under way when its circuit opened says nothing new.
void Dispatcher::open(Peer& peer, Head& head, Timestamp now) {
  head.unanswered = true;
  if (!peer.away) {
    peer.away = true;
    peer.since = now;
    peer.due = next_probe(peer, head, now);
    peer.failures = 1;
    ++head.opened;
  } else if (peer.probing == head.item.process) {
    peer.due = next_probe(peer, head, now);
    ++peer.failures;
  }
}

/// It answers: what had no answer goes on at once, but for what has none when others do.
void Dispatcher::close(Peer& peer, Timestamp now) {
  if (!peer.away) return;
  peer.away = false;
  peer.failures = 0;
  for (auto& [process, head] : peer.heads) {
    if (!head.in_flight && head.unanswered && head.opened < kHurriedAtMost && head.due > now) wait_until(peer, head, now);
    head.unanswered = false;
  }
}

/// The next message of a process whose first one has left the store.
void Dispatcher::next_of(Peer& peer, std::map<std::string, Head, std::less<>>::iterator done, Timestamp now) {
  const OutboxItem was = done->second.item;
  if (done->second.attempts < kFew) --peer.fresh;
  peer.heads.erase(done);
  uncertain_.erase(was.sequence);
  Result<std::optional<OutboxItem>> next = first_of(was.peer, was.process);  // also the same, where it was put back meanwhile
  if (!next) {
    on_found(was.peer);
  } else if (*next) {
    put(peer, std::move(**next), now);
  }
}

void Dispatcher::on_reply(const OutboxItem& item, Verdict verdict, Timestamp now, Timestamp not_before) {
  const auto found = peers_.find(item.peer);
  if (found == peers_.end()) return;
  Peer& peer = found->second;
  const auto at = peer.heads.find(item.process);
  if (at == peer.heads.end() || !at->second.in_flight || at->second.item.sequence != item.sequence) return;
  Head& head = at->second;
  head.in_flight = false;
  --peer.in_flight;
  if (verdict == Verdict::away) open(peer, head, now);
  if (peer.probing == item.process) {
    peer.probing.clear();
    --probing_;
    if (verdict == Verdict::retry_untried || verdict == Verdict::retry_uncertain) peer.due = next_probe(peer, head, now);
  }
  switch (verdict) {
    case Verdict::done: case Verdict::dropped: case Verdict::dead:
      next_of(peer, at, now);
      break;
    case Verdict::retry_uncertain:
      head.item.maybe_sent = true;
      uncertain_.insert(item.sequence);
      [[fallthrough]];
    case Verdict::retry: case Verdict::retry_untried: case Verdict::away:
      if (verdict == Verdict::retry) head.unanswered = false;
      wait_until(peer, head, std::max({head.retry_at, now, not_before}));
      if (std::exchange(head.hurried, false) && verdict != Verdict::away) on_committed(item.peer, item.process, now);
      break;
  }
  if (verdict == Verdict::done || verdict == Verdict::retry) close(peer, now);
  if (idle(peer)) peers_.erase(found);
}

std::optional<Timestamp> Dispatcher::next_due() const {
  std::optional<Timestamp> next;
  const auto at = [&](Timestamp due) {
    if (!next || due < *next) next = due;
  };
  for (const auto& [name, peer] : peers_) {
    if (peer.away) {
      const bool can = !peer.waiting.empty() || wants(peer);
      if (can && peer.probing.empty() && probing_ < options_.probes) at(peer.due);
      continue;
    }
    if (wants(peer)) at(Timestamp{});
    if (peer.in_flight < options_.in_flight && !peer.waiting.empty()) at(peer.waiting.begin()->first);
  }
  return next;
}

std::size_t Dispatcher::in_memory() const {
  std::size_t count = 0;
  for (const auto& [name, peer] : peers_) count += peer.heads.size();
  return count;
}

std::vector<PeerState> Dispatcher::peers() const {
  std::vector<PeerState> out;
  for (const auto& [name, peer] : peers_) {
    PeerState state{name, peer.away, peer.failures, {}, {}, peer.heads.size()};
    if (peer.away) {
      state.since = peer.since;
      state.next = peer.due;
    }
    out.push_back(std::move(state));
  }
  return out;
}

}  // namespace sluis::outbox
