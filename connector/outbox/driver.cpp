#include "connector/outbox/driver.hpp"

#include "connector/outbox/keys.hpp"

#include <algorithm>

namespace sluis::outbox {
namespace {

constexpr std::chrono::seconds kLookEvery{1};  ///< at a store that cannot be read

}  // namespace

Driver::Driver(const storage::Reader& store, const Clock& clock, Random& random,
               std::map<std::string, Deliver> services, Dispatcher::Options options, std::size_t threads)
    : store_(store),
      clock_(clock),
      services_(std::move(services)),
      thread_count_(threads),
      dispatcher_(options, random) {}

Driver::~Driver() { stop(); }

Result<void> Driver::start() {
  SLUIS_CHECK(collect(kPrefix, true));
  for (std::size_t i = 0; i < thread_count_; ++i) threads_.emplace_back([this] { run(); });
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
  if (!collect(process_prefix(peer, process), false)) look_again();
}

void Driver::look_again() {
  {
    const std::lock_guard lock(mutex_);
    missed_ = true;
  }
  wake_.notify_all();
}

std::size_t Driver::size() const {
  const std::lock_guard lock(mutex_);
  return dispatcher_.size();
}

/// The lock is held over the scan, so that an item whose removal is committed meanwhile is not taken for a new one:
/// `on_reply` comes after it, and a second look finds it gone.
Result<void> Driver::collect(std::string_view prefix, bool maybe_sent) {
  const std::lock_guard lock(mutex_);
  const Timestamp now = clock_.now();
  SLUIS_CHECK(store_.scan(prefix, prefix, [&](std::string_view key, std::string_view) {
    if (std::optional<ItemKey> parsed = parse_item_key(key)) {
      dispatcher_.on_committed({std::string(key), std::move(parsed->peer), std::move(parsed->process),
                                parsed->sequence, maybe_sent},
                               now);
    }
    return true;
  }));
  wake_.notify_all();
  return {};
}

void Driver::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const std::vector<Dispatcher::Send> sends = dispatcher_.on_timer(clock_.now(), 1);
    if (sends.empty()) {
      if (missed_) {
        missed_ = false;
        lock.unlock();
        const bool looked = collect(kPrefix, true).has_value();
        lock.lock();
        if (!looked && !stopping_) {
          wake_.wait_for(lock, kLookEvery);
          missed_ = true;
        }
      } else if (const std::optional<Timestamp> due = dispatcher_.next_due()) {
        wake_.wait_for(lock, std::max(*due - clock_.now(), Duration(std::chrono::milliseconds(1))));
      } else {
        wake_.wait(lock);
      }
      continue;
    }
    lock.unlock();
    const Verdict verdict = deliver(sends.front());
    lock.lock();
    dispatcher_.on_reply(sends.front().item, verdict, clock_.now());
    wake_.notify_all();
  }
}

Verdict Driver::deliver(const Dispatcher::Send& send) {
  const Result<std::optional<std::string>> bytes = store_.get(send.item.key);
  if (!bytes) return Verdict::retry;
  if (!*bytes) return Verdict::done;
  const Result<Envelope> envelope = decode_envelope(**bytes);
  if (!envelope) return Verdict::retry;
  const auto service = services_.find(envelope->service);
  if (service == services_.end()) return Verdict::retry;
  return service->second(send.item, *envelope, send.retry_at);
}

}  // namespace sluis::outbox
