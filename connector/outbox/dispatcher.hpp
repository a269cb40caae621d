#pragma once

#include "connector/base/random.hpp"
#include "connector/base/time.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluis::outbox {

/// A queued message, without its bytes: those stay in the store until it is sent.
struct OutboxItem {
  std::string key;
  std::string peer;
  std::string process;
  std::uint64_t sequence = 0;
  bool maybe_sent = false;  ///< found after a restart, or its outcome could not be recorded
};

/// What became of an item, as its service says.
enum class Verdict : std::uint8_t {
  done,             ///< it is no longer in the store
  retry,            ///< later
  retry_uncertain,  ///< later; it may have arrived and the store does not say so
};

/// When what is sent (D1): a machine without threads, sockets or store. Order within a process; at most `in_flight`
/// messages to one peer at a time; exponential back-off with jitter. One thread at a time.
class Dispatcher {
 public:
  struct Options {
    std::size_t in_flight = 8;                       ///< per peer
    Duration first_delay{0};                         ///< before a message's first send
    Duration backoff_min = std::chrono::milliseconds(200);
    Duration backoff_max = std::chrono::minutes(5);
  };
  struct Send {
    OutboxItem item;
    std::int64_t attempt = 0;  ///< 0: the first since start
    Timestamp retry_at;        ///< when it will be tried again if this does not succeed
  };

  Dispatcher(Options options, Random& random);

  /// A message is in the store. Known keys have no second effect. A message that waits for its next attempt at the
  /// head of the same process is due at once: it may have been overtaken.
  void on_committed(OutboxItem item, Timestamp now);
  /// What is to be sent now; those items are in flight until `on_reply`.
  std::vector<Send> on_timer(Timestamp now, std::size_t at_most = SIZE_MAX);
  void on_reply(const OutboxItem& item, Verdict verdict, Timestamp now);
  /// When `on_timer` has something to do next; none while all is in flight or empty.
  std::optional<Timestamp> next_due() const;
  std::size_t size() const;

 private:
  struct Entry {
    OutboxItem item;
    std::int64_t attempts = 0;
  };
  struct Queue {
    std::deque<Entry> entries;  ///< by sequence
    Timestamp due;
    Timestamp retry_at;
    bool in_flight = false;
    bool hurried = false;       ///< a later message came while the head was in flight
  };
  struct Peer {
    std::size_t in_flight = 0;
    std::map<std::string, Queue, std::less<>> queues;
  };

  Timestamp retry_time(std::int64_t attempts, Timestamp now);

  Options options_;
  Random& random_;
  std::map<std::string, Peer, std::less<>> peers_;
  std::size_t size_ = 0;
};

}  // namespace sluis::outbox
