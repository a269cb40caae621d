#pragma once

#include "connector/base/random.hpp"
#include "connector/base/time.hpp"
#include "connector/outbox/item.hpp"
#include "connector/outbox/standing.hpp"
#include "connector/storage/kv_store.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sluis::outbox {

/// When what is sent (D1): a machine without threads and sockets. What waits lies in the store, which it reads; in memory is, of each
/// peer, the first message of at most `window` processes that were hardly tried, and of at most `tried` others: messages that nobody takes
/// keep none from being read. Order within a process; at most `in_flight` messages to one peer at a time. A peer that gives no answer is
/// away: one probe at a time, with exponential back-off and jitter, until one is answered. One thread at a time.
class Dispatcher {
 public:
  struct Options {
    std::size_t in_flight = 16;      ///< to one peer
    std::size_t probes = 2;          ///< to all peers that are away, together
    std::size_t window = 128;        ///< processes of one peer in memory whose message was tried less than three times
    std::size_t tried = 4096;        ///< others
    Duration first_delay{0};         ///< before a message's first send
    Duration backoff_min = std::chrono::milliseconds(200);
    Duration backoff_max = std::chrono::seconds(30);
    Duration heard_pause = std::chrono::seconds(1);  ///< a peer that is heard of is tried at once, but no sooner after the last try
  };
  struct Send {
    OutboxItem item;
    std::int64_t attempt = 0;  ///< 0: the first since start
    Timestamp retry_at;        ///< when it will be tried again if this does not succeed
    std::optional<Timestamp> first_try;  ///< since start
  };

  Dispatcher(Options options, const storage::Reader& store, Random& random);

  /// Which peers have messages in the store: at start, and when there may be some that nobody told of. All that are there and not in
  /// memory may have been sent. Reads one message of each peer. Errors: those of the store; what was found is known.
  Result<void> look(Timestamp now);
  /// There is a message of this peer in the store.
  void on_found(const std::string& peer);
  /// As `on_found`, for a peer of which nothing is known: what a slow walk through all keys comes by.
  void on_walked(const std::string& peer) {
    if (!peers_.contains(peer)) on_found(peer);
  }
  /// A message of this process was put into the store. One that waits for its next attempt at the head of the same process is due at
  /// once: it may have been overtaken.
  void on_committed(const std::string& peer, const std::string& process, Timestamp now);
  /// A message came from this peer: if it was away, it is tried at once. Whether that changed anything.
  bool on_heard(const std::string& peer, Timestamp now);
  /// What is to be sent now; those items are in flight until `on_reply`. Errors: those of the store; later it may be there again.
  Result<std::vector<Send>> on_timer(Timestamp now, std::size_t at_most = SIZE_MAX);
  /// `not_before`: of a message that is tried again; looked at by nothing else, and by itself again after the longest back-off.
  void on_reply(const OutboxItem& item, Verdict verdict, Timestamp now, Timestamp not_before = {});
  /// When `on_timer` has something to do next; none while all is in flight or empty.
  std::optional<Timestamp> next_due() const;
  /// Messages in memory.
  std::size_t in_memory() const;
  /// Nothing is in memory, and nothing is known to be in the store.
  bool empty() const { return peers_.empty(); }
  std::vector<PeerState> peers() const;

 private:
  /// The first message of a process.
  struct Head {
    OutboxItem item;
    std::int64_t attempts = 0;
    std::int64_t opened = 0;  ///< so often this one had no answer from a peer that was not away
    Timestamp due;
    Timestamp retry_at;
    std::optional<Timestamp> first_try;
    bool in_flight = false;
    bool hurried = false;  ///< a later message came while it was in flight
    bool unanswered = false;
  };
  struct Peer {
    std::map<std::string, Head, std::less<>> heads;  ///< by process
    std::set<std::pair<Timestamp, std::string>> waiting;  ///< of heads that are not in flight
    std::size_t in_flight = 0;
    std::size_t fresh = 0;  ///< heads that count against the window
    bool more = false;    ///< the store may hold processes that are not in memory
    bool again = false;   ///< also before `cursor`
    std::string cursor;   ///< the last key that was read; empty: none
    bool away = false;
    std::int64_t failures = 0;
    Timestamp since;
    Timestamp due;        ///< away: of the next probe
    Timestamp probed;     ///< when the last one left
    std::string probing;  ///< the process whose message is the probe; empty: none is under way
  };
  using Peers = std::map<std::string, Peer, std::less<>>;

  Timestamp retry_time(std::int64_t attempts, Timestamp now);
  Timestamp capped(Timestamp due, Timestamp now) const;
  bool maybe_sent(std::uint64_t sequence) const { return sequence <= uncertain_until_ || uncertain_.contains(sequence); }
  bool full(const Peer& peer, std::size_t more) const;
  bool wants(const Peer& peer) const;
  Result<std::optional<OutboxItem>> first_of(std::string_view peer, std::string_view process) const;
  Result<void> refill(const std::string& name, Peer& peer, Timestamp now);
  void put(Peer& peer, OutboxItem item, Timestamp due);
  static void wait_until(Peer& peer, Head& head, Timestamp due);
  void take(Peer& peer, Head& head, Timestamp now, std::vector<Send>& sends);
  Head& to_probe(Peer& peer);
  Timestamp next_probe(const Peer& peer, const Head& head, Timestamp now);
  void open(Peer& peer, Head& head, Timestamp now);
  void close(Peer& peer, Timestamp now);
  void next_of(Peer& peer, std::map<std::string, Head, std::less<>>::iterator done, Timestamp now);
  bool idle(const Peer& peer) const { return peer.heads.empty() && !peer.more; }

  Options options_;
  const storage::Reader& store_;
  Random& random_;
  Peers peers_;
  std::string turn_;  ///< the peer that was served last: the next one is first in turn
  std::size_t probing_ = 0;
  std::uint64_t uncertain_until_ = 0;  ///< the last sequence that may have been sent before anybody here knew of it
  std::set<std::uint64_t> uncertain_;  ///< sequences whose outcome could not be recorded since; they leave it with the store
};

}  // namespace sluis::outbox
