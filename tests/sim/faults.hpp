#pragma once

#include "connector/base/random.hpp"
#include "connector/base/time.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace sluis::sim {

/// Everything that is random in a seed comes from one of these: fast, and the same on every machine.
class Dice final : public Random {
 public:
  /// Neighbouring seeds must not give the same numbers one step apart, so the seed is stirred first.
  explicit Dice(std::uint64_t seed) : state_(seed * 0xD1342543DE82EF95ULL) { state_ = next() ^ (seed << 32U); }

  /// SplitMix64.
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }
  std::uint64_t below(std::uint64_t count) { return next() % count; }
  bool one_in(std::uint64_t count) { return below(count) == 0; }
  /// Between the two, in microseconds.
  Duration between(Duration least, Duration most) {
    return least + Duration(static_cast<std::int64_t>(below(static_cast<std::uint64_t>((most - least).count()) + 1)));
  }
  std::string bytes(std::size_t count) override;

 private:
  std::uint64_t state_;
};

/// What goes wrong (style.md, simulation). Each seed has some of them, each with an odds of its own.
enum class Fault : std::uint8_t {
  lost_request,        ///< sent, never there; the sender waits in vain
  lost_answer,         ///< the peer took it, its answer does not come
  refused_connection,  ///< nothing is sent
  duplicate,           ///< the same request comes a second time, perhaps much later
  reorder,             ///< a request overtakes one that left before it (what delays lead to; counted, not drawn)
  delay,               ///< seconds, within the sender's patience
  late_request,        ///< comes when its sender has given up
  slow_peer,           ///< answers when the sender has given up
  not_now,             ///< 429, 503 or 409, and nothing was done
  bad_gateway,         ///< 502 or 504, and all was done
  server_error,        ///< 500, and nothing was done
  partition,           ///< two nodes do not reach each other for a while
  crash_idle,
  crash_before_write,  ///< of a group of commits: it is lost
  crash_after_write,   ///< and before its checkpoint is kept: it is there, and nobody was told
  crash_before_answer, ///< it is durable, and nobody was told
  crash_sending,       ///< while a message is under way
  start_fails,         ///< the disk cannot be read at a start
  write_lost,          ///< a write fails and was not done
  write_kept,          ///< a write fails and was done
  keep_fails,          ///< the checkpoint cannot be kept beside the store
  read_fails,
  corrupt_read,        ///< the store says so
  clock_forward,
  clock_back,
  clock_skew,          ///< a node's clock goes wrong by a second or two, for good
  older_clock,         ///< a node starts again with a clock that is behind its log
  lie_about_state,     ///< a peer shows another state than it has
  lie_taken,           ///< a peer says 2xx and has not taken it
  lie_refused,         ///< a peer says 400 and has taken it
  forged_process,      ///< a message for a process of other parties
  forged_pid,          ///< a message that names another process of the sender
  forged_agreement,    ///< an agreement with other terms than were asked
  forged_order,        ///< a message of its own process at a wrong time
  count_
};
inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::count_);
std::string_view to_string(Fault fault);
/// Whether only a party that lies does that.
inline bool is_lie(Fault fault) { return fault >= Fault::lie_about_state; }

/// Counts over all seeds.
using FaultCounts = std::array<std::uint64_t, kFaults>;

/// The faults of one seed.
class Faults {
 public:
  Faults(Dice& dice, FaultCounts& fired);

  /// Whether it happens here; counted. Ask only where it would really happen.
  bool happens(Fault fault);
  /// Counts what was brought about in another way.
  void count(Fault fault) { ++fired_[static_cast<std::size_t>(fault)]; }
  bool enabled(Fault fault) const { return on_ && odds_[static_cast<std::size_t>(fault)] != 0; }
  void off() { on_ = false; }
  bool on() const { return on_; }

 private:
  Dice& dice_;
  FaultCounts& fired_;
  std::array<std::uint32_t, kFaults> odds_{};  ///< one in so many; 0: never
  bool on_ = true;
};

}  // namespace sluis::sim
