#include "connector/outbox/driver.hpp"

#include "connector/base/log.hpp"
#include "connector/outbox/keys.hpp"

#include <algorithm>

namespace sluis::outbox {
namespace {

constexpr std::chrono::seconds kLookEvery{1};  ///< at a store that cannot be read
constexpr std::size_t kPage = 256;             ///< keys, of a walk
constexpr std::chrono::milliseconds kShortest{1};

}  // namespace

Driver::Driver(DriverOptions options, DriverDependencies dependencies)
    : options_(options), with_(std::move(dependencies)), dispatcher_(options_.dispatcher, with_.store, with_.random) {}

Driver::~Driver() { stop(); }

Result<void> Driver::start() {
  {
    const std::lock_guard lock(mutex_);
    SLUIS_CHECK(dispatcher_.look(with_.clock.now()));
  }
  for (std::size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { run(); });
  return {};
}

void Driver::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Driver::notify(std::string_view peer, std::string_view process) {
  {
    const std::lock_guard lock(mutex_);
    dispatcher_.on_committed(std::string(peer), std::string(process), with_.clock.now());
    ++count_;
    if (!walked_.empty() && process_prefix(peer, process) <= walked_) ++recount_;
  }
  wake_.notify_one();
}

void Driver::wake(std::string_view peer, std::string_view process) {
  {
    const std::lock_guard lock(mutex_);
    dispatcher_.on_committed(std::string(peer), std::string(process), with_.clock.now());
  }
  wake_.notify_one();
}

void Driver::heard(std::string_view peer) {
  {
    const std::lock_guard lock(mutex_);
    if (!dispatcher_.on_heard(std::string(peer), with_.clock.now())) return;
  }
  wake_.notify_one();
}

void Driver::look_again() {
  {
    const std::lock_guard lock(mutex_);
    missed_ = true;
  }
  dead_changed_ = true;
  wake_.notify_one();
}

Result<void> Driver::retry(const DeadLetter& letter) {
  Commit commit;
  revive(commit, letter, with_.clock.now());
  const auto done = with_.commits.commit_and_wait(std::move(commit));
  dead_changed_ = true;
  SLUIS_CHECK(done);
  notify(letter.peer, letter.process);
  return {};
}

Result<std::size_t> Driver::dead_letters() const {
  if (!dead_changed_.exchange(false)) return dead_.load();
  const Result<std::size_t> count = count_dead(with_.store, kMostDead);
  if (count) dead_ = *count;
  else dead_changed_ = true;
  return count;
}

Standing Driver::standing() const {
  const std::lock_guard lock(mutex_);
  return {static_cast<std::uint64_t>(std::max<std::int64_t>(count_, 0)), counted_, dispatcher_.in_memory(), dispatcher_.peers()};
}

void Driver::run() {
  Lock lock(mutex_);
  while (!stopping_) {
    const Timestamp now = with_.clock.now();
    const Result<std::vector<Dispatcher::Send>> sends = dispatcher_.on_timer(now, 1);
    if (!sends) {
      wake_.wait_for(lock, kLookEvery);
      continue;
    }
    if (sends->empty()) {
      if (missed_) {
        if (!look(lock)) wake_.wait_for(lock, kLookEvery);
      } else if (walk_is_due(now)) {
        walk_page(lock);
      } else {
        std::optional<Timestamp> due = dispatcher_.next_due();
        if (!walking_ && (!due || next_walk_ < *due)) due = next_walk_;
        if (due) wake_.wait_for(lock, std::max<Duration>(*due - now, kShortest));
        else wake_.wait(lock);
      }
      continue;
    }
    wake_.notify_one();  // there may be more for another thread
    const Dispatcher::Send& send = sends->front();
    lock.unlock();
    const std::optional<Answered> answered = deliver(send);
    lock.lock();
    const Delivered* delivered = answered ? &answered->delivered : nullptr;
    const Verdict verdict = delivered != nullptr ? delivered->verdict : Verdict::dropped;
    const bool left = delivered != nullptr && (verdict == Verdict::done || verdict == Verdict::dropped || verdict == Verdict::dead);
    const auto gone = static_cast<std::int64_t>(delivered != nullptr ? delivered->also : 0) + (left ? 1 : 0);
    count_ -= gone;
    if (!walked_.empty() && send.item.key <= walked_) recount_ -= gone;
    dispatcher_.on_reply(send.item, verdict, with_.clock.now(), answered ? answered->not_before : Timestamp{});
  }
  wake_.notify_all();
}

/// Under the lock, so that no item whose removal is committed meanwhile is taken for a new one.
bool Driver::look(Lock&) {
  missed_ = !dispatcher_.look(with_.clock.now());
  return !missed_;
}

/// One page of a walk through all that waits. The others send meanwhile.
void Driver::walk_page(Lock& lock) {
  walking_ = true;
  const std::string after = walked_;
  lock.unlock();
  struct Old {
    OutboxItem item;
    Envelope envelope;
    std::string bytes;
  };
  std::vector<Old> old;
  std::vector<std::string> peers;
  std::string last;
  std::size_t count = 0;
  const Result<void> read = with_.store.scan(kPrefix, after.empty() ? std::string(kPrefix) : after + '\0', [&](std::string_view key, std::string_view value) {
    if (count == kPage) return false;
    ++count;
    last = key;
    std::optional<ItemKey> parsed = parse_item_key(key);
    if (!parsed) return true;
    if (peers.empty() || peers.back() != parsed->peer) peers.push_back(parsed->peer);
    if (!waited_too_long(queued_of(value))) return true;
    if (Result<Envelope> envelope = decode_envelope(value); envelope) {
      old.push_back({{std::string(key), std::move(parsed->peer), std::move(parsed->process), parsed->sequence, false}, std::move(*envelope), std::string(value)});
    }
    return true;
  });
  std::int64_t gone = 0;
  for (Old& one : old) {
    if (give_up(one.item, std::move(one.bytes), &one.envelope, {}, {"too-old", {"it waited longer than this node tries"}}) != Verdict::retry_untried) ++gone;
  }
  lock.lock();
  walking_ = false;
  for (const std::string& peer : peers) dispatcher_.on_walked(peer);
  count_ -= gone;
  if (!read) {
    next_walk_ = with_.clock.now() + kLookEvery;
  } else if (count < kPage) {
    count_ = recount_ + static_cast<std::int64_t>(count) - gone;
    counted_ = true;
    recount_ = 0;
    walked_.clear();
    next_walk_ = with_.clock.now() + options_.walk_every;
  } else {
    recount_ += static_cast<std::int64_t>(count) - gone;
    walked_ = std::move(last);
    if (!counted_) count_ = std::max(count_, recount_);
  }
  wake_.notify_one();
}

bool Driver::waited_too_long(std::optional<Timestamp> queued) const {
  return queued && with_.clock.now() - *queued > options_.give_up_after;
}

Verdict Driver::give_up(const OutboxItem& item, std::string bytes, const Envelope* envelope, std::optional<Timestamp> first_try, Reason reason) {
  if (envelope != nullptr && with_.fleeting.contains(envelope->service)) {
    Commit gone;
    gone.changes.push_back({item.key, std::nullopt});
    return with_.commits.commit_and_wait(std::move(gone)) ? Verdict::dropped : Verdict::retry_untried;
  }
  DeadLetter letter;
  letter.key = item.key;
  letter.peer = item.peer;
  letter.process = item.process;
  letter.sequence = item.sequence;
  if (envelope != nullptr) {
    letter.service = envelope->service;
    letter.kind = envelope->kind;
    letter.queued = envelope->queued;
  }
  letter.reason = bounded(std::move(reason));
  letter.first_try = first_try;
  letter.died = with_.clock.now();
  letter.bytes = std::move(bytes);
  Commit commit;
  bury(commit, letter);
  const auto done = with_.commits.commit_and_wait(std::move(commit));
  dead_changed_ = true;
  if (!done) return Verdict::retry_untried;
  if (told_.now(letter.died)) log::warning("a message will not be delivered", {{"id", id_of(letter)}, {"peer", letter.peer}, {"process", letter.process}, {"why", letter.reason.code}});
  return Verdict::dead;
}

std::optional<Driver::Answered> Driver::deliver(const Dispatcher::Send& send) {
  if (with_.held && with_.held()) return Answered(Verdict::retry_untried);
  Result<std::optional<std::string>> bytes = with_.store.get(send.item.key);
  if (!bytes) return Answered(Verdict::retry_untried);
  if (!*bytes) return std::nullopt;
  const Result<Envelope> envelope = decode_envelope(**bytes);
  const std::optional<Timestamp> before = send.attempt > 0 ? send.first_try : std::nullopt;
  const auto dead = [&](std::optional<Timestamp> first_try, Reason reason) {
    return Answered(give_up(send.item, std::move(**bytes), envelope ? &*envelope : nullptr, first_try, std::move(reason)));
  };
  if (!envelope) return dead(before, {"unreadable", {describe(envelope.error())}});
  const auto service = with_.services.find(envelope->service);
  if (service == with_.services.end()) return dead(before, {"unknown-service", {"this node has nothing that sends `" + envelope->service + "`"}});
  if (waited_too_long(envelope->queued)) return dead(before, {"too-old", {"it waited longer than this node tries"}});
  if (with_.unreachable) {
    if (std::optional<Reason> why = with_.unreachable(send.item.peer)) return dead(before, std::move(*why));
  }
  const auto asked = [&] { return with_.waits_until ? with_.waits_until(send.item.peer, *envelope) : std::nullopt; };
  if (const auto until = asked()) return Answered(Verdict::retry_untried, *until);
  OutboxItem item = send.item;
  item.maybe_sent = item.maybe_sent || envelope->maybe_sent;
  Delivered delivered = service->second(item, *envelope, send.retry_at);
  // Who asks to wait is there: the messages of other kinds go on.
  if (delivered.verdict == Verdict::away || delivered.verdict == Verdict::retry) {
    if (const auto until = asked()) {
      delivered.verdict = Verdict::retry;  // what it removed besides stays with it
      return Answered(std::move(delivered), *until);
    }
  }
  if (delivered.verdict != Verdict::dead) return Answered(std::move(delivered));
  return dead(send.first_try, std::move(delivered.reason));
}

}  // namespace sluis::outbox
